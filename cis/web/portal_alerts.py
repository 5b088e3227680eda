"""What a customer wants to be told, with their own limits; nothing is told to whoever did not ask."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.models import BillAlert
from cis.operations.bill_alerts import Wish, choose_alerts
from cis.queries import portal
from cis.queries.bill_alerts import chosen_alerts, has_contract_demand
from cis.queries.portal import Right
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, preferred_account

Kind = BillAlert.Kind
_HUNDREDTHS = {Kind.BUDGET_YUAN, Kind.BUDGET_KWH}
_USUAL_PERCENT = 50


def _limit(label: object, places: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,  # type: ignore[arg-type]
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(10**9),
        decimal_places=places,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class AlertsForm(forms.Form):
    """A tick for each kind, and the limit beside it."""

    shock = forms.BooleanField(label=gettext_lazy("这一期可能比平时多很多"), required=False)
    shock_least = _limit(gettext_lazy("比前三次平均多出百分之几"), 0)
    tier = forms.BooleanField(label=gettext_lazy("快要进入更高一档"), required=False)
    budget_yuan = forms.BooleanField(label=gettext_lazy("这一期电费可能超过预算"), required=False)
    budget_yuan_least = _limit(gettext_lazy("预算"), 2)
    budget_kwh = forms.BooleanField(label=gettext_lazy("这一期用电可能超过预算"), required=False)
    budget_kwh_least = _limit(gettext_lazy("预算"), 0)
    demand = forms.BooleanField(label=gettext_lazy("最大需量快要超出合同"), required=False)
    price = forms.BooleanField(label=gettext_lazy("电价要变，生效之前告诉我"), required=False)

    def wishes(self) -> list[Wish]:
        """What was ticked, in the units of the house."""
        found = []
        for kind in Kind:
            name = kind.value.replace("-", "_")
            if not self.cleaned_data.get(name):
                continue
            least = None
            if f"{name}_least" in self.fields:
                typed = self.cleaned_data[f"{name}_least"] or Decimal(0)
                least = int(typed * 100) if kind in _HUNDREDTHS else int(typed)
            found.append(Wish(kind.value, least))
        return found


def _initial(chosen: dict[str, int | None]) -> dict[str, object]:
    values: dict[str, object] = {"shock_least": _USUAL_PERCENT}
    for kind, least in chosen.items():
        name = kind.replace("-", "_")
        values[name] = True
        if least is not None:
            values[f"{name}_least"] = yuan_from_fen(least).removesuffix(".00") if Kind(kind) in _HUNDREDTHS else least
    return values


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def alerts(request: HttpRequest) -> HttpResponse:
    """Choose what to be told about the account one looks at."""
    user_id = staff_of(request).pk
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=timezone.localdate())
    mine.current.require(Right.BILLS)
    chosen = chosen_alerts(user_id=user_id, account_id=mine.current.account_id)
    form = AlertsForm(request.POST if request.method == "POST" else None, initial=_initial(chosen))
    if not has_contract_demand(mine.current.account_id, today=timezone.localdate()):
        del form.fields["demand"]
    if request.method == "POST" and form.is_valid():
        try:
            choose_alerts(user_id=user_id, account_no=mine.current.account_no, wishes=form.wishes(), at=timezone.now())
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已保存。随时可以在这里改或取消。"))
            return redirect("cis:portal_alerts")
    context = {"mine": mine, "form": form}
    return render(request, "cis/portal/alerts.html", context, status=422 if form.errors else 200)
