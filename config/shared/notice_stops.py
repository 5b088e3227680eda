"""
What people do about mass notices that the brake holds: they are told with the figures, one asks, another decides.

Releasing and cancelling are one kind of approval; the payload names which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.messaging import Recipient, brake, send, templates
from config.shared.messaging.templates import Template, declare
from config.shared.models import Approval, NoticeCount, NoticeLimit, NoticeStop, OrgUnit, User

DECIDE = "shared.decide-notices"
WATCH, RELEASE = "shared.watch_notices", "shared.release_notices"
_SHOWN_STOPS = 20

NOTICES_HELD = declare(
    Template(
        code="notices-held",
        channels=("in_app",),
        is_urgent=True,
        never_held=True,
        subject_zh="群发被拦下：{what}",
        subject_en="Mass notices stopped: {what}",
        zh="「{what}」{figures}。在「群发刹车」里核对后，由一人申请、另一人批准放行或取消。",
        en="{what}: {figures}. Check under Notice brake; one person asks, another releases or cancels.",
        examples={"what": "电费账单已出", "figures": "300 条里 60 条异常（20.0%），平时 1.0%"},
    )
)


class StopIsOver(Refused):
    """It was released or cancelled already."""

    code = "stop-is-over"


@dataclass(frozen=True, slots=True)
class StopRow:
    """A template whose mass notices are or were held; `held`: how many wait, or what became of them in words."""

    stop_id: int
    what: str
    code: str
    why: str
    figures: str
    opened_at: datetime
    is_open: bool
    state: str
    held: int
    outcome: str
    waiting_approval_id: int | None


@dataclass(frozen=True, slots=True)
class CountRow:
    """What one template asked for in the last day and the limits it is judged by."""

    what: str
    messages: int
    outliers: int
    paced: int
    is_counted_only: bool
    most_an_hour: int
    outlier_limit: str
    jump: str
    failed_limit: str
    source: str


def tell_watchers(*, stop_id: int, at: datetime) -> None:
    """Put the figures into the inbox of everybody who watches mass notices; once each."""
    stop = NoticeStop.objects.get(pk=stop_id)
    watchers = User.objects.filter(is_active=True, grants__role__permissions__contains=[WATCH]).distinct()
    with transaction.atomic():
        for user in watchers.order_by("pk"):
            language = "en" if user.language == "en" else "zh-hans"
            with override(language):
                parameters = {"what": _subject(stop.template, language), "figures": words_of(stop.why, stop.figures)}
            send(
                template=NOTICES_HELD.code,
                to=Recipient(user_id=user.pk, language=language),
                parameters=parameters,
                dedupe_key=f"notices-held:{stop.pk}:{user.pk}",
                at=at,
            )


def ask(*, stop_id: int, act: str, reason: str, asked_by_id: int, at: datetime) -> int:
    """
    Ask that what a stop holds is released or cancelled (`act`: "release" or "cancel"); the approval's id.

    :raises NotFound: there is no such stop or act
    :raises StopIsOver: it has ended
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    if act not in ("release", "cancel"):
        raise NotFound(_("没有这一步。"))
    with transaction.atomic():
        stop = _open(stop_id)
        top = OrgUnit.objects.filter(parent=None).order_by("pk").first()
        if top is None:
            raise NotFound(_("还没有单位，无法提交审批。"))
        return approvals.request(
            kind=DECIDE,
            payload={
                "stop_id": stop.pk,
                "act": act,
                "template": stop.template,
                "held": brake.held_count(stop.pk),
                "why": stop.why,
                "figures": stop.figures,
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=top.pk,
            subject=f"notice-stop:{stop.pk}",
        )


def _words(payload: Mapping[str, Any]) -> str:
    form = (
        _("放行被拦下的「%(what)s」%(held)s 条：%(figures)s。批准后马上发出，已过时的不发。")
        if payload["act"] == "release"
        else _("取消被拦下的「%(what)s」%(held)s 条：%(figures)s。批准后不再发出。")
    )
    return form % {
        "what": _subject(payload["template"], ""),
        "held": payload["held"],
        "figures": words_of(payload["why"], payload["figures"]),
    }


@approvals.carries_out(
    DECIDE,
    label=gettext_lazy("放行或取消群发"),
    ask=WATCH,
    decide=RELEASE,
    consequence=_words,
    waits_for=timedelta(days=7),
)
def _decide(act: approvals.Act) -> dict[str, Any]:
    stop = _open(int(act.payload["stop_id"]))
    do = brake.release if act.payload["act"] == "release" else brake.cancel
    return do(stop_id=stop.pk, approval_id=act.approval_id, at=act.at)


def list_stops(*, limit: int = _SHOWN_STOPS) -> list[StopRow]:
    """Stops, those that are open first."""
    newest = NoticeStop.objects.order_by("-pk")[:limit]
    rows = sorted(newest, key=lambda row: row.state != NoticeStop.State.OPEN)
    asked = dict(
        Approval.objects.filter(state="waiting", subject__in=[f"notice-stop:{row.pk}" for row in rows]).values_list(
            "subject", "pk"
        )
    )
    return [
        StopRow(
            stop_id=row.pk,
            what=_subject(row.template, ""),
            code=row.template,
            why=_(NoticeStop.Why(row.why).label),
            figures=words_of(row.why, row.figures),
            opened_at=row.opened_at,
            is_open=row.state == NoticeStop.State.OPEN,
            state=_(NoticeStop.State(row.state).label),
            held=brake.held_count(row.pk) if row.state == NoticeStop.State.OPEN else 0,
            outcome=_words_of_outcome(row.outcome),
            waiting_approval_id=asked.get(f"notice-stop:{row.pk}"),
        )
        for row in rows
    ]


def list_counts(*, at: datetime) -> list[CountRow]:
    """What was asked for in a mass since a day ago, by template, with the limits."""
    limits = {row.template: row for row in NoticeLimit.objects.all()}
    sums = (
        NoticeCount.objects.filter(at__gt=at - timedelta(days=1))
        .values("template")
        .annotate(m=Sum("messages"), o=Sum("outliers"), p=Sum("paced"))
    )
    found = []
    for row in sums.order_by("-m"):
        limit = limits.get(row["template"]) or limits.get("")
        form = templates.TEMPLATES.get(row["template"])
        if limit is None:
            continue
        found.append(
            CountRow(
                what=_subject(row["template"], ""),
                messages=row["m"],
                outliers=row["o"],
                paced=row["p"],
                is_counted_only=form is not None and form.never_held,
                most_an_hour=limit.most_an_hour,
                outlier_limit=_percent(limit.outlier_permille),
                jump=f"{limit.jump_e2 // 100}.{limit.jump_e2 % 100 // 10}",
                failed_limit=_percent(limit.failed_permille),
                source=limit.source,
            )
        )
    return found


def words_of(why: str, figures: Mapping[str, int]) -> str:
    """The figures a template was stopped on, in a sentence."""
    if why == NoticeStop.Why.FAILURES:
        return _("一小时内 %(messages)s 条里 %(failed)s 条没送到（%(share)s），界限 %(limit)s") % {
            "messages": figures["messages"],
            "failed": figures["failed"],
            "share": _percent(figures["permille"]),
            "limit": _percent(figures["limit_permille"]),
        }
    return _("%(messages)s 条里 %(outliers)s 条异常（%(share)s），平时 %(usual)s，界限 %(limit)s") % {
        "messages": figures["messages"],
        "outliers": figures["outliers"],
        "share": _percent(figures["permille"]),
        "usual": _percent(figures["usual_permille"]),
        "limit": _percent(figures["limit_permille"]),
    }


def _words_of_outcome(outcome: Mapping[str, int]) -> str:
    words: Sequence[tuple[str, str]] = (
        ("released", _("发出 %(count)s 条")),
        ("expired", _("过时未发 %(count)s 条")),
        ("cancelled", _("取消 %(count)s 条")),
    )
    return _("，").join(text % {"count": outcome[name]} for name, text in words if outcome.get(name))


def _percent(permille: int) -> str:
    return f"{permille // 10}.{permille % 10}%"


def _subject(code: str, language: str) -> str:
    """A template's first line without its parameters, such as 「电费账单已出」; where that is nothing, an example."""
    form = templates.TEMPLATES.get(code)
    if form is None:
        return code
    text = form.subject(language or get_language() or "")
    bare = text
    for name in form.parameters:
        bare = bare.replace(f"{{{name}}}", "")
    said = " ".join(bare.split()).strip(" ：:，,")
    return said if sum(letter.isalpha() for letter in said) > 3 else text.format_map(form.examples)


def _open(stop_id: int) -> NoticeStop:
    stop = NoticeStop.objects.select_for_update().filter(pk=stop_id).first()
    if stop is None:
        raise NotFound(_("没有这次拦截。"))
    if stop.state != NoticeStop.State.OPEN:
        raise StopIsOver(_("这次拦截已经处理过了，不用再办。"))
    return stop
