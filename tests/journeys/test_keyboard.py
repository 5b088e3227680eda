"""A clerk's whole day without a mouse: search, customer, payment, receipt; tabs; the list of keys; the way back."""

from __future__ import annotations

from typing import Any

import pytest

from payments.models import Payment
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import World, small_world
from tests.journeys.conftest import NewPage, sign_in
from tests.journeys.test_counter import text_of

pytestmark = pytest.mark.django_db(transaction=True)


def account(world: World, number: int = 0) -> str:
    return f"/console/accounts/{world.accounts[number].account_no}/"


class TestByKeysAlone:
    @pytest.mark.acceptance("004-49")
    def test_search_customer_payment_receipt_and_the_next_one(self, new_page: NewPage) -> None:
        """From the home page; no press of a mouse button is ever sent. Four acts of the hand after the name."""
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        page = sign_in(new_page(), "clerk_a", "/console/")
        keys = page.keyboard

        wait_for_the_finder(page)  # one may type without a click
        keys.type("张三", delay=30)
        page.locator("#palette [role=option]").first.wait_for()
        keys.press("ArrowDown")
        assert page.locator("#palette [aria-selected=true]").inner_text().find("张三") >= 0
        keys.press("Enter")
        page.wait_for_url(f"**{account(world)}")
        assert "186.40" in text_of(page)
        keys.press("Enter")
        page.wait_for_url("**/pay/?key=*")
        page.wait_for_function("() => document.activeElement.name === 'amount'")
        assert page.evaluate("document.activeElement.value") == "186.40"
        keys.press("Enter")
        page.wait_for_url("**/console/payments/*/")
        assert "186.40" in text_of(page)
        with page.context.expect_page() as paper:
            keys.press("F2")
        assert paper.value.url.endswith("receipt-slip.pdf") or page.locator("[data-key=F2]").count()
        paper.value.close()
        keys.press("Enter")
        page.wait_for_url("**/console/")
        wait_for_the_finder(page)  # ready for the next customer

        assert Payment.objects.get().amount_fen == 18_640

    def test_esc_goes_back_step_by_step_and_loses_nothing(self, new_page: NewPage) -> None:
        world = small_world()
        page = sign_in(new_page(), "clerk_a", f"{account(world)}pay/")
        keys = page.keyboard

        page.get_by_label("收款金额").fill("12.30")
        keys.press("Escape")
        assert page.url.endswith("pay/") or "/pay/?key=" in page.url, "the first Esc only leaves the field"
        assert page.get_by_label("收款金额").input_value() == "12.30"
        keys.press("Escape")
        page.wait_for_url(f"**{account(world)}")
        keys.press("Escape")
        page.wait_for_url("**/console/")

    def test_alt_and_a_figure_switch_between_open_customers(self, new_page: NewPage) -> None:
        world = small_world()
        page = sign_in(new_page(), "clerk_a", account(world, 0))
        page.goto(account(world, 1))

        page.keyboard.press("Alt+1")
        page.wait_for_url(f"**{account(world, 0)}")
        page.keyboard.press("Alt+2")
        page.wait_for_url(f"**{account(world, 1)}")

        tabs = page.locator(".customer-tabs a")
        assert tabs.count() == 2
        assert "欧阳娜" in page.locator(".customer-tabs [aria-current=true]").inner_text()
        page.get_by_role("button", name="关闭 张三").press("Enter")
        page.wait_for_function("() => document.querySelectorAll('.customer-tabs a').length === 1")

    def test_a_question_mark_shows_every_key_of_the_page(self, new_page: NewPage) -> None:
        world = small_world()
        page = sign_in(new_page(), "clerk_a", account(world))

        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="这一页的按键")
        dialog.wait_for()

        said = dialog.inner_text()
        assert "收款" in said and "F2" in said and "Alt 1" in said and "Ctrl K" in said and "Esc" in said
        page.keyboard.press("F2")
        assert page.url.endswith(account(world)), "an open dialog keeps the keys of the page behind it"
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
        assert page.url.endswith(account(world)), "Esc closes the dialog and does not leave the page"

    def test_keys_are_letters_while_one_types(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "clerk_a", "/console/search/")
        wait_for_the_finder(page)

        page.keyboard.type("a/b?1")

        assert page.evaluate("document.activeElement.value") == "a/b?1"
        assert not page.get_by_role("dialog").count()


class TestThePalette:
    def test_esc_puts_the_list_away_and_enter_without_a_choice_searches(self, new_page: NewPage) -> None:
        world = small_world()
        page = sign_in(new_page(), "clerk_a", account(world))

        page.keyboard.press("/")
        page.keyboard.type("桂苑路", delay=30)
        page.locator("#palette [role=option]").first.wait_for()
        assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        page.keyboard.press("Escape")
        assert page.locator("#palette").is_hidden()
        assert page.evaluate("document.activeElement.value") == "桂苑路"
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/search/?t=*")

        shown = text_of(page)
        assert all(one.account_no in shown for one in world.accounts)
        page.keyboard.press("Escape")
        page.locator("h1").click()
        page.keyboard.press("2")
        page.wait_for_url(f"**{account(world, 1)}")


class TestTheWayBack:
    def test_leads_through_whole_pages_with_their_parts(self, new_page: NewPage) -> None:
        """Back and forward after parts came by htmx: the page is whole each time, and no answer is a naked part."""
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        page = sign_in(new_page(), "clerk_a", "/console/")
        page.get_by_text("今天还没有收款").wait_for()
        page.goto(account(world))
        page.get_by_text("DDZY").first.wait_for()

        page.go_back()
        page.get_by_text("今天还没有收款").wait_for()
        assert page.locator("html[data-frame=console] .rail").count() == 1
        page.go_forward()
        page.get_by_text("DDZY").first.wait_for()
        assert page.locator("h1").inner_text() == "张三"

    def test_after_a_filter_and_a_way_back_the_page_is_whole(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "auditor", "/console/readings/doubts/")

        page.locator("[name=age]").select_option("3")
        page.wait_for_url("**age=3**")
        page.go_back()
        page.wait_for_url("**/console/readings/doubts/")
        page.locator(".rail").wait_for()

        assert page.locator(".rail").count() == 1 and page.locator("h1").inner_text() == "存疑示数"
        assert_focus_is_somewhere(page)


def wait_for_the_finder(page: Any) -> None:
    """The browser puts the cursor there with its first frame, which may come after the page has loaded."""
    page.wait_for_function("() => document.activeElement.id === 'finder'")


def assert_focus_is_somewhere(page: Any) -> None:
    """The keyboard works on: Tab reaches something visible."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
