"""Large letters and dark colours: switched by a person, with and without scripts, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.shared.models import User
from tests.factories.world import PASSWORD, small_world
from tests.journeys import walks
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = "getComputedStyle(document.body).fontSize"
GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT_GROUND, DARK_GROUND = "rgb(246, 247, 245)", "rgb(16, 22, 19)"


@pytest.fixture
def page_of(browser: Any, live: Stack) -> Iterator[Any]:
    """`page_of(username, **context)`: a new browser in which this user ("" for nobody) is signed in."""
    contexts: list[Any] = []

    def begin(username: str, **more: Any) -> Any:
        context = browser.new_context(base_url=live.url, locale="zh-CN", **more)
        context.set_default_timeout(20_000)
        contexts.append(context)
        known = {name: morsel.value for name, morsel in walks.browser_of(username).cookies.items()}
        context.add_cookies([{"name": name, "value": value, "url": live.url} for name, value in known.items()])
        return context.new_page()

    yield begin
    for context in contexts:
        context.close()


def choose(page: Any, word: str) -> None:
    """Open the menu of appearances and press one."""
    page.locator("summary", has_text="外观").first.click()
    with page.expect_navigation():
        page.get_by_role("button", name=word, exact=True).first.click()


class TestLargeLetters:
    @pytest.mark.parametrize("with_scripts", [True, False])
    @pytest.mark.parametrize(("username", "first", "second"), [
        ("portal", "/my/", "/my/bills/"), ("clerk_a", "/console/search/", "/console/bills/"),
    ])  # fmt: skip
    def test_are_switched_on_where_one_is_and_are_there_the_next_day_too(
        self, page_of: Any, username: str, first: str, second: str, with_scripts: bool
    ) -> None:
        small_world()
        page = page_of(username, java_script_enabled=with_scripts, viewport={"width": 360, "height": 740})
        page.goto(first)
        normal = page.evaluate(SIZE)

        choose(page, "大字")

        assert page.url.endswith(first), "one stays where one was"
        large = page.evaluate(SIZE)
        assert (float(large[:-2]), large != normal) == (20.0, True)
        page.goto(second)
        assert page.evaluate(SIZE) == large
        assert User.objects.get(username=username).text_size == "elder"
        next_day = page_of(username)
        next_day.goto(first)
        assert next_day.evaluate(SIZE) == large
        choose(next_day, "标准字")
        assert next_day.evaluate(SIZE) == normal

    def test_of_somebody_who_is_not_signed_in_are_kept_by_the_machine(self, page_of: Any) -> None:
        small_world()
        page = page_of("", java_script_enabled=False)
        page.goto("/my/sign-in/")

        choose(page, "大字")
        page.goto("/my/sign-in/account/")

        assert page.locator("html").get_attribute("data-size") == "elder"

    def test_of_one_clerk_are_not_the_next_ones_at_the_same_machine(self, page_of: Any) -> None:
        small_world()
        page = page_of("clerk_a")
        page.goto("/console/search/")
        choose(page, "大字")
        page.get_by_role("button", name="退出").click()
        page.wait_for_url("**/sign-in/**")

        page.goto("/console/search/")
        page.get_by_label("用户名").fill("clerk_b")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)

        assert page.locator("html").get_attribute("data-size") != "elder"


class TestDark:
    @pytest.mark.parametrize(("username", "first", "second"), [
        ("portal", "/my/", "/my/bills/"), ("clerk_a", "/console/search/", "/console/bills/"),
    ])  # fmt: skip
    def test_is_switched_by_hand_and_kept(self, page_of: Any, username: str, first: str, second: str) -> None:
        small_world()
        page = page_of(username, color_scheme="light")
        page.goto(first)
        assert page.evaluate(GROUND) == LIGHT_GROUND

        choose(page, "深色")

        assert page.evaluate(GROUND) == DARK_GROUND
        page.goto(second)
        assert page.evaluate(GROUND) == DARK_GROUND

    def test_follows_the_system_until_somebody_says_otherwise(self, page_of: Any) -> None:
        small_world()
        page = page_of("portal", color_scheme="dark")
        page.goto("/my/")
        assert page.evaluate(GROUND) == DARK_GROUND

        choose(page, "浅色")

        assert page.evaluate(GROUND) == LIGHT_GROUND
