"""Receipts on paper: A4 and the 80 mm slip, made when asked for and kept nowhere."""

from __future__ import annotations

from typing import Literal

import segno
from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.paper import pdf_of
from payments.queries import Receipt

Paper = Literal["a4", "slip"]

_SALT = "payments.receipt"


def verification_token(receipt_no: str) -> str:
    """What the code on a receipt carries: the number and our signature, so that numbers cannot be guessed."""
    return Signer(salt=_SALT).sign(receipt_no)


def receipt_no_in(token: str) -> str:
    """
    The receipt number of a token.

    :raises NotFound: it is none of ours
    """
    try:
        return str(Signer(salt=_SALT).unsign(token))
    except BadSignature as error:
        raise NotFound(_("这个核验码无效，可能抄写有误，或不是我公司开具的收据。")) from error


def render_receipt(receipt: Receipt, *, paper: Paper, verify_url: str) -> bytes:
    """The receipt as PDF, in the current language, with a code that leads to `verify_url`."""
    return pdf_of(
        "payments/receipt_paper.html",
        {
            "receipt": receipt,
            "payment": receipt.payment,
            "paper": paper,
            "verify_url": verify_url,
            "verify_code": segno.make(verify_url, error="m").svg_data_uri(border=0),
        },
    )
