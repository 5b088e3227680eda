"""What fee control decides from: agreements with terms, history, balance and situation, set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from cis.collecting.fee_control import (
    Agreement,
    Decided,
    Happened,
    Mode,
    Situation,
    Step,
    Terms,
    decide,
    healed,
    hindrances_of_hour,
    is_away,
)
from cis.models import FeeControlAgreement, FeeControlCommand, FeeControlTerms
from config.shared.calendar import calendar_day

_TOLD = (Happened.WARNED, Happened.ANNOUNCED, Happened.LAST_WARNED)
_AWAY = (FeeControlCommand.State.REFUSED, FeeControlCommand.State.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeFacts:
    """Everything a decision about one account needs, at one moment; amounts in fen."""

    account_id: int
    account_no: str
    org_unit_id: int
    agreement_id: int
    agreement: Agreement
    meter_no: str
    """empty where the account has no meter, or several"""
    prepayment_fen: int
    open_fen: int
    running_fen: int | None
    """the running bill of the newest estimate; None where it is too old or could not be told"""
    estimate_id: int | None
    estimated_on: date | None
    period_start: date | None
    unknown_why: str
    """why the running bill of the newest estimate could not be told"""
    usual_a_day_fen: int | None
    is_outlier: bool
    steps: tuple[Step, ...]
    announced_id: int | None
    last_warned_id: int | None
    stop_id: int | None
    """the newest stop that may have been carried out"""
    is_stop_unsent: bool
    arrears_cut_id: int | None
    commands: int
    is_telling: bool
    """whether the message of the newest step is still on its way"""
    told: Mapping[str, int]
    """how often each thing was told or noted"""
    situation: Situation

    @property
    def balance_fen(self) -> int | None:
        """Prepayment less open bills less the running bill so far, without credit; None: not known."""
        return None if self.running_fen is None else self.prepayment_fen - self.open_fen - self.running_fen

    @property
    def available_fen(self) -> int | None:
        """The balance with the emergency credit."""
        return None if self.balance_fen is None else self.balance_fen + self.situation.credit_fen

    @property
    def brings_back_fen(self) -> int:
        """What must be paid at least for supply to come back by the balance; 0: the balance does not say."""
        if self.available_fen is None or self.agreement.terms.mode is Mode.POSTPAID:
            return 0
        return max(self.agreement.terms.reconnect_from_fen - self.available_fen, 0)

    @property
    def days_left(self) -> int | None:
        """For how many whole days it lasts at the pace of this period; None: not known."""
        if self.available_fen is None or not self.usual_a_day_fen:
            return None
        return max(self.available_fen, 0) // self.usual_a_day_fen

    @property
    def is_away(self) -> bool:
        """Whether supply is away, or a stop is under way."""
        return is_away(self.steps)

    @property
    def to_call(self) -> Happened | None:
        """What was written down last and no message has brought or will; None: nothing."""
        told = [step for step in self.steps if step.what in _TOLD]
        return told[-1].what if told and told[-1].reached_at is None and not self.is_telling else None

    def decide(self, at: datetime) -> Decided:
        """What is to be done at a moment."""
        return decide(
            at=at,
            agreement=self.agreement,
            balance_fen=self.balance_fen,
            steps=self.steps,
            situation=self.situation,
        )

    def healed(self) -> Happened | None:
        """What the balance has done since it was told to be low."""
        return healed(
            agreement=self.agreement,
            balance_fen=self.balance_fen,
            steps=self.steps,
            credit_fen=self.situation.credit_fen,
        )

    def hindrances_of_hour(self, at: datetime) -> list[str]:
        """Why nobody is stopped at this moment."""
        return hindrances_of_hour(at, self.agreement.terms, self.situation)


def terms_of(codes: Iterable[str], *, today: date) -> dict[str, Terms]:
    """The versions in force on a day, by code; one that has ended leaves its last version."""
    rows = FeeControlTerms.objects.filter(code__in=set(codes), valid__startswith__lte=today).order_by("valid")
    return {
        row.code: Terms(
            mode=Mode(row.mode),
            warn_below_fen=row.warn_below_fen,
            stop_below_fen=row.stop_below_fen,
            reconnect_from_fen=row.reconnect_from_fen,
            grace_days=row.grace_days,
            last_warning_minutes=row.last_warning_minutes,
            last_warning_lasts_minutes=row.last_warning_lasts_minutes,
            emergency_credit_fen=row.emergency_credit_fen,
            stop_from=row.stop_from,
            stop_until=row.stop_until,
            quiet_days_before_closed=row.quiet_days_before_closed,
            reconnect_hours=row.reconnect_hours,
            zone=settings.BILLING_TIME_ZONE,
        )
        for row in rows
    }


# The estimate of yesterday still stands until today's is made; an older one does not (the trigger asks the same). Once
# the period that it ran is billed it is part of the open bills, and counts once.
_MONEY = """
SELECT g.id, a.account_no, e.id, e.day, e.period_start,
       CASE WHEN e.running_fen IS NOT NULL AND cis_is_billed(g.account_id, e.period_start) THEN 0
            ELSE e.running_fen END,
       coalesce(e.why_not, ''),
       e.usual_a_day_fen, coalesce(e.is_outlier, false),
       coalesce(b.open_fen, 0), coalesce(b.prepaid_fen, 0), m.meter_no, coalesce(credit.fen, 0)
