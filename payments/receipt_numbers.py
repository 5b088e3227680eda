"""Pure: the numbers of receipts and refunds: the business day and the id of the payment or refund."""

from __future__ import annotations

import re
from datetime import date

_FORM = re.compile(r"(?P<day>[0-9]{8})(?P<id>[0-9]{10,19})")


def receipt_number(payment_id: int, business_date: date) -> str:
    """Such as 202611220000000042."""
    return f"{business_date:%Y%m%d}{payment_id:010d}"


def payment_id_in(receipt_no: str) -> int | None:
    """The payment's id in a receipt number; None where the text is no receipt number."""
    found = _FORM.fullmatch(receipt_no)
    return int(found["id"]) if found else None


def refund_number(refund_id: int, business_date: date) -> str:
    """Such as TF202611220000000042."""
    return f"TF{receipt_number(refund_id, business_date)}"


def refund_id_in(refund_no: str) -> int | None:
    """The refund's id in its number; None where the text is no number of a refund."""
    return payment_id_in(refund_no[2:]) if refund_no.startswith("TF") else None
