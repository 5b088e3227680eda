"""Files of readings for tests, and the meter exchange that some of them are about."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from psycopg2.extras import DateRange

from cis.models import Meter, MeteringPoint, MeterInstallation, Reading
from cis.operations.reading_imports import ImportResult, import_readings
from tests.factories.world import AT

HEADER = "meter_no,register,read_on,value"
SLOTS = 96


def register_file(rows: Iterable[Sequence[object]], header: str = HEADER) -> bytes:
    """A CSV of register values."""
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


def interval_file(rows: Iterable[tuple[str, date, Sequence[object]]], register: str = "") -> bytes:
    """A CSV of daily curves: meter, day and 96 values in kWh; one register for all of them if named."""
    names = [
        "meter_no",
        "day",
        *(["register"] if register else []),
        *(f"kwh_{slot:02d}" for slot in range(1, SLOTS + 1)),
    ]
    lines = [",".join(names)]
    for meter_no, day, values in rows:
        lines.append(",".join([meter_no, str(day), *([register] if register else []), *map(str, values)]))
    return ("\n".join(lines) + "\n").encode()


def send(
    content: bytes,
    *,
    all_or_nothing: bool = False,
    at: datetime = AT,
    name: str = "readings.csv",
    by: int | None = None,
) -> ImportResult:
    """Import a file."""
    return import_readings(
        stream=io.BytesIO(content), file_name=name, all_or_nothing=all_or_nothing, created_by_id=by, at=at
    )


def reading(installation_id: int, read_on: date, register: int = 1) -> Reading:
    """One stored reading."""
    return Reading.objects.get(installation_id=installation_id, register=register, read_on=read_on)


def exchange_meter(installation_id: int, on: date, meter_no: str, *, digits: int = 6) -> int:
    """End an installation on a day and hang another meter at the point; gives the new installation."""
    old = MeterInstallation.objects.get(pk=installation_id)
    old.valid = DateRange(old.valid.lower, on)
    old.save(update_fields=["valid"])
    meter = Meter.objects.create(meter_no=meter_no, digits=digits)
    point = MeteringPoint.objects.get(pk=old.point_id)
    return MeterInstallation.objects.create(meter=meter, point=point, valid=DateRange(on, None)).pk
