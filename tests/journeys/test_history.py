"""Back and forward after htmx changed a part of a page: always the whole page, as it was."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from cis.operations.billing import issue_bill_now
from tests.factories.world import World, small_world
from tests.journeys.conftest import NewPage, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

BILLS = "/console/bills/"
# Without an order the address shows the one a person chose last.
NEWEST_FIRST = f"{BILLS}?sort=-no"


@pytest.fixture
def world() -> World:
    """One bill of every account, which the order of their numbers and that of their amounts put differently."""
    world = small_world()
    for account in world.accounts:
        issue_bill_now(account_id=account.account_id, cycle=world.cycle, issued_by_id=None, at=world.at)
    return world


def rows(page: Any) -> list[str]:
    """The numbers of the bills in the order they stand in."""
    texts: list[str] = page.locator(".data-table tbody tr > :first-child").all_inner_texts()
    return texts


def shows(page: Any, expected: list[str]) -> bool:
    """Wait until the table holds these rows; whether the page is whole then."""
    page.wait_for_function(
        """(expected) => JSON.stringify([...document.querySelectorAll(".data-table tbody tr > :first-child")]
            .map((cell) => cell.innerText)) === JSON.stringify(expected)""",
        arg=expected,
    )
    return is_whole(page)


def is_whole(page: Any) -> bool:
    """Whether the page has its frame and one table, and the table is not put into itself."""
    return bool(page.locator("h1").count() == 1 and page.locator(".data-table").count() == 1)


def query(page: Any) -> str:
    return urlsplit(page.url).query


class TestBackAndForward:
    def test_bring_back_the_order_of_a_table_that_was_sorted(self, world: World, new_page: NewPage) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        page.goto(NEWEST_FIRST)
        as_it_was = rows(page)
        head = page.locator(".data-table thead a", has_text="电费").first

        head.click()
        page.wait_for_function("() => location.search !== '?sort=-no'")
        once = rows(page)
        address = query(page)
        head.click()
        page.wait_for_function("address => location.search.slice(1) !== address", arg=address)
        twice = rows(page)

        assert once == list(reversed(twice)) and as_it_was not in (once, twice)
        page.go_back()
        page.wait_for_function("address => location.search.slice(1) === address", arg=address)
        assert shows(page, once)
        page.go_back()
        page.wait_for_function("() => location.search === '?sort=-no'")
        assert shows(page, as_it_was)
        page.go_forward()
        page.wait_for_function("address => location.search.slice(1) === address", arg=address)
        assert shows(page, once)

    def test_come_back_from_a_bill_to_the_sorted_list_and_not_to_a_part_of_it(
        self, world: World, new_page: NewPage
    ) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        page.locator(".data-table thead a", has_text="电费").first.click()
        page.wait_for_url("**sort=*")
        sorted_so, address = rows(page), page.url

        page.locator(".data-table tbody a").first.click()
        page.wait_for_url(lambda url: urlsplit(url).path != BILLS)
        page.go_back()
        page.wait_for_url(address)

        assert shows(page, sorted_so)

    def test_a_reload_shows_what_the_address_says(self, world: World, new_page: NewPage) -> None:
        page = sign_in(new_page(), "accountant", BILLS)
        page.locator(".data-table thead a", has_text="电费").first.click()
        page.wait_for_url("**sort=*")
        sorted_so = rows(page)

        page.reload()

        assert shows(page, sorted_so)
