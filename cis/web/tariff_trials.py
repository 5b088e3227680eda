"""The tariff laboratory's pages: make a draft from a tariff, choose whose bills, watch, read who pays less and more."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from cis.laboratory import Figure
from cis.operations import tariff_trials as operations
from cis.queries import collection, runs
from cis.queries import tariff_trials as queries
from cis.rating import CHARGES, PRICE_COMPONENTS, REGISTER_NAMES, ChargeCode, Register
from config.shared.display_formats import format_count, format_money, format_month
from config.shared.errors import NotFound, Refused
from config.shared.jobs import JobIsOver
from config.shared.languages import in_language
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import holds_everywhere, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.tables import Chip, Column, Table, answer, job_state_kind

WORD = "cis.try_tariffs"
_LIST_BYTES = 32 * 2**20


class TrialForm(forms.Form):
    """What the draft is called and says, and whose bills it is tried on."""

    name = forms.CharField(label=gettext_lazy("方案名称"), max_length=100)
    first_cycle = forms.IntegerField(label=gettext_lazy("从"), help_text=gettext_lazy("年月六位数字，例如 202601。"))
    last_cycle = forms.IntegerField(label=gettext_lazy("到"))
    org_unit = forms.TypedChoiceField(label=gettext_lazy("范围"), required=False, coerce=int, empty_value=None)
    price_class = forms.TypedChoiceField(label=gettext_lazy("类别"), required=False, coerce=int, empty_value=None)
    everybody = forms.BooleanField(
        label=gettext_lazy("别的电价的户也按这个方案试算"),
        required=False,
        help_text=gettext_lazy("不勾选时，只算现在执行这个电价的户。"),
    )
    group_list = forms.FileField(
        label=gettext_lazy("分组名单"),
        required=False,
        help_text=gettext_lazy("CSV 文件，每行：户号,分组，例如按收入分组。结果按分组汇总，名单算完即删。"),
    )

    def __init__(
        self, *args: Any, units: list[runs.BillingUnit], with_all: bool, figures: tuple[Figure, ...], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        places = [(str(unit.org_unit_id), "\u3000" * unit.depth + unit.name) for unit in units]
        self._choose("org_unit", [("", _("全部")), *places] if with_all else places)
        classes = [(str(kind), name) for kind, name in collection.class_names().items()]
        self._choose("price_class", [("", _("全部类别")), *classes])
        self.figures = {_field_name(figure): figure for figure in sorted(figures, key=_rank)}
        for name, figure in self.figures.items():
            self.fields[name] = forms.CharField(
                label=figure_in_words(figure), max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"})
            )
            self.initial.setdefault(name, figure.value)

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        cast(forms.TypedChoiceField, self.fields[name]).choices = choices

    def figure_fields(self) -> list[tuple[Any, str]]:
        """The fields of the figures, each with its unit."""
        units = {
            "yuan": _("元/度"),
            "yuan_per_kva_month": _("元/(kVA·月)"),
            "yuan_per_kw_month": _("元/(kW·月)"),
            "factor": _("倍"),
            "kwh": _("度"),
        }
        return [(self[name], units[figure.unit]) for name, figure in self.figures.items()]

    def changes(self) -> dict[str, str]:
        """The figures that are not what the version says."""
        typed = {figure: self.cleaned_data[name].strip() for name, figure in self.figures.items()}
        return {figure.key: text for figure, text in typed.items() if text != figure.value}

    def clean_first_cycle(self) -> int:
        """A month that exists."""
        return self._month("first_cycle")

    def clean_last_cycle(self) -> int:
        """A month that exists."""
        return self._month("last_cycle")

    def _month(self, name: str) -> int:
        cycle: int = self.cleaned_data[name]
        if not is_cycle(cycle):
            raise forms.ValidationError(_("请填年月六位数字，例如 202601。"))
        return cycle

    def clean_group_list(self) -> bytes | None:
        """What the file holds."""
        file: Any = self.cleaned_data["group_list"]
        if file is None:
            return None
        if (file.size or 0) > _LIST_BYTES:
            raise forms.ValidationError(_("文件太大，最多 32 MB。"))
        data: bytes = file.read()
        return data


def _field_name(figure: Figure) -> str:
    return "figure-" + figure.key.replace(".", "-")


def _rank(figure: Figure) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """Rule by rule; prices, then factors, then bounds; periods and tiers in the order of a bill."""
    registers = [Register[step.upper()] for step in figure.way if step.upper() in Register.__members__]
    places = [int(step) for step in figure.way if step.isdigit()]
    order = ("yuan", "yuan_per_kva_month", "yuan_per_kw_month", "factor", "kwh")
    return int(figure.key.split(".")[0]), order.index(figure.unit), tuple(registers), tuple(places)


def figure_in_words(figure: Figure) -> str:
    """What a figure of a rule is called in the language of the request."""
    fields = {
        "tier_add_yuan": _("加价"),
        "ratio": _("浮动系数"),
        "upper_kwh": _("电量上限"),
        "extra_kwh_per_month": _("人口多的家庭每月增加"),
        "kwh_per_month": _("每月"),
        "capacity_price_yuan_per_kva_month": _("容量电价"),
        "demand_price_yuan_per_kw_month": _("需量电价"),
    }
    said = [_rule_in_words(figure)]
    if figure.months:
        said.append(_("%(months)s 月") % {"months": _("、").join(map(str, figure.months))})
    for step, inner in zip(figure.way, (*figure.way[1:], ""), strict=True):
        if step in fields:
            said.append(fields[step])
        elif step in PRICE_COMPONENTS:
            said.append(in_language(*PRICE_COMPONENTS[step]))
        elif step.upper() in Register.__members__:
            said.append(in_language(*REGISTER_NAMES[Register[step.upper()]]))
        elif step.isdigit() and not inner:
            said.append(_("第 %(tier)s 档") % {"tier": int(step) + 1})
    return " · ".join(said)


def _rule_in_words(figure: Figure) -> str:
    if figure.charge in ChargeCode.__members__:
        charge = CHARGES[ChargeCode[figure.charge]]
        return in_language(charge.name_zh, charge.name_en)
    words = {
        "tier": _("阶梯电价"),
        "tier_time_of_use": _("阶梯分时电价"),
        "time_of_use": _("分时电价"),
        "flat_energy": _("电度电价"),
        "shared_meter": _("合表电价"),
        "basic_charge": _("基本电费"),
        "free_energy": _("免费电量"),
    }
    return words.get(figure.rule_kind, figure.rule_kind)


def _scope(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), WORD)


def _months(row: queries.TrialRow) -> str:
    return f"{format_month(row.first_cycle)} – {format_month(row.last_cycle)}"


TRIALS: Table[queries.TrialRow] = Table(
    name="cis.tariff_trials",
    columns=(
        Column(
            "name", gettext_lazy("方案"), lambda row: row.name, is_head=True, sort="no",
            link=lambda row: reverse("cis:tariff_trial", args=[row.trial_id]),
        ),
        Column("tariff", gettext_lazy("在哪个电价上改"), lambda row: row.tariff_name),
        Column("org", gettext_lazy("范围"), lambda row: row.org_name),
        Column("class", gettext_lazy("类别"), lambda row: row.class_name),
        Column("months", gettext_lazy("月份"), _months, "code"),
        Column("state", gettext_lazy("状态"), lambda row: (Chip(job_state_kind(row.state), row.state_label),), "chips"),
        Column("accounts", gettext_lazy("户数"), lambda row: row.accounts, "count"),
        Column("difference", gettext_lazy("电费增减（元）"), lambda row: row.difference_fen, "money"),
        Column("created_at", gettext_lazy("发起时间"), lambda row: row.created_at, "moment"),
        Column("created_by", gettext_lazy("发起人"), lambda row: row.created_by),
    ),
    orders=queries.TRIAL_ORDERS,
    first_order="-no",
)  # fmt: skip

GROUPS: Table[queries.GroupRow] = Table(
    name="cis.tariff_trial_groups",
    columns=(
        Column("grouping", gettext_lazy("按什么分"), lambda row: row.grouping),
        Column("name", gettext_lazy("分组"), lambda row: row.name, is_head=True),
        Column("accounts", gettext_lazy("户数"), lambda row: row.accounts, "count"),
        Column("winners", gettext_lazy("少交的户"), lambda row: row.winners, "count"),
        Column("losers", gettext_lazy("多交的户"), lambda row: row.losers, "count"),
        Column("bills", gettext_lazy("账单数"), lambda row: row.bills, "count", is_extra=True),
        Column("energy", gettext_lazy("电量（度）"), lambda row: row.energy_kwh_e2, "energy"),
        Column("billed", gettext_lazy("已发行（元）"), lambda row: row.billed_fen, "money"),
        Column("draft", gettext_lazy("按方案（元）"), lambda row: row.draft_fen, "money"),
        Column("difference", gettext_lazy("增减（元）"), lambda row: row.difference_fen, "money"),
        Column("saved", gettext_lazy("少交合计（元）"), lambda row: row.saved_fen, "money", is_extra=True),
        Column("added", gettext_lazy("多交合计（元）"), lambda row: row.added_fen, "money", is_extra=True),
    ),
    orders=queries.GROUP_ORDERS,
    first_order="place",
    page_rows=200,
)  # fmt: skip

ACCOUNTS: Table[queries.AccountChange] = Table(
    name="cis.tariff_trial_accounts",
    columns=(
        Column(
            "account", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True,
            link=lambda row: reverse("cis:account", args=[row.account_no]),
        ),
        Column("class", gettext_lazy("类别"), lambda row: row.class_name),
        Column("unit", gettext_lazy("单位"), lambda row: row.unit),
        Column("bills", gettext_lazy("账单数"), lambda row: row.bills, "count"),
        Column("energy", gettext_lazy("电量（度）"), lambda row: row.energy_kwh_e2, "energy"),
        Column("billed", gettext_lazy("已发行（元）"), lambda row: row.billed_fen, "money"),
        Column("draft", gettext_lazy("按方案（元）"), lambda row: row.draft_fen, "money"),
        Column("difference", gettext_lazy("增减（元）"), lambda row: row.difference_fen, "money", sort="difference"),
    ),
    orders=queries.ACCOUNT_ORDERS,
    first_order="-difference",
    export_permission="cis.export_data",
)  # fmt: skip


@require_safe
@requires(WORD)
def trial_list(request: HttpRequest) -> HttpResponseBase:
    """Trials, newest first."""
    return answer(
        request,
        TRIALS,
        lambda ask: queries.page_of_trials(ask, within=_scope(request)),
        page="cis/tariff_trials/list.html",
        context={},
        file_name=_("电价试算"),
    )


@requires(WORD)
def trial_new(request: HttpRequest) -> HttpResponse:
    """Choose a tariff; then its figures to change and whose bills to try them on."""
    text = request.GET.get("tariff", "")
    tariffs = queries.list_tariffs()
    if not text.isdecimal() or len(text) > 18:
        return render(request, "cis/tariff_trials/choose.html", {"tariffs": tariffs})
    base = queries.get_base(int(text), today=timezone.localdate())
    last = add_months(cycle_of(timezone.localdate()), -1)
    form = TrialForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        units=runs.list_billing_units(within=_scope(request)),
        with_all=holds_everywhere(_scope(request)),
        figures=base.figures,
        initial={"first_cycle": add_months(last, -11), "last_cycle": last},
    )
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("cis:tariff_trial", trial_id=_start(request, base, form))
        except NotFound:
            raise
        except Refused as error:
            refused = error
    context = {"base": base, "form": form, "refused": refused}
    status = refused.status if refused else 422 if form.errors else 200
    return render(request, "cis/tariff_trials/new.html", context, status=status)


def _start(request: HttpRequest, base: queries.BaseVersion, form: TrialForm) -> int:
    typed = form.cleaned_data
    return operations.start_trial(
        base_version_id=base.version_id,
        name=typed["name"],
        changes=form.changes(),
        population=operations.TrialPopulation(
            org_unit_id=typed["org_unit"],
            price_class=typed["price_class"],
            own_tariff_only=not typed["everybody"],
            first_cycle=typed["first_cycle"],
            last_cycle=typed["last_cycle"],
        ),
        group_list=typed["group_list"],
        created_by_id=staff_of(request).pk,
        at=timezone.now(),
        within=_scope(request),
    )


@require_safe
@requires(WORD)
def trial(request: HttpRequest, trial_id: int) -> HttpResponse:
    """One trial: progress while it works, then who pays less and who pays more."""
    page = queries.get_trial(trial_id, within=_scope(request))
    left_out = {
        operations.NOT_RECOMPUTED: _("按原电价版本重算与账单不一致"),
        operations.OWN_NOT_PRICED: _("原电价版本现在不能给它计价"),
        operations.FORMER_SYSTEM: _("由原系统出账，只有总额"),
        operations.UNEVEN: _("同一户的表有的分时、有的不分时"),
        operations.NOT_PRICED: _("这个方案不能给它计价，例如没有分时示数"),
    }
    groupings: dict[str, list[queries.GroupRow]] = {}
    for row in page.groups:
        groupings.setdefault(row.grouping, []).append(row)
    context = {
        "page": page,
        "trial": page.trial,
        "months": _months(page.trial),
        "is_running": page.trial.state in ("running", "cancelling"),
        "may_cancel": page.trial.state == "running",
        "progress_state": "running" if page.trial.state == "cancelling" else page.trial.state,
        "answer": _answer(page),
        "chart": _chart(page.bars),
        "groupings": [(name, f"group-{at}", rows) for at, (name, rows) in enumerate(groupings.items())],
        "changes": [(figure_in_words(one.figure), one.figure.value, one.drafted) for one in page.changes],
        "left_out": [(left_out.get(code, code), count) for code, count in page.left_out],
    }
    return render_part_or_page(
        request, part="cis/tariff_trials/_trial.html", page="cis/tariff_trials/trial.html", context=context
    )


def _answer(page: queries.TrialPage) -> str:
    whole = page.whole
    if whole is None or not whole.bills:
        return ""
    same = whole.accounts - whole.winners - whole.losers
    words = {
        "accounts": format_count(whole.accounts),
        "billed": format_money(whole.billed_fen),
        "difference": format_money(abs(whole.difference_fen)),
        "winners": format_count(whole.winners),
        "losers": format_count(whole.losers),
        "same": format_count(same),
    }
    if whole.difference_fen == 0:
        first = _("%(accounts)s 户已发行 %(billed)s 元，按方案合计不变。")
    elif whole.difference_fen > 0:
        first = _("%(accounts)s 户已发行 %(billed)s 元，按方案多收 %(difference)s 元。")
    else:
        first = _("%(accounts)s 户已发行 %(billed)s 元，按方案少收 %(difference)s 元。")
    return first % words + _("%(winners)s 户少交，%(losers)s 户多交，%(same)s 户不变。") % words


def _chart(bars: tuple[queries.Bar, ...]) -> dict[str, Any] | None:
    if not any(bar.accounts for bar in bars):
        return None
    return {
        "x": [bar.name for bar in bars],
        "x_name": _("电费变化"),
        "unit": _("户"),
        "kind": "bar",
        "series": [{"name": _("户数"), "values": [bar.accounts for bar in bars]}],
    }


@require_safe
@requires(WORD)
def trial_groups(request: HttpRequest, trial_id: int) -> HttpResponseBase:
    """Every group of a trial in one table, to take away."""
    page = queries.get_trial(trial_id, within=_scope(request))
    rows = (page.whole, *page.groups) if page.whole else ()
    return answer(
        request,
        GROUPS,
        lambda ask: queries.page_of_groups(ask, groups=rows),
        page="cis/tariff_trials/groups.html",
        context={"trial": page.trial},
        file_name=_("电价试算分组"),
    )


@require_safe
@requires(WORD)
def trial_accounts(request: HttpRequest, trial_id: int) -> HttpResponseBase:
    """The accounts that save or pay most more."""
    page = queries.get_trial(trial_id, within=_scope(request))
    side = request.GET.get("side", "")
    return answer(
        request,
        ACCOUNTS,
        lambda ask: queries.page_of_accounts(ask, trial_id=trial_id, side=side, within=_scope(request)),
        page="cis/tariff_trials/accounts.html",
        context={"trial": page.trial, "side": side},
        file_name=_("电价试算户"),
        filters=("side",),
    )


@require_POST
@requires(WORD)
def trial_cancel(request: HttpRequest, trial_id: int) -> HttpResponse:
    """Stop a trial."""
    try:
        operations.cancel_trial(trial_id=trial_id, at=timezone.now(), within=_scope(request))
        messages.success(request, _("已经停下，这次试算没有结果。"))
    except JobIsOver as refused:
        messages.warning(request, refused.message)
    return redirect("cis:tariff_trial", trial_id=trial_id)
