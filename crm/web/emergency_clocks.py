"""The two clocks of an emergency as the house draws clocks."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from config.shared.deadline_clock import DeadlineClock, DeadlineLine, in_words
from crm.queries.emergencies import ClockState, ShownEmergency

_LOOK = {
    "running": ("neutral", "clock", "calm"),
    "warned": ("warn", "alarm-clock", "soon"),
    "breached": ("bad", "octagon-alert", "breached"),
    "kept": ("good", "circle-check", "kept"),
    "kept-late": ("bad", "circle-check", "kept-late"),
}


def drawn(clock: ClockState, now: datetime) -> DeadlineClock:
    """One clock as `shared/_deadline.html` shows it."""
    kind, icon, state = _LOOK[clock.state]
    looked_at = clock.proven_at or now
    whole = max(clock.due_at - clock.started_at, timedelta(seconds=1))
    gone = max(0, min(1000, int(1000 * (looked_at - clock.started_at) / whole)))
    is_over = looked_at > clock.due_at
    return DeadlineClock(
        state=state,
        kind=kind,
        word=word_of(clock, now),
        icon=icon,
        gone_permille=gone,
        promise_permille=0,
        lines=(
            DeadlineLine(
                _("时限"), clock.due_at, _away(clock.due_at, looked_at, is_done=clock.proven_at is not None), is_over
            ),
            *((DeadlineLine(_("完成"), clock.proven_at, "", is_over),) if clock.proven_at else ()),
        ),
    )


def _away(due: datetime, looked_at: datetime, *, is_done: bool) -> str:
    length = in_words(abs(due - looked_at))
    if looked_at > due:
        return _("超 %(time)s") % {"time": length}
    return _("提前 %(time)s") % {"time": length} if is_done else _("还剩 %(time)s") % {"time": length}


def word_of(clock: ClockState, now: datetime) -> str:
    """How the clock stands, in a few words."""
    if clock.proven_at is not None:
        took = in_words(clock.proven_at - clock.started_at)
        if clock.state == "kept":
            return _("按时，用了 %(time)s") % {"time": took}
        return _("超时，用了 %(time)s") % {"time": took}
    if now > clock.due_at:
        return _("已超时 %(time)s") % {"time": in_words(now - clock.due_at)}
    return _("还剩 %(time)s") % {"time": in_words(clock.due_at - now)}


def kind_of(clock: ClockState) -> str:
    """The kind of chip for a clock."""
    return _LOOK[clock.state][0]


def most_urgent(emergency: ShownEmergency) -> ClockState:
    """The clock that runs out first among those that run; the arrival where both have stopped."""
    running = [clock for clock in (emergency.reply, emergency.arrival) if clock.proven_at is None]
    return running[0] if running else emergency.arrival


def name_of_clock(clock: ClockState) -> str:
    """What the clock is for."""
    return _("回复客户") if clock.clock == "reply" else _("赶到现场")
