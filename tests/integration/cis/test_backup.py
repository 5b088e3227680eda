"""A backup comes up on a fresh server with everything in it, the application's missing privileges included."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from cis.models import Bill, BillingRun, LedgerDay
from cis.operations import backups, billing, ledger
from config.embedded import places
from config.embedded.places import PROJECT
from config.embedded.postgres import TEST_SETTINGS, Postgres
from config.embedded.provision import APP, OWNER
from config.shared import jobs
from tests.factories.world import AT, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lived_in() -> None:
    """A world with bills, payments and closed days."""
    world = small_world()
    run_id = billing.start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT)
    job_id = BillingRun.objects.get(pk=run_id).job_id
    assert job_id is not None
    jobs.work_on(job_id=job_id)
    pay(world, fen=100_000)
    pay(world, fen=50, account=world.commercial)
    ledger.close_days(closed_by_id=None, at=datetime(2026, 2, 5, 1, tzinfo=UTC))
    assert LedgerDay.objects.exists()


@pytest.fixture
def fresh_server() -> Iterator[Postgres]:
    home = places.engine_home("tests", PROJECT) / f"restored-{os.getpid()}"
    home.mkdir()
    places.engine_account().give(home, 0o711)
    server = Postgres(home, places.free_port(), "fresh", TEST_SETTINGS)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(home)


def manage(server: Postgres, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """A command of an installation that has the fresh server and the same keys."""
    environment = {
        **os.environ,
        "DAYINGXIAO_ENV": "test",
        "DATABASE_SUPERUSER_URL": server.url(),
        "DATABASE_OWNER_URL": server.url("revived", OWNER, "owner-word"),
        "DATABASE_URL": server.url("revived", APP, "app-word"),
        **changed,
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(url: str, query: str) -> Any:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone() if cursor.description else None


class TestRestore:
    def test_everything_comes_up_elsewhere_and_the_application_may_still_not_change_money(
        self, lived_in: None, fresh_server: Postgres, tmp_path: Path
    ) -> None:
        file = tmp_path / "whole.dump"
        call_command("backup", str(file))

        restored = manage(fresh_server, "restore", str(file))

        assert restored.returncode == 0, restored.stderr
        verified = manage(fresh_server, "verify_ledger", "--json")
        assert verified.returncode == 0, verified.stderr
        found, here = json.loads(verified.stdout), ledger.verify_snapshot()
        assert (found["transfers"], found["closed_days"], found["debit_fen"]) == (
            here.transfers,
            here.closed_days,
            here.debit_fen,
        )
        app = fresh_server.url("revived", APP, "app-word")
        assert ask(app, "SELECT count(*), sum(total_fen) FROM cis_bill") == (
            Bill.objects.count(),
            sum(Bill.objects.values_list("total_fen", flat=True)),
        )
        for table, column in (
            ("cis_ledger_transfer", "amount_fen"),
            ("cis_ledger_day", "amount_fen"),
            ("cis_bill", "total_fen"),
            ("cis_bill_line", "amount_fen"),
            ("payments_payment", "amount_fen"),
        ):
            for forbidden in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    ask(app, forbidden)
        with pytest.raises(psycopg2.Error, match="money records are corrected by new records"):
            ask(fresh_server.url("revived", OWNER, "owner-word"), "DELETE FROM cis_ledger_transfer")
        # What it may do, it may still do; and tables made later give it the usual rights.
        ask(app, "UPDATE cis_bill SET open_fen = open_fen")
        ask(app, "SELECT nextval('cis_bill_id_seq'), cis_make_interval_partitions('2031-01-01', '2031-01-02')")
        ask(fresh_server.url("revived", OWNER, "owner-word"), "CREATE TABLE later (id int)")
        ask(app, "INSERT INTO later VALUES (1)")

        again = manage(fresh_server, "restore", str(file))
        assert again.returncode == 1
        assert "the database holds tables" in again.stderr

    def test_an_altered_dump_a_forged_manifest_and_other_keys_are_refused(self, lived_in: None, tmp_path: Path) -> None:
        file = tmp_path / "whole.dump"
        call_command("backup", str(file))
        note = backups.manifest_path(file)
        dump, manifest = file.read_bytes(), note.read_text("utf-8")
        assert backups.read_manifest(file).counts["cis_bill"] == Bill.objects.count()

        file.write_bytes(dump[:-1] + bytes([dump[-1] ^ 1]))
        with pytest.raises(backups.BackupRefused, match="is not the file"):
            backups.read_manifest(file)
        file.write_bytes(dump)
        forged = json.loads(manifest)
        forged["counts"]["cis_bill"] -= 1
        for text in (json.dumps(forged), manifest.replace('"signature"', '"s"'), "[]", "{"):
            note.write_text(text, "utf-8")
            with pytest.raises(backups.BackupRefused):
                backups.read_manifest(file)
        note.unlink()
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("restore", str(file))

    def test_a_dump_that_does_not_hold_what_its_manifest_says_fails(
        self, lived_in: None, fresh_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As if rows had been lost between the count and the dump."""
        file = tmp_path / "whole.dump"
        real = backups._content_of

        def one_more(connection: Any, *, application: str) -> dict[str, Any]:
            content = real(connection, application=application)
            content["counts"]["cis_bill"] += 1
            return content

        monkeypatch.setattr(backups, "_content_of", one_more)
        call_command("backup", str(file))

        restored = manage(fresh_server, "restore", str(file))

        assert restored.returncode == 1
        assert "other numbers of rows than were backed up: cis_bill" in restored.stderr


class TestBackup:
    def test_it_overwrites_nothing_and_only_its_maker_reads_it(self, tmp_path: Path) -> None:
        file = tmp_path / "whole.dump"
        call_command("backup", str(file))

        with pytest.raises(CommandError, match="exists"):
            call_command("backup", str(file))
        file.unlink()
        with pytest.raises(CommandError, match="exists"):
            call_command("backup", str(file))

        note = backups.manifest_path(file)
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert settings.BLIND_INDEX_KEY not in note.read_text("utf-8")
        assert [path.name for path in tmp_path.iterdir()] == [note.name]

    def test_a_backup_that_fails_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "DATABASE_OWNER_URL", settings.DATABASE_OWNER_URL + "x")

        with pytest.raises(CommandError):
            call_command("backup", str(tmp_path / "whole.dump"))

        assert not list(tmp_path.iterdir())
