"""
Government funds and subsidies of a month: what bills say, what the ledger says, fund by fund.

A document is a bill that was issued, a bill that was cancelled, or a back-billing case that was refunded; every line of
one that is of a fund or subsidy must stand in that fund's own ledger account. A write-off takes a bill's whole debt to
bad debts and leaves what is payable to the fund as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from cis.models.ledger import ControlAccount, TransferKind
from cis.rating import CHARGES, CORRECTED_AS, ChargeCode
from config.shared.errors import Refused
from config.shared.languages import in_language
from config.shared.periods import add_months, first_day
from config.shared.permissions import holds_everywhere

_MOST_NAMED = 100
_FIGURES = ("energy_kwh_e2", "billed_fen", "corrected_fen", "cancelled_fen", "ledger_fen")


class BooksAreOne(Refused):
    """Only who answers for the whole utility sees the sums of its books."""

    code = "books-are-one"
    status = 403


@dataclass(frozen=True, slots=True)
class FundMonth:
    """One fund or subsidy of a month, in fen and 0.01 kWh; what is given, or taken back, is negative."""

    code: int
    """0: booked before each fund had an account of its own"""
    name: str
    ledger_no: int
    energy_kwh_e2: int
    billed_fen: int
    corrected_fen: int
    """lines about earlier bills, and refunds"""
    cancelled_fen: int
    ledger_fen: int
    ledger_to_date_fen: int
    """balance at the end of the month"""

    @property
    def documents_fen(self) -> int:
        """What all documents of the month say."""
        return self.billed_fen + self.corrected_fen + self.cancelled_fen

    @property
    def difference_fen(self) -> int:
        """Ledger less documents: nothing, where all is well."""
        return self.ledger_fen - self.documents_fen


@dataclass(frozen=True, slots=True)
class FundDifference:
    """A document whose lines and transfers of a fund are not the same."""

    act: str
    act_word: str
    document_id: int
    bill_no: str
    name: str
    documents_fen: int
    ledger_fen: int


@dataclass(frozen=True, slots=True)
class FundSums:
    """A month: every fund and subsidy, and the documents that do not agree."""

    cycle: int
    rows: tuple[FundMonth, ...]
    differences: tuple[FundDifference, ...]

    @property
    def agrees(self) -> bool:
        """Whether every document stands in the ledger as it was billed."""
        return not self.differences


# The bills of a month are found by the runs that were at work in it: their ids are indexed by run.
_DOCUMENTS = """
WITH charge AS (SELECT * FROM unnest(%(codes)s::int[], %(texts)s::text[], %(of)s::int[], %(own)s::bigint[])
                AS c(code, text_code, of, own)),
