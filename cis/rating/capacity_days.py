"""Pure: for how much of a month which capacity is charged: suspension, reduction, replacement, opening and closing.

Source: billing-rules.md 2.3: a day is a thirtieth of the month's charge; a whole month is one month however long; in a
month of 31 days what changes is charged min(days, 30) thirtieths (ours); short suspensions are charged in full; whose
the day of the change is, sources disagree about (`change_day_belongs_to`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from cis.rating.columns import WHOLE
from cis.rating.refusal import CannotPrice
from cis.rating.switches import Switches

__all__ = ["CapacityEvent", "Held", "Stretch", "charged_by_days", "layers_of", "stretches_of"]

DAY = WHOLE // 30


@dataclass(frozen=True)
class CapacityEvent:
    """What happened to a transformer on a day."""

    on: date
    kind: str
    """suspend, resume, add, remove"""
    kva_e2: int


@dataclass(frozen=True)
class Stretch:
    """One line of the capacity charge: so much capacity for so many sixtieths of the month."""

    kva_e2: int
    share: int
    is_half: bool = False


@dataclass(frozen=True)
class Held:
    """So much capacity from one day to another, half-open; less than nought where some of it is taken off."""

    kva_e2: int
    from_day: int
    to_day: int


def layers_of(held: Sequence[Held], start: int, end: int) -> list[tuple[int, int]]:
    """Return (0.01 kVA, days) from the bottom up: how long each layer of what runs was there between two days.

    What runs on a day is the sum of what is held on it. Raises CannotPrice(`unknown_capacity`) where it is less than
    nothing.
    """
    bounds = {start, end}
    for one in held:
        bounds |= {min(max(day, start), end) for day in (one.from_day, one.to_day)}
    days_at: dict[int, int] = {}
    for first, last in pairwise(sorted(bounds)):
        runs = sum(one.kva_e2 for one in held if one.from_day <= first < one.to_day)
        if runs < 0:
            raise CannotPrice("unknown_capacity", f"{runs / 100:g} kVA run: more is sealed than there is")
        days_at[runs] = days_at.get(runs, 0) + last - first
    found, below = [], 0
    for level in sorted(days_at):
        if level:
            found.append((level - below, sum(days for runs, days in days_at.items() if runs >= level)))
            below = level
    return found


def charged_by_days(
    held: Sequence[Held], start: int, end: int, *, is_whole: bool, halved: Sequence[Held] = ()
) -> list[Stretch]:
    """Return what is charged of a month: the whole of what runs throughout it, the rest by its days, thirty at most.

    `is_whole`: whether start and end are those of the month, so that it is one however long. `halved` is charged at
    half (suspended within two years of its installation, before 2016).
    """
    charged = [
        Stretch(kva, WHOLE if is_whole and days == end - start else min(days, 30) * DAY)
        for kva, days in layers_of(held, start, end)
    ]
    for kva, days in layers_of(halved, start, end):
        share = WHOLE if is_whole and days == end - start else min(days, 30) * DAY
        charged.append(Stretch(kva, share // 2, is_half=True))
    return charged


@dataclass
class _Transformer:
    """One transformer's days in the period; `since` begins its present state."""

    kva_e2: int
    state: str
    since: date
    running: int = 0
    suspended: int = 0
    has_changed: bool = False

    def enter(self, state: str, on: date) -> None:
        days = (on - self.since).days
        if self.state == "running":
            self.running += days
        elif self.state == "suspended":
            self.suspended += days
        self.state, self.since, self.has_changed = state, on, True


def stretches_of(
    transformers_kva_e2: Sequence[int],
    events: Sequence[CapacityEvent],
    *,
    start: date,
    end: date,
    switches: Switches,
) -> list[Stretch]:
    """Return what is charged between `start` and `end` (exclusive); unchanged capacity last, as one stretch.

    `transformers_kva_e2` is what runs at the start. A suspension that ends inside the period after fewer days than
    `min_suspension_days` did not happen. Raises CannotPrice(`unknown_capacity`) on an event that fits no transformer.
    """
    fleet = [_Transformer(kva, "running", start) for kva in transformers_kva_e2]
    for event in _effective(sorted(events, key=lambda one: one.on), switches.number("min_suspension_days")):
        # The day itself is the new state's, or it begins with the next.
        on = event.on if switches.text("change_day_belongs_to") == "new" else event.on + timedelta(days=1)
        on = min(max(on, start), end)
        if event.kind == "add":
            fleet.append(_Transformer(event.kva_e2, "running", on, has_changed=True))
            continue
        before, after = {
            "suspend": ("running", "suspended"), "resume": ("suspended", "running"), "remove": ("running", "gone"),
        }[event.kind]  # fmt: skip
        found = next((one for one in fleet if one.state == before and one.kva_e2 == event.kva_e2), None)
        if found is None and event.kind == "resume":
            found = _Transformer(event.kva_e2, "suspended", start)
            fleet.append(found)
        if found is None:
            raise CannotPrice(
                "unknown_capacity", f"{event.kind} {event.kva_e2 / 100:g} kVA on {event.on}: none is there"
            )
        found.enter(after, on)
    half = switches.is_on("suspension_new_install_half_charge")
    whole = sum(one.kva_e2 for one in fleet if not one.has_changed)
    stretches: list[Stretch] = []
    for one in fleet:
        if one.has_changed:
            one.enter("gone", end)
            stretches += _charged(one, half=half)
    return [*stretches, *([Stretch(whole, WHOLE)] if whole else [])]


def _charged(one: _Transformer, *, half: bool) -> list[Stretch]:
    charged = []
    if one.running:
        charged.append(Stretch(one.kva_e2, min(one.running, 30) * DAY))
    if half and one.suspended:
        charged.append(Stretch(one.kva_e2, min(one.suspended, 30) * DAY // 2, is_half=True))
    return charged


def _fits(sealed: CapacityEvent, resumed: CapacityEvent) -> bool:
    """Whether this seal may be the one that was removed."""
    return sealed.kind == "suspend" and sealed.kva_e2 == resumed.kva_e2 and sealed.on <= resumed.on


def _effective(events: Sequence[CapacityEvent], least_days: int) -> list[CapacityEvent]:
    """The events without suspensions that were too short."""
    kept = list(events)
    paired: list[CapacityEvent] = []
    for resumed in [one for one in events if one.kind == "resume"]:
        began = [one for one in kept if _fits(one, resumed) and one not in paired]
        # Of several alike the first sealed is the first that runs again, as below.
        if not began:
            continue
        if (resumed.on - began[0].on).days < least_days:
            kept.remove(resumed)
            kept.remove(began[0])
        else:
            paired.append(began[0])
    return kept
