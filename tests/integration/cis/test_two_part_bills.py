"""A works on a two-part tariff is billed by the run like everybody: basic charge, energy, adjustment, funds."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from cis.demo.tariffs import carry_tariffs_over
from cis.models import (
    Bill,
    BillBasis,
    BillLine,
    Reading,
    ReadingRoute,
    SupplyContract,
    TransformerDistrict,
)
from cis.operations import contracts
from cis.operations.billing import issue_bill_now
from cis.queries.billing import get_bill
from cis.queries.customers import list_contracts
from cis.rating import CHARGES, ChargeCode, Register
from cis.rating.rules.basic_charge import DemandMode
from cis.web.bills import in_words
from config.shared.errors import Refused
from config.shared.models import OrgUnit, User
from config.shared.periods import add_months, first_day
from tests.factories.world import AccountIds, World, make_account, small_world
from tests.oracle import two_part as oracle

pytestmark = pytest.mark.django_db

TARIFF = "HB-2026-01-2P-10"
RATIO = 40
PARTS = {Register.SHARP: 200, Register.PEAK: 450, Register.FLAT: 800, Register.VALLEY: 300}
# As printed, funds included; those stand on lines of their own.
PRICES = {"SHARP": "1.049999", "PEAK": "0.846961", "FLAT": "0.651886", "VALLEY": "0.432924"}
FUNDS = Decimal("0.0452")


@pytest.fixture
def world() -> World:
    """The tiny utility; its two-part table holds for all its months."""
    world = small_world()
    start, end = first_day(add_months(world.cycles[0], -2)), first_day(add_months(world.cycles[-1], 13))
    carry_tariffs_over(from_day=start, to_day=end, prefix=TARIFF)
    return world


def make_works(world: World, number: str = "4290000009", **terms: Any) -> AccountIds:
    """A works with reactive and demand registers, read like the others."""
    county = OrgUnit.objects.get(pk=world.county_a_id)
    parts = {register: (units,) * len(world.cycles) for register, units in PARTS.items()}
    total = tuple(map(sum, zip(*parts.values(), strict=True)))
    works = make_account(
        number, "江汉市东湖纺织有限公司", county, ReadingRoute.objects.get(pk=world.route_day_0_id),
        TransformerDistrict.objects.get(pk=world.transformer_district_id), TARIFF, world.cycles,
        {Register.TOTAL: total, **parts}, price_class=SupplyContract.PriceClass.INDUSTRIAL, ct_ratio=RATIO,
        capacity_kva=1630,
    )  # fmt: skip
    SupplyContract.objects.filter(pk=works.contract_id).update(**terms)
    return works


def read_beside(works: AccountIds, register: Register, values: list[str]) -> None:
    """Readings of another register on the days of the total's, in order from the opening."""
    known = Reading.objects.filter(installation_id=works.installation_id, register=Register.TOTAL).order_by("read_on")
    Reading.objects.bulk_create(
        Reading(
            installation_id=works.installation_id, register=register, read_on=one.read_on, account_id=works.account_id,
            kind=one.kind, cycle=one.cycle, value_e4=int(Decimal(value) * 10_000), state=Reading.State.ACCEPTED,
        )
        for one, value in zip(known, values, strict=True)
    )  # fmt: skip


def bill(world: World, works: AccountIds, cycle: int | None = None) -> Bill:
    """The first month's bill, by a run of one shard of one account."""
    issue_bill_now(account_id=works.account_id, cycle=cycle or world.cycles[0], issued_by_id=None, at=world.at)
    return Bill.objects.get(account_id=works.account_id, cycle=cycle or world.cycles[0])


def energy_lines() -> list[oracle.Line]:
    """Energy by period, from the printed prices."""
    lines = []
    for name, printed in PRICES.items():
        kwh, price = Decimal(PARTS[Register[name]] * RATIO), Decimal(printed) - FUNDS
        lines.append((f"ENERGY_{name}", kwh, price, oracle.fen(kwh * price)))
    return lines


