"""Data tables: paging by key, orders, columns, exports, through the pages that use them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from cis.models import Account, Bill, BillingRun, Customer, SupplyContract, TariffVersion
from cis.queries import bill_list
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.models import OrgUnit, Role, RoleGrant, TableChoice, User
from config.shared.web.table_exports import Sheet, safe_text
from config.shared.web.tables import Chip, Column, Table
from tests.factories import bills
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db
TODAY = date(2026, 2, 3)


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def many_bills(
    world: World, number: int, *, cycle: int = 202601, first_fen: int = 1000, paid: int = 0, org_unit_id: int = 0
) -> None:
    """Bills without what they book, for lists: amounts and days repeat, so that keys are really needed."""
    account = world.residential
    contract = SupplyContract.objects.get(account_id=account.account_id)
    version = TariffVersion.objects.filter(tariff_id=contract.tariff_id).first()
    run = BillingRun.objects.create(kind="single", cycle=cycle, created_at=world.at)
    start = Bill.objects.count()
    first_day = (world.at - timedelta(days=4000)).date()
    Bill.objects.bulk_create(
        Bill(
            account_id=account.account_id,
            run=run,
            contract=contract,
            tariff_version=version,
            org_unit_id=org_unit_id or world.county_a_id,
            price_class=contract.price_class,
            cycle=cycle,
            period_start=first_day + timedelta(days=start + number_of),
            period_end=first_day + timedelta(days=start + number_of + 1),
            energy_kwh_e2=100,
            total_fen=first_fen + number_of // 3,
            open_fen=0 if number_of < paid else first_fen,
            due_on=(world.at + timedelta(days=number_of // 4)).date(),
            issued_at=world.at,
        )
        for number_of in range(number)
    )


def wanted(**chosen: Any) -> bill_list.Wanted:
    return bill_list.Wanted(within=["/"], **chosen)


def walked(order: Order, *, limit: int, between: Any = None, **chosen: Any) -> list[int]:
    """Every bill id by turning page after page; `between` happens after each page."""
    seen: list[int] = []
    ask = Ask(order, limit)
    while True:
        page = bill_list.page_of_bills(ask, wanted=wanted(**chosen), today=TODAY)
        seen += [row.bill_id for row in page.rows]
        if not page.has_later:
            return seen
        ask = Ask(order, limit, after=order.key_of(page.rows[-1]))
        if between:
            between()


ALL_ORDERS = [
    pytest.param(order, id=f"{name}-{direction}")
    for name, first in bill_list.ORDERS.items()
    for direction, order in (("rising", first), ("falling", first.turned()))
]


class TestPaging:
    """By key: nothing twice, nothing left out, whatever happens meanwhile."""

    @pytest.mark.parametrize("order", ALL_ORDERS)
    def test_shows_every_row_once_in_order(self, world: World, order: Order) -> None:
        many_bills(world, 23, paid=11)
        many_bills(world, 9, cycle=202512)

        seen = walked(order, limit=5)

        column = order.keys[0].field.replace("bill_id", "id")
        expected = Bill.objects.order_by(*(f"{'-' if order.is_descending else ''}{c}" for c in (column, "id")))
        assert seen == list(expected.values_list("id", flat=True))

    @pytest.mark.parametrize("order", ALL_ORDERS)
    def test_neither_repeats_nor_skips_while_rows_are_inserted(self, world: World, order: Order) -> None:
        many_bills(world, 20)
        before = set(Bill.objects.values_list("id", flat=True))

        seen = walked(order, limit=3, between=lambda: many_bills(world, 2, first_fen=1002))

        assert len(seen) == len(set(seen))
        assert before <= set(seen)

    @pytest.mark.parametrize("order", ALL_ORDERS)
    def test_back_shows_what_was_there_before(self, world: World, order: Order) -> None:
        many_bills(world, 12)
        ask = Ask(order, 4)
        first = bill_list.page_of_bills(ask, wanted=wanted(), today=TODAY)
        second = bill_list.page_of_bills(
            Ask(order, 4, after=order.key_of(first.rows[-1])), wanted=wanted(), today=TODAY
        )
        back = bill_list.page_of_bills(Ask(order, 4, before=order.key_of(second.rows[0])), wanted=wanted(), today=TODAY)

        assert back.rows == first.rows
        assert (back.has_earlier, back.has_later) == (False, True)

    def test_a_queryset_is_asked_by_one_row_comparison(self, world: World) -> None:
        many_bills(world, 4)
        order = Order((SortKey("total_fen", int), SortKey("id", int)))

        said: list[str] = []
        with connection.execute_wrapper(_Written(said)):
            found = Ask(order, 2, after=(1000, 0)).of(Bill.objects.all())

        assert '("cis_bill"."total_fen", "cis_bill"."id") > (' in said[0]
        assert len(found) == 3

    def test_each_order_has_its_index(self, world: World) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            for name, order in bill_list.ORDERS.items():
                plans: list[str] = []
                with connection.execute_wrapper(_Explained(plans)):
                    bill_list.page_of_bills(Ask(order, 50), wanted=wanted(cycle=202601, state="open"), today=TODAY)
                assert f"bill_list_by_{name}" in plans[-1], plans[-1]


class _Written:
    def __init__(self, said: list[str]) -> None:
        self.said = said

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.said.append(sql)
        return execute(sql, params, many, context)


class _Explained:
    """Asks Postgres how it would answer, beside having it answer."""

    def __init__(self, plans: list[str]) -> None:
        self.plans = plans

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "LATERAL" in sql:
            execute(f"EXPLAIN {sql}", params, many, context)
            self.plans.append("\n".join(row[0] for row in context["cursor"].fetchall()))
        return execute(sql, params, many, context)


@pytest.fixture
def accountant(world: World, client: Client) -> Client:
    """A browser of somebody who answers for the whole province."""
    client.force_login(User.objects.get(pk=world.accountant_id))
    return client


def ids_in(body: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*><a href="/console/bills/(\d+)/"', body)


def link(body: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', body)
    return found[1].replace("&amp;", "&") if found else ""


class TestBillsPage:
    """`/console/bills/`: works by links alone; htmx gets the table alone."""

    def test_turns_pages_by_links_and_comes_back(self, world: World, accountant: Client) -> None:
        many_bills(world, 120)

        first = accountant.get(reverse("cis:bills")).content.decode()
        second = accountant.get(link(first, "next")).content.decode()
        back = accountant.get(link(second, "prev")).content.decode()

        assert (len(ids_in(first)), len(ids_in(second))) == (50, 50)
        assert not set(ids_in(first)) & set(ids_in(second))
        assert ids_in(back) == ids_in(first)
        assert not link(back, "prev")

    def test_jumps_to_a_key(self, world: World, accountant: Client) -> None:
        many_bills(world, 5)
        third = Bill.objects.order_by("-id")[2]

        body = accountant.get(reverse("cis:bills"), {"after": str(third.pk)}).content.decode()

        assert ids_in(body) == [str(bill) for bill in Bill.objects.filter(pk__lt=third.pk).order_by("-id")]

    def test_a_key_that_cannot_be_shows_the_first_page(self, world: World, accountant: Client) -> None:
        many_bills(world, 3)

        assert len(ids_in(accountant.get(reverse("cis:bills"), {"after": "x~1"}).content.decode())) == 3

    def test_filters_by_month_state_and_unit(self, world: World, accountant: Client) -> None:
        many_bills(world, 6, paid=2)
        many_bills(world, 3, cycle=202512)
        unit = Account.objects.get(pk=world.residential.account_id).org_unit_id
        other = OrgUnit.objects.exclude(pk=unit).filter(kind=OrgUnit.Kind.COUNTY).first()
        assert other is not None

        def shown(**chosen: Any) -> int:
            return len(ids_in(accountant.get(reverse("cis:bills"), query_params=chosen).content.decode()))

        assert [shown(), shown(cycle=202512), shown(state="paid"), shown(state="open", cycle=202601)] == [9, 3, 2, 4]
        assert [shown(unit=unit), shown(unit=other.pk)] == [9, 0]

    def test_keeps_filters_while_pages_turn(self, world: World, accountant: Client) -> None:
        many_bills(world, 60)

        body = accountant.get(reverse("cis:bills") + "?cycle=202601&sort=-amount").content.decode()

        asked = parse_qs(urlsplit(link(body, "next")).query)
        assert (asked["cycle"], asked["sort"]) == (["202601"], ["-amount"])
        assert re.fullmatch(r"\d+~\d+", asked["after"][0])

    def test_shows_only_what_the_user_answers_for(self, world: World, client: Client) -> None:
        many_bills(world, 3)
        unit = Account.objects.get(pk=world.residential.account_id).org_unit
        elsewhere = OrgUnit.objects.exclude(pk=unit.pk).filter(kind=OrgUnit.Kind.COUNTY).first()
        seen = []
        for place in (unit, elsewhere):
            assert place is not None
            user = User.objects.create_user(username=f"of-{place.code}", password="a-test-password-1")
            RoleGrant.objects.create(user=user, role=Role.objects.get(code="accountant"), org_unit=place)
            client.force_login(user)
            seen.append(len(ids_in(client.get(reverse("cis:bills")).content.decode())))

        assert seen == [3, 0]

    def test_gives_htmx_the_table_alone_and_a_history_restore_the_page(self, world: World, accountant: Client) -> None:
        many_bills(world, 1)

        part = accountant.get(reverse("cis:bills"), headers={"HX-Request": "true"})
        whole = accountant.get(
            reverse("cis:bills"), headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}
        )

        assert part.content.decode().lstrip().startswith('<section class="card card-flush data-table"')
        assert "<html" in whole.content.decode()
        assert "HX-Request" in part["Vary"]

    def test_counts_only_when_asked(self, world: World, accountant: Client) -> None:
        many_bills(world, 60)

        quiet: list[str] = []
        with connection.execute_wrapper(_Written(quiet)):
            accountant.get(reverse("cis:bills"))
        body = accountant.get(reverse("cis:bills"), {"count": "1"}).content.decode()

        assert not [sql for sql in quiet if "count(*)" in sql.lower()]
        assert "共 60 行" in body

    def test_takes_the_same_queries_for_one_bill_as_for_many(
        self, world: World, accountant: Client, django_assert_num_queries: Any
    ) -> None:
        accountant.get(reverse("cis:bills"))
        many_bills(world, 1)
        one: list[str] = []
        with connection.execute_wrapper(_Written(one)):
            accountant.get(reverse("cis:bills"))
        many_bills(world, 80)
        many: list[str] = []
        with connection.execute_wrapper(_Written(many)):
            accountant.get(reverse("cis:bills"))

        assert len(one) == len(many) <= 12

    def test_a_name_cannot_write_into_the_page(self, world: World, accountant: Client) -> None:
        many_bills(world, 1)
        Customer.objects.filter(pk=world.residential.customer_id).update(name="<b>")

        assert "<b>" not in accountant.get(reverse("cis:bills")).content.decode()


class TestWhatIsRemembered:
    """Columns and order stay with the person."""

    def test_columns_come_back_on_another_machine(self, world: World, accountant: Client) -> None:
        many_bills(world, 1)
        address = reverse("table_columns", args=["cis.bills"])

        answer = accountant.post(address, {"columns": ["total", "from"], "next": reverse("cis:bills")})
        elsewhere = Client()
        elsewhere.force_login(User.objects.get(pk=world.accountant_id))
        body = elsewhere.get(answer["Location"]).content.decode()

        assert re.findall(r'data-label="([^"]+)"', body) == ["电费（元）", "计费期起"]
        assert len(ids_in(body)) == 1  # what names the row cannot be put away

    def test_the_usual_columns_can_be_brought_back(self, world: World, accountant: Client) -> None:
        address = reverse("table_columns", args=["cis.bills"])
        accountant.post(address, {"columns": ["total"], "next": "/"})
        accountant.post(address, {"columns": ["total"], "usual": "1", "next": "/"})

        assert TableChoice.objects.get(table="cis.bills").columns == []

    def test_an_order_comes_back(self, world: World, accountant: Client) -> None:
        many_bills(world, 3)
        accountant.get(reverse("cis:bills"), {"sort": "amount"})

        body = accountant.get(reverse("cis:bills")).content.decode()

        assert re.search(r'aria-sort="ascending"[^>]*><a id="table-cis-bills-by-total"', body)

    def test_of_one_person_does_not_touch_another(self, world: World, accountant: Client) -> None:
        accountant.get(reverse("cis:bills"), {"sort": "amount"})
        other = Client()
        other.force_login(User.objects.get(pk=world.clerk_a_id))

        assert 'aria-sort="ascending"' not in other.get(reverse("cis:bills")).content.decode()

    def test_of_a_table_nobody_knows_is_refused(self, accountant: Client) -> None:
        assert accountant.post(reverse("table_columns", args=["no.such"]), {"columns": ["x"]}).status_code == 404


def csv_rows(response: Any) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


class TestExport:
    """What is seen, as a file: all rows, the same columns, masked alike, and nothing that runs."""

    def test_csv_holds_every_row_of_the_list_in_its_order(self, world: World, accountant: Client) -> None:
        many_bills(world, 130)

        rows = csv_rows(accountant.get(reverse("cis:bills"), {"sort": "amount", "export": "csv"}))

        amounts = [row[rows[0].index("电费（元）")] for row in rows[1:]]
        assert len(amounts) == 130
        assert amounts[0] == "10.00"
        assert amounts == sorted(amounts, key=float)

    def test_csv_is_masked_like_the_page(self, world: World, accountant: Client) -> None:
        many_bills(world, 1)
        name = Customer.objects.get(pk=world.residential.customer_id).name

        rows = csv_rows(accountant.get(reverse("cis:bills"), {"export": "csv"}))

        assert name not in str(rows)
        assert rows[1][rows[0].index("户名")] == name[0] + "*" * (len(name) - 1)

    def test_xlsx_holds_numbers_as_numbers_and_text_as_text(self, world: World, accountant: Client) -> None:
        many_bills(world, 2)

        answer = accountant.get(reverse("cis:bills"), {"export": "xlsx"})

        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
        kinds = [cell.get("t") for cell in sheet.findall(".//s:row[@r='2']/s:c", space)]
        values = [cell.findtext("s:v", namespaces=space) for cell in sheet.findall(".//s:row[@r='2']/s:c", space)]
        assert kinds[0] in ("inlineStr", "s")
        assert "10" in values

    def test_needs_the_permission_to_take_data_out(self, world: World, client: Client) -> None:
        client.force_login(User.objects.get(pk=world.clerk_a_id))

        assert client.get(reverse("cis:bills"), {"export": "csv"}).status_code == 403
        assert "export=csv" not in client.get(reverse("cis:bills")).content.decode()

    @pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
    def test_no_text_is_a_formula(self, text: str) -> None:
        assert safe_text(text) == f"'{text}"
        sheet = Sheet([("名", "text"), ("元", "money")], [[text, -1864]])

        rows = list(csv.reader(io.StringIO(b"".join(sheet.csv()).decode("utf-8-sig"), newline="")))

        assert rows[1] == [f"'{text}", "-18.64"]

    def test_chips_become_words(self) -> None:
        sheet = Sheet([("状态", "chips")], [[(Chip("bad", "逾期"), Chip("warn", "异议中"))]])

        assert "逾期、异议中" in b"".join(sheet.csv()).decode("utf-8-sig")

    def test_is_sent_while_it_is_read(self) -> None:
        asked = iter_counted = _Counted(5000)
        pieces = Sheet([("n", "count")], ([n] for n in iter_counted)).csv()

        next(pieces), next(pieces)

        assert asked.given < 1000


class _Counted:
    def __init__(self, number: int) -> None:
        self.number, self.given = number, 0

    def __iter__(self) -> Iterator[int]:
        for n in range(self.number):
            self.given = n + 1
            yield n


class TestDeclaration:
    """A table that cannot work is refused when it is declared."""

    def test_with_an_order_it_does_not_have(self) -> None:
        with pytest.raises(ValueError, match="no order"):
            Table("test.wrong", (Column("a", "A", str, sort="b"),), {"a": Order((SortKey("a", int),))}, "a")

    def test_with_a_name_that_is_taken(self) -> None:
        with pytest.raises(ValueError, match="two tables"):
            Table("cis.bills", (), {"a": Order((SortKey("a", int),))}, "a")


class TestTheOtherLists:
    """Runs, doubts, payments and an account's bills stand in the same table."""

    @pytest.mark.parametrize(
        ("address", "table"),
        [
            ("/console/runs/", "cis-runs"),
            ("/console/readings/doubts/", "cis-doubts"),
            ("/console/payments/list/", "payments-day"),
            ("/console/accounts/{no}/bills/", "cis-account-bills"),
        ],
    )
    def test_are_data_tables_for_people_and_for_htmx(
        self, world: World, accountant: Client, address: str, table: str
    ) -> None:
        bills.issue(world, 1234)
        here = address.format(no=world.residential.account_no)

        page = accountant.get(here)
        part = accountant.get(here, headers={"HX-Request": "true"})

        assert (page.status_code, part.status_code) == (200, 200)
        assert f'id="table-{table}"' in page.content.decode()
        assert "<html" not in part.content.decode()
        assert csv_rows(accountant.get(here, {"export": "csv"}))[0]

    def test_page_of_no_rows_has_no_way_on(self) -> None:
        assert Page((), has_earlier=False, has_later=False).rows == ()
