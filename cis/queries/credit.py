"""How accounts pay, as facts for the credit grade and for reminders; grades with proposals and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.collecting.credit import GRADES, Facts, Limits, ReminderStep, read_limits, read_steps
from cis.collecting.late_fee_bill import terms_in_force
from cis.models import CreditDecision, CreditGrade
from cis.queries.late_fees import published
from config.shared.permissions import in_scope
from config.shared.personal_data import mask_name

_YEAR = timedelta(days=365)
PAGE = 50

# A bill was late when a late fee was reckoned on it, whatever it came to, or when it is open past its due date.
_FACTS = """
SELECT a.id, coalesce(b.due, 0), coalesce(b.late, 0), coalesce(b.longest, 0), coalesce(o.days, 0),
       (SELECT count(*) FROM cis_arrears_step s JOIN cis_arrears_case c ON c.id = s.case_id
        WHERE c.account_id = a.id AND s.what = 'cut' AND s.at >= %(since)s),
       (SELECT count(*) FROM cis_instalment_agreement g
        WHERE g.account_id = a.id AND g.state = 'broken' AND g.ended_on >= %(since)s),
       (SELECT count(*) FROM cis_write_off w WHERE w.account_id = a.id AND w.at >= %(since)s)
FROM unnest(%(accounts)s::bigint[]) AS a(id)
LEFT JOIN LATERAL (
    SELECT count(*) AS due, count(*) FILTER (WHERE d.days > 0) AS late, max(d.days) AS longest
    FROM cis_bill b CROSS JOIN LATERAL (
        SELECT greatest(
            (SELECT max(f.through_on) FROM cis_late_fee_charge f WHERE f.bill_id = b.id) - b.due_on,
            CASE WHEN b.open_fen > 0 THEN %(today)s - b.due_on ELSE 0 END) AS days) d
    WHERE b.account_id = a.id AND b.due_on >= %(since)s AND b.due_on < %(today)s AND b.total_fen > 0) b ON true
LEFT JOIN LATERAL (
    SELECT %(today)s - min(due_on) AS days FROM cis_bill
    WHERE account_id = a.id AND open_fen > 0 AND due_on < %(today)s) o ON true
"""
# Whoever gave a reason to look within the year, and whoever has a grade that may become better.
_LOOKED_AT = """
SELECT account_id FROM cis_late_fee_charge WHERE through_on >= %(since)s
UNION SELECT account_id FROM cis_bill WHERE open_fen > 0 AND due_on < %(today)s
UNION SELECT account_id FROM cis_write_off WHERE at >= %(since)s
UNION SELECT account_id FROM cis_instalment_agreement WHERE state = 'broken' AND ended_on >= %(since)s
UNION SELECT account_id FROM cis_credit_grade ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class CreditRule:
    """The limits in force, what each grade means for paying ahead, and where they are from."""

    limits: tuple[Limits, ...]
    prepay: dict[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision on a grade."""

    before: str
    grade: str
    proposed: str
    reasons: tuple[str, ...]
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CreditPage:
    """An account's grade, what is proposed and why, what it means, and what was decided."""

    grade: str
    proposed: str
    reasons: tuple[str, ...]
    computed_on: date | None
    means: str
    source: str
    decisions: tuple[DecisionRow, ...]


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """A proposal that differs from the grade that holds; the name of a person is masked."""

    account_id: int
    account_no: str
    masked_name: str
    unit: str
    grade: str
    proposed: str
    reasons: tuple[str, ...]


def facts_of_accounts(account_ids: Sequence[int], *, today: date) -> dict[int, Facts]:
    """How accounts paid in the twelve months before a day; one statement, however many."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"accounts": list(account_ids), "since": today - _YEAR, "today": today})
        return {
            account_id: Facts(
                due_bills=due,
                late_bills=late,
                longest_days=longest,
                overdue_days=overdue,
                cuts=cuts,
                broken_agreements=broken,
                write_offs=written_off,
            )
            for account_id, due, late, longest, overdue, cuts, broken, written_off in cursor.fetchall()
        }


def accounts_to_grade(*, today: date) -> list[int]:
    """The accounts whose paying gives a reason to look, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOKED_AT, {"since": today - _YEAR, "today": today})
        return [row[0] for row in cursor.fetchall()]


