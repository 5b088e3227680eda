"""Periods of the day, and curves folded into registers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.rating import PERIOD_REGISTERS, CannotPrice, DayKind, Register, WindowSet
from cis.rating.windows import DECLARED

from .test_golden import CATALOGUE, WINDOWS

ALL_YEAR = list(range(1, 13))
PUBLISHED = [spec["code"] for spec in CATALOGUE.window_sets if "-RES" not in spec["code"]]


def one_season(windows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A set with one season."""
    return {"code": "X", "seasons": [{"months": ALL_YEAR, "windows": windows}]} | more


def at(slots: np.ndarray[Any, Any], clock: str) -> Register:
    """The period at a clock time."""
    hour, minute = clock.split(":")
    return Register(int(slots[int(hour) * 4 + int(minute) // 15]))


class TestPublishedSets:
    def test_all_sixteen_papers_are_there(self) -> None:
        assert len({code.removesuffix("-1P").removesuffix("-2P") for code in PUBLISHED}) == 16

    @pytest.mark.parametrize("code", WINDOWS)
    def test_every_quarter_hour_has_a_period(self, code: str) -> None:
        for month in ALL_YEAR:
            for kind in DayKind:
                slots = WINDOWS[code].period_of_slots(month, kind)
                assert slots.shape == (96,) and slots.dtype == np.int8
                assert set(slots.tolist()) <= set(PERIOD_REGISTERS) & set(WINDOWS[code].registers)

    @pytest.mark.parametrize("spec", CATALOGUE.window_sets, ids=lambda spec: spec["code"])
    def test_sets_that_name_flat_hours_leave_no_gap(self, spec: dict[str, Any]) -> None:
        for season in spec["seasons"]:
            if "flat" in season["windows"]:
                named = {
                    minute % 1440
                    for pairs in season["windows"].values()
                    for start, end in pairs
                    for minute in range(start, end if end > start else end + 1440, 15)
                }
                assert len(named) == 96

    @pytest.mark.parametrize(
        ("code", "month", "clock", "register"),
        [
            ("HB-TOU-2024-77", 1, "18:00", Register.SHARP),
            ("HB-TOU-2024-77", 7, "18:00", Register.PEAK),
            ("HB-TOU-2024-77", 7, "21:45", Register.SHARP),
            ("JS-TOU-2025-426", 4, "23:00", Register.FLAT),  # 22:00-02:00 wraps
            ("JS-TOU-2025-426", 4, "01:45", Register.FLAT),
            ("JS-TOU-2025-426", 4, "02:00", Register.VALLEY),
            ("HLJ-TOU-2024-291", 4, "23:15", Register.FLAT),
            ("HLJ-TOU-2024-291", 4, "23:30", Register.VALLEY),
            ("HLJ-TOU-2024-291", 4, "05:15", Register.VALLEY),
            ("HLJ-TOU-2024-291", 4, "05:30", Register.FLAT),
            ("BJ-TOU-2023-11", 7, "16:30", Register.SHARP),  # outside the peak window
            ("BJ-TOU-2023-11", 6, "16:30", Register.FLAT),
            ("BJ-TOU-2023-11", 12, "20:45", Register.SHARP),
            ("SD-TOU-2025", 1, "11:00", Register.DEEP_VALLEY),  # inside the valley window
            ("SD-TOU-2025", 1, "10:45", Register.VALLEY),
            ("JX-TOU-2025-463", 8, "20:30", Register.SHARP),
            ("JX-TOU-2025-463", 9, "20:30", Register.PEAK),
            ("HA-TOU-2024-283", 2, "17:00", Register.PEAK),
            ("HA-TOU-2024-283", 12, "17:00", Register.SHARP),
            ("XJ-TOU-2023-11", 6, "14:00", Register.DEEP_VALLEY),
            ("NM-E-TOU-2023-1631", 7, "18:00", Register.SHARP),
            ("NM-E-TOU-2023-1631", 5, "18:00", Register.PEAK),
            ("SH-TOU-2022-50-2P", 1, "19:00", Register.SHARP),
            ("SH-TOU-2022-50-1P", 1, "19:00", Register.PEAK),
            ("SD-RES-TOU", 1, "20:00", Register.VALLEY),
            ("SD-RES-TOU", 6, "20:00", Register.PEAK),
            ("CQ-RES-TOU", 6, "21:45", Register.PEAK),
        ],
    )
    def test_reads_the_paper(self, code: str, month: int, clock: str, register: Register) -> None:
        assert at(WINDOWS[code].period_of_slots(month), clock) == register

    def test_named_holidays_have_their_own_months(self) -> None:
        zhejiang = WINDOWS["ZJ-TOU-2024-21"]

        assert at(zhejiang.period_of_slots(5, DayKind.LABOUR_DAY), "10:00") == Register.DEEP_VALLEY
        assert at(zhejiang.period_of_slots(5, DayKind.QINGMING), "10:00") == Register.PEAK

    def test_rest_days_only_in_some_months(self) -> None:
        shanghai = WINDOWS["SH-TOU-2022-50-2P"]

        assert at(shanghai.period_of_slots(3, DayKind.REST_DAY), "02:00") == Register.DEEP_VALLEY
        assert at(shanghai.period_of_slots(7, DayKind.REST_DAY), "02:00") == Register.VALLEY
        assert at(shanghai.period_of_slots(7, DayKind.NATIONAL_DAY), "02:00") == Register.DEEP_VALLEY

    def test_hot_days_have_sharp_hours_where_they_are_declared_and_nowhere_else(self) -> None:
        guangdong = WINDOWS["GD-TOU-2021-331"]
        hot, usual = guangdong.period_of_slots(5, DECLARED + DayKind.WORKDAY), guangdong.period_of_slots(5)

        changed = np.flatnonzero(hot != usual)

        assert changed.tolist() == [*range(44, 48), *range(60, 68)], "11-12 and 15-17"
        assert set(hot[changed].tolist()) == {Register.SHARP}
        assert at(usual, "11:00") == Register.PEAK

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(1, 12), st.integers(0, 2**32 - 1))
    def test_a_declared_day_keeps_every_kwh_and_leaves_the_other_days_alone(
        self, declared: list[bool], month: int, seed: int
    ) -> None:
        guangdong = WINDOWS["GD-TOU-2021-331"]
        values = np.random.default_rng(seed).integers(0, 10**6, (3, 96))
        kinds = np.array([DECLARED * hot for hot in declared])

        folded = guangdong.fold(values, month, kinds)

        assert folded.sum(axis=1).tolist() == values.sum(axis=1).tolist()
        for day, hot in enumerate(declared):
            alone = guangdong.period_of_slots(month, DECLARED * hot)
            by_hand = [int(values[day][alone == int(register)].sum()) for register in PERIOD_REGISTERS]
            assert folded[day].tolist() == by_hand


class TestParse:
    @pytest.mark.parametrize(
        ("code", "spec"),
        [
            ("windows_overlap", one_season({"peak": [[0, 60]], "valley": [[45, 120]]})),
            ("windows_overlap", one_season({"peak": [[0, 60]], "flat": [[45, 120]]})),
            ("windows_overlap", one_season({"sharp": [[0, 60]], "deep_valley": [[1380, 15]]})),
            ("window_edge", one_season({"peak": [[0, 50]]})),
            ("window_edge", one_season({"peak": [[60, 60]]})),
            ("window_edge", one_season({"peak": [[60]]})),
            ("window_edge", one_season({"peak": [[1440, 0]]})),
            ("out_of_range", one_season({"peak": [[0, 1455]]})),
            ("ill_typed", one_season({"peak": ["08:00-11:00"]})),
            ("unknown_field", one_season({"noon": [[0, 60]]})),
            ("seasons_gap", {"code": "X", "seasons": [{"months": [1], "windows": {"peak": [[0, 60]]}}]}),
            ("unknown_field", one_season({"peak": [[0, 60]]}, colour="red")),
            (
                "unknown_day_kind",
                one_season({"peak": [[0, 60]]}, special_days=[{"days": ["payday"], "windows": {"peak": [[0, 60]]}}]),
            ),
        ],
    )
    def test_refuses_what_is_not_a_window_set(self, code: str, spec: dict[str, Any]) -> None:
        with pytest.raises(CannotPrice) as refusal:
            WindowSet.parse(spec)

        assert refusal.value.code == code

    def test_what_is_not_named_is_flat_and_the_inner_window_wins(self) -> None:
        slots = WindowSet.parse(one_season({"peak": [[480, 720]], "sharp": [[540, 600]]})).period_of_slots(1)

        clocks = {"07:45": Register.FLAT, "08:00": Register.PEAK, "09:00": Register.SHARP, "12:00": Register.FLAT}
        assert {clock: at(slots, clock) for clock in clocks} == clocks

    def test_whole_day_window(self) -> None:
        slots = WindowSet.parse(one_season({"valley": [[0, 1440]]})).period_of_slots(1)

        assert set(slots.tolist()) == {Register.VALLEY}


class TestFold:
    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_counts_every_value_once(self, data: st.DataObject) -> None:
        windows = WINDOWS[data.draw(st.sampled_from(sorted(WINDOWS)))]
        days = data.draw(st.integers(1, 5))
        months = data.draw(st.lists(st.integers(1, 12), min_size=days, max_size=days))
        kinds = data.draw(st.lists(st.sampled_from(DayKind), min_size=days, max_size=days))
        values = np.array(
            data.draw(st.lists(st.lists(st.integers(0, 10**6), min_size=96, max_size=96), min_size=days, max_size=days))
        )

        folded = windows.fold(values, months, kinds)

        for day in range(days):
            expected = dict.fromkeys(PERIOD_REGISTERS, 0)
            for slot, register in enumerate(windows.period_of_slots(months[day], kinds[day]).tolist()):
                expected[Register(register)] += int(values[day, slot])
            assert folded[day].tolist() == list(expected.values())

    def test_looks_at_the_month_and_the_kind_of_each_day(self) -> None:
        quarters = np.ones((3, 96), dtype=np.int64)

        folded = WINDOWS["ZJ-TOU-2024-21"].fold(quarters, [5, 5, 7], [DayKind.WORKDAY, DayKind.LABOUR_DAY, 0])

        # sharp, peak, flat, valley, deep valley
        assert folded.tolist() == [[0, 28, 28, 40, 0], [0, 20, 28, 32, 16], [16, 28, 12, 40, 0]]

    def test_hours_fold_as_their_quarters_do_over_more_days_than_one_block(self) -> None:
        windows = WINDOWS["SH-TOU-2022-50-2P"]
        rng = np.random.default_rng(1)
        hours = rng.integers(0, 10**6, (5_000, 24))
        months, kinds = rng.integers(1, 13, 5_000), rng.integers(0, len(DayKind), 5_000)
        quarters = np.zeros((5_000, 96), dtype=np.int64)
        quarters[:, 2::4] = hours

        folded = windows.fold_hourly(hours, months, kinds)

        assert (folded == windows.fold(quarters, months, kinds)).all()
        assert (folded.sum(axis=1) == hours.sum(axis=1)).all()

    def test_hourly_values_are_refused_where_a_period_changes_inside_an_hour(self) -> None:
        hours = np.ones((1, 24), dtype=np.int64)

        with pytest.raises(CannotPrice, match="hour_split"):
            WINDOWS["HLJ-TOU-2024-291"].fold_hourly(hours, 1, DayKind.WORKDAY)

    def test_shape_is_checked(self) -> None:
        with pytest.raises(ValueError, match="96"):
            WINDOWS["HB-TOU-2024-77"].fold(np.ones((1, 24), dtype=np.int64), 1, 0)
        with pytest.raises(ValueError, match="24"):
            WINDOWS["HB-TOU-2024-77"].fold_hourly(np.ones((1, 96), dtype=np.int64), 1, 0)
