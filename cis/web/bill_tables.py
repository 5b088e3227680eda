"""Bills as tables: those of one account, and the list of all bills somebody answers for."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cis.queries import bill_list
from cis.queries.bill_list import ListedBill
from config.shared.display_formats import format_month
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.tables import Chip, Column, Table, answer


def _states(row: ListedBill) -> tuple[Chip, ...]:
    if row.is_replaced:
        first = Chip("neutral", _("已更正"))
    elif row.is_overdue:
        first = Chip("bad", _("逾期"))
    elif row.open_fen:
        first = Chip("info", _("未交"))
    else:
        first = Chip("good", _("已交清"))
    return (first, Chip("warn", _("异议中"))) if row.is_disputed else (first,)


def _address(row: ListedBill) -> str:
    return reverse("cis:bill", args=[row.bill_no])


ACCOUNT_BILLS: Table[ListedBill] = Table(
    name="cis.account_bills",
    columns=(
        Column(
            "cycle", gettext_lazy("月份"), lambda row: format_month(row.cycle), "code", link=_address, is_head=True,
            sort="period",
        ),
        Column("from", gettext_lazy("计费期起"), lambda row: row.period_start, "day"),
        Column("to", gettext_lazy("计费期止"), lambda row: row.last_day, "day"),
        Column("energy", gettext_lazy("电量（度）"), lambda row: row.energy_kwh_e2, "energy"),
        Column("total", gettext_lazy("电费（元）"), lambda row: row.total_fen, "money"),
        Column("open", gettext_lazy("未交（元）"), lambda row: row.open_fen, "money"),
        Column("due", gettext_lazy("交费期限"), lambda row: row.due_on, "day"),
        Column("state", gettext_lazy("状态"), _states, "chips"),
        Column("no", gettext_lazy("账单编号"), lambda row: row.bill_no, "code", is_extra=True),
    ),
    orders=bill_list.ACCOUNT_ORDERS,
    first_order="-period",
    page_rows=24,
)  # fmt: skip

BILLS: Table[ListedBill] = Table(
    name="cis.bills",
    columns=(
        Column("no", gettext_lazy("账单编号"), lambda row: row.bill_no, "code", link=_address, is_head=True, sort="no"),
        Column("cycle", gettext_lazy("月份"), lambda row: format_month(row.cycle), "code"),
        Column(
            "account", gettext_lazy("户号"), lambda row: row.account_no, "code",
            link=lambda row: reverse("cis:account", args=[row.account_no]),
        ),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("unit", gettext_lazy("单位"), lambda row: row.unit),
        Column("energy", gettext_lazy("电量（度）"), lambda row: row.energy_kwh_e2, "energy"),
        Column("total", gettext_lazy("电费（元）"), lambda row: row.total_fen, "money", sort="amount"),
        Column("open", gettext_lazy("未交（元）"), lambda row: row.open_fen, "money"),
        Column("due", gettext_lazy("交费期限"), lambda row: row.due_on, "day"),
        Column("state", gettext_lazy("状态"), _states, "chips"),
        Column("from", gettext_lazy("计费期起"), lambda row: row.period_start, "day", is_extra=True),
        Column("to", gettext_lazy("计费期止"), lambda row: row.last_day, "day", is_extra=True),
    ),
    orders=bill_list.ORDERS,
    first_order="-no",
    export_permission="cis.export_data",
)  # fmt: skip


class FilterForm(forms.Form):
    """Which bills to show."""

    cycle = forms.TypedChoiceField(label=gettext_lazy("电费月份"), required=False, coerce=int, empty_value=None)
    state = forms.ChoiceField(
        label=gettext_lazy("交费情况"),
        required=False,
        choices=(("", gettext_lazy("全部")), ("open", gettext_lazy("未交清")), ("paid", gettext_lazy("已交清"))),
    )
    unit = forms.TypedChoiceField(label=gettext_lazy("单位"), required=False, coerce=int, empty_value=None)

    def __init__(self, data: object, *, cycles: list[int], units: list[bill_list.UnitChoice]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        months = [(str(cycle), format_month(cycle)) for cycle in cycles]
        places = [(str(unit.org_unit_id), "\u3000" * unit.depth + unit.name) for unit in units]
        cast(forms.ChoiceField, self.fields["cycle"]).choices = [("", _("全部月份")), *months]
        cast(forms.ChoiceField, self.fields["unit"]).choices = [("", _("我负责的全部")), *places]


@require_safe
@requires("cis.view_customer")
def bills(request: HttpRequest) -> HttpResponseBase:
    """All bills of the part of the organisation the user answers for."""
    within = scope_of(staff_of(request), "cis.view_customer")
    form = FilterForm(request.GET, cycles=bill_list.list_cycles(), units=bill_list.list_units(within=within))
    form.is_valid()
    chosen = form.cleaned_data
    wanted = bill_list.Wanted(
        within=within,
        cycle=chosen.get("cycle") or 0,
        state=chosen.get("state") or "",
        org_unit_id=chosen.get("unit") or 0,
    )
    return answer(
        request,
        BILLS,
        lambda ask: bill_list.page_of_bills(ask, wanted=wanted, today=timezone.localdate()),
        page="cis/bills/all.html",
        context={"form": form},
        count=lambda: bill_list.count_bills(wanted=wanted),
        file_name=_("账单"),
        filters=("cycle", "state", "unit"),
    )
