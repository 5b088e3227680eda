"""What a town's own Python processes do: make accounts, start a run; called through `manage.py shell`."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone

from cis.models import BillingRun
from cis.operations import billing
from tests.factories.world import AT, AccountIds, small_world

CYCLE = 202601
_FIRST_ID = 1_000_000


def settle(accounts: int) -> None:
    """A small world, and so many copies of its first household, table by table in SQL."""
    with transaction.atomic():
        one = small_world(at=AT, cycles=1).residential
        _copy("cis_account", one.account_id, accounts, account_no="'C' || n")
        _copy("cis_supply_contract", one.contract_id, accounts, account_id=_id())
        _copy("cis_metering_point", one.point_id, accounts, point_no="'CP' || n")
        _copy("cis_meter", one.meter_id, accounts, meter_no="'CM' || n")
        _copy("cis_meter_installation", one.installation_id, accounts, meter_id=_id(), point_id=_id())
        _copy("cis_account_point", _point_of(one), accounts, account_id=_id(), point_id=_id())
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO cis_ledger_balance (ledger_account_id, debit_fen, credit_fen) "
                f"SELECT {_id()} * 10 + k, 0, 0 FROM generate_series(1, %s) n, generate_series(1, 2) k",
                [accounts],
            )
            columns = _columns("cis_reading")
            values = [_id() if name in ("installation_id", "account_id") else f"t.{name}" for name in columns]
            cursor.execute(
                f"INSERT INTO cis_reading ({', '.join(columns)}) SELECT {', '.join(values)} "
                "FROM cis_reading t, generate_series(1, %s) n WHERE t.installation_id = %s",
                [accounts, one.installation_id],
            )


def _id() -> str:
    return f"({_FIRST_ID} + n)"


def _point_of(account: AccountIds) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cis_account_point WHERE account_id = %s", [account.account_id])
        return int(cursor.fetchone()[0])


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        return [row[0] for row in cursor.fetchall()]


def _copy(table: str, row_id: int, times: int, **changed: str) -> None:
    """So many copies of one row, with ids that run alike in every table."""
    changed["id"] = _id()
    columns = _columns(table)
    values = [changed.get(name, f"t.{name}") for name in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM {table} t, generate_series(1, %s) n WHERE t.id = %s",
            [times, row_id],
        )


def bill(shard_size: int, kind: str) -> int:
    """Start a run over everybody; its job's id."""
    run_id = billing.start_run(
        cycle=CYCLE, org_unit_id=None, created_by_id=None, at=timezone.now(), kind=kind, shard_size=shard_size
    )
    job_id = BillingRun.objects.get(pk=run_id).job_id
    assert job_id is not None
    return job_id
