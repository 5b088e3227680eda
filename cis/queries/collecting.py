"""Cases of arrears for those who collect them: the work list with what is due next, one case, the ageing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from cis.collecting.disconnection import Stage, What
from cis.models import ArrearsCase, ArrearsStep, Bill, ReconnectionOrder
from cis.queries.collecting_facts import CaseFacts, facts_of
from cis.queries.collecting_words import act_word, stage_word, step_word, words_of
from cis.queries.protections import ProtectionRow, list_protections, waiting_about
from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound
from config.shared.permissions import in_scope
from config.shared.personal_data import mask_name

PAGE = 25
# Days overdue, up to and including; the last bucket is open.
_BUCKETS = (30, 60, 90, 365)


@dataclass(frozen=True, slots=True)
class NextAct:
    """What is due next in a case, and why it may not be done yet (empty: it may)."""

    what: str
    word: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in the list; the name of a person is masked."""

    case_id: int
    account_no: str
    masked_name: str
    unit: str
    is_residential: bool
    overdue_fen: int
    oldest_due_on: date
    days: int
    cause: str
    cause_word: str
    stage: str
    stage_word: str
    is_closed: bool
    next: NextAct | None
    waiting_approval_id: int | None


@dataclass(frozen=True, slots=True)
class CaseList:
    """One page of the work list, the oldest debts first; `after` leads to the next page, "" at the end."""

    rows: tuple[CaseRow, ...]
    after: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of a case's history."""

    what: str
    word: str
    at: datetime
    by: str
    evidence: str
    announced_at: datetime | None


@dataclass(frozen=True, slots=True)
class OverdueBill:
    """A bill of the case that is overdue."""

    bill_no: str
    cycle: int
    due_on: date
    open_fen: int


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case with all that is known of it at a moment."""

    row: CaseRow
    account_id: int
    steps: tuple[StepRow, ...]
    acts: Mapping[str, tuple[str, ...]]
    """act to why it may not be done now; empty: it may"""
    bills: tuple[OverdueBill, ...]
    protections: tuple[ProtectionRow, ...]
    is_important: bool
    homes_behind: int
    announced_at: datetime | None
    suggested_at: datetime | None
    """the first lawful moment that a notice made out now could name"""
    reconnect_by: datetime | None
    rule_source: str
    short_notice_minutes: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """Open cases that are so many days overdue; `until` None: longer."""

    since: int
    until: int | None
    cases: int
    overdue_fen: int


@dataclass(frozen=True, slots=True)
class Reconnection:
    """An order to bring supply back that is not done."""

    case_id: int
    account_no: str
    due_at: datetime
    is_late: bool


def list_cases(*, within: Sequence[str], at: datetime, stage: str = "", cause: str = "", after: str = "") -> CaseList:
    """
    Open cases under these organisation paths, oldest due date first, with what is due next; eight statements a page.

    `cause` "none" are those whose cause nobody has found out yet.
    """
    rows = ArrearsCase.objects.filter(in_scope("org_unit", within), closed_at=None)
    if stage:
        rows = rows.filter(stage=stage)
    if cause:
        rows = rows.filter(cause="" if cause == "none" else cause)
    place = _place(after)
    if place is not None:
        rows = rows.filter(Q(oldest_due_on__gt=place[0]) | Q(oldest_due_on=place[0], pk__gt=place[1]))
    found = list(rows.select_related("account__customer", "org_unit").order_by("oldest_due_on", "pk")[: PAGE + 1])
    shown = found[:PAGE]
    facts, waiting = facts_of(shown, at=at), _waiting([case.pk for case in shown])
    more = f"{shown[-1].oldest_due_on}.{shown[-1].pk}" if len(found) > PAGE else ""
    return CaseList(tuple(_row(case, facts[case.pk], waiting, at) for case in shown), more)


def get_case(case_id: int, *, within: Sequence[str] | None, at: datetime) -> CasePage:
    """
    One case, open or closed.

    :raises NotFound: there is none within the organisation paths
    """
    case = (
        ArrearsCase.objects.select_related("account__customer", "org_unit")
        .filter(in_scope("org_unit", within), pk=case_id)
        .first()
    )
    if case is None:
        raise NotFound(_("没有这件欠费，请回到欠费清单重新选择。"))
    return _page(case, at)


def case_of_account(account_id: int, *, at: datetime) -> CasePage | None:
    """The account's newest case, None where there never was one."""
    case = (
        ArrearsCase.objects.select_related("account__customer", "org_unit")
        .filter(account_id=account_id)
        .order_by("-pk")
        .first()
    )
    return None if case is None else _page(case, at)