def credit_rule(*, on: date) -> CreditRule:
    """
    The rule in force on a day.

    :raises CannotPrice: none is, or it names what is unknown
    """
    entry = terms_in_force(published("credit"), on=on, province=settings.COLLECTING_PROVINCE or None)
    return CreditRule(read_limits(entry), dict(entry["prepay"]), str(entry["source"]))


def reminder_steps(*, on: date) -> tuple[tuple[ReminderStep, ...], int]:
    """
    The steps of reminders in force on a day, and how many bills a payer must have had to be judged.

    :raises CannotPrice: none are in force, or they are no steps
    """
    entry = terms_in_force(published("reminders"), on=on, province=settings.COLLECTING_PROVINCE or None)
    return read_steps(entry["steps"]), int(entry["bills_min"])


def credit_page(account_id: int, *, on: date) -> CreditPage:
    """The grade of an account with its proposal and history; two statements."""
    row = CreditGrade.objects.filter(account_id=account_id).first()
    rule = credit_rule(on=on)
    grade = (row.grade if row else "") or GRADES[0]
    decisions = CreditDecision.objects.filter(account_id=account_id).select_related("by").order_by("-pk")
    return CreditPage(
        grade=grade,
        proposed=row.proposed if row else grade,
        reasons=words_of_reasons(row.reasons) if row else (),
        computed_on=row.computed_on if row else None,
        means=str(_PREPAY.get(rule.prepay.get(grade, ""), "")),
        source=rule.source,
        decisions=tuple(
            DecisionRow(
                one.before,
                one.grade,
                one.proposed,
                words_of_reasons(one.reasons),
                one.note,
                one.by.display_name or one.by.username,
                one.at,
            )
            for one in decisions
        ),
    )


def list_proposals(*, within: Sequence[str], after: int = 0) -> tuple[tuple[ProposalRow, ...], int]:
    """Proposals that differ from the grade that holds, a page by account, and where the next begins (0: nowhere)."""
    rows = (
        CreditGrade.objects.filter(in_scope("org_unit", within), account_id__gt=after)
        .exclude(proposed=F("grade"))
        .exclude(Q(grade="") & Q(proposed=GRADES[0]))
        .select_related("account__customer", "org_unit")
        .order_by("account_id")[: PAGE + 1]
    )
    found = [
        ProposalRow(
            row.account_id,
            row.account.account_no,
            mask_name(row.account.customer.name)
            if row.account.customer.kind == "person"
            else row.account.customer.name,
            row.org_unit.shown_name,
            row.grade or GRADES[0],
            row.proposed,
            words_of_reasons(row.reasons),
        )
        for row in rows
    ]
    return tuple(found[:PAGE]), found[PAGE - 1].account_id if len(found) > PAGE else 0


_WORDS = {
    "late_bills": gettext_lazy("十二个月内晚交 %(value)s 张账单（%(limit)s 张起）"),
    "late_percent": gettext_lazy("十二个月内晚交的账单占 %(value)s%%（%(limit)s%% 起）"),
    "longest_days": gettext_lazy("最久一次晚交 %(value)s 天（%(limit)s 天起）"),
    "overdue_days": gettext_lazy("现在已过期 %(value)s 天（%(limit)s 天起）"),
    "cuts": gettext_lazy("十二个月内欠费停电 %(value)s 次（%(limit)s 次起）"),
    "broken_agreements": gettext_lazy("十二个月内分期协议违约 %(value)s 次（%(limit)s 次起）"),
    "write_offs": gettext_lazy("十二个月内核销 %(value)s 次（%(limit)s 次起）"),
}
_PREPAY = {
    "none": gettext_lazy("按月后付，不要求预付。"),
    "offer": gettext_lazy("建议签预付费（费控）协议。"),
    "ask": gettext_lazy("应要求签预付费（费控）协议或交保证金。"),
}


def words_of_reasons(reasons: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """Why a grade is proposed, in the language of the request."""
    if not reasons:
        return (_("十二个月内都按时交费，没有违约。"),)
    return tuple(str(_WORDS[fact]) % {"value": value, "limit": limit} for fact, value, limit in reasons)
