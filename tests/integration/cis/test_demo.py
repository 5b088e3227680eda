"""Loading the demonstration and the utility for load tests, into a real database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from cis.market_settlement import Cause
from cis.models import (
    Account,
    Bill,
    BillCorrection,
    BillDispute,
    BillingRun,
    CapacityPause,
    FeedInPayment,
    IntervalDay,
    PlantAlert,
    Reading,
    ReadingDoubt,
    SettlementDifference,
)
from cis.operations import billing, demo, demo_market, demo_works, ledger, portal
from cis.operations.bulk_utility import load_utility
from cis.queries.ledger import balance
from cis.queries.portal import my_accounts
from config.shared import jobs
from config.shared.models import ApiKey, Job, Message, OrgUnit, User
from config.shared.periods import add_months, cycle_of
from payments.models import Payment, Reversal
from tests.factories.messages import code_of

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = 100
PROJECT = Path(__file__).resolve().parents[3]


def _load(*arguments: str) -> None:
    call_command("load_demo", "--accounts", str(ACCOUNTS), *arguments, verbosity=0, stdout=StringIO())


class TestLoadDemo:
    """The command as `make run` calls it, as the application's role."""

    def test_a_year_of_bills_payments_and_closed_days_that_verify_and_a_second_call_changes_nothing(self) -> None:
        _load()

        others = [demo_works.ACCOUNT_NO, *(place.account_no for place in demo_market.PLACES)]
        assert Account.objects.exclude(account_no__in=others).count() == ACCOUNTS
        assert Bill.objects.filter(account__account_no=demo_works.ACCOUNT_NO).count() == demo_works.MONTHS
        cycles = set(Bill.objects.values_list("cycle", flat=True))
        assert len(cycles) == 13
        assert max(cycles) == add_months(cycle_of(timezone.localdate()), -1)
        assert Payment.objects.count() > ACCOUNTS
        assert Reversal.objects.count() == 1
        assert BillDispute.objects.filter(closed_at=None).count() == 1
        assert IntervalDay.objects.filter(register=11).exists()
        found = ledger.verify()
        assert found.faults == ()
        assert found.closed_days > 50
        kinds = set(ReadingDoubt.objects.filter(resolved_at=None).values_list("doubts", flat=True))
        assert len(kinds) >= 3
        assert Reading.objects.filter(is_rollover=True, state=Reading.State.ACCEPTED).exists()
        # Plants by day, one that stood still and one beyond its capacity; the works pause a part of theirs.
        assert set(PlantAlert.objects.values_list("kind", flat=True)) >= {"nothing", "output"}
        assert CapacityPause.objects.get().account.account_no == demo_works.ACCOUNT_NO
        # The market: a deviation cleared on the newest bill, two differences open, plants in three states.
        assert BillCorrection.objects.filter(cause="market-settlement").exclude(taken_by=None).count() == 2
        open_causes = SettlementDifference.objects.filter(left_fen__lt=0).values_list("cause", flat=True)
        assert Cause.PROVISIONAL in open_causes
        assert SettlementDifference.objects.filter(cause=Cause.OTHER_ENERGY).exists()
        assert set(FeedInPayment.objects.values_list("state", flat=True)) >= {"computed", "confirmed", "paying"}

        bills, payments = Bill.objects.count(), Payment.objects.count()
        _load("--if-empty")
        assert (Bill.objects.count(), Payment.objects.count()) == (bills, payments)
        with pytest.raises(CommandError):
            _load()

    def test_a_load_that_died_is_finished_by_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = demo.bill_month

        def dies_in_the_seventh_month(*, cycle: int, **others: Any) -> Any:
            result = whole(cycle=cycle, **others)
            if Bill.objects.values("cycle").distinct().count() == 7:
                raise KeyboardInterrupt
            return result

        monkeypatch.setattr(demo, "bill_month", dies_in_the_seventh_month)
        with pytest.raises(KeyboardInterrupt):
            _load("--if-empty")
        assert not demo.demo_state().is_complete  # type: ignore[union-attr]
        monkeypatch.undo()

        _load("--if-empty")

        assert demo.demo_state().is_complete  # type: ignore[union-attr]
        assert Bill.objects.values("cycle").distinct().count() == 13
        assert ledger.verify().faults == ()
        assert Job.objects.filter(kind=demo.JOB_KIND).count() == 1
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM payments_allocation x JOIN payments_payment p ON p.id = x.payment_id "
                "JOIN cis_bill b ON b.id = x.bill_id WHERE p.received_at < b.issued_at"
            )
            assert cursor.fetchone() == (0,), "nobody pays a bill before it is issued"

    def test_another_utility_is_left_alone(self) -> None:
        OrgUnit.objects.create(kind="province", code="X", name="某省", path="/1/")

        _load("--if-empty")

        assert not Account.objects.exists()
        with pytest.raises(CommandError):
            _load()

    def test_production_refuses(self) -> None:
        with override_settings(SIMULATORS=False), pytest.raises(CommandError):
            _load()

        assert not OrgUnit.objects.exists()


