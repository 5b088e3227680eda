"""The proof that a file sent twice adds nothing; short and long form share it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from tests.factories.daily_freezes import write_daily_freezes
from tests.factories.world import small_world


def twice_is_once(folder: Path, *, meters: int, days: int) -> None:
    """Import a file of meters x days rows by the command, twice, and compare the whole table."""
    file = folder / "freezes.csv"
    rows = write_daily_freezes(file, small_world(), meters=meters, days=days)

    first = _send(file)
    stored = _digest()
    second = _send(file)

    assert (first["rows"], first["landed"], first["rejected"]) == (rows, rows, 0), first
    assert (second["rows"], second["landed"], second["unchanged"], second["rejected"]) == (rows, 0, rows, 0), second
    assert _digest() == stored


def _send(file: Path) -> dict[str, Any]:
    out = io.StringIO()
    try:
        call_command("import_readings", str(file), "--json", stdout=out)
    except SystemExit as left:
        assert left.code in (0, None), out.getvalue()
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def _digest() -> tuple[int, int, int, str]:
    """How many readings, doubts and events there are, and a sum over every reading's every column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), (SELECT count(*) FROM cis_reading_doubt), (SELECT count(*) FROM shared_outbox_event), "
            "sum(hashtextextended(r::text, 0)::numeric)::text FROM cis_reading r"
        )
        count, doubts, events, total = cursor.fetchone()
    return count, doubts, events, total
