"""Pure: a block of rows as text columns, whatever file they came from."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cis.reading_files.rejects import Reject

__all__ = ["RowBlock"]


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows whose fields could be told apart. `texts` holds the used columns by position in the file, blank = ""."""

    line_no: NDArray[np.int64]
    """(n,) ascending"""
    texts: dict[int, pa.StringArray]
    """each (n,), without nulls"""
    raw: Callable[[int], str]
    """row number within the block to the text of the row"""
    rejects: list[Reject] = field(default_factory=list)
    """rows whose fields could not be told apart"""
