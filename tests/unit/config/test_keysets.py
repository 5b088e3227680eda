"""Keys of pages: written into addresses and read back, and never trusted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.keysets import Ask, Order, SortKey

BY_DUE = Order((SortKey("due_on", date, "b.due_on"), SortKey("bill_id", int, "b.id")))
BY_NAME = Order((SortKey("name", str), SortKey("at", datetime), SortKey("row_id", int, "pk")))


class TestKeys:
    @given(st.dates(), st.integers(-(2**63) + 1, 2**63 - 1))
    def test_are_read_back_as_they_were_written(self, day: date, number: int) -> None:
        assert BY_DUE.read(BY_DUE.written((day, number))) == (day, number)

    def test_of_text_may_hold_the_sign_between_them(self) -> None:
        key = ("a~b~c", datetime(2026, 1, 1, tzinfo=UTC), 7)

        assert BY_NAME.read(BY_NAME.written(key)) == key

    @pytest.mark.parametrize(
        "text",
        ["", "x", "2026-11-15", "2026-11-15~x", "2026-13-01~1", f"2026-11-15~{2**63}", "2026-11-15~1~2", "9" * 300],
    )
    def test_that_cannot_be_are_taken_for_none(self, text: str) -> None:
        assert BY_DUE.read(text) is None

    def test_of_a_moment_need_a_time_zone(self) -> None:
        assert BY_NAME.read("a~2026-01-01T00:00:00~1") is None

    def test_are_read_from_a_row(self) -> None:
        assert BY_DUE.key_of(SimpleNamespace(due_on=date(2026, 1, 2), bill_id=5)) == (date(2026, 1, 2), 5)


class TestOrder:
    def test_is_one_row_comparison(self) -> None:
        assert BY_DUE.where((date(2026, 1, 2), 5)) == ("(b.due_on, b.id) > (%s, %s)", [date(2026, 1, 2), 5])
        assert BY_DUE.turned().where((date(2026, 1, 2), 5))[0] == "(b.due_on, b.id) < (%s, %s)"
        assert BY_DUE.where(None) == ("TRUE", [])

    def test_turned_twice_is_itself(self) -> None:
        assert BY_DUE.turned().sql() == "b.due_on DESC, b.id DESC"
        assert BY_DUE.turned().turned() == BY_DUE

    def test_of_two_directions_is_refused(self) -> None:
        with pytest.raises(ValueError, match="one direction"):
            Order((SortKey("a", int), SortKey("b", int, is_descending=True)))


class TestPage:
    ORDER = Order((SortKey("row_id", int, "id"),))

    def test_says_whether_there_are_others(self) -> None:
        first = Ask(self.ORDER, 2).page([1, 2, 3], rows_of_found)
        middle = Ask(self.ORDER, 2, after=(2,)).page([3, 4, 5], rows_of_found)
        last = Ask(self.ORDER, 2, after=(4,)).page([5], rows_of_found)

        assert (first.rows, first.has_earlier, first.has_later) == ((1, 2), False, True)
        assert (middle.rows, middle.has_earlier, middle.has_later) == ((3, 4), True, True)
        assert (last.rows, last.has_earlier, last.has_later) == ((5,), True, False)

    def test_backwards_is_asked_the_other_way_and_shown_in_order(self) -> None:
        ask = Ask(self.ORDER, 2, before=(5,))

        page = ask.page([4, 3, 2], rows_of_found)

        assert ask.tail() == "ORDER BY id DESC LIMIT 3"
        assert ask.where() == ("(id) < (%s)", [5])
        assert (page.rows, page.has_earlier, page.has_later) == ((3, 4), True, True)


def rows_of_found(found: object) -> list[int]:
    return list(found)  # type: ignore[call-overload]
