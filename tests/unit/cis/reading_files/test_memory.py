"""Memory does not grow with the file: compared between a small and a large file read in the same run."""

import io
import tracemalloc
from collections.abc import Iterator

import pyarrow as pa
import pytest

from cis.reading_files import open_readings, write_rejects
from tests.unit.cis.reading_files.reading import HEADER, INTERVAL_HEADER, TODAY

SMALL, LARGE = 2, 16


class Generated(io.RawIOBase):
    """A file that is made while it is read, so that it is nowhere in memory as a whole."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (more := next(self.chunks, b"")):
            self.rest += more
        given, self.rest = self.rest[:size], self.rest[size:]
        return given


def registers(batches: int) -> Iterator[bytes]:
    yield HEADER.encode() + b"\n"
    for batch in range(batches * 10):
        yield b"".join(
            b"%06d%06d,%b,2025-05-01,%d.25,remote,actual\n" % (batch, n, b"oops" if n % 50 == 0 else b"total", n)
            for n in range(500)
        )


def intervals(batches: int) -> Iterator[bytes]:
    yield INTERVAL_HEADER.encode() + b"\n"
    for batch in range(batches * 10):
        yield b"".join(b"%06d%06d,2025-05-01%b\n" % (batch, n, b",0.125" * 96) for n in range(50))


def peak_bytes(chunks: Iterator[bytes], batch_rows: int) -> tuple[int, int]:
    """Return the highest memory of Python and NumPy, and of Arrow, while reading; batches are dropped one by one."""
    arrow_before = pa.total_allocated_bytes()
    arrow_peak = 0
    tracemalloc.start()
    for batch in open_readings(Generated(chunks), "a.csv", today=TODAY, batch_rows=batch_rows).batches:  # type: ignore[arg-type]
        write_rejects(io.BytesIO(), batch.rejects)
        arrow_peak = max(arrow_peak, pa.total_allocated_bytes() - arrow_before)
    python_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return python_peak, arrow_peak


class TestMemory:
    @pytest.mark.parametrize(("make", "batch_rows"), [(registers, 5000), (intervals, 500)])
    def test_eight_times_the_rows_need_no_more_memory(self, make: type[Iterator[bytes]], batch_rows: int) -> None:
        peak_bytes(make(1), batch_rows)  # type: ignore[call-arg]  # modules that load on first use do not count
        # Reading is by 1 MiB: both files are larger than that, so that both reach the steady state.
        small = peak_bytes(make(SMALL * 4), batch_rows)  # type: ignore[call-arg]
        large = peak_bytes(make(LARGE * 4), batch_rows)  # type: ignore[call-arg]

        assert large[0] < 1.3 * small[0]
        assert large[1] <= 1.3 * small[1] + 2**20