FROM cis_fee_control_agreement g
JOIN cis_account a ON a.id = g.account_id
LEFT JOIN LATERAL (SELECT * FROM cis_fee_control_estimate
                   WHERE account_id = g.account_id AND day BETWEEN %(today)s::date - 1 AND %(today)s
                   ORDER BY day DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
    SELECT sum(debit_fen - credit_fen) FILTER (WHERE ledger_account_id = g.account_id * 10 + 1)::bigint AS open_fen,
           sum(credit_fen - debit_fen) FILTER (WHERE ledger_account_id = g.account_id * 10 + 2)::bigint AS prepaid_fen
    FROM cis_ledger_balance
    WHERE ledger_account_id IN (g.account_id * 10 + 1, g.account_id * 10 + 2)) b ON true
LEFT JOIN LATERAL (
    SELECT max(t.meter_no) AS meter_no FROM cis_account_point ap
    JOIN cis_meter_installation i ON i.point_id = ap.point_id AND i.valid @> %(today)s::date
    JOIN cis_meter t ON t.id = i.meter_id
    WHERE ap.account_id = g.account_id AND ap.valid @> %(today)s::date
    HAVING count(*) = 1) m ON true
LEFT JOIN LATERAL (SELECT sum(credit_fen)::bigint AS fen FROM cis_fee_control_step
                   WHERE account_id = g.account_id AND what = 'credit' AND period_start = e.period_start) credit ON true
WHERE g.id = ANY(%(agreements)s)
"""
_STEPS = """
SELECT s.account_id, s.id, s.what, s.at, cis_fee_control_reached(s),
       EXISTS (SELECT 1 FROM shared_message m WHERE m.account_id = s.account_id AND m.channel <> 'in_app'
               AND m.state IN ('waiting', 'sending') AND starts_with(m.dedupe_key, s.key || ':'))
FROM cis_fee_control_step s WHERE s.account_id = ANY(%(accounts)s) ORDER BY s.id
"""
_AGAINST = """
SELECT p.account_id, p.kind FROM cis_protection p
WHERE p.account_id = ANY(%(accounts)s) AND p.ended_at IS NULL AND p.from_on <= %(today)s
  AND (p.until_on IS NULL OR p.until_on >= %(today)s)
UNION
SELECT account_id, 'dispute' FROM cis_bill_dispute WHERE account_id = ANY(%(accounts)s) AND closed_at IS NULL
UNION
SELECT account_id, 'instalments' FROM cis_instalment_agreement
WHERE account_id = ANY(%(accounts)s) AND state = 'kept'
UNION
SELECT account_id, 'budget-plan' FROM cis_budget_plan WHERE account_id = ANY(%(accounts)s)
  AND (state = 'kept' OR state = 'settled' AND settle_due_on >= %(today)s)
UNION
SELECT account_id, 'low-income' FROM cis_free_energy_right
WHERE account_id = ANY(%(accounts)s) AND valid @> %(today)s::date
UNION
SELECT id, 'homes-behind' FROM unnest(%(accounts)s::bigint[]) AS a(id) WHERE cis_homes_behind(id, %(today)s) > 0
ORDER BY 1, 2
"""
_QUIET = """
SELECT a.id, lower(q.lasts), upper(q.lasts), q.kind FROM cis_account a
JOIN shared_org_unit mine ON mine.id = a.org_unit_id
JOIN cis_quiet_time q ON upper(q.lasts) > %(at)s
JOIN shared_org_unit o ON o.id = q.org_unit_id AND mine.path LIKE o.path || '%%'
WHERE a.id = ANY(%(accounts)s) ORDER BY 1, 2
"""
# A cut stands until supply is back or ordered back: a payment in part does not bring it back.
_CUTS = """
SELECT c.account_id, s.id, EXISTS (SELECT 1 FROM cis_arrears_step l WHERE l.case_id = c.id AND l.id > s.id
                                   AND l.what IN ('payment', 'stopped'))
FROM cis_arrears_case c
JOIN LATERAL (SELECT max(id) AS id FROM cis_arrears_step WHERE case_id = c.id AND what = 'cut') s ON s.id IS NOT NULL
WHERE c.account_id = ANY(%(accounts)s) AND c.closed_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM cis_arrears_step l WHERE l.case_id = c.id AND l.id > s.id AND l.what = 'restored')
  AND NOT EXISTS (SELECT 1 FROM cis_reconnection_order o WHERE o.cut_id = s.id)
