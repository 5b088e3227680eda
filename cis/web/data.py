"""The data catalogue (数据目录): what the utility keeps that others may use, to look at and to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cis.queries import statistics
from cis.queries.audit import record_of
from cis.queries.customers import account_id_of
from config.shared.errors import BadInput
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires


class SalesForm(forms.Form):
    """From which month to which."""

    from_cycle = forms.IntegerField(label=gettext_lazy("从"), help_text=gettext_lazy("年月六位数字，例如 202601。"))
    to_cycle = forms.IntegerField(label=gettext_lazy("到"))

    def clean(self) -> dict[str, Any]:
        """Months that exist, in order."""
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("from_cycle", "to_cycle"):
            if name in typed and not is_cycle(typed[name]):
                self.add_error(name, _("请填年月六位数字，例如 202601。"))
        if not self.errors and typed["from_cycle"] > typed["to_cycle"]:
            self.add_error("to_cycle", _("结束月份不能早于开始月份。"))
        return typed


class LoadForm(forms.Form):
    """A feeder or a transformer district, and a day."""

    place = forms.CharField(label=gettext_lazy("馈线或台区"))
    day = forms.DateField(label=gettext_lazy("日期"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def clean_place(self) -> tuple[str, int]:
        """Kind and id, such as `feeder-12`."""
        kind, _dash, number = self.cleaned_data["place"].partition("-")
        if kind not in {"feeder", "district"} or not number.isdecimal() or len(number) > 18:
            raise forms.ValidationError(_("请从列表中选择馈线或台区。"))
        return kind, int(number)


class AccountForm(forms.Form):
    """Whose tariffs."""

    account_no = forms.CharField(label=gettext_lazy("户号"), max_length=32)


@requires("cis.export_data")
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """What there is, each with the form that asks for it."""
    today = timezone.localdate()
    month = add_months(cycle_of(today), -1)
    context = {
        "sales_form": SalesForm(initial={"from_cycle": month, "to_cycle": month}),
        "places": statistics.list_places(within=_scope(request)),
        "yesterday": (today - timedelta(days=1)).isoformat(),
        "account_form": AccountForm(),
    }
    return render(request, "cis/readings/data.html", context)


@requires("cis.export_data")
@require_safe
def sales(request: HttpRequest) -> HttpResponse:
    """Energy sold, as a table."""
    form = SalesForm(request.GET)
    rows = statistics.sales(**form.cleaned_data, within=_scope(request)) if form.is_valid() else []
    context = {
        "form": form,
        "rows": rows,
        "energy_kwh_e2": sum(row.energy_kwh_e2 for row in rows),
        "total_fen": sum(row.total_fen for row in rows),
        "query": request.GET.urlencode(),
    }
    return render(request, "cis/readings/data_sales.html", context, status=422 if form.errors else 200)


@requires("cis.export_data")
@require_safe
def sales_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Energy sold, as a file."""
    typed = _typed(SalesForm(request.GET))
    return download("sales.csv", statistics.sales_rows(**typed, within=_scope(request)))


@requires("cis.export_data")
@require_safe
def load(request: HttpRequest) -> HttpResponse:
    """The load curve of a feeder or a transformer district, drawn."""
    form = LoadForm(request.GET)
    curve = _curve(form.cleaned_data, _scope(request)) if form.is_valid() else None
    chart = {
        "x": [f"{slot // 4:02d}:{slot % 4 * 15:02d}" for slot in range(statistics.SLOTS)],
        "x_name": _("时刻"),
        "unit": "kW",
        "scale": 1000,
        "digits": 1,
        "series": [{"name": _("平均负荷"), "values": list(curve.load_w)}] if curve else [],
    }
    context = {
        "form": form,
        "curve": curve,
        "chart": chart,
        "peak_w": max(curve.load_w) if curve else 0,
        "query": request.GET.urlencode(),
    }
    return render(request, "cis/readings/data_load.html", context, status=422 if form.errors else 200)


@requires("cis.export_data")
@require_safe
def load_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The load curve as a file."""
    curve = _curve(_typed(LoadForm(request.GET)), _scope(request))
    return download(f"load-{curve.day.isoformat()}.csv", statistics.load_curve_rows(curve))


@requires("cis.export_data")
@require_safe
def tariffs(request: HttpRequest) -> HttpResponse:
    """Every tariff an account has had."""
    form = AccountForm(request.GET)
    account_no = form.cleaned_data["account_no"].strip() if form.is_valid() else ""
    rows = statistics.tariff_history(account_no) if account_no else []
    if rows:
        saw(request, record_of(account_id_of(account_no)))
    context = {"form": form, "rows": rows, "query": request.GET.urlencode()}
    return render(request, "cis/readings/data_tariffs.html", context, status=422 if form.errors else 200)


@requires("cis.export_data")
@require_safe
def tariffs_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every tariff an account has had, as a file."""
    account_no = _typed(AccountForm(request.GET))["account_no"].strip()
    saw(request, record_of(account_id_of(account_no)))
    return download("tariffs.csv", statistics.tariff_history_rows(account_no))


def _scope(request: HttpRequest) -> list[str]:
    """The part of the organisation whose figures the user may have; figures of one customer hold everywhere."""
    return scope_of(staff_of(request), "cis.export_data")


def _curve(typed: dict[str, Any], within: list[str]) -> statistics.LoadCurve:
    kind, place_id = typed["place"]
    day: date = typed["day"]
    if kind == "feeder":
        return statistics.load_curve(day=day, feeder_id=place_id, within=within)
    return statistics.load_curve(day=day, district_id=place_id, within=within)


def _typed(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        first = next(iter(form.errors.values()))
        raise BadInput(str(first[0]))
    return form.cleaned_data


def download(name: str, rows: Iterable[tuple[str, ...]]) -> StreamingHttpResponse:
    """Rows, the header first, as a CSV file that is sent while it is made."""
    response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(rows: Iterable[tuple[str, ...]]) -> Iterator[bytes]:
    """Rows as CSV with the mark that makes spreadsheets read UTF-8; text that would run as a formula is disarmed."""
    yield b"\xef\xbb\xbf"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow(["'" + cell if cell[:1] in ("=", "+", "-", "@", "\t") else cell for cell in row])
        yield line.getvalue().encode()
