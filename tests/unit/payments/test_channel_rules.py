"""Days and hours of a client's contract, and the list of codes."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest

from payments.channel_codes import CODES, LETTERS, read_codes
from payments.channel_rules import DayRules, accounting_day, is_blacked_out, is_day_near, may_reverse

RULES = DayRules(time(23, 0), 1, 0, time(23, 30), time(1, 0))
OPEN = DayRules(None, 0, 2, None, None)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, 3, hour, minute)  # noqa: DTZ001 - local by meaning


def test_from_the_cutoff_on_it_is_the_next_accounting_day() -> None:
    assert accounting_day(at(22, 59), RULES) == date(2026, 2, 3)
    assert accounting_day(at(23), RULES) == date(2026, 2, 4)
    assert accounting_day(at(23, 59), OPEN) == date(2026, 2, 3)


def test_a_day_is_near_within_what_was_agreed() -> None:
    days = [date(2026, 2, day) for day in (2, 3, 4, 5, 6)]

    assert [is_day_near(day, at(23), RULES) for day in days] == [False, True, True, True, False]
    assert [is_day_near(day, at(12), OPEN) for day in days] == [False, True, False, False, False]


def test_a_batch_may_run_over_midnight() -> None:
    assert [is_blacked_out(moment, RULES) for moment in (at(23, 29), at(23, 30), at(0), at(1))] == [
        False,
        True,
        True,
        False,
    ]
    assert not is_blacked_out(at(0), OPEN)


def test_a_reversal_has_its_days_and_none_before_the_payment() -> None:
    day = date(2026, 2, 3)

    assert may_reverse(paid_on=day, reversed_on=day, rules=RULES)
    assert not may_reverse(paid_on=day, reversed_on=date(2026, 2, 4), rules=RULES)
    assert may_reverse(paid_on=day, reversed_on=date(2026, 2, 5), rules=OPEN)
    assert not may_reverse(paid_on=day, reversed_on=date(2026, 2, 2), rules=OPEN)


def test_a_code_says_what_was_asked_and_why_not() -> None:
    assert CODES["batch-running"].code("P") == "EP0007"
    assert CODES["account-not-found"].code("Q") == "EQ0006"
    assert set(LETTERS) == {"Q", "P", "S", "R"}


def test_what_is_ours_has_numbers_of_its_own() -> None:
    assert {row.reason for row in CODES.values() if (row.source == "ours") != (row.number >= "0100")} == set()


def test_a_list_with_a_reason_twice_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "codes.csv"
    place.write_text("number,reason,status,source,zh,en\n0001,a,400,ours,甲,A\n0002,a,400,ours,乙,B\n", "utf-8")

    with pytest.raises(ValueError, match=r"codes\.csv"):
        read_codes(place)
