"""Days of 15-minute curves into Postgres by binary COPY: 96 whole numbers a row, as arrays of fixed width."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from config.shared.bulk_copy import CopyCursor

_SLOTS = 96
_INT4_OID = 23
_ARRAY = [("ndim", ">i4"), ("nulls", ">i4"), ("oid", ">i4"), ("length", ">i4"), ("lower", ">i4")]
_ELEMENT = np.dtype([("w", ">i4"), ("v", ">i4")])
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("w0", ">i4"),
        ("point", ">i8"),
        ("w1", ">i4"),
        ("register", ">i2"),
        ("w2", ">i4"),
        ("day", ">i4"),
        ("w3", ">i4"),
        *_ARRAY,
        ("values", _ELEMENT, (_SLOTS,)),
    ]
)
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)


def copy_curves(
    cursor: CopyCursor,
    point_id: NDArray[np.int64],
    register: int,
    day: NDArray[np.int32],
    energy_wh: NDArray[np.int32],
) -> None:
    """COPY whole days: `point_id` (n,), `day` (n,) in Postgres days, `energy_wh` (n, 96)."""
    if not len(point_id):
        return
    rows = np.empty(len(point_id), dtype=_ROW)
    rows["fields"] = 4
    rows["w0"], rows["point"] = 8, point_id
    rows["w1"], rows["register"] = 2, register
    rows["w2"], rows["day"] = 4, day
    rows["w3"] = 20 + _SLOTS * _ELEMENT.itemsize
    rows["ndim"], rows["nulls"], rows["oid"] = 1, 0, _INT4_OID
    rows["length"], rows["lower"] = _SLOTS, 1
    rows["values"]["w"], rows["values"]["v"] = 4, energy_wh
    stream = io.BytesIO(_HEADER + rows.tobytes() + b"\xff\xff")
    cursor.copy_expert("COPY cis_interval_day (point_id, register, day, energy_wh) FROM STDIN (FORMAT binary)", stream)