def lines_of(issued: Bill) -> list[oracle.Line]:
    """The stored lines without funds, in the oracle's units."""
    found = []
    for line in BillLine.objects.filter(bill_id=issued.pk).order_by("seq"):
        charge = CHARGES[ChargeCode(line.code)]
        if charge.ledger == "energy":
            quantity = Decimal(line.quantity).scaleb(-charge.places)
            found.append(
                (charge.text, quantity, Decimal(line.price_e8).scaleb(-8), Decimal(line.amount_fen).scaleb(-2))
            )
    return found


class TestTwoPartBill:
    def test_by_capacity_with_the_factor_of_what_was_read(self, world: World) -> None:
        works = make_works(world, demand_mode=DemandMode.CAPACITY, pf_standard_e2=90)
        read_beside(works, Register.REACTIVE_IMPORT, ["100", "900.5", "1800", "2600"])

        issued = bill(world, works)

        energy = energy_lines()
        active, reactive = Decimal(sum(PARTS.values()) * RATIO), Decimal(32020)
        factor = oracle.power_factor(active, reactive)
        base = sum((line[3] for line in energy), Decimal(0)) + Decimal("42869.00")
        assert factor == Decimal("0.91")
        assert lines_of(issued) == [
            *energy,
            ("CAPACITY", Decimal(1630), Decimal("26.3"), Decimal("42869.00")),
            ("PF_ADJ", base, Decimal("-0.0015"), oracle.fen(-base * Decimal("0.0015"))),
        ]
        basis = BillBasis.objects.get(bill_id=issued.pk)
        assert (basis.power_factor_e2, basis.reactive_kvarh_e2) == (91, 3_202_000)

    def test_by_contract_demand_above_the_threshold(self, world: World) -> None:
        works = make_works(world, demand_mode=DemandMode.CONTRACT, contract_demand_kw=800)
        read_beside(works, Register.DEMAND, ["0", "22.5013", "10", "10"])

        issued = bill(world, works)

        highest = Decimal("22.5013") * RATIO
        assert lines_of(issued)[4:] == [
            ("DEMAND", Decimal(800), Decimal(42), Decimal("33600.00")),
            ("DEMAND_OVER", highest - 840, Decimal(84), oracle.fen((highest - 840) * 84)),
        ]

    def test_is_explained_and_recomputes_from_what_was_kept(self, world: World) -> None:
        works = make_works(world, demand_mode=DemandMode.CONTRACT, contract_demand_kw=600, pf_standard_e2=85)
        read_beside(works, Register.DEMAND, ["0", "22.5", "10", "10"])
        read_beside(works, Register.REACTIVE_IMPORT, ["100", "2900.5", "1800", "2600"])
        issued = bill(world, works)
        # What was agreed later changes nothing of it.
        SupplyContract.objects.filter(pk=works.contract_id).update(contract_demand_kw=1)

        page = get_bill(str(issued))

        assert page.recomputes
        words = {line.name: line for line in in_words(page)}
        assert "800 千瓦" not in words["需量电费"].formula and "652 千瓦" in words["需量电费"].formula, (
            "40 % of 1630 kVA"
        )
        assert any("40%" in sentence for sentence in words["需量电费"].sentences)
        assert words["功率因数调整电费"].price == "25%" or "%" in words["功率因数调整电费"].price
        assert any("无功" in sentence for sentence in words["功率因数调整电费"].sentences)

    def test_capacity_that_changes_inside_the_month_is_charged_by_the_day(self, world: World) -> None:
        works = make_works(world, demand_mode=DemandMode.CAPACITY)
        first = date(world.cycles[0] // 100, world.cycles[0] % 100, 1)
        changed_on = first + timedelta(days=10)
        contracts.change_capacity(
            account_id=works.account_id, capacity_kva=630, from_on=changed_on, reason="减容",
            changed_by_id=world.accountant_id, at=world.at,
        )  # fmt: skip

        issued = bill(world, works)

        assert lines_of(issued)[4:] == [
            ("CAPACITY", Decimal(630), Decimal("26.3"), Decimal("16569.00")),
            ("CAPACITY", Decimal(1000), Decimal("26.3"), oracle.fen(Decimal("26300") * 10 / 30)),
        ]
        shares = BillLine.objects.filter(bill_id=issued.pk, code=ChargeCode.CAPACITY).order_by("seq")
        assert [line.share for line in shares] == [None, 20]
        assert get_bill(str(issued)).recomputes

    @pytest.mark.parametrize(
        ("terms", "detail"),
        [
            ({"demand_mode": DemandMode.CAPACITY, "pf_standard_e2": 90}, "缺少无功示数"),
            ({"demand_mode": DemandMode.ACTUAL}, "缺少最大需量示数"),
            ({}, "合同没有约定基本电费怎样计收"),
        ],
    )
    def test_what_is_not_agreed_or_not_read_is_left_out_and_not_free(
        self, world: World, terms: dict[str, Any], detail: str
    ) -> None:
        works = make_works(world, **terms)

        with pytest.raises(Refused) as refused:
            bill(world, works)

        assert detail in str(refused.value)
        assert not Bill.objects.filter(account_id=works.account_id).exists()


class TestTheKeptBasis:
    def test_is_written_once(self, world: World) -> None:
        works = make_works(world, demand_mode=DemandMode.CAPACITY)
        issued = bill(world, works)

        for statement in ("UPDATE cis_bill_basis SET floor_kva_e2 = 1", "DELETE FROM cis_bill_basis"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        assert BillBasis.objects.get(bill_id=issued.pk).floor_kva_e2 == 163_000

    def test_a_home_has_none(self, world: World) -> None:
        issue_bill_now(account_id=world.residential.account_id, cycle=world.cycles[0], issued_by_id=None, at=world.at)

        assert not BillBasis.objects.exists()


class TestTerms:
    """How an account is charged is agreed from a day on, by whoever may; the contract keeps its history."""

    def agree(self, world: World, works: AccountIds, **given: Any) -> int:
        asked: dict[str, Any] = {
            "account_id": works.account_id, "demand_mode": DemandMode.CONTRACT, "contract_demand_kw": 800,
            "pf_standard_e2": 90, "from_on": date(2026, 2, 1), "reason": "申请 2026-031",
            "changed_by_id": world.accountant_id, "at": world.at,
        }  # fmt: skip
        return contracts.change_terms(**asked | given)

    def test_hold_from_their_day_and_all_else_stays(self, world: World) -> None:
        works = make_works(world)

        new = SupplyContract.objects.get(pk=self.agree(world, works))

        old = SupplyContract.objects.get(pk=works.contract_id)
        assert (old.valid.upper, old.demand_mode, old.pf_standard_e2) == (date(2026, 2, 1), 0, 0)
        assert (new.valid.lower, new.contract_demand_kw, new.pf_standard_e2) == (date(2026, 2, 1), 800, 90)
        assert (new.capacity_kva, new.tariff_id, new.voltage) == (old.capacity_kva, old.tariff_id, old.voltage)
        [current] = [row for row in list_contracts(works.account_id, today=date(2026, 2, 3)) if row.is_current]
        assert current.charged_by == "按合同需量 800 kW，功率因数标准 0.90"

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"reason": " "}, "bad-input"),
            ({"contract_demand_kw": 0}, "bad-input"),
            ({"pf_standard_e2": 95}, "bad-input"),
            ({"demand_mode": 7}, "bad-input"),
            ({"demand_mode": DemandMode.NOT_AGREED, "pf_standard_e2": 0}, "terms-refused"),
        ],
    )
    def test_what_cannot_be_agreed_changes_nothing(self, world: World, given: dict[str, Any], code: str) -> None:
        works = make_works(world)

        with pytest.raises(Refused) as refused:
            self.agree(world, works, **given)

        assert refused.value.code == code
        assert SupplyContract.objects.filter(account_id=works.account_id).count() == 1

    def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(self, world: World) -> None:
        works = make_works(world)
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id), "django.contrib.auth.backends.ModelBackend")
        address = f"/console/accounts/{works.account_no}/terms/"
        typed = {"demand_mode": "2", "contract_demand_kw": "", "pf_standard_e2": "90"}
        typed |= {"from_on": "2026-02-01", "reason": "申请"}

        wrong = client.post(address, typed)
        right = client.post(address, typed | {"contract_demand_kw": "900"})

        assert wrong.status_code == 409 and "请填写合同最大需量" in wrong.content.decode()
        assert right.status_code == 302
        assert SupplyContract.objects.get(account_id=works.account_id, contract_demand_kw=900).pf_standard_e2 == 90
