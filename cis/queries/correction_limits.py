"""What single persons have moved on accounts of late: a limit for one person holds for all of it, not for each act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

# Back-billing and settlements of the market have limits of their own; what a second person approved is free.
_ALONE = """
SELECT coalesce(sum(fen), 0)::int8 FROM (
    SELECT abs(c.amount_fen) AS fen FROM cis_bill_correction c
    WHERE c.account_id = ANY(%(accounts)s) AND c.asked_by_id IS NOT NULL AND c.approval_id IS NULL
      AND c.asked_at > %(since)s AND c.asked_at <= %(at)s
      AND c.cause NOT IN ('back-bill', 'market-settlement')
    UNION ALL
    SELECT abs(b.total_fen - n.total_fen) FROM cis_bill_cancellation x
    JOIN cis_bill b ON b.id = x.bill_id JOIN cis_bill n ON n.id = x.replaced_by_id
    WHERE b.account_id = ANY(%(accounts)s) AND x.asked_by_id IS NOT NULL AND x.approval_id IS NULL
      AND x.cancelled_at > %(since)s AND x.cancelled_at <= %(at)s
) moved
"""


def alone_fen(account_ids: Sequence[int], *, at: datetime) -> int:
    """
    What people corrected or billed again on these accounts without a second person, up or down, in fen.

    Of the last `CORRECTION_LIMIT_DAYS`; one statement.
    """
    since = at - timedelta(days=settings.CORRECTION_LIMIT_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, {"accounts": list(account_ids), "since": since, "at": at})
        return int(cursor.fetchone()[0])
