"""The customer's page: each part comes on its own, and one that fails or hangs never takes the page down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import small_world
from tests.journeys.conftest import sign_in
from tests.journeys.test_counter import text_of
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/console/accounts/4290000001/"


class TestAPartThatFails:
    @pytest.mark.parametrize("how", ["error", "no-answer"])
    def test_says_so_in_its_place_and_can_be_asked_again(self, page: Any, live: Stack, how: str) -> None:
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        sign_in(page, "clerk_a", "/console/")
        page.route(
            f"**{ADDRESS}meters/",
            lambda route: route.fulfill(status=500, body="no") if how == "error" else route.abort("timedout"),
        )

        page.goto(ADDRESS)
        page.get_by_text("这一部分没有取到").wait_for()
        page.get_by_text("HB-RES").first.wait_for()
        page.get_by_text("还没有收过款").first.wait_for()

        shown = text_of(page)
        assert "186.40" in shown and "HB-RES" in shown and "还没有收过款" in shown, "all the rest is there"
        page.unroute(f"**{ADDRESS}meters/")
        page.get_by_role("button", name="再试一次").click()
        page.get_by_text("这一部分没有取到").wait_for(state="hidden")
        page.get_by_text("DDZY").first.wait_for()
        page.wait_for_function("() => document.activeElement !== document.body")  # the focus stays where the button was

    def test_that_hangs_gives_up_alone(self, page: Any, live: Stack) -> None:
        small_world()
        sign_in(page, "clerk_a", "/console/")
        page.route(f"**{ADDRESS}history/", lambda _route: None)  # never answered

        page.goto(ADDRESS)
        page.get_by_text("DDZY").first.wait_for()
        page.get_by_text("这一部分没有取到").wait_for(timeout=15_000)


class TestWithoutAScript:
    def test_every_part_is_read_on_one_page_or_on_its_own(self, browser: Any, live: Stack) -> None:
        small_world()
        context = browser.new_context(base_url=live.url, locale="zh-CN", java_script_enabled=False)
        page = sign_in(context.new_page(), "clerk_a", ADDRESS)

        page.get_by_role("link", name="打开 合同与电价变更").click()
        assert "HB-RES" in text_of(page) and "张三" in page.locator(".work-aside").inner_text()
        page.goto(ADDRESS)
        page.get_by_role("link", name="一页看完（不用脚本）").click()

        shown = text_of(page)
        assert "HB-RES" in shown and "DDZY" in shown and "还没有收过款" in shown and "客户建档" in shown
        context.close()