def ageing(*, within: Sequence[str], today: date) -> tuple[Bucket, ...]:
    """How long the open cases under these organisation paths have been overdue; one statement, from the last look."""
    edges = (0, *_BUCKETS)
    sums: dict[str, Any] = {}
    for number, since in enumerate(edges):
        until = edges[number + 1] if number + 1 < len(edges) else None
        within_bucket = Q(oldest_due_on__lt=today - timedelta(days=since))
        if until is not None:
            within_bucket &= Q(oldest_due_on__gte=today - timedelta(days=until))
        sums[f"n{number}"] = Count("pk", filter=within_bucket)
        sums[f"f{number}"] = Sum("overdue_fen", filter=within_bucket, default=0)
    found = ArrearsCase.objects.filter(in_scope("org_unit", within), closed_at=None).aggregate(**sums)
    return tuple(
        Bucket(
            since + 1,
            edges[number + 1] if number + 1 < len(edges) else None,
            found[f"n{number}"],
            int(found[f"f{number}"]),
        )
        for number, since in enumerate(edges)
    )


@dataclass(frozen=True, slots=True)
class CauseAgeing:
    """Open cases of one cause by how long they are overdue, in the order of the buckets; "" nobody knows yet."""

    cause: str
    word: str
    cases: tuple[int, ...]
    fen: tuple[int, ...]

    @property
    def all_cases(self) -> int:
        """Of all ages."""
        return sum(self.cases)

    @property
    def all_fen(self) -> int:
        """Of all ages."""
        return sum(self.fen)


def bands() -> list[tuple[int, int | None]]:
    """Days overdue from and up to, of each bucket; None: without end."""
    edges = (0, *_BUCKETS)
    return [(since + 1, until) for since, until in zip(edges, [*edges[1:], None], strict=True)]


def ageing_by_cause(*, within: Sequence[str], today: date) -> tuple[CauseAgeing, ...]:
    """The same by cause, the largest sums first; one statement, from the last look."""
    sums: dict[str, Any] = {}
    for number, (since, until) in enumerate(bands()):
        inside = Q(oldest_due_on__lte=today - timedelta(days=since))
        if until is not None:
            inside &= Q(oldest_due_on__gte=today - timedelta(days=until))
        sums[f"n{number}"] = Count("pk", filter=inside)
        sums[f"f{number}"] = Sum("overdue_fen", filter=inside, default=0)
    open_cases = ArrearsCase.objects.filter(in_scope("org_unit", within), closed_at=None)
    rows: list[Any] = list(open_cases.values("cause").annotate(**sums))
    found = [
        CauseAgeing(
            row["cause"],
            _(ArrearsCase.Cause(row["cause"]).label) if row["cause"] else _("还没查明"),
            tuple(row[f"n{number}"] for number in range(len(_BUCKETS) + 1)),
            tuple(int(row[f"f{number}"]) for number in range(len(_BUCKETS) + 1)),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda row: (-row.all_fen, row.cause)))


def cases_for_export(*, within: Sequence[str], today: date) -> Iterator[tuple[str, ...]]:
    """Open cases as rows of text, the header first; by the last look, read as they are sent."""
    yield (
        "account_no",
        "unit",
        "residential",
        "oldest_due_on",
        "days_overdue",
        "band",
        "cause",
        "stage",
        "overdue_yuan",
    )
    rows = ArrearsCase.objects.filter(in_scope("org_unit", within), closed_at=None).order_by("oldest_due_on", "pk")
    fields = (
        "account__account_no",
        "org_unit__name",
        "is_residential",
        "oldest_due_on",
        "cause",
        "stage",
        "overdue_fen",
    )
    for account_no, unit, residential, due_on, cause, stage, fen in rows.values_list(*fields).iterator():
        days = (today - due_on).days
        band = next(
            (f"{since}-{until}" for since, until in bands() if until is not None and days <= until),
            f"{_BUCKETS[-1] + 1}+",
        )
        yield (
            account_no,
            unit,
            "1" if residential else "0",
            due_on.isoformat(),
            str(days),
            band,
            cause,
            stage,
            format_yuan(fen),
        )


def list_reconnections(*, within: Sequence[str], at: datetime, limit: int = 50) -> tuple[Reconnection, ...]:
    """Orders to bring supply back that are not done, the most urgent first."""
    rows = (
        ReconnectionOrder.objects.filter(in_scope("case__org_unit", within), done_at=None)
        .order_by("due_at")
        .values_list("case_id", "case__account__account_no", "due_at")[:limit]
    )
    return tuple(Reconnection(case_id, account_no, due_at, at > due_at) for case_id, account_no, due_at in rows)


def choices_of_causes() -> list[tuple[str, str]]:
    """The causes of arrears by code, named in the language of the request."""
    return [(cause.value, _(cause.label)) for cause in ArrearsCase.Cause]


def choices_of_stages() -> list[tuple[str, str]]:
    """How far cases can be, by code, named in the language of the request."""
    return [(stage.value, stage_word(stage)) for stage in Stage]


