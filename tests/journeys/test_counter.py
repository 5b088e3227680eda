"""At the counter: a payment by keyboard, and two clerks with one customer."""

from __future__ import annotations

from typing import Any

import pytest

from cis.models import Customer
from cis.queries.ledger import balance
from payments.models import Payment
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import small_world
from tests.journeys.conftest import NewPage, sign_in
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def text_of(page: Any) -> str:
    """What is read on the page."""
    return str(page.locator("body").inner_text()).replace("\u2009\u2060", "")


class TestAPayment:
    @pytest.mark.acceptance("000-73")
    @pytest.mark.acceptance("002-35")
    def test_by_keyboard_only_is_made_once_whatever_is_pressed_again(self, new_page: NewPage, live: Stack) -> None:
        """Search by name, open the 360, take cash, press twice, reload, go back; then the receipt."""
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        page = sign_in(new_page(), "clerk_b")

        page.keyboard.press("Control+k")
        page.keyboard.type("张三")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/console/accounts/{world.residential.account_no}/")
        assert "186.40" in text_of(page)
        page.keyboard.press("F2")
        page.wait_for_url("**/pay/?key=*")
        assert page.evaluate("document.activeElement.name") == "amount"
        form = page.url
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert page.evaluate("document.querySelector('[name=method]:checked').value") == "cash"
        # Two presses in one turn, as a hand that trembles makes them.
        page.evaluate(
            "() => { const f = document.querySelector('form[data-once]'); f.requestSubmit(); f.requestSubmit(); }"
        )
        page.wait_for_url("**/console/payments/*/")
        receipt = page.url
        page.reload()
        page.go_back()
        page.wait_for_url("**/console/payments/*/")
        page.goto(form)
        page.wait_for_url("**/console/payments/*/")

        assert page.url == receipt
        payment = Payment.objects.get()
        shown = text_of(page)
        assert str(payment) in shown and "186.40" in shown and "李敏" in shown
        assert balance(world.residential.account_id).receivable_fen == 0
        pdf = page.request.get(f"{receipt}receipt-a4.pdf")
        assert pdf.ok and pdf.body().startswith(b"%PDF")
        told = live.inbox(contains="已收到电费")[0]
        assert str(payment) in told["text"] and told["to"] == "10000000001"


class TestTwoClerks:
    @pytest.mark.acceptance("002-34")
    @pytest.mark.acceptance("004-05")
    def test_who_edit_one_customer_are_told_and_lose_no_text(self, new_page: NewPage) -> None:
        world = small_world()
        edit = f"/console/accounts/{world.residential.account_no}/customer/"
        first, second = sign_in(new_page(), "clerk_a", edit), sign_in(new_page(), "clerk_b", edit)
        first.get_by_label("客户名称").fill("张三甲")
        second.get_by_label("客户名称").fill("张三乙")
        second.get_by_label("新的联系电话").fill("13900001111")

        first.get_by_role("button", name="保存客户资料").click()
        first.wait_for_url(f"**/console/accounts/{world.residential.account_no}/")
        second.get_by_role("button", name="保存客户资料").click()
        second.get_by_text("刚刚被别人改过").first.wait_for()

        assert "张三甲" in text_of(second) and "张三乙" in text_of(second)
        assert second.get_by_label("客户名称").input_value() == "张三乙"
        assert second.get_by_label("新的联系电话").input_value() == "13900001111"
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三甲"
        second.get_by_role("button", name="用我填写的内容保存").click()
        second.wait_for_url(f"**/console/accounts/{world.residential.account_no}/")
        first.reload()
        first.get_by_text("李敏 · 临江营业厅").first.wait_for()
        assert "张三乙" in text_of(first)
        assert "陈静 · 东湖营业厅" in text_of(first) and "李敏 · 临江营业厅" in text_of(first)
