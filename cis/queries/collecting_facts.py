"""What the procedure of disconnection reads of cases, for one or a page of them in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from cis.collecting.disconnection import Hindrance, Rule, Situation, Standing, Step, What, hindrances, stand
from cis.models import ArrearsCase, ArrearsStep, DisconnectionRule
from cis.models.ledger import TransferKind
from config.shared.calendar import calendar_day
from config.shared.errors import Refused


class NoDisconnectionRule(Refused):
    """No rule of disconnection is in force for the province and class on this day."""

    code = "no-disconnection-rule"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Everything a decision about one case needs, at one moment."""

    case_id: int
    steps: tuple[Step, ...]
    situation: Situation
    rule: Rule
    rule_id: int
    rule_source: str

    @property
    def standing(self) -> Standing:
        """How far the case is."""
        return stand(self.steps)

    def hindrances(self, act: What, *, at: datetime, announced_at: datetime | None = None) -> list[Hindrance]:
        """Why the act may not be done at a moment; empty when it may."""
        return hindrances(
            act, at=at, steps=self.steps, situation=self.situation, rule=self.rule, announced_at=announced_at
        )


def facts_of(cases: Iterable[ArrearsCase], *, at: datetime) -> dict[int, CaseFacts]:
    """
    What is known of the cases, read anew; six statements, however many.

    :raises NoDisconnectionRule: the province has no rule for a class on this day
    """
    cases = list(cases)
    if not cases:
        return {}
    zone = settings.BILLING_TIME_ZONE
    today = at.astimezone(zone).date()
    rules = _rules(today)
    steps: dict[int, list[Step]] = defaultdict(list)
    for row in ArrearsStep.objects.filter(case__in=[case.pk for case in cases]).order_by("pk"):
        steps[row.case_id].append(
            Step(
                what=What(row.what),
                at=row.at,
                by_id=row.by_id or 0,
                asked_by_id=row.asked_by_id or 0,
                evidence=row.evidence,
                announced_at=row.announced_at,
            )
        )
    owed, protected = _owed(cases, today), _protections(cases, today)
    homes, quiet = _homes(cases, today), _quiet_times(cases)
    found = {}
    for case in cases:
        if case.is_residential not in rules:
            raise NoDisconnectionRule(_("没有这一天有效的停电规则，请联系系统管理员维护后再办。"))
        rule_id, rule, rule_source = rules[case.is_residential]
        debt = owed[case.account_id]
        kinds = protected.get(case.account_id, set())
        found[case.pk] = CaseFacts(
            case.pk,
            tuple(steps[case.pk]),
            Situation(
                overdue_fen=debt.fen,
                oldest_due_on=debt.due_on,
                is_important="important" in kinds,
                homes_behind=homes.get(case.account_id, 0),
                stops=tuple(debt.stops + sorted(kinds - {"important"})),
                is_closed=_is_holiday,
                quiet=quiet.get(case.pk, ()),
            ),
            rule,
            rule_id,
            rule_source,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Owed:
    fen: int
    due_on: date | None
    disputes: int
    has_agreement: bool
    has_new_payment: bool

    @property
    def stops(self) -> list[str]:
        reasons = (("agreement", self.has_agreement), ("dispute", self.disputes), ("payment", self.has_new_payment))
        return [code for code, holds in reasons if holds]


def _is_holiday(day: date) -> bool:
    return bool(calendar_day(day).holiday)


def _rules(today: date) -> dict[bool, tuple[int, Rule, str]]:
    """The rules in force: the province's own before the nation's."""
    rows = DisconnectionRule.objects.filter(province__in=["", settings.COLLECTING_PROVINCE], valid__contains=today)
    return {
        row.is_residential: (
            row.pk,
            Rule(
                overdue_more_than_days=row.overdue_more_than_days,
                demands_min=row.demands_min,
                days_after_demand_min=row.days_after_demand_min,
                notice_days_min=row.notice_days_min,
                notice_days_max=row.notice_days_max,
                short_notice_minutes_min=row.short_notice_minutes_min,
                short_notice_minutes_max=row.short_notice_minutes_max,
                cut_window_minutes=row.cut_window_minutes,
                cut_from=row.cut_from,
                cut_until=row.cut_until,
                quiet_days_before_closed=row.quiet_days_before_closed,
                restore_hours=row.restore_hours,
                zone=settings.BILLING_TIME_ZONE,
            ),
            row.source,
        )
        for row in rows.order_by("province")
    }


# What the account has in hand (prepayment, credits that the next bill gives back) is no debt.
# A payment that its case has not noted yet stops the case all the same: the news takes a moment.
_OWED = """
SELECT a.account_id, coalesce(b.fen, 0), b.due_on, d.open,
       EXISTS (SELECT 1 FROM cis_instalment_agreement g WHERE g.account_id = a.account_id AND g.state = 'kept')
       OR EXISTS (SELECT 1 FROM cis_budget_plan p WHERE p.account_id = a.account_id
                  AND (p.state = 'kept' OR p.state = 'settled' AND p.settle_due_on >= %(today)s)),
       EXISTS (SELECT 1 FROM cis_ledger_transfer t
               WHERE t.account_id = a.account_id AND t.kind = %(payment)s AND t.booked_at > a.since
               AND NOT EXISTS (SELECT 1 FROM cis_arrears_step p
                               WHERE p.case_id = a.case_id AND p.what = 'payment'
                               AND p.source_key = 'payment:' || t.document_id))
FROM unnest(%(accounts)s::bigint[], %(cases)s::bigint[], %(opened)s::timestamptz[]) AS a(account_id, case_id, since)
-- The difference of a settled plan falls due with its settlement, not with the bills behind it.
CROSS JOIN LATERAL (SELECT greatest(sum(b.open_fen) - cis_in_hand_fen(a.account_id), 0)::bigint AS fen,
                    min(greatest(b.due_on, (
                        SELECT max(p.settle_due_on) FROM cis_budget_plan p
                        WHERE p.account_id = b.account_id AND p.state = 'settled'
                        AND b.due_on > p.signed_on AND b.due_on <= p.last_due_on))) AS due_on
                    FROM cis_bill b
                    WHERE b.account_id = a.account_id AND b.open_fen > 0 AND b.due_on < %(today)s) b
CROSS JOIN LATERAL (SELECT count(*) AS open FROM cis_bill_dispute
                    WHERE account_id = a.account_id AND closed_at IS NULL) d
"""


def _owed(cases: list[ArrearsCase], today: date) -> dict[int, _Owed]:
    with connection.cursor() as cursor:
        cursor.execute(
            _OWED,
            {
                "accounts": [case.account_id for case in cases],
                "cases": [case.pk for case in cases],
                "opened": [case.opened_at for case in cases],
                "today": today,
                "payment": int(TransferKind.PAYMENT_RECEIVED),
            },
        )
        return {account_id: _Owed(*row) for account_id, *row in cursor.fetchall()}


def _protections(cases: list[ArrearsCase], today: date) -> dict[int, set[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, array_agg(DISTINCT kind) FROM (SELECT account_id, kind FROM cis_protection "
            "WHERE account_id = ANY(%(accounts)s) AND ended_at IS NULL AND from_on <= %(today)s "
            "AND (until_on IS NULL OR until_on >= %(today)s) UNION ALL "
            # Who has energy free as a household on minimum income need not be protected by hand as well.
            "SELECT account_id, 'low-income' FROM cis_free_energy_right "
            "WHERE account_id = ANY(%(accounts)s) AND valid @> %(today)s::date) AS p GROUP BY 1",
            {"accounts": [case.account_id for case in cases], "today": today},
        )
        return {account_id: set(kinds) for account_id, kinds in cursor.fetchall()}


def _homes(cases: list[ArrearsCase], today: date) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, cis_homes_behind(id, %s) FROM unnest(%s::bigint[]) AS a(id)",
            [today, [case.account_id for case in cases]],
        )
        return dict(cursor.fetchall())


def _quiet_times(cases: list[ArrearsCase]) -> dict[int, tuple[tuple[datetime, datetime, str], ...]]:
    """Times without cuts of the units above each case, those of the last month and all to come."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, lower(q.lasts), upper(q.lasts), q.kind FROM cis_arrears_case c "
            "JOIN shared_org_unit mine ON mine.id = c.org_unit_id "
            "JOIN cis_quiet_time q ON true JOIN shared_org_unit o ON o.id = q.org_unit_id "
            "AND mine.path LIKE o.path || '%%' WHERE c.id = ANY(%s) ORDER BY 1, 2",
            [[case.pk for case in cases]],
        )
        times: dict[int, list[tuple[datetime, datetime, str]]] = defaultdict(list)
        for case_id, start, end, kind in cursor.fetchall():
            times[case_id].append((start, end, kind))
    return {case_id: tuple(rows) for case_id, rows in times.items()}
