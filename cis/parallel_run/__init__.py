"""Pure: another system's bills against ours: why each pair differs, and whether that lets us go live."""

from cis.parallel_run.causes import EQUAL_CAUSES, Cause
from cis.parallel_run.classify import GROUPS, NOT_STATED, Side, classify, group_differences
from cis.parallel_run.file_layout import OTHER_BILLS
from cis.parallel_run.verdict import Figures, Thresholds, Verdict, judge, read_thresholds

__all__ = [
    "EQUAL_CAUSES",
    "GROUPS",
    "NOT_STATED",
    "OTHER_BILLS",
    "Cause",
    "Figures",
    "Side",
    "Thresholds",
    "Verdict",
    "classify",
    "group_differences",
    "judge",
    "read_thresholds",
]