def word_of_act(what: str) -> str:
    """What somebody does, in the language of the request."""
    return act_word(what)


def _place(after: str) -> tuple[date, int] | None:
    day, _dot, number = after.rpartition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None


def _waiting(case_ids: Sequence[int]) -> dict[str, int]:
    return waiting_about([f"arrears-case:{case_id}" for case_id in case_ids])


def _row(case: ArrearsCase, facts: CaseFacts, waiting: Mapping[str, int], at: datetime) -> CaseRow:
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    customer = case.account.customer
    is_open = case.closed_at is None
    due_on = facts.situation.oldest_due_on or case.oldest_due_on
    return CaseRow(
        case_id=case.pk,
        account_no=case.account.account_no,
        masked_name=mask_name(customer.name) if customer.kind == "person" else customer.name,
        unit=case.org_unit.name,
        is_residential=case.is_residential,
        overdue_fen=facts.situation.overdue_fen if is_open else 0,
        oldest_due_on=due_on,
        days=max(0, (today - due_on).days),
        cause=case.cause,
        cause_word=_(ArrearsCase.Cause(case.cause).label) if case.cause else "",
        stage=case.stage,
        stage_word=stage_word(case.stage) if is_open else _("已结清"),
        is_closed=not is_open,
        next=_next(facts, at) if is_open else None,
        waiting_approval_id=waiting.get(f"arrears-case:{case.pk}"),
    )


def _next(facts: CaseFacts, at: datetime) -> NextAct | None:
    """The first act of the road that is not done."""
    counts = facts.standing.counts
    if What.CUT in counts:
        what = What.RESTORED
    elif facts.situation.overdue_fen <= 0:
        return None
    else:
        road = [What.CAUSE, What.DEMAND, What.APPROVED]
        road += [What.AUTHORITY_INFORMED] if facts.situation.is_important else []
        road += [What.HOMES_KEPT] if facts.situation.homes_behind else []
        road += [What.NOTICE_PRINTED, What.NOTICE_SERVED, What.SHORT_NOTICE]
        what = next((one for one in road if not _is_done(one, facts)), What.CUT)
    named = first_lawful_moment(facts, at=at) if what == What.NOTICE_PRINTED else None
    return NextAct(
        what.value,
        act_word(what.value),
        tuple(words_of(one) for one in facts.hindrances(what, at=at, announced_at=named)),
    )


def _is_done(what: What, facts: CaseFacts) -> bool:
    if what == What.DEMAND:
        return len(facts.standing.demands) >= facts.rule.demands_min
    return what in facts.standing.counts


def first_lawful_moment(facts: CaseFacts, *, at: datetime) -> datetime | None:
    """The first ten o'clock that a notice made out at `at` may name; None within two months."""
    zone = settings.BILLING_TIME_ZONE
    first = (at + timedelta(days=facts.rule.notice_days_min)).astimezone(zone).date()
    for days in range(1, 60):
        named = datetime.combine(first + timedelta(days=days), time(10), tzinfo=zone)
        codes = {one.code for one in facts.hindrances(What.NOTICE_PRINTED, at=at, announced_at=named)}
        if not codes & {"announced-too-early", "night", "holiday"} and not any(c.startswith("quiet-") for c in codes):
            return named
    return None


def _page(case: ArrearsCase, at: datetime) -> CasePage:
    facts = facts_of([case], at=at)[case.pk]
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    suggested_at = first_lawful_moment(facts, at=at)
    steps = ArrearsStep.objects.filter(case=case).select_related("by").order_by("pk")
    bills = Bill.objects.filter(account_id=case.account_id, open_fen__gt=0, due_on__lt=today).order_by("due_on", "pk")
    order = ReconnectionOrder.objects.filter(case=case, done_at=None).first()
    return CasePage(
        row=_row(case, facts, _waiting([case.pk]), at),
        account_id=case.account_id,
        steps=tuple(
            StepRow(
                step.what,
                step_word(step.what),
                step.at,
                step.by.display_name if step.by is not None else _("系统"),
                step.evidence,
                step.announced_at,
            )
            for step in steps
        ),
        acts={
            what.value: tuple(words_of(one) for one in facts.hindrances(what, at=at, announced_at=suggested_at))
            for what in What
        },
        bills=tuple(OverdueBill(str(bill), bill.cycle, bill.due_on, bill.open_fen) for bill in bills),
        protections=list_protections(case.account_id, today=today),
        is_important=facts.situation.is_important,
        homes_behind=facts.situation.homes_behind,
        announced_at=facts.standing.announced_at,
        suggested_at=suggested_at,
        reconnect_by=order.due_at if order is not None else None,
        rule_source=facts.rule_source,
        short_notice_minutes=facts.rule.short_notice_minutes_min,
    )
