"""Pure: what a reading file gives: batches of columns, and the rows that were rejected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cis.reading_files.layouts import LayoutName
from cis.reading_files.rejects import Reject

__all__ = ["IntervalBatch", "ReadingFile", "RegisterBatch"]

TextColumn = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Good rows of one stretch of the file, in file order, and its bad rows. Columns are (n,)."""

    line_no: NDArray[np.int64]
    """line in the CSV (header = 1) or row in the Parquet file (first = 1)"""
    meter_no: TextColumn
    """str"""
    register: TextColumn
    """str: one of the names in `layouts.REGISTERS`"""
    read_on: NDArray[np.datetime64]
    """datetime64[D]: the day of the 00:00 freeze, or the day of the curve"""
    rejects: list[Reject]
    """rows of this stretch that were not taken; mostly in line order"""
    raw: Callable[[int], str]
    """row number within this batch to the row as it stood in the file; keeps the text of the batch alive"""

    def __len__(self) -> int:
        return len(self.line_no)

    def reject(self, row: int, code: str, **params: str | int) -> Reject:
        """Return a Reject of a good row, for the step that stores readings (unknown meter, stored already, ...)."""
        return Reject(int(self.line_no[row]), code, params, self.raw(row))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterBatch(Batch):
    """Register values of the `registers` layout."""

    value_e4: NDArray[np.int64]
    """register value in 1e-4 of a unit, exact, 0 to 10**12 units"""
    source: TextColumn
    """str: manual, remote, self, estimated, or "" when the file does not say"""
    quality: TextColumn
    """str: actual, estimated or edited"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalBatch(Batch):
    """Daily curves of the `intervals` layout; (n, 96), slot 0 begins at 00:00."""

    energy_wh: NDArray[np.int32]
    """whole Wh, rounded half-up from kWh; 0 where missing"""
    present: NDArray[np.bool_]
    """False = the slot was blank: quality missing"""


@dataclass(slots=True)
class ReadingFile:
    """A file that has been opened: what it is, and its batches, to be read once."""

    name: str
    layout: LayoutName
    format: Literal["csv", "parquet"]
    encoding: str
    """utf-8 or gb18030; "" for Parquet"""
    ignored_columns: tuple[str, ...]
    batches: Iterator[RegisterBatch | IntervalBatch] = field(repr=False)
    """raises FileRefused when the file turns out to be unusable further on"""
    last_line_open: bool = False
    """set when the batches are exhausted: the CSV did not end in a line break, so its last field may have been cut"""
