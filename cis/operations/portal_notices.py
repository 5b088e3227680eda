"""What goes to a person's telephone because of the portal; each in the caller's transaction, once per key."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cis.messages import BINDING_ENDED, BINDING_NOTICE, CONTACT_ANSWERED
from config.shared import messaging


def tell_bound(
    *, access_id: int, telephones: Collection[str], account_no: str, by_telephone: str, role: str, at: datetime
) -> None:
    """Somebody was bound to an account that the receivers know; two statements, however many they are."""
    parameters = {"tail": account_no[-4:], "phone": by_telephone[-4:], "role": role}
    messages = [
        messaging.BulkMessage(
            to=messaging.Recipient(phone=telephone), parameters=parameters, dedupe_key=f"bound:{access_id}:{number}"
        )
        for number, telephone in enumerate(sorted(telephones))
    ]
    if messages:
        messaging.send_many(template=BINDING_NOTICE.code, channel="sms", messages=messages, at=at)


def tell_unbound(*, key: int, telephone: str, user_id: int, account_no: str, at: datetime) -> None:
    """The receiver's binding was ended by somebody else."""
    _tell(BINDING_ENDED, {"tail": account_no[-4:]}, telephone=telephone, user_id=user_id, key=f"unbound:{key}", at=at)


def tell_answered(*, key: int, telephone: str, user_id: int, at: datetime) -> None:
    """What the receiver reported was answered."""
    _tell(CONTACT_ANSWERED, {}, telephone=telephone, user_id=user_id, key=f"contact:{key}", at=at)


def _tell(
    template: messaging.Template,
    parameters: dict[str, str],
    *,
    telephone: str,
    user_id: int | None,
    key: str,
    at: datetime,
) -> None:
    to = messaging.Recipient(phone=telephone, user_id=user_id)
    if messaging.can_reach(template=template.code, to=to):
        messaging.send(template=template.code, to=to, parameters=parameters, dedupe_key=key, at=at)
