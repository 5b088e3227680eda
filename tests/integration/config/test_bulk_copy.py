"""Columns to and from Postgres in its binary form, exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.shared import bulk_copy

pytestmark = pytest.mark.django_db

TYPES = {"a": "int8", "b": "int4", "c": "int2", "d": "bool", "e": "date", "f": "timestamptz"}
INT8, INT4, INT2 = st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**15), 2**15 - 1)
DAY = st.integers(bulk_copy.days_of(date(1900, 1, 1)), bulk_copy.days_of(date(9999, 1, 1)))


class TestColumns:
    @given(rows=st.lists(st.tuples(INT8, INT4, INT2, st.booleans(), DAY), min_size=1, max_size=30))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_copied_in_is_read_back(self, rows: list[tuple[int, int, int, bool, int]]) -> None:
        moment = datetime(2026, 2, 3, 1, 2, 3, 456_789, tzinfo=UTC)
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS columns_of_test")
            cursor.execute(
                "CREATE TEMP TABLE columns_of_test (a int8, b int4, c int2, d bool, e date, f timestamptz, n serial)"
            )
            given_columns = dict(zip("abcde", zip(TYPES.values(), columns, strict=False), strict=True))
            bulk_copy.copy_in(
                cursor, "columns_of_test", {**given_columns, "f": ("timestamptz", bulk_copy.microseconds_of(moment))}
            )

            read = bulk_copy.read_columns(cursor, "SELECT a, b, c, d, e, f FROM columns_of_test ORDER BY n", [], TYPES)
            cursor.execute("SELECT e, f FROM columns_of_test ORDER BY n LIMIT 1")
            day, stored = cursor.fetchone()

        for name, column in zip("abcde", columns, strict=True):
            assert (read[name] == column).all()
        assert day == bulk_copy.day_of(int(columns[4][0]))
        assert stored == moment

    @pytest.mark.parametrize(("kind", "value"), [("int2", 2**15), ("int4", -(2**31) - 1), ("date", 2**31)])
    def test_a_value_too_large_for_its_column_is_refused_and_not_cut(self, kind: str, value: int) -> None:
        with pytest.raises(OverflowError):
            bulk_copy.encode({"a": (kind, np.array([1, value]))})

    def test_nothing_and_another_width_are_refused(self) -> None:
        with connection.cursor() as cursor:
            for query in ("SELECT NULL::int8 FROM generate_series(1, 3)", "SELECT 1::int4"):
                with pytest.raises(bulk_copy.UnevenRows):
                    bulk_copy.read_columns(cursor, query, [], {"a": "int8"})

    def test_no_rows_give_empty_columns(self) -> None:
        with connection.cursor() as cursor:
            read = bulk_copy.read_columns(cursor, "SELECT 1::int8 WHERE false", [], {"a": "int8"})

        assert len(read["a"]) == 0

    def test_parameters_are_escaped(self) -> None:
        with connection.cursor() as cursor:
            read = bulk_copy.read_columns(
                cursor, "SELECT length(%(text)s)::int4", {"text": "'; DROP TABLE x; --%"}, {"a": "int4"}
            )

        assert read["a"].tolist() == [20]


class TestRows:
    @given(
        rows=st.lists(
            st.tuples(
                st.text(st.characters(exclude_characters="\0", codec="utf-8")),
                st.none() | INT8,
                st.lists(st.text('ab"\\,{}\t\n 张', max_size=4), max_size=3),
            )
        )
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text_comes_back_as_it_went(self, rows: list[tuple[str, int | None, list[str]]]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS rows_of_test")
            cursor.execute("CREATE TEMP TABLE rows_of_test (a text, b int8, c text[], n serial)")
            bulk_copy.copy_rows(cursor, "rows_of_test", ("a", "b", "c"), rows)
            cursor.execute("SELECT a, b, c FROM rows_of_test ORDER BY n")

            assert cursor.fetchall() == rows


class TestSequences:
    def test_a_block_is_ascending_and_nobody_gets_it_twice(self) -> None:
        with connection.cursor() as cursor:
            one = bulk_copy.sequence_block(cursor, "cis_bill_id_seq", 100)
            two = bulk_copy.sequence_block(cursor, "cis_bill_id_seq", 5)
            none = bulk_copy.sequence_block(cursor, "cis_bill_id_seq", 0)

        assert (np.diff(one) > 0).all()
        assert len(set(one) | set(two)) == 105
        assert len(none) == 0