"""


def facts_of(account_ids: Iterable[int], *, at: datetime) -> dict[int, FeeFacts]:
    """
    What is known of the accounts that have, or had last, an agreement; ten statements, however many.

    An account whose newest agreement has ended is there as well: its supply may have to come back.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    newest = FeeControlAgreement.objects.filter(account_id__in=list(account_ids), valid__startswith__lte=today)
    agreements = {row.account_id: row for row in newest.order_by("account_id", "valid")}
    if not agreements:
        return {}
    terms = terms_of((row.terms_code for row in agreements.values()), today=today)
    asked: dict[str, Any] = {
        "today": today,
        "at": at,
        "accounts": list(agreements),
        "agreements": [row.pk for row in agreements.values()],
    }
    steps: dict[int, list[tuple[int, str, datetime, datetime | None]]] = defaultdict(list)
    pending: set[int] = set()
    for account_id, step_id, what, when, reached_at, is_on_its_way in _rows(_STEPS, asked):
        steps[account_id].append((step_id, what, when, reached_at))
        if is_on_its_way:
            pending.add(account_id)
        else:
            pending.discard(account_id)
    commands: dict[int, list[FeeControlCommand]] = defaultdict(list)
    for command in FeeControlCommand.objects.filter(account_id__in=list(agreements)).order_by("pk"):
        commands[command.account_id].append(command)
    against, quiet = defaultdict(list), defaultdict(list)
    for account_id, code in _rows(_AGAINST, asked):
        against[account_id].append(code)
    for account_id, start, end, kind in _rows(_QUIET, asked):
        quiet[account_id].append((start, end, kind))
    cuts = {account_id: (cut_id, is_touched) for account_id, cut_id, is_touched in _rows(_CUTS, asked)}
    money = {row[0]: row[1:] for row in _rows(_MONEY, asked)}
    found = {}
    for account_id, row in agreements.items():
        account_no, estimate_id, day, period, running, why, usual, outlier, owed, prepaid, meter, credit = money[row.pk]
        mine, told = commands[account_id], steps[account_id]
        stops = [one for one in mine if one.kind == FeeControlCommand.Kind.STOP and one.state not in _AWAY]
        found[account_id] = FeeFacts(
            account_id=account_id,
            account_no=account_no,
            org_unit_id=row.org_unit_id,
            agreement_id=row.pk,
            agreement=Agreement(
                terms[row.terms_code],
                row.valid.lower or row.signed_on,
                row.valid.upper if row.ended_at is None else row.ended_at.astimezone(settings.BILLING_TIME_ZONE).date(),
                row.own_warn_fen,
            ),
            meter_no=meter or "",
            prepayment_fen=prepaid,
            open_fen=owed,
            running_fen=running,
            estimate_id=estimate_id,
            estimated_on=day,
            period_start=period,
            unknown_why=why,
            usual_a_day_fen=usual,
            is_outlier=outlier,
            steps=_history(told, mine),
            announced_id=max((one[0] for one in told if one[1] == Happened.ANNOUNCED), default=None),
            last_warned_id=max((one[0] for one in told if one[1] == Happened.LAST_WARNED), default=None),
            stop_id=stops[-1].pk if stops else None,
            is_stop_unsent=bool(stops) and stops[-1].state == FeeControlCommand.State.WAITING,
            arrears_cut_id=cuts[account_id][0] if account_id in cuts else None,
            commands=len(mine),
            is_telling=account_id in pending,
            told={what: sum(one[1] == what for one in told) for what in {one[1] for one in told}},
            situation=Situation(
                credit_fen=credit,
                stops=tuple(against[account_id]),
                is_cut_by_case=account_id in cuts,
                is_cut_touched=account_id in cuts and cuts[account_id][1],
                is_closed=_is_holiday,
                quiet=tuple(quiet[account_id]),
            ),
        )
    return found


def _history(
    told: Iterable[tuple[int, str, datetime, datetime | None]], commands: Iterable[FeeControlCommand]
) -> tuple[Step, ...]:
    """
    What was told and what was commanded, in the order in which the house did it or heard of it.

    A command ends after it was ordered, whatever moment the far side put on its receipt.
    """
    steps = [Step(Happened(what), at, reached) for _id, what, at, reached in told if what != "credit"]
    for command in commands:
        if command.kind == FeeControlCommand.Kind.WARN:
            continue
        is_stop = command.kind == FeeControlCommand.Kind.STOP
        steps.append(Step(Happened.STOP_ORDERED if is_stop else Happened.RECONNECT_ORDERED, command.ordered_at))
        if command.ended_at is None:
            continue
        ended_at = max(command.ended_at, command.ordered_at)
        if command.state == FeeControlCommand.State.EXECUTED:
            steps.append(Step(Happened.STOPPED if is_stop else Happened.RECONNECTED, ended_at))
        elif not is_stop:
            steps.append(Step(Happened.RECONNECT_FAILED, ended_at))
        elif command.state in _AWAY:
            # A stop that timed out may have reached the meter all the same: it is undone like one that did.
            steps.append(Step(Happened.STOP_FAILED, ended_at))
    return tuple(sorted(steps, key=lambda step: step.at))


def _is_holiday(day: date) -> bool:
    return bool(calendar_day(day).holiday)


def _rows(statement: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
