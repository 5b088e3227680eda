"""The bills of a shard in columns, as rated and before they are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RatedShard:
    """Every bill of a shard in columns; the lines' `row` points into the accounts; who is left out has no lines."""

    billed: NDArray[np.int64]
    """rows of the accounts that get a bill"""
    total_fen: NDArray[np.int64]
    """(accounts,)"""
    energy_kwh_e2: NDArray[np.int64]
    """(accounts,)"""
    line_row: NDArray[np.int64]
    line_code: NDArray[np.int16]
    line_quantity: NDArray[np.int64]
    line_price_e8: NDArray[np.int64]
    line_amount_fen: NDArray[np.int64]
    line_share: NDArray[np.int64]
    left_out: dict[int, tuple[str, str]]
