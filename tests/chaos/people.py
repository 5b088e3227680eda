"""What a town's own Python processes do: make accounts, start a run; called through `manage.py shell`."""

from __future__ import annotations

import json
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from cis.models import BillingRun
from cis.operations import billing
from config.shared.models import OrgUnit, User
from payments.models import PaymentOrder
from payments.operations import channel_clients
from payments.operations.channel_clients import EVERYWHERE, Contract
from payments.signing import request_signature
from tests.chaos.till import order_name
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


def connect(orders: int, fen: int) -> None:
    """A bank with a key, and so many orders at WeChat Pay; prints code, key and secret, and the accounts' numbers."""
    at = timezone.now()
    by_id = User.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)[0]
    contract = Contract(
        name="工商银行", kind="bank", networks=EVERYWHERE, days_apart=2, queries_per_minute=100_000,
        payments_per_minute=100_000, area_ids=[OrgUnit.objects.order_by("path").values_list("pk", flat=True)[0]],
    )  # fmt: skip
    channel_clients.open_client(code="icbc", contract=contract, is_sandbox=True, by_id=by_id, within=None, at=at)
    made = channel_clients.add_key(
        code="icbc", algorithm=request_signature.HMAC_SHA256, public_key="", reason="", by_id=by_id, within=None, at=at
    )
    accounts = _accounts()
    PaymentOrder.objects.bulk_create(
        PaymentOrder(
            out_trade_no=order_name(number), channel="wechat", account_id=accounts[number % len(accounts)][0],
            amount_fen=fen, created_at=at, expires_at=at + timedelta(hours=2),
        )
        for number in range(orders)
    )  # fmt: skip
    print(json.dumps([["icbc", made.key_id, made.private], [number for _id, number in accounts]]))


def _accounts() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, account_no FROM cis_account WHERE id > %s ORDER BY 1", [_FIRST_ID])
        return list(cursor.fetchall())
