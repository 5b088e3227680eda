"""The counter: ask that prepayment is given back, and what was given back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries.audit import record_of
from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments import operations, queries
from payments.web.forms import RefundRequestForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("payments.ask_refund")
@requires_step_up
def ask(request: HttpRequest, account_no: str) -> HttpResponse:
    """Ask that prepayment is given back: how much, which way, why. Somebody else approves it."""
    page = queries.refund_form(account_no=account_no, on=timezone.localdate())
    saw(request, record_of(page.dues.account_id))
    if request.method != "POST":
        initial = {"amount": format_yuan(page.dues.prepayment_fen), "way": RefundRequestForm.CASH}
        return _draw(request, page, RefundRequestForm(initial=initial, ways=page.ways), status=200)
    form = RefundRequestForm(request.POST, ways=page.ways)
    if form.is_valid():
        staff = staff_of(request)
        try:
            approval_id = operations.ask_refund(
                account_id=page.dues.account_id,
                amount_fen=form.cleaned_data["amount"],
                payment_id=form.cleaned_data["way"],
                reason=form.cleaned_data["reason"],
                org_unit_id=staff.org_unit_id,
                asked_by_id=staff.pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("退费申请已提交。另一人批准后才能付钱给客户。"))
            return redirect("approval", approval_id=approval_id)
    return _draw(request, page, form, status=422)


def _draw(request: HttpRequest, page: queries.RefundForm, form: RefundRequestForm, *, status: int) -> HttpResponse:
    draft = draft_of(request, form, name="ask-refund", subject=page.dues.account_no)
    context = {"page": page, "dues": page.dues, "waiting": page.waiting, "form": form, "draft": draft}
    return render(request, "payments/refund_ask.html", context, status=status)


@never_cache
@require_safe
@requires("payments.view_payments")
def refund(request: HttpRequest, refund_no: str) -> HttpResponse:
    """One refund: how much, which way, why, who asked and who approved."""
    row = queries.get_refund(refund_no)
    saw(request, record_of(row.account_id))
    return render(request, "payments/refund.html", {"refund": row})