said AS (
    SELECT 'issued' AS act, b.id, c.of,
           sum(l.amount_fen) FILTER (WHERE l.code = c.of) AS billed,
           sum(l.amount_fen) FILTER (WHERE l.code <> c.of) AS more,
           0::numeric AS back, sum(l.quantity) FILTER (WHERE l.code = c.of) AS kwh
    FROM cis_billing_run r JOIN cis_bill b ON b.run_id = r.id JOIN cis_bill_line l ON l.bill_id = b.id
    JOIN charge c ON c.code = l.code
    WHERE r.created_at < %(until)s AND (r.closed_at IS NULL OR r.closed_at >= %(since)s)
      AND b.issued_at >= %(since)s AND b.issued_at < %(until)s
    GROUP BY 2, 3
    UNION ALL
    SELECT 'cancelled', x.bill_id, c.of, 0, 0, -sum(l.amount_fen), -sum(l.quantity) FILTER (WHERE l.code = c.of)
    FROM cis_bill_cancellation x JOIN cis_bill_line l ON l.bill_id = x.bill_id JOIN charge c ON c.code = l.code
    WHERE x.cancelled_at >= %(since)s AND x.cancelled_at < %(until)s
    GROUP BY 2, 3
    UNION ALL
    SELECT 'refunded', k.id, c.of, 0, sum((l.line->>'fen')::bigint), 0, 0
    FROM cis_back_bill k CROSS JOIN jsonb_array_elements(k.lines) AS l(line)
    JOIN charge c ON c.text_code = l.line->>'code' AND c.code = c.of
    WHERE k.state = 'posted' AND k.amount_fen < 0 AND k.decided_at >= %(since)s AND k.decided_at < %(until)s
    GROUP BY 2, 3
), booked AS (
    SELECT CASE WHEN t.kind IN (1, 21) THEN 'issued' WHEN t.kind = 22 THEN 'cancelled'
                WHEN t.kind = 23 THEN 'refunded' ELSE 'kind ' || t.kind END AS act,
           t.document_id AS id, coalesce(c.of, 0) AS of,
           sum(CASE WHEN t.credit_id = o.own THEN t.amount_fen ELSE -t.amount_fen END) AS fen
    FROM cis_ledger_transfer t JOIN unnest(%(accounts)s::bigint[]) AS o(own) ON o.own IN (t.debit_id, t.credit_id)
    LEFT JOIN charge c ON c.own = o.own AND c.code = c.of
    WHERE t.business_date >= %(first)s AND t.business_date < %(end)s
    GROUP BY 1, 2, 3
), both_sides AS (
    SELECT act, id, of, coalesce(s.billed, 0) AS billed, coalesce(s.more, 0) AS more, coalesce(s.back, 0) AS back,
           coalesce(s.kwh, 0) AS kwh, coalesce(b.fen, 0) AS fen
    FROM said s FULL JOIN booked b USING (act, id, of)
)
"""
_SUMS = f"""{_DOCUMENTS}
SELECT of, sum(kwh)::bigint, sum(billed)::bigint, sum(more)::bigint, sum(back)::bigint, sum(fen)::bigint
FROM both_sides GROUP BY 1
"""  # noqa: S608 - constants of this file
_NAMED = f"""{_DOCUMENTS}
SELECT act, x.id, of, (billed + more + back)::bigint, fen::bigint, coalesce(b.cycle, 0)
FROM both_sides x LEFT JOIN cis_bill b ON b.id = x.id AND act IN ('issued', 'cancelled')
WHERE billed + more + back <> fen ORDER BY act, x.id, of LIMIT {_MOST_NAMED}
"""  # noqa: S608
_TO_DATE = """
SELECT o.own, coalesce(closed.credit - closed.debit, 0) + coalesce(since.fen, 0)
FROM unnest(%(accounts)s::bigint[]) AS o(own)
LEFT JOIN LATERAL (
    SELECT d.business_date, d.debit_fen_to_date AS debit, d.credit_fen_to_date AS credit FROM cis_ledger_day_balance d
    WHERE d.ledger_account_id = o.own AND d.business_date < %(end)s
    ORDER BY d.business_date DESC LIMIT 1) closed ON true
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN t.credit_id = o.own THEN t.amount_fen ELSE -t.amount_fen END) AS fen FROM cis_ledger_transfer t
    WHERE o.own IN (t.debit_id, t.credit_id) AND t.business_date < %(end)s
      AND t.business_date > coalesce((SELECT max(business_date) FROM cis_ledger_day), DATE '2000-01-01')) since ON true
"""

# Every document ever, for the nightly check: (text) of those that do not agree. What was booked before each fund had
# its own account is left out.
FAULTS = """
WITH charge AS (SELECT * FROM (VALUES {charges}) AS c(code, of, own)),
said AS (
    SELECT l.bill_id AS id, c.own, sum(l.amount_fen) AS fen FROM cis_bill_line l JOIN charge c ON c.code = l.code
    GROUP BY 1, 2
), booked AS (
    SELECT t.document_id AS id, c.own, t.kind = 22 AS back,
           sum(CASE WHEN t.credit_id = c.own THEN t.amount_fen ELSE -t.amount_fen END) AS fen
    FROM cis_ledger_transfer t JOIN charge c ON c.code = c.of AND c.own IN (t.debit_id, t.credit_id)
    WHERE t.kind IN (1, 21, 22) GROUP BY 1, 2, 3
), older AS (
    SELECT DISTINCT document_id AS id FROM cis_ledger_transfer
    WHERE kind IN (1, 21) AND {undivided} IN (debit_id, credit_id)
)
SELECT coalesce(s.id, b.id) || ' ' || coalesce(s.own, b.own)
FROM said s FULL JOIN (SELECT * FROM booked WHERE NOT back) b ON b.id = s.id AND b.own = s.own
WHERE s.fen IS DISTINCT FROM b.fen AND coalesce(s.fen, 0) <> coalesce(b.fen, 0)
  AND coalesce(s.id, b.id) NOT IN (SELECT id FROM older)
