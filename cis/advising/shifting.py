"""Pure: the same energy at other hours, and more energy than was used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cis.advising.months import Month
from cis.rating import Register, Usage

__all__ = ["shifted", "with_more_energy"]

_DEAR = (Register.SHARP, Register.PEAK)
_CHEAP = (Register.VALLEY, Register.DEEP_VALLEY)
_WHOLE_KWH_E2 = 100


def shifted(month: Month, percent: int) -> Month | None:
    """The period with so many per cent of the energy of sharp and peak hours used in the valley, whole kWh each.

    None where its registers do not tell peak from valley. The total, and with it the tiers, stay. What that does to the
    maximum demand nobody knows: it stays.
    """
    usage = month.usage
    valley = next((one for one in _CHEAP if one in usage.registers), None)
    dear = [one for one in _DEAR if one in usage.registers]
    if valley is None or not dear:
        return None
    energy = usage.energy_kwh_e2.copy()
    for register in dear:
        place = usage.registers.index(register)
        moved = int(energy[0, place]) * percent // (100 * _WHOLE_KWH_E2) * _WHOLE_KWH_E2
        energy[0, place] -= moved
        energy[0, usage.registers.index(valley)] += moved
    return replace(month, usage=replace(usage, energy_kwh_e2=energy))


def with_more_energy(months: Sequence[Month], more_kwh_e2: dict[Register, int]) -> list[Month] | None:
    """The periods with so much more (less: negative) a month in some registers; tiers of the year count it too.

    None where a register is missing or would fall below nought. `TOTAL` follows the periods where there are any; the
    energy that a tier year holds before a period grows by what was added since the year, or the first period, began.
    """
    found: list[Month] = []
    added, last_before, last_energy = 0, 0, 0
    for month in months:
        usage = month.usage
        energy = usage.energy_kwh_e2.copy()
        extra = 0
        for register, more in more_kwh_e2.items():
            if register not in usage.registers:
                return None
            of_period = more * int(usage.months[0])
            energy[0, usage.registers.index(register)] += of_period
            extra += of_period
        if Register.TOTAL in usage.registers and Register.TOTAL not in more_kwh_e2:
            energy[0, usage.registers.index(Register.TOTAL)] += extra
        if (energy[0] < 0).any():
            return None
        before = int(usage.tier_kwh_e2_before[0])
        if before < last_before or (before == 0 and last_before + last_energy > 0):
            added = 0  # a new tier year
        last_before, last_energy = before, int(usage.import_energy()[0])
        found.append(replace(month, usage=_with_before(replace(usage, energy_kwh_e2=energy), before + added)))
        added += extra
    return found


def _with_before(usage: Usage, before: int) -> Usage:
    column = usage.tier_kwh_e2_before.copy()
    column[0] = max(before, 0)
    return replace(usage, tier_kwh_e2_before=column)
