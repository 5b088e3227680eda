"""
Pure: what follows for an account under fee control (费控) when its balance runs low, and back.

    decided = decide(at=at, agreement=agreement, balance_fen=balance, steps=steps, situation=situation)

The balance is prepayment less open bills less the running bill so far (billing-rules, section 5); emergency credit is
added here. Prepaid: a low balance is told; below the stop threshold the stop is announced, the days of grace run from
the moment the customer was reached, a last warning follows shortly before, and only then may a stop be ordered.
Post-paid with remote cut: the same warnings, but the stop itself belongs to the arrears procedure
(`cis.collecting.disconnection`): it may be ordered where a lawful cut stands in the case. Nothing is ordered at night,
on or right before holidays, in extreme weather, against a protection or a dispute, on an unknown balance, or without an
agreement. A stop that no meter has carried out yet is taken back as soon as one of its own conditions is gone. Supply
that is away is ordered back once the balance passes the threshold or the reason to keep it away ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

__all__ = [
    "Agreement",
    "Decided",
    "Decision",
    "Happened",
    "Mode",
    "Situation",
    "Step",
    "Terms",
    "decide",
    "healed",
    "hindrances_of_hour",
    "is_away",
]


class Mode(StrEnum):
    """The two modes in practice (S56)."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class Happened(StrEnum):
    """What a history is made of."""

    WARNED = "warned"
    """the low balance was told"""
    ANNOUNCED = "announced"
    """told that supply will be stopped when the days of grace are over"""
    LAST_WARNED = "last-warned"
    RECOVERED = "recovered"
    """the balance passed the stop threshold: what was announced does not count any more"""
    REFILLED = "refilled"
    """the balance passed the warning threshold: a new shortage is warned of anew"""
    STOP_ORDERED = "stop-ordered"
    STOPPED = "stopped"
    """the meter carried a stop out"""
    STOP_FAILED = "stop-failed"
    """refused, or withdrawn before the meter carried it out; one whose outcome nobody knows may have been"""
    RECONNECT_ORDERED = "reconnect-ordered"
    RECONNECT_FAILED = "reconnect-failed"
    RECONNECTED = "reconnected"


class Decision(StrEnum):
    """What is to be done now."""

    NOTHING = "nothing"
    WARN = "warn"
    ANNOUNCE = "announce"
    LAST_WARNING = "last-warning"
    STOP = "stop"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One version of the terms of fee control; amounts in fen. Sources: S55, S56 and practice of the two grids."""

    mode: Mode
    warn_below_fen: int
    stop_below_fen: int
    reconnect_from_fen: int
    grace_days: int
    last_warning_minutes: int
    last_warning_lasts_minutes: int
    """so long after it a last warning still stands for a stop"""
    emergency_credit_fen: int
    stop_from: time
    stop_until: time
    quiet_days_before_closed: int
    reconnect_hours: int
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Agreement:
    """A signed agreement and the days [from, until) in which it holds."""

    terms: Terms
    from_on: date
    until_on: date | None = None
    own_warn_fen: int | None = None
    """the customer's own warning threshold, where they chose one"""

    @property
    def warn_below_fen(self) -> int:
        """Below which a low balance is told."""
        chosen = self.terms.warn_below_fen if self.own_warn_fen is None else self.own_warn_fen
        return max(chosen, self.terms.stop_below_fen)

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at a moment."""
        day = at.astimezone(self.terms.zone).date()
        return self.from_on <= day and (self.until_on is None or day < self.until_on)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the history. `reached_at`: when the customer was reached by what was told; None: not yet."""

    what: Happened
    at: datetime
    reached_at: datetime | None = None


