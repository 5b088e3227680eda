"""
Lists of bills by key: those of one account, and those of all accounts somebody answers for.

The list of all bills stays in one index whatever is chosen: `bill_list_by_no` and `bill_list_by_amount` begin with the
month and whether anything is open, then come the keys of the order. There is none by due date: a month's bills are due
within days of each other, and every index costs each bill that is issued. For every month and state that is wanted the
index gives one page, and the pages are merged. So each page costs the same, the first and the ten-thousandth, and a
month with hardly an open bill is not read through to find it. Whose a bill is stands last in these indexes: who answers
for one county passes over the bills of the others without reading them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from cis.models import Customer
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from config.shared.models import OrgUnit
from config.shared.personal_data import mask_name

ORDERS = {
    # Written so that only `bill_list_by_no` answers it: by the primary key, Postgres would read through the bills of
    # other months on its way to the first that fits.
    "no": Order((SortKey("bill_id", int, "(b.id + 0)"),)),
    "amount": Order((SortKey("total_fen", int, "b.total_fen"), SortKey("bill_id", int, "b.id"))),
}
ACCOUNT_ORDERS = {
    "period": Order((SortKey("period_start", date, "b.period_start"), SortKey("revision", int, "b.revision"))),
}
STATES = {"": (True, False), "open": (True,), "paid": (False,)}


@dataclass(frozen=True, slots=True)
class ListedBill:
    """A bill in a list; `is_replaced` when a later revision of the same period exists. A person's name is masked."""

    bill_id: int
    bill_no: str
    account_no: str
    masked_name: str
    unit: str
    cycle: int
    period_start: date
    period_end: date
    revision: int
    energy_kwh_e2: int
    total_fen: int
    open_fen: int
    due_on: date
    is_overdue: bool
    is_replaced: bool
    is_disputed: bool

    @property
    def last_day(self) -> date:
        """The last day of the period, as people write it."""
        return self.period_end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """A part of the organisation the list can be narrowed to."""

    org_unit_id: int
    name: str
    depth: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bills: of organisation paths `within`, of a month (0: any), open or paid (""), of a unit and below it."""

    within: Sequence[str]
    cycle: int = 0
    state: str = ""
    org_unit_id: int = 0


_FACTS = """
       EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
               AND n.revision > b.revision),
       EXISTS (SELECT 1 FROM cis_bill_dispute d WHERE d.bill_id = b.id AND d.closed_at IS NULL)
"""
_COLUMNS = """b.id, b.account_id, b.cycle, b.period_start, b.period_end, b.revision, b.energy_kwh_e2, b.total_fen,
       b.open_fen, b.due_on"""

# Every month there are bills of, by one look into the index each.
_CYCLES = """
WITH RECURSIVE known(cycle) AS (
    SELECT max(cycle) FROM cis_bill
    UNION ALL
    SELECT (SELECT max(b.cycle) FROM cis_bill b WHERE b.cycle < known.cycle) FROM known WHERE known.cycle IS NOT NULL
)
SELECT cycle FROM known WHERE cycle IS NOT NULL
"""

_ALL = """
SELECT b.id, b.cycle, b.period_start, b.period_end, b.revision, b.energy_kwh_e2, b.total_fen, b.open_fen, b.due_on,
       a.account_no, c.name, c.kind, u.name, u.name_en,
       {facts}
FROM (
    SELECT b.* FROM unnest(%s::int[]) AS k(cycle) CROSS JOIN unnest(%s::bool[]) AS s(is_open) CROSS JOIN LATERAL (
        SELECT {columns} FROM cis_bill b
        WHERE b.cycle = k.cycle AND (b.open_fen > 0) = s.is_open AND {beyond} {scope}
        {tail}
    ) b
    {tail}
) b
JOIN cis_account a ON a.id = b.account_id
JOIN cis_customer c ON c.id = a.customer_id
JOIN shared_org_unit u ON u.id = a.org_unit_id
{tail}
"""

_OF_ACCOUNT = """
SELECT b.id, b.cycle, b.period_start, b.period_end, b.revision, b.energy_kwh_e2, b.total_fen, b.open_fen, b.due_on,
       '', '', '', '', '',
       {facts}
