"""Fee control on the real tables and over real HTTP: warned, stopped at a lawful hour, back at once when it is paid."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as house
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import Error, connection, transaction
from django.test import Client
from django.utils import timezone
from psycopg2.extras import DateRange

from cis.collection_system import collection_system
from cis.models import (
    ArrearsCase,
    ArrearsStep,
    BudgetPlan,
    FeeControlAgreement,
    FeeControlCommand,
    FeeControlEstimate,
    FeeControlReceipt,
    FeeControlStep,
    FreeEnergyRight,
    InstalmentAgreement,
    PublicHoliday,
    ReconnectionOrder,
)
from cis.operations import (
    collecting,
    disputes,
    fee_control,
    fee_control_acts,
    fee_control_commands,
    fee_control_days,
    protections,
)
from cis.operations.fee_control_days import start_day
from cis.queries import fee_control as queries
from cis.queries.fee_control_facts import facts_of
from config.shared import jobs
from config.shared.errors import Refused
from config.shared.models import Job, Message, OrgUnit
from payments import handlers as payment_handlers
from payments.events import PaymentReceived
from tests.factories.arrears import WALK, Road
from tests.factories.arrears import at as on
from tests.factories.bills import issue
from tests.factories.fee_control import PAPER, Controlled, at, curves
from tests.factories.portal import signed_in
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def flat(world: World, outside: Any) -> Controlled:
    outside.collection.behaviour.ends = "none"
    return Controlled(world)


def warned(flat: Controlled, outside: Any) -> None:
    """Announced on the 3rd, told again on the 10th when seven days are over."""
    flat.day(at(3, 8, 30))
    flat.deliver(at(3, 8, 31), outside)
    flat.day(at(10, 8, 30))
    flat.look(at(10, 8, 31))
    flat.deliver(at(10, 8, 32), outside)


def stopped(flat: Controlled, outside: Any) -> FeeControlCommand:
    """And stopped when the last warning had half an hour."""
    warned(flat, outside)
    flat.look(at(10, 9, 2))
    flat.send(at(10, 9, 2), outside)
    return FeeControlCommand.objects.get(kind="stop")


def by_instalments(flat: Controlled) -> None:
    """A kept agreement by instalments, as a row: what it is made of is judged at the end of a transaction."""
    InstalmentAgreement.objects.create(
        account_id=flat.account.account_id, debt_fen=1, signed_on=date(2026, 3, 1), evidence="x",
        made_by_id=flat.world.manager_id, made_at=at(10, 8),
    )  # fmt: skip


def by_plan(flat: Controlled) -> None:
    """A kept plan of equal monthly amounts."""
    BudgetPlan.objects.create(
        account_id=flat.account.account_id, monthly_fen=100_00, signed_on=date(2026, 2, 1),
        first_due_on=date(2026, 2, 20), last_due_on=date(2027, 1, 20), evidence="x", made_by_id=flat.world.manager_id,
        made_at=at(1),
    )  # fmt: skip


def on_minimum_income(account_id: int) -> None:
    """A household that has some energy free each month."""
    FreeEnergyRight.objects.create(
        account_id=account_id, kwh_per_month=15, document="低保证 1 号", valid=DateRange(date(2026, 1, 1), None)
    )


def say(state: str, number: str, when: datetime) -> None:
    """The collection system's receipt."""
    body = json.dumps([{"command_no": number, "state": state, "code": "", "at": when.isoformat()}])
    fee_control_commands.take_receipts(body.encode(), at=when)


