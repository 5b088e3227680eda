"""The layout `registers` in CSV."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cis.reading_files import REASONS, FileRefused, Reject, open_readings, write_rejects
from cis.reading_files.csv_rows import MAX_LINE_BYTES, MAX_OPEN_QUOTE_LINES, MAX_UNDECODABLE_LINES
from tests.unit.cis.reading_files.reading import HEADER, TODAY, Trickle, one, read, register_file


class TestGoodRows:
    def test_columns_are_exact_and_keep_their_lines(self) -> None:
        found = read(register_file("0012,total,2025-05-01,123456.7891,remote,actual", "0012,peak,2025-05-01,0.1,self,"))

        assert found.rows == [
            (2, "0012", "total", "2025-05-01", 1234567891, "remote", "actual"),
            (3, "0012", "peak", "2025-05-01", 1000, "self", "actual"),
        ]
        assert found.rejects == []

    def test_chinese_headers_and_words(self) -> None:
        found = read(
            "示数,备注,表号,抄表日期,示数类型,来源\n12.5,x,沪A01,2025年5月1日,反向总,估抄\n7,,B,2025/5/2,尖峰,远程\n"
        )

        assert found.rows == [
            (2, "沪A01", "export_total", "2025-05-01", 125000, "estimated", "estimated"),
            (3, "B", "sharp", "2025-05-02", 70000, "remote", "actual"),
        ]

    def test_says_what_the_file_is(self) -> None:
        file = open_readings(io.BytesIO(b"meter_no,Read_On,note,VALUE,register\n"), "x", today=TODAY)

        assert (file.layout, file.format, file.encoding, file.ignored_columns) == (
            "registers",
            "csv",
            "utf-8",
            ("note",),
        )
        assert list(file.batches) == []

    @pytest.mark.parametrize(
        "text",
        ["2025-05-01", "2025/5/1", "20250501", "2025-05-01 00:00", "2025-05-01T00:00:00", "2025-5-1 0:00:00.000"],
    )
    def test_days_and_midnights(self, text: str) -> None:
        assert one(day=text).rows[0][3] == "2025-05-01"

    def test_blank_lines_count_but_hold_nothing(self) -> None:
        found = read(f"\n\r\n{HEADER}\n\nA,total,2025-05-01,1,,\n   \n\nB,total,2025-05-01,1,,\r\n\n")

        assert [row[:2] for row in found.rows] == [(5, "A"), (8, "B")]
        assert found.rejects == []

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize("last", [True, False])
    def test_line_ends(self, newline: str, last: bool) -> None:
        data = newline.join([HEADER, "A,total,2025-05-01,1,remote,actual", "B,total,2025-05-01,2,remote,actual"])
        file = open_readings(io.BytesIO((data + newline * last).encode()), "a", today=TODAY)

        assert [batch.meter_no.tolist() for batch in file.batches] == [["A", "B"]]
        assert file.last_line_open is not last

    def test_quoted_fields(self) -> None:
        found = read(
            register_file('"A","total","2025-05-01","1.5","",""', "B,total,2025-05-01,2,,", '"C,""1",谷,20250501,3,,')
        )

        assert [(row[0], row[1], row[4]) for row in found.rows] == [
            (2, "A", 15000),
            (3, "B", 20000),
            (4, 'C,"1', 30000),
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_encodings(self, encoding: str) -> None:
        chinese = "表号,示数类型,抄表日期,示数\n甲1,峰,2025-05-01,1\n乙2,谷,2025-05-01,2\n"
        english = register_file("甲1,峰,2025-05-01,1,,", "乙2,谷,2025-05-01,2,,")

        for text in (chinese, english):
            assert [row[1:3] for row in read(text.encode(encoding)).rows] == [("甲1", "peak"), ("乙2", "valley")]


class TestBadRows:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"value": ""}, "value-missing"),
            ({"value": "  "}, "value-missing"),
            ({"value": "abc"}, "value-not-a-number"),
            ({"value": "."}, "value-not-a-number"),
            ({"value": "1.2.3"}, "value-not-a-number"),
            ({"value": "１２"}, "value-not-a-number"),
            ({"value": "12kWh"}, "value-not-a-number"),
            ({"value": "1.23456"}, "value-too-many-decimals"),
            ({"value": "-0.1"}, "value-negative"),
            ({"value": "NaN"}, "value-not-finite"),
            ({"value": "-inf"}, "value-not-finite"),
            ({"value": "1.5E+05"}, "value-exponent"),
            ({"value": "1234567890123"}, "value-too-large"),
            ({"meter": ""}, "meter-no-missing"),
            ({"meter": " "}, "meter-no-missing"),
            ({"meter": "1.23E+11"}, "meter-no-rounded"),
            ({"meter": "A B"}, "meter-no-unreadable"),
            ({"meter": "9" * 33}, "meter-no-unreadable"),
            ({"register": "xx"}, "register-unknown"),
            ({"register": ""}, "register-unknown"),
            ({"day": ""}, "date-missing"),
            ({"day": "2025-02-30"}, "date-unreadable"),
            ({"day": "01/05/2025"}, "date-unreadable"),
            ({"day": "2025-07-01"}, "date-in-future"),
            ({"day": "2025-05-01 00:15"}, "date-not-midnight"),
            ({"day": "1989-12-31"}, "date-too-old"),
            ({"rest": "psychic,"}, "source-unknown"),
            ({"rest": ",perfect"}, "quality-unknown"),
            ({"rest": ",缺失", "value": ""}, "reading-missing"),
        ],
    )
    def test_reason(self, fields: dict[str, str], code: str) -> None:
        found = one(**fields)

        assert (found.rows, found.codes()) == ([], [(2, code)])
        assert found.rejects[0].raw == ",".join(
            ({"meter": "M1", "register": "total", "day": "2025-05-01", "value": "1", "rest": ","} | fields).values()
        )
        assert all(found.rejects[0].message(language) for language in ("zh", "en"))

    def test_today_itself_is_no_future(self) -> None:
        assert one(day=TODAY.isoformat()).rejects == []

    def test_a_row_is_rejected_once_and_its_neighbours_are_kept(self) -> None:
        found = read(register_file("A,total,2025-05-01,1,,", ",nope,never,-1,x,y", "B,total,2025-05-01,1,,"))

        assert [row[1] for row in found.rows] == ["A", "B"]
        assert found.codes() == [(3, "meter-no-missing")]

    def test_too_few_and_too_many_fields(self) -> None:
        found = read(register_file("A,total,2025-05-01", '"A",total,2025-05-01,1,"1,234",,', "B,total,2025-05-01,1,,"))

        assert found.codes() == [(2, "field-count"), (3, "field-count")]
        assert found.rejects[0].message("en") == "3 fields, but the header has 6."

    def test_repeats_keep_the_first(self) -> None:
        found = read(
            register_file(
                "A,total,2025-05-01,1,,",
                "A,总,20250501,1.0000,,",
                "A,total,2025-05-01,2,,",
                "A,total,2025-05-02,1,,",
                "A,peak,2025-05-01,1,,",
                "A,total,2025-05-01,1,,",
            )
        )

        assert [row[0] for row in found.rows] == [2, 5, 6]
        assert found.codes() == [(3, "duplicate-row"), (4, "conflicting-row"), (7, "duplicate-row")]
        assert {reject.params["first_line"] for reject in found.rejects} == {2}

    def test_a_rejected_row_is_nobodys_first(self) -> None:
        assert [row[0] for row in read(register_file("A,total,2025-05-01,-1,,", "A,total,2025-05-01,1,,")).rows] == [3]

    def test_a_line_break_in_quotes_is_refused_without_shifting_lines(self) -> None:
        found = read(
            register_file(
                "A,total,2025-05-01,1,,",
                '"B',
                "EVIL,total,2025-05-01,9,,",
                '",total,2025-05-01,1,,',
                "C,总,20250501,1,,",
            )
        )

        assert [(row[0], row[1]) for row in found.rows] == [(2, "A"), (6, "C")]
        assert found.codes() == [(3, "quoted-newline"), (4, "quoted-newline"), (5, "quoted-newline")]

    def test_a_misplaced_quote_stays_in_its_row(self) -> None:
        found = read(register_file('"A"x,total,2025-05-01,1,,', 'B,total,2025-05-01,5",,', "C,total,2025-05-01,1,,"))

        assert found.codes() == [(2, "quote-misplaced"), (3, "value-not-a-number")]
        assert [row[1] for row in found.rows] == ["C"]

    def test_a_carriage_return_inside_a_row(self) -> None:
        found = read(register_file("A,total,2025-05-01,1\r,,", "B,total,2025-05-01,1,,"))

        assert found.codes() == [(2, "stray-carriage-return")]

    def test_an_undecodable_row_is_contained(self) -> None:
        data = register_file(*(f"甲{n},总,2025-05-01,{n},," for n in range(9))).encode()
        broken = data.replace("甲4".encode(), b"\xe7\x94,4")

        found = read(broken)

        assert found.codes() == [(6, "undecodable")]
        assert len(found.rows) == 8
        assert "\\xe7\\x94" in found.rejects[0].raw

    def test_an_undecodable_row_of_gb18030_is_contained(self) -> None:
        data = register_file(*(f"甲{n},总,2025-05-01,{n},," for n in range(9))).encode("gb18030")

        found = read(data.replace("甲4".encode("gb18030"), b"\xff\xff"))

        assert found.codes() == [(6, "undecodable")]
        assert [row[1] for row in found.rows][:2] == ["甲0", "甲1"]


class TestRefusedFiles:
    @pytest.mark.parametrize(
        ("data", "code", "line_no"),
        [
            (b"", "empty-file", 0),
            (b"\xef\xbb\xbf", "empty-file", 0),
            (b"\n\r\n  \n", "empty-file", 0),
            (HEADER.encode("utf-16"), "wrong-encoding", 1),
            (b"meter_no,\xff\xff,register,read_on,value\n", "wrong-encoding", 1),
            (HEADER.encode("utf-16-le"), "nul-bytes", 1),
            (register_file("A,total,2025-05-01,1,,", "\0" * 512).encode(), "nul-bytes", 3),
            (b"PK\x03\x04xxxx", "not-text", 0),
            (b"\x1f\x8bxxxx", "not-text", 0),
            (b"a\rb\rc", "line-ends", 1),
            (b"meter_no,value\n", "columns-missing", 1),
            (b"meter_no,register,read_on,value,value\n", "column-twice", 1),
            ("表号,示数类型,日期,抄表日期,示数\n".encode(), "column-twice", 1),
            (register_file("A,total,2025-05-01,1,,", "A,total,2025-0").encode().rstrip(), "cut-short", 3),
            (register_file("A,total,2025-05-01,1,,", "A,total").encode(), "cut-short", 3),
            (register_file("A,total,2025-05-01,1,,", "A,total").encode() + b"\n\n \n", "cut-short", 3),
            (register_file("A,total,2025-05-01,1,,", 'A,"tot').encode().rstrip(), "cut-short", 3),
            (register_file("甲,总,2025-05-01,1,,").encode() + "甲".encode()[:2], "cut-short", 3),
            (register_file('"A,total').encode() + b"B,total,2025-05-01,1,,\n" * 40, "quote-open", 2),
            (register_file('"A,total').encode() + b"B,total,2025-05-01,1,,\n" * 5, "quote-open", 2),
            (register_file("A" * (MAX_LINE_BYTES + 1)).encode(), "line-too-long", 2),
            (register_file("A,total,2025-05-01,1,,").encode() + b"x" * 10**6, "line-too-long", 3),
            (b"x" * 10**6, "line-too-long", 1),
        ],
    )
    @pytest.mark.parametrize("step", [1 << 30, 4097])
    @pytest.mark.parametrize("batch_rows", [None, 1])
    def test_reason(self, data: bytes, code: str, line_no: int, step: int, batch_rows: int | None) -> None:
        with pytest.raises(FileRefused) as refused:
            read(data, step=step, batch_rows=batch_rows)

        assert (refused.value.code, refused.value.line_no) == (code, line_no)
        assert all(refused.value.message(language) for language in ("zh", "en"))

    def test_missing_columns_are_named(self) -> None:
        with pytest.raises(FileRefused, match="register, read_on"):
            read("meter_no,value\n1,2\n")

    def test_a_line_may_be_as_long_as_the_limit(self) -> None:
        padding = "x" * (MAX_LINE_BYTES - len("A,total,2025-05-01,1,"))

        assert read(f"meter_no,register,read_on,value,note\nA,total,2025-05-01,1,{padding}\n").codes() == []

    def test_rows_before_the_cut_were_given_out(self) -> None:
        file = open_readings(
            io.BytesIO(register_file("A,total,2025-05-01,1,,", "A,tot").encode()), "a", today=TODAY, batch_rows=1
        )

        assert next(file.batches).meter_no.tolist() == ["A"]
        with pytest.raises(FileRefused, match="cut-short"):
            list(file.batches)

    def test_an_encoding_that_changes_on_the_way_is_refused_at_its_line(self) -> None:
        good = register_file(*("甲,总,2025-05-01,1,," for _ in range(20_000))).encode()
        bad = "甲,总,2025-05-01,1,,\n".encode("gb18030") * (MAX_UNDECODABLE_LINES + 5)

        with pytest.raises(FileRefused) as refused:
            read(good + bad)

        assert (refused.value.code, refused.value.line_no) == ("wrong-encoding", 20_002 + MAX_UNDECODABLE_LINES)

    def test_quotes_may_stay_open_for_a_few_lines_only(self) -> None:
        inside = ["x"] * (MAX_OPEN_QUOTE_LINES - 1)
        closed = register_file('"A', *inside, '",total,2025-05-01,1,,', "C,total,2025-05-01,1,,")

        assert [row[1] for row in read(closed).rows] == ["C"]
        with pytest.raises(FileRefused, match="quote-open"):
            read(register_file('"A', "x", *inside, '",total,2025-05-01,1,,', "C,total,2025-05-01,1,,"))

    def test_batch_rows_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match="batch_rows"):
            read(HEADER, batch_rows=0)


NUMBERS = st.decimals(0, Decimal("999999999999.9999"), places=4).map(lambda number: format(number, "f"))
FIELDS = st.one_of(
    NUMBERS, st.from_regex(r"[+-]?[0-9]{0,14}(\.[0-9]{0,6}0{0,3})?", fullmatch=True), st.text(max_size=6)
)
JUNK_LINES = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "A,total",
            '"A',
            '","',
            'A"y,total,2025-05-01,1,,',
            '"A"x,,,,,',
            "A,total,2025-05-01,1,,,",
            "甲,尖,2025-05-01,1,,",
            '"乙","谷","2025-05-01","2","",""',
            "A,total,2025-05-01,-1,,",
            "A\r,total,2025-05-01,1,,",
            "B,total,2025-05-01,1,,\r",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\0"), max_size=20),
)


def outcome(data: bytes, **how: int) -> object:
    """Rows and rejects of a file without repeats, or its refusal; for comparing two ways of reading it."""
    try:
        found = read(data, **how)  # type: ignore[arg-type]
    except FileRefused as refused:
        return (refused.code, refused.line_no)
    repeats = {"duplicate-row", "conflicting-row"}
    return (
        {row for row in found.rows},
        [reject for reject in found.rejects if reject.code not in repeats],
        len(found.rows) + len(found.rejects),
    )


class TestProperties:
    @given(st.lists(NUMBERS, min_size=1, max_size=40))
    def test_numbers_come_back_exactly(self, numbers: list[str]) -> None:
        found = read(register_file(*(f"M{n},total,2025-05-01,{text},," for n, text in enumerate(numbers))))

        assert [row[4] for row in found.rows] == [int(Decimal(text) * 10_000) for text in numbers]

    @given(FIELDS.filter(lambda text: not set(text) & set('\n\r\0,"')))
    @example("1.23450")
    @example("-0")
    @example("+5.")
    @example(".5")
    def test_a_number_is_exact_or_rejected(self, text: str) -> None:
        found = one(text)

        if found.rows:
            assert Decimal(found.rows[0][4]) / 10_000 == Decimal(text.strip())
        else:
            assert found.rejects[0].code.startswith("value-")

    @given(st.lists(JUNK_LINES, max_size=25), st.integers(1, 7), st.integers(1, 50), st.booleans())
    def test_neither_batch_nor_read_size_changes_the_result(
        self, lines: list[str], batch_rows: int, step: int, ends: bool
    ) -> None:
        # Every line gets a meter number of its own where it has one, so that repeats do not depend on the batch.
        own = [
            line.replace("A", f"A{n}").replace("B", f"B{n}").replace("甲", f"甲{n}").replace("乙", f"乙{n}")
            for n, line in enumerate(lines)
        ]
        data = ("\n".join([HEADER, *own]) + "\n" * ends).encode()

        whole = outcome(data)

        assert outcome(data, batch_rows=batch_rows) == whole
        assert outcome(data, step=step) == whole
        assert outcome(data, batch_rows=batch_rows, step=step) == whole

    @given(st.lists(JUNK_LINES, max_size=25))
    def test_every_line_is_a_row_a_reject_or_blank(self, lines: list[str]) -> None:
        data = "\n".join([HEADER, *lines, "Z,total,2025-05-01,1,,"]) + "\n"

        try:
            found = read(data)
        except FileRefused as refused:
            assert refused.code in ("quote-open", "cut-short")
            return

        seen = sorted([row[0] for row in found.rows] + [reject.line_no for reject in found.rejects])
        assert len(seen) == len(set(seen))
        physical = data.split("\n")
        assert set(range(2, len(lines) + 3)) - set(seen) <= {
            number for number, line in enumerate(physical, 1) if not line.strip()
        }

    @given(st.integers(0, 400), st.sampled_from(["utf-8", "gb18030"]))
    def test_a_cut_file_is_a_prefix_or_refused(self, cut: int, encoding: str) -> None:
        lines = [f"表{n},正向总,2025-05-01,{n}.5,remote,actual" for n in range(8)]
        data = register_file(*lines).encode(encoding)
        full = read(data).rows

        try:
            found = read(data[:cut])
        except FileRefused as refused:
            assert refused.code in ("cut-short", "columns-missing", "empty-file")
            return

        whole_lines = data[:cut].count(b"\n")
        assert found.rows[: whole_lines - 1] == full[: max(whole_lines - 1, 0)]
        assert len(found.rows) + len(found.rejects) <= whole_lines

    @given(st.binary(max_size=300))
    def test_noise_never_breaks_the_reader(self, noise: bytes) -> None:
        for data in (noise, HEADER.encode() + b"\n" + noise, b"PAR1" + noise):
            for name in ("a.csv", "a.parquet"):
                outcome_of_noise = None
                try:
                    outcome_of_noise = read(data, name)
                except FileRefused as refused:
                    assert refused.message("zh")
                assert outcome_of_noise is None or len(outcome_of_noise.rows) <= data.count(b"\n") + 1


class TestRejectsFile:
    def test_rejects_come_back_from_their_file(self) -> None:
        raws = ["A,total,2025-05-01,-1,,", 'x"y', "多\r行", "\\xff"]
        rejects = [
            Reject(n + 2, "value-negative", {"column": "value", "text": "-1"}, raw) for n, raw in enumerate(raws)
        ]
        stream = io.BytesIO()

        assert write_rejects(stream, rejects, language="en") == 4

        rows = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))
        assert rows[0] == ["line_no", "code", "reason", "raw"]
        assert [row[3] for row in rows[1:]] == raws
        assert rows[1][:3] == ["2", "value-negative", "value “-1” is negative."]

    def test_a_raw_row_never_runs_as_a_formula(self) -> None:
        stream = io.BytesIO()

        write_rejects(stream, [Reject(2, "quote-misplaced", {}, "=cmd()")], with_header=False)

        assert stream.getvalue().decode().strip().endswith(",'=cmd()")

    def test_the_storing_step_makes_its_own(self) -> None:
        file = open_readings(
            io.BytesIO(register_file("A,total,2025-05-01,-1,,", "B,总,2025-05-01,1,,").encode()), "a", today=TODAY
        )
        batch = next(file.batches)

        reject = batch.reject(0, "meter-unknown", meter_no="B")

        assert (reject.line_no, reject.raw, reject.message("en")) == (
            3,
            "B,总,2025-05-01,1,,",
            "There is no meter “B”.",
        )

    def test_long_texts_are_shortened_in_messages_only(self) -> None:
        reject = one("9" * 500).rejects[0]

        assert len(reject.message()) < 100
        assert len(reject.raw) > 500

    def test_every_reason_has_both_languages(self) -> None:
        assert all(zh and en and zh != en for zh, en in REASONS.values())

    def test_streams_need_not_seek(self) -> None:
        stream = Trickle(register_file("A,total,2025-05-01,1,,").encode(), 3)

        assert len(list(open_readings(stream, "a", today=TODAY).batches)) == 1  # type: ignore[arg-type]
