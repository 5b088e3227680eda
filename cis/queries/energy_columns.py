"""The energy of bills by register, in columns: what a meter's registers come to, and as the kernel takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.rating import CompiledTariff, Register, Usage

# Import registers that a bill can be made of, and the place each has in the energy columns.
BILLED_REGISTERS: tuple[Register, ...] = (
    Register.TOTAL,
    Register.SHARP,
    Register.PEAK,
    Register.FLAT,
    Register.VALLEY,
    Register.DEEP_VALLEY,
)
FLAT_PLACE = BILLED_REGISTERS.index(Register.FLAT)
PLACE = np.full(128, -1, dtype=np.int64)
for _place, _register in enumerate(BILLED_REGISTERS):
    PLACE[int(_register)] = _place


def flat_from_total(energy: NDArray[np.int64], has: NDArray[np.bool_]) -> NDArray[np.int64]:
    """
    Where a meter has a total and period registers, flat is what the others leave of the total (billing-rules 0.3).

    Changes `energy` in place; gives the rows where the other periods exceed the total.
    """
    total, flat = 0, FLAT_PLACE
    others = [place for place in range(1, len(BILLED_REGISTERS)) if place != flat]
    both = has[:, total] & has[:, 1:].any(axis=1)
    if not both.any():
        return np.empty(0, dtype=np.int64)
    rest = energy[:, total] - energy[:, others].sum(axis=1)
    wrong = both & (rest < 0)
    # Rounding each register to whole kWh may leave the periods a few kWh above the total: then flat is none.
    small = wrong & (rest >= -ROUNDING_KWH_E2) & (energy[:, flat] >= 0)
    rest[small] = 0
    settled = both & ~(wrong & ~small)
    energy[settled, flat] = rest[settled]
    has[settled, flat] = True
    energy[small, total] = energy[small][:, 1:].sum(axis=1)
    return np.flatnonzero(wrong & ~small)


# Rounding each register of a meter to whole kWh leaves at most this much between their sum and the total.
ROUNDING_KWH_E2 = 300


def usage_for(
    tariff: CompiledTariff,
    *,
    energy_kwh_e2: NDArray[np.int64],
    has_register: Sequence[bool],
    tier_kwh_e2_before: NDArray[np.int64],
    people: NDArray[Any],
    months: NDArray[Any],
    bill_month: int,
    tier_months: NDArray[Any] | None = None,
    more: Mapping[str, NDArray[np.int64]] | None = None,
) -> Usage:
    """
    The kernel's columns of (n, len(BILLED_REGISTERS)) energy of rows that have the same registers.

    A tariff with periods but no flat price has no place for what rounding leaves between the periods and the total:
    the periods count, as on the meter.
    """
    places = [place for place, has in enumerate(has_register) if has]
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    flat = FLAT_PLACE
    energy = energy_kwh_e2
    if priced and Register.FLAT not in priced and flat in places:
        small = np.abs(energy[:, flat]) <= ROUNDING_KWH_E2
        energy = energy.copy()
        energy[small, 0] -= energy[small, flat]
        energy[small, flat] = 0
    return Usage(
        registers=tuple(BILLED_REGISTERS[place] for place in places),
        energy_kwh_e2=np.ascontiguousarray(energy[:, places]),
        tier_kwh_e2_before=tier_kwh_e2_before.astype(np.int64),
        people=people.astype(np.int16),
        months=months.astype(np.int8),
        bill_month=bill_month,
        **({} if tier_months is None else {"tier_months": tier_months.astype(np.int8)}),
        more=more or {},
    )
