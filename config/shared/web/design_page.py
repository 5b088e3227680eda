"""
`/design/`: every component of the house in every state, for those who build and look after pages.

What stands here is drawn by the same parts as the pages, from values given here; nothing is read from the database.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.shared.deadline_clock import deadline_clock
from config.shared.display_formats import format_energy, format_money
from config.shared.keysets import Order, Page, SortKey
from config.shared.web.pages import requires
from config.shared.web.tables import Chip, Column, Table, TableView, asked_of, show

COLOURS = (
    "ground", "surface", "ink", "ink-2", "line", "line-strong", "brand", "brand-soft", "info", "warn", "warn-soft",
    "bad", "bad-soft", "good", "hover",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the example way."""

    title: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the example timeline."""

    title: str
    at: Any
    who: str = ""
    text: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the example tables."""

    sample_id: int
    no: str
    name: str
    energy_kwh_e2: int | None
    total_fen: int
    due_on: date
    chips: tuple[Chip, ...]


SAMPLES: Table[Sample] = Table(
    name="shared.design",
    columns=(
        Column("no", gettext_lazy("户号"), lambda row: row.no, "code", is_head=True, link=lambda _row: "#tables"),
        Column("name", gettext_lazy("地址"), lambda row: row.name),
        Column("energy", gettext_lazy("电量（度）"), lambda row: row.energy_kwh_e2, "energy"),
        Column("total", gettext_lazy("电费（元）"), lambda row: row.total_fen, "money", sort="total"),
        Column("due", gettext_lazy("交费期限"), lambda row: row.due_on, "day", sort="due"),
        Column("state", gettext_lazy("状态"), lambda row: row.chips, "chips"),
        Column("id", gettext_lazy("编号"), lambda row: row.sample_id, "count", is_extra=True),
    ),
    orders={
        "total": Order((SortKey("total_fen", int), SortKey("sample_id", int))),
        "due": Order((SortKey("due_on", date), SortKey("sample_id", int))),
    },
    first_order="-total",
)


def _samples() -> list[Sample]:
    long_name = _("杭州市余杭区五常街道文一西路九百六十九号西溪园区三号楼二单元一千二百零一室（原五常乡联胜村二组）")
    good, bad = Chip("good", _("已交清")), Chip("bad", _("逾期"))
    day = date(2026, 11, 15)
    return [
        Sample(1, "3300001234", _("文一西路 1 号"), 1_234_500, 98_765_432, day, (good,)),
        Sample(2, "3300001235", long_name, None, 18_640, day, (bad, Chip("warn", _("异议中")))),
        Sample(3, "3300001236", _("文一西路 3 号"), 21_350, -5_000, day, (Chip("neutral", _("已更正")),)),
    ]


def _tables(request: HttpRequest) -> tuple[TableView, TableView]:
    asked = asked_of(request, SAMPLES)
    full = show(asked, Page(tuple(_samples()), has_earlier=True, has_later=True), count=lambda: 3)
    return full, replace(show(asked, Page((), has_earlier=False, has_later=False)), id="table-shared-design-empty")


