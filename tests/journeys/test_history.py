"""Back and forward after htmx changed a part of a page: always the whole page, as it was."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.factories.bills import issue
from tests.factories.world import World, small_world
from tests.journeys.conftest import NewPage, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

BILLS = "/console/bills/"


@pytest.fixture
def world() -> World:
    """One bill of every account: 100, 200, 300 and 400 yuan."""
    world = small_world()
    for number, account in enumerate(world.accounts, 1):
        issue(world, number * 10_000, account=account)
    return world


def figures(page: Any) -> list[str]:
    """The bills in the order they stand in."""
    texts: list[str] = page.locator(".data-table tbody tr").all_inner_texts()
    return [yuan for text in texts for yuan in ("100.00", "200.00", "300.00", "400.00") if yuan in text]


def is_whole(page: Any) -> bool:
    """Whether the page has its frame and one table, and the table is not put into itself."""
    return bool(page.locator("h1").count() == 1 and page.locator(".data-table").count() == 1)


def query(page: Any) -> str:
    return urlsplit(page.url).query


class TestBackAndForward:
    def test_bring_back_the_order_of_a_table_that_was_sorted(self, world: World, new_page: NewPage) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        as_it_was = figures(page)
        head = page.locator(".data-table thead a", has_text="电费").first

        head.click()
        page.wait_for_url("**sort=*")
        once = figures(page)
        address = query(page)
        head.click()
        page.wait_for_function("address => location.search.slice(1) !== address", arg=address)
        twice = figures(page)

        assert once == list(reversed(twice)) and sorted(once) in (once, twice)
        page.go_back()
        page.wait_for_function("address => location.search.slice(1) === address", arg=address)
        page.locator(".data-table").wait_for()
        assert figures(page) == once and is_whole(page)
        page.go_back()
        page.wait_for_function("location.search === ''")
        page.locator(".data-table").wait_for()
        assert figures(page) == as_it_was and is_whole(page)
        page.go_forward()
        page.wait_for_function("address => location.search.slice(1) === address", arg=address)
        page.locator(".data-table").wait_for()
        assert figures(page) == once and is_whole(page)

    def test_come_back_from_a_bill_to_the_sorted_list_and_not_to_a_part_of_it(
        self, world: World, new_page: NewPage
    ) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        page.locator(".data-table thead a", has_text="电费").first.click()
        page.wait_for_url("**sort=*")
        sorted_so, address = figures(page), page.url

        page.locator(".data-table tbody a").first.click()
        page.wait_for_url(lambda url: urlsplit(url).path != BILLS)
        page.go_back()
        page.wait_for_url(address)

        assert figures(page) == sorted_so and is_whole(page)

    def test_a_reload_shows_what_the_address_says(self, world: World, new_page: NewPage) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        page.locator(".data-table thead a", has_text="电费").first.click()
        page.wait_for_url("**sort=*")
        sorted_so = figures(page)

        page.reload()

        assert figures(page) == sorted_so and is_whole(page)
