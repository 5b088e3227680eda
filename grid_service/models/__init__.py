"""The tables of grid service, by topic."""

from grid_service.models.care import CareCase
from grid_service.models.newcomers import ReceivingDistrict
from grid_service.models.notices import Notice, NoticeChoice, NoticeFollowUp, NoticeRecipient, NoticeVersion
from grid_service.models.portraits import Portrait
from grid_service.models.questions import Question, QuestionPass
from grid_service.models.territory import Assignment, Community, Coverage, ServiceDistrict

__all__ = [
    "Assignment",
    "CareCase",
    "Community",
    "Coverage",
    "Notice",
    "NoticeChoice",
    "NoticeFollowUp",
    "NoticeRecipient",
    "NoticeVersion",
    "Portrait",
    "Question",
    "QuestionPass",
    "ReceivingDistrict",
    "ServiceDistrict",
]