class TestTheRoad:
    @pytest.mark.acceptance("F30")
    def test_from_an_empty_balance_to_the_stop_and_back_with_the_payment(self, flat: Controlled, outside: Any) -> None:
        stop = stopped(flat, outside)

        assert flat.steps() == ["announced", "last-warned"]
        assert flat.told() == ["fee-control-short", "fee-control-last-warning"]
        assert (stop.state, stop.meter_no) == ("accepted", flat.account.meter_no)
        estimate = FeeControlEstimate.objects.get(day=date(2026, 3, 10))
        # Nine days of 9.6 kWh at 0.558 yuan.
        assert (estimate.energy_kwh_e2, estimate.running_fen, estimate.balance_fen) == (8640, 4821, -4821)
        for _time in range(2):
            say("executed", stop.number, at(10, 9, 3))
        assert flat.told()[2:] == ["fee-control-stopped"]
        assert [one.what for one in FeeControlReceipt.objects.filter(command=stop).order_by("pk")] == [
            "sent", "accepted", "executed",
        ]  # fmt: skip

        pay(flat.world, fen=100_00, account=flat.account, at=at(10, 20))
        for minute in (1, 2):
            fee_control_acts.note_payment(account_id=flat.account.account_id, paid_at=at(10, 20), at=at(10, 20, minute))
        flat.send(at(10, 20, 2), outside)
        back = FeeControlCommand.objects.get(kind="reconnect")
        assert (back.undoes_id, back.due_at, back.state) == (stop.pk, at(11, 20), "accepted"), "24 hours, at night too"
        say("executed", back.number, at(10, 20, 4))
        assert flat.told()[-1] == "fee-control-back"
        assert flat.look(at(11, 9)) == {}

    @pytest.mark.acceptance("F30")
    def test_a_stop_that_waits_is_not_sent_once_it_is_paid_to_zero(
        self, flat: Controlled, outside: Any, settings: Any
    ) -> None:
        url, settings.COLLECTION_SYSTEM_URL = settings.COLLECTION_SYSTEM_URL, "http://127.0.0.1:9/collection/"
        stop = stopped(flat, outside)
        assert (stop.state, facts_of([stop.account_id], at=at(10, 9, 3))[stop.account_id].balance_fen) == (
            "waiting", -48_21,
        )  # fmt: skip
        settings.COLLECTION_SYSTEM_URL = url

        pay(flat.world, fen=48_21, account=flat.account, at=at(10, 9, 3))
        flat.send(at(10, 9, 4), outside)

        stop.refresh_from_db()
        assert (stop.state, stop.answer) == ("withdrawn", "not-sent"), "before the news of the payment has come"

    @pytest.mark.parametrize("ends", ["executed", "refused"])
    def test_a_receipt_of_a_clock_that_goes_slow_is_heard_all_the_same(
        self, flat: Controlled, outside: Any, ends: str
    ) -> None:
        stop = stopped(flat, outside)
        say("executed", stop.number, at(10, 9, 3))
        assert "48.22" in Message.objects.get(template="fee-control-stopped", channel="sms").parameters
        path = [OrgUnit.objects.get(pk=flat.world.county_a_id).path]
        pay(flat.world, fen=48_22, account=flat.account, at=at(10, 9, 10))
        [forgotten] = queries.list_late(within=path, at=at(10, 9, 11))
        assert (forgotten.number, forgotten.is_late) == (stop.number, True), "paid, and nobody brings supply back"
        assert flat.look(at(10, 9, 12)) == {"reconnect": 1}, "what the message named is enough"
        flat.send(at(10, 9, 13), outside)
        back = FeeControlCommand.objects.get(kind="reconnect")
        told = [{"command_no": back.number, "state": ends, "code": "", "at": at(10, 9, 5).isoformat()}]
        fee_control_commands.take_receipts(json.dumps(told).encode(), at=at(10, 9, 14))

        away = facts_of([stop.account_id], at=at(10, 9, 15))[stop.account_id].is_away
        if ends == "refused":
            assert [row.number for row in queries.list_late(within=path, at=at(10, 9, 15))] == [back.number]
        assert (away, flat.look(at(10, 9, 15))) == (
            (False, {"warn": 1}) if ends == "executed" else (True, {"reconnect": 1})
        )
        assert FeeControlReceipt.objects.get(command=back, what=ends).at == at(10, 9, 5)

    def test_the_handler_of_a_payment_leads_there(self, flat: Controlled, outside: Any) -> None:
        # The handler reads the clock: a payment of the test's months finds the agreement ended by then.
        stopped(flat, outside)
        paid = pay(flat.world, fen=100_00, account=flat.account, at=at(10, 20))
        flat.end(at(10, 21))
        FeeControlCommand.objects.filter(kind="reconnect").update(state="refused", look_at=None, ended_at=at(10, 22))

        payment_handlers.stop_collecting(
            PaymentReceived(
                account_id=flat.account.account_id, payment_id=paid.payment_id, amount_fen=100_00, prepaid_fen=100_00,
                method="cash",
            )
        )  # fmt: skip

        assert FeeControlCommand.objects.filter(kind="reconnect", state="waiting").count() == 1

    def test_a_low_balance_is_told_once_and_shown_by_the_meter(self, flat: Controlled, outside: Any) -> None:
        pay(flat.world, fen=60_00, account=flat.account, at=at(1))
        for day in (4, 5, 6):
            flat.day(at(day, 8, 30))
        flat.send(at(6, 8, 31), outside)

        assert flat.told() == ["fee-control-low"] and flat.steps() == ["warned"]
        assert FeeControlCommand.objects.get().kind == "warn"
        pay(flat.world, fen=100_00, account=flat.account, at=at(6, 9))
        flat.day(at(7, 8, 30))
        assert flat.steps() == ["warned", "refilled"]

    def test_who_has_no_telephone_is_called_and_the_grace_begins_with_the_call(
        self, flat: Controlled, outside: Any
    ) -> None:
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"] * 9
        warned(flat, outside)
        assert flat.steps() == ["announced"] and flat.look(at(10, 9, 2)) == {}

        def call(what: str, when: datetime) -> None:
            fee_control.note_call(
                account_no=flat.account.account_no, what=what, evidence="138 本人接听", by_id=flat.world.manager_id,
                at=when,
            )  # fmt: skip

        with pytest.raises(fee_control.NothingToTell):
            call("last-warned", at(10, 9, 30))
        call("announced", at(10, 10))
        flat.day(at(17, 9, 59))
        assert flat.look(at(17, 9, 59)) == {}
        assert flat.look(at(17, 10)) == {"last-warning": 1}
        call("last-warned", at(17, 10, 5))
        assert flat.look(at(17, 10, 34)) == {}
        assert flat.look(at(17, 10, 35)) == {"stop": 1}

    def test_southern_terms_stop_after_half_an_hour_and_promise_twelve(self, world: World, outside: Any) -> None:
        outside.collection.behaviour.ends = "none"
        flat = Controlled(world, terms="CSG-PREPAID")
        flat.day(at(3, 8, 30))
        flat.deliver(at(3, 8, 31), outside)
        flat.look(at(3, 8, 32))
        flat.deliver(at(3, 8, 32), outside)
        assert flat.look(at(3, 9, 1)) == {}
        assert flat.look(at(3, 9, 2)) == {"stop": 1}
        flat.send(at(3, 9, 2), outside)
        pay(world, fen=50_00, account=flat.account, at=at(3, 10))
        fee_control_acts.note_payment(account_id=flat.account.account_id, paid_at=at(3, 10), at=at(3, 10))
        assert FeeControlCommand.objects.get(kind="reconnect").due_at == at(3, 22)

    def test_the_day_is_a_job_with_a_fixed_number_of_statements_a_shard(
        self, flat: Controlled, django_assert_max_num_queries: Any
    ) -> None:
        others = [Controlled(flat.world, account=one) for one in flat.world.accounts if one != flat.account]
        job_id = start_day(at=at(3, 8, 30))
        assert job_id is not None and start_day(at=at(3, 8, 30)) is not None, "nothing is estimated yet"
        claim = jobs.claim_shard(job_id=job_id, now=at(3, 8, 30))
        assert claim is not None

        with django_assert_max_num_queries(70):
            jobs.WORKERS["fee-control"].__globals__["fee_control_days"].work_shard(claim, at=at(3, 8, 30))

        assert FeeControlEstimate.objects.count() == len(others) + 1 == Job.objects.get(pk=job_id).done_units
        assert start_day(at=at(3, 9)) is None


