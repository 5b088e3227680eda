"""Readings and curves that come after their period was billed: the bill is set right on the next one, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cis.models import (
    Account,
    Bill,
    BillCorrection,
    BillingRun,
    BillLine,
    CurveEdit,
    IntervalDay,
    LateReading,
    MeterInstallation,
    Reading,
    ReadingDoubt,
    ReadingEdit,
    ReadingRoute,
    TransformerDistrict,
)
from cis.models.metering import ReadingSource
from cis.operations import bill_cancellations, bill_corrections, late_readings, ledger
from cis.operations.bill_corrections import Late
from cis.operations.billing import issue_bill_now
from cis.operations.integrity import check_integrity
from cis.queries.billing import get_bill
from cis.rating import ChargeCode, Register
from config.shared.errors import Refused
from config.shared.models import OrgUnit, User
from tests.factories.metering import CurveAccount, interval_file, make_curve_accounts, register_file, send
from tests.factories.world import AccountIds, World, make_account, small_world

pytestmark = pytest.mark.django_db
AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)


@pytest.fixture
def world(settings: Any) -> World:
    """Four months read, nothing held."""
    settings.BILL_HOLDS = {}
    settings.CORRECTION_LIMIT_FEN = 10**12
    return small_world(at=AT, cycles=4)


def issue(account: AccountIds, cycle: int) -> Bill:
    return Bill.objects.get(pk=issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=AT))


def read(account: AccountIds, cycle: int, register: Register = Register.TOTAL) -> Reading:
    return Reading.objects.get(installation_id=account.installation_id, cycle=cycle, register=register)


def estimated(account: AccountIds, *cycles: int) -> None:
    Reading.objects.filter(installation_id=account.installation_id, cycle__in=cycles).update(
        source=ReadingSource.ESTIMATED
    )


def row(account: AccountIds, on: date, units: float, register: str = "total") -> Sequence[object]:
    return [account.meter_no, register, on, f"{units:.4f}"]


def faults() -> list[str]:
    return [*ledger.verify().faults, *(one.check for one in check_integrity() if one.broken)]


class TestAnEstimateGivesWay:
    @pytest.mark.acceptance("F11")
    def test_two_months_in_one_file_and_the_next_bill_takes_the_difference_once(self, world: World) -> None:
        who, (first, second, third, _) = world.residential, world.cycles
        estimated(who, first, second)
        one, two = read(who, first), read(who, second)
        issued = [issue(who, first), issue(who, second)]
        # The second value lies above what the first month was estimated at only because both are corrected.
        file = register_file(
            [row(who, two.read_on, two.value_e4 / 10_000 + 20), row(who, one.read_on, one.value_e4 / 10_000 + 35)]
        )

        result = send(file, at=AT, by=world.accountant_id)
        again = send(file, at=AT, by=world.accountant_id)

        assert (result.late, result.corrected, result.rejected) == (2, 2, 0)
        assert (again.late, again.unchanged, again.corrected) == (0, 2, 0)
        kept = list(BillCorrection.objects.order_by("pk"))
        assert [(one.bill_id, one.cause, one.energy_kwh_e2_now - one.energy_kwh_e2_then) for one in kept] == [
            (issued[0].pk, "late-reading", 3_500),
            (issued[1].pk, "late-reading", -1_500),
        ]
        edits = ReadingEdit.objects.filter(installation_id=who.installation_id).order_by("read_on")
        assert [(edit.value_before_e4, edit.method, edit.edited_by_id) for edit in edits] == [
            (one.value_e4, "late-actual", world.accountant_id),
            (two.value_e4, "late-actual", world.accountant_id),
        ]
        assert read(who, third).advance_kwh_e2 == read(who, third).value_e4 // 100 - read(who, second).value_e4 // 100
        taken = issue(who, third)
        assert taken.correction_fen == sum(one.amount_fen for one in kept) != 0
        assert faults() == []

    def test_what_validation_doubts_waits_and_changes_nothing(self, world: World) -> None:
        who, first = world.residential, world.cycles[0]
        estimated(who, first)
        before = read(who, first)
        issue(who, first)

        result = send(register_file([row(who, before.read_on, before.value_e4 / 10_000 - 300)]), at=AT)

        late = LateReading.objects.get()
        assert (result.late, result.corrected, late.state, late.why) == (1, 0, "waiting", "doubtful")
        assert late.doubts
        assert read(who, first).value_e4 == before.value_e4
        assert not BillCorrection.objects.exists()
        assert not ReadingEdit.objects.exists()

    def test_above_the_limit_a_person_asks_and_a_second_decides(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 100
        who, first = world.residential, world.cycles[0]
        estimated(who, first)
        before = read(who, first)
        issue(who, first)

        send(register_file([row(who, before.read_on, before.value_e4 / 10_000 + 30)]), at=AT)

        late = LateReading.objects.get()
        assert (late.state, late.why) == ("waiting", "above-limit")
        made = bill_corrections.correct(
            change=Late(who.installation_id, (late.pk,)), reason="现场核对", by_id=world.accountant_id, at=AT
        )
        assert made.approval_id is not None
        assert read(who, first).value_e4 == before.value_e4

    def test_many_meters_take_as_many_statements_as_few(self, world: World) -> None:
        first = world.cycles[0]
        counted = []
        for size, start in ((3, 10), (12, 50)):
            accounts = [_another(world, number) for number in range(start, start + size)]
            rows = []
            for one in accounts:
                estimated(one, first)
                issue(one, first)
                rows.append(row(one, read(one, first).read_on, read(one, first).value_e4 / 10_000 + 7))
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert send(register_file(rows), at=AT).corrected == size
            counted.append(len(queries))
        assert counted[0] == counted[1]
        assert BillCorrection.objects.count() == 15


def _another(world: World, number: int) -> AccountIds:
    return make_account(
        f"42900009{number:02d}", "李四", OrgUnit.objects.get(pk=world.county_a_id),
        ReadingRoute.objects.get(pk=world.route_day_0_id),
        TransformerDistrict.objects.get(pk=world.transformer_district_id), "HB-RES", world.cycles,
        {Register.TOTAL: (150, 160, 170, 180)},
    )  # fmt: skip


class TestAConflictWaitsForAPerson:
    def test_accepted_it_sets_the_bill_right(self, world: World) -> None:
        who, (first, second, *_rest) = world.residential, world.cycles
        stood = read(who, first)
        original = issue(who, first)

        result = send(register_file([row(who, stood.read_on, stood.value_e4 / 10_000 + 9)]), at=AT)

        late = LateReading.objects.get()
        assert (result.late, result.corrected, result.rejected) == (1, 0, 0)
        assert (late.why, late.stood_e4, late.value_e4) == ("conflict", stood.value_e4, stood.value_e4 + 90_000)
        tried = bill_corrections.preview(change=Late(who.installation_id, (late.pk,)), at=AT)
        assert LateReading.objects.get().state == "waiting"
        made = bill_corrections.correct(
            change=Late(who.installation_id, (late.pk,)), reason="以采集为准", by_id=world.accountant_id, at=AT
        )
        assert made.amount_fen == tried.amount_fen > 0
        assert [one.bill.pk for one in made.bills] == [original.pk]
        late.refresh_from_db()
        assert (late.state, late.decided_by_id, late.reason) == ("taken", world.accountant_id, "以采集为准")
        with pytest.raises(late_readings.AlreadyDecided):
            bill_corrections.correct(
                change=Late(who.installation_id, (late.pk,)), reason="再来", by_id=world.accountant_id, at=AT
            )
        assert issue(who, second).correction_fen == made.amount_fen
        assert faults() == []

    def test_turned_down_it_stays_on_record_and_does_not_come_back(self, world: World) -> None:
        who, first = world.residential, world.cycles[0]
        stood = read(who, first)
        issue(who, first)
        file = register_file([row(who, stood.read_on, stood.value_e4 / 10_000 + 9)])
        send(file, at=AT)
        late = LateReading.objects.get()

        with pytest.raises(Refused):
            late_readings.refuse(late_ids=[late.pk], reason=" ", by_id=world.accountant_id, at=AT, within=None)
        late_readings.refuse(late_ids=[late.pk], reason="表计已换", by_id=world.accountant_id, at=AT, within=["/"])

        assert send(file, at=AT).unchanged == 1
        assert LateReading.objects.get().state == "refused"
        assert read(who, first).value_e4 == stood.value_e4
        for act in ("UPDATE cis_late_reading SET value_e4 = 1", "DELETE FROM cis_late_reading"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(act)

    def test_what_is_not_billed_is_rejected_as_ever(self, world: World) -> None:
        stood = read(world.residential, world.cycles[0])

        result = send(register_file([row(world.residential, stood.read_on, stood.value_e4 / 10_000 + 9)]), at=AT)

        assert (result.late, result.rejected) == (0, 1)


class TestPages:
    def test_is_tried_then_taken(self, world: World, client: Client) -> None:
        who, first = world.residential, world.cycles[0]
        stood = read(who, first)
        issue(who, first)
        send(register_file([row(who, stood.read_on, stood.value_e4 / 10_000 + 9)]), at=AT)
        late = LateReading.objects.get()
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = reverse("cis:late_meter", args=[who.installation_id])

        assert who.account_no in client.get(reverse("cis:late_readings")).content.decode()
        assert "与已出账的实抄不同" in client.get(address).content.decode()
        tried = client.post(address, {"act": "try", "late": str(late.pk)})
        assert "还没有改" in tried.content.decode()
        assert client.post(address, {"act": "take", "late": str(late.pk), "reason": ""}).status_code == 422
        assert client.post(address, {"act": "take", "late": str(late.pk), "reason": "以采集为准"}).status_code == 302
        assert LateReading.objects.get().state == "taken"
        assert BillCorrection.objects.get().asked_by_id == world.accountant_id


class TestAClosedAccount:
    def last_bill(self, world: World) -> tuple[AccountIds, Bill]:
        who, first = world.residential, world.cycles[0]
        estimated(who, first)
        last = issue(who, first)
        Account.objects.filter(pk=who.account_id).update(closed_on=last.period_end)
        return who, last

    def test_is_asked_by_a_bill_of_its_own(self, world: World) -> None:
        who, last = self.last_bill(world)
        stood = read(who, world.cycles[0])

        assert send(register_file([row(who, stood.read_on, stood.value_e4 / 10_000 + 9)]), at=AT).corrected == 1

        own = Bill.objects.get(account_id=who.account_id, months=0)
        kept = BillCorrection.objects.get(bill=last)
        assert own.total_fen == own.open_fen == own.correction_fen == kept.amount_fen > 0
        assert (kept.state, kept.taken_by_id) == ("taken", own.pk)
        closing = BillingRun.objects.get(pk=own.run_id).closing
        assert closing is not None and closing["agrees"]
        assert get_bill(str(own)).recomputes
        assert get_bill(str(last)).recomputes
        assert faults() == []

    def test_gets_back_what_it_paid_too_much_as_prepayment(self, world: World) -> None:
        who, last = self.last_bill(world)
        stood = read(who, world.cycles[0])

        for less in (9, 20):
            bill_corrections.correct(
                change=bill_corrections.Values(
                    who.installation_id, stood.read_on, {int(Register.TOTAL): stood.value_e4 - less * 10_000}
                ),
                reason="误抄", by_id=world.accountant_id, at=AT,
            )  # fmt: skip

        own = list(Bill.objects.filter(account_id=who.account_id, months=0))
        credit = ledger.lock_balances([who.account_id])[who.account_id][1]
        assert [(one.total_fen, one.open_fen) for one in own] == [(0, 0), (0, 0)]
        assert credit == -sum(one.amount_fen for one in BillCorrection.objects.filter(bill=last)) > 0
        assert BillLine.objects.filter(bill_id__in=[one.pk for one in own], code=ChargeCode.CREDIT_KEPT).count() == 2
        assert faults() == []

    def test_gets_no_bill_of_nothing_and_a_bill_of_differences_is_not_billed_again(self, world: World) -> None:
        who, (first, second, *_rest) = world.residential, world.cycles
        issue(who, first)
        last = issue(who, second)
        Account.objects.filter(pk=who.account_id).update(closed_on=last.period_end)

        def correct(cycle: int, change: int) -> None:
            stood = read(who, cycle)
            values = {int(Register.TOTAL): stood.value_e4 + change * 10_000}
            bill_corrections.correct(
                change=bill_corrections.Values(who.installation_id, stood.read_on, values),
                reason="误抄", by_id=world.accountant_id, at=AT,
            )  # fmt: skip

        # From one month to the other, at one price: nothing to ask.
        correct(first, 10)

        moved = BillCorrection.objects.filter(account_id=who.account_id).values_list("amount_fen", "state")
        assert sum(fen for fen, _state in moved) == 0 and {state for _fen, state in moved} == {"standing"}
        assert not Bill.objects.filter(account_id=who.account_id, months=0).exists()
        correct(second, 5)
        own = Bill.objects.get(account_id=who.account_id, months=0)
        assert own.total_fen > 0 and not BillCorrection.objects.filter(state="standing").exists()
        with pytest.raises(bill_cancellations.NotOfAPeriod):
            bill_cancellations.preview(bill_no=str(own), at=AT)
        assert faults() == []


class TestACurve:
    """Points that are billed from their curve."""

    DAY = date(2026, 5, 12)
    CYCLE = 202605

    @pytest.fixture
    def account(self, world: World) -> CurveAccount:
        """May of a household, 1 kWh every hour; half a day was estimated before the bill."""
        made = make_curve_accounts(
            ["4290000901"], unit=OrgUnit.objects.get(pk=world.county_a_id),
            route=ReadingRoute.objects.get(pk=world.route_day_0_id),
            district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
            tariff_code="HB-RES", since=date(2026, 5, 1), capacity_kva=20,
        )[0]  # fmt: skip
        days = [date(2026, 5, 1) + timedelta(days=number) for number in range(31)]
        send(interval_file([(made.meter_no, day, self.values(day)) for day in days]), at=AT)
        IntervalDay.objects.filter(point_id=made.point_id).update(state=IntervalDay.State.ACCEPTED)
        ReadingDoubt.objects.all().delete()
        IntervalDay.objects.filter(point_id=made.point_id, day=self.DAY).update(quality=[1] * 48 + [2] * 48)
        return made

    def values(self, day: date) -> list[str]:
        return [f"{0.2 + 0.01 * ((slot + day.day) % 7):.3f}" for slot in range(96)]

    def other(self, change: float) -> list[str]:
        """The second half of the day otherwise."""
        return [
            f"{float(value) + (change if slot >= 48 else 0):.3f}" for slot, value in enumerate(self.values(self.DAY))
        ]

    def issue(self, account: CurveAccount) -> Bill:
        return Bill.objects.get(
            pk=issue_bill_now(account_id=account.account_id, cycle=self.CYCLE, issued_by_id=None, at=AT)
        )

    @pytest.mark.acceptance("F11")
    def test_what_is_collected_after_all_re_rates_the_month(self, world: World, account: CurveAccount) -> None:
        bill = self.issue(account)
        file = interval_file([(account.meter_no, self.DAY, self.other(0.05))])

        first, again = send(file, at=AT), send(file, at=AT)

        kept = BillCorrection.objects.get(bill=bill)
        assert (first.late, first.corrected, first.rejected) == (1, 1, 0)
        assert (again.late, again.unchanged, again.corrected) == (0, 1, 0)
        # 48 quarter-hours of 50 Wh, in whole kWh over the month.
        assert kept.cause == "late-reading"
        assert kept.energy_kwh_e2_now - kept.energy_kwh_e2_then in (200, 300)
        assert kept.amount_fen > 0
        day = IntervalDay.objects.get(point_id=account.point_id, day=self.DAY)
        assert (day.state, set(day.quality or [])) == (1, {1})
        edit = CurveEdit.objects.get(point_id=account.point_id)
        assert (edit.method, edit.quality_before[48:], edit.before_wh != edit.after_wh) == ("collected", [2] * 48, True)
        assert faults() == []

    def test_another_curve_than_was_collected_waits(self, world: World, account: CurveAccount) -> None:
        IntervalDay.objects.filter(point_id=account.point_id).update(quality=None)
        bill = self.issue(account)

        result = send(interval_file([(account.meter_no, self.DAY, self.other(0.05))]), at=AT)

        late = LateReading.objects.get()
        assert (result.late, result.corrected, late.why) == (1, 0, "conflict")
        made = bill_corrections.correct(
            change=Late(late.installation_id, (late.pk,)), reason="终端校时后重采", by_id=world.accountant_id, at=AT
        )
        assert [one.bill.pk for one in made.bills] == [bill.pk]
        assert made.amount_fen > 0

    def test_points_are_corrected_on_the_bill(self, world: World, account: CurveAccount, client: Client) -> None:
        bill = self.issue(account)
        meter = MeterInstallation.objects.get(point_id=account.point_id).pk
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = f"{reverse('cis:bill_correct', args=[str(bill)])}?meter={meter}&what=curve"
        typed = {"day": self.DAY.isoformat(), "points": "08:15 4.000\n08:30 4.000", "reason": "现场核对"}

        assert "改曲线" in client.get(reverse("cis:bill_correct", args=[str(bill)])).content.decode()
        assert "还没有改" in client.post(address, typed | {"act": "try"}).content.decode()
        assert client.post(address, typed | {"act": "correct"}).status_code == 302

        kept = BillCorrection.objects.get(bill=bill)
        assert kept.energy_kwh_e2_now - kept.energy_kwh_e2_then in (700, 800)
        day = IntervalDay.objects.get(point_id=account.point_id, day=self.DAY)
        assert (day.energy_wh[33], (day.quality or [])[33]) == (4_000, 3)
