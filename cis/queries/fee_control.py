"""Fee control as people read it: one account, the list of low balances, calls to make, commands, days without stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cis.collecting.fee_control import Decision, Happened
from cis.models import (
    FeeControlAgreement,
    FeeControlCommand,
    FeeControlReceipt,
    FeeControlStep,
    FeeControlTerms,
    QuietTime,
)
from cis.queries.dues import names_of
from cis.queries.fee_control_facts import FeeFacts, facts_of
from cis.queries.fee_control_words import KINDS_OF_STATE, word_of_receipt, words_of
from config.shared.calendar import calendar_day
from config.shared.errors import NotFound
from config.shared.permissions import in_scope

_PAGE = 50
_HISTORY = 30
_CALENDAR_DAYS = 14
_NEVER_DONE = (FeeControlCommand.State.REFUSED, FeeControlCommand.State.WITHDRAWN)
_TO_CALL = (Happened.WARNED, Happened.ANNOUNCED, Happened.LAST_WARNED)


@dataclass(frozen=True, slots=True)
class StepRow:
    """One thing that was told or noted; `is_untold`: nobody was reached yet."""

    word: str
    at: datetime
    how: str
    evidence: str
    is_untold: bool


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command to a meter, its state, and what came back of it; `is_late`: promised time over and not carried out."""

    number: str
    account_no: str
    kind: str
    kind_word: str
    state_word: str
    state_kind: str
    meter_no: str
    why: str
    ordered_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    is_late: bool
    answer: str
    receipts: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountControl:
    """An account's fee control; amounts in fen. `why_not`: why nobody is stopped at this moment, in words."""

    account_id: int
    terms_name: str
    mode_word: str
    terms_source: str
    from_on: date
    until_on: date | None
    signed_by: str
    signed_on: date
    paper_name: str
    has_ended: bool
    end_reason: str
    balance_fen: int | None
    available_fen: int | None
    brings_back_fen: int
    """what must be paid at least for supply to come back by the balance"""
    prepayment_fen: int
    open_fen: int
    running_fen: int | None
    estimated_on: date | None
    unknown_why: str
    days_left: int | None
    warn_fen: int
    own_warn_fen: int | None
    usual_warn_fen: int
    stop_below_fen: int
    grace_days: int
    credit_fen: int
    """given in this period"""
    credit_most_fen: int
    may_ask_credit: bool
    is_away: bool
    is_coming_back: bool
    decision: str
    why_not: tuple[str, ...]
    to_call: str
    """what the customer has to be told by telephone; empty: nothing"""
    to_call_word: str
    steps: tuple[StepRow, ...]
    commands: tuple[CommandRow, ...]


@dataclass(frozen=True, slots=True)
class LowRow:
    """An account whose balance runs low, worst first."""

    account_no: str
    name: str
    balance_fen: int
    days_left: int | None
    state_word: str
    state_kind: str
    day: date


