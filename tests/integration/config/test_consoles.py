"""Four consoles from one table: who is offered which, home pages whose parts fail alone, one box that finds it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from config import navigation
from config.navigation import CONSOLES, Console, Destination, Slot
from config.shared import working_place
from config.shared.models import OrgUnit, User
from config.shared.periods import add_months, cycle_of
from config.shared.permissions import PERMISSIONS
from config.shared.web import parts
from tests.factories.bills import issue
from tests.factories.world import AT, World, make_user, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def browser_of(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


def somebody(world: World, role: str) -> Client:
    make_user(f"a-{role}", OrgUnit.objects.get(pk=world.province_id), role)
    return browser_of(f"a-{role}")


def last_month() -> int:
    """One of the twelve months that the analysis shows today."""
    return add_months(cycle_of(timezone.localdate()), -1)


SLOTS = [
    *(slot for console in CONSOLES for slot in console.to_do),
    *(slot for slots in navigation.SLOTS.values() for slot in slots),
]


class TestTheTable:
    @pytest.mark.parametrize("place", [p for c in CONSOLES for p in c.menu], ids=lambda place: place.url_name)
    def test_every_destination_resolves_and_names_a_known_permission(self, place: Destination) -> None:
        assert reverse(place.url_name)
        assert not place.permission or place.permission in PERMISSIONS

    @pytest.mark.parametrize("console", CONSOLES, ids=lambda console: console.key)
    def test_every_home_lies_at_the_root_of_its_console(self, console: Console) -> None:
        assert reverse(console.home) == console.root

    @pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.url_name)
    def test_every_part_resolves_and_asks_for_the_permission_of_its_row(self, slot: Slot) -> None:
        found = parts.address_of(slot.url_name) or parts.address_of(slot.url_name, account_no="4290000001")
        view = resolve(found).func

        assert found
        if slot.permission:
            assert slot.permission in PERMISSIONS
            assert getattr(view, "required_permission", None) == slot.permission
        else:
            assert getattr(view, "is_for_customers", False), "a part of the portal is for its customers only"


class TestWhoIsOffered:
    @pytest.mark.parametrize(
        ("role", "roots"),
        [
            ("clerk", ["/console/"]),
            ("administrator", ["/console/", "/dsm/"]),
            ("leader", ["/console/", "/dsm/"]),
            ("key-account-manager", ["/console/", "/dsm/"]),
            ("accountant", ["/console/", "/dsm/"]),
            ("district-manager", ["/grid/", "/console/"]),
        ],
    )
    def test_a_console_with_something_for_them_and_no_other(self, world: World, role: str, roots: list[str]) -> None:
        client = somebody(world, role)

        page = client.get("/", follow=True).content.decode()

        for console in CONSOLES:
            answer = client.get(console.root)
            assert answer.status_code == (200 if console.root in roots else 404 if console.for_customers else 403)
        assert ('class="console-switch"' in page) == (len(roots) > 1)

    def test_whoever_serves_a_district_begins_there(self, world: World) -> None:
        client = somebody(world, "district-manager")

        assert client.get("/").headers["Location"] == "/grid/"

    def test_one_row_opens_it(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        place = Destination("试验去处", "map-pin", "cis:search", "cis.view_customer")
        table = tuple(replace(one, menu=(place,)) if one.key == "district" else one for one in CONSOLES)
        monkeypatch.setattr(navigation, "CONSOLES", table)
        client = somebody(world, "district-manager")

        page = client.get("/grid/").content.decode()

        assert 'class="portal district"' in page and "data-offline" in page and "portal-nav" in page
        assert "试验去处" in page
        assert 'href="/grid/"' in client.get("/console/").content.decode(), "the switcher leads there"


class TestHomePages:
    @pytest.mark.parametrize(
        ("who", "says"),
        [
            ("clerk_a", ["最近服务的客户", "我今天的收款", "还没答复的疑问和校表"]),
            ("manager", ["本厅今天各柜员的收款"]),
            ("accountant", ["进行中和没做完的发行", "没有出账的户", "等待处理的存疑示数", "等待日结的营业日"]),
            ("auditor", ["等待处理的存疑示数"]),
            ("administrator", ["失败的后台任务", "没有送达的事件"]),
        ],
    )
    def test_show_what_the_role_must_do_and_nothing_else(self, world: World, who: str, says: list[str]) -> None:
        client = browser_of(who)

        fetched, whole = client.get("/console/"), client.get("/console/?plain=1")

        page = fetched.content.decode()
        shown = [str(slot.title) for slot in navigation.COUNTER_TO_DO if f"{slot.title}</h2>" in page]
        assert set(says) <= set(shown)
        assert ("失败的后台任务" in shown) == (who == "administrator")
        assert page.count("data-part ") == len(shown) and "autofocus" in page
        assert "没有取到" not in whole.content.decode().split('<template id="part-failed">')[0]

    def test_a_part_is_a_page_of_its_own_without_a_script(self, world: World) -> None:
        client = browser_of("clerk_a")

        alone = client.get(reverse("payments:my_takings")).content.decode()
        part = client.get(reverse("payments:my_takings"), HTTP_HX_REQUEST="true").content.decode()

        assert "<html" in alone and "今天还没有收款" in alone
        assert "<html" not in part and "今天还没有收款" in part

    def test_a_part_that_breaks_breaks_alone(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(**_asked: object) -> None:
            raise RuntimeError("the store is gone")

        monkeypatch.setattr("payments.queries.my_takings", broken)

        page = browser_of("clerk_a").get("/console/?plain=1")

        text = page.content.decode().split('<template id="part-failed">')[0]
        assert page.status_code == 200
        assert text.count("没有取到") == 1 and "最近服务的客户" in text and "没有等待答复的疑问" in text

    def test_say_what_was_taken_and_by_whom(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        issue(world, 18_640)
        form = clerk.get("/console/accounts/4290000001/pay/")["Location"]
        key = form.partition("key=")[2]
        clerk.post(form, {"form_key": key, "amount": "186.40", "method": "cash", "reference": ""})

        mine = clerk.get("/console/?plain=1").content.decode()
        hall = browser_of("manager").get("/console/?plain=1").content.decode()
        other_hall = browser_of("clerk_b").get("/console/?plain=1").content.decode()

        assert "今天收了 1 笔，共 186.40 元" in mine
        assert "陈静" in hall and "186.40" in hall
        assert "今天还没有收款" in other_hall


class TestAnalysis:
    def test_shows_figures_of_ones_own_part_only(self, world: World) -> None:
        month = last_month()
        issue(world, 18_640, cycle=month)
        issue(world, 9_999_00, account=world.residential_day_15, cycle=month)
        make_user("lead-a", OrgUnit.objects.get(pk=world.county_a_id), "leader")
        make_user("lead-all", OrgUnit.objects.get(pk=world.province_id), "leader")

        part = self.sums(browser_of("lead-a"), month)
        everything = self.sums(browser_of("lead-all"), month)

        assert part == {str(month): ("186.40", "186.40")}
        assert everything == {str(month): ("10185.40", "10185.40")}

    @staticmethod
    def sums(client: Client, month: int) -> dict[str, tuple[str, str]]:
        """Month to billed and open yuan in the export."""
        body = b"".join(client.get("/dsm/export.csv")).decode("utf-8-sig").splitlines()
        return {row.split(",")[0]: (row.split(",")[4], row.split(",")[6]) for row in body[1:]}

    def test_asks_a_question_above_each_chart_with_its_table(self, world: World) -> None:
        issue(world, 18_640, cycle=last_month())

        page = somebody(world, "leader").get("/dsm/?plain=1").content.decode()

        for question in ("每个月卖了多少电，卖给了谁？", "应收的电费收回来了吗？", "还欠多少，是哪个月的，谁欠的？"):
            assert question in page
        assert page.count("data-chart") >= 3 and "看图背后的数据" in page and "/dsm/export.csv" in page


class TestThePalette:
    def found(self, who: str, text: str) -> str:
        return browser_of(who).post("/console/palette/", {"q": text}).content.decode()

    def test_finds_customers_bills_receipts_and_pages(self, world: World) -> None:
        bill_no = issue(world, 18_640)
        clerk = browser_of("clerk_a")
        form = clerk.get("/console/accounts/4290000001/pay/")["Location"]
        key = form.partition("key=")[2]
        paid = clerk.post(form, {"form_key": key, "amount": "186.40", "method": "cash", "reference": ""})
        receipt_no = paid["Location"].split("/")[-2]

        assert "/console/accounts/4290000001/" in self.found("clerk_b", "张三")
        assert f"/console/bills/{bill_no}/" in self.found("clerk_b", bill_no)
        assert f"/console/payments/{receipt_no}/" in self.found("clerk_b", receipt_no)
        for text in ("收费", "shoufei", "shouf", "sf", "Paym"):
            assert 'href="/console/payments/"' in self.found("clerk_b", text), text

    def test_offers_only_what_may_be_opened(self, world: World) -> None:
        bill_no = issue(world, 18_640)

        assert "/console/jobs/" not in self.found("clerk_a", "后台任务")
        assert "/console/jobs/" in self.found("administrator", "后台任务")
        for text in ("张三", bill_no, "收费"):
            assert "<a" not in self.found("stranger", text)
        assert browser_of("portal").post("/console/palette/", {"q": "张三"}).content.decode().count("<a") == 0

    def test_takes_few_statements(self, world: World, django_assert_max_num_queries: Callable[[int], Any]) -> None:
        client = browser_of("clerk_a")
        for text in ("张三", "4290000001", "202601000000000101"):
            with django_assert_max_num_queries(9):
                client.post("/console/palette/", {"q": text})

    def test_is_asked_in_the_body_only(self, world: World) -> None:
        assert browser_of("clerk_a").get("/console/palette/?q=张三").status_code == 405


class TestSearching:
    PHONE = "10000000002"

    def test_leaves_no_telephone_number_in_any_address(self, world: World) -> None:
        client = browser_of("clerk_a")

        one = client.post("/console/search/", {"q": self.PHONE})
        several = client.post("/console/search/", {"q": "桂苑路"})
        page = client.get(several["Location"]).content.decode()

        assert one["Location"] == "/console/accounts/4290000002/"
        assert several["Location"].startswith("/console/search/?t=") and "桂苑路" in page
        assert 'method="post"' in page and "?q=" not in page
        assert self.PHONE not in str(dict(client.session.items())), "what was typed is sealed in the session"

    def test_ignores_a_term_in_the_address(self, world: World) -> None:
        answer = browser_of("clerk_a").get("/console/search/", {"q": self.PHONE})

        assert answer.status_code == 200 and "4290000002" not in answer.content.decode()

    def test_anothers_token_says_nothing(self, world: World) -> None:
        asked = browser_of("clerk_a").post("/console/search/", {"q": "桂苑路"})["Location"]

        assert "桂苑路" not in browser_of("clerk_b").get(asked).content.decode()

    def test_a_page_that_alone_fits_opens(self, world: World) -> None:
        assert browser_of("clerk_a").post("/console/search/", {"q": "收费"})["Location"] == "/console/payments/"


class TestOpenCustomers:
    def test_stand_as_tabs_in_the_order_they_were_opened(self, world: World) -> None:
        client = browser_of("clerk_a")
        for account in world.accounts:
            client.get(f"/console/accounts/{account.account_no}/")

        page = client.get("/console/payments/").content.decode()

        for place, account in enumerate(world.accounts, start=1):
            assert f'href="/console/accounts/{account.account_no}/" data-key="Alt+{place}"' in page
        assert "customer-tabs" not in browser_of("clerk_b").get("/console/payments/").content.decode()

    def test_a_tenth_takes_the_place_of_the_one_unseen_longest(self, world: World) -> None:
        for number in range(9):
            working_place.open_customer(user_id=world.clerk_a_id, subject=str(number), label=str(number), at=AT)
        working_place.open_customer(user_id=world.clerk_a_id, subject="0", label="seen again", at=AT.replace(day=4))

        place = working_place.open_customer(user_id=world.clerk_a_id, subject="10", label="tenth", at=AT.replace(day=5))

        tabs = working_place.open_customers(user_id=world.clerk_a_id)
        assert place == 2 and len(tabs) == 9
        assert [tab.label for tab in tabs[:2]] == ["seen again", "tenth"]
        assert [one.subject for one in working_place.last_served(user_id=world.clerk_a_id, limit=2)] == ["10", "0"]

    def test_are_closed_by_their_owner_and_give_their_place_to_the_next(self, world: World) -> None:
        client = browser_of("clerk_a")
        for account in world.accounts[:3]:
            client.get(f"/console/accounts/{account.account_no}/")

        browser_of("clerk_b").post("/console/open-customers/2/close/")
        assert len(working_place.open_customers(user_id=world.clerk_a_id)) == 3
        client.post("/console/open-customers/2/close/")
        client.get(f"/console/accounts/{world.commercial.account_no}/")

        tabs = working_place.open_customers(user_id=world.clerk_a_id)
        assert [(tab.place, tab.subject[-1]) for tab in tabs] == [(1, "1"), (2, "4"), (3, "3")]