class TestNeverAgainstTheRule:
    @pytest.mark.acceptance("F30")
    @pytest.mark.parametrize(
        "against",
        [
            "night",
            "holiday",
            "heat",
            "life-support",
            "dispute",
            "ended",
            "credit",
            "paid",
            "welfare",
            "nothing-new",
        ],
    )
    def test_nobody_is_stopped(self, flat: Controlled, outside: Any, against: str, settings: Any) -> None:
        warned(flat, outside)
        by = flat.world.manager_id
        when = at(10, 9, 2)
        account_id = flat.account.account_id
        match against:
            case "night":
                # Warned again at the last minute: only the hour keeps supply on.
                assert flat.look(at(10, 16, 25)) == {"last-warning": 1}
                flat.deliver(at(10, 16, 26), outside)
                assert facts_of([account_id], at=at(10, 16, 56))[account_id].decide(at(10, 16, 56)).decision == "stop"
                when = at(10, 17)
            case "holiday":
                # The Tomb-sweeping days are 4 to 6 April; the day before is as quiet, whatever somebody told by call.
                curves(flat.account, date(2026, 4, 1), date(2026, 4, 3))
                flat.day(at(3, 8, 30, month=4))
                when = at(3, 10, month=4)
                FeeControlStep.objects.create(
                    agreement_id=flat.agreement_id, account_id=account_id, what="last-warned",
                    at=at(3, 9, 30, month=4), balance_fen=-1, channel="phone", key="called", evidence="x", by_id=by,
                )  # fmt: skip
                facts = facts_of([account_id], at=when)[account_id]
                workday = replace(facts, situation=replace(facts.situation, is_closed=lambda _day: False))
                assert (facts.decide(when).why_not, workday.decide(when).decision) == (("holiday",), "stop")
            case "heat":
                protections.set_quiet_time(
                    org_unit_id=flat.world.city_id, kind="weather", from_at=at(10, 9), until_at=at(11, 0),
                    reason="高温橙色预警", by_id=by, at=at(10, 8),
                )  # fmt: skip
            case "life-support":
                protections.protect(
                    account_id=account_id, kind="life-support", basis="呼吸机", from_on=date(2026, 3, 1), until_on=None,
                    by_id=by, at=at(10, 9),
                )  # fmt: skip
            case "dispute":
                bill_no = issue(flat.world, 1_00, account=flat.account, cycle=202601)
                disputes.open_dispute(bill_no=bill_no, reason="多算了", opened_by_id=by, at=at(10, 9))
            case "ended":
                flat.end(at(10, 9))
            case "credit":
                # 30 yuan are less than what is owed by the 10th, enough on the 5th of the month.
                settings.OUTLIER_LEAST_FEN = 1
                pay(flat.world, fen=20_00, account=flat.account, at=at(10, 8, 59))
                assert fee_control.give_credit(account_id=account_id, channel="portal", by_id=by, at=at(10, 9)) == 30_00
            case "paid":
                pay(flat.world, fen=48_21, account=flat.account, at=at(10, 9, 1))
            case "welfare":
                on_minimum_income(account_id)
            case "nothing-new":
                when = at(12, 10)

        assert "stop" not in flat.look(when)
        assert not FeeControlCommand.objects.filter(kind="stop").exists()

    def test_the_database_refuses_a_stop_without_any_one_piece_of_its_evidence(
        self, flat: Controlled, outside: Any
    ) -> None:
        warned(flat, outside)
        facts = facts_of([flat.account.account_id], at=at(10, 9, 2))[flat.account.account_id]
        lawful: dict[str, Any] = {
            "number": "FC-AROUND-0001", "agreement_id": facts.agreement_id, "account_id": facts.account_id,
            "org_unit_id": facts.org_unit_id, "kind": "stop", "meter_no": facts.meter_no, "ordered_at": at(10, 9, 2),
            "not_after": at(10, 10), "look_at": at(10, 9, 2), "estimate_id": facts.estimate_id,
            "announced_id": facts.announced_id, "last_warned_id": facts.last_warned_id, "why": "x",
        }  # fmt: skip
        old = FeeControlEstimate.objects.get(day=date(2026, 3, 3)).pk
        for changed in (
            {"estimate_id": None}, {"estimate_id": old}, {"announced_id": None}, {"last_warned_id": None},
            {"announced_id": facts.last_warned_id}, {"ordered_at": at(10, 9)}, {"ordered_at": at(10, 17)},
            {"ordered_at": at(10, 10, 40), "not_after": at(10, 11)}, {"not_after": at(10, 18)},
            {"not_after": at(11, 10)}, {"ordered_at": at(9, 9, 2)}, {"agreement_id": 0},
            {"ordered_at": timezone.now() + timedelta(days=400), "not_after": timezone.now() + timedelta(days=401)},
        ):  # fmt: skip
            with pytest.raises(Error), transaction.atomic():
                FeeControlCommand.objects.create(**lawful | changed)
        by = flat.world.manager_id
        for against in (
            lambda: by_instalments(flat),
            lambda: by_plan(flat),
            lambda: on_minimum_income(facts.account_id),
            # The estimate's month is billed and paid: it does not run beside its bill.
            lambda: (
                issue(flat.world, 48_21, account=flat.account, cycle=202603),
                pay(flat.world, fen=48_21, account=flat.account, at=at(10, 9)),
            ),
            lambda: flat.end(at(10, 8, 50)),
            lambda: pay(flat.world, fen=48_21, account=flat.account, at=at(10, 9)),
            lambda: fee_control_commands.halt_stops(
                org_unit_id=flat.world.city_id, until_at=at(10, 9, 30), reason="系统异常", by_id=by, at=at(10, 9)
            ),
            lambda: protections.protect(
                account_id=facts.account_id, kind="important", basis="医院", from_on=date(2026, 3, 1), until_on=None,
                by_id=by, at=at(10, 9),
            ),
        ):  # fmt: skip
            undone = transaction.savepoint()
            against()
            assert "stop" not in flat.look(at(10, 9, 2)), "nor does the house try"
            with pytest.raises(Error), transaction.atomic():
                FeeControlCommand.objects.create(**lawful)
            transaction.savepoint_rollback(undone)
        for day in (date(2026, 3, 10), date(2026, 3, 11)):
            undone = transaction.savepoint()
            PublicHoliday.objects.create(day=day, name="节日")
            with pytest.raises(Error, match="holiday"), transaction.atomic():
                FeeControlCommand.objects.create(**lawful)
            transaction.savepoint_rollback(undone)
        FeeControlCommand.objects.create(**lawful)

    @pytest.mark.parametrize("table", ["estimate", "step", "receipt", "command"])
    def test_what_is_written_stays(self, flat: Controlled, outside: Any, table: str) -> None:
        stopped(flat, outside)
        changed = "account_id" if table != "receipt" else "code"
        for act in (
            f"DELETE FROM cis_fee_control_{table}",
            f"UPDATE cis_fee_control_{table} SET {changed} = {changed}",
        ):
            with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(act)

    def test_post_paid_is_cut_by_the_procedure_of_arrears_and_comes_back_with_the_debt_paid(
        self, world: World, outside: Any
    ) -> None:
        outside.collection.behaviour.ends = "none"
        flat = Controlled(world, terms="SG-POSTPAID", account=world.commercial)
        road = Road(world)
        flat.day(at(3, 8, 30))
        for act in WALK:
            getattr(road, act)()
        assert flat.look(on(3, 3, 10)) == {}, "everything but the cut itself"

        road.cut()
        assert flat.look(on(3, 3, 10, 1)) == {"stop": 1}
        stop = FeeControlCommand.objects.get(kind="stop")
        assert stop.arrears_cut_id == ArrearsStep.objects.get(what="cut").pk
        flat.send(on(3, 3, 10, 1), outside)
        say("executed", stop.number, on(3, 3, 10, 2))
        paid = pay(world, fen=1, account=world.commercial, at=on(3, 3, 14))
        collecting.note_payment(
            account_id=flat.account.account_id, payment_id=paid.payment_id, paid_at=on(3, 3, 14), at=on(3, 3, 14, 1)
        )
        assert flat.look(on(3, 3, 14, 2)) == {}, "one fen pays no debt"
        paid = pay_all(world, account=world.commercial, at=on(3, 3, 15))
        collecting.note_payment(
            account_id=flat.account.account_id, payment_id=paid.payment_id, paid_at=on(3, 3, 15), at=on(3, 3, 15, 1)
        )
        assert flat.look(on(3, 3, 15, 1)) == {"reconnect": 1}
        flat.send(on(3, 3, 15, 2), outside)
        say("executed", FeeControlCommand.objects.get(kind="reconnect").number, on(3, 3, 15, 3))
        case = ArrearsCase.objects.get(account_id=flat.account.account_id)
        assert (road.steps()[-1], case.stage, case.closed_at) == ("restored", "restored", on(3, 3, 15, 3))
        assert ReconnectionOrder.objects.get().done_at == on(3, 3, 15, 3)

    def test_one_credit_a_period_and_one_agreement_at_a_time(self, flat: Controlled) -> None:
        flat.day(at(3, 8, 30))
        give: dict[str, Any] = {
            "account_id": flat.account.account_id,
            "channel": "counter",
            "by_id": flat.world.clerk_a_id,
        }
        fee_control.give_credit(**give, at=at(3, 9))
        with pytest.raises(fee_control.CreditRefused):
            fee_control.give_credit(**give, at=at(3, 10))
        step = FeeControlStep.objects.get(what="credit")
        with pytest.raises(Error), transaction.atomic():
            FeeControlStep.objects.create(
                agreement_id=step.agreement_id, account_id=step.account_id, what="credit", at=at(3, 10), balance_fen=0,
                channel="x", key="other", evidence="x", credit_fen=1, period_start=step.period_start,
            )  # fmt: skip
        with pytest.raises(fee_control.AgreementStands):
            flat.agree("CSG-PREPAID", from_on=date(2026, 4, 1))
        for wrong in ({"paper": b"MZ"}, {"signed_by": " "}, {"terms_code": "X"}, {"within": ["/0/"]}):
            with pytest.raises(Refused):
                flat.agree("SG-PREPAID", **wrong)


