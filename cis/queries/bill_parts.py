"""
Bills that are more than one stretch of energy at one price, as columns: a price or a contract that changes inside the
period, losses, sub-meters and agreed parts, free energy of a household. Other shards pay three small look-ups for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.models.supply_terms import BillPart, SupplyLoss
from cis.queries.capacity_in_use import CapacityInUse
from cis.queries.energy_columns import BILLED_REGISTERS, FLAT_PLACE, ROUNDING_KWH_E2, flat_from_total
from cis.queries.left_out import LeftOut
from cis.queries.part_columns import PartColumns
from cis.queries.part_cuts import Stretch, cut_part
from cis.rating import Register, Switches
from cis.rating.rules.losses import add_losses, in_use_loss_e2, line_loss_e2, spread, table_loss_e2
from cis.rating.rules.splits import Split, take_fixed, take_ratio, take_sub_meters

__all__ = [
    "AccountPeriod",
    "InTime",
    "Supplied",
    "SupplyTerms",
    "TermsDoNotFit",
    "read_supply_terms",
    "stretch_parts",
    "supplied",
]

Int = NDArray[np.int64]
KIND = BillPart.Kind
_FLAT = BILLED_REGISTERS.index(Register.FLAT)
_MONTH_DAYS = 30


# --- What is agreed --------------------------------------------------------------------------

_DAYS = "coalesce(lower(valid) - DATE '2000-01-01', 0), coalesce(upper(valid) - DATE '2000-01-01', 2921939)"
_OF_SHARD = "WHERE account_id >= %(low)s AND account_id < %(high)s AND valid && daterange(%(from)s, %(to)s) ORDER BY id"
_LOSSES = f"""
SELECT account_id, method, month_kwh_e2, month_kvarh_e2, iron_w, iron_var, coefficient_e6, coefficient_k_e6,
       line_loss_e6, {_DAYS} FROM cis_supply_loss {_OF_SHARD}
