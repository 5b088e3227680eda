"""Messages to customers about their accounts: one at a time, and a whole shard of bills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cis.messages import BILL_ISSUED
from cis.models import Account, BillingRun, PortalAccess
from config.shared import messaging
from config.shared.messaging import templates
from config.shared.models import JobShard
from config.shared.money import yuan_from_fen
from config.shared.personal_data import decrypt

# Who is told of bills in the portal: the household and who pays for it. A tenant sees the bills of their own time only.
_TOLD = (PortalAccess.Role.OWNER, PortalAccess.Role.DELEGATE, PortalAccess.Role.PAYER)

# Whether a bill lies far above the customer's own mean of three: the brake on mass notices counts these.
_FAR = """
CROSS JOIN LATERAL (
    SELECT coalesce(count(*) = 3 AND 100 * b.total_fen > %(times)s * avg(l.total_fen)
                    AND b.total_fen - avg(l.total_fen) > %(most)s, false) AS is_out
    FROM (SELECT p.total_fen FROM cis_bill p
          WHERE p.account_id = b.account_id AND p.period_start < b.period_start AND p.months = b.months
          ORDER BY p.period_start DESC, p.revision DESC LIMIT 3) l) far
"""
_PORTAL_BILLS = f"""
SELECT b.id, b.cycle, b.total_fen, b.due_on, a.id, a.account_no, '', p.user_id, coalesce(u.language, ''), far.is_out
FROM cis_bill b
JOIN cis_account a ON a.id = b.account_id
JOIN cis_portal_access p ON p.account_id = a.id AND p.ended_at IS NULL AND p.role = ANY(%(told)s)
JOIN shared_user u ON u.id = p.user_id AND u.is_active {_FAR}
WHERE b.run_id = %(run)s AND b.issued_at >= %(since)s AND b.account_id >= %(low)s AND b.account_id < %(high)s
"""  # noqa: S608 - our own text
# By telephone only those who have no portal of their own.
_TELEPHONE_BILLS = f"""
SELECT b.id, b.cycle, b.total_fen, b.due_on, a.id, a.account_no, c.phone, NULL, '', far.is_out
FROM cis_bill b
JOIN cis_account a ON a.id = b.account_id
JOIN cis_customer c ON c.id = a.customer_id AND c.phone_index IS NOT NULL {_FAR}
WHERE b.run_id = %(run)s AND b.issued_at >= %(since)s AND b.account_id >= %(low)s AND b.account_id < %(high)s
  AND NOT EXISTS (SELECT 1 FROM cis_portal_access p
                  WHERE p.account_id = a.id AND p.ended_at IS NULL AND p.role = ANY(%(told)s))
"""  # noqa: S608 - our own text
_BY_CHANNEL = {"in_app": _PORTAL_BILLS, "sms": _TELEPHONE_BILLS}


def tell_customer(
    *,
    account_id: int,
    template: str,
    parameters: Mapping[str, str],
    dedupe_key: str,
    happened_at: datetime,
    at: datetime,
) -> int | None:
    """
    Send a message about an account to its customer, once per key; gives its id, None where no way leads to them.

    A customer who uses the portal has it in the inbox too where the template says so. What happened longer ago than
    the template lasts is no news: records carried over from elsewhere wake nobody.
    """
    if at - happened_at > templates.get(template).lasts:
        return None
    with transaction.atomic():
        account = Account.objects.select_related("customer").filter(pk=account_id).first()
        if account is None:
            return None
        owner = (
            PortalAccess.objects.filter(
                account_id=account_id, role=PortalAccess.Role.OWNER, ended_at=None, user__is_active=True
            )
            .select_related("user")
            .order_by("pk")
            .first()
        )
        to = messaging.Recipient(
            phone=account.customer.phone,
            user_id=owner.user_id if owner is not None else None,
            language=(owner.user.language if owner is not None else "") or settings.LANGUAGE_CODE,
        )
        if not messaging.can_reach(template=template, to=to):
            return None
        return messaging.send(
            template=template, to=to, parameters=parameters, dedupe_key=dedupe_key, at=at, account_id=account_id
        )


def tell_of_bills(*, run_id: int, shard: int, at: datetime) -> int:
    """
    Tell customers that the bills of one shard are out, by the channels of BILL_NOTICES; gives how many are new.

    Set-wise: a fixed number of statements a channel, however many bills. Bills of 0 ring no telephone, bills issued
    longer ago than the template lasts are no news. Repeated, it finds the same messages.
    """
    run = BillingRun.objects.get(pk=run_id)
    low, high = 0, 2**63 - 1
    if run.job_id is not None:
        part = JobShard.objects.get(job_id=run.job_id, number=shard)
        low, high = part.low, part.high
    new = 0
    with transaction.atomic():
        for channel in settings.BILL_NOTICES:
            with connection.cursor() as cursor:
                # psycopg2 reads the whole answer at once; a shard is some thousands.
                asked: dict[str, Any] = {
                    "run": run_id,
                    "low": low,
                    "high": high,
                    "told": list(_TOLD),
                    "since": at - BILL_ISSUED.lasts,
                    "times": settings.OUTLIER_TIMES_E2,
                    "most": settings.OUTLIER_LEAST_FEN,
                }
                cursor.execute(_BY_CHANNEL[channel], asked)
                rows = cursor.fetchall()
            new += messaging.send_many(
                template=BILL_ISSUED.code, channel=channel, messages=_of_bills(rows, channel), at=at
            )
    return new


def _of_bills(rows: list[tuple[Any, ...]], channel: str) -> Iterator[messaging.BulkMessage]:
    for bill_id, cycle, total_fen, due_on, account_id, account_no, phone, user_id, language, is_out in rows:
        if channel == "sms" and not total_fen:
            continue
        yield messaging.BulkMessage(
            to=messaging.Recipient(phone=decrypt(phone) if phone else "", user_id=user_id, language=language),
            parameters={
                "tail": account_no[-4:],
                "month": f"{str(cycle)[:4]}-{str(cycle)[4:]}",
                "yuan": yuan_from_fen(total_fen),
                "due": str(due_on),
                "bill": f"{cycle}{bill_id:010d}",
            },
            dedupe_key=f"bill-issued:{bill_id}:{user_id or channel}",
            account_id=account_id,
            is_outlier=is_out,
        )