class TestCommandsAreNeverSentTwice:
    def test_a_command_whose_outcome_is_unknown_is_asked_for(self, flat: Controlled, outside: Any) -> None:
        outside.collection.behaviour.lose_after_taking = 1
        stop = stopped(flat, outside)
        assert stop.state == "unknown"

        flat.send(at(10, 9, 3), outside)

        stop.refresh_from_db()
        assert (stop.state, stop.attempts) == ("accepted", 1)

    def test_what_never_arrived_goes_again_under_its_number(self, flat: Controlled, outside: Any) -> None:
        outside.collection.behaviour.lose_before_taking = 1
        stop = stopped(flat, outside)
        flat.send(at(10, 9, 3), outside)

        stop.refresh_from_db()
        assert (stop.state, stop.attempts) == ("accepted", 2)
        assert FeeControlReceipt.objects.filter(command=stop, what="sent").count() == 2

    def test_a_worker_that_died_leaves_a_command_that_is_asked_for(self, flat: Controlled, outside: Any) -> None:
        warned(flat, outside)
        flat.look(at(10, 9, 2))
        FeeControlCommand.objects.update(state="sending", attempts=1, look_at=at(10, 9, 3))

        flat.send(at(10, 9, 3), outside)

        assert FeeControlCommand.objects.get().state == "accepted"

    def test_while_the_system_is_away_it_waits_and_then_it_is_too_late(
        self, flat: Controlled, outside: Any, settings: Any
    ) -> None:
        url, settings.COLLECTION_SYSTEM_URL = settings.COLLECTION_SYSTEM_URL, "http://127.0.0.1:9/collection/"
        stop = stopped(flat, outside)
        assert stop.state == "waiting"
        settings.COLLECTION_SYSTEM_URL = url
        flat.send(at(10, 10, 2), outside)

        stop.refresh_from_db()
        assert (stop.state, stop.answer) == ("withdrawn", "not-sent"), "an hour later nobody is stopped by it"

    @pytest.mark.parametrize("because", ["paid", "halt"])
    def test_a_stop_on_its_way_is_called_back(self, flat: Controlled, outside: Any, because: str) -> None:
        stop = stopped(flat, outside)
        if because == "paid":
            pay(flat.world, fen=100_00, account=flat.account, at=at(10, 9, 4))
            fee_control_acts.note_payment(account_id=flat.account.account_id, paid_at=at(10, 9, 4), at=at(10, 9, 4))
        else:
            fee_control_commands.halt_stops(
                org_unit_id=flat.world.city_id, until_at=at(10, 18), reason="系统异常", by_id=flat.world.manager_id,
                at=at(10, 9, 4),
            )  # fmt: skip
        flat.send(at(10, 9, 5), outside)

        stop.refresh_from_db()
        assert stop.state == "withdrawn"
        assert outside.collection.answer is not None and not outside.collection.meters_off

    def test_a_refused_stop_is_warned_of_again_before_it_is_tried_again(self, flat: Controlled, outside: Any) -> None:
        outside.collection.behaviour.refuse = ["meter-offline"]
        stop = stopped(flat, outside)
        assert (stop.state, stop.answer) == ("refused", "meter-offline")

        assert flat.look(at(10, 9, 5)) == {"last-warning": 1}

    def test_a_wrong_key_stops_nobody(self, flat: Controlled, outside: Any, settings: Any) -> None:
        settings.COLLECTION_SYSTEM_SECRET = "wrong"
        stop = stopped(flat, outside)

        assert (stop.state, stop.answer) == ("waiting", "signature-does-not-match")

    def test_a_meter_carries_a_repeated_command_out_once(self, flat: Controlled, outside: Any) -> None:
        outside.collection.behaviour.ends, outside.collection.behaviour.receipt_delay_s = "executed", 0
        stop = stopped(flat, outside)
        order = fee_control_commands._order(stop)
        system = collection_system()
        said = {system.send(order, at=at(10, 9, 4)).outcome.value for _time in range(3)}

        assert said <= {"accepted", "executed"}
        assert outside.collection.executions in ([], [(stop.meter_no, "stop")])

    def test_receipts_are_taken_from_the_collection_system_only(self, flat: Controlled, outside: Any) -> None:
        stop = stopped(flat, outside)
        body = json.dumps(
            [{"command_no": stop.number, "state": "refused", "code": "breaker", "at": at(10, 9, 3).isoformat()}]
        ).encode()

        def post(secret: str, nonce: str = "nonce-0001", body: bytes = body) -> int:
            stamp = str(int(timezone.now().timestamp()))
            signed = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
            return (
                Client()
                .post(
                    "/collection-system/receipts/", body, content_type="application/json",
                    headers={
                        "X-Timestamp": stamp, "X-Nonce": nonce,
                        "X-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
                    },
                )
                .status_code
            )  # fmt: skip

        secret = house.RECEIPT_SECRETS["collection"]
        assert [post("wrong"), post(secret), post(secret), post(secret, "nonce-0002", b"{}")] == [401, 200, 401, 400]
        stop.refresh_from_db()
        assert (stop.state, stop.answer) == ("refused", "breaker")
        assert FeeControlReceipt.objects.get(command=stop, what="refused").at == at(10, 9, 3)


