"""A session that ends in the middle of a form: nothing typed is lost, and nobody else sees it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session

from cis.models import Customer
from config.shared.models import Draft
from tests.factories.world import PASSWORD, small_world
from tests.journeys.conftest import NewPage, sign_in
from tests.journeys.test_counter import text_of
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

EDIT = "/console/accounts/4290000001/customer/"


def end_every_session() -> None:
    """As a remote sign-out or the night would."""
    Session.objects.all().delete()


def sign_in_here(page: Any, username: str) -> None:
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")


def arrive(page: Any, path: str) -> None:
    """Wait for a page; the sign-in names it too, behind the question mark."""
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def ask_by_itself(page: Any) -> None:
    """As the parts of pages do that ask every few seconds."""
    page.evaluate("""() => {
        const part = document.createElement("div");
        part.dataset.quiet = "";
        document.getElementById("main").append(part);
        htmx.ajax("GET", "/console/search/", { source: part, target: part });
    }""")


class TestInTheMiddleOfAForm:
    def test_what_was_sent_comes_back_after_signing_in_and_is_saved_then(self, new_page: NewPage) -> None:
        world = small_world()
        page = sign_in(new_page(), "clerk_a", EDIT)
        page.get_by_label("客户名称").fill("张三丰")
        page.get_by_label("新的联系电话").fill("13900001111")
        page.wait_for_load_state("networkidle")
        end_every_session()

        page.get_by_role("button", name="保存客户资料").click()
        page.wait_for_url("**/sign-in/**")
        sign_in_here(page, "clerk_a")
        arrive(page, EDIT)

        assert page.get_by_label("客户名称").input_value() == "张三丰"
        assert page.get_by_label("新的联系电话").input_value() == "13900001111"
        assert "登录已过期" in text_of(page)
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三"
        page.get_by_role("button", name="保存客户资料").click()
        page.wait_for_url("**/console/accounts/4290000001/")
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三丰"
        assert not Draft.objects.exists()

    def test_what_was_only_typed_comes_back_too(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "clerk_a", EDIT)
        page.wait_for_load_state("networkidle")
        end_every_session()
        with page.expect_response("**/drafts/") as kept:
            page.get_by_label("客户名称").fill("张三丰")
        assert kept.value.status == 204, "typed after the session had ended, and kept all the same"

        page.goto("/console/")
        page.wait_for_url("**/sign-in/**")
        sign_in_here(page, "clerk_a")
        arrive(page, "/console/")
        page.goto(EDIT)

        assert page.get_by_label("客户名称").input_value() == "张三丰"
        page.get_by_role("button", name="不要了，重新填").click()
        arrive(page, EDIT)
        assert page.get_by_label("客户名称").input_value() == "张三"

    def test_a_part_that_asks_by_itself_does_not_take_the_page_away(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "clerk_a", EDIT)
        page.wait_for_load_state("networkidle")
        page.get_by_label("客户名称").fill("张三丰")
        end_every_session()

        ask_by_itself(page)
        page.get_by_text("登录已过期。填的内容还在").wait_for()

        assert urlsplit(page.url).path == EDIT
        assert page.get_by_label("客户名称").input_value() == "张三丰"
        page.get_by_label("客户名称").fill("张三")
        ask_by_itself(page)
        page.wait_for_url("**/sign-in/**")

    def test_the_next_clerk_at_the_same_machine_sees_nothing_of_it(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "clerk_a", EDIT)
        page.get_by_label("新的联系电话").fill("13900001111")
        page.wait_for_load_state("networkidle")
        end_every_session()
        page.get_by_role("button", name="保存客户资料").click()
        page.wait_for_url("**/sign-in/**")

        sign_in_here(page, "clerk_b")
        arrive(page, EDIT)

        assert page.get_by_label("新的联系电话").input_value() == ""
        assert "13900001111" not in page.content() and "登录已过期" not in text_of(page)

    def test_without_a_script_what_was_sent_comes_back(self, browser: Any, live: Stack) -> None:
        small_world()
        context = browser.new_context(base_url=live.url, locale="zh-CN", java_script_enabled=False)
        page = sign_in(context.new_page(), "clerk_a", EDIT)
        page.get_by_label("客户名称").fill("张三丰")
        end_every_session()

        page.get_by_role("button", name="保存客户资料").click()
        page.wait_for_url("**/sign-in/**")
        sign_in_here(page, "clerk_a")
        arrive(page, EDIT)

        assert page.get_by_label("客户名称").input_value() == "张三丰"
        context.close()
