"""What plants made: by day for owner and utility, the meter that measures it, and what is wrong."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.generation import set_generation_meter
from cis.queries import customers, feed_in
from cis.queries import generation as queries
from cis.queries.audit import record_of
from cis.web.data import download
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

SEES, WORKS = "cis.see_market", "cis.work_feed_in"
ALERT_DAYS = timedelta(days=60)


class MeterForm(forms.Form):
    """The number of the generation meter."""

    meter_no = forms.CharField(
        label=gettext_lazy("发电表表号"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("装在光伏逆变器出口、量总发电量的表。留空就是没有。"),
    )


@requires(SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def account_generation(request: HttpRequest, account_no: str) -> HttpResponse:
    """A plant's last days, its meter and what is wrong."""
    head, today = customers.get_head(account_no), timezone.localdate()
    saw(request, record_of(head.account_id))
    may_work = may(staff_of(request), WORKS)
    known = {"meter_no": queries.generation_meter_of(head.account_id, today=today)}
    form = MeterForm(request.POST or None, initial=known)
    if request.method == "POST" and may_work and form.is_valid():
        try:
            set_generation_meter(account_id=head.account_id, meter_no=form.cleaned_data["meter_no"], today=today)
        except Refused as refused:
            refuse(form, refused)
        else:
            noted = _("发电表已登记。") if form.cleaned_data["meter_no"] else _("已登记为没有发电表。")
            messages.success(request, noted)
            return redirect("cis:account_generation", account_no=account_no)
    context = {
        "head": head,
        "plant": feed_in.plant_of(head.account_id),
        "rows": queries.days_of_account(head.account_id, today=today),
        "alerts": queries.list_alerts(account_id=head.account_id, since=today - ALERT_DAYS),
        "form": form,
        "may_work": may_work,
    }
    return render(request, "cis/feed_in/generation.html", context, status=422 if form.errors else 200)


@requires(SEES)
@require_safe
def account_generation_export(request: HttpRequest, account_no: str) -> HttpResponseBase:
    """A plant's last year by day, as a file."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    rows = queries.days_of_account(head.account_id, today=timezone.localdate(), days=366)
    return download(f"generation-{account_no}.csv", queries.days_for_export(rows))


@requires(SEES)
@require_safe
def plant_alerts(request: HttpRequest) -> HttpResponse:
    """What is wrong with plants of the part one answers for, newest first."""
    since = timezone.localdate() - ALERT_DAYS
    rows = queries.list_alerts(within=scope_of(staff_of(request), SEES), since=since)
    return render(request, "cis/feed_in/alerts.html", {"rows": rows})
