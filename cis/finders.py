"""What the search box finds of customers: accounts by anything people know about them, bills by their number."""

from __future__ import annotations

import re
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from cis.queries import search
from cis.queries.billing import find_bill
from config.shared.display_formats import format_money
from config.shared.finding import Found

_SHOWN = 6
_BILL_NO = re.compile(r"\d{16,24}")


def find_accounts(text: str, *, today: date) -> list[Found]:
    """Accounts that fit, best first; two statements."""
    return [
        Found(
            kind=_("客户"),
            text=f"{row.customer_name} {row.account_no}",
            url=reverse("cis:account", args=[row.account_no]),
            note=f"{row.area} · {row.address}",
        )
        for row in search.find(text, _SHOWN, today=today)
    ]


def find_bills(text: str, *, today: date) -> list[Found]:
    """The bill of this number; no statement for what cannot be one."""
    del today
    bill_no = "".join(text.split())
    row = find_bill(bill_no) if _BILL_NO.fullmatch(bill_no) else None
    if row is None:
        return []
    note = _("%(yuan)s 元") % {"yuan": format_money(row.total_fen)}
    return [Found(_("账单"), row.bill_no, reverse("cis:bill", args=[row.bill_no]), f"{row.account_no} · {note}")]
