"""Readings that came after their period was billed: meters that wait, and what is decided about one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import bill_corrections, late_readings
from cis.queries import customers
from cis.queries import late_readings as queries
from cis.queries.audit import record_of
from cis.web.bill_corrections import CORRECTS, ReasonForm, said_of, tried_bills
from cis.web.portal_sign_in import refuse
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires


@requires(CORRECTS)
@require_safe
def work_list(request: HttpRequest) -> HttpResponse:
    """Meters for which values wait, who has waited longest first."""
    rows = queries.list_waiting(within=scope_of(staff_of(request), CORRECTS))
    return render(request, "cis/readings/late.html", {"rows": rows})


@requires(CORRECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def meter(request: HttpRequest, installation_id: int) -> HttpResponse:
    """What came late for a meter beside what stands: see what the bills would differ by, take it or turn it down."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, CORRECTS)
    page = queries.get_meter(installation_id, within=within)
    saw(request, record_of(page.account_id))
    posted = request.POST if request.method == "POST" else None
    chosen = _chosen(request, page)
    form = ReasonForm(posted)
    tried: bill_corrections.Corrected | None = None
    if posted is not None and form.is_valid():
        reason, act = form.cleaned_data["reason"], posted.get("act")
        change = bill_corrections.Late(installation_id, tuple(chosen))
        try:
            if act == "refuse":
                late_readings.refuse(late_ids=chosen, reason=reason, by_id=user.pk, at=now, within=within)
                messages.success(request, _("没有采信，账单不变。"))
                return redirect("cis:late_readings")
            if act == "take":
                done = bill_corrections.correct(change=change, reason=reason, by_id=user.pk, at=now, within=within)
                messages.success(request, said_of(done))
                return redirect("cis:late_readings")
            tried = bill_corrections.preview(change=change, at=now, within=within)
        except NotFound as missing:
            refuse(form, missing)
        except Refused as refused:
            refuse(form, refused)
    context = {
        "page": page,
        "head": customers.get_head(page.account_no),
        "form": form,
        "chosen": chosen,
        "tried": tried,
        "tried_bills": tried_bills(tried) if tried else [],
    }
    return render(request, "cis/readings/late_meter.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, page: queries.LatePage) -> list[int]:
    """The values that are ticked; all that wait before anybody ticked one."""
    waiting = [one.late_id for one in page.waiting]
    if request.method != "POST":
        return waiting
    ticked = {int(one) for one in request.POST.getlist("late") if one.isdecimal() and len(one) < 19}
    return [one for one in waiting if one in ticked]
