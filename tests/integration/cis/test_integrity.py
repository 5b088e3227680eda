"""The nightly check finds each thing that a foreign key would have refused; the clock's own tasks."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from cis import tasks
from cis.models import Account, Bill, BillingRun, LedgerDay
from cis.operations import billing, integrity, ledger
from config.celery import app
from config.shared import jobs
from tests.factories.ledger import book, lawless
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = small_world()
    for cycle in world.cycles[-2:]:
        run_id = billing.start_run(cycle=cycle, org_unit_id=None, created_by_id=None, at=AT)
        job_id = BillingRun.objects.get(pk=run_id).job_id
        assert job_id is not None
        jobs.work_on(job_id=job_id)
    return world


BREAKS = {
    "reading-installation": "UPDATE cis_reading SET installation_id = 999999 WHERE installation_id = {installation}",
    "reading-account": "UPDATE cis_reading SET account_id = 999999 WHERE account_id = {account}",
    "curve-point": "SELECT cis_make_interval_partitions('2026-01-01', '2026-01-02'); INSERT INTO cis_interval_day"
    " (point_id, day, energy_wh) SELECT 999999, '2026-01-01', array_agg(1) FROM generate_series(1, 96)",
    "bill-account": "UPDATE cis_bill SET account_id = 999999 WHERE account_id = {account}",
    "bill-contract": "UPDATE cis_bill SET contract_id = 999999 WHERE account_id = {account}",
    "bill-tariff-version": "UPDATE cis_bill SET tariff_version_id = 999999 WHERE account_id = {account}",
    "bill-unit": "UPDATE cis_bill SET org_unit_id = 999999 WHERE account_id = {account}",
    "bill-run": "UPDATE cis_bill SET run_id = 999999 WHERE account_id = {account}",
    "bill-total": "UPDATE cis_bill SET total_fen = total_fen + 1 WHERE account_id = {account}",
    "bill-periods": "UPDATE cis_bill SET period_end = period_end + 1 WHERE account_id = {account}",
    "bill-cycle": "UPDATE cis_bill SET cycle = (SELECT max(cycle) FROM cis_bill) WHERE account_id = {account}",
    "cycle-billed": "UPDATE cis_bill SET cycle = cycle - 100 WHERE account_id = {account}",
    "line-bill": "UPDATE cis_bill_line SET account_id = 999999 WHERE account_id = {account}",
    "usage-bill": "UPDATE cis_bill_usage SET bill_id = bill_id + 999999 WHERE account_id = {account}",
    "usage-installation": "UPDATE cis_bill_usage SET installation_id = 999999 WHERE account_id = {account}",
    "transfer-bill": "UPDATE cis_ledger_transfer SET document_id = document_id + 999999 WHERE account_id = {account}",
    "fund-ledger": "UPDATE cis_ledger_transfer SET credit_id = -6012 WHERE credit_id = -224101",
    "fund-shares": "INSERT INTO cis_bill_correction (account_id, cause, reason, tier_kwh_e2_before_then,"
    " tier_kwh_e2_before_now, energy_kwh_e2_then, energy_kwh_e2_now, usage_then, usage_now, lines_then, lines_now,"
    " energy_fen, fund_fen, penalty_fen, amount_fen, asked_at, state, void_reason) VALUES ({account}, 'back-bill', 'x',"
    " 0, 0, 0, 0, '[]', '[]', '[]', '[]', 0, 5, 0, 5, now(), 'standing', '')",
    "settlement-rows": "INSERT INTO cis_market_settlement (province, month, revision, file_name, digest, rows,"
    " energy_kwh_e2, total_fen, imported_by_id, imported_at) VALUES ('H', 202601, 1, 'x.csv', 'x', 1, 0, 0, 1, now())",
    "clearing-correction": "WITH c AS (INSERT INTO cis_bill_correction (account_id, cause, reason,"
    " tier_kwh_e2_before_then, tier_kwh_e2_before_now, energy_kwh_e2_then, energy_kwh_e2_now, usage_then, usage_now,"
    " lines_then, lines_now, energy_fen, fund_fen, penalty_fen, amount_fen, asked_at, state, void_reason) VALUES"
    " ({account}, 'market-settlement', 'x', 0, 0, 0, 0, '[]', '[]', '[]', '[]', 5, 0, 0, 5, now(), 'standing', '')"
    " RETURNING id) INSERT INTO cis_settlement_clearing (settlement_check_id, account_id, correction_id, amount_fen)"
    " SELECT 1, {account}, id, 7 FROM c",
    "account-balances": "DELETE FROM cis_ledger_balance WHERE ledger_account_id = {account}2",
}


class TestIntegrity:
    def test_a_sound_world_breaks_no_promise(self, world: World) -> None:
        findings = integrity.check_integrity()

        assert {finding.check for finding in findings} == set(BREAKS)
        assert [finding for finding in findings if finding.broken] == []
        out = StringIO()
        call_command("check_integrity", "--json", stdout=out)
        assert len(json.loads(out.getvalue())) == len(BREAKS)

    @pytest.mark.acceptance("F19")
    def test_every_account_is_billed_exactly_once_a_cycle_however_often_it_runs(self, world: World) -> None:
        """A run again, a bill at the counter, an account that closed and was billed off the cycle: never twice."""
        closing = world.residential
        Account.objects.filter(pk=closing.account_id).update(closed_on=date(2026, 2, 2), state=Account.State.CLOSED)
        for _again in range(2):
            run_id = billing.start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT)
            job_id = BillingRun.objects.get(pk=run_id).job_id
            assert job_id is not None
            jobs.work_on(job_id=job_id)
        with pytest.raises(billing.AlreadyBilled):
            billing.issue_bill_now(account_id=world.commercial.account_id, cycle=world.cycle, issued_by_id=None, at=AT)

        found = {finding.check: finding for finding in integrity.check_integrity()}

        assert Bill.objects.filter(cycle=world.cycle).count() == len(world.accounts)
        assert (found["bill-cycle"].broken, found["cycle-billed"].broken) == (0, 0)
        with lawless() as cursor:
            cursor.execute("DELETE FROM cis_bill WHERE account_id = %s", [world.commercial.account_id])
        missing = {finding.check: finding for finding in integrity.check_integrity()}["cycle-billed"]
        assert missing.examples[0].startswith(world.commercial.account_no)

    def test_each_break_is_found(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """One after another, each undone again: all in the superuser's transaction, where no law holds."""
        with lawless() as cursor:
            cursor.connection.autocommit = False
            monkeypatch.setattr(integrity, "connection", cursor.connection)
            for check, statement in BREAKS.items():
                cursor.execute("SET session_replication_role = replica")
                cursor.execute(
                    statement.format(
                        account=world.residential.account_id, installation=world.residential.installation_id
                    )
                )

                found = {finding.check: finding for finding in integrity.check_integrity()}

                cursor.connection.rollback()
                assert found[check].broken > 0, check
                assert found[check].examples, check

    def test_the_command_shows_what_is_broken_and_ends_with_three(self, world: World) -> None:
        with lawless() as cursor:
            cursor.execute("UPDATE cis_bill SET run_id = 999999")

        out = StringIO()
        with pytest.raises(CommandError) as refused:
            call_command("check_integrity", stdout=out)

        assert refused.value.returncode == 3
        assert "bill-run: every bill was made by a run: 8 broken" in out.getvalue()


