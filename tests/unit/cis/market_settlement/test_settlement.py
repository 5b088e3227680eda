"""Settlement files are read to the fen or refused, and every seeded difference finds its cause."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.market_settlement import CLEARABLE, CLOSED_CAUSES, OWNERS, Billed, Cause, Settled, classify, read_file
from cis.opening_files import Fault, Row
from tests.factories.settlements import as_csv, as_xlsx, line

MONTH = 202602
GOOD = line(
    "4299880001", month=MONTH, kwh="44000.00", energy="17248.00", price_yuan="0.392", deviation_yuan="-12.30",
    total_yuan="17235.70",
)  # fmt: skip


def read(data: bytes) -> list[Row | Fault]:
    return list(read_file(data, month=MONTH))


class TestReading:
    def test_csv_and_workbook_are_the_same_rows(self) -> None:
        other = line("0100000001", month=MONTH, kwh="0.07", energy="0.03", point_no="P1")
        texts, numbers = as_xlsx([GOOD, other], as_numbers=False), as_xlsx([GOOD, other])

        found = [read(data) for data in (as_csv([GOOD, other]), texts, numbers)]

        first = (MONTH, "4299880001", "", "SD001", 4_400_000, 39_200_000, 1_724_800, -1_230, 0, 1_723_570)
        second = (MONTH, "0100000001", "P1", "SD001", 7, -1, 3, 0, 0, 3)
        for rows in found:
            assert [row.values for row in rows if isinstance(row, Row)] == [first, second]
            assert [row.line for row in rows] == [2, 3]

    def test_gb18030_is_read_too(self) -> None:
        data = as_csv([GOOD]).decode("utf-8-sig").encode("gb18030")

        assert isinstance(read(data)[0], Row)

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"month": "202603"}, "other-month"),
            ({"total_yuan": "17235.71"}, "does-not-add-up"),
            ({"price_yuan": "0.393"}, "price-does-not-fit"),
            ({"energy_kwh": "-1"}, "negative"),
            ({"energy_yuan": "1.234"}, "too-many-decimals"),
            ({"account_no": ""}, "empty"),
            ({"account_no": "4.2988E+09"}, "rounded-number"),
        ],
    )
    def test_a_row_that_cannot_be_is_a_fault_with_its_line(self, changed: dict[str, str], code: str) -> None:
        found = read(as_csv([GOOD, GOOD | changed]))

        assert isinstance(found[0], Row)
        assert isinstance(found[1], Fault)
        assert (found[1].line, found[1].code) == (3, code)

    def test_a_printed_price_may_be_rounded_to_four_places(self) -> None:
        row = line("1", month=MONTH, kwh="100000.00", energy="39204.90", price_yuan="0.3920")

        assert isinstance(read(as_csv([row]))[0], Row)

    @pytest.mark.parametrize("data", [b"PK\x03\x04nothing", b"\xff\xfe\x00\x81\x30", b'a,"b\nc', b""])
    def test_what_is_no_file_is_a_fault_and_no_crash(self, data: bytes) -> None:
        found = read(data)

        assert found
        assert all(isinstance(one, Fault) for one in found)


def columns(n: int) -> tuple[Billed, Settled]:
    """So many accounts whose settlement is what they were billed."""
    energy = np.arange(1, n + 1, dtype=np.int64) * 1_000
    true, false, zero = np.ones(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.int64)
    retailer, fen = np.full(n, 7, np.int64), energy * 39
    billed = Billed(true, true, retailer, energy, fen, np.full(n, 4, np.int64), false, zero)
    return billed, Settled(true, retailer, energy, fen, zero)


SideT = TypeVar("SideT", Billed, Settled)


def changed(side: SideT, at: int, **values: int) -> SideT:
    """The side with other values of one account."""
    columns = {name: getattr(side, name).copy() for name in values}
    for name, value in values.items():
        columns[name][at] = value
    return replace(side, **columns)


def seeded(cause: Cause, at: int, n: int, off: int) -> tuple[Billed, Settled]:
    """Equal but for one account, whose difference has a cause; `off`: more than its lines can round."""
    billed, theirs = columns(n)
    fen, energy = int(billed.fen[at]), int(billed.energy_kwh_e2[at])
    match cause:
        case Cause.EQUAL:
            return billed, theirs
        case Cause.ROUNDING:
            return billed, changed(theirs, at, fen=fen + 4)
        case Cause.CLEARED:
            return changed(billed, at, cleared_fen=off), changed(theirs, at, fen=fen + off)
        case Cause.MISSING_THERE:
            return billed, changed(theirs, at, has=0, retailer=0, energy_kwh_e2=0, fen=0)
        case Cause.NOT_BILLED:
            gone = {field.name: 0 for field in fields(Billed)}
            return changed(billed, at, **gone), theirs
        case Cause.NO_AGREEMENT:
            return changed(billed, at, has_retail=0, retailer=0, energy_kwh_e2=0, fen=0, lines=0), theirs
        case Cause.OTHER_RETAILER:
            return billed, changed(theirs, at, retailer=8)
        case Cause.OTHER_ENERGY:
            return billed, changed(theirs, at, energy_kwh_e2=energy + 1, fen=fen + off)
        case Cause.PROVISIONAL:
            return changed(billed, at, is_provisional=1), changed(theirs, at, fen=fen - off)
        case Cause.DEVIATION:
            return billed, changed(theirs, at, fen=fen + off + 3, deviation_fen=off)
    return billed, changed(theirs, at, fen=fen - off)


class TestClassify:
    @given(st.sampled_from(list(Cause)), st.integers(1, 40), st.data(), st.integers(10, 10_000_000))
    def test_a_seeded_difference_has_its_cause_and_nobody_else_has_any(
        self, cause: Cause, n: int, data: st.DataObject, off: int
    ) -> None:
        at = data.draw(st.integers(0, n - 1))

        found = classify(*seeded(cause, at, n, off))

        assert found[at] == cause
        assert not np.delete(found, at).any()

    def test_who_was_neither_billed_nor_settled_is_no_difference(self) -> None:
        billed, theirs = columns(1)
        nobody = changed(billed, 0, has_retail=0, retailer=0, energy_kwh_e2=0, fen=0, lines=0)

        assert classify(nobody, changed(theirs, 0, has=0, retailer=0, energy_kwh_e2=0, fen=0)).tolist() == [0]

    def test_every_cause_is_closed_or_somebodys(self) -> None:
        assert set(OWNERS) == set(Cause) - set(CLOSED_CAUSES)
        assert set(CLEARABLE) <= set(OWNERS)