FROM cis_bill b
WHERE b.account_id = %s AND {beyond}
{tail}
"""

_COUNT = """
SELECT count(*) FROM cis_bill b
WHERE b.cycle = ANY(%s) AND (b.open_fen > 0) = ANY(%s) {scope}
"""


def page_of_bills(ask: Ask, *, wanted: Wanted, today: date) -> Page[ListedBill]:
    """One page of all bills somebody answers for, in one of `ORDERS`."""
    cycles, scope = _cycles(wanted), _Scope.of(wanted)
    beyond, values = ask.where()
    sql = _ALL.format(facts=_FACTS, columns=_COLUMNS, scope=scope.condition, beyond=beyond, tail=ask.tail())
    found = _fetch(sql, [cycles, list(STATES[wanted.state]), *values, *scope.values]) if scope.is_somewhere else []
    return ask.page(found, lambda rows: [_bill(row, today) for row in rows])


def count_bills(*, wanted: Wanted) -> int:
    """How many bills the list holds; reads them all, so ask only when somebody wants to know."""
    scope = _Scope.of(wanted)
    if not scope.is_somewhere:
        return 0
    sql = _COUNT.format(scope=scope.condition)
    return int(_fetch(sql, [_cycles(wanted), list(STATES[wanted.state]), *scope.values])[0][0])


def page_of_account_bills(ask: Ask, *, account_id: int, today: date) -> Page[ListedBill]:
    """One page of an account's bills, in one of `ACCOUNT_ORDERS`."""
    beyond, values = ask.where()
    sql = _OF_ACCOUNT.format(facts=_FACTS, beyond=beyond, tail=ask.tail())
    return ask.page(_fetch(sql, [account_id, *values]), lambda rows: [_bill(row, today) for row in rows])


def list_cycles() -> list[int]:
    """Every month there are bills of, the newest first."""
    return [row[0] for row in _fetch(_CYCLES, [])]


def list_units(*, within: Sequence[str]) -> list[UnitChoice]:
    """The parts of the organisation under these paths that have accounts or parts with accounts, as a tree."""
    units = OrgUnit.objects.exclude(kind__in=(OrgUnit.Kind.HALL, OrgUnit.Kind.STATION)).order_by("path")
    seen = [unit for unit in units if any(unit.path.startswith(path) for path in within)]
    least = min((unit.path.count("/") for unit in seen), default=0)
    return [UnitChoice(unit.pk, unit.shown_name, unit.path.count("/") - least) for unit in seen]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The condition that keeps a list within the organisation; none where somebody answers for everything."""

    is_somewhere: bool
    condition: str = ""
    values: tuple[list[int], ...] = ()

    @classmethod
    def of(cls, wanted: Wanted) -> _Scope:
        units = list(OrgUnit.objects.values_list("pk", "path"))
        asked = next((path for pk, path in units if pk == wanted.org_unit_id), "")
        if wanted.org_unit_id and not asked:
            return cls(is_somewhere=False)
        inside = [
            pk for pk, path in units if path.startswith(asked) and any(path.startswith(own) for own in wanted.within)
        ]
        if len(inside) == len(units):
            return cls(is_somewhere=True)
        return cls(
            is_somewhere=bool(inside),
            condition="AND b.org_unit_id = ANY(%s::bigint[])",
            values=(inside,),
        )


def _cycles(wanted: Wanted) -> list[int]:
    return [wanted.cycle] if wanted.cycle else list_cycles()


def _fetch(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _bill(row: tuple[Any, ...], today: date) -> ListedBill:
    bill_id, cycle, start, end, revision, energy, total, still_open, due_on = row[:9]
    account_no, name, kind, unit, unit_en, is_replaced, is_disputed = row[9:]
    return ListedBill(
        bill_id=bill_id,
        bill_no=f"{cycle}{bill_id:010d}",
        account_no=account_no,
        masked_name=mask_name(name) if kind == Customer.Kind.PERSON else name,
        unit=in_language(unit, unit_en),
        cycle=cycle,
        period_start=start,
        period_end=end,
        revision=revision,
        energy_kwh_e2=energy,
        total_fen=total,
        open_fen=still_open,
        due_on=due_on,
        is_overdue=still_open > 0 and due_on < today,
        is_replaced=is_replaced,
        is_disputed=is_disputed,
    )
