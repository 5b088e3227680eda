"""Plans beside each other: one row a figure, the best of each row marked, and no score over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.display_formats import ABSENT, format_count, format_money
from dsm.queries.shortages import PlanRow

Figures = dict[str, int]


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of the comparison; `better` is "less", "more", or empty where neither is."""

    label: str | Promise
    value: Callable[[Figures], int | None]
    text: Callable[[int], str]
    better: str
    note: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one plan has in a row."""

    text: str
    is_best: bool
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row with finished texts."""

    label: str
    note: str
    cells: tuple[Cell, ...]


def _percent(e4: int) -> str:
    return f"{e4 // 100}.{e4 % 100:02d}"


def _hours(quarters: int) -> str:
    whole, rest = divmod(quarters, 4)
    return format_count(whole) + {0: "", 1: ".25", 2: ".5", 3: ".75"}[rest]


def _index(e4: int) -> str:
    return f"{e4 // 10000}.{e4 % 10000:04d}"[:5]


def _per_kwh(figures: Figures) -> int | None:
    """Lost output in fen for each kWh cut."""
    return figures["lost_output_fen"] // figures["cut_kwh"] if figures["cut_kwh"] else None


METRICS: tuple[Metric, ...] = (
    Metric(gettext_lazy("补上的缺口电量（%）"), lambda f: f["covered_energy_e4"], _percent, "more"),
    Metric(gettext_lazy("最紧的时段补上（%）"), lambda f: f["covered_peak_e4"], _percent, "more"),
    Metric(gettext_lazy("没补上的电量（度）"), lambda f: f["residual_kwh"], format_count, "less"),
    Metric(gettext_lazy("最小裕度（千瓦）"), lambda f: f["margin_kw"], format_count, ""),
    Metric(gettext_lazy("受影响客户（户）"), lambda f: f["disturbed"], format_count, "less"),
    Metric(
        gettext_lazy("其中居民（户）"), lambda f: f["disturbed_residential"], format_count, "", gettext_lazy("必须是 0")
    ),
    Metric(gettext_lazy("其中重要客户（户）"), lambda f: f["disturbed_key"], format_count, "less"),
    Metric(gettext_lazy("客户停限小时合计"), lambda f: f["customer_quarters"], _hours, "less"),
    Metric(gettext_lazy("压减电量（度）"), lambda f: f["cut_kwh"], format_count, "less"),
    Metric(
        gettext_lazy("产值损失（元）"), lambda f: f["lost_output_fen"], format_money, "less", gettext_lazy("估算")
    ),
    Metric(gettext_lazy("补偿（元）"), lambda f: f["compensation_fen"], format_money, "less", gettext_lazy("估算")),
    Metric(
        gettext_lazy("每压减一度的产值损失（元）"), _per_kwh, format_money, "less", gettext_lazy("估算")
    ),
    Metric(
        gettext_lazy("最重一户本年累计（小时）"), lambda f: f["max_quarters"], _hours, "less", gettext_lazy("含本次")
    ),
    Metric(
        gettext_lazy("公平：Jain 指数"), lambda f: f["jain_e4"], _index, "more", gettext_lazy("1 为人人一样")
    ),
    Metric(
        gettext_lazy("公平：基尼系数"), lambda f: f["gini_e4"], _index, "less", gettext_lazy("0 为人人一样")
    ),
    Metric(
        gettext_lazy("越过顺序档（户）"), lambda f: f["tier_violations"], format_count, "less",
        gettext_lazy("低档还有余力，就动了高档"),
    ),
    Metric(
        gettext_lazy("来得及提前通知（%）"), lambda f: f["notice_kept_e4"], _percent, "more",
        gettext_lazy("现在下达；已下达的按当时"),
    ),
    Metric(gettext_lazy("要下达的指令（条）"), lambda f: f["orders"], format_count, "less"),
)  # fmt: skip

# So many rows, the first ones, say how much is covered.
_COVERAGE = 3


def compare(plans: Sequence[PlanRow]) -> list[Line]:
    """
    The rows; a row in which all plans are equal has no best.

    Where some plan covers the gap, only such plans can be best at what covering it costs: doing less is always cheaper.
    """
    lines = []
    for number, metric in enumerate(METRICS):
        values = [metric.value(plan.figures) if plan.is_ready else None for plan in plans]
        competing = [plan.is_ready for plan in plans] if number < _COVERAGE else _covering(plans)
        known = [value for value, may_win in zip(values, competing, strict=True) if may_win and value is not None]
        winners: list[int | None] = []
        if metric.better and len(set(known)) > 1:
            winners = [max(known) if metric.better == "more" else min(known)]
        lines.append(
            Line(
                label=str(metric.label),
                note=str(metric.note),
                cells=tuple(
                    Cell(ABSENT if value is None else metric.text(value), may_win and value in winners)
                    for value, may_win in zip(values, competing, strict=True)
                ),
            )
        )
    lines.append(
        Line(_("离理论最优"), _("按目标加权，下限由对偶给出"), tuple(Cell(_gap(plan), False) for plan in plans))
    )
    lines.append(Line(_("计算情况"), "", tuple(Cell(plan.state_word, False, plan.is_greedy_instead) for plan in plans)))
    lines.append(Line(_("计算用时（秒）"), "", tuple(Cell(_seconds(plan), False) for plan in plans)))
    return lines


def _covering(plans: Sequence[PlanRow]) -> list[bool]:
    """Which plans cover the gap; all that are computed where none does."""
    whole = [plan.is_ready and plan.figures["residual_kwh"] == 0 for plan in plans]
    return whole if any(whole) else [plan.is_ready for plan in plans]


def _gap(plan: PlanRow) -> str:
    if plan.gap_e4 is None or plan.above_bound_fen is None:
        return _("没有算下限") if plan.is_ready else ABSENT
    return _("不超过 %(share)s%%") % {"share": _percent(plan.gap_e4)}


def _seconds(plan: PlanRow) -> str:
    return f"{plan.took_ms // 1000}.{plan.took_ms % 1000 // 100}" if plan.is_ready else ABSENT
