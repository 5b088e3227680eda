"""
Reference data for a test: loaded by the real operation once in a process, afterwards its rows are put back.

Nearly every test begins with it, and it takes longer than most of them. Rows go in as COPY, with their triggers and
keys; what triggers write (histories) is not put back but written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from io import StringIO
from typing import Any

from django.db import connection, transaction

from cis.operations import reference

_TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'django_migrations'"
    " AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'pgh_id')"
    " ORDER BY c.relname"
)
_SEQUENCE = (
    "SELECT a.attname, pg_get_serial_sequence(%s, a.attname) FROM pg_attribute a"
    " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"
    " AND pg_get_serial_sequence(%s, a.attname) IS NOT NULL"
)
_OF_THE_TEMPLATE = ("auth_permission", "cis_ledger_account", "django_content_type")


@dataclass(frozen=True)
class _Rows:
    """A table's new rows as COPY's text; how far its sequence has gone, where it has one."""

    table: str
    text: str
    sequence: str | None
    newest: int


@dataclass(frozen=True)
class _Kept:
    counts: dict[str, int]
    """rows of these tables before; none in all others that were filled"""
    rows: list[_Rows]


_kept: dict[date, _Kept] = {}


def load_reference(*, at: datetime) -> None:
    """What `cis.operations.reference.load_reference` leaves in a database that has none of it; otherwise itself."""
    kept = _kept.get(at.date())
    with transaction.atomic(), connection.cursor() as cursor:
        if kept is None:
            _load_and_keep(cursor, at)
        elif _counts(cursor, [*_OF_THE_TEMPLATE, *(rows.table for rows in kept.rows)]) == kept.counts:
            for rows in kept.rows:
                _put_back(cursor, rows)
        else:
            reference.load_reference(at=at)


def _load_and_keep(cursor: Any, at: datetime) -> None:
    counts = _counts(cursor, _tables())
    before = {table: set(_lines(cursor, table)) for table in _OF_THE_TEMPLATE}
    reference.load_reference(at=at)
    # Where a test has made something already, what is new could not be told from what it changed.
    if set(counts) <= set(_OF_THE_TEMPLATE):
        taken = (_take(cursor, table, before.get(table, set())) for table in _filled(cursor, _tables()))
        _kept[at.date()] = _Kept(counts, [rows for rows in taken if rows.text])


@cache
def _tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def _counts(cursor: Any, tables: list[str]) -> dict[str, int]:
    """Rows of those tables that have any."""
    filled = sorted(set(_filled(cursor, tables)))
    if not filled:
        return {}
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in filled))
    return dict(cursor.fetchall())


def _filled(cursor: Any, tables: list[str]) -> list[str]:
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
    return [name for (name,) in cursor.fetchall()]


def _lines(cursor: Any, table: str) -> list[str]:
    text = StringIO()
    cursor.cursor.copy_expert(f"COPY {table} TO STDOUT", text)
    return text.getvalue().splitlines(keepends=True)


def _take(cursor: Any, table: str, but: set[str]) -> _Rows:
    text = "".join(line for line in _lines(cursor, table) if line not in but)
    cursor.execute(_SEQUENCE, [table, table, table])
    found = cursor.fetchone()
    if found is None:
        return _Rows(table, text, None, 0)
    column, sequence = found
    cursor.execute(f'SELECT max("{column}") FROM {table}')
    return _Rows(table, text, sequence, cursor.fetchone()[0])


def _put_back(cursor: Any, rows: _Rows) -> None:
    cursor.cursor.copy_expert(f"COPY {rows.table} FROM STDIN", StringIO(rows.text))
    if rows.sequence is not None:
        # No further than the rows: nobody but its owner may set a sequence, and those of rolled back tests stay ahead.
        cursor.execute(
            "SELECT count(nextval(%(sequence)s)) FROM generate_series("
            "1, %(newest)s - coalesce(pg_sequence_last_value(%(sequence)s::regclass), 0))",
            {"sequence": rows.sequence, "newest": rows.newest},
        )
