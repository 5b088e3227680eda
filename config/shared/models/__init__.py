"""Tables of the floor: who works here, what happened, what is being worked on, what was sent to people."""

from config.shared.models.app_sessions import AppSession
from config.shared.models.approvals import Approval, ApprovalStep
from config.shared.models.audit import Look, LookQuestion, PersonalDataAccess
from config.shared.models.identity import ApiKey, OrgUnit, Role, RoleGrant, User
from config.shared.models.jobs import Job, JobShard
from config.shared.models.messaging import LetterBatch, Message, MessageAttempt, MessageLimit, ReceiptNonce
from config.shared.models.notice_brake import NoticeCount, NoticeLimit, NoticeStop
from config.shared.models.outbox import OutboxDelivery, OutboxEvent
from config.shared.models.sessions import StaffSession
from config.shared.models.working_place import Draft, ServedCustomer, TableChoice

__all__ = [
    "ApiKey",
    "AppSession",
    "Approval",
    "ApprovalStep",
    "Draft",
    "Job",
    "JobShard",
    "LetterBatch",
    "Look",
    "LookQuestion",
    "Message",
    "MessageAttempt",
    "MessageLimit",
    "NoticeCount",
    "NoticeLimit",
    "NoticeStop",
    "OrgUnit",
    "OutboxDelivery",
    "OutboxEvent",
    "PersonalDataAccess",
    "ReceiptNonce",
    "Role",
    "RoleGrant",
    "ServedCustomer",
    "StaffSession",
    "TableChoice",
    "User",
]
