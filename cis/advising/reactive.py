"""Pure: how much reactive compensation reaches which power factor, what it brings a year, and when it is paid back.

Source of the adjustment: (83)水电财字第215号, billing-rules.md 2.8. How much is needed is the textbook formula
Qc = P x (tan f1 - tan f2), with P the power at which it is needed: the month's maximum demand where it is known (the
bank is then large enough at the highest load), else the mean power of the month, which is less (ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext

from cis.advising.months import Month, costs_fen
from cis.rating.power_factors import TABLES
from cis.rating.rules.power_factor import PowerFactorRule

__all__ = ["CompensationStep", "compensation_steps"]

_DIGITS = 40


@dataclass(frozen=True)
class CompensationStep:
    """To reach a power factor in every month: so much compensation, for so much, saving so much over the months."""

    power_factor_e2: int
    kvar: int
    cost_fen: int
    saves_fen: int
    pays_back_months: int
    """months of such months until the cost is saved, rounded up; 0 where nothing needs to be bought"""


def compensation_steps(
    months: Sequence[Month], *, power_kw_e4: Sequence[int], fen_per_kvar: int
) -> list[CompensationStep]:
    """The steps above what was reached on the whole, up to where the table gives no more; only those that save.

    `power_kw_e4` (months,): the power at which compensation is needed. Months that are not subject, or without active
    energy, stay as they are. What cannot be rated gives no steps.
    """
    subject = [month for month in months if _is_subject(month)]
    now = costs_fen(months)
    if not subject or None in now:
        return []
    worst = min(month.number("power_factor_e2") for month in subject)
    steps: list[CompensationStep] = []
    for target in range(worst + 1, _last_reward(subject) + 1):
        raised = [
            month.given(power_factor_e2=max(target, month.number("power_factor_e2"))) if _is_subject(month) else month
            for month in months
        ]
        after = costs_fen(raised)
        if None in after:
            return []
        saves = sum(one or 0 for one in now) - sum(one or 0 for one in after)
        if saves <= 0 or (steps and saves <= steps[-1].saves_fen):
            continue
        kvar = max(_kvar(month, power, target) for month, power in zip(months, power_kw_e4, strict=True))
        cost = kvar * fen_per_kvar
        steps.append(CompensationStep(target, kvar, cost, saves, -(-cost * len(months) // saves)))
    return steps


def _is_subject(month: Month) -> bool:
    return month.number("pf_standard_e2") > 0 and month.number("power_factor_e2", -1) >= 0


def _last_reward(subject: Sequence[Month]) -> int:
    """The power factor from which on no month is adjusted any better."""
    last = 0
    for month in subject:
        for rule in month.tariff.rules:
            if isinstance(rule, PowerFactorRule):
                rates = TABLES[rule.table].rates_e8[month.number("pf_standard_e2")].tolist()
                last = max(last, rates.index(min(rates)))
    return last


def _kvar(month: Month, power_kw_e4: int, target_e2: int) -> int:
    """Whole kvar that bring a month's power factor to the target; 0 where it is there or not subject."""
    active, reactive = month.number("pf_active_kwh_e2"), month.number("pf_reactive_kvarh_e2")
    if not _is_subject(month) or active <= 0 or month.number("power_factor_e2") >= target_e2:
        return 0
    with localcontext() as context:
        context.prec = _DIGITS
        # Rounded half-up a factor is h from (2h - 1) / 200 on: tan of that angle is what may stay.
        cosine = Decimal(2 * target_e2 - 1) / 200
        may_stay = (1 / (cosine * cosine) - 1).sqrt()
        needed = Decimal(power_kw_e4).scaleb(-4) * (Decimal(reactive) / Decimal(active) - may_stay)
        return max(int(needed.to_integral_value(ROUND_CEILING)), 0)
