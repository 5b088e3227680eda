"""Reminders before the due date, by behaviour: who always pays late is told earlier, who always pays on time never."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cis.collecting.credit import remind_before
from cis.messages import BILL_DUE
from cis.models import PortalAccess
from cis.queries.credit import facts_of_accounts, reminder_steps
from config.shared import messaging
from config.shared.money import yuan_from_fen
from config.shared.personal_data import decrypt

_TOLD = (PortalAccess.Role.OWNER, PortalAccess.Role.DELEGATE, PortalAccess.Role.PAYER)

_DUE = """
SELECT b.id, b.account_id, b.due_on - %(today)s FROM cis_bill b
WHERE b.open_fen > 0 AND b.due_on = ANY(%(days)s) AND NOT EXISTS
    (SELECT 1 FROM cis_instalment_agreement g WHERE g.account_id = b.account_id AND g.state = 'kept'
     UNION ALL SELECT 1 FROM cis_budget_plan p WHERE p.account_id = b.account_id AND p.state = 'kept')
"""
_IN_PORTAL = """
SELECT b.id, b.open_fen, b.due_on, a.id, a.account_no, '', p.user_id, coalesce(u.language, '')
FROM cis_bill b JOIN cis_account a ON a.id = b.account_id
JOIN cis_portal_access p ON p.account_id = a.id AND p.ended_at IS NULL AND p.role = ANY(%(told)s)
JOIN shared_user u ON u.id = p.user_id AND u.is_active
WHERE b.id = ANY(%(bills)s)
"""
_BY_TELEPHONE = """
SELECT b.id, b.open_fen, b.due_on, a.id, a.account_no, c.phone, NULL, ''
FROM cis_bill b JOIN cis_account a ON a.id = b.account_id
JOIN cis_customer c ON c.id = a.customer_id AND c.phone_index IS NOT NULL
WHERE b.id = ANY(%(bills)s) AND NOT EXISTS
    (SELECT 1 FROM cis_portal_access p WHERE p.account_id = a.id AND p.ended_at IS NULL AND p.role = ANY(%(told)s))
"""
_BY_CHANNEL = {"in_app": _IN_PORTAL, "sms": _BY_TELEPHONE}


def remind_of_bills(*, at: datetime) -> int:
    """
    Remind those whose behaviour asks for it of bills that fall due; how many messages are new.

    Set-wise: a statement for the bills, one for how their payers pay, one a channel. A bill is named once, whoever
    runs this how often.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    steps, bills_min = reminder_steps(on=today)
    days = {step.days_before for step in steps if step.days_before is not None}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"today": today, "days": [today + timedelta(days=number) for number in days]})
        found = cursor.fetchall()
    due: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for bill_id, account_id, before in found:
        due[account_id].append((bill_id, before))
    facts = facts_of_accounts(list(due), today=today)
    told = [
        bill_id
        for account_id, bills in due.items()
        for bill_id, before in bills
        if remind_before(facts[account_id], steps, bills_min=bills_min) == before
    ]
    new = 0
    with transaction.atomic():
        for channel in settings.BILL_NOTICES:
            with connection.cursor() as cursor:
                cursor.execute(_BY_CHANNEL[channel], {"bills": told, "told": list(_TOLD)})
                rows = cursor.fetchall()
            new += messaging.send_many(template=BILL_DUE.code, channel=channel, messages=_of(rows, channel), at=at)
    return new


def _of(rows: list[tuple[Any, ...]], channel: str) -> Iterator[messaging.BulkMessage]:
    for bill_id, open_fen, due_on, account_id, account_no, phone, user_id, language in rows:
        yield messaging.BulkMessage(
            to=messaging.Recipient(phone=decrypt(phone) if phone else "", user_id=user_id, language=language),
            parameters={"tail": account_no[-4:], "yuan": yuan_from_fen(open_fen), "due": str(due_on)},
            dedupe_key=f"bill-due:{bill_id}:{user_id or channel}",
            account_id=account_id,
        )
