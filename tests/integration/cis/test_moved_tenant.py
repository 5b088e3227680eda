"""A tenant moves: both are billed for their own days, and the point keeps its meter and its history."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillLine,
    BillUsage,
    MeterInstallation,
    PortalAccess,
    RatingSwitches,
    Reading,
    SupplyContract,
    Tariff,
    TariffVersion,
)
from cis.operations import customers, ledger
from cis.operations.billing import issue_bill_now
from cis.queries import determinants, portal
from cis.queries.billed_population import Population, billed_columns
from cis.queries.billed_rating import compiled, totals
from cis.queries.billing import get_bill
from cis.queries.customers import get_meters
from cis.rating import ChargeCode
from cis.web.bills import in_words
from config.shared.errors import NotFound
from tests.factories.metering import register_file, send
from tests.factories.world import World, small_world
from tests.oracle import rating as rating_oracle

pytestmark = pytest.mark.django_db

MOVE_DAY = date(2026, 2, 11)
MOVED_AT = datetime.fromisoformat("2026-02-11T09:00+08:00")
APRIL = datetime.fromisoformat("2026-04-02T09:00+08:00")
MARCH = datetime.fromisoformat("2026-03-02T09:00+08:00")
START, FINAL, CLOSING = 1000 + 180 + 190 + 200, 1000 + 180 + 190 + 200 + 60, 1000 + 180 + 190 + 200 + 60 + 130


@pytest.fixture
def world() -> World:
    return small_world()


def move(world: World) -> customers.Moved:
    return customers.move_tenant(
        account_id=world.residential.account_id,
        on_date=MOVE_DAY,
        kind="person",
        name="赵六",
        phone="13900002222",
        identity_no="",
        at=MOVED_AT,
        final_values_e4={world.residential.installation_id: {1: FINAL * 10_000}},
    )


class TestBothSides:
    @pytest.mark.acceptance("F1")
    def test_pay_for_their_own_days_and_nothing_is_lost_between(self, world: World) -> None:
        old = world.residential
        history = list(Reading.objects.filter(installation_id=old.installation_id).values_list("read_on", "value_e4"))
        for cycle in world.cycles:
            issue_bill_now(account_id=old.account_id, cycle=cycle, issued_by_id=None, at=world.at)
        moved = move(world)
        send(register_file([[old.meter_no, "total", "2026-03-01", CLOSING]]), at=MARCH)

        for account_id in (old.account_id, moved.account_id):
            issue_bill_now(account_id=account_id, cycle=202602, issued_by_id=None, at=MARCH)

        final, first = (Bill.objects.get(account_id=who, cycle=202602) for who in (old.account_id, moved.account_id))
        assert (final.period_start, final.period_end, final.energy_kwh_e2) == (date(2026, 2, 1), MOVE_DAY, 60_00)
        assert (first.period_start, first.period_end, first.energy_kwh_e2) == (MOVE_DAY, date(2026, 3, 1), 130_00)
        ends = {
            bill.account_id: BillUsage.objects.values_list("from_value_e4", "to_value_e4").get(bill_id=bill.pk)
            for bill in (final, first)
        }
        assert ends[old.account_id] == (START * 10_000, FINAL * 10_000)
        assert ends[moved.account_id] == (FINAL * 10_000, CLOSING * 10_000)
        # The new tenant's tier year begins with them, the old one's stays on their account.
        assert (first.tier_kwh_e2_before, final.tier_kwh_e2_before) == (0, 200_00)
        assert get_bill(str(first)).customer_name == "赵六" and get_bill(str(final)).customer_name == "张三"
        assert get_bill(str(first)).recomputes and get_bill(str(final)).recomputes
        assert not ledger.verify().faults

        installation = MeterInstallation.objects.get(point_id=old.point_id)
        kept = list(Reading.objects.filter(installation_id=installation.pk).values_list("read_on", "value_e4"))
        assert installation.pk == old.installation_id and installation.valid.upper is None
        assert set(history) <= set(kept)
        assert Account.objects.get(pk=old.account_id).state == Account.State.CLOSED
        assert get_meters(old.account_id, today=MARCH.date()).readings[0].read_on == MOVE_DAY

    def test_the_old_account_is_billed_no_further_and_the_new_one_not_before(self, world: World) -> None:
        moved = move(world)
        send(register_file([[world.residential.meter_no, "total", "2026-03-01", CLOSING]]), at=MARCH)

        with pytest.raises(Exception, match="没有到抄表例日"):
            issue_bill_now(account_id=world.residential.account_id, cycle=202603, issued_by_id=None, at=MARCH)
        with pytest.raises(Exception, match="没有到抄表例日"):
            issue_bill_now(account_id=moved.account_id, cycle=202601, issued_by_id=None, at=MARCH)

    @pytest.mark.acceptance("F1")
    def test_who_looked_at_the_old_account_as_its_owner_sees_nothing_of_the_new_one(self, world: World) -> None:
        payer = PortalAccess.objects.create(
            user_id=world.stranger_id, account_id=world.residential.account_id, role=PortalAccess.Role.PAYER
        )

        moved = move(world)

        with pytest.raises(NotFound):
            portal.my_accounts(user_id=world.portal_user_id, today=MOVE_DAY)
        assert not PortalAccess.objects.filter(account_id=moved.account_id).exists()
        assert PortalAccess.objects.filter(pk=payer.pk, ended_at=None).exists()


class TestAnnualTiers:
    """The closing bill of who leaves and the bills of who comes have bounds by their months of the tier year."""

    RULES = [{"kind": "tier", "period": "year", "upper_kwh": ["1200", "2400"], "price_yuan": ["0.5", "0.6", "0.9"]}]
    MOVED = date(2026, 3, 11)

    def months_of(self, world: World, values: dict[str, object] | None = None) -> tuple[Bill, Bill, Bill]:
        """January and February billed, 150 kWh each; 400 kWh to 11 March, then 2000 to April; the closing bills."""
        home = world.residential
        made = Tariff.objects.create(code="T-Y", name="T-Y", province="江苏", category="test")
        TariffVersion.objects.create(
            tariff=made, valid=DateRange(None, None), rules=self.RULES, source="test", confidence="high"
        )
        SupplyContract.objects.filter(pk=home.contract_id).update(tariff=made)
        if values:
            RatingSwitches.objects.create(org_unit=None, valid=DateRange(None, None), values=values, source="test")
        Reading.objects.filter(installation_id=home.installation_id).delete()
        days = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
        for on, value, cycle in zip(days, (1000, 1150, 1300), (202512, 202601, 202602), strict=True):
            Reading.objects.create(
                installation_id=home.installation_id, account_id=home.account_id, register=1, read_on=on, cycle=cycle,
                value_e4=value * 10_000, state=Reading.State.ACCEPTED,
            )  # fmt: skip
        for cycle in (202601, 202602):
            issue_bill_now(account_id=home.account_id, cycle=cycle, issued_by_id=None, at=APRIL)
        moved = customers.move_tenant(
            account_id=home.account_id, on_date=self.MOVED, kind="person", name="赵六", phone="", identity_no="",
            at=APRIL, final_values_e4={home.installation_id: {1: 1700 * 10_000}},
        )  # fmt: skip
        Reading.objects.create(
            installation_id=home.installation_id, account_id=moved.account_id, register=1, read_on=date(2026, 4, 1),
            cycle=202603, value_e4=3700 * 10_000, state=Reading.State.ACCEPTED,
        )  # fmt: skip
        for account_id in (home.account_id, moved.account_id):
            issue_bill_now(account_id=account_id, cycle=202603, issued_by_id=None, at=APRIL)
        bills = [
            Bill.objects.get(account_id=who, cycle=cycle)
            for who, cycle in ((home.account_id, 202602), (home.account_id, 202603), (moved.account_id, 202603))
        ]
        return bills[0], bills[1], bills[2]

    @staticmethod
    def tiers(bill: Bill) -> list[int]:
        """Whole kWh by tier, as the oracle has them."""
        lines = rating_oracle.bill_lines(
            TestAnnualTiers.RULES,
            rating_oracle.Bill(
                bill.cycle % 100,
                {"total": Decimal(bill.energy_kwh_e2) / 100},
                Decimal(bill.tier_kwh_e2_before) / 100,
                tier_months=bill.tier_months,
            ),
        )
        stored = BillLine.objects.filter(bill_id=bill.pk).order_by("seq")
        assert [(int(kwh * 100), int(yuan * 100)) for _code, kwh, _price, yuan in lines] == [
            (line.quantity, line.amount_fen) for line in stored
        ]
        return [int(line[1]) for line in lines]

    @pytest.mark.parametrize(
        ("values", "months", "closing", "first"),
        [
            # 100 and 200 kWh a month: three months for who leaves, of which the first 300 kWh were used before; ten for
            # who comes.
            (None, (12, 3, 10), [300, 100], [1000, 1000]),
            ({"transfer_prorates_tiers": False}, (12, 12, 12), [400], [1200, 800]),
        ],
    )
    def test_of_both_holders_count_by_month(
        self,
        world: World,
        values: dict[str, object] | None,
        months: tuple[int, int, int],
        closing: list[int],
        first: list[int],
    ) -> None:
        before, last, new = self.months_of(world, values)

        assert (before.tier_months, last.tier_months, new.tier_months) == months
        assert self.tiers(before) == [150]
        first_line = BillLine.objects.filter(bill_id=last.pk).order_by("seq").first()
        assert first_line is not None and (first_line.code == ChargeCode.ENERGY_T2) is (values is None)
        assert self.tiers(last) == closing
        assert (new.tier_kwh_e2_before, self.tiers(new)) == (0, first)
        for bill in (last, new):
            page = get_bill(str(bill))
            assert page.recomputes
            said = " ".join(sentence for line in in_words(page) for sentence in line.sentences)
            assert ("过户当年的分档按这一户实际用电的月份折算" in said) is (values is None)
        # The laboratory gives the bills again by what was kept with them.
        found = billed_columns(Population("", None, None, 202603, 202603), low=0, high=10**9)
        rows = np.flatnonzero(np.isin(found.account, [last.account_id, new.account_id]))
        assert totals(found, rows, compiled(self.RULES), 3).tolist() == [
            Bill.objects.values_list("total_fen", flat=True).get(account_id=who, cycle=202603)
            for who in found.account[rows].tolist()
        ]

    def test_who_closes_without_a_successor_keeps_the_bounds_of_the_year(self, world: World) -> None:
        _before, last, new = self.months_of(world)
        AccountPoint.objects.filter(account_id=new.account_id).delete()

        again = determinants.of_accounts(
            cycle=202603, low=last.account_id, high=last.account_id + 1, account_id=last.account_id, again=True
        )

        assert again.accounts.tier_months.tolist() == [12]
