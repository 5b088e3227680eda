"""Capacity that is sealed or replaced for some days: agreed with its days, billed by the run, explained afterwards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    Bill,
    BillBasis,
    BillLine,
    BillPart,
    CapacityPause,
    MeterInstallation,
    RatingSwitches,
    Reading,
    SupplyContract,
    SupplyLoss,
    Tariff,
    TariffVersion,
)
from cis.operations import capacity_pauses, customers, supply_terms
from cis.operations.billing import issue_bill_now
from cis.queries.billed_population import Population, billed_columns
from cis.queries.billed_rating import compiled, totals
from cis.queries.billing import get_bill
from cis.rating import CHARGES, ChargeCode, Register
from cis.web.bills import in_words
from config.shared.errors import BadInput, Refused
from config.shared.models import User
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

UNIT = 10_000
JANUARY, START, END = 202601, date(2026, 1, 1), date(2026, 2, 1)
PRICE = Decimal("26.3")
RULES: list[dict[str, Any]] = [
    {"kind": "flat_energy", "price_yuan": "0.5"},
    {"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month": "42"},
    {"kind": "power_factor", "table": "1983-215"},
]


@pytest.fixture
def world() -> World:
    return small_world()


def works_of(world: World, **terms: Any) -> AccountIds:
    """1630 kVA on two parts, 31 000 kWh read in January and 20 000 in February; no reactive energy."""
    works = world.commercial
    made = Tariff.objects.create(code="T-2P", name="T-2P", province="湖北", category="test")
    TariffVersion.objects.create(
        tariff=made, valid=DateRange(None, None), rules=RULES, source="test", confidence="high"
    )
    agreed = {"capacity_kva": 1630, "demand_mode": 1, "price_class": 3} | terms
    SupplyContract.objects.filter(pk=works.contract_id).update(tariff=made, **agreed)
    Reading.objects.filter(installation_id=works.installation_id).delete()
    ratio = MeterInstallation.objects.get(pk=works.installation_id).ct_ratio
    values = ((START, 0, 202512), (END, 31_000 // ratio, JANUARY), (date(2026, 3, 1), 51_000 // ratio, 202602))
    for on, value, cycle in values:
        read(works, on, value, cycle=cycle)
    return works


def read(works: AccountIds, on: date, value: int | str, **more: Any) -> None:
    fields = {"register": Register.TOTAL, "state": Reading.State.ACCEPTED, "installation_id": works.installation_id}
    Reading.objects.create(
        **fields | {"account_id": works.account_id, "read_on": on, "value_e4": int(Decimal(value) * UNIT)} | more
    )


def pause(works: AccountIds, from_on: date, until: date, **more: Any) -> int:
    asked: dict[str, Any] = {
        "account_id": works.account_id, "kind": "suspension", "off_kva": 1000, "on_kva": 0, "is_new_install": False,
        "from_on": from_on, "until": until, "source": "申请 2026-118",
    }  # fmt: skip
    return capacity_pauses.agree_pause(**asked | more)


def choose(**values: Any) -> None:
    RatingSwitches.objects.create(org_unit=None, valid=DateRange(None, None), values=values, source="test")


def bill_of(works: AccountIds, cycle: int, world: World) -> Bill:
    bill_id = issue_bill_now(account_id=works.account_id, cycle=cycle, issued_by_id=None, at=world.at)
    bill = Bill.objects.get(pk=bill_id)
    assert get_bill(str(bill)).recomputes, "it is explained from what was kept"
    return bill


def capacity(bill: Bill) -> list[tuple[str, int, int]]:
    """(charge, kVA, sixtieths) of the basic charge."""
    codes = (ChargeCode.CAPACITY, ChargeCode.CAPACITY_HALF)
    rows = BillLine.objects.filter(bill_id=bill.pk, code__in=codes).order_by("seq")
    for row in rows:
        yuan = Decimal(row.quantity) / 100 * PRICE * (row.share or 60) / 60
        assert abs(Decimal(row.amount_fen) / 100 - yuan) <= Decimal("0.005")
    return [(CHARGES[ChargeCode(row.code)].text, row.quantity // 100, row.share or 60) for row in rows]


class TestASuspension:
    @pytest.mark.parametrize(
        ("owner", "running", "after"),
        # Sealed from 11 January to 11 February: days 1 to 10 run, and the 11th where the day is the old state's.
        [("new", 20, 36), ("old", 22, 34)],
    )
    def test_is_charged_by_the_days_that_ran_in_both_months(
        self, world: World, owner: str, running: int, after: int
    ) -> None:
        choose(change_day_belongs_to=owner)
        works = works_of(world)
        pause(works, date(2026, 1, 11), date(2026, 2, 11))

        january, february = bill_of(works, JANUARY, world), bill_of(works, 202602, world)

        assert capacity(january) == [("CAPACITY", 630, 60), ("CAPACITY", 1000, running)]
        assert capacity(february) == [("CAPACITY", 630, 60), ("CAPACITY", 1000, after)]
        said = [sentence for line in in_words(get_bill(str(january))) for sentence in line.sentences]
        assert any("三十分之一" in one for one in said)
        # The laboratory gives both again by what was kept with them.
        found = billed_columns(Population("", 3, None, JANUARY, 202602), low=0, high=10**9)
        for row, bill in enumerate((january, february)):
            assert totals(found, found.cycle.argsort()[[row]], compiled(RULES), row + 1).tolist() == [bill.total_fen]

    @pytest.mark.parametrize(("least", "lines"), [(15, [("CAPACITY", 1630, 60)]), (10, None)])
    def test_that_is_too_short_did_not_happen(self, world: World, least: int, lines: list[Any] | None) -> None:
        choose(min_suspension_days=least)
        works = works_of(world)
        pause(works, date(2026, 1, 5), date(2026, 1, 17))

        assert capacity(bill_of(works, JANUARY, world)) == (lines or [("CAPACITY", 630, 60), ("CAPACITY", 1000, 38)])

    def test_that_was_prolonged_is_one(self, world: World) -> None:
        works = works_of(world)
        pause(works, date(2026, 1, 5), date(2026, 1, 17))
        pause(works, date(2026, 1, 17), date(2026, 1, 21))

        assert capacity(bill_of(works, JANUARY, world)) == [("CAPACITY", 630, 60), ("CAPACITY", 1000, 30)]

    def test_of_what_was_new_is_charged_at_half_where_the_old_rule_stands(self, world: World) -> None:
        choose(suspension_new_install_half_charge=True)
        works = works_of(world)
        pause(works, date(2026, 1, 12), date(2026, 3, 1), is_new_install=True)

        assert capacity(bill_of(works, JANUARY, world)) == [
            ("CAPACITY", 630, 60), ("CAPACITY", 1000, 22), ("CAPACITY_HALF", 1000, 20),
        ]  # fmt: skip
        assert capacity(bill_of(works, 202602, world)) == [("CAPACITY", 630, 60), ("CAPACITY_HALF", 1000, 30)]

    def test_of_everything_leaves_no_loss_and_no_demand_on_its_days(self, world: World) -> None:
        works = works_of(world, capacity_kva=400, pf_standard_e2=90)
        for on, value in ((START, 0), (END, 100), (date(2026, 3, 1), 200)):
            read(works, on, value, register=Register.REACTIVE_IMPORT)
        SupplyLoss.objects.create(
            account_id=works.account_id, method="table", month_kwh_e2=30_400, month_kvarh_e2=60_000,
            valid=DateRange(None, None), source="test",
        )  # fmt: skip
        pause(works, date(2026, 1, 21), date(2026, 3, 1), off_kva=400)

        january, february = bill_of(works, JANUARY, world), bill_of(works, 202602, world)

        # Twenty days of the published table: 304 x 20/30 = 203 kWh; 600 x 20/30 = 400 kvarh.
        assert (capacity(january), capacity(february)) == ([("CAPACITY", 400, 40)], [])
        losses = [BillPart.objects.get(bill_id=bill.pk).loss_kwh_e2 for bill in (january, february)]
        assert losses == [20_300, 0]
        reactive = [BillBasis.objects.get(bill_id=bill.pk).reactive_kvarh_e2 for bill in (january, february)]
        assert reactive[0] - reactive[1] == 40_000

    def test_of_demand_takes_whole_periods_and_lowers_the_floor(self, world: World) -> None:
        works = works_of(world, demand_mode=2, contract_demand_kw=400)
        for on in (START, END, date(2026, 3, 1)):
            read(works, on, 0, register=Register.DEMAND)
        with pytest.raises(Refused, match="整个结算周期"):
            pause(works, date(2026, 1, 11), date(2026, 2, 11))
        pause(works, END, date(2026, 3, 1))

        january, february = bill_of(works, JANUARY, world), bill_of(works, 202602, world)

        # 40 % of 1630 kVA, then of the 630 that are not sealed, which the agreed 400 kW are above.
        demand = [
            BillLine.objects.get(bill_id=bill.pk, code=ChargeCode.DEMAND).quantity for bill in (january, february)
        ]
        assert demand == [652 * UNIT, 400 * UNIT]


class TestOtherChanges:
    def test_another_transformer_for_some_days(self, world: World) -> None:
        works = works_of(world, capacity_kva=400)
        pause(works, date(2026, 1, 19), date(2026, 2, 15), kind="replacement", off_kva=400, on_kva=630)

        # Eighteen days of the old one and thirteen of the new: 400 kVA throughout, 230 more on thirteen days.
        assert capacity(bill_of(works, JANUARY, world)) == [("CAPACITY", 400, 60), ("CAPACITY", 230, 26)]

    def test_who_moves_pays_the_basic_charge_of_their_own_days(self, world: World) -> None:
        works = works_of(world)
        moved = customers.move_tenant(
            account_id=works.account_id, on_date=date(2026, 3, 11), kind="enterprise", name="江汉市新棉纺", phone="",
            identity_no="", at=world.at, final_values_e4={works.installation_id: {1: 2_000 * UNIT}},
        )  # fmt: skip
        new = Account.objects.get(pk=moved.account_id)
        for cycle in (JANUARY, 202602):
            bill_of(works, cycle, world)
        contract = SupplyContract.objects.get(account=new)
        read(works, date(2026, 4, 1), 3_000, cycle=202603, account_id=new.pk)
        at = world.at.replace(month=4)

        shares = [
            capacity(Bill.objects.get(pk=issue_bill_now(account_id=who, cycle=202603, issued_by_id=None, at=at)))
            for who in (works.account_id, new.pk)
        ]

        assert contract.demand_mode == 1
        assert shares == [[("CAPACITY", 1630, 20)], [("CAPACITY", 1630, 42)]]


class TestAgreeing:
    def test_not_more_than_there_is_nor_what_was_billed(self, world: World) -> None:
        works = works_of(world)
        pause(works, date(2026, 1, 11), date(2026, 2, 11))

        with pytest.raises(Refused, match="1630 kVA，这段时间停用的一共有 2000 kVA"):
            pause(works, date(2026, 2, 10), date(2026, 3, 11))
        with pytest.raises(BadInput):
            pause(works, date(2026, 2, 11), date(2026, 2, 11))
        with pytest.raises(BadInput):
            pause(works, date(2026, 2, 11), date(2026, 3, 11), kind="replacement")
        bill_of(works, JANUARY, world)
        with pytest.raises(supply_terms.SupplyTermsRefused, match="已经发行"):
            pause(works, date(2026, 1, 31), date(2026, 3, 11), off_kva=10)
        with pytest.raises(DatabaseError), transaction.atomic():
            CapacityPause.objects.update(on_kva=5)

    def test_on_the_pages_and_ended_there(self, world: World) -> None:
        works = works_of(world)
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id), "django.contrib.auth.backends.ModelBackend")
        address = f"/console/accounts/{works.account_no}/supply/"
        typed = {
            "kind": "suspension", "off_kva": "1000", "on_kva": "", "from_on": "2026-02-11", "until": "2026-04-11",
            "source": "申请 2026-118",
        }  # fmt: skip

        wrong = client.post(f"{address}pause/", typed | {"off_kva": "2000"})
        right = client.post(f"{address}pause/", typed)

        assert wrong.status_code == 409 and "1630 kVA" in wrong.content.decode()
        assert right.status_code == 302
        row = CapacityPause.objects.get()
        assert "停用 1000 kVA，59 天" in client.get(address).content.decode()
        client.cookies["django_language"] = "en"
        assert ">Suspension</option>" in client.get(f"{address}pause/").content.decode()
        assert "Suspension" in client.get(address).content.decode()
        client.post(f"{address}pause/{row.pk}/end/", {"from_on": "2026-03-01"})
        assert CapacityPause.objects.get().valid.upper == date(2026, 3, 1)
