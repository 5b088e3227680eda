"""The files of a cut-over: read strictly, described in one place, held against their control totals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.opening_files import (
    BY_NAME,
    LAYOUTS,
    ControlFault,
    Fault,
    Number,
    Row,
    SignedNumber,
    Totals,
    control_template,
    differences,
    header_of,
    read_control,
    read_me,
    read_rows,
)

PREPAYMENTS = BY_NAME["prepayments"]


def read(text: str) -> list[Row | Fault]:
    return list(read_rows(PREPAYMENTS, text.splitlines(keepends=True)))


def codes(text: str) -> list[tuple[int, str]]:
    return [(found.line, found.code) for found in read(text) if isinstance(found, Fault)]


class TestReadRows:
    def test_takes_columns_in_any_order_and_keeps_the_line(self):
        assert read("\ufeffbalance_yuan,account_no\n\n12.3, 001 \n") == [Row(3, ("001", 1230))]

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ("1,-5", "negative"),
            ("1,5.001", "too-many-decimals"),
            ("1,1e3", "not-a-number"),
            ("1,nan", "not-a-number"),
            ("1,１", "not-a-number"),
            ("4.29E+09,1", "rounded-number"),
            (",1", "empty"),
            ("1,", "empty"),
            ("1", "cells"),
            ("1,2,3", "cells"),
            ("a\x00b,1", "not-printable"),
            ("x" * 33 + ",1", "too-long"),
        ],
    )
    def test_refuses_what_is_not_written_exactly(self, line: str, code: str):
        assert codes(f"account_no,balance_yuan\n{line}\n") == [(2, code)]

    @pytest.mark.parametrize(
        ("head", "code"),
        [
            ("", "no-head"),
            ("account_no", "column-missing"),
            ("account_no,balance_yuan,more", "column-unknown"),
            ("account_no,balance_yuan,account_no", "column-twice"),
        ],
    )
    def test_refuses_a_file_of_another_head(self, head: str, code: str):
        assert codes(f"{head}\n1,2\n") == [(1, code)]

    def test_an_open_quotation_ends_the_file(self):
        assert codes('account_no,balance_yuan\n"1,2\n3,4\n')[-1][1] == "not-csv"

    @given(st.integers(0, 10**14 - 1))
    def test_numbers_come_back_as_they_were_written(self, value: int):
        assert Number(2).read(Number(2).write(value)) == value

    @given(st.integers(-(10**12), 10**12))
    def test_signed_numbers_too(self, value: int):
        assert SignedNumber(2).read(SignedNumber(2).write(value)) == value


class TestControl:
    def totals(self) -> dict[str, Totals]:
        return {layout.name: Totals() for layout in LAYOUTS}

    def test_template_fits_an_empty_hand_over(self):
        assert differences(read_control(control_template().encode()), self.totals()) == []

    def test_every_stated_total_is_compared(self):
        stated = json.loads(control_template())
        places = [(layout.name, name) for layout in LAYOUTS for name in ("rows", *layout.totals)]
        for file, name in places:
            changed = json.loads(control_template())
            changed["files"][file][name] = 1 if name == "rows" else "0.01"
            found = differences(read_control(json.dumps(changed).encode()), self.totals())
            assert [fault.column for fault in found] == [f"{file}.{name}"]
            missing = json.loads(control_template())
            del missing["files"][file][name]
            with pytest.raises(ControlFault):
                read_control(json.dumps(missing).encode())
        stated["balance_yuan"] = "0.01"
        assert [f.column for f in differences(read_control(json.dumps(stated).encode()), self.totals())] == [
            "balance_yuan"
        ]

    @pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"files": 3}'])
    def test_refuses_what_is_no_control_file(self, data: bytes):
        with pytest.raises(ControlFault):
            read_control(data)


class TestTemplate:
    def test_heads_and_description_come_from_the_layouts(self):
        words = read_me()
        for layout in LAYOUTS:
            assert list(read_rows(layout, [header_of(layout)])) == []
            assert all(f"| {column.name} |" in words for column in layout.columns)