def _never_closed(_day: date) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds at this moment, whatever the history says."""

    credit_fen: int = 0
    """emergency credit granted for this bill period"""
    stops: tuple[str, ...] = ()
    """codes of what stands against a stop: dispute, protections, homes behind"""
    is_cut_by_case: bool = False
    """a lawful cut of the arrears procedure stands (post-paid only)"""
    is_cut_touched: bool = False
    """something was paid or noted against that cut since: supply stays away by it, but nobody is stopped by it anew"""
    is_closed: Callable[[date], bool] = _never_closed
    quiet: Sequence[tuple[datetime, datetime, str]] = ()
    """[from, to) and the code of times without stops: extreme weather, examinations, an emergency halt"""


@dataclass(frozen=True, slots=True)
class Decided:
    """
    What is to be done, and why not more.

    `ripe_at`: when the grace or the last warning is over, if only time is missing.
    """

    decision: Decision
    why_not: tuple[str, ...] = ()
    ripe_at: datetime | None = None


@dataclass(slots=True)
class _Standing:
    """What of a history counts now."""

    warned: Step | None = None
    announced: Step | None = None
    last: Step | None = None
    is_away: bool = False
    """a stop is ordered or carried out and not undone"""
    is_carried_out: bool = False
    """the meter said that it did it"""
    is_coming_back: bool = False


# What each happening takes away of what was told, beside what it adds itself.
_UNTOLD: dict[Happened, tuple[str, ...]] = {
    Happened.ANNOUNCED: ("last",),
    Happened.RECOVERED: ("announced", "last"),
    Happened.REFILLED: ("warned", "announced", "last"),
    # A stop that was not carried out needs its last warning again: it names a time.
    Happened.STOP_FAILED: ("last",),
    Happened.RECONNECTED: ("announced", "last"),
}
_TOLD = {Happened.WARNED: "warned", Happened.ANNOUNCED: "announced", Happened.LAST_WARNED: "last"}
# What each makes of supply: whether it is away, and whether it is ordered back.
_SUPPLY: dict[Happened, tuple[bool, bool]] = {
    Happened.STOP_ORDERED: (True, False),
    Happened.STOPPED: (True, False),
    Happened.STOP_FAILED: (False, False),
    Happened.RECONNECT_ORDERED: (True, True),
    Happened.RECONNECT_FAILED: (True, False),
    Happened.RECONNECTED: (False, False),
}


def _stand(steps: Sequence[Step]) -> _Standing:
    now = _Standing()
    for step in steps:
        for name in _UNTOLD.get(step.what, ()):
            setattr(now, name, None)
        if step.what in _TOLD:
            setattr(now, _TOLD[step.what], step)
        now.is_away, now.is_coming_back = _SUPPLY.get(step.what, (now.is_away, now.is_coming_back))
        now.is_carried_out = now.is_away and (now.is_carried_out or step.what is Happened.STOPPED)
    return now


def decide(
    *,
    at: datetime,
    agreement: Agreement | None,
    balance_fen: int | None,
    steps: Sequence[Step],
    situation: Situation,
    terms: Terms | None = None,
) -> Decided:
    """
    What is to be done for an account at a moment; `steps` in the order in which they happened.

    `terms` are those of the last agreement, for an account whose supply is away though no agreement holds any more.
    """
    now = _stand(steps)
    holds = agreement is not None and agreement.holds(at)
    rule = agreement.terms if agreement is not None else terms
    available = None if balance_fen is None else balance_fen + situation.credit_fen
    if now.is_away:
        return _of_a_stop(now, holds=holds, rule=rule, available=available, situation=situation)
    if agreement is None or not holds:
        return Decided(Decision.NOTHING, ("no-agreement",))
    if available is None:
        return Decided(Decision.NOTHING, ("balance-unknown",))
    rule = agreement.terms
    if available >= agreement.warn_below_fen:
        return Decided(Decision.NOTHING)
    is_short = available < rule.stop_below_fen
    if not is_short:
        return Decided(Decision.NOTHING if now.warned else Decision.WARN)
    if rule.mode is Mode.POSTPAID:
        return _of_postpaid(at, now, rule, situation)
    if now.announced is None:
        return Decided(Decision.ANNOUNCE)
    if now.announced.reached_at is None:
        return Decided(Decision.NOTHING, ("not-reached",))
    ripe = now.announced.reached_at + timedelta(days=rule.grace_days)
    if at < ripe:
        return Decided(Decision.NOTHING, ("grace",), ripe)
    return _warn_and_stop(at, now, rule, situation)


def is_away(steps: Sequence[Step]) -> bool:
    """Whether a history leaves supply away, or on its way to be."""
    return _stand(steps).is_away


def healed(*, agreement: Agreement, balance_fen: int | None, steps: Sequence[Step], credit_fen: int) -> Happened | None:
    """What the balance has done since it was told to be low: passed the warning or the stop threshold, or nothing."""
    if balance_fen is None:
        return None
    now, available = _stand(steps), balance_fen + credit_fen
    if available >= agreement.warn_below_fen:
        return Happened.REFILLED if now.warned or now.announced or now.last else None
    if available >= agreement.terms.stop_below_fen:
        return Happened.RECOVERED if now.announced or now.last else None
    return None


def _of_a_stop(
    now: _Standing, *, holds: bool, rule: Terms | None, available: int | None, situation: Situation
) -> Decided:
    """Supply is away, or on its way to be: order it back as soon as the reason is gone."""
    if now.is_coming_back:
        return Decided(Decision.NOTHING, ("reconnecting",))
    if not holds or rule is None or situation.stops:
        return Decided(Decision.RECONNECT)
    if rule.mode is Mode.POSTPAID:
        stands = situation.is_cut_by_case and (now.is_carried_out or not situation.is_cut_touched)
        return Decided(Decision.NOTHING) if stands else Decided(Decision.RECONNECT)
    if now.is_carried_out:
        is_enough = available is not None and available >= rule.reconnect_from_fen
    else:
        # Not carried out, as far as anybody knows: what was needed to order it is needed still.
        is_enough = available is None or available >= rule.stop_below_fen or now.announced is None
    return Decided(Decision.RECONNECT if is_enough else Decision.NOTHING)


def _of_postpaid(at: datetime, now: _Standing, rule: Terms, situation: Situation) -> Decided:
    """The arrears procedure has demanded, served and warned; here only the hour and the flags are looked at again."""
    if not situation.is_cut_by_case or situation.is_cut_touched:
        return Decided(Decision.NOTHING, ("no-lawful-cut",)) if now.warned else Decided(Decision.WARN)
    found = [*situation.stops, *hindrances_of_hour(at, rule, situation)]
    return Decided(Decision.NOTHING, tuple(found)) if found else Decided(Decision.STOP)


def _warn_and_stop(at: datetime, now: _Standing, rule: Terms, situation: Situation) -> Decided:
    ahead = at + timedelta(minutes=rule.last_warning_minutes)
    # A last warning is only given where the stop it speaks of would be lawful as well.
    found = [*situation.stops, *hindrances_of_hour(at, rule, situation)]
    if found:
        return Decided(Decision.NOTHING, tuple(found))
    last = now.last
    is_stale = last is not None and at > last.at + timedelta(
        minutes=rule.last_warning_minutes + rule.last_warning_lasts_minutes
    )
    if last is None or is_stale:
        later = hindrances_of_hour(ahead, rule, situation)
        return Decided(Decision.NOTHING, tuple(later)) if later else Decided(Decision.LAST_WARNING)
    if last.reached_at is None:
        return Decided(Decision.NOTHING, ("not-reached",))
    ripe = last.reached_at + timedelta(minutes=rule.last_warning_minutes)
    if at < ripe:
        return Decided(Decision.NOTHING, ("last-warning-too-fresh",), ripe)
    return Decided(Decision.STOP)


def hindrances_of_hour(at: datetime, rule: Terms, situation: Situation) -> list[str]:
    """Why nobody is stopped at this moment, whoever it is: night, holiday, a time without stops; codes."""
    local = at.astimezone(rule.zone)
    found = []
    if not rule.stop_from <= local.time() < rule.stop_until:
        found.append("night")
    ahead = range(rule.quiet_days_before_closed + 1)
    if any(situation.is_closed(local.date() + timedelta(days=days)) for days in ahead):
        found.append("holiday")
    return found + [f"quiet-{code}" for start, end, code in situation.quiet if start <= at < end]
