"""Pure: the number printed on a receipt: the business day and the payment's id."""

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