class TestDemoLogins:
    """What is printed under the address."""

    def test_it_is_silent_where_nothing_was_loaded(self) -> None:
        out = StringIO()

        call_command("demo_logins", stdout=out)

        assert out.getvalue() == ""

    def test_the_printed_users_can_sign_in(self) -> None:
        demo.begin(until=202601, accounts=60, seed=1, at=datetime(2026, 2, 20, 1, tzinfo=UTC))
        out = StringIO()

        call_command("demo_logins", "--json", stdout=out)

        rows = json.loads(out.getvalue())
        for row in (row for row in rows if "username" in row):
            user = User.objects.get(username=row["username"])
            if row["password"]:
                assert user.check_password(row["password"])
            else:
                assert ApiKey.objects.filter(user=user, prefix=row["key"].split(".")[0]).exists()
        people = [row for row in rows if "telephone" in row]
        assert [row["what_for"].split()[0] for row in people] == ["户主", "户主", "租户", "代缴人"]
        for row in people:
            at = datetime(2026, 2, 20, 2, tzinfo=UTC)
            portal.send_sign_in_code(telephone=row["telephone"], asked_from="192.0.2.1", at=at)
            code = code_of(Message.objects.filter(kind="code").order_by("-pk")[0])
            user_id = portal.sign_in(telephone=row["telephone"], code=code, at=at)
            assert my_accounts(user_id=user_id, today=at.date()).current.account_no == row["account_no"]


class TestLoadUtility:
    """The loader for benchmarks."""

    def test_what_it_loads_can_be_billed(self) -> None:
        at = datetime(2026, 2, 3, 1, tzinfo=UTC)

        loaded = load_utility(accounts=300, until=202601, months=3, at=at, shares=(50, 30, 20))
        run_id = billing.start_run(cycle=202601, org_unit_id=loaded.org_unit_id, created_by_id=None, at=at)
        job_id = BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id)
        assert job_id is not None
        jobs.work_on(job_id=job_id)

        assert loaded.rows["cis_account"] == Account.objects.count() == 300
        assert loaded.rows["cis_reading"] == Reading.objects.count()
        bills = Bill.objects.filter(run_id=run_id)
        assert bills.count() == 300
        assert set(bills.values_list("price_class", flat=True)) == {1, 2, 3}
        first = bills.order_by("pk")[0]
        assert balance(first.account_id).receivable_fen == first.total_fen > 0

    def test_a_second_load_stands_beside_the_first(self) -> None:
        at = datetime(2026, 2, 3, 1, tzinfo=UTC)

        load_utility(accounts=20, until=202601, months=1, at=at)
        load_utility(accounts=30, until=202601, months=1, at=at)

        assert Account.objects.count() == 50
        assert Reading.objects.filter(read_on=date(2026, 2, 1)).exists()

    def test_the_owner_loads_without_history_and_leaves_every_guard_in_place(self, owner_connection: Any) -> None:
        before = _guards(owner_connection)

        done = subprocess.run(
            [sys.executable, "manage.py", "load_utility", "--accounts", "50", "--months", "2", "--json"],
            env={**os.environ, "DAYINGXIAO_AS": "owner"},
            cwd=PROJECT,
            capture_output=True,
            check=True,
        )

        assert json.loads(done.stdout)["rows"]["cis_account"] == Account.objects.count() == 50
        assert _guards(owner_connection) == before
        with owner_connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM cis_accountevent")
            assert cursor.fetchone()[0] == 0

    @pytest.mark.parametrize(
        "wrong", [["--accounts", "0"], ["--accounts", "5", "--months", "0"], ["--accounts", "5", "--share", "92/8"]]
    )
    def test_wrong_options_are_refused(self, wrong: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("load_utility", *wrong, verbosity=0)

        assert not Account.objects.exists()


def _guards(connection: Any) -> tuple[list[Any], list[Any]]:
    """Triggers with whether they fire, and constraints with their definition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
        )
        triggers = cursor.fetchall()
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"
        )
        return triggers, cursor.fetchall()
