"""A wrong or late reading re-rates the period it belongs to and nets on the next bill; cancelled bills sum to zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg2.extras import DateRange

from cis.demo.tariffs import carry_tariffs_over
from cis.models import (
    Bill,
    BillCancellation,
    BillCorrection,
    BillLine,
    LedgerTransfer,
    MarketMonth,
    Reading,
    ReadingEdit,
    ReadingRoute,
    Retailer,
    RetailPackage,
    SupplyContract,
    SupplyLoss,
    SupplyPart,
    Tariff,
    TariffVersion,
    TransformerDistrict,
)
from cis.models.metering import ReadingSource
from cis.operations import bill_cancellations, bill_corrections, late_fees, ledger, retail
from cis.operations.bill_corrections import Ratio, Values
from cis.operations.billing import issue_bill_now
from cis.operations.integrity import check_integrity
from cis.operations.settlement import settle
from cis.queries.billing import get_bill
from cis.queries.late_fees import late_fees_so_far
from cis.rating import ChargeCode, Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared import approvals
from config.shared.errors import Refused
from config.shared.models import OrgUnit, User
from config.shared.periods import add_months, first_day
from tests.factories.market import SHARE, publish_month
from tests.factories.world import AccountIds, World, make_account, make_user, small_world

pytestmark = pytest.mark.django_db

PERIODS = (Register.SHARP, Register.PEAK, Register.FLAT, Register.VALLEY)
AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
"""The four months before lie in one tier year."""


@dataclass(frozen=True)
class Kind:
    """A tariff of one structure, with what an account under it needs."""

    tariff: str
    registers: tuple[Register, ...] = ()
    """beside the total"""
    price_class: int = SupplyContract.PriceClass.RESIDENTIAL
    ratio: int = 1
    terms: tuple[tuple[str, Any], ...] = ()
    beside: tuple[Register, ...] = ()
    """registers that are no energy: reactive, demand"""
    agree: Callable[[World, AccountIds], None] | None = None
    """what an account of this kind agrees beside its tariff"""
    is_market: bool = False
    """priced by the published tables of its months"""


LIGHTING = [{"kind": "flat_energy", "price_yuan": "0.8021"}]
POWER_FACTOR = {"kind": "power_factor", "table": "1983-215"}
YEARLY = {"kind": "tier", "period": "year", "upper_kwh": ["300", "900"], "price_yuan": ["0.5", "0.6", "0.9"]}
INSIDE = date(2026, 3, 12)
"""a day inside the second of the months"""
TARIFFS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]] | None]] = {
    "T-LIGHT": (LIGHTING, None),
    "T-WORKS": ([{"kind": "flat_energy", "price_yuan": "0.5"}, POWER_FACTOR], None),
    "T-CUT": (LIGHTING, [{"kind": "flat_energy", "price_yuan": "0.6107"}]),
    "T-CUT-TIERS": ([YEARLY], [YEARLY | {"upper_kwh": ["400", "700"], "price_yuan": ["0.4", "0.7", "1"]}]),
}


def make_tariffs() -> None:
    """Tariffs of one version, and of two that change inside the second month."""
    for code, (first, then) in TARIFFS.items():
        made = Tariff.objects.create(code=code, name=code, province="湖北", category="test")
        spans = [(None, INSIDE, first), (INSIDE, None, then)] if then else [(None, None, first)]
        for since, until, rules in spans:
            TariffVersion.objects.create(
                tariff=made, valid=DateRange(since, until), rules=rules, source="test", confidence="high"
            )


def loses(world: World, account: AccountIds) -> None:
    """Transformer and line losses of energy and of reactive energy."""
    del world
    SupplyLoss.objects.create(
        account_id=account.account_id, valid=DateRange(None, None), source="test", method="table",
        month_kwh_e2=10_370, month_kvarh_e2=72_000, line_loss_e6=30_000,
    )  # fmt: skip


def has_parts(world: World, account: AccountIds) -> None:
    """A tenth at the price of lighting, 20 kWh a month at that of homes, and losses."""
    loses(world, account)
    for code, price_class, terms in (
        ("T-LIGHT", 2, {"kind": 4, "ratio_e6": 100_000}),
        ("ZJ-RES-SHARED", 1, {"kind": 3, "month_kwh": 20}),
    ):
        SupplyPart.objects.create(
            account_id=account.account_id, tariff=Tariff.objects.get(code=code), price_class=price_class,
            valid=DateRange(None, None), source="test", **terms,
        )  # fmt: skip


def buys_from_a_retailer(world: World, account: AccountIds) -> None:
    """A package whose price shares the difference to the month's auction."""
    seller = Retailer.objects.filter(code="SD001").first()
    package = RetailPackage.objects.filter(code="S1").first()
    if seller is None or package is None:
        seller_id = retail.add_retailer(code="SD001", name="江汉售电有限公司", name_en="Jianghan Retail")
        package_id = retail.add_package(
            retailer_id=seller_id, code="S1", name="分成一年", kind="share", terms=SHARE, source="零售平台备案"
        )
    else:
        package_id = package.pk
    retail.sign_agreement(
        account_id=account.account_id, package_id=package_id, from_month=world.cycles[0], until_month=None,
        document="零售合同", signed_by_id=world.accountant_id, at=AT,
    )  # fmt: skip


