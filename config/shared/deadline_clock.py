"""How much time there is, in words: what was promised to the customer, what the law allows at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# From here on it is time to look: a quarter of the promised time left, or four hours, whichever is longer.
_SOON_SHARE = 4
_SOON_AT_LEAST = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class DeadlineLine:
    """One limit: its name, when it is, how far away in words."""

    name: str
    at: datetime
    words: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class DeadlineClock:
    """
    What `shared/_deadline.html` shows.

    `state` is calm, soon, late (the promise is broken), breached (the legal limit too), kept or kept-late.
    """

    state: str
    kind: str
    word: str
    icon: str
    gone_permille: int
    promise_permille: int
    lines: tuple[DeadlineLine, ...]


_LOOK = {
    "calm": ("neutral", "clock"),
    "soon": ("warn", "alarm-clock"),
    "late": ("bad", "octagon-alert"),
    "breached": ("bad", "octagon-alert"),
    "kept": ("good", "circle-check"),
    "kept-late": ("warn", "circle-check"),
}


def deadline_clock(
    *,
    started_at: datetime,
    promised_at: datetime | None,
    legal_at: datetime,
    now: datetime,
    finished_at: datetime | None = None,
) -> DeadlineClock:
    """The clock at the moment `now`, or as it stopped at `finished_at`; without a promise only the law counts."""
    looked_at = finished_at or now
    own = min(promised_at or legal_at, legal_at)
    state = _state(started_at, own, legal_at, looked_at, is_finished=finished_at is not None)
    kind, icon = _LOOK[state]
    limits = [(_("承诺时限"), promised_at)] if promised_at else []
    limits.append((_("法定时限"), legal_at))
    whole = max(legal_at - started_at, timedelta(seconds=1))
    return DeadlineClock(
        state=state,
        kind=kind,
        word=_word(state, looked_at, own, legal_at),
        icon=icon,
        gone_permille=_permille(looked_at - started_at, whole),
        promise_permille=_permille(promised_at - started_at, whole) if promised_at and promised_at < legal_at else 0,
        lines=tuple(
            DeadlineLine(name, at, _far_away(at, looked_at, is_finished=finished_at is not None), looked_at > at)
            for name, at in limits
            if at
        ),
    )


def _state(started: datetime, own: datetime, legal: datetime, now: datetime, *, is_finished: bool) -> str:
    if is_finished:
        return "kept" if now <= own else "kept-late"
    if now > legal:
        return "breached"
    if now > own:
        return "late"
    return "soon" if own - now <= max((own - started) / _SOON_SHARE, _SOON_AT_LEAST) else "calm"


def _word(state: str, now: datetime, own: datetime, legal: datetime) -> str:
    if state in ("calm", "soon"):
        return _("还剩 %(time)s") % {"time": in_words(own - now)}
    if state == "late":
        return _("已超承诺 %(time)s") % {"time": in_words(now - own)}
    if state == "breached":
        return _("已超法定时限 %(time)s") % {"time": in_words(now - legal)}
    return _("按时办结") if state == "kept" else _("办结，超时 %(time)s") % {"time": in_words(now - own)}


def _far_away(at: datetime, now: datetime, *, is_finished: bool) -> str:
    if is_finished:
        return (
            _("提前 %(time)s") % {"time": in_words(at - now)}
            if now <= at
            else _("超 %(time)s") % {"time": in_words(now - at)}
        )
    return (
        _("还剩 %(time)s") % {"time": in_words(at - now)}
        if now <= at
        else _("超 %(time)s") % {"time": in_words(now - at)}
    )


def _permille(part: timedelta, whole: timedelta) -> int:
    return max(0, min(1000, int(1000 * part / whole)))


def in_words(length: timedelta) -> str:
    """A length of time in its two largest units, rounded down: `2 天 3 小时`, `45 分钟`."""
    whole = max(0, int(length.total_seconds())) // 60
    days, hours, minutes = whole // 1440, whole // 60 % 24, whole % 60
    said = []
    if days:
        said.append(ngettext("%(number)s 天", "%(number)s 天", days) % {"number": days})
    if hours:
        said.append(ngettext("%(number)s 小时", "%(number)s 小时", hours) % {"number": hours})
    if minutes or not said:
        said.append(ngettext("%(number)s 分钟", "%(number)s 分钟", minutes) % {"number": minutes})
    return " ".join(said[:2])
