"""At home: a customer signs in, understands the bill, pays it and keeps the receipt."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cis.models import Bill, Contact
from cis.operations import ledger
from cis.operations.billing import issue_bill_now
from cis.queries.ledger import balance
from payments.models import Payment, PaymentOrder
from tests.factories.world import PORTAL_TELEPHONE, small_world
from tests.journeys.conftest import NewPage
from tests.journeys.test_counter import text_of
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

# Bills of the tests' own year are not overdue whenever they run: late fees have tests of their own.
NOT_SOON = 20_000


class TestACustomer:
    @pytest.mark.acceptance("000-73")
    @pytest.mark.acceptance("001-24")
    def test_signs_in_by_code_reads_the_bill_pays_by_wallet_and_keeps_the_receipt(
        self, new_page: NewPage, live: Stack, settings: Any
    ) -> None:
        settings.BILL_DUE_DAYS = NOT_SOON
        world = small_world()
        account = world.residential
        issue_bill_now(account_id=account.account_id, cycle=world.cycle, issued_by_id=None, at=world.at)
        bill = Bill.objects.get()
        yuan = f"{bill.total_fen / 100:.2f}"
        page = new_page()

        page.goto("/my/")
        page.get_by_role("link", name="用户号登录").click()
        page.get_by_label("户号").fill(account.account_no)
        page.get_by_role("button", name="获取验证码").click()
        page.wait_for_url("**/my/sign-in/code/")
        code = re.search(r"验证码 (\d{6})", live.inbox(contains="验证码")[0]["text"])
        assert code is not None
        page.get_by_label("验证码").fill(code[1])
        page.keyboard.press("Enter")
        page.wait_for_url("**/my/")
        assert yuan in text_of(page)

        page.get_by_role("link", name="看明细和算法").click()
        page.wait_for_url(f"**/my/bills/{bill}/")
        explained = text_of(page)
        assert "第 1 档" in explained and f"= {yuan} 元" in explained and "度 ×" in explained
        assert "1370.00" in explained and "1570.00" in explained  # the register at both ends
        page.get_by_text("依据").first.click()
        assert "发改价格〔2011〕2617号" in text_of(page)

        page.get_by_role("link", name="去交费").first.click()
        page.get_by_role("button", name="去支付").click()
        page.wait_for_url("**/sim/wallet/**")
        page.get_by_role("button", name=re.compile("确认支付")).click()
        page.wait_for_url("**/my/orders/**")
        assert f"已支付 {yuan} 元" in text_of(page)
        page.get_by_role("link", name="看收据").click()
        page.wait_for_url("**/my/receipts/*/")
        pdf = page.request.get(page.get_by_role("link", name="下载收据 PDF").get_attribute("href"))

        assert pdf.ok and pdf.body().startswith(b"%PDF")
        assert PaymentOrder.objects.get().state == "paid"
        assert balance(account.account_id).receivable_fen == 0 and not ledger.verify().faults
        assert str(Payment.objects.get()) in live.inbox(contains="已收到电费")[0]["text"]


class TestOnATelephone:
    """360 px wide, with and without scripts: sign in, balance, bills, pay, report a fault."""

    @pytest.mark.acceptance("F147")
    @pytest.mark.acceptance("000-75")
    @pytest.mark.parametrize("with_scripts", [True, False])
    def test_everything_a_customer_comes_for(
        self, browser: Any, live: Stack, settings: Any, with_scripts: bool
    ) -> None:
        settings.BILL_DUE_DAYS = NOT_SOON
        world = small_world()
        issue_bill_now(account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=world.at)
        bill = Bill.objects.get()
        yuan = f"{bill.total_fen / 100:.2f}"
        context = browser.new_context(
            base_url=live.url,
            locale="zh-CN",
            viewport={"width": 360, "height": 720},
            has_touch=True,
            java_script_enabled=with_scripts,
        )
        context.set_default_timeout(30_000)
        page = context.new_page()

        def is_narrow() -> None:
            """Nothing is wider than the screen; without scripts the picture of the page says so."""
            if with_scripts:
                assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), page.url

        page.goto("/my/")
        page.get_by_label("手机号").fill(PORTAL_TELEPHONE)
        page.get_by_role("button", name="获取验证码").click()
        page.wait_for_url("**/my/sign-in/code/")
        is_narrow()
        code = re.search(r"验证码 (\d{6})", live.inbox(to=PORTAL_TELEPHONE, contains="验证码")[0]["text"])
        assert code is not None
        page.get_by_label("验证码").fill(code[1])
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/my/")
        is_narrow()
        assert yuan in text_of(page)

        for address in ("/my/bills/", f"/my/bills/{bill}/", "/my/usage/", "/my/prices/", "/my/me/"):
            page.goto(address)
            is_narrow()
        page.goto("/my/me/accounts/bind/")
        is_narrow()

        page.goto("/my/pay/")
        is_narrow()
        page.get_by_role("button", name="去支付").click()
        page.wait_for_url("**/sim/wallet/**")
        page.get_by_role("button", name=re.compile("确认支付")).click()
        page.wait_for_url("**/my/orders/**")
        assert f"已支付 {yuan} 元" in text_of(page)

        page.goto("/my/faults/")
        is_narrow()
        assert page.get_by_role("link", name="拨打 95598").get_attribute("href") == "tel:95598"
        page.get_by_label("什么情况").fill("整栋楼没电")
        page.get_by_role("button", name="提交").click()
        page.wait_for_load_state()
        assert "已经收到" in text_of(page) and Contact.objects.get().text == "整栋楼没电"
        context.close()