"""  # noqa: S608 (written here)
_PARTS = f"""
SELECT account_id, kind, coalesce(point_id, 0), month_kwh, ratio_e6, tariff_id, price_class, {_DAYS}
FROM cis_supply_part {_OF_SHARD}
"""  # noqa: S608 (written here)
_RIGHTS = f"""
SELECT account_id, kwh_per_month, {_DAYS} FROM cis_free_energy_right {_OF_SHARD}
"""  # noqa: S608 (written here)


@dataclass(frozen=True)
class Loss:
    """Agreed losses of an account; see `SupplyLoss`. Days as Postgres days."""

    method: str
    month_kwh_e2: int
    month_kvarh_e2: int
    iron_w: int
    iron_var: int
    coefficient_e6: int
    coefficient_k_e6: int
    line_loss_e6: int
    from_on: int
    to_on: int


@dataclass(frozen=True)
class AgreedPart:
    """A part with a price of its own; see `SupplyPart`."""

    kind: int
    point: int
    month_kwh: int
    ratio_e6: int
    tariff: int
    price_class: int
    from_on: int
    to_on: int


@dataclass(frozen=True)
class FreeRight:
    """So much free a month; see `FreeEnergyRight`."""

    kwh_per_month: int
    from_on: int
    to_on: int


@dataclass(frozen=True)
class SupplyTerms:
    """What accounts of a shard agreed beside tariff and capacity, by account; of most nothing."""

    losses: Mapping[int, list[Loss]] = field(default_factory=dict)
    parts: Mapping[int, list[AgreedPart]] = field(default_factory=dict)
    rights: Mapping[int, list[FreeRight]] = field(default_factory=dict)

    def accounts(self) -> list[int]:
        """Whose bills have parts for it."""
        return sorted({*self.losses, *self.parts, *self.rights})

    def sub_points(self) -> list[int]:
        """The points behind which a part is measured."""
        return sorted({part.point for parts in self.parts.values() for part in parts if part.point})

    def tariffs(self) -> list[int]:
        """The tariffs of the parts."""
        return sorted({part.tariff for parts in self.parts.values() for part in parts})


def read_supply_terms(cursor: Any, parameters: Mapping[str, Any]) -> SupplyTerms:
    """What holds for accounts in [low, high) in the days of the shard; three statements."""
    losses: dict[int, list[Loss]] = {}
    parts: dict[int, list[AgreedPart]] = {}
    rights: dict[int, list[FreeRight]] = {}
    cursor.execute(_LOSSES, parameters)
    for account, *values in cursor.fetchall():
        losses.setdefault(account, []).append(Loss(*values))
    cursor.execute(_PARTS, parameters)
    for account, *values in cursor.fetchall():
        parts.setdefault(account, []).append(AgreedPart(*values))
    cursor.execute(_RIGHTS, parameters)
    for account, *values in cursor.fetchall():
        rights.setdefault(account, []).append(FreeRight(*values))
    return SupplyTerms(losses, parts, rights)


# --- Stretches of time -----------------------------------------------------------------------


def stretch_parts(
    stretches: Mapping[int, Sequence[Stretch]],
    *,
    usage: Mapping[str, Int],
    uses: Callable[[int, int], int],
) -> tuple[PartColumns, list[int]]:
    """
    The energy of each stretch of the rows that have several, and the rows whose registers do not add up.

    `usage` are columns `row`, `place`, `from_on`, `to_on`, `energy_kwh_e2` of these rows; what a reading on the day of
    change did not cut is cut by days. `uses(row, price_class)` is what the tier year of a class used before.
    """
    rows = np.array(sorted(stretches), dtype=np.int64)
    most = max(len(found) for found in stretches.values())
    bounds = np.zeros((len(rows), most, 2), dtype=np.int64)
    for nth, row in enumerate(rows.tolist()):
        for at, one in enumerate(stretches[row]):
            bounds[nth, at] = one.from_on, one.to_on
    number = np.searchsorted(rows, usage["row"])
    days = np.minimum(usage["to_on"][:, np.newaxis], bounds[number, :, 1]) - np.maximum(
        usage["from_on"][:, np.newaxis], bounds[number, :, 0]
    )
    cut = spread(usage["energy_kwh_e2"], np.maximum(days, 0), most - 1)
    width = len(BILLED_REGISTERS)
    energy = np.zeros((len(rows), most, width), dtype=np.int64)
    has = np.zeros((len(rows), width), dtype=np.bool_)
    np.add.at(energy, (number[:, np.newaxis], np.arange(most), usage["place"][:, np.newaxis]), cut)
    has[number, usage["place"]] = True
    wrong = rows[_flat_of_stretches(energy, has)].tolist()
    parts: list[dict[str, Any]] = []
    for nth, row in enumerate(rows.tolist()):
        before: dict[int, int] = {}
        for stretch, one in enumerate(stretches[row]):
            used = before.setdefault(one.price_class, uses(row, one.price_class))
            of_stretch = energy[nth, stretch]
            parts.append(
                {
                    "row": row, "kind": int(KIND.STRETCH), "version": one.version, "price_class": one.price_class,
                    "people": one.people, "from_on": one.from_on, "to_on": one.to_on, "tier_kwh_e2_before": used,
                    "energy_kwh_e2": of_stretch, "has_register": has[nth],
                }
            )  # fmt: skip
            before[one.price_class] = used + _total(of_stretch, has[nth])
    return PartColumns.of(parts), wrong


def _flat_of_stretches(energy: Int, has: NDArray[np.bool_]) -> Int:
    """
    What the other registers leave of the total, stretch by stretch, of (rows, stretches, registers); both are changed.

    All stretches together have the flat energy and the total of the uncut period: where cutting each register in whole
    kWh leaves the others of a stretch above its total, the later stretches give what is missing. Gives the rows whose
    registers do not add up.
    """
    both = has[:, 0] & has[:, 1:].any(axis=1)
    others = energy[:, :, 1:].sum(axis=2) - energy[:, :, FLAT_PLACE]
    rest = energy[:, :, 0] - others
    whole = energy.sum(axis=1)
    # Cutting rounds once more; what is further off was read so on the day of the change.
    wrong = both & (rest < -2 * ROUNDING_KWH_E2).any(axis=1)
    wrong[flat_from_total(whole, has)] = True
    flat = np.maximum(rest, 0)
    over = flat.sum(axis=1) - whole[:, FLAT_PLACE]
    for stretch in reversed(range(flat.shape[1])):
        given = np.minimum(over, flat[:, stretch])
        flat[:, stretch] -= given
        over -= given
    energy[both, :, FLAT_PLACE] = flat[both]
    energy[both, :, 0] = (others + flat)[both]
    return np.flatnonzero(wrong)


def _total(energy: Int, has: NDArray[np.bool_]) -> int:
    return int(energy[0] if has[0] else energy[1:].sum())


# --- Losses, parts, free energy --------------------------------------------------------------


@dataclass
class Supplied:
    """One account's energy with its losses and parts."""

    parts: list[dict[str, Any]]
    active_kwh_e2: int
    """of the power factor"""
    reactive_loss: Callable[[int], int]
    """what transformer and line lose of reactive energy, by what was read (0.01 kvarh)"""