KINDS = {
    "flat": Kind("HB-2026-01-1P-LT1-NOTOU", price_class=SupplyContract.PriceClass.COMMERCIAL, ratio=10),
    "one price": Kind("ZJ-RES-SHARED"),
    "monthly tiers": Kind("GD-SZ-RES"),
    "annual tiers": Kind("HB-RES"),
    "tiers and time of use": Kind("JS-RES-TOU", (Register.PEAK, Register.VALLEY)),
    "time of use": Kind("HB-2026-01-1P-LT1", PERIODS, SupplyContract.PriceClass.COMMERCIAL, 20),
    "two-part with power factor": Kind(
        "HB-2026-01-2P-10",
        PERIODS,
        SupplyContract.PriceClass.INDUSTRIAL,
        40,
        (("demand_mode", DemandMode.ACTUAL), ("pf_standard_e2", 90)),
        (Register.REACTIVE_IMPORT, Register.DEMAND),
    ),
    "a price change inside": Kind("T-CUT", price_class=SupplyContract.PriceClass.COMMERCIAL, ratio=10),
    "tiers that change inside": Kind("T-CUT-TIERS"),
    "losses": Kind(
        "T-WORKS",
        price_class=SupplyContract.PriceClass.INDUSTRIAL,
        ratio=10,
        terms=(("pf_standard_e2", 90),),
        beside=(Register.REACTIVE_IMPORT,),
        agree=loses,
    ),
    "mixed use": Kind(
        "T-WORKS",
        price_class=SupplyContract.PriceClass.INDUSTRIAL,
        ratio=20,
        terms=(("pf_standard_e2", 85),),
        beside=(Register.REACTIVE_IMPORT,),
        agree=has_parts,
    ),
    "agent purchase": Kind(
        "HB-2026-01-1P-LT1", PERIODS, SupplyContract.PriceClass.COMMERCIAL, 20, is_market=True
    ),
    "retail package": Kind(
        "HB-2026-01-1P-LT1", PERIODS, SupplyContract.PriceClass.COMMERCIAL, 20,
        agree=buys_from_a_retailer, is_market=True,
    ),
}  # fmt: skip
SEVERAL = ("a price change inside", "tiers that change inside", "losses", "mixed use", "retail package")


@pytest.fixture
def world(settings: Any) -> World:
    """The tiny utility with four months read; the tables of one month hold for all, and nothing is held."""
    settings.BILL_HOLDS = {}
    world = small_world(at=AT, cycles=4)
    start, end = first_day(add_months(world.cycles[0], -2)), first_day(add_months(world.cycles[-1], 13))
    for prefix in ("HB-2026-01-2P-10", "HB-2026-01-1P-LT1-NOTOU"):
        carry_tariffs_over(from_day=start, to_day=end, prefix=prefix)
    make_tariffs()
    return world


def open_months(world: World, kind: Kind) -> None:
    """The market's tables of all months, each with a price of its own."""
    if kind.is_market and not MarketMonth.objects.exists():
        for number, month in enumerate(world.cycles):
            publish_month(world, month, at=AT, agent_purchase_yuan=f"0.40{number}000")


