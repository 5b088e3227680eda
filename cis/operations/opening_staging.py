"""The files of an opening import into tables of this transaction, streamed: personal data is sealed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from cis.opening_files import CONTROL_FILE, LAYOUTS, Fault, Layout, Row, Totals, read_rows
from config.shared.bulk_copy import copy_rows
from config.shared.names import grams, name_keys
from config.shared.personal_data import blind_index, encrypt

# So many faults are listed; all are counted.
MOST_FAULTS = 200
_PIECE = 1 << 20


@dataclass
class Staged:
    """What the files hold, and what in them cannot be read."""

    totals: dict[str, Totals] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    def note(self, fault: Fault) -> None:
        """Count a fault and list it while there is room."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


_DROP_STAGED = """
DO $$ DECLARE staged regclass; BEGIN
    FOR staged IN SELECT oid FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
                  AND starts_with(relname, 'taken_') LOOP
        EXECUTE 'DROP TABLE ' || staged;
    END LOOP;
END $$
"""


def digest_of(folder: Path) -> bytes:
    """A fingerprint of all that the folder says, whatever else lies in it."""
    digest = hashlib.sha256()
    for name in (*(layout.file for layout in LAYOUTS), CONTROL_FILE):
        file = folder / name
        digest.update(name.encode() + b"\0")
        if not file.is_file():
            continue
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
        digest.update(b"\0")
    return digest.digest()


def stage(folder: Path, on_row: Callable[[], object] | None = None) -> Staged:
    """
    Every file into the table `taken_<name>` with the line of each row; the tables go with the transaction.

    `on_row` is called for each line that was read.
    """
    staged = Staged()
    with connection.cursor() as cursor:
        # Of an import before this one in the same transaction.
        cursor.execute(_DROP_STAGED)
        for layout in LAYOUTS:
            columns, change = _CHANGES.get(layout.name, (None, None))
            names = columns or tuple((column.name, column.kind.postgres) for column in layout.columns)
            described = ", ".join(f"{name} {kind}" for name, kind in (("line", "int8"), *names))
            cursor.execute(f"CREATE TEMPORARY TABLE taken_{layout.name} ({described}) ON COMMIT DROP")
            staged.totals[layout.name] = totals = Totals()
            file = folder / layout.file
            if not file.is_file():
                staged.note(Fault(layout.file, 0, "file-missing"))
                continue
            # What is not UTF-8 becomes characters that no column takes, so that the fault has its line.
            with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
                rows = _rows(layout, lines, staged, totals, change, on_row)
                copy_rows(cursor, f"taken_{layout.name}", ("line", *(name for name, _ in names)), rows)
            keyed = ", ".join(layout.key)
            cursor.execute(f"CREATE INDEX ON taken_{layout.name} ({keyed})")
            cursor.execute(f"ANALYZE taken_{layout.name}")
    return staged


Change = Callable[[dict[str, Any]], tuple[Any, ...]]


def _rows(
    layout: Layout,
    lines: Any,
    staged: Staged,
    totals: Totals,
    change: Change | None,
    on_row: Callable[[], object] | None,
) -> Iterator[tuple[Any, ...]]:
    names = [column.name for column in layout.columns]
    for found in read_rows(layout, lines):
        if on_row is not None:
            on_row()
        if isinstance(found, Fault):
            staged.note(found)
            continue
        totals.add(layout, found)
        yield (found.line, *(_changed(names, found, change) if change else found.values))


def _changed(names: list[str], row: Row, change: Change) -> tuple[Any, ...]:
    return change(dict(zip(names, row.values, strict=True)))


_CUSTOMERS = (
    ("customer_no", "text"), ("kind", "text"), ("name", "text"), ("name_pinyin", "text"), ("name_initials", "text"),
    ("name_grams", "varchar(2)[]"), ("phone", "text"), ("phone_index", "bytea"), ("phone_last4", "text"),
    ("identity_no", "text"), ("identity_index", "bytea"),
)  # fmt: skip


def _customer(row: dict[str, Any]) -> tuple[Any, ...]:
    keys = name_keys(row["name"], is_person=row["kind"] == "person")
    phone, identity = row["phone"], row["identity_no"]
    return (
        row["customer_no"], row["kind"], row["name"], keys.pinyin, keys.initials, list(keys.grams),
        *_sealed(phone), phone[-4:], *_sealed(identity),
    )  # fmt: skip


_ACCOUNTS = (
    ("account_no", "text"), ("customer_no", "text"), ("org_unit", "text"), ("route", "text"), ("district", "text"),
    ("address", "text"), ("address_grams", "varchar(2)[]"), ("door", "text"), ("opened_on", "date"),
)  # fmt: skip


def _account(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["account_no"], row["customer_no"], row["org_unit"], row["route"], row["district"], row["address"],
        list(grams(row["address"])), _sealed(row["door"])[0], row["opened_on"],
    )  # fmt: skip


def _sealed(text: str) -> tuple[str, bytes | None]:
    return (encrypt(text), blind_index(text)) if text else ("", None)


_CHANGES: dict[str, tuple[tuple[tuple[str, str], ...], Change]] = {
    "customers": (_CUSTOMERS, _customer),
    "accounts": (_ACCOUNTS, _account),
}
