"""Pages about several settlements a month: agreed at the counter, listed by unit, asked of the customer."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cis.collecting.advances import due_day
from cis.models import AdvanceAgreement, AdvanceDemand, Bill, PortalAccess
from cis.operations import advances
from cis.queries.advances import is_workday
from config.shared.models import OrgUnit, User
from config.shared.money import yuan_from_fen
from config.shared.periods import add_months, cycle_of
from payments.channels import wallet_keys
from payments.models import PaymentOrder
from tests.factories.advances import JANUARY, SIGNED, agree_on_advances, bill, morning
from tests.factories.channels import connect_bank
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db

YUAN_500 = "500.00"


def browser(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), "django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"[\u2009\u2060]", "", answer.content.decode())


@pytest.fixture
def world() -> World:
    return small_world()


def terms() -> dict[str, str]:
    """Half of a thousand yuan today, from this month on."""
    today = timezone.localdate()
    return {
        "act": "agree", "agree-from_cycle": str(cycle_of(today)), "agree-basis": "amount", "agree-monthly": "1,000",
        "agree-day_1": str(today.day), "agree-share_1": "50", "agree-paper": "协议 7，柜 3",
        "agree-signed_by": "周经理", "agree-signed_on": today.isoformat(),
    }  # fmt: skip


def agreed_and_asked(world: World) -> datetime:
    """The business agreed on the page and was asked; the moment."""
    client, address = browser(world.manager_id), f"/console/accounts/{world.commercial.account_no}/advances/"
    answer = client.post(address, terms())
    assert answer.status_code == 302, answer.content.decode()[:3000]
    due_on = due_day(timezone.localdate(), is_workday)
    at = datetime.combine(due_on, datetime.min.time(), tzinfo=settings.BILLING_TIME_ZONE)
    assert advances.demand_advances(at=at) == 1
    return at


def owner_of(world: World) -> int:
    """Whoever acts for the business in the portal."""
    owner = User.objects.create_user("shop_owner", kind=User.Kind.CUSTOMER)
    PortalAccess.objects.create(user=owner, account_id=world.commercial.account_id, began_at=timezone.now())
    return owner.pk


class TestAtTheCounter:
    def test_terms_are_agreed_and_what_is_wrong_comes_back_with_what_was_typed(self, world: World) -> None:
        client, address = browser(world.manager_id), f"/console/accounts/{world.commercial.account_no}/advances/"
        assert "没有约定过分次结算" in text_of(client, address)

        for wrong, said in (
            ({"agree-monthly": ""}, "按约定金额的要填每月金额"),
            ({"agree-share_1": ""}, "日期和比例要一起填"),
            ({"agree-day_2": "31", "agree-share_2": "50.1"}, "合计不超过 100%"),
            ({"agree-paper": ""}, "协议编号"),
        ):
            answer = client.post(address, {**terms(), **wrong})
            assert answer.status_code == 422 and said in answer.content.decode()
            assert "周经理" in answer.content.decode()
        agreed_and_asked(world)

        made = AdvanceAgreement.objects.get()
        assert (made.basis, made.monthly_fen, made.shares, made.made_by_id) == (
            "amount", 1_000_00, [500], world.manager_id,
        )  # fmt: skip
        shown = text_of(client, address)
        assert (
            f'value="{add_months(cycle_of(timezone.localdate()), 1)}" selected' in shown and 'value="1000.00"' in shown
        )
        assert "执行中" in shown and "等待交款" in shown and YUAN_500 in shown and "协议 7，柜 3" in shown

    def test_it_is_ended_with_a_reason(self, world: World) -> None:
        agreed_and_asked(world)
        client, address = browser(world.manager_id), f"/console/accounts/{world.commercial.account_no}/advances/"
        yesterday = timezone.localdate() - timedelta(days=1)

        refused = client.post(address, {"act": "end", "end-last_on": "2020-01-01", "end-reason": "停产"})
        done = client.post(address, {"act": "end", "end-last_on": yesterday.isoformat(), "end-reason": "停产"})

        assert (refused.status_code, done.status_code) == (422, 302)
        shown = text_of(client, address)
        assert "已终止" in shown and "停产" in shown and "等待交款" not in shown

    def test_the_customers_page_and_the_till_say_what_is_asked(self, world: World) -> None:
        agreed_and_asked(world)
        account_no = world.commercial.account_no

        part = text_of(browser(world.manager_id), f"/console/accounts/{account_no}/contracts/")
        till = browser(world.clerk_a_id).get(f"/console/accounts/{account_no}/pay/", follow=True).content.decode()

        assert "等待交款" in part and "协议 7，柜 3" in part
        assert 'value="500.00"' in till and "还要交" in till

    def test_the_list_is_of_ones_own_units_and_by_state(self, world: World) -> None:
        at = agreed_and_asked(world)
        own = make_user("of_a", OrgUnit.objects.get(pk=world.county_a_id), "key-account-manager")
        other = make_user("of_b", OrgUnit.objects.get(pk=world.county_b_id), "key-account-manager")

        assert world.commercial.account_no in text_of(browser(own.pk), "/console/advances/?state=open")
        assert world.commercial.account_no not in text_of(browser(other.pk), "/console/advances/")
        pay(world, fen=500_00, account=world.commercial, at=min(at, timezone.now()))
        assert world.commercial.account_no not in text_of(browser(own.pk), "/console/advances/?state=open")
        assert "已到账" in text_of(browser(own.pk), f"/console/advances/?month={cycle_of(timezone.localdate())}")

    def test_a_stranger_finds_neither_page(self, world: World) -> None:
        client = browser(world.stranger_id)
        for address in ("/console/advances/", f"/console/accounts/{world.commercial.account_no}/advances/"):
            assert (client.get(address).status_code, client.post(address, terms()).status_code) in {
                (404, 404), (403, 403), (404, 405), (403, 405),
            }  # fmt: skip
        assert not AdvanceAgreement.objects.exists()


class TestOnTheBill:
    def test_staff_and_customer_see_what_was_paid_before_it_and_what_is_left(self, world: World, settings: Any) -> None:
        settings.BILL_DUE_DAYS = 20_000
        before = [bill(world, cycle) for cycle in world.cycles[:2]]
        pay_all(world, account=world.commercial, at=SIGNED)
        agree_on_advances(world)
        asked_at = morning(date(2026, 1, 8))
        advances.demand_advances(at=asked_at)
        pay(world, fen=200_00, account=world.commercial, at=asked_at)
        issued = Bill.objects.get(pk=bill(world, JANUARY, at=world.at))

        for client, address in (
            (browser(world.clerk_a_id), "/console/bills/"),
            (browser(owner_of(world)), "/my/bills/"),
        ):
            text = text_of(client, f"{address}{issued}/")
            total, left = yuan_from_fen(issued.total_fen), yuan_from_fen(issued.total_fen - 200_00)
            assert "本月分次结算" in text and "200.00" in text
            assert yuan_from_fen(AdvanceDemand.objects.get().amount_fen) in text
            assert f"本期电费 {total} 元，已交的从预存里扣，现在还要交 {left} 元" in text
            assert "本月分次结算" not in text_of(client, f"{address}{Bill.objects.get(pk=before[1])}/")


class TestInThePortal:
    @pytest.fixture(autouse=True)
    def _keys(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
        settings.WALLET_SIMULATOR = True
        keys = wallet_keys.make_or_read(str(tmp_path / "keys.json"))
        monkeypatch.setattr(wallet_keys, "_made", lambda _place: keys)

    def test_the_customer_sees_what_comes_next_and_pays_it_with_one_press(self, world: World) -> None:
        agreed_and_asked(world)
        client = browser(owner_of(world))

        assert "按协议先交" in text_of(client, "/my/") and YUAN_500 in text_of(client, "/my/")
        page = text_of(client, "/my/pay/")
        assert re.search(r'value="asked" checked', page) and "分次结算款 500.00 元" in page
        key = re.search(r'name="form_key" value="([0-9a-f]{32})"', page)
        assert key is not None
        answer = client.post("/my/pay/", {"form_key": key[1], "choice": "asked", "amount": ""})

        assert answer.status_code == 302
        assert PaymentOrder.objects.get().amount_fen == AdvanceDemand.objects.get().amount_fen == 500_00


class TestAtABank:
    def test_a_connected_bank_sees_it_beside_the_bills_and_its_payment_covers_it(self, world: World) -> None:
        agreed_and_asked(world)
        bank, address = connect_bank(world), f"/accounts/{world.commercial.account_no}/bills"
        today = timezone.localdate()

        owed = bank.get(address).json()

        assert (owed["to_pay_fen"], owed["bills"], owed["advance_fen"]) == (0, [], 500_00)
        assert [(one["month"], one["number"], one["open_fen"]) for one in owed["advances"]] == [
            (f"{today:%Y-%m}", 1, 500_00)
        ]
        taken = bank.pay(world.commercial.account_no, 500_00, serial="S1", bank_date=today.isoformat())
        assert taken.status_code == 201 and taken.json()["prepaid_fen"] == 500_00
        assert bank.get(address).json()["advances"] == []