@contextmanager
def undone() -> Iterator[None]:
    """One example's rows, gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make(world: World, number: int, kind: Kind, energies: list[dict[Register, int]]) -> AccountIds:
    """An account of this kind with so many units in each of the months."""
    units: dict[Register, tuple[int, ...]] = {
        register: tuple(month[register] for month in energies) for register in kind.registers
    }
    units[Register.TOTAL] = (
        tuple(map(sum, zip(*units.values(), strict=True)))
        if units
        else tuple(month[Register.TOTAL] for month in energies)
    )
    made = make_account(
        f"42900001{number:02d}", "江汉市东湖纺织有限公司", OrgUnit.objects.get(pk=world.county_a_id),
        ReadingRoute.objects.get(pk=world.route_day_0_id),
        TransformerDistrict.objects.get(pk=world.transformer_district_id), kind.tariff, world.cycles, units,
        price_class=kind.price_class, ct_ratio=kind.ratio, capacity_kva=400,
    )  # fmt: skip
    SupplyContract.objects.filter(pk=made.contract_id).update(**dict(kind.terms))
    known = list(Reading.objects.filter(installation_id=made.installation_id, register=Register.TOTAL))
    known.sort(key=lambda one: one.read_on)
    for register in kind.beside:
        value = 0
        for one, month in zip(known, [dict.fromkeys(Register, 0), *energies], strict=True):
            value = month[register] if register is Register.DEMAND else value + month[register]
            Reading.objects.create(
                installation_id=made.installation_id, register=register, read_on=one.read_on,
                account_id=made.account_id, kind=one.kind, cycle=one.cycle, value_e4=value * 10_000,
                state=Reading.State.ACCEPTED,
            )  # fmt: skip
    if kind.agree is not None:
        kind.agree(world, made)
    return made


def issue(account: AccountIds, cycle: int) -> Bill:
    return Bill.objects.get(pk=issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=AT))


def correct_months(account: AccountIds, right: AccountIds, cycles: tuple[int, ...], user_id: int) -> None:
    """Put the values of the other account's meter in place of this one's, month by month."""
    for cycle in cycles:
        values: dict[int, int] = {}
        for one in Reading.objects.filter(installation_id=right.installation_id, cycle=cycle):
            values[one.register] = one.value_e4
            day = one.read_on
        with suppress(bill_corrections.NothingChanges):
            bill_corrections.correct(
                change=Values(account.installation_id, day, values), reason="现场核对示数", by_id=user_id, at=AT
            )


def faults() -> list[str]:
    """What the ledger and the nightly checks find wrong."""
    return [*ledger.verify().faults, *(one.check for one in check_integrity() if one.broken)]


months = st.fixed_dictionaries(
    {
        Register.TOTAL: st.integers(1, 900),
        Register.SHARP: st.integers(0, 200),
        Register.PEAK: st.integers(1, 900),
        Register.FLAT: st.integers(0, 400),
        Register.VALLEY: st.integers(1, 900),
        Register.REACTIVE_IMPORT: st.integers(0, 900),
        Register.DEMAND: st.integers(1, 12),
    }
)


class TestRerated:
    @pytest.mark.acceptance("F11")
    @pytest.mark.parametrize("name", KINDS)
    @hypothesis_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_difference_is_bill_corrected_less_bill_original(
        self, world: World, settings: Any, name: str, data: st.DataObject
    ) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        kind, first, last = KINDS[name], world.cycles[:3], world.cycles[3]
        right = data.draw(st.lists(months, min_size=4, max_size=4))
        wrong = [dict(month) for month in right]
        # Two readings in a row are wrong, each somewhere between its neighbours; the third is right again.
        for register in Register:
            if register is Register.DEMAND:
                wrong[0][register], wrong[1][register] = (data.draw(st.integers(1, 12)) for _ in range(2))
            elif register in right[0]:
                one, two, three, _four = (month[register] for month in right)
                shift = data.draw(st.integers(-one, two // 2)), data.draw(st.integers(-(two // 2), three))
                wrong[0][register] = one + shift[0]
                wrong[1][register] = two - shift[0] + shift[1]
                wrong[2][register] = three - shift[1]
        open_months(world, kind)
        with undone():
            mistaken, twin = make(world, 1, kind, wrong), make(world, 2, kind, right)
            issued = {cycle: (issue(mistaken, cycle), issue(twin, cycle)) for cycle in first}

            correct_months(mistaken, twin, first[:2], world.accountant_id)

            for original, corrected in issued.values():
                settled = BillCorrection.objects.filter(bill=original).aggregate(fen=Sum("amount_fen"))["fen"]
                assert (settled or 0) == corrected.total_fen - original.total_fen
            mine, its = issue(mistaken, last), issue(twin, last)
            owed = sum(one.total_fen for one, _ in issued.values())
            due = sum(one.total_fen for _, one in issued.values())
            assert mine.total_fen - mine.correction_fen == its.total_fen
            assert mine.tier_kwh_e2_before == its.tier_kwh_e2_before
            # Every fen is on the next bill, or kept as prepayment where the bill was smaller than the credit.
            kept = ledger.lock_balances([mistaken.account_id])[mistaken.account_id][1]
            assert owed + mine.total_fen - kept == due + its.total_fen
            assert not kept or mine.total_fen == 0
            assert not BillCorrection.objects.filter(account_id=mistaken.account_id, state="standing").exists()
            assert get_bill(str(mine)).recomputes
            assert ledger.verify().faults == ()


def reading_of(account: AccountIds, cycle: int) -> Reading:
    return Reading.objects.get(installation_id=account.installation_id, cycle=cycle, register=Register.TOTAL)


def total_to(account: AccountIds, cycle: int, change: int, *, is_late: bool = False) -> Values:
    """The account's total register of a month-end, so many units off what was read."""
    one = reading_of(account, cycle)
    return Values(account.installation_id, one.read_on, {int(Register.TOTAL): one.value_e4 + change * 10_000}, is_late)