class TestThePages:
    def test_an_agreement_is_entered_with_its_paper_shown_and_ended(self, world: World, outside: Any) -> None:
        account_no = world.commercial.account_no
        clerk = signed_in(world.clerk_a_id)
        address = f"/console/accounts/{account_no}/fee-control/manage/"
        today = timezone.localdate()
        typed = {
            "act": "agree", "terms_code": "SG-PREPAID", "signed_by": "王经理", "signed_on": f"{today}",
            "from_on": f"{today}",
        }  # fmt: skip
        wrong = clerk.post(address, typed | {"paper": SimpleUploadedFile("a.exe", b"MZ")})
        assert wrong.status_code == 422 and "不是 PDF" in wrong.content.decode()
        assert clerk.post(address, typed | {"paper": SimpleUploadedFile("协议.pdf", PAPER)}).status_code == 302
        assert clerk.get(f"/console/accounts/{account_no}/fee-control/paper/").content == PAPER
        assert "费控中" in clerk.get(f"/console/accounts/{account_no}/fee-control/").content.decode()
        assert clerk.post(address, {"act": "end", "reason": ""}).status_code == 422
        clerk.post(address, {"act": "end", "reason": "客户要求"})
        assert "协议已终止" in clerk.get(f"/console/accounts/{account_no}/fee-control/").content.decode()

    def test_whoever_collects_sees_low_balances_and_calls_in_their_part_only(
        self, flat: Controlled, outside: Any
    ) -> None:
        flat.day(at(3, 8, 30))
        elsewhere = [OrgUnit.objects.get(pk=flat.world.county_b_id).path]
        mine = [OrgUnit.objects.get(pk=flat.world.county_a_id).path]

        low = queries.list_low(within=mine, today=date(2026, 3, 3))
        assert [(row.account_no, row.balance_fen, row.state_word) for row in low] == [
            (flat.account.account_no, -1071, "已用完")
        ]
        assert not queries.list_calls(within=mine, at=at(3, 9)), "the message is on its way"
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"]
        flat.deliver(at(3, 8, 31), outside)
        calls = queries.list_calls(within=mine, at=at(3, 9))
        assert [(row.account_no, row.word) for row in calls] == [(flat.account.account_no, "停电预告")]
        assert not queries.list_low(within=elsewhere, today=date(2026, 3, 3))
        assert not queries.list_calls(within=elsewhere, at=at(3, 9))
        fee_control.note_call(
            account_no=flat.account.account_no, what="announced", evidence="本人接听", by_id=flat.world.manager_id,
            at=at(3, 9, 30),
        )  # fmt: skip
        assert not queries.list_calls(within=mine, at=at(3, 10))
        text = signed_in(flat.world.accountant_id).get("/console/fee-control/").content.decode()
        assert "采集系统是模拟的" in text

    def test_the_head_of_the_unit_halts_stops_at_once(self, flat: Controlled, outside: Any) -> None:
        stopped(flat, outside)
        path = OrgUnit.objects.get(pk=flat.world.county_a_id)
        head = signed_in(make_user("head", path, "leader").pk)
        assert head.post("/console/arrears/quiet/", {"act": "halt", "hours": "0", "reason": "x"}).status_code == 422

        answer = head.post("/console/arrears/quiet/", {"act": "halt", "hours": "24", "reason": "误发"}, follow=True)

        assert "1 条在途的正在撤回" in answer.content.decode() and "误发" in answer.content.decode()

    def test_a_late_reconnection_stands_first(self, flat: Controlled, outside: Any) -> None:
        stopped(flat, outside)
        pay(flat.world, fen=100_00, account=flat.account, at=at(10, 20))
        outside.collection.behaviour.lose_before_taking = 99
        fee_control_acts.note_payment(account_id=flat.account.account_id, paid_at=at(10, 20), at=at(10, 20))
        path = [OrgUnit.objects.get(pk=flat.world.county_a_id).path]

        [late] = queries.list_late(within=path, at=at(11, 20, 1))
        assert (late.is_late, late.due_at) == (True, at(11, 20))
        assert queries.list_commands(within=path, at=at(11, 20, 1))[0].is_late
        assert not queries.list_late(within=path, at=at(11, 19))[0].is_late

    def test_the_days_ahead_say_why_nobody_is_stopped(self, flat: Controlled) -> None:
        path = [OrgUnit.objects.get(pk=flat.world.county_a_id).path]
        protections.set_quiet_time(
            org_unit_id=flat.world.county_a_id, kind="weather", from_at=at(7, 0, month=4), until_at=at(8, 0, month=4),
            reason="高温橙色预警", by_id=flat.world.manager_id, at=at(1),
        )  # fmt: skip

        days = {row.day: row.why for row in queries.calendar_ahead(within=path, today=date(2026, 4, 2))}

        assert days[date(2026, 4, 2)] == ()
        assert days[date(2026, 4, 3)] == ("节前",) and days[date(2026, 4, 5)] == ("节假日",)
        assert days[date(2026, 4, 7)] == ("极端天气 高温橙色预警",) and days[date(2026, 4, 8)] == ()

    @pytest.mark.acceptance("F30")
    def test_a_customer_sees_what_is_left_chooses_a_threshold_and_asks_for_credit_once(
        self, world: World, outside: Any
    ) -> None:
        now = timezone.now()
        today = timezone.localdate(now)
        curves(world.residential, today - timedelta(days=60), today)
        mine = signed_in(world.portal_user_id)
        assert "没有签费控协议" in mine.get("/my/fee-control/").content.decode()
        fee_control.agree(
            account_no=world.residential.account_no, terms_code="SG-PREPAID", from_on=today, until_on=None,
            signed_by="张三", signed_on=today, paper=PAPER, paper_name="a.pdf", by_id=world.manager_id, at=now,
        )  # fmt: skip
        fee_control_days.estimate([world.residential.account_id], at=now)

        assert "电费余额" in mine.get("/my/").content.decode()
        assert "先用 30.00 元应急" in mine.get("/my/fee-control/").content.decode()
        assert mine.post("/my/fee-control/", {"act": "warn", "warn": "80.50"}).status_code == 302
        assert FeeControlAgreement.objects.get().own_warn_fen == 80_50
        assert mine.post("/my/fee-control/", {"act": "credit"}).status_code == 302
        again = mine.post("/my/fee-control/", {"act": "credit"})
        assert again.status_code == 422 and "已经用过" in again.content.decode()
        assert FeeControlStep.objects.filter(what="credit").count() == 1
