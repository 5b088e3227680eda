"""The whole way over real HTTP: sign in, pay in the simulated wallet, its notice, the receipt."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.request
from urllib.parse import urlencode

import pytest

from payments.models import Payment, PaymentOrder
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import small_world
from tests.stack import Stack


class Browser:
    """A browser without scripts: cookies, redirects, forms."""

    def __init__(self, base: str) -> None:
        self.base = base
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        self.url, self.text = "", ""

    def open(self, path: str, fields: dict[str, str] | None = None) -> str:
        """Get a page, or send its form; where one ends up after redirects is `url`."""
        data = urlencode(fields).encode() if fields is not None else None
        address = path if path.startswith("http") else self.base + path
        with self.opener.open(urllib.request.Request(address, data), timeout=30) as answer:
            self.url, self.text = answer.geturl(), answer.read().decode(errors="replace")
        return self.text

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's form."""
        form = re.search(r'<form class="(?:form )?card.*?</form>', self.text, re.DOTALL)
        assert form is not None, self.text
        pairs = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
        return {name: value.replace("&amp;", "&").replace("&#x27;", "'") for name, value in pairs}


@pytest.mark.django_db(transaction=True)
class TestTheWholeWay:
    def test_leads_from_the_account_number_to_the_receipt(self, live: Stack) -> None:
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        browser = Browser(live.url)

        browser.open("/my/sign-in/account/")
        browser.open("/my/sign-in/account/", {**browser.hidden(), "account_no": world.residential.account_no})
        code = re.search(r"[0-9]{6}", live.inbox(contains="验证码")[0]["text"])
        assert code is not None
        browser.open(browser.url, {**browser.hidden(), "code": code[0]})
        assert "186.40" in browser.text
        browser.open("/my/pay/")
        browser.open("/my/pay/", {**browser.hidden(), "choice": "all", "amount": ""})
        assert "/sim/wallet/" in browser.url
        browser.open("/sim/wallet/", browser.hidden())

        assert "/my/orders/" in browser.url and "已支付 186.40 元" in browser.text
        assert (Payment.objects.get().amount_fen, PaymentOrder.objects.get().state) == (18_640, "paid")