class TestOnTheNextBill:
    def test_keeps_the_credit_that_is_larger_than_the_bill(self, world: World) -> None:
        who, (first, second, third, _) = world.residential, world.cycles
        original, between = issue(who, first), issue(who, second)
        earlier = reading_of(who, second)

        made = bill_corrections.correct(
            change=total_to(who, second, -150), reason="表计误抄", by_id=world.accountant_id, at=AT
        )
        # After a month far too high hardly anything was used: the bill is smaller than the credit.
        Reading.objects.filter(installation_id=who.installation_id, cycle=third).update(
            value_e4=earlier.value_e4 - 1_490_000, advance_kwh_e2=100
        )

        assert [one.bill.pk for one in made.bills] == [between.pk]
        assert made.amount_fen < 0
        taken = issue(who, third)
        lines = {one.code: one.amount_fen for one in BillLine.objects.filter(bill_id=taken.pk)}
        credit = ledger.lock_balances([who.account_id])[who.account_id][1]
        own = taken.total_fen - taken.correction_fen
        assert taken.total_fen == taken.open_fen == 0
        assert lines[ChargeCode.CORRECTION_LESS] == made.amount_fen
        assert lines[ChargeCode.CREDIT_KEPT] == credit == -made.amount_fen - own > 0
        assert original.total_fen == Bill.objects.get(pk=original.pk).open_fen
        assert get_bill(str(taken)).recomputes
        assert faults() == []

    def test_late_actual_reading_settles_the_estimated_month(self, world: World) -> None:
        who, (first, second, *_rest) = world.residential, world.cycles
        Reading.objects.filter(installation_id=who.installation_id, cycle=first).update(source=ReadingSource.ESTIMATED)
        original = issue(who, first)

        made = bill_corrections.correct(
            change=total_to(who, first, 40, is_late=True), reason="现场抄见", by_id=world.accountant_id, at=AT
        )

        kept = BillCorrection.objects.get(bill=original)
        assert (kept.cause, kept.usage_then[0]["is_estimated"], kept.usage_now[0]["is_estimated"]) == (
            "late-reading",
            True,
            False,
        )
        assert kept.energy_kwh_e2_now - kept.energy_kwh_e2_then == 4_000
        # The next month has that much less: the customer pays every kWh once.
        following = issue(who, second)
        assert (
            following.energy_kwh_e2 + kept.energy_kwh_e2_now
            == (reading_of(who, second).value_e4 - 10_000_000) * 100 // 10_000
        )
        assert following.correction_fen == made.amount_fen > 0
        assert ReadingEdit.objects.get(installation_id=who.installation_id).method == "late-actual"

    def test_wrong_ratio_re_rates_every_month_of_the_meter(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        who = world.commercial
        issued = [issue(who, cycle) for cycle in world.cycles[:3]]

        made = bill_corrections.correct(
            change=Ratio(who.installation_id, 80, 1), reason="铭牌 400/5", by_id=world.accountant_id, at=AT
        )

        assert [one.bill.pk for one in made.bills] == [one.pk for one in issued]
        assert all(2 * one.then.energy_kwh_e2 == one.now.energy_kwh_e2 for one in made.bills)
        taken = issue(who, world.cycles[3])
        assert taken.correction_fen == made.amount_fen
        funds = LedgerTransfer.objects.filter(
            document_id=taken.pk,
            kind=21,
            credit_id__in=[ledger.control_id(name) for name in ("FUND_RURAL", "FUND_RESERVOIR", "FUND_RENEWABLE")],
        ).aggregate(fen=Sum("amount_fen"))["fen"]
        assert funds == sum(one.fund_fen for one in made.bills) > 0
        assert faults() == []

    def test_is_written_once(self, world: World) -> None:
        issue(world.residential, world.cycles[0])
        bill_corrections.correct(
            change=total_to(world.residential, world.cycles[0], 5), reason="误抄", by_id=world.accountant_id, at=AT
        )
        for act in ("UPDATE cis_bill_correction SET amount_fen = 0", "DELETE FROM cis_bill_correction"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(act)


class TestSecondPerson:
    @pytest.mark.acceptance("F36")
    def test_decides_when_small_steps_of_one_person_come_to_more_than_the_limit(
        self, world: World, settings: Any
    ) -> None:
        settings.CORRECTION_LIMIT_FEN = 2_000
        who, cycle = world.residential, world.cycles[0]
        issue(who, cycle)

        steps = [
            bill_corrections.correct(change=total_to(who, cycle, -20), reason="误抄", by_id=world.accountant_id, at=AT)
            for _ in range(2)
        ]

        assert [step.amount_fen for step in steps] == [-1_116, -1_116]
        assert steps[0].approval_id is None and steps[1].approval_id is not None
        assert BillCorrection.objects.get().amount_fen == -1_116
        later = AT + timedelta(days=settings.CORRECTION_LIMIT_DAYS)
        approvals.withdraw(approval_id=steps[1].approval_id, asked_by_id=world.accountant_id, at=AT)
        again = bill_corrections.correct(
            change=total_to(who, cycle, -20), reason="误抄", by_id=world.accountant_id, at=later
        )
        assert again.approval_id is None

    def test_decides_above_the_limit_and_nothing_changes_before(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 100
        who, cycle = world.residential, world.cycles[0]
        issue(who, cycle)
        before = reading_of(who, cycle).value_e4

        made = bill_corrections.correct(
            change=total_to(who, cycle, 30), reason="误抄", by_id=world.accountant_id, at=AT
        )

        assert made.approval_id is not None
        assert reading_of(who, cycle).value_e4 == before
        assert not BillCorrection.objects.exists()
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=made.approval_id, decided_by_id=world.accountant_id, at=AT)
        other = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=made.approval_id, decided_by_id=other.pk, at=AT)
        kept = BillCorrection.objects.get()
        assert (kept.amount_fen, kept.approved_by_id, kept.asked_by_id) == (
            made.amount_fen,
            other.pk,
            world.accountant_id,
        )
        assert reading_of(who, cycle).value_e4 == before + 300_000


class TestCancelled:
    @pytest.mark.acceptance("F36")
    def test_drops_no_late_fee_by_one_person(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN, settings.BILL_DUE_DAYS = 10**12, 15
        who, late = world.commercial, datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
        bill = issue(who, world.cycles[0])
        [before] = late_fees_so_far(who.account_id, on=late.date()).bills
        cancel: dict[str, Any] = {"reason": "户名有误", "by_id": world.accountant_id, "at": late}

        again = bill_cancellations.cancel_and_rebill(bill_no=str(bill), **cancel)

        new = Bill.objects.get(account_id=who.account_id, revision=1)
        [after] = late_fees_so_far(who.account_id, on=late.date()).bills
        assert new.due_on == bill.due_on < late.date()
        assert after.bill_id == new.pk and after.fee_fen == before.fee_fen > 0
        # Half is paid with its late fee: billed again, the fee of those days is not asked twice.
        settle(
            account_id=who.account_id, amount_fen=before.fee_fen + new.total_fen // 2, payment_id=9, clearing="CASH",
            at=late, business_date=ledger.open_business_date(late), actor_id=None,
        )  # fmt: skip
        again = bill_cancellations.cancel_and_rebill(bill_no=again.bill_no, **cancel)
        assert again.paid_late_fee_fen == before.fee_fen
        left = Bill.objects.get(account_id=who.account_id, revision=2).open_fen
        day = late.date() + timedelta(days=10)
        [on] = late_fees_so_far(who.account_id, on=day).bills
        assert (on.days, on.fee_fen, on.open_fen) == (10, (left * 20 + 500) // 1000, left)
        # Larger it would be due anew: the fee that runs would be gone.
        one = reading_of(who, world.cycles[0])
        Reading.objects.filter(installation_id=one.installation_id, register=one.register, read_on=one.read_on).update(
            value_e4=one.value_e4 + 100_000, advance_kwh_e2=one.advance_kwh_e2 + 40_000
        )
        cancel["at"] = late + timedelta(days=10)
        with pytest.raises(bill_cancellations.LateFeeRunning):
            bill_cancellations.cancel_and_rebill(bill_no=again.bill_no, **cancel)
        assert ledger.verify().faults == ()

    @pytest.mark.acceptance("F36")
    def test_late_fee_paid_on_a_wrong_bill_is_given_back_by_two_persons(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN, settings.BILL_DUE_DAYS = 10**12, 15
        who, late = world.commercial, datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
        bill = issue(who, world.cycles[0])
        [fee] = late_fees_so_far(who.account_id, on=late.date()).bills
        settle(
            account_id=who.account_id, amount_fen=fee.fee_fen + bill.total_fen, payment_id=9, clearing="CASH",
            at=late, business_date=ledger.open_business_date(late), actor_id=None,
        )  # fmt: skip
        done = bill_cancellations.cancel_and_rebill(
            bill_no=str(bill), reason="户名有误", by_id=world.accountant_id, at=late
        )
        assert done.paid_late_fee_fen == fee.fee_fen > 0

        ask: dict[str, Any] = {"bill_id": bill.pk, "reason": "表是我们装错的", "asked_by_id": world.accountant_id}
        asked = late_fees.ask_give_back(**ask, at=late)
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=late)
        second = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=asked, decided_by_id=second.pk, at=late)

        assert ledger.lock_balances([who.account_id])[who.account_id] == (0, fee.fee_fen)
        with pytest.raises(late_fees.NoLateFee):
            late_fees.ask_give_back(**ask, at=late)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert faults() == []

    @pytest.mark.parametrize("name", SEVERAL)
    def test_bills_of_several_parts_and_of_the_market_sum_to_zero(self, world: World, settings: Any, name: str) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        open_months(world, KINDS[name])
        energies = [
            dict.fromkeys(Register, 0) | dict.fromkeys((Register.TOTAL, *PERIODS), 60 + 7 * n) for n in range(4)
        ]
        who = make(world, 1, KINDS[name], energies)
        bills = [issue(who, cycle) for cycle in world.cycles[:3]]

        bill_cancellations.cancel_and_rebill(
            bill_no=str(bills[1]), reason="户名有误，重开", by_id=world.accountant_id, at=AT
        )

        of_bill: dict[int, int] = {}
        for one in LedgerTransfer.objects.filter(account_id=who.account_id, document_id=bills[1].pk):
            of_bill[one.debit_id] = of_bill.get(one.debit_id, 0) + one.amount_fen
            of_bill[one.credit_id] = of_bill.get(one.credit_id, 0) - one.amount_fen
        assert of_bill
        assert not any(of_bill.values())
        new = Bill.objects.get(account_id=who.account_id, period_start=bills[1].period_start, revision=1)
        assert (new.total_fen, new.energy_kwh_e2) == (bills[1].total_fen, bills[1].energy_kwh_e2)
        assert not BillCorrection.objects.exists(), "nothing later moved"
        assert get_bill(str(new)).recomputes
        assert faults() == []

    def test_is_refused_while_a_late_fee_is_open_and_done_once_it_is_waived(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        who, late = world.commercial, datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
        bill = issue(who, world.cycles[0])
        ledger.lock_balances([who.account_id])
        late_fees.charge(
            late_fees_so_far(who.account_id, on=late.date()), account_id=who.account_id, bill_ids=[bill.pk],
            through_on=late.date(), at=late, business_date=late.date(), actor_id=None,
        )  # fmt: skip
        cancel: dict[str, Any] = {"bill_no": str(bill), "reason": "户名有误", "by_id": world.accountant_id, "at": late}

        with pytest.raises(bill_cancellations.BoundElsewhere, match="违约金减免"):
            bill_cancellations.cancel_and_rebill(**cancel)

        bill.refresh_from_db()
        assert (bill.open_fen, BillCancellation.objects.count()) == (bill.total_fen, 0)
        approval = late_fees.ask_waiver(
            bill_id=bill.pk, amount_fen=None, reason="户名是我们登错的", asked_by_id=world.accountant_id, at=late
        )
        second = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=approval, decided_by_id=second.pk, at=late)
        bill_cancellations.cancel_and_rebill(**cancel)
        assert BillCancellation.objects.get().bill_id == bill.pk
        assert faults() == []

    @pytest.mark.acceptance("F21")
    @pytest.mark.parametrize("paid", ["nothing", "a part", "all", "by prepayment"])
    def test_ledger_of_the_cancelled_bill_sums_to_zero(self, world: World, settings: Any, paid: str) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        who, (first, second, *_rest) = world.commercial, world.cycles
        business_date = ledger.open_business_date(AT)

        def pay(fen: int, payment_id: int) -> None:
            settle(
                account_id=who.account_id, amount_fen=fen, payment_id=payment_id, clearing="CASH", at=AT,
                business_date=business_date, actor_id=None,
            )  # fmt: skip

        if paid == "by prepayment":
            pay(7_777, 1)
        bill = issue(who, first)
        if paid in ("a part", "all"):
            pay(bill.total_fen if paid == "all" else 12_345, 2)
        booked = LedgerTransfer.objects.filter(account_id=who.account_id)
        had = booked.exclude(kind__in=(1, 2)).aggregate(fen=Sum("amount_fen"))["fen"] or 0
        later = issue(who, second)

        done = bill_cancellations.cancel_and_rebill(
            bill_no=str(bill), reason="户名有误，重开", by_id=world.accountant_id, at=AT
        )

        bill.refresh_from_db()
        new = Bill.objects.get(account_id=who.account_id, period_start=bill.period_start, revision=1)
        of_bill: dict[int, int] = {}
        for one in booked.filter(document_id=bill.pk, kind__in=(1, 2, 21, 22)):
            of_bill[one.debit_id] = of_bill.get(one.debit_id, 0) + one.amount_fen
            of_bill[one.credit_id] = of_bill.get(one.credit_id, 0) - one.amount_fen
        # What customers paid of it from outside stands on the receivable and left it again as prepayment.
        from_outside = min(had, bill.total_fen) if paid in ("a part", "all") else 0
        owes, ahead = ledger.receivable_id(who.account_id), ledger.prepayment_id(who.account_id)
        assert {key: fen for key, fen in of_bill.items() if fen} == (
            {owes: from_outside, ahead: -from_outside} if from_outside else {}
        )
        assert bill.open_fen == 0
        assert (str(new), new.total_fen) == (done.bill_no, bill.total_fen)
        # Paid is paid: the new bill is settled by what had been paid of the old one.
        assert new.total_fen - new.open_fen == had
        assert BillCancellation.objects.get().replaced_by_id == new.pk
        assert Bill.objects.get(pk=later.pk).tier_kwh_e2_before == later.tier_kwh_e2_before
        with pytest.raises(bill_cancellations.NotTheNewest):
            bill_cancellations.cancel_and_rebill(bill_no=str(bill), reason="再来", by_id=world.accountant_id, at=AT)
        assert faults() == []

    def test_waiting_differences_go_into_the_new_bill_and_taken_ones_to_it(self, world: World) -> None:
        who, (first, second, *_rest) = world.residential, world.cycles
        original = issue(who, first)
        made = bill_corrections.correct(
            change=total_to(who, first, 20), reason="误抄", by_id=world.accountant_id, at=AT
        )
        carrying = issue(who, second)
        assert carrying.correction_fen == made.amount_fen

        bill_cancellations.cancel_and_rebill(bill_no=str(carrying), reason="重开", by_id=world.accountant_id, at=AT)

        new = Bill.objects.get(account_id=who.account_id, period_start=carrying.period_start, revision=1)
        assert (new.total_fen, new.correction_fen) == (carrying.total_fen, carrying.correction_fen)
        assert BillCorrection.objects.get(bill=original).taken_by_id == new.pk
        with pytest.raises(bill_cancellations.DifferenceSettled):
            bill_cancellations.cancel_and_rebill(bill_no=str(original), reason="重开", by_id=world.accountant_id, at=AT)
        assert faults() == []

    def test_needs_a_second_person_above_the_limit(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 0
        bill = issue(world.residential, world.cycles[0])

        done = bill_cancellations.cancel_and_rebill(bill_no=str(bill), reason="重开", by_id=world.accountant_id, at=AT)

        assert done.approval_id is not None
        assert Bill.objects.filter(account_id=world.residential.account_id).count() == 1
        with pytest.raises(Refused):
            approvals.approve(approval_id=done.approval_id, decided_by_id=world.accountant_id, at=AT)
        other = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=done.approval_id, decided_by_id=other.pk, at=AT)
        assert BillCancellation.objects.get().approved_by_id == other.pk


class TestPages:
    def test_is_tried_then_corrected_and_the_customer_reads_it(
        self, world: World, client: Client, settings: Any
    ) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        who, (first, second, *_rest) = world.residential, world.cycles
        bill = issue(who, first)
        one = reading_of(who, first)
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = reverse("cis:bill_correct", args=[str(bill)])
        form = f"{address}?meter={who.installation_id}&on={one.read_on}"
        typed = {"register_1": str(one.value_e4 // 10_000 + 25), "reason": "现场照片"}

        assert str(who.installation_id) in client.get(address).content.decode()
        tried = client.post(form, typed | {"act": "try"})

        assert "还没有改" in tried.content.decode()
        assert reading_of(who, first).value_e4 == one.value_e4
        assert client.post(form, {**typed, "reason": "", "act": "correct"}).status_code == 422
        assert client.post(form, typed | {"act": "correct"}).status_code == 302
        kept = BillCorrection.objects.get()
        assert "逐项差额" in client.get(reverse("cis:correction", args=[kept.pk])).content.decode()
        taken = issue(who, second)
        page = client.get(reverse("cis:bill", args=[str(taken)])).content.decode()
        assert "补收以前账单差额" in page
        assert str(bill) in page

    def test_cancelled_bill_says_what_replaced_it(self, world: World, client: Client, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        bill = issue(world.residential, world.cycles[0])
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = reverse("cis:bill_cancel", args=[str(bill)])

        assert "重开后" in client.post(address, {"act": "try"}).content.decode()
        assert Bill.objects.get(pk=bill.pk).open_fen == bill.total_fen
        client.post(address, {"act": "cancel", "reason": "户名有误"})

        new = Bill.objects.get(account_id=world.residential.account_id, revision=1)
        mine = Client()
        mine.force_login(User.objects.get(pk=world.portal_user_id))
        for page in (
            client.get(reverse("cis:bill", args=[str(bill)])),
            mine.get(reverse("cis:portal_bill", args=[str(bill)])),
        ):
            text = page.content.decode()
            assert "作废" in text
            assert str(new) in text
