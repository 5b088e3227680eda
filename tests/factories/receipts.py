"""Codes of receipts."""

from __future__ import annotations

from django.utils import timezone

from payments import queries
from payments.operations.receipt_keys import receipt_code


def signed_code(receipt_no: str, *, address: str = "http://testserver/verify/") -> str:
    """What stands between the address of the page of verification and its last stroke."""
    payment = queries.get_receipt(receipt_no, on=timezone.localdate()).payment
    code = receipt_code(payment=payment, address=address, at=timezone.now())
    return code.removeprefix(address).rstrip("/")
