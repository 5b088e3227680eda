"""Any hall serves any customer completely: what a clerk may do does not depend on where the customer lives."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from cis.models import Account, Bill, BillDispute, Customer, Premise
from config.shared.models import OrgUnit, User
from payments.models import Payment, Reversal
from tests.factories.staff import prove
from tests.factories.world import AccountIds, World, make_unit, make_user, small_world

pytestmark = pytest.mark.django_db

FIELDS_OF_THE_FRAME = {"csrfmiddlewaretoken", "next", "language", "q", "draft_ticket"}


@pytest.fixture
def world() -> World:
    return small_world()


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), "django.contrib.auth.backends.ModelBackend")
    prove(client)
    return client


def asked_for(page: str) -> set[str]:
    """The names of everything a page asks to be filled in."""
    return set(re.findall(r'<(?:input|select|textarea)[^>]* name="([a-z_]+)"', page)) - FIELDS_OF_THE_FRAME


def serve(client: Client, account: AccountIds, cycle: int, known_by: str) -> None:
    """Everything a counter does for a customer, who only says what they know of themselves."""
    number = account.account_no
    root = f"/console/accounts/{number}/"
    found = client.post("/console/search/", {"q": known_by})
    assert (found.status_code, found["Location"]) == (302, root)
    assert client.get(root).status_code == 200
    customer = Customer.objects.get(pk=account.customer_id)
    saved = client.post(
        f"{root}customer/",
        {"version": customer.version, "name": customer.name, "kind": customer.kind, "phone": "13900001111"},
    )
    premise = Premise.objects.get(pk=account.premise_id)
    moved = client.post(f"{root}premise/", {"version": premise.version, "address": premise.address, "door": "2栋"})
    assert (saved.status_code, moved.status_code) == (302, 302)

    if not Bill.objects.filter(account_id=account.account_id).exists():
        assert asked_for(client.get(f"{root}bill-now/").content.decode()) == {"cycle"}
        assert client.post(f"{root}bill-now/", {"cycle": cycle}).status_code == 302
    bill = Bill.objects.get(account_id=account.account_id)
    assert client.get(f"/console/bills/{bill}/").status_code == 200
    assert client.get(f"/console/bills/{bill}/print/").status_code == 200
    assert client.post(f"/console/bills/{bill}/dispute/", {"reason": "电量偏多"}).status_code == 302
    assert client.post(f"/console/bills/{bill}/dispute/close/", {"outcome": "已解释"}).status_code == 302

    form = client.get(f"{root}pay/")["Location"]
    page = client.get(form).content.decode()
    assert asked_for(page) == {"form_key", "amount", "method", "reference"}
    key = re.search(r'name="form_key" value="([0-9a-f]{32})"', page)
    assert key is not None
    paid = client.post(form, {"form_key": key[1], "amount": "1.00", "method": "cash", "reference": ""})
    assert paid.status_code == 302
    assert client.get(f"{paid['Location']}receipt-a4.pdf").content.startswith(b"%PDF")
    assert client.post(f"{paid['Location']}reversal/", {"reason": "找错零钱"}).status_code == 302


@pytest.mark.acceptance("001-40")
@pytest.mark.acceptance("002-06")
@pytest.mark.acceptance("004-02")
@pytest.mark.acceptance("004-09")
class TestNoAreaWall:
    def test_every_hall_serves_every_customer_completely(self, world: World) -> None:
        halls = (world.hall_a_id, world.hall_b_id, world.hall_c_id)
        clerks = [make_user(f"w{hall}", OrgUnit.objects.get(pk=hall), "clerk").pk for hall in halls]
        known = ("张三", "oyn", "M4290000003", "4290000004")
        areas = {Account.objects.get(pk=account.account_id).org_unit_id for account in world.accounts}
        assert areas == {world.county_a_id, world.county_b_id}

        for clerk in clerks:
            for account, known_by in zip(world.accounts, known, strict=True):
                serve(signed_in(clerk), account, world.cycle, known_by)

        assert Payment.objects.count() == Reversal.objects.count() == len(clerks) * len(world.accounts)
        assert BillDispute.objects.count() == len(clerks) * len(world.accounts)

    def test_even_a_hall_of_another_province_does(self, world: World) -> None:
        province = make_unit(None, OrgUnit.Kind.PROVINCE, uuid.uuid4().hex[:8], "湖南省电力公司")
        hall = make_unit(province, OrgUnit.Kind.HALL, uuid.uuid4().hex[:8], "岳麓营业厅")

        serve(signed_in(make_user("far_away", hall, "clerk").pk), world.residential, world.cycle, "张三")


@pytest.mark.acceptance("004-08")
class TestTheAreaIsLookedUp:
    @pytest.mark.parametrize(
        "known_by", ["4290000003", "M4290000003", "10000000003", "0003", "李龘", "龘", "ld", "临江 桂苑路"]
    )
    def test_whatever_the_customer_knows_finds_them_and_shows_where_they_belong(
        self, world: World, known_by: str
    ) -> None:
        client = signed_in(world.clerk_a_id)

        page = client.post("/console/search/", {"q": known_by}, follow=True).content.decode()

        assert world.residential_tou.account_no in page and "临江县供电公司" in page
        assert not asked_for(page) & {"area", "org_unit", "county", "region"}
