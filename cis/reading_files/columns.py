"""Pure: a block of text rows to a batch of columns, with every row that cannot be taken rejected once."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cis.reading_files.batches import IntervalBatch, RegisterBatch
from cis.reading_files.fields import Why, parse_days, parse_meter_nos, parse_numbers, parse_words
from cis.reading_files.layouts import QUALITIES, REGISTERS, SLOTS, SOURCES, Layout
from cis.reading_files.rejects import Reject
from cis.reading_files.rows import RowBlock

__all__ = ["interval_batch", "register_batch"]

INT32_MAX = int(np.iinfo(np.int32).max)


def register_batch(block: RowBlock, layout: Layout, *, today: date) -> RegisterBatch:
    """Return the good rows of a block of the `registers` layout. A row is rejected for its first fault only."""
    texts = block.texts
    meter_no, bad_meter = parse_meter_nos(texts[layout.meter_no])
    register, bad_register = parse_words(texts[layout.register], REGISTERS, unknown_code="register-unknown")
    read_on, bad_day = parse_days(texts[layout.read_on], today=today)
    value_e4, bad_value, _ = parse_numbers(texts[layout.value], decimals=4, column="value")
    source, bad_source = _words_or_blank(block, layout.source, SOURCES, "source-unknown")
    quality, bad_quality = _words_or_blank(block, layout.quality, QUALITIES, "quality-unknown")
    unstated = quality == ""
    quality[unstated] = np.where(source[unstated] == "estimated", "estimated", "actual")
    missing: dict[int, Why] = dict.fromkeys(np.flatnonzero(quality == "missing").tolist(), ("reading-missing", {}))

    whys = _first_fault(bad_meter, bad_register, bad_day, missing, bad_value, bad_source, bad_quality)
    kept = _without(len(block.line_no), whys)
    repeated = _repeats(block.line_no, kept, meter_no, register, read_on, value_e4[:, None])
    kept = kept[~np.isin(kept, list(repeated))] if repeated else kept
    return RegisterBatch(
        line_no=block.line_no[kept],
        meter_no=meter_no[kept],
        register=register[kept],
        read_on=read_on[kept],
        value_e4=value_e4[kept],
        source=source[kept],
        quality=quality[kept],
        rejects=_rejects(block, whys | repeated),
        raw=lambda row: block.raw(int(kept[row])),
    )


def interval_batch(block: RowBlock, layout: Layout, *, today: date) -> IntervalBatch:
    """Return the good rows of a block of the `intervals` layout. A row is rejected for its first fault only."""
    rows = len(block.line_no)
    texts = block.texts
    meter_no, bad_meter = parse_meter_nos(texts[layout.meter_no])
    read_on, bad_day = parse_days(texts[layout.read_on], today=today)
    if layout.register >= 0:
        words = REGISTERS | {"": "total"}
        register, bad_register = parse_words(texts[layout.register], words, unknown_code="register-unknown")
    else:
        register, bad_register = np.full(rows, "total", dtype=object), {}

    # kWh with 6 decimals; all 96 columns at once, slot by slot.
    every_slot = pa.concat_arrays([texts[position] for position in layout.slots])
    kwh_e6, bad_cells, blank = parse_numbers(every_slot, decimals=6, column="kwh", blank_allowed=True)
    wh = (kwh_e6 + 500) // 1000
    for cell in np.flatnonzero(wh > INT32_MAX).tolist():
        bad_cells.setdefault(cell, ("value-too-large", {"text": every_slot[cell].as_py()}))
    bad_slot: dict[int, Why] = {}
    for cell, (code, params) in sorted(bad_cells.items()):
        bad_slot.setdefault(cell % rows, (code, params | {"column": f"kwh_{cell // rows + 1:02d}"}))
    energy_wh = np.ascontiguousarray(np.where(wh > INT32_MAX, 0, wh).astype(np.int32).reshape(SLOTS, rows).T)
    present = np.ascontiguousarray(~blank.reshape(SLOTS, rows).T)
    all_blank: dict[int, Why] = dict.fromkeys(np.flatnonzero(~present.any(axis=1)).tolist(), ("values-all-missing", {}))

    whys = _first_fault(bad_meter, bad_register, bad_day, bad_slot, all_blank)
    kept = _without(rows, whys)
    values = np.where(present, energy_wh, -1)
    repeated = _repeats(block.line_no, kept, meter_no, register, read_on, values)
    kept = kept[~np.isin(kept, list(repeated))] if repeated else kept
    return IntervalBatch(
        line_no=block.line_no[kept],
        meter_no=meter_no[kept],
        register=register[kept],
        read_on=read_on[kept],
        energy_wh=energy_wh[kept],
        present=present[kept],
        rejects=_rejects(block, whys | repeated),
        raw=lambda row: block.raw(int(kept[row])),
    )


def _words_or_blank(
    block: RowBlock, position: int, known: Mapping[str, str], unknown_code: str
) -> tuple[NDArray[np.object_], dict[int, Why]]:
    if position < 0:
        return np.full(len(block.line_no), "", dtype=object), {}
    return parse_words(block.texts[position], known, unknown_code=unknown_code)


def _first_fault(*faults: Mapping[int, Why]) -> dict[int, Why]:
    """Merge the faults of several columns; the earlier column wins."""
    merged: dict[int, Why] = {}
    for of_column in reversed(faults):
        merged.update(of_column)
    return merged


def _without(rows: int, whys: Mapping[int, Why]) -> NDArray[np.int64]:
    keep = np.ones(rows, np.bool_)
    keep[list(whys)] = False
    return np.flatnonzero(keep).astype(np.int64)


def _repeats(
    line_no: NDArray[np.int64],
    kept: NDArray[np.int64],
    meter_no: NDArray[np.object_],
    register: NDArray[np.object_],
    read_on: NDArray[np.datetime64],
    values: NDArray[np.int64] | NDArray[np.int32],
) -> dict[int, Why]:
    """
    Return the rows among `kept` whose meter, register and day stand in an earlier row: the first one is kept.

    `values` (n, k) decides between `duplicate-row` (the same) and `conflicting-row`.
    """
    meter = _codes(meter_no[kept])
    key = (meter << 26) | (_codes(register[kept]) << 20) | (read_on[kept].astype(np.int64) - DAY_BASE)
    order = np.argsort(key, kind="stable")
    is_repeat = np.diff(key[order]) == 0
    if not is_repeat.any():
        return {}
    group_start = np.maximum.accumulate(np.where(np.append(False, is_repeat), 0, np.arange(len(order))))
    repeated: dict[int, Why] = {}
    for place in (np.flatnonzero(is_repeat) + 1).tolist():
        row, first = int(kept[order[place]]), int(kept[order[group_start[place]]])
        code = "duplicate-row" if np.array_equal(values[row], values[first]) else "conflicting-row"
        repeated[row] = (code, {"first_line": int(line_no[first])})
    return repeated


DAY_BASE = 7305  # 1990-01-01, the first day that is read; 20 bits reach beyond the year 4800


def _codes(words: NDArray[np.object_]) -> NDArray[np.int64]:
    coded = pa.array(words, pa.string()).dictionary_encode()
    return np.asarray(coded.indices.to_numpy(), dtype=np.int64)


def _rejects(block: RowBlock, whys: Mapping[int, Why]) -> list[Reject]:
    rejects = block.rejects + [
        Reject(int(block.line_no[row]), code, params, block.raw(row)) for row, (code, params) in whys.items()
    ]
    return sorted(rejects, key=lambda reject: reject.line_no)
