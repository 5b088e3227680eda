"""Ways to read a file in a test, and a stream that hands out few bytes at a time."""

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from cis.reading_files import IntervalBatch, RegisterBatch, Reject, open_readings

TODAY = date(2025, 6, 30)
HEADER = "meter_no,register,read_on,value,source,quality"
INTERVAL_HEADER = "meter_no,day," + ",".join(f"kwh_{slot:02d}" for slot in range(1, 97))


class Trickle(io.RawIOBase):
    """A stream that cannot seek and returns at most `step` bytes a call."""

    def __init__(self, data: bytes, step: int) -> None:
        self.rest = io.BytesIO(data)
        self.step = step

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self.rest.read(min(size, self.step) if size >= 0 else self.step)


@dataclass
class Read:
    """All rows of a file: (line, meter, register, day, value or values, ...), and its rejects in line order."""

    rows: list[tuple[Any, ...]]
    rejects: list[Reject]

    def codes(self) -> list[tuple[int, str]]:
        return [(reject.line_no, reject.code) for reject in self.rejects]


def rows_of(batch: RegisterBatch | IntervalBatch) -> list[tuple[Any, ...]]:
    key = [batch.line_no.tolist(), batch.meter_no.tolist(), batch.register.tolist(), batch.read_on.astype(str).tolist()]
    if isinstance(batch, RegisterBatch):
        return list(zip(*key, batch.value_e4.tolist(), batch.source.tolist(), batch.quality.tolist(), strict=True))
    values = [
        [wh if here else None for wh, here in zip(energy, present, strict=True)]
        for energy, present in zip(batch.energy_wh.tolist(), batch.present.tolist(), strict=True)
    ]
    return list(zip(*key, values, strict=True))


def read(data: bytes | str, name: str = "a.csv", batch_rows: int | None = None, step: int = 1 << 30) -> Read:
    octets = data.encode() if isinstance(data, str) else data
    stream = io.BytesIO(octets) if step == 1 << 30 else Trickle(octets, step)
    rows: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    for batch in open_readings(stream, name, today=TODAY, batch_rows=batch_rows).batches:  # type: ignore[arg-type]
        rows += rows_of(batch)
        rejects += batch.rejects
    return Read(rows, sorted(rejects, key=lambda reject: reject.line_no))


def register_file(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def one(
    value: str = "1", *, meter: str = "M1", register: str = "total", day: str = "2025-05-01", rest: str = ","
) -> Read:
    return read(register_file(f"{meter},{register},{day},{value},{rest}"))