@dataclass(frozen=True, slots=True)
class CallRow:
    """An account whose customer was not reached by any message."""

    account_no: str
    name: str
    word: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day to come and why nobody is stopped on it; empty: allowed from and until the hours of the terms."""

    day: date
    why: tuple[str, ...]


def account_control(account_id: int, *, at: datetime) -> AccountControl | None:
    """The newest agreement of an account with everything around it; None where there never was one."""
    facts = facts_of([account_id], at=at).get(account_id)
    if facts is None:
        return None
    row = FeeControlAgreement.objects.get(pk=facts.agreement_id)
    terms = _terms(row.terms_code, at)
    decided = facts.decide(at)
    commands = _commands(FeeControlCommand.objects.filter(account_id=account_id).order_by("-pk")[:_HISTORY], at=at)
    is_away = facts.is_away
    to_call = facts.to_call
    available = facts.available_fen
    most = facts.agreement.terms.emergency_credit_fen
    return AccountControl(
        account_id=account_id,
        terms_name=(terms.name_en if get_language() == "en" else "") or terms.name,
        mode_word=_(FeeControlTerms.Mode(terms.mode).label),
        terms_source=terms.source,
        from_on=row.valid.lower or row.signed_on,
        until_on=facts.agreement.until_on,
        signed_by=row.signed_by,
        signed_on=row.signed_on,
        paper_name=row.paper_name,
        has_ended=not facts.agreement.holds(at),
        end_reason=row.end_reason,
        balance_fen=facts.balance_fen,
        available_fen=available,
        brings_back_fen=facts.brings_back_fen,
        prepayment_fen=facts.prepayment_fen,
        open_fen=facts.open_fen,
        running_fen=facts.running_fen,
        estimated_on=facts.estimated_on,
        unknown_why=facts.unknown_why,
        days_left=facts.days_left,
        warn_fen=facts.agreement.warn_below_fen,
        own_warn_fen=row.own_warn_fen,
        usual_warn_fen=facts.agreement.terms.warn_below_fen,
        stop_below_fen=facts.agreement.terms.stop_below_fen,
        grace_days=facts.agreement.terms.grace_days,
        credit_fen=facts.situation.credit_fen,
        credit_most_fen=most,
        may_ask_credit=bool(most)
        and facts.agreement.holds(at)
        and not facts.situation.credit_fen
        and available is not None
        and available < facts.agreement.warn_below_fen,
        is_away=is_away,
        is_coming_back=is_away and decided.why_not == ("reconnecting",),
        decision=decided.decision.value,
        why_not=tuple(words_of(code, decided.ripe_at) for code in decided.why_not if code != "reconnecting"),
        to_call=to_call.value if to_call else "",
        to_call_word=_(FeeControlStep.What(to_call.value).label) if to_call else "",
        steps=_steps(facts),
        commands=commands,
    )


def paper_of(account_no: str) -> tuple[str, str, str]:
    """
    The key, media type and name of the signed paper of an account's newest agreement.

    :raises NotFound: there is none
    """
    row = FeeControlAgreement.objects.filter(account__account_no=account_no).order_by("-valid").first()
    if row is None:
        raise NotFound(_("这个户没有费控协议。"))
    return row.paper_key, row.paper_type, row.paper_name


def choices_of_terms(today: date) -> list[tuple[str, str]]:
    """Terms in force, by code."""
    is_english = get_language() == "en"
    rows = FeeControlTerms.objects.filter(valid__contains=today).order_by("code")
    return [(row.code, (row.name_en if is_english else "") or row.name) for row in rows]


_LOW = """
SELECT a.id, a.account_no, e.balance_fen, e.usual_a_day_fen, e.day,
       EXISTS (SELECT 1 FROM cis_fee_control_command c WHERE c.account_id = a.id AND c.kind = 'stop'
               AND c.state NOT IN ('refused', 'withdrawn') AND NOT EXISTS (
                   SELECT 1 FROM cis_fee_control_command r WHERE r.account_id = a.id AND r.kind = 'reconnect'
                   AND r.state = 'executed' AND r.ordered_at >= c.ordered_at)),
       e.balance_fen < t.stop_below_fen
FROM cis_fee_control_agreement g
JOIN cis_account a ON a.id = g.account_id
JOIN shared_org_unit o ON o.id = g.org_unit_id AND o.path LIKE ANY(%(paths)s)
JOIN cis_fee_control_terms t ON t.code = g.terms_code AND t.valid @> %(today)s::date
JOIN LATERAL (SELECT * FROM cis_fee_control_estimate WHERE account_id = g.account_id AND balance_fen IS NOT NULL
              AND day >= %(today)s::date - 1 ORDER BY day DESC LIMIT 1) e ON true
WHERE g.valid @> %(today)s::date AND g.ended_at IS NULL
  AND e.balance_fen < greatest(coalesce(g.own_warn_fen, t.warn_below_fen), t.stop_below_fen)
