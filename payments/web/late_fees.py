"""What is overdue and its late fee so far, as a part of a customer's own bill and of a case of arrears."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.queries import portal
from cis.queries.audit import record_of
from cis.queries.dues import account_id_of
from cis.queries.late_fees import BillLateFee, LateFeesSoFar, late_fees_so_far
from cis.queries.portal import Right
from config.shared.display_formats import format_day, format_money
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part
from config.shared.web.portal_pages import for_customers

_PART = "payments/_late_fees.html"


@for_customers
@require_safe
def portal_late_fees(request: HttpRequest, account_no: str) -> HttpResponse:
    """The overdue bills of an account of one's own; nothing for whoever may not see its bills."""
    today = timezone.localdate()
    account = portal.my_account(user_id=staff_of(request).pk, account_no=account_no, today=today)
    found = LateFeesSoFar((), 0, "")
    if account.may(Right.BILLS):
        found = late_fees_so_far(account.account_id, on=today)
        own = tuple(bill for bill in found.bills if portal.is_own_time(account, bill.period_start, bill.period_end))
        found = replace(found, bills=own, fee_fen=sum(bill.due_fen for bill in own))
    return render_part(request, _PART, _context(found, of_staff=False), title=_("违约金"))


@requires("payments.view_payments")
@require_safe
def account_late_fees(request: HttpRequest, account_no: str) -> HttpResponse:
    """The overdue bills of an account with their late fees so far, for those who collect."""
    account_id = account_id_of(account_no)
    saw(request, record_of(account_id))
    found = late_fees_so_far(account_id, on=timezone.localdate())
    return render_part(
        request,
        _PART,
        _context(found, of_staff=True, may_waive=may(staff_of(request), "cis.collect_arrears")),
        title=_("违约金"),
    )


def _context(found: LateFeesSoFar, *, of_staff: bool, may_waive: bool = False) -> dict[str, Any]:
    return {
        "fees": found,
        "rows": [{"bill": bill, "sentences": _sentences(bill)} for bill in found.bills],
        "today": timezone.localdate(),
        "of_staff": of_staff,
        "may_waive": may_waive,
    }


def _sentences(bill: BillLateFee) -> list[str]:
    """How a bill's late fee comes about, a sentence a part."""
    zone = timezone.get_current_timezone()
    said = [
        _("%(first)s 至 %(last)s：%(base)s 元 × %(permille)s‰ × %(days)s 天 = %(fee)s 元")
        % {
            "first": format_day(part.first_on, zone),
            "last": format_day(part.last_on, zone),
            "base": format_money(part.base_fen),
            "permille": f"{(Decimal(part.ppm) / 1000).normalize():f}",
            "days": part.days,
            "fee": format_money(part.fee_fen),
        }
        for part in bill.parts
    ]
    if bill.base_fen < bill.open_fen:
        said.append(
            _("账单更正要退 %(given)s 元，这部分不算违约金") % {"given": format_money(bill.open_fen - bill.base_fen)}
        )
    if bill.is_minimum:
        said.append(_("合计不足 %(fee)s 元，按 %(fee)s 元算") % {"fee": format_money(bill.fee_fen)})
    if bill.fee_fen != bill.due_fen:
        said.append(
            _("违约金共 %(fee)s 元，已交或减免 %(gone)s 元")
            % {"fee": format_money(bill.fee_fen), "gone": format_money(bill.fee_fen - bill.due_fen)}
        )
    if bill.is_capped:
        said.append(_("已到上限 %(fee)s 元") % {"fee": format_money(bill.fee_fen)})
    return said
