"""Telling the owners of accounts of what concerns their supply: into the inbox, and to the telephone there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cis.models import Account, PortalAccess
from config.shared import messaging
from config.shared.messaging import BulkMessage

Told = tuple[int, str, Mapping[str, str], Mapping[str, str]]
"""account, key, what to say in Chinese and in English; the tail of the account's number is added"""


def tell_owners(*, template: str, told: Sequence[Told], at: datetime) -> int:
    """Ask for the messages, once a key, in the caller's transaction; gives how many are new. Four statements."""
    if not told:
        return 0
    accounts = {
        one.pk: one for one in Account.objects.select_related("customer").filter(pk__in={row[0] for row in told})
    }
    owners: dict[int, tuple[int | None, str]] = {}
    rows = PortalAccess.objects.filter(
        account_id__in=accounts, role=PortalAccess.Role.OWNER, ended_at=None, user__is_active=True
    )
    for account_id, user_id, language in rows.order_by("-pk").values_list("account_id", "user_id", "user__language"):
        owners[account_id] = (user_id, language)
    new = 0
    for channel in ("in_app", "sms"):
        messages = []
        for account_id, key, chinese, english in told:
            account = accounts[account_id]
            owner, language = owners.get(account_id, (None, ""))
            phone = account.customer.phone if channel == "sms" else ""
            if not phone and (channel == "sms" or owner is None):
                continue
            messages.append(
                BulkMessage(
                    to=messaging.Recipient(phone=phone, user_id=owner, language=language),
                    parameters={"tail": account.account_no[-4:], **(english if language == "en" else chinese)},
                    dedupe_key=f"{key}:{channel}",
                    account_id=account_id,
                )
            )
        new += messaging.send_many(template=template, channel=channel, messages=messages, at=at)
    return new