ORDER BY e.balance_fen, a.id LIMIT %(limit)s
"""


def list_low(*, within: Sequence[str], today: date, limit: int = _PAGE) -> list[LowRow]:
    """Balances below the warning threshold by the newest estimate, the lowest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LOW, {"paths": [f"{path}%" for path in within], "today": today, "limit": limit})
        rows = cursor.fetchall()
    names = names_of([row[0] for row in rows])
    found = []
    for account_id, account_no, balance, usual, day, is_away, is_short in rows:
        word, kind = (_("已停电"), "bad") if is_away else (_("已用完"), "bad") if is_short else (_("偏低"), "warn")
        left = max(balance, 0) // usual if usual else None
        found.append(LowRow(account_no, names[account_id][1], balance, left, word, kind, day))
    return found


_CALLS = """
SELECT a.id, a.account_no, s.what, s.at
FROM cis_fee_control_agreement g
JOIN cis_account a ON a.id = g.account_id
JOIN shared_org_unit o ON o.id = g.org_unit_id AND o.path LIKE ANY(%(paths)s)
JOIN LATERAL (SELECT * FROM cis_fee_control_step WHERE account_id = g.account_id AND what <> 'credit'
              ORDER BY id DESC LIMIT 1) s ON s.what IN ('warned', 'announced', 'last-warned')
WHERE g.valid @> %(today)s::date AND g.ended_at IS NULL AND s.at < %(before)s
  AND cis_fee_control_reached(s) IS NULL
  AND NOT EXISTS (SELECT 1 FROM shared_message m WHERE m.account_id = a.id AND m.channel <> 'in_app'
                  AND m.state IN ('waiting', 'sending') AND starts_with(m.dedupe_key, s.key || ':'))
ORDER BY s.what = 'warned', s.at LIMIT %(limit)s
"""


def list_calls(*, within: Sequence[str], at: datetime, limit: int = _PAGE) -> list[CallRow]:
    """
    Whose customer has to be called, those with a stop ahead first: no message reached them, and none is on its way.
    """
    asked: dict[str, Any] = {
        "paths": [f"{path}%" for path in within],
        "today": at.astimezone(settings.BILLING_TIME_ZONE).date(),
        "before": at - timedelta(minutes=10),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CALLS, asked)
        rows = cursor.fetchall()
    names = names_of([row[0] for row in rows])
    return [
        CallRow(account_no, names[account_id][1], _(FeeControlStep.What(what).label), when)
        for account_id, account_no, what, when in rows
    ]


def list_commands(*, within: Sequence[str], at: datetime, limit: int = _PAGE) -> tuple[CommandRow, ...]:
    """The newest stops and reconnections, reconnections that wait first."""
    rows = FeeControlCommand.objects.filter(in_scope("org_unit", within)).exclude(kind=FeeControlCommand.Kind.WARN)
    found = _commands(rows.order_by("-pk")[:limit], at=at)
    return tuple(sorted(found, key=lambda row: not row.is_late))


def list_late(*, within: Sequence[str], at: datetime) -> tuple[CommandRow, ...]:
    """
    Reconnections that are not carried out, by their promise.

    Also supply that should be back and that nobody is bringing back: the reconnection that failed last, or the stop
    where there is none.
    """
    mine = FeeControlCommand.objects.filter(in_scope("org_unit", within))
    back = mine.filter(kind=FeeControlCommand.Kind.RECONNECT)
    waiting = list(back.filter(state__in=FeeControlCommand.OPEN).order_by("due_at")[:_PAGE])
    undone = FeeControlCommand.objects.filter(undoes=OuterRef("pk"))
    stops = mine.filter(kind=FeeControlCommand.Kind.STOP).exclude(state__in=_NEVER_DONE)
    away = dict(
        stops.exclude(state__in=FeeControlCommand.OPEN)
        .exclude(Exists(undone.filter(state__in=[FeeControlCommand.State.EXECUTED, *FeeControlCommand.OPEN])))
        .order_by("pk")
        .values_list("account_id", "pk")
    )
    facts = facts_of(away, at=at)
    forgotten = [
        away[account_id]
        for account_id, one in facts.items()
        if one.stop_id == away[account_id] and one.decide(at).decision is Decision.RECONNECT
    ][:_PAGE]
    tried = dict(back.filter(undoes__in=forgotten).order_by("pk").values_list("undoes_id", "pk"))
    left = mine.filter(pk__in=[tried.get(stop_id, stop_id) for stop_id in forgotten]).order_by("pk")
    return (*(replace(row, is_late=True) for row in _commands(left, at=at)), *_commands(waiting, at=at))


