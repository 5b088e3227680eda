"""Market customers: the month's table, agreements, and bills that follow from both."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from cis.models import Bill, BillLine, MarketMonth, RetailAgreement, RetailPackage, SupplyContract, TariffVersion
from cis.operations import retail
from cis.operations.billing import issue_bill_now
from cis.operations.market_tariffs import CannotMake, MonthIsBilled
from cis.queries.billing import get_bill
from cis.rating import ChargeCode
from config.shared import approvals
from config.shared.errors import NotAllowed, Refused
from config.shared.models import User
from tests.factories.market import FIXED, enter_month, leader_of, month_values, publish_month
from tests.factories.world import COMMERCIAL_TOU_TARIFF, World, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-03-03T09:00+08:00")
MONTH = 202602


@pytest.fixture
def world() -> World:
    """The tiny utility in March: the cycles up to February are read."""
    return small_world(at=AT)


def publish(world: World, month: int = MONTH, **changed: Any) -> MarketMonth:
    """The administrator enters a month, a leader publishes it."""
    return publish_month(world, month, at=AT, **changed)


def sign(world: World, **given: Any) -> int:
    asked = {
        "account_id": world.commercial.account_id,
        "from_month": MONTH,
        "until_month": None,
        "document": "零售合同 2026-0117",
        "signed_by_id": world.accountant_id,
        "at": AT,
    }
    return retail.sign_agreement(**{**asked, **given})


def package(kind: str = "fixed", terms: dict[str, Any] | None = None, **more: Any) -> int:
    seller = retail.add_retailer(code="SD001", name="江汉售电有限公司", name_en="Jianghan Retail")
    return retail.add_package(
        retailer_id=seller, code="F1", name="固定价一年", kind=kind, terms=terms or FIXED, source="零售平台备案", **more
    )


def bill(world: World, cycle: int = MONTH) -> Bill:
    for earlier in world.cycles:
        if earlier < cycle and not Bill.objects.filter(account_id=world.commercial.account_id, cycle=earlier).exists():
            issue_bill_now(account_id=world.commercial.account_id, cycle=earlier, issued_by_id=None, at=AT)
    issued = issue_bill_now(account_id=world.commercial.account_id, cycle=cycle, issued_by_id=None, at=AT)
    return Bill.objects.get(pk=issued)


def lines(of: Bill) -> dict[str, tuple[int, int, int]]:
    return {
        ChargeCode(line.code).name: (line.quantity, line.price_e8, line.amount_fen)
        for line in BillLine.objects.filter(bill_id=of.pk)
    }


class TestMonth:
    def test_one_act_of_two_persons_makes_every_tariff_of_the_month(self, world: World) -> None:
        row = publish(world)

        made = TariffVersion.objects.filter(pk__in=row.versions.values("version"))
        assert made.count() == 2 * len(month_values()["network"])
        own = made.get(tariff__code=COMMERCIAL_TOU_TARIFF)
        assert (own.valid.lower, own.valid.upper) == (date(2026, 2, 1), date(2026, 3, 1))
        assert not own.is_demonstration
        assert own.windows is not None
        # What the demonstration carried over stands around it, without a gap or an overlap.
        around = sorted((v.valid.lower or date.min, v.valid.upper or date.max) for v in own.tariff.versions.all())
        assert all(a[1] == b[0] for a, b in pairwise(around))

    def test_nobody_publishes_what_they_entered(self, world: World) -> None:
        row = enter_month(world, MONTH, at=AT)

        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=row.approval_id or 0, decided_by_id=world.administrator_id, at=AT)
        with pytest.raises(DatabaseError), transaction.atomic():
            MarketMonth.objects.filter(pk=row.pk).update(
                state="published", published_by_id=world.administrator_id, published_at=AT
            )
        assert not row.versions.exists()

    def test_it_is_made_again_until_somebody_is_billed(self, world: World) -> None:
        first = publish(world)
        second = publish(world, agent_purchase_yuan="0.400000")
        assert MarketMonth.objects.get(pk=first.pk).state == "replaced"
        assert second.versions.count() == 2 * len(month_values()["network"])

        found = lines(bill(world))
        assert found["ENERGY_FLAT"][1] == 40_000_000 + 1_364_300 + 21_030_000 + 8_227_300
        third = enter_month(world, MONTH, at=AT)
        with pytest.raises(MonthIsBilled):
            approvals.approve(approval_id=third.approval_id or 0, decided_by_id=leader_of(world), at=AT)
        assert MarketMonth.objects.get(province="湖北", month=MONTH, state="published").pk == second.pk

    def test_what_was_entered_never_changes(self, world: World) -> None:
        row = publish(world)

        with pytest.raises(DatabaseError), transaction.atomic():
            MarketMonth.objects.filter(pk=row.pk).update(values={})


class TestMarketBill:
    def test_purchase_is_the_packages_and_all_else_the_months(self, world: World) -> None:
        publish(world)
        agent = world.commercial
        sign(world, package_id=package())

        issued = bill(world)
        found = lines(issued)

        # 22 + 22 … : the advances of the month times 40.
        sharp, flat = 40 * 40 * 100, 100 * 40 * 100
        energy = issued.energy_kwh_e2
        assert found["ENERGY_RETAIL_SHARP"][:2] == (sharp, 78_400_000)
        assert found["ENERGY_RETAIL_FLAT"][:2] == (flat, 39_200_000)
        assert found["ENERGY_RETAIL_VALLEY"][1] == 17_640_000
        assert found["PURCHASE_LOSS_SHARP"][:2] == (sharp, 2_728_600)
        assert found["NETWORK"] == (energy, 21_030_000, (energy * 21_030_000 + 5 * 10**7) // 10**8)
        assert found["SYSTEM_OPERATION"][:2] == (energy, 8_227_300)
        assert found["FUND_RURAL"][:2] == (energy, 2_000_000)
        assert issued.total_fen == sum(amount for *_rest, amount in found.values())
        page = get_bill(str(issued), account_id=agent.account_id)
        assert page.recomputes
        assert page.purchase is not None
        assert page.purchase.seller == "江汉售电有限公司"

    def test_without_an_agreement_it_is_the_agents(self, world: World) -> None:
        publish(world)

        issued = bill(world)

        assert "ENERGY_FLAT" in lines(issued)
        page = get_bill(str(issued))
        assert page.purchase is not None
        assert page.purchase.way == "agent"

    def test_when_it_ends_the_account_buys_through_the_utility_again(self, world: World) -> None:
        # January's prices were loaded with the reference tables: the table that says the same takes them over.
        publish(world, 202601)
        publish(world)
        signed = sign(world, package_id=package(), from_month=202601, until_month=MONTH)

        assert RetailAgreement.objects.get(pk=signed).is_over
        assert "ENERGY_FLAT" in lines(bill(world))
        assert "ENERGY_RETAIL_FLAT" in lines(Bill.objects.get(account_id=world.commercial.account_id, cycle=202601))

    def test_a_multiple_is_paid_on_its_ground_and_said_so(self, world: World) -> None:
        publish(world)
        sign(world, package_id=None, ground="left_market", document="交易中心退市通知")

        issued = bill(world)

        expected = 57_670_500 + 1_364_300 + 21_030_000 + 8_227_300
        assert lines(issued)["ENERGY_FLAT"][1] == expected
        page = get_bill(str(issued))
        assert page.purchase is not None
        assert page.purchase.way == "multiple"
        assert "退出市场交易" in page.purchase.words
        assert "1.5" in page.purchase.words


class TestAgreement:
    def test_one_at_a_time_also_around_the_operation(self, world: World) -> None:
        publish(world)
        bought = package()
        signed = RetailAgreement.objects.get(pk=sign(world, package_id=bought))

        with pytest.raises(Refused):
            sign(world, package_id=bought, from_month=202603)
        with pytest.raises(DatabaseError), transaction.atomic():
            RetailAgreement.objects.create(
                account_id=signed.account_id,
                package_id=bought,
                valid=signed.valid,
                document="又一份",
                contract=signed.contract,
                signed_by_id=world.accountant_id,
                signed_at=AT,
            )

    def test_homes_do_not_buy_in_the_market(self, world: World) -> None:
        with pytest.raises(retail.AgreementRefused):
            sign(world, package_id=package(), account_id=world.residential.account_id)
        assert SupplyContract.objects.filter(account_id=world.residential.account_id).count() == 1

    def test_a_package_that_cannot_price_the_month_is_not_signed(self, world: World) -> None:
        publish(world)
        terms = {"reference": "gas", "spread_yuan": "0", "floats": True}

        with pytest.raises(CannotMake):
            sign(world, package_id=package("spread", terms))
        assert not RetailAgreement.objects.exists()

    def test_a_month_without_its_table_bills_no_market_customer(self, world: World) -> None:
        sign(world, package_id=package())

        with pytest.raises(Refused) as refused:
            bill(world)
        assert refused.value.facts["reason"] == "no-tariff-version"


class TestPages:
    def test_a_month_is_typed_over_the_last_and_a_market_bill_names_the_seller(self, world: World) -> None:
        publish(world)
        client = Client()
        client.force_login(User.objects.get(username="administrator"))
        form = client.get("/console/market/months/new/").context["form"]
        typed = {name: str(field.initial) for name, field in form.fields.items() if name.startswith("n")}
        typed["n0"] = "0.41"

        posted = client.post(
            "/console/market/months/new/",
            {"province": "湖北", "month": "202603", "source": "三月的表", **typed},
        )

        assert posted.status_code == 302, posted.context["form"].errors
        entered = MarketMonth.objects.get(month=202603)
        assert entered.values == month_values(agent_purchase_yuan="0.41")
        sign(world, package_id=package())
        issued = bill(world)
        client.force_login(User.objects.get(username="accountant"))
        for path in (f"/console/bills/{issued}/", f"/console/bills/{issued}/print/"):
            page = client.get(path).content.decode()
            assert "江汉售电有限公司" in page
            assert "零售合同 2026-0117" in page
        assert (
            "江汉售电有限公司"
            in client.get(f"/console/accounts/{world.commercial.account_no}/purchase/").content.decode()
        )

    def test_a_green_package_stands_beside_any_kind_of_energy(self, world: World) -> None:
        publish(world)
        seller = retail.add_retailer(code="SD002", name="绿能售电")
        client = Client()
        client.force_login(User.objects.get(username="accountant"))
        address = f"/console/market/retailers/{seller}/packages/new/?kind=green"
        typed = {"code": "G1", "name": "绿电", "source": "备案", "premium": "0.03", "green_share": "100"}
        spread = {"reference": "monthly_auction", "spread": "-0.005", "floats": "on"}

        assert "energy=spread" in client.get(address).content.decode()
        posted = client.post(f"{address}&energy=spread", typed | spread | {"settled_later": "on"})

        assert posted.status_code == 302, posted.context["form"].errors
        made = RetailPackage.objects.get(code="G1")
        assert made.settled_later
        assert made.terms == {
            "energy": {"kind": "spread", "reference": "monthly_auction", "spread_yuan": "-0.005", "floats": True},
            "premium_yuan": "0.03",
            "green_share_pct": 100,
        }
