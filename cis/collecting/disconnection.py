"""
Pure: the procedure of stopping supply for arrears (欠费停电), from a missed due date to the cut and back.

    found = hindrances(What.CUT, at=at, steps=steps, situation=situation, rule=rule)     # empty: it may be done
    standing = stand(steps)                                                              # how far it is

Every step needs the ones before it with their evidence; a payment or a stop (dispute, hardship, a protection) puts the
procedure back to before its approval. Nothing here decides to cut: it only says why not, and from when on.

Source: 民法典 art. 654 (demand, reasonable period, prior notice), 电力供应与使用条例 art. 39 (more than 30 days overdue
and demanded without result), 供电营业规则 (1996) art. 66, 67 and 69 (approval by the head of the unit, notice 3 to 7
days before, again 30 minutes before, at the announced time). Provinces differ: every number is a field of `Rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

__all__ = ["ORDER", "Hindrance", "Rule", "Situation", "Stage", "Standing", "Step", "What", "hindrances", "stand"]


class What(StrEnum):
    """What was done or happened. The last three happen; the others are acts that need their evidence."""

    CAUSE = "cause"
    DEMAND = "demand"
    APPROVED = "approved"
    NOTICE_PRINTED = "notice-printed"
    AUTHORITY_INFORMED = "authority-informed"
    HOMES_KEPT = "homes-kept"
    NOTICE_SERVED = "notice-served"
    SHORT_NOTICE = "short-notice"
    CUT = "cut"
    RESTORED = "restored"
    PAYMENT = "payment"
    STOPPED = "stopped"
    LIFTED = "lifted"


ORDER = (
    What.CAUSE,
    What.DEMAND,
    What.APPROVED,
    What.NOTICE_PRINTED,
    What.NOTICE_SERVED,
    What.SHORT_NOTICE,
    What.CUT,
    What.RESTORED,
)
"""The road; informing the authority and keeping homes supplied stand beside it."""


class Stage(StrEnum):
    """How far a case is."""

    OVERDUE = "overdue"
    DEMANDED = "demanded"
    APPROVED = "approved"
    NOTICE_PRINTED = "notice-printed"
    NOTICE_SERVED = "notice-served"
    SHORT_NOTICE = "short-notice"
    CUT = "cut"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One version of the rule for one province and class; days of 24 hours where a moment is meant."""

    overdue_more_than_days: int
    demands_min: int
    days_after_demand_min: int
    """the reasonable period between the first demand that counts and the approval"""
    notice_days_min: int
    notice_days_max: int | None
    short_notice_minutes_min: int
    short_notice_minutes_max: int
    cut_window_minutes: int
    """how long after the announced moment supply may still be cut"""
    cut_from: time
    cut_until: time
    quiet_days_before_closed: int
    """how many days before a holiday are as quiet as the holiday"""
    restore_hours: int
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of a case's history. Acts carry evidence; an approval carries who asked and who approved."""

    what: What
    at: datetime
    by_id: int = 0
    asked_by_id: int = 0
    evidence: str = ""
    announced_at: datetime | None = None
    """on a printed notice: when supply will be cut"""


