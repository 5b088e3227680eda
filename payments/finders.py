"""What the search box finds of money: receipts by their number."""

from __future__ import annotations

import re
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from config.shared.display_formats import format_money
from config.shared.finding import Found
from payments import queries

_RECEIPT_NO = re.compile(r"\d{18,24}")


def find_receipts(text: str, *, today: date) -> list[Found]:
    """The receipt of this number; no statement for what cannot be one."""
    del today
    receipt_no = "".join(text.split())
    row = queries.find_receipt(receipt_no) if _RECEIPT_NO.fullmatch(receipt_no) else None
    if row is None:
        return []
    note = _("%(yuan)s 元") % {"yuan": format_money(row.amount_fen)}
    url = reverse("payments:payment", args=[row.receipt_no])
    return [Found(_("收据"), row.receipt_no, url, f"{row.account_no} · {note}")]
