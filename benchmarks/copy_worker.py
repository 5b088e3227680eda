"""
`python -m benchmarks.copy_worker URL PREFIX`: the limit of billing, a raw binary COPY of its rows.

`read RUN MARK OF` takes the finished rows of every OF-th shard of a run out of the live tables, untimed. `copy` packs
them with numpy and COPYs them, shard by shard, a transaction each, into tables with the same keys, indexes and checks
but without triggers. What two-part bills keep besides (their basis, the share of a line) is left out of it, which is
to our disadvantage. It answers as `benchmarks.billing_worker` does.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import psycopg2

from benchmarks.processes import peak_memory_mib
from config.shared.bulk_copy import copy_in, read_columns

TABLES = {
    "cis_bill": "run_id = %s",
    "cis_bill_line": "bill_id IN (SELECT id FROM cis_bill WHERE run_id = %s)",
    "cis_bill_usage": "bill_id IN (SELECT id FROM cis_bill WHERE run_id = %s)",
    "cis_ledger_transfer": "run_id = %s",
}
_ORDER = {
    "cis_bill": "id",
    "cis_bill_line": "bill_id, seq",
    "cis_bill_usage": "bill_id, seq",
    "cis_ledger_transfer": "id",
}

Columns = dict[str, tuple[str, Any]]


def limit_table(prefix: str, table: str) -> str:
    """What the table without triggers is called."""
    return f"{prefix}_{table.removeprefix('cis_')}"


def make_limit_tables(cursor: Any, prefix: str) -> None:
    """The four tables with keys, indexes and checks, holding what the live ones hold now."""
    for table in TABLES:
        cursor.execute(f"CREATE TABLE {limit_table(prefix, table)} (LIKE {table} INCLUDING ALL)")
        cursor.execute(
            f"INSERT INTO {limit_table(prefix, table)} OVERRIDING SYSTEM VALUE "
            f"SELECT * FROM {table} ORDER BY {_ORDER[table]}"
        )
        cursor.execute(f"VACUUM (ANALYZE) {limit_table(prefix, table)}")


def column_types(cursor: Any, table: str) -> dict[str, str]:
    """Column to type, without those that billing leaves empty in all rows or in most."""
    cursor.execute(
        "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped "
        "AND a.attname NOT IN ('actor_id', 'share') "
        "ORDER BY a.attnum",
        [table],
    )
    return dict(cursor.fetchall())


def read_shards(cursor: Any, run: int, mark: int, of: int) -> list[dict[str, Columns]]:
    """The rows of the shards whose number leaves `mark` when divided by `of`."""
    cursor.execute(
        "SELECT s.low, s.high FROM shared_job_shard s JOIN cis_billing_run r ON r.job_id = s.job_id "
        "WHERE r.id = %s AND s.stage = 0 AND s.number %% %s = %s ORDER BY s.number",
        [run, of, mark],
    )
    shards = []
    for low, high in cursor.fetchall():
        tables: dict[str, Columns] = {}
        for table, of_run in TABLES.items():
            types = column_types(cursor, table)
            sql = (
                f"SELECT {', '.join(types)} FROM {table} WHERE {of_run} AND account_id >= %s AND account_id < %s "
                f"ORDER BY {_ORDER[table]}"
            )
            found = read_columns(cursor, sql, [run, low, high], types)
            tables[table] = {name: (types[name], values) for name, values in found.items()}
        shards.append(tables)
    return shards


def copy_shards(connection: Any, prefix: str, shards: list[dict[str, Columns]]) -> int:
    """Pack and COPY every shard, a transaction each; gives how many bills that was."""
    bills = 0
    for tables in shards:
        with connection.cursor() as cursor:
            for table, columns in tables.items():
                copy_in(cursor, limit_table(prefix, table), columns)
        connection.commit()
        bills += len(tables["cis_bill"]["id"][1])
    return bills


def main() -> None:
    """Answer lines until there are none."""
    connection = psycopg2.connect(sys.argv[1])
    say({"backend": connection.info.backend_pid})
    shards: list[dict[str, Columns]] = []
    for line in sys.stdin:
        word, *values = line.split()
        answer: dict[str, Any] = {}
        if word == "read":
            with connection.cursor() as cursor:
                shards = read_shards(cursor, *map(int, values))
            connection.commit()
        before = time.process_time()
        if word == "copy":
            answer["bills"] = copy_shards(connection, sys.argv[2], shards)
        say({**answer, "cpu_s": time.process_time() - before, "peak_mib": peak_memory_mib()})


def say(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
