"""Receipts on paper: A4 and the 80 mm slip, made when asked for and kept nowhere."""

from __future__ import annotations

from typing import Literal

import segno

from config.shared.paper import pdf_of
from payments.queries import Receipt
from payments.receipt_tokens import receipt_no_in, verification_token

__all__ = ["Paper", "receipt_no_in", "render_receipt", "verification_token"]

Paper = Literal["a4", "slip"]


def render_receipt(receipt: Receipt, *, paper: Paper, verify_url: str) -> bytes:
    """
    The receipt as PDF, in the current language.

    `verify_url`: its signed code (`payments.signing.receipt_code`), drawn with the quiet edge that cameras need.
    """
    return pdf_of(
        "payments/receipt_paper.html",
        {
            "receipt": receipt,
            "payment": receipt.payment,
            "paper": paper,
            "verify_url": verify_url,
            "verify_code": segno.make(verify_url, error="m").svg_data_uri(border=4, light="#fff"),
        },
    )