@dataclass(frozen=True)
class AccountPeriod:
    """The row of an account in its shard, and its period."""

    row: int
    account: int
    version: int
    price_class: int
    people: int
    months: int
    from_on: int
    to_on: int
    is_whole: bool
    """whether the account was there throughout, so that a month is one however long"""
    tier_kwh_e2_before: int
    energy_kwh_e2: Int
    has_register: NDArray[np.bool_]


@dataclass(frozen=True)
class InTime:
    """How the period of one account is cut."""

    stretches: Sequence[Stretch]
    """of its own contract; none where nothing changes"""
    versions_of: Callable[[int], Sequence[tuple[int, int, int]]]
    """(version, from, to) of a tariff in the period"""
    measured: Callable[[int, Sequence[Stretch]], Int]
    """(stretches, registers) what was read behind a sub-meter's point, or behind the others (0)"""
    uses: Callable[[int], int]
    """what the tier year of a price class used before"""

    def of_part(self, part: AgreedPart, priced: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a part with a price of its own; raises TermsDoNotFit where a day has no price."""
        versions = self.versions_of(part.tariff)
        stretches = [Stretch(first, last, version, part.price_class, 1) for version, first, last in versions]
        if not stretches or sum(one.to_on - one.from_on for one in stretches) < priced["to_on"] - priced["from_on"]:
            raise TermsDoNotFit(LeftOut.NO_TARIFF, "")
        if len(stretches) == 1:
            return [priced | {"version": stretches[0].version}]
        return cut_part(priced, stretches, self.measured(part.point, stretches), uses=self.uses)

    def of_main(self, priced: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of the energy at the contract's own price."""
        if not self.stretches:
            return [priced]
        return cut_part(priced, self.stretches, self.measured(0, self.stretches), uses=self.uses)


class TermsDoNotFit(Exception):
    """Why an account is left out: a code of `LeftOut` and its detail."""


def supplied(
    period: AccountPeriod,
    terms: SupplyTerms,
    in_use: CapacityInUse,
    switches: Switches,
    *,
    sub_energy: Mapping[int, tuple[Int, NDArray[np.bool_]]],
    in_time: InTime,
) -> Supplied:
    """
    The parts of one bill in their order; `sub_energy` is what stands behind each sub-meter, by point.

    A part whose price changes is cut after losses and other parts: what is of the month is reckoned for the month.

    :raises TermsDoNotFit: what is agreed changes inside the period, or the parts are more than the main meter measured
    """
    columns = np.flatnonzero(period.has_register)
    if len(columns) > 1 and columns[0] == 0:
        columns = columns[1:]
    places = columns.tolist()
    flat = places.index(_FLAT) if _FLAT in places else 0
    energy = period.energy_kwh_e2[columns][np.newaxis]
    loss, reactive_loss, energy = _with_losses(period, terms, in_use, switches, energy, flat, has_flat=_FLAT in places)
    main_total = int(energy.sum())
    taken: list[dict[str, Any]] = []
    subs: list[dict[str, Any]] = []
    proportional = switches.text("sub_deduction_tou") == "proportional" or _FLAT not in places
    agreed = [part for part in terms.parts.get(period.account, ()) if _holds(part, period)]
    for part in sorted(agreed, key=lambda one: one.kind):
        if part.kind == KIND.SUB_METER:
            of_sub, has = sub_energy.get(part.point, (None, None))
            if of_sub is None or has is None:
                raise TermsDoNotFit(LeftOut.NO_READING, "")
            alike = bool(has[1:].any()) and not (has[1:] & ~period.has_register[1:]).any()
            by_register = of_sub[columns] if alike else np.array([_total(of_sub, has)])
            energy = _rest(take_sub_meters(energy, by_register[np.newaxis], flat, proportional=proportional))
            subs += in_time.of_part(part, _part(period, part, of_sub, has))
            continue
        if part.kind == KIND.FIXED:
            kwh = _by_month(np.array([part.month_kwh * 100]), period)
            split = take_fixed(energy, kwh, flat, proportional=proportional)
        else:
            base = main_total if switches.text("ratio_base") == "main_total" else int(energy.sum())
            split = take_ratio(energy, np.array([base]), np.array([part.ratio_e6]), flat, proportional=proportional)
        energy = _rest(split)
        of_part = np.zeros(len(BILLED_REGISTERS), dtype=np.int64)
        of_part[0] = int(split.taken_e2[0])
        taken += in_time.of_part(part, _part(period, part, of_part, np.arange(len(BILLED_REGISTERS)) == 0))
    main = np.zeros(len(BILLED_REGISTERS), dtype=np.int64)
    main[columns] = energy[0]
    if places and places[0] != 0 and period.has_register[0]:
        main[0] = energy[0].sum()
    right = next((one for one in terms.rights.get(period.account, ()) if _free_months(one, period)), None)
    return Supplied(
        parts=[
            *taken,
            *in_time.of_main({
                "row": period.row, "kind": int(KIND.MAIN), "version": period.version,
                "price_class": period.price_class, "people": period.people, "from_on": period.from_on,
                "to_on": period.to_on, "tier_kwh_e2_before": period.tier_kwh_e2_before, "energy_kwh_e2": main,
                "has_register": period.has_register, "loss_kwh_e2": loss,
                "free_kwh_e2_per_month": right.kwh_per_month * 100 if right else 0,
                "free_months": _free_months(right, period) if right else 0,
            }),
            *subs,
        ],
        active_kwh_e2=main_total if switches.text("pf_active_base") == "main_meter_total" else int(main[columns].sum()),
        reactive_loss=reactive_loss,
    )  # fmt: skip


def _part(period: AccountPeriod, part: AgreedPart, energy: Int, has: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "row": period.row, "kind": part.kind, "price_class": part.price_class, "people": 1,
        "from_on": period.from_on, "to_on": period.to_on, "energy_kwh_e2": energy, "has_register": has,
    }  # fmt: skip


def _rest(split: Split) -> Int:
    if split.too_small.any():
        raise TermsDoNotFit(LeftOut.MAIN_BELOW_PARTS, "")
    return split.rest_e2


def _holds(term: AgreedPart, period: AccountPeriod) -> bool:
    """Whether it holds throughout; what begins or ends inside the period has no source to go by."""
    if term.to_on <= period.from_on or term.from_on >= period.to_on:
        return False
    if term.from_on > period.from_on or term.to_on < period.to_on:
        raise TermsDoNotFit(LeftOut.CONTRACT_CHANGES, "")
    return True


def _by_month(month_e2: Int, period: AccountPeriod) -> Int:
    """So much a month, by days where the account was there for less."""
    if period.is_whole:
        return month_e2 * period.months
    return table_loss_e2(month_e2, np.array([period.to_on - period.from_on]))


def _free_months(right: FreeRight, period: AccountPeriod) -> int:
    """The months of the bill on whose last day the right holds."""
    lasts = [period.to_on - 1 - _MONTH_DAYS * month for month in range(period.months)]
    return sum(right.from_on <= day < right.to_on for day in lasts)


def _with_losses(
    period: AccountPeriod,
    terms: SupplyTerms,
    in_use: CapacityInUse,
    switches: Switches,
    energy: Int,
    flat: int,
    *,
    has_flat: bool,
) -> tuple[int, Callable[[int], int], Int]:
    """The active loss, how reactive energy is lost, and the energy with the loss in it."""
    losses = [
        one for one in terms.losses.get(period.account, ()) if one.from_on < period.to_on and one.to_on > period.from_on
    ]
    if not losses:
        return 0, lambda _read: 0, energy
    whole = switches.text("loss_rounding") == "integer_kwh"
    bounds = [(max(one.from_on, period.from_on), min(one.to_on, period.to_on)) for one in losses]
    # What is agreed for a part of the period is of the energy of its days.
    days = [last - first for first, last in bounds]
    beside = period.to_on - period.from_on - sum(days)
    lasts = [in_use.lost(period.row, first, last, period.months) for first, last in bounds]

    def lost(read: int, *, reactive: bool) -> int:
        shares = spread(np.array([read]), np.array([[*days, beside]]), 0)[0].tolist()
        total = 0
        for loss, of_it, (months, hours) in zip(losses, shares[:-1], lasts, strict=True):
            is_table, is_formula = loss.method == SupplyLoss.Method.TABLE, loss.method == SupplyLoss.Method.FORMULA
            transformer = in_use_loss_e2(
                month_e2=(loss.month_kvarh_e2 if reactive else loss.month_kwh_e2) if is_table else 0,
                months=months,
                iron_w=(loss.iron_var if reactive else loss.iron_w) if is_formula else 0,
                hours=hours,
                coefficient_e6=(loss.coefficient_k_e6 if reactive else loss.coefficient_e6) if is_formula else 0,
                read_e2=of_it,
                whole=whole,
            )
            line = line_loss_e2(np.array([transformer + of_it]), np.array([loss.line_loss_e6]), whole=whole)
            total += transformer + int(line[0])
        return total

    active = lost(int(energy.sum()), reactive=False)
    # Without a flat price there is no flat period to put it in.
    proportional = switches.text("loss_tou_allocation") == "proportional" or not has_flat
    return (
        active,
        lambda read: lost(read, reactive=True),
        add_losses(energy, np.array([active]), flat, proportional=proportional),
    )
