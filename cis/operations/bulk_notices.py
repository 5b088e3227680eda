"""One message to many customers about their accounts, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cis.models import PortalAccess
from config.shared import messaging
from config.shared.personal_data import decrypt

# The telephone of the customer, and everybody who acts for the account in the portal.
_REACH = """
SELECT a.id, c.phone, NULL::bigint, '' FROM cis_account a JOIN cis_customer c ON c.id = a.customer_id
WHERE a.id = ANY(%(accounts)s) AND c.phone_index IS NOT NULL
UNION ALL
SELECT p.account_id, '', p.user_id, u.language
FROM cis_portal_access p JOIN shared_user u ON u.id = p.user_id AND u.is_active
WHERE p.account_id = ANY(%(accounts)s) AND p.ended_at IS NULL AND p.role = ANY(%(told)s)
"""
_TOLD = (PortalAccess.Role.OWNER, PortalAccess.Role.DELEGATE, PortalAccess.Role.AGENT)


@dataclass(frozen=True, slots=True)
class Notice:
    """
    What one customer is told; `key` names it for ever, whatever way it goes.

    `is_outlier`: what it says lies far beyond what is usual there; the brake on mass notices counts these.
    """

    account_id: int
    parameters: Mapping[str, str]
    key: str
    is_outlier: bool = False


def tell_customers(*, template: str, notices: Sequence[Notice], at: datetime) -> int:
    """
    Send one template to the customers of many accounts, by telephone and into the inbox of whoever acts for them in the
    portal; gives how many messages are new. Repeated keys are the same messages; who cannot be reached gets none.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            asked: dict[str, Any] = {"accounts": [notice.account_id for notice in notices], "told": list(_TOLD)}
            cursor.execute(_REACH, asked)
            rows = cursor.fetchall()
        by_account = {notice.account_id: notice for notice in notices}
        ways: dict[str, list[messaging.BulkMessage]] = {"sms": [], "in_app": []}
        for account_id, phone, user_id, language in rows:
            notice = by_account[account_id]
            way = "in_app" if user_id is not None else "sms"
            ways[way].append(
                messaging.BulkMessage(
                    to=messaging.Recipient(
                        phone=decrypt(phone) if phone else "",
                        user_id=user_id,
                        language=language or settings.LANGUAGE_CODE,
                    ),
                    parameters=notice.parameters,
                    dedupe_key=f"{notice.key}:{user_id or way}",
                    account_id=account_id,
                    is_outlier=notice.is_outlier,
                )
            )
        return sum(
            messaging.send_many(template=template, channel=way, messages=messages, at=at)
            for way, messages in ways.items()
        )
