"""
Receipts on paper: A4 and the 80 mm slip, made when asked for and kept nowhere.

The face is Noto Sans CJK, which draws the rare characters that names hold; the PDF carries only the glyphs it uses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import noto_cjk_sans_otc
import segno
import weasyprint
from django.contrib.staticfiles import finders
from django.core.signing import BadSignature, Signer
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from weasyprint.urls import URLFetcher

from config.shared.errors import NotFound
from payments.queries import Receipt

Paper = Literal["a4", "slip"]

FACE = Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc"
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
    html = render_to_string(
        "payments/receipt_paper.html",
        {
            "receipt": receipt,
            "payment": receipt.payment,
            "paper": paper,
            "verify_url": verify_url,
            "verify_code": segno.make(verify_url, error="m").svg_data_uri(border=0),
            "font_urls": {"regular": FACE.as_uri()},
            "css_url": _style_sheet().as_uri(),
        },
    )
    pdf: bytes = weasyprint.HTML(string=html, url_fetcher=_OwnFilesOnly()).write_pdf()
    return pdf


def _style_sheet() -> Path:
    found = finders.find("shared/print.css")
    if not isinstance(found, str):
        raise FileNotFoundError("shared/print.css")
    return Path(found)


class _OwnFilesOnly(URLFetcher):  # type: ignore[misc]
    """Only what the template itself names: nothing a name or reason holds can make us read or call anything else."""

    def fetch(self, url: str, headers: object = None) -> object:
        """The face, the style sheet, the drawn code."""
        if url not in {FACE.as_uri(), _style_sheet().as_uri()} and not url.startswith("data:image/svg+xml"):
            raise ValueError(f"not part of a receipt: {url[:80]}")
        return super().fetch(url, headers)