class ExampleForm(forms.Form):
    """One field of each kind."""

    amount = forms.DecimalField(
        label=gettext_lazy("金额"), max_digits=10, decimal_places=2, help_text=gettext_lazy("多出的转入预存电费。")
    )
    method = forms.ChoiceField(
        label=gettext_lazy("方式"),
        widget=forms.RadioSelect,
        choices=(("cash", gettext_lazy("现金")), ("card", gettext_lazy("刷卡")), ("qr", gettext_lazy("扫码"))),
    )
    hall = forms.ChoiceField(
        label=gettext_lazy("单位"),
        required=False,
        choices=(("", gettext_lazy("全部")), ("1", gettext_lazy("城东营业厅"))),
    )
    note = forms.CharField(label=gettext_lazy("备注"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    agreed = forms.BooleanField(label=gettext_lazy("已向客户说明"))


class ReasonForm(forms.Form):
    """What a dangerous act asks for."""

    reason = forms.CharField(label=gettext_lazy("原因"), max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


class FileForm(forms.Form):
    """A file."""

    file = forms.FileField(
        label=gettext_lazy("示数文件"), help_text=gettext_lazy("CSV 或 Parquet，重复上传不会重复入库。")
    )


def _deadlines() -> list[tuple[str, Any]]:
    now = timezone.now()
    hour = timedelta(hours=1)
    cases = (
        (_("时间充裕"), -24 * hour, 60 * hour, 120 * hour, None),
        (_("快到承诺时限"), -24 * hour, 3 * hour, 48 * hour, None),
        (_("超过承诺，没超法定"), -72 * hour, -5 * hour, 20 * hour, None),
        (_("超过法定时限"), -96 * hour, -30 * hour, -2 * hour, None),
        (_("按时办结"), -72 * hour, -10 * hour, 20 * hour, -30 * hour),
        (_("办结但超时"), -72 * hour, -20 * hour, -2 * hour, -10 * hour),
    )
    return [
        (
            label,
            deadline_clock(
                started_at=now + started,
                promised_at=now + promised,
                legal_at=now + legal,
                now=now,
                finished_at=now + finished if finished is not None else None,
            ),
        )
        for label, started, promised, legal, finished in cases
    ]


def _chart() -> dict[str, Any]:
    used = [21_350, 19_880, 24_410, 26_900, 31_200, None, None]
    expected = [None, None, None, None, 31_200, 33_000, 30_100]
    return {
        "x": [f"{month} 月" for month in range(1, 8)],
        "x_name": _("月份"),
        "unit": _("度"),
        "scale": 100,
        "digits": 2,
        "series": [
            {"name": _("实际"), "values": used},
            {
                "name": _("预测"),
                "values": expected,
                "forecast": True,
                "low": [None, None, None, None, 31_200, 29_500, 25_800],
                "high": [None, None, None, None, 31_200, 36_400, 34_700],
            },
        ],
        "limits": [{"name": _("第二档起点"), "value": 30_000}],
    }


def _timeline() -> list[Happening]:
    now = timezone.now()
    return [
        Happening(_("受理申请"), now - timedelta(days=3), _("王芳 · 城东营业厅"), kind="good"),
        Happening(_("现场勘查"), now - timedelta(days=1), _("李强"), _("表箱在楼道，无需改线。"), "good"),
        Happening(_("装表接电"), None, "", _("已约明天上午。"), "current"),
        Happening(_("资料缺身份证复印件"), now - timedelta(hours=2), "", _("已请客户补交。"), "warn"),
        Happening(_("客户签字确认"), None),
    ]


@require_safe
@requires("shared.manage_users")
def design(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    wrong = ExampleForm({"amount": "12.345", "method": ""})
    wrong.is_valid()
    unsaid = ReasonForm({"reason": ""}, prefix="unsaid")
    unsaid.is_valid()
    no_file = FileForm({}, prefix="none")
    no_file.is_valid()
    quiet = ExampleForm(prefix="quiet")
    for field in quiet.fields.values():
        field.disabled = True
    full_table, empty_table = _tables(request)
    return render(
        request,
        "shared/design.html",
        {
            "full_table": full_table,
            "empty_table": empty_table,
            "colours": COLOURS,
            "form": ExampleForm(prefix="plain"),
            "wrong_form": wrong,
            "disabled_form": quiet,
            "reason_form": ReasonForm(),
            "unsaid_form": unsaid,
            "file_form": FileForm(),
            "no_file_form": no_file,
            "deadlines": _deadlines(),
            "chart": _chart(),
            "happened": _timeline(),
            "steps": [
                Step(_("受理"), "done", _("11-18 城东营业厅")),
                Step(_("现场勘查"), "done"),
                Step(_("装表接电"), "current", _("约在明天上午")),
                Step(_("归档"), "waiting"),
            ],
            "failed_steps": [
                Step(_("受理"), "done"),
                Step(_("资料审核"), "failed", _("缺身份证复印件")),
                Step(_("归档"), "waiting"),
            ],
            "facts": [(_("户号"), "3300001234"), (_("金额"), f"{format_money(18640)} {_('元')}")],
            "sum": format_money(123456),
            "debt": format_money(18640),
            "energy": format_energy(1234500),
            "count": 8124,
            "total": 20000,
        },
    )


urlpatterns = [path("design/", design, name="design")]
