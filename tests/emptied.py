"""
A worker's database brought back to what it was made as, by emptying what a test filled.

Copying the template anew moves some three thousand files, half a second for each test that commits; most of them fill
a few dozen small tables. Partitions a test has added are dropped, tables that have grown are vacuumed. What emptying
cannot undo is told apart: a changed catalogue, a changed row of the template, a table that is really large. Then the
caller has to copy.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2

GROWN_BYTES = 512 * 1024
"""Rows that were deleted still take their room until they are vacuumed."""
LARGE_BYTES = 64 * 1024 * 1024

_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
# Adding a partition touches the row of its parent and of the parent's indexes; nothing else of them may change so.
_CATALOGUE = " UNION ALL ".join(
    [
        "SELECT 'pg_class', count(*), max(xmin::text::bigint) FILTER (WHERE relkind NOT IN ('p', 'I')) FROM pg_class",
        *(
            f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"
            for name in ("pg_attribute", "pg_trigger", "pg_constraint", "pg_proc", "pg_policy", "pg_attrdef")
        ),
    ]
)
_PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_FILLED = (
    "SELECT quote_ident(relname), pg_relation_size(oid) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0"
)
_SEQUENCES = "SELECT quote_ident(sequencename), last_value, start_value FROM pg_sequences WHERE schemaname = 'public'"


@dataclass(frozen=True)
class Origin:
    """What a database is when it has just been made."""

    catalogue: list[Any]
    partitions: frozenset[str]
    rows: dict[str, str]
    """tables that are not empty to a digest of all they hold"""
    sequences: dict[str, int | None]
    xid: int
    """the newest transaction; what a later one wrote was not there"""


def origin_of(url: str) -> Origin:
    """Remember a database that has just been made; `url` is the superuser's."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        filled = [table for table, _size in _all(cursor, _FILLED)]
        return Origin(
            catalogue=_all(cursor, _CATALOGUE),
            partitions=frozenset(name for (name,) in _all(cursor, _PARTITIONS)),
            rows={table: _digest(cursor, table) for table in filled},
            sequences={name: last for name, last, _start in _all(cursor, _SEQUENCES)},
            xid=_all(cursor, "SELECT pg_current_xact_id()::text::bigint")[0][0],
        )


def empty(url: str, origin: Origin) -> bool:
    """Bring a database back to its origin, whoever is connected to it; False where only a new copy can."""
    with closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(_OTHERS)
            added = [name for (name,) in _all(cursor, _PARTITIONS) if name not in origin.partitions]
            if added:
                cursor.execute(f"DROP TABLE {', '.join(added)}")
            if _all(cursor, _CATALOGUE) != origin.catalogue:
                return False
            filled = _all(cursor, _FILLED)
            if any(size > LARGE_BYTES for _table, size in filled):
                return False
            _delete(cursor, [table for table, _size in filled], origin)
            if any(_digest(cursor, table) != digest for table, digest in origin.rows.items()):
                return False
        connection.autocommit = True
        grown = [table for table, size in filled if size > GROWN_BYTES]
        if grown:
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM (INDEX_CLEANUP on) {', '.join(grown)}")
    return True


def _delete(cursor: Any, tables: list[str], origin: Origin) -> None:
    """Delete what was not there, and set the sequences back."""
    # Rows go without their triggers and keys: all of them go.
    cursor.execute("SET LOCAL session_replication_role = replica")
    deletes = [f"DELETE FROM {table}" for table in tables if table not in origin.rows]
    later = f" WHERE xmin::text::bigint > {origin.xid}"
    deletes += [f"DELETE FROM {table}{later}" for table in origin.rows]
    cursor.execute(";".join(deletes))
    moved = {name: start for name, last, start in _all(cursor, _SEQUENCES) if last != origin.sequences.get(name)}
    for name, start in moved.items():
        last = origin.sequences.get(name)
        cursor.execute("SELECT setval(%s, %s, %s)", [name, start if last is None else last, last is not None])


def _all(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    rows: list[Any] = cursor.fetchall()
    return rows


def _digest(cursor: Any, table: str) -> str:
    rows = _all(cursor, f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
    return str(rows[0][0])
