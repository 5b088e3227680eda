"""Pure: what the basic charge of a request is charged on: transformers and their changes, contract and demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cis.previews.document import Document
from cis.previews.parts import Supply
from cis.previews.periods import ONE_MONTH
from cis.rating import CannotPrice
from cis.rating.capacity_days import DAY, CapacityEvent, Stretch, stretches_of
from cis.rating.columns import WHOLE
from cis.rating.rules.basic_charge import DemandMode

if TYPE_CHECKING:
    from cis.previews.bill_request import Request

__all__ = ["BasicInputs", "check_month", "read_basic"]

EVENTS = ("suspend", "resume", "replace", "add", "remove", "reduce")


@dataclass(frozen=True)
class BasicInputs:
    """Determinants for the rule `basic_charge`, one row."""

    determinants: dict[str, Any]


def read_basic(request: Request, supply: Supply) -> BasicInputs | None:
    """
    The determinants, or None where the request has neither capacity nor demand.

    :raises CannotPrice: the way of charging needs what is not there
    """
    fleet = [_kva(value, "customer.transformers_kva") for value in request.customer.numbers("transformers_kva")]
    if not fleet and request.customer.has("capacity_kva"):
        fleet = [request.customer.scaled("capacity_kva", 2)]
    contracts = [name for name in ("contract_kw", "applied_contract_kw") if request.inputs.has(name)]
    if len(contracts) > 1:
        raise CannotPrice("register_twice", f"inputs: {' and '.join(contracts)} each say the contract value")
    contract = contracts[0] if contracts else None
    mode = _mode(request, bool(contract), bool(supply.demand_kw_e4))
    if mode == DemandMode.CAPACITY and not fleet:
        return None
    if mode in (DemandMode.CONTRACT, DemandMode.ACTUAL) and not supply.demand_kw_e4:
        raise CannotPrice("missing_field", "inputs.max_demand_kw")
    if mode == DemandMode.CONTRACT and contract is None:
        raise CannotPrice("missing_field", "inputs.contract_kw")
    has_discount = mode == DemandMode.ACTUAL and request.switches.text("load_factor_discount") != "none"
    if not fleet and (mode == DemandMode.CONTRACT or has_discount):
        raise CannotPrice("missing_field", "customer.transformers_kva: the contract value or discount depends on it")
    stretches, running = _stretches(request, supply, fleet)
    part = _part_of_month(request)
    stretches = [Stretch(one.kva_e2, min(one.share, part), one.is_half) for one in stretches]
    demand = supply.demand_kw_e4 or [0]
    rows: dict[str, Any] = {
        "demand_mode": int(mode),
        "capacity_kva_e2": [[one.kva_e2 for one in stretches]],
        "capacity_share": [[one.share for one in stretches]],
        "capacity_is_half": [[int(one.is_half) for one in stretches]],
        "floor_kva_e2": running,
        "demand_share": part,
        "load_kwh_e2": supply.main_e2,
        "contract_kw_e4": request.inputs.scaled(contract, 4) if contract else 0,
        "demand_kw_e4": [demand],
    }
    return BasicInputs(rows)


def check_month(request: Request) -> None:
    """A basic charge is that of one month; raises CannotPrice(`out_of_range`)."""
    if request.start is None or request.end is None:
        return
    days = (request.end - request.start).days
    is_part = request.inputs.raw("event") in ("account_closed", "account_opened")
    if days >= ONE_MONTH.stop or (days < ONE_MONTH.start and not is_part):
        raise CannotPrice(
            "out_of_range", "period: the basic charge is that of one month; inputs.event says why it is shorter"
        )


def _part_of_month(request: Request) -> int:
    """Sixtieths of the month that are charged: an account that opens or closes pays by the day."""
    start, end = request.start, request.end
    if request.inputs.text("event", "") not in ("account_closed", "account_opened"):
        return WHOLE
    if start is None or end is None:
        raise CannotPrice("missing_field", "period.start and period.end")
    is_month = start.day == 1 and end == (start + timedelta(days=31)).replace(day=1)
    return WHOLE if is_month else min((end - start).days, 30) * DAY


def _mode(request: Request, has_contract: bool, has_demand: bool) -> DemandMode:
    if request.options.has("demand_mode"):
        return DemandMode[request.switches.text("demand_mode").upper()]
    if request.customer.flag("basic_charge_exempt"):
        return DemandMode.EXEMPT
    if has_contract:
        return DemandMode.CONTRACT
    return DemandMode.ACTUAL if has_demand else DemandMode[request.switches.text("demand_mode").upper()]


def _stretches(request: Request, supply: Supply, fleet: list[int]) -> tuple[list[Stretch], int]:
    """What is charged for which part of the month, and the capacity that is not sealed at its end."""
    documents = request.inputs.parts("events")
    request.inputs.ignore("suspended_days")  # said for people: the events and the switch decide
    if not documents:
        if request.inputs.has("suspended_days") and request.inputs.scaled("suspended_days", 0):
            raise CannotPrice("missing_field", "inputs.events: what was sealed for inputs.suspended_days")
        return [Stretch(sum(fleet), WHOLE)], sum(fleet)
    if request.inputs.has("days_old") or request.inputs.has("days_new"):
        stated = _stated_days(request, fleet, documents)
        return stated, sum(one.kva_e2 for one in stated) - (stated[-2].kva_e2 if len(stated) > 1 else 0)
    start, end = request.start, request.end
    if start is None or end is None:
        raise CannotPrice("missing_field", "period.start and period.end")
    events = _with_earlier_seals(fleet, _events(documents), start)
    if any(one.kind == "suspend" for one in events):
        days = _suspended_days(events, start, end, is_old=request.switches.text("change_day_belongs_to") == "old")
        supply.quantities["suspended_days"] = str(days)
    sealed = {"suspend": -1, "remove": -1, "resume": 1, "add": 1}
    running = sum(fleet) + sum(sealed[one.kind] * one.kva_e2 for one in events if one.on < end)
    return stretches_of(fleet, events, start=start, end=end, switches=request.switches), max(running, 0)


def _events(documents: Sequence[Document]) -> list[CapacityEvent]:
    """What happened to transformers; a replacement takes one away and adds another."""
    events: list[CapacityEvent] = []
    for one in documents:
        on, kind = one.day("date"), one.text("type")
        if kind not in EVENTS:
            raise CannotPrice("unknown_value", f"{one.where}.type {kind}: one of {', '.join(EVENTS)}")
        if kind == "reduce" and not one.has("from_kva"):
            events.append(CapacityEvent(on, "remove", _kva(one.number("kva"), f"{one.where}.kva")))
        elif kind in ("replace", "reduce"):
            events.append(CapacityEvent(on, "remove", _kva(one.number("from_kva"), f"{one.where}.from_kva")))
            # What is only reduced may be taken away whole; what replaces is something.
            if kind == "replace" or one.scaled("to_kva", 2, "0"):
                events.append(CapacityEvent(on, "add", _kva(one.number("to_kva"), f"{one.where}.to_kva")))
        else:
            events.append(CapacityEvent(on, kind, _kva(one.number("kva"), f"{one.where}.kva")))
        one.finish()
    return events


def _with_earlier_seals(fleet: Sequence[int], events: Sequence[CapacityEvent], start: date) -> list[CapacityEvent]:
    """The events, and before them the seals that nobody named: what runs again and was there was sealed before."""
    sealed: dict[int, int] = {}
    earlier: list[CapacityEvent] = []
    for one in sorted(events, key=lambda event: event.on):
        if one.kind == "suspend":
            sealed[one.kva_e2] = sealed.get(one.kva_e2, 0) + 1
        elif one.kind == "resume" and sealed.get(one.kva_e2):
            sealed[one.kva_e2] -= 1
        elif one.kind == "resume" and one.kva_e2 in fleet:
            # Long enough before the period that no least length of a suspension undoes it.
            earlier.append(CapacityEvent(start - timedelta(days=31), "suspend", one.kva_e2))
    return [*earlier, *events]


def _suspended_days(events: Sequence[CapacityEvent], start: date, end: date, *, is_old: bool) -> int:
    """Days of the period between each seal and its removal, or the end; `is_old`: they begin with the day after."""
    later = timedelta(days=1 if is_old else 0)
    days = 0
    for began in [one for one in events if one.kind == "suspend"]:
        ends = [one.on for one in events if one.kind == "resume" and one.kva_e2 == began.kva_e2 and one.on >= began.on]
        until = min(min(ends) + later, end) if ends else end
        days += max((until - max(began.on + later, start)).days, 0)
    return days


def _stated_days(request: Request, fleet: list[int], documents: list[Document]) -> list[Stretch]:
    """A change whose days somebody has counted already."""
    if len(documents) != 1 or documents[0].text("type") not in ("replace", "reduce"):
        raise CannotPrice("unknown_field", "inputs.days_old and days_new belong to one replacement")
    change = documents[0]
    change.ignore("date")
    old, new = (
        change.scaled("from_kva", 2),
        change.scaled("to_kva", 2, "0" if change.text("type") == "reduce" else None),
    )
    change.finish()
    rest = sum(fleet) - old
    if rest < 0:
        raise CannotPrice("unknown_capacity", f"{change.where}.from_kva is more than the transformers have")
    days_old, days_new = (request.inputs.scaled(name, 0) for name in ("days_old", "days_new"))
    stretches = [Stretch(rest, WHOLE)] if rest else []
    return [
        *stretches,
        *(Stretch(kva, min(days, 30) * DAY) for kva, days in ((old, days_old), (new, days_new)) if kva and days > 0),
    ]


def _kva(value: Fraction, where: str) -> int:
    kva = value * 100
    if kva.denominator != 1 or kva <= 0:
        raise CannotPrice("ill_typed", f"{where}: {value} is no capacity in kVA with two decimals")
    return int(kva)
