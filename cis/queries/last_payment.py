"""What was last paid on an account, as its ledger has it."""

from __future__ import annotations

from django.db import connection

from cis.models.ledger import TransferKind

_LAST = """
SELECT document_id, sum(amount_fen)::bigint FROM cis_ledger_transfer
WHERE account_id = %(account)s AND kind = %(kind)s GROUP BY document_id ORDER BY document_id DESC LIMIT 1
"""


def last_payment_fen(account_id: int) -> int | None:
    """The whole sum of the newest payment, taken back or not; None where nothing was ever paid."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"account": account_id, "kind": int(TransferKind.PAYMENT_RECEIVED)})
        row = cursor.fetchone()
    return None if row is None else int(row[1])
