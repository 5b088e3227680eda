"""Cut off, paid in the wallet over real HTTP: within a minute the real worker has ordered supply back."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest

from cis.models import ArrearsCase, ReconnectionOrder
from cis.queries.collecting import list_reconnections
from config.shared.models import OrgUnit
from payments.models import Payment
from tests.factories.arrears import WALK, Road
from tests.factories.world import small_world
from tests.integration.payments.test_live_wallet import Browser
from tests.stack import Stack

WITHIN_S = 60


@pytest.mark.django_db(transaction=True)
class TestPaidAfterTheCut:
    @pytest.mark.acceptance("F28")
    def test_the_order_is_there_within_a_minute_and_late_it_is_listed(self, live: Stack) -> None:
        world = small_world()
        road = Road(world, account=world.residential)
        for act in (*WALK, "cut"):
            getattr(road, act)()
        browser = Browser(live.url)
        browser.open("/my/sign-in/account/")
        browser.open("/my/sign-in/account/", {**browser.hidden(), "account_no": world.residential.account_no})
        code = re.search(r"[0-9]{6}", live.inbox(contains="验证码")[0]["text"])
        assert code is not None
        browser.open(browser.url, {**browser.hidden(), "code": code[0]})
        browser.open("/my/pay/")
        browser.open("/my/pay/", {**browser.hidden(), "choice": "all", "amount": ""})

        paid_at = time.monotonic()
        browser.open("/sim/wallet/", browser.hidden())
        while not ReconnectionOrder.objects.exists():
            assert time.monotonic() < paid_at + WITHIN_S, (
                "paid, and after a minute nobody was told to bring supply back"
            )
            time.sleep(0.2)

        order, payment = ReconnectionOrder.objects.get(), Payment.objects.get()
        assert (order.paid_at, order.due_at) == (payment.received_at, payment.received_at + timedelta(hours=24))
        assert ArrearsCase.objects.get(pk=road.case_id).stage == "cut", "until somebody notes that supply is back"
        path = [OrgUnit.objects.get(pk=world.county_a_id).path]
        assert [row.is_late for row in list_reconnections(within=path, at=order.due_at)] == [False]
        [late] = list_reconnections(within=path, at=order.due_at + timedelta(minutes=1))
        assert (late.account_no, late.is_late) == (world.residential.account_no, True)