UNION ALL
SELECT coalesce(s.id, b.id) || ' ' || coalesce(s.own, b.own) || ' cancelled'
FROM (SELECT s.* FROM said s JOIN cis_bill_cancellation x ON x.bill_id = s.id) s
FULL JOIN (SELECT * FROM booked WHERE back) b ON b.id = s.id AND b.own = s.own
WHERE coalesce(s.fen, 0) <> -coalesce(b.fen, 0) AND coalesce(s.id, b.id) NOT IN (SELECT id FROM older)
UNION ALL
SELECT t.id || ' kind ' || t.kind FROM cis_ledger_transfer t
JOIN charge c ON c.code = c.of AND c.own IN (t.debit_id, t.credit_id) WHERE t.kind NOT IN (1, 21, 22, 23)
""".format(  # noqa: S608 - the charges are numbers of this program
    charges=", ".join(
        f"({int(code)}, {int(of)}, {-int(ControlAccount[of.name])}::bigint)"
        for of, more in CORRECTED_AS.items()
        for code in (of, more)
    ),
    undivided=-int(ControlAccount.FUNDS_PAYABLE),
)


def check_scope(within: Sequence[str] | None) -> None:
    """
    The books are one.

    :raises BooksAreOne: the scope is not the whole utility
    """
    if not holds_everywhere(within):
        raise BooksAreOne(_("代征基金按全公司的账对，请由管全公司账务的岗位查看。"))


def sums_of_month(cycle: int, *, within: Sequence[str] | None) -> FundSums:
    """
    Every fund and subsidy of a calendar month by the day of booking; three statements.

    :raises BooksAreOne: the scope is not the whole utility
    """
    check_scope(within)
    params = _params(cycle)
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, params)
        sums = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_TO_DATE, params)
        to_date = dict(cursor.fetchall())
        cursor.execute(_NAMED, params)
        differences = tuple(_difference(*row) for row in cursor.fetchall())
    accounts = {0: ControlAccount.FUNDS_PAYABLE, **{int(code): ControlAccount[code.name] for code in CORRECTED_AS}}
    rows = tuple(
        FundMonth(
            code,
            _name(code),
            int(account),
            **dict(zip(_FIGURES, sums.get(code, (0, 0, 0, 0, 0)), strict=True)),
            ledger_to_date_fen=int(to_date.get(-int(account)) or 0),
        )
        for code, account in sorted(accounts.items(), key=lambda pair: pair[0] or 10_000)
        if code or code in sums or to_date.get(-int(account))
    )
    return FundSums(cycle, rows, differences)


def months_for_export(cycles: Sequence[int], *, within: Sequence[str] | None) -> Iterator[tuple[str, ...]]:
    """The sums of several months as rows of a file, the header first; amounts in yuan."""
    yield (
        "month", "ledger_account", "fund", "energy_kwh", "billed_yuan", "corrected_yuan", "cancelled_yuan",
        "ledger_yuan", "difference_yuan", "balance_yuan",
    )  # fmt: skip
    for cycle in cycles:
        for row in sums_of_month(cycle, within=within).rows:
            money = (
                row.billed_fen, row.corrected_fen, row.cancelled_fen, row.ledger_fen, row.difference_fen,
                row.ledger_to_date_fen,
            )  # fmt: skip
            yield (
                str(cycle),
                str(row.ledger_no),
                row.name,
                _two_places(row.energy_kwh_e2),
                *(_two_places(fen) for fen in money),
            )


def _params(cycle: int) -> dict[str, Any]:
    first, end = first_day(cycle), first_day(add_months(cycle, 1))
    codes = [(code, of) for of, more in CORRECTED_AS.items() for code in (of, more)]
    own = [-int(ControlAccount[of.name]) for _code, of in codes]
    return {
        "codes": [int(code) for code, _of in codes],
        "texts": [code.name for code, _of in codes],
        "of": [int(of) for _code, of in codes],
        "own": own,
        "accounts": sorted({*own, -int(ControlAccount.FUNDS_PAYABLE)}),
        "first": first,
        "end": end,
        "since": _midnight(first),
        "until": _midnight(end),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), settings.BILLING_TIME_ZONE)


def _difference(act: str, document_id: int, code: int, said: int, booked: int, cycle: int) -> FundDifference:
    kind = int(act.removeprefix("kind ")) if act.startswith("kind ") else 0
    words = {"issued": _("发行的账单"), "cancelled": _("作废的账单"), "refunded": _("电费退补")}
    return FundDifference(
        act,
        _(TransferKind(kind).label) if kind else words[act],
        document_id,
        f"{cycle}{document_id:010d}" if cycle else "",
        _name(code),
        said,
        booked,
    )


def _name(code: int) -> str:
    if not code:
        return _("未分项（分项记账以前）")
    charge = CHARGES[ChargeCode(code)]
    return in_language(charge.name_zh, charge.name_en)


def _two_places(hundredths: int) -> str:
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"
