"""What the adviser found, in finished words and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cis.queries.adviser import Advice
from cis.queries.adviser_options import Option
from cis.queries.billed_year import DemandFrom, LeftOutBill, NotAgain, PeriodsFrom
from cis.rating.rules.basic_charge import DemandMode
from config.shared.display_formats import MINUS, format_count, format_demand, format_money, format_month

_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class MonthInWords:
    """One bill beside what it would have been; the difference with its sign."""

    month: str
    billed: str
    fen: str
    difference: str


@dataclass(frozen=True, slots=True)
class OptionInWords:
    """One way of paying with its bar."""

    key: str
    name: str
    way: str
    is_now: bool
    is_best: bool
    yuan: str
    difference: str
    """how much less or more a year than now, said"""
    is_less: bool
    bar_width: int
    note: str
    months: tuple[MonthInWords, ...]


@dataclass(frozen=True, slots=True)
class UnknownInWords:
    """A way that cannot be reckoned, and why."""

    name: str
    way: str
    why: str


@dataclass(frozen=True, slots=True)
class StepInWords:
    """A step of compensation."""

    factor: str
    kvar: str
    cost: str
    saves: str
    pays_back: str


@dataclass(frozen=True, slots=True)
class AdviceInWords:
    """A whole advice, said."""

    headline: str
    next_steps: tuple[str, ...]
    options: tuple[OptionInWords, ...]
    unknown: tuple[UnknownInWords, ...]
    monthly: tuple[tuple[str, str, str, str], ...]
    """month, demand, best value, what it comes to"""
    monthly_summary: str
    steps: tuple[StepInWords, ...]
    of_compensation: str
    of_idle: str
    of_suspension: str
    of_shift: str
    of_household: str
    what_if: str
    what_if_months: tuple[MonthInWords, ...]
    known: tuple[str, ...]


def in_words(advice: Advice) -> AdviceInWords:
    """An advice as pages show it."""
    now = advice.now
    return AdviceInWords(
        headline=_headline(advice),
        next_steps=tuple(_next_steps(advice)),
        options=_options(advice),
        unknown=tuple(UnknownInWords(one.tariff_name, way_of(one), _why_not(one)) for one in advice.unknown),
        monthly=tuple(
            (
                format_month(value.cycle),
                format_demand(value.demand_kw_e4),
                format_count(value.kw),
                format_money(value.fen),
            )
            for value in advice.by_month
        ),
        monthly_summary=_monthly_summary(advice),
        steps=tuple(
            StepInWords(
                f"{step.power_factor_e2 / 100:.2f}",
                format_count(step.kvar),
                format_money(step.cost_fen),
                format_money(step.saves_fen),
                format_count(step.pays_back_months),
            )
            for step in (advice.levers.compensation if advice.levers else ())
        ),
        of_compensation=_of_compensation(advice),
        of_idle=_of_idle(advice),
        of_suspension=_of_suspension(advice),
        of_shift=_of_shift(advice),
        of_household=_of_household(advice),
        what_if=_of_what_if(advice),
        what_if_months=_months(advice, advice.what_if.month_fen) if advice.what_if and now else (),
        known=tuple(_known(advice)),
    )


def way_of(option: Option) -> str:
    """How it is paid, without the name of the tariff; empty where only energy is paid."""
    words = {
        DemandMode.CAPACITY: _("基本电费按变压器容量"),
        DemandMode.ACTUAL: _("基本电费按实际最大需量"),
        DemandMode.EXEMPT: _("免收基本电费"),
    }
    if option.mode == DemandMode.CONTRACT:
        if option.contract_kw is None:
            return _("基本电费按合同最大需量")
        return _("基本电费按合同最大需量 %(kw)s 千瓦") % {"kw": format_count(option.contract_kw)}
    return words.get(DemandMode(option.mode), "")


def _headline(advice: Advice) -> str:
    now, best = advice.now, advice.best
    if now is None or best is None:
        return _("还没有可以比较的账单。")
    words = {
        "months": advice.months_covered,
        "yuan": format_money(now.total_fen),
        "saves": format_money(advice.saves_fen),
    }
    if best.is_now or not advice.saves_fen:
        if len(advice.options) == 1:
            return _("这 %(months)s 个月付了 %(yuan)s 元。能算的方式只有现在这一种。") % words
        return _("这 %(months)s 个月付了 %(yuan)s 元，现在的方式就是最省的。") % words
    return _("这 %(months)s 个月付了 %(yuan)s 元，换最省的方式可少付 %(saves)s 元。") % words


def _options(advice: Advice) -> tuple[OptionInWords, ...]:
    now = advice.now
    widest = max((option.total_fen for option in advice.options), default=0) or 1
    return tuple(
        OptionInWords(
            key=option.key,
            name=option.tariff_name,
            way=way_of(option),
            is_now=option.is_now,
            is_best=place == 0,
            yuan=format_money(option.total_fen),
            difference=_difference(option.total_fen - now.total_fen) if now else "",
            is_less=bool(now) and option.total_fen < now.total_fen if now else False,
            bar_width=max(option.total_fen * _WIDTH // widest, 4),
            note=_note(option),
            months=_months(advice, option.month_fen),
        )
        for place, option in enumerate(advice.options)
    )


def _difference(fen: int) -> str:
    yuan = {"yuan": format_money(abs(fen))}
    if fen == 0:
        return _("一样多")
    return _("多 %(yuan)s 元") % yuan if fen > 0 else _("少 %(yuan)s 元") % yuan


def _note(option: Option) -> str:
    if option.periods_from == PeriodsFrom.CURVE:
        return _("估算：电表没有分时示数，按同月每 15 分钟的用电分摊。")
    if option.periods_from == PeriodsFrom.OTHER_DAYS:
        return _("估算：电表没有分时示数，按有记录的日子的用电时刻分摊到全年。")
    if option.mode == DemandMode.CONTRACT and not option.is_now:
        return _("合同值已逐段查找，与试遍每一千瓦的结果相同。")
    return ""


def _months(advice: Advice, month_fen: Sequence[int]) -> tuple[MonthInWords, ...]:
    return tuple(
        MonthInWords(
            format_month(month.cycle),
            format_money(month.total_fen),
            format_money(fen),
            f"{'+' if fen > month.total_fen else MINUS}{format_money(abs(fen - month.total_fen))}"
            if fen != month.total_fen
            else "0",
        )
        for month, fen in zip(advice.months, month_fen, strict=False)
    )


def _why_not(option: Option) -> str:
    months = {"months": len(option.missing)}
    words = {
        "no-demand": _("%(months)s 个月没有最大需量：电表没有这个示数，15 分钟曲线也不全。"),
        "no-periods": _("%(months)s 个月没有分时示数，能用的 15 分钟曲线不到四周。"),
        "no-version": _("%(months)s 个月没有这个电价的价目。"),
        "not-priced": _("%(months)s 个月的用电套不进这个电价。"),
    }
    return words[option.why_not] % months


def _monthly_summary(advice: Advice) -> str:
    if not advice.by_month:
        return ""
    return _(
        "合同值可以逐月改。每个月都事先知道最大需量的话，%(months)s 个月合计 %(yuan)s 元；"
        "事先不会知道，所以这是最好的情形。"
    ) % {"months": len(advice.by_month), "yuan": format_money(sum(value.fen for value in advice.by_month))}


def _next_steps(advice: Advice) -> list[str]:
    best, now = advice.best, advice.now
    if best is None or now is None or best.is_now or not advice.saves_fen:
        return []
    terms, steps = advice.terms, []
    if best.is_two_part and now.is_two_part and best.mode == now.mode == DemandMode.CONTRACT:
        steps.append(
            _("改合同需量值：提前 %(days)s 个工作日申请，今天申请最早从 %(day)s 起。")
            % {"days": terms.contract_value_working_days, "day": advice.value_from.isoformat()}
        )
    elif best.is_two_part:
        steps.append(
            _("改计收方式：提前 %(days)s 个工作日申请，今天申请最早从 %(day)s 起；选定后 %(months)s 个月内不变。")
            % {
                "days": terms.kind_working_days,
                "day": advice.kind_from.isoformat(),
                "months": terms.kind_holds_months,
            }
        )
    else:
        steps.append(_("换电价：到营业厅或拨打 95598 申请，从下一个计费周期起执行。"))
    steps.append(_("这是过去的用电换一种算法；以后用电变了，结果也会变。"))
    return steps


# --- When and how to use ---------------------------------------------------------------------


def _of_compensation(advice: Advice) -> str:
    levers = advice.levers
    if levers is None or levers.worst_factor_e2 is None:
        return ""
    words = {
        "factor": f"{levers.worst_factor_e2 / 100:.2f}",
        "yuan": format_money(levers.fen_per_kvar),
    }
    if not levers.compensation:
        return _("功率因数最低的月份是 %(factor)s，再提高也不能少付。") % words
    if levers.is_by_demand:
        return (
            _("功率因数最低的月份是 %(factor)s。容量按各月最大需量算足，每千乏按 %(yuan)s 元估价，自动投切。") % words
        )
    return (
        _(
            "功率因数最低的月份是 %(factor)s。没有最大需量，容量按各月平均功率算，高负荷时会不够；"
            "每千乏按 %(yuan)s 元估价。"
        )
        % words
    )


def _of_idle(advice: Advice) -> str:
    levers = advice.levers
    if levers is None or levers.idle_kva is None:
        return ""
    words = {
        "kva": format_count(levers.idle_kva),
        "yuan": format_money(levers.kva_month_fen * 100),
        "days": advice.terms.suspension_working_days,
        "times": advice.terms.suspensions_a_year,
        "months": advice.terms.suspended_months_a_year,
    }
    if not levers.idle_kva:
        return _("用电最多的月份容量都用上了，没有可以暂停的。")
    return (
        _(
            "用电最多的月份也闲着约 %(kva)s 千伏安。每暂停 100 千伏安，一个月少付 %(yuan)s 元。"
            "只能整台停，提前 %(days)s 个工作日申请，一年 %(times)s 次、共 %(months)s 个月。"
        )
        % words
    )


def _of_suspension(advice: Advice) -> str:
    levers = advice.levers
    if levers is None or not levers.is_suspension_asked:
        return ""
    if levers.suspension is None:
        return _("每个月留下的容量都不够，没有整台可以停的。")
    sealed = _("、").join(format_count(size // 100) for size in levers.suspension.sealed_kva_e2)
    months = _("、").join(format_month(cycle) for cycle in levers.suspension.cycles)
    return _("停 %(sealed)s 千伏安的变压器，在 %(months)s，共少付 %(yuan)s 元。") % {
        "sealed": sealed,
        "months": months,
        "yuan": format_money(levers.suspension.saves_fen),
    }


def _of_shift(advice: Advice) -> str:
    levers = advice.levers
    if levers is None or levers.shift_saves_fen is None:
        return ""
    words = {"percent": levers.shift_percent, "yuan": format_money(abs(levers.shift_saves_fen))}
    if levers.shift_saves_fen >= 0:
        return _("把尖峰、高峰用电的 %(percent)s%% 移到低谷，这些月份共少付 %(yuan)s 元；最大需量按不变算。") % words
    return _("把尖峰、高峰用电的 %(percent)s%% 移到低谷，这些月份反而多付 %(yuan)s 元。") % words


def _of_household(advice: Advice) -> str:
    levers = advice.levers
    if levers is None or not levers.household_people:
        return ""
    return _("家里有 %(people)s 人及以上的，登记后每档电量放宽：这些月份共少付 %(yuan)s 元。带户口簿到营业厅办。") % {
        "people": levers.household_people,
        "yuan": format_money(levers.household_saves_fen),
    }


def _of_what_if(advice: Advice) -> str:
    found = advice.what_if
    if found is None:
        return ""
    if not found.month_fen:
        return _("这个方式没有这样的时段，或者减得比用的还多，算不出来。")
    more = found.total_fen - found.billed_fen
    words = {
        "plan": _("，").join(filter(None, (found.plan.tariff_name, way_of(found.plan)))),
        "yuan": format_money(found.total_fen),
        "kwh": format_count(abs(found.more_kwh)),
        "difference": _difference(more),
    }
    hours = {"valley": _("低谷"), "peak": _("高峰")}.get(found.more_in, "")
    if not found.more_kwh:
        return _("按“%(plan)s”：共 %(yuan)s 元，比实际%(difference)s。") % words
    if hours and found.plan.has_periods:
        words["hours"] = hours
        if found.more_kwh > 0:
            return _("按“%(plan)s”，每月%(hours)s多用 %(kwh)s 度：共 %(yuan)s 元，比实际%(difference)s。") % words
        return _("按“%(plan)s”，每月%(hours)s少用 %(kwh)s 度：共 %(yuan)s 元，比实际%(difference)s。") % words
    if found.more_kwh > 0:
        return _("按“%(plan)s”，每月多用 %(kwh)s 度：共 %(yuan)s 元，比实际%(difference)s。") % words
    return _("按“%(plan)s”，每月少用 %(kwh)s 度：共 %(yuan)s 元，比实际%(difference)s。") % words


# --- What is known ---------------------------------------------------------------------------


def _known(advice: Advice) -> list[str]:
    said: list[str] = []
    if advice.months_covered < 12:
        said.append(
            _("可以比较的只有 %(months)s 个月，不到一年：季节的影响看不全。") % {"months": advice.months_covered}
        )
    if advice.has_changed:
        said.append(_("这段时间里换过电价或计收方式，“现在的方式”按各月当时的算。"))
    if advice.correction_fen:
        said.append(
            _("这些账单里有 %(yuan)s 元是以前账单的更正，不参加比较。") % {"yuan": format_money(advice.correction_fen)}
        )
    said += [_of_left_out(bill) for bill in advice.left_out]
    from_curve = sum(month.demand_from == DemandFrom.CURVE for month in advice.months)
    if from_curve:
        said.append(
            _("%(months)s 个月的最大需量取自 15 分钟曲线，与电表的需量示数可能略有不同。") % {"months": from_curve}
        )
    if advice.months:
        said.append(_("每一种方式都由出账的同一个计费程序逐月重算；现在的方式与已发行的账单一分不差。"))
    return said


def _of_left_out(bill: LeftOutBill) -> str:
    words = {"month": format_month(bill.cycle), "bill": bill.bill_no, "yuan": format_money(abs(bill.differs_fen))}
    if bill.why == NotAgain.DIFFERS:
        return _("%(month)s 的账单（%(bill)s）有人工调整，重算相差 %(yuan)s 元，没有参加比较。") % words
    if bill.why == NotAgain.SEVERAL_PRICES:
        return _("%(month)s 的账单（%(bill)s）一期里价格或合同变过，没有参加比较。") % words
    return _("%(month)s 的账单（%(bill)s）用现有资料算不出来，没有参加比较。") % words