class TestCommands:
    def test_verify_ledger_says_sound_or_ends_with_three(self, world: World) -> None:
        out = StringIO()
        call_command("verify_ledger", stdout=out)
        assert "the ledger is sound" in out.getvalue()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cis_bill SET open_fen = open_fen - 1 WHERE id = (SELECT min(id) FROM cis_bill)")

        out = StringIO()
        with pytest.raises(CommandError) as refused:
            call_command("verify_ledger", "--json", stdout=out)

        assert refused.value.returncode == 3
        assert len(json.loads(out.getvalue())["faults"]) == 1

    def test_verify_ledger_sees_one_snapshot_and_writes_nothing(self, world: World) -> None:
        seen = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(watch):
            ledger.verify_snapshot()

        assert seen[0] == "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

    def test_close_day_closes_what_is_over_or_the_day_that_is_named(self, world: World) -> None:
        book(world.residential.account_id, 100, on=date(2026, 2, 4), at=AT)
        out = StringIO()
        call_command("close_day", "2026-02-03", stdout=out)
        call_command("close_day", stdout=out)
        call_command("close_day", stdout=out)

        assert out.getvalue().splitlines() == ["2026-02-03 closed", "2026-02-04 closed", "no open day is over"]
        with pytest.raises(CommandError):
            call_command("close_day", "2026-02-03")


class TestClock:
    def test_every_scheduled_task_exists_and_every_route_names_a_task(self) -> None:
        app.loader.import_default_modules()

        scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
        assert scheduled | settings.CELERY_TASK_ROUTES.keys() <= app.tasks.keys()
        assert {"config.shared.tasks.sweep", "cis.tasks.close_yesterday", "cis.tasks.check_books"} <= scheduled

    def test_the_day_is_closed_half_an_hour_after_midnight_in_shanghai(self) -> None:
        schedule = settings.CELERY_BEAT_SCHEDULE["close-yesterday"]["schedule"]

        assert (schedule.hour, schedule.minute) == ({0}, {30})
        assert str(app.conf.timezone) == settings.TIME_ZONE == "Asia/Shanghai"

    @pytest.mark.parametrize("is_automatic", [True, False])
    def test_closing_by_itself_can_be_switched_off(self, world: World, settings: Any, is_automatic: bool) -> None:
        settings.LEDGER_AUTO_CLOSE = is_automatic

        tasks.close_yesterday()
        tasks.close_yesterday()

        assert LedgerDay.objects.exists() == is_automatic

    def test_partitions_are_made_ahead_once(self) -> None:
        for _ in range(2):
            tasks.make_interval_partitions()

        ahead = (timezone.now() + timedelta(days=95)).strftime("%Y%m")
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [f"cis_interval_day_{ahead}"])
            assert cursor.fetchone()[0] is not None

    def test_the_nightly_check_writes_faults_into_the_log(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cis_bill SET open_fen = open_fen - 1")

        tasks.check_books()

        assert any(record.message == "ledger fault" for record in caplog.records)