def calendar_ahead(*, within: Sequence[str], today: date) -> list[DayRow]:
    """The next two weeks: on which days nobody is stopped, and why; the hours are those of the terms."""
    zone = settings.BILLING_TIME_ZONE
    ahead = FeeControlTerms.objects.filter(valid__contains=today).values_list("quiet_days_before_closed", flat=True)
    before = max(ahead, default=1)
    start = datetime.combine(today, datetime.min.time(), tzinfo=zone)
    quiet = list(
        QuietTime.objects.filter(in_scope("org_unit", within), lasts__endswith__gt=start).order_by("lasts")[:_PAGE]
    )
    rows = []
    for number in range(_CALENDAR_DAYS):
        day = today + timedelta(days=number)
        why = []
        if calendar_day(day).holiday:
            why.append(_("节假日"))
        elif any(calendar_day(day + timedelta(days=one)).holiday for one in range(1, before + 1)):
            why.append(_("节前"))
        opens, closes = start + timedelta(days=number), start + timedelta(days=number + 1)
        why += [
            f"{_(QuietTime.Kind(one.kind).label)} {one.reason}"
            for one in quiet
            if one.lasts.lower and one.lasts.lower < closes and one.lasts.upper and one.lasts.upper > opens
        ]
        rows.append(DayRow(day, tuple(why)))
    return rows


def is_controlled(account_id: int, *, today: date) -> bool:
    """Whether an agreement holds."""
    return FeeControlAgreement.objects.filter(account_id=account_id, valid__contains=today, ended_at=None).exists()


def _terms(code: str, at: datetime) -> FeeControlTerms:
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    rows = FeeControlTerms.objects.filter(code=code, valid__startswith__lte=today)
    return rows.order_by("valid").reverse()[0]


def _steps(facts: FeeFacts) -> tuple[StepRow, ...]:
    rows = FeeControlStep.objects.filter(account_id=facts.account_id).order_by("-pk")[:_HISTORY]
    untold = {step.at for step in facts.steps if step.what in _TO_CALL and step.reached_at is None}
    ways = {
        "message": _("消息"),
        "phone": _("电话"),
        "portal": _("网上"),
        "counter": _("柜台"),
        "system": _("系统"),
    }
    return tuple(
        StepRow(
            _(FeeControlStep.What(row.what).label),
            row.at,
            ways.get(row.channel, row.channel),
            row.evidence,
            row.channel == "message" and row.at in untold,
        )
        for row in rows
    )


def _commands(rows: object, *, at: datetime) -> tuple[CommandRow, ...]:
    commands = list(rows)  # type: ignore[call-overload]
    numbers = dict(
        FeeControlAgreement.objects.filter(pk__in={one.agreement_id for one in commands}).values_list(
            "pk", "account__account_no"
        )
    )
    receipts: dict[int, list[tuple[str, datetime]]] = {}
    for one in FeeControlReceipt.objects.filter(command__in=[row.pk for row in commands]).order_by("pk"):
        receipts.setdefault(one.command_id, []).append((word_of_receipt(one.what), one.at))
    return tuple(
        CommandRow(
            number=row.number,
            account_no=numbers[row.agreement_id],
            kind=row.kind,
            kind_word=_(FeeControlCommand.Kind(row.kind).label),
            state_word=_(FeeControlCommand.State(row.state).label),
            state_kind=KINDS_OF_STATE[row.state],
            meter_no=row.meter_no,
            why=row.why,
            ordered_at=row.ordered_at,
            due_at=row.due_at,
            ended_at=row.ended_at,
            is_late=row.due_at is not None
            and row.state != FeeControlCommand.State.EXECUTED
            and (row.ended_at or at) > row.due_at,
            answer=row.answer,
            receipts=tuple(receipts.get(row.pk, ())),
        )
        for row in commands
    )
