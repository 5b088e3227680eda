"""Pure: the tariff laboratory's arithmetic. The same population rated twice, as billed and under a draft tariff.

    rules = with_figures(version_rules, {"0.price_yuan.0": "0.60"})   # a draft from an existing version
    figures = figures_of(Compared(...))                               # of one shard: sums by group, histogram
    whole = add_up([figures, ...])                                    # of all shards

Units as in `cis.rating`: energy in 0.01 kWh, money in fen, int64. Nothing is rounded here: what is compared are bills.
"""

from cis.laboratory.comparison import BINS, GROUPINGS, STEPS_PERCENT, Compared, add_up, figures_of, furthest
from cis.laboratory.drafting import Figure, UnknownFigure, draft_from, list_figures, with_figures
from cis.laboratory.group_files import GroupFile, GroupFileFault, read_group_file

__all__ = [
    "BINS",
    "GROUPINGS",
    "STEPS_PERCENT",
    "Compared",
    "Figure",
    "GroupFile",
    "GroupFileFault",
    "UnknownFigure",
    "add_up",
    "draft_from",
    "figures_of",
    "furthest",
    "list_figures",
    "read_group_file",
    "with_figures",
]