def _never_closed(_day: date) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds at this moment, whatever the history says."""

    overdue_fen: int
    oldest_due_on: date | None
    is_important: bool = False
    homes_behind: int = 0
    """homes of other accounts that would lose supply with this one"""
    stops: tuple[str, ...] = ()
    """codes of what stops the procedure now: dispute, hardship, protections"""
    is_closed: Callable[[date], bool] = _never_closed
    quiet: Sequence[tuple[datetime, datetime, str]] = ()
    """[from, to) and the code of times without cuts: extreme weather, examinations"""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why an act may not be done; `until`: from when on this alone would be no reason any more, if time alone helps."""

    code: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What of a case's history counts now.

    What came after the demands and before the last payment or stop has to be done anew, and all that came before the
    last reconnection.
    """

    counts: Mapping[What, Step]
    """the last step of each kind that counts"""
    demands: tuple[Step, ...]

    @property
    def is_cut(self) -> bool:
        """Whether supply is away now."""
        return What.CUT in self.counts

    @property
    def announced_at(self) -> datetime | None:
        """When the notice that counts says that supply will be cut."""
        printed = self.counts.get(What.NOTICE_PRINTED)
        return printed.announced_at if printed else None

    @property
    def stage(self) -> Stage:
        """How far it is."""
        for what in (
            What.CUT,
            What.RESTORED,
            What.SHORT_NOTICE,
            What.NOTICE_SERVED,
            What.NOTICE_PRINTED,
            What.APPROVED,
        ):
            if what in self.counts:
                return Stage(what.value)
        return Stage.DEMANDED if self.demands else Stage.OVERDUE


_BACK_TO_BEFORE_APPROVAL = frozenset(
    {
        What.APPROVED,
        What.NOTICE_PRINTED,
        What.AUTHORITY_INFORMED,
        What.HOMES_KEPT,
        What.NOTICE_SERVED,
        What.SHORT_NOTICE,
    }
)
# What no longer counts once this was written.
_UNDOES: Mapping[What, frozenset[What]] = {
    What.APPROVED: frozenset({What.RESTORED}),
    # A notice that is printed anew is another notice: nothing of the one before is served.
    What.NOTICE_PRINTED: frozenset({What.NOTICE_SERVED, What.SHORT_NOTICE}),
    What.NOTICE_SERVED: frozenset({What.SHORT_NOTICE}),
    What.CUT: frozenset({What.RESTORED}),
    # Supply that came back is cut again by the whole procedure only, from its cause and its demands on.
    What.RESTORED: frozenset({What.CUT, What.CAUSE, What.DEMAND}) | _BACK_TO_BEFORE_APPROVAL,
    What.PAYMENT: _BACK_TO_BEFORE_APPROVAL,
    What.STOPPED: _BACK_TO_BEFORE_APPROVAL,
}


def stand(steps: Sequence[Step]) -> Standing:
    """Fold a history, in the order in which it was written, to what counts now."""
    counts: dict[What, Step] = {}
    demands: list[Step] = []
    for step in steps:
        for undone in _UNDOES.get(step.what, ()):
            counts.pop(undone, None)
        counts[step.what] = step
        if step.what == What.DEMAND:
            demands.append(step)
        elif step.what == What.RESTORED:
            demands.clear()
    return Standing(counts, tuple(demands))


def hindrances(
    act: What,
    *,
    at: datetime,
    steps: Sequence[Step],
    situation: Situation,
    rule: Rule,
    announced_at: datetime | None = None,
) -> list[Hindrance]:
    """
    Why `act` may not be done at `at`; empty when it may. `announced_at`: the moment a notice to be printed would name.

    Codes are stable. What happens (payment, stop) is no act and never hindered.
    """
    now = stand(steps)
    if act == What.RESTORED:
        return [] if now.is_cut else [Hindrance("not-cut")]
    if act not in _CHECKS:
        return []
    if situation.overdue_fen <= 0 or situation.oldest_due_on is None:
        return [Hindrance("nothing-overdue")]
    if now.is_cut:
        return [Hindrance("is-cut")]
    moment = _Moment(at, now, situation, rule, situation.oldest_due_on, announced_at)
    found = [] if act == What.CAUSE else [Hindrance(f"stopped-{code}") for code in situation.stops]
    for check in _CHECKS[act]:
        found += check(moment)
    return found


@dataclass(frozen=True, slots=True)
class _Moment:
    """All that a check looks at; `named` is what a notice to be printed would announce."""

    at: datetime
    now: Standing
    situation: Situation
    rule: Rule
    due_on: date
    named: datetime | None


_Check = Callable[[_Moment], list[Hindrance]]


def _overdue(m: _Moment) -> list[Hindrance]:
    if m.at.astimezone(m.rule.zone).date() > m.due_on:
        return []
    return [Hindrance("not-overdue", _begin(m.due_on + timedelta(days=1), m.rule))]


def _long_overdue(m: _Moment) -> list[Hindrance]:
    if (m.at.astimezone(m.rule.zone).date() - m.due_on).days > m.rule.overdue_more_than_days:
        return []
    return [Hindrance("not-long-overdue", _begin(m.due_on + timedelta(days=m.rule.overdue_more_than_days + 1), m.rule))]


def _cause(m: _Moment) -> list[Hindrance]:
    return [] if What.CAUSE in m.now.counts else [Hindrance("no-cause")]


def _demanded(m: _Moment) -> list[Hindrance]:
    if len(m.now.demands) < m.rule.demands_min:
        return [Hindrance("no-demand")]
    ripe = m.now.demands[m.rule.demands_min - 1].at + timedelta(days=m.rule.days_after_demand_min)
    return [] if m.at >= ripe else [Hindrance("demand-too-fresh", ripe)]


def _approved(m: _Moment) -> list[Hindrance]:
    approved = m.now.counts.get(What.APPROVED)
    if approved is None or not approved.by_id or approved.by_id == approved.asked_by_id:
        return [Hindrance("not-approved")]
    return []


def _not_yet_approved(m: _Moment) -> list[Hindrance]:
    return [Hindrance("is-approved")] if What.APPROVED in m.now.counts else []


def _homes(m: _Moment) -> list[Hindrance]:
    is_kept = What.HOMES_KEPT in m.now.counts
    return [Hindrance("homes-behind")] if m.situation.homes_behind and not is_kept else []


def _authority(m: _Moment) -> list[Hindrance]:
    is_informed = What.AUTHORITY_INFORMED in m.now.counts
    return [Hindrance("authority-not-informed")] if m.situation.is_important and not is_informed else []


def _names_a_lawful_moment(m: _Moment) -> list[Hindrance]:
    if m.named is None:
        return [Hindrance("no-announced-time")]
    found = []
    if m.named < m.at + timedelta(days=m.rule.notice_days_min):
        found.append(Hindrance("announced-too-early"))
    if m.rule.notice_days_max is not None and m.named > m.at + timedelta(days=m.rule.notice_days_max + 1):
        # A day is left for serving it; served at the moment of printing it would be too soon by as much.
        found.append(Hindrance("announced-too-late"))
    return found + _hours(m.named, m.situation, m.rule)


def _printed(m: _Moment) -> list[Hindrance]:
    return [] if m.now.announced_at is not None else [Hindrance("no-notice")]


def _time_left_to_serve(m: _Moment) -> list[Hindrance]:
    """Served at this moment, the notice must be out long enough and not too long before its own time."""
    if m.now.announced_at is None:
        return []
    if m.now.announced_at - m.at < timedelta(days=m.rule.notice_days_min):
        return [Hindrance("notice-too-late")]
    if m.rule.notice_days_max is not None:
        first = m.now.announced_at - timedelta(days=m.rule.notice_days_max)
        if m.at < first:
            return [Hindrance("notice-too-soon", first)]
    return []


def _served(m: _Moment) -> list[Hindrance]:
    """The notice was served with proof, so many days before the moment it names."""
    served, announced_at = m.now.counts.get(What.NOTICE_SERVED), m.now.announced_at
    if served is None or not served.evidence or announced_at is None:
        return [Hindrance("notice-not-served")]
    ahead = announced_at - served.at
    most = m.rule.notice_days_max
    if ahead < timedelta(days=m.rule.notice_days_min) or (most is not None and ahead > timedelta(days=most)):
        return [Hindrance("notice-not-served")]
    return []


def _time_for_short_notice(m: _Moment) -> list[Hindrance]:
    """Not before the rule's longest time ahead, and with time left for the cut itself after its shortest."""
    if m.now.announced_at is None:
        return []
    last = m.now.announced_at + timedelta(minutes=m.rule.cut_window_minutes - m.rule.short_notice_minutes_min)
    if m.at > last:
        return [Hindrance("announced-time-over")]
    first = m.now.announced_at - timedelta(minutes=m.rule.short_notice_minutes_max)
    return [Hindrance("short-notice-too-soon", first)] if m.at < first else []


