"""What lists and the search read when there are many rows: rows and pages are counted, so no machine is too slow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from django.db import connection

from cis.models import SupplyContract, TariffVersion
from cis.queries import bill_list, search
from config.shared.keysets import Ask
from config.shared.models import OrgUnit
from config.shared.names import grams
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMERS, BILLS, ROWS = 20_000, 6_000, 50
TODAY = date(2026, 2, 3)
# A page of paid and one of open bills are read and merged, each with one row more, to know whether there are others.
MOST = 2 * (ROWS + 1)
_NAMES = [a + b + c for a, b, c in product("赵钱孙李周吴郑王冯陈", "一二三四五六七八九十", "天地玄黄宇宙洪荒日月")]

_CUSTOMERS = """
INSERT INTO cis_customer (kind, name, name_pinyin, name_initials, name_grams, phone, phone_last4, identity_no, version)
SELECT 'person', n.name, 'x', 'x', string_to_array(n.grams, ','), '', '', '', 1
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY n(name, grams, at)
JOIN generate_series(1, %s) i ON i %% cardinality(%s::text[]) = n.at - 1
"""
_ACCOUNTS = """
INSERT INTO cis_account (account_no, customer_id, premise_id, org_unit_id, route_id, state, opened_on, version)
SELECT 'S' || c.id, c.id, a.premise_id, CASE WHEN c.id %% 3 = 0 THEN %s ELSE %s END, a.route_id, 'open', a.opened_on, 1
FROM cis_customer c, cis_account a WHERE a.id = %s AND c.name_pinyin = 'x' ORDER BY c.id LIMIT %s
"""
_BILLS = """
INSERT INTO cis_bill (account_id, run_id, contract_id, tariff_version_id, org_unit_id, price_class, cycle, revision,
                      period_start, period_end, months, people, tier_kwh_e2_before, energy_kwh_e2, total_fen, open_fen,
                      due_on, issued_at)
SELECT id, 1, %s, %s, org_unit_id, 1, 202601, 0, '2026-01-01', '2026-02-01', 1, 1, 0, 100, 1000 + id %% 977,
       CASE WHEN id %% 4 = 0 THEN 0 ELSE 1000 END, '2026-02-17', '2026-02-02 09:00+8'
FROM cis_account WHERE account_no LIKE 'S%%' ORDER BY id
"""


@pytest.fixture
def world(owner_connection: Any) -> World:
    """The tiny utility, and in it twenty thousand more customers and six thousand bills of two counties."""
    world = small_world()
    contract = SupplyContract.objects.get(pk=world.residential.contract_id)
    version = TariffVersion.objects.filter(tariff_id=contract.tariff_id).first()
    assert version is not None
    texts = [",".join(grams(name)) for name in _NAMES]
    with owner_connection.cursor() as cursor:
        for table in ("cis_customer", "cis_account"):
            # No trigger writes a history of rows that nobody ever changed.
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(_CUSTOMERS, [_NAMES, texts, CUSTOMERS, _NAMES])
        cursor.execute(_ACCOUNTS, [world.county_a_id, world.county_b_id, world.residential.account_id, BILLS])
        cursor.execute(_BILLS, [contract.pk, version.pk])
        for table in ("cis_customer", "cis_account"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("VACUUM (ANALYZE) cis_customer, cis_account, cis_bill, shared_org_unit")
    return world


class Read:
    """What Postgres did for the statements of a call that hold a word: by table the rows read, and pages in all."""

    def __init__(self, call: Callable[[], Any], holding: str) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.pages = 0
        self._holding = holding
        with connection.execute_wrapper(self._explain):
            self.answer = call()
        assert self.nodes, f"no statement holds {holding}"

    def _explain(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._holding in sql:
            execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params, many, context)
            (found,) = context["cursor"].fetchone()
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            self.pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            self.nodes += _flat(plan)
        return execute(sql, params, many, context)

    def rows_of(self, table: str) -> float:
        """Rows fetched from the table, those thrown away again included."""
        return sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
            * node["Actual Loops"]
            for node in self.nodes
            if node.get("Relation Name") == table
        )

    def reads_through(self) -> set[str]:
        """Tables that were read from end to end."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    def indexes(self) -> set[str]:
        """Indexes that were used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}


def _flat(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _flat(inner)


def bills(order: str, within: list[str], after: tuple[int, ...] | None = None) -> Read:
    """One page of the list of all bills, the newest or the dearest first."""
    ask = Ask(bill_list.ORDERS[order].turned(), ROWS, after=after)
    read = Read(
        lambda: bill_list.page_of_bills(ask, wanted=bill_list.Wanted(within=within), today=TODAY), "CROSS JOIN LATERAL"
    )
    assert len(read.answer.rows) == ROWS
    return read


def key_far_behind(order: str) -> tuple[int, ...]:
    """The key of a row that five thousand others stand before."""
    columns = {"no": "id", "amount": "total_fen, id"}[order]
    with connection.cursor() as cursor:
        falling = ", ".join(f"{column} DESC" for column in columns.split(", "))
        cursor.execute(f"SELECT {columns} FROM cis_bill ORDER BY {falling} OFFSET 5000 LIMIT 1")
        key: tuple[int, ...] = cursor.fetchone()
    return key


def read_by_list(read: Read) -> float:
    """Bills that the list itself read: what it says of each shown row (replaced, disputed) is left out."""
    own = [n for n in read.nodes if n.get("Relation Name") == "cis_bill" and n["Alias"].startswith("b")]
    return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in own)


class TestManyRows:
    @pytest.mark.acceptance("F88")
    @pytest.mark.acceptance("F89")
    def test_cost_what_is_shown_wherever_and_for_whomever(self, world: World) -> None:
        """Loaded once for all of it: lists near and far, ones own part of them, and the search."""
        whole = list(OrgUnit.objects.filter(parent=None).values_list("path", flat=True))
        county = [OrgUnit.objects.get(pk=world.county_a_id).path]
        for order in bill_list.ORDERS:
            first, far = bills(order, whole), bills(order, whole, key_far_behind(order))
            own, own_far = bills(order, county), bills(order, county, key_far_behind(order))

            for read in (first, far, own, own_far):
                assert f"bill_list_by_{order}" in read.indexes()
                assert "cis_bill" not in read.reads_through(), order
                assert read_by_list(read) <= MOST, order
            assert far.pages <= first.pages * 1.2, (order, far.pages, first.pages)
            assert own.pages <= first.pages * 1.2, (order, own.pages, first.pages)
            assert own_far.pages <= far.pages * 1.2, (order, own_far.pages, far.pages)
            unit = OrgUnit.objects.get(pk=world.county_a_id).shown_name
            assert {row.unit for row in own.answer.rows} == {unit}
            assert {row.unit for row in first.answer.rows} > {unit}

        found = Read(lambda: search.find("钱五", today=TODAY), "name_grams")

        assert found.answer
        assert "cis_customer" not in found.reads_through()
        assert "customer_name_grams" in found.indexes()
        # One in a hundred fits, read once for whole names and once for parts of names.
        assert found.rows_of("cis_customer") <= 2 * CUSTOMERS // 100