def _told_shortly_before(m: _Moment) -> list[Hindrance]:
    told = m.now.counts.get(What.SHORT_NOTICE)
    if told is None or not told.evidence:
        return [Hindrance("no-short-notice")]
    ripe = told.at + timedelta(minutes=m.rule.short_notice_minutes_min)
    return [Hindrance("short-notice-too-fresh", ripe)] if m.at < ripe else []


def _at_the_announced_time(m: _Moment) -> list[Hindrance]:
    if m.now.announced_at is None:
        return []
    if m.at < m.now.announced_at:
        return [Hindrance("before-announced-time", m.now.announced_at)]
    if m.at > m.now.announced_at + timedelta(minutes=m.rule.cut_window_minutes):
        return [Hindrance("announced-time-over")]
    return []


def _lawful_hour(m: _Moment) -> list[Hindrance]:
    return _hours(m.at, m.situation, m.rule)


def _hours(at: datetime, situation: Situation, rule: Rule) -> list[Hindrance]:
    """Never at night, on or right before holidays, or in times without cuts."""
    local = at.astimezone(rule.zone)
    found = []
    if not rule.cut_from <= local.time() < rule.cut_until:
        found.append(Hindrance("night"))
    ahead = range(rule.quiet_days_before_closed + 1)
    if any(situation.is_closed(local.date() + timedelta(days=days)) for days in ahead):
        found.append(Hindrance("holiday"))
    found += [Hindrance(f"quiet-{code}", end) for start, end, code in situation.quiet if start <= at < end]
    return found


def _begin(day: date, rule: Rule) -> datetime:
    return datetime.combine(day, time(), tzinfo=rule.zone)


_CHECKS: dict[What, tuple[_Check, ...]] = {
    What.CAUSE: (),
    What.DEMAND: (_overdue,),
    What.APPROVED: (_not_yet_approved, _cause, _long_overdue, _demanded),
    What.NOTICE_PRINTED: (_approved, _names_a_lawful_moment),
    What.AUTHORITY_INFORMED: (_approved,),
    What.HOMES_KEPT: (),
    What.NOTICE_SERVED: (_approved, _printed, _authority, _homes, _time_left_to_serve),
    What.SHORT_NOTICE: (_approved, _served, _authority, _homes, _time_for_short_notice),
    What.CUT: (
        _cause,
        _long_overdue,
        _demanded,
        _approved,
        _authority,
        _homes,
        _served,
        _told_shortly_before,
        _at_the_announced_time,
        _lawful_hour,
    ),
}
