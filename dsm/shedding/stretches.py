"""Pure: values of a day typed by stretches of hours (`08:00-13:00 1200`), as 96 quarter-hours, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

SLOTS = 96
_LINE = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–—~至到]\s*(\d{1,2}):(\d{2})[\s:：,，]+(\d{1,9})$")


class NotADay(ValueError):
    """The text does not say a value for every quarter-hour; `line` is the one that is wrong, 0 for the whole."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def read_stretches(text: str) -> tuple[int, ...]:
    """
    96 whole kW from one number for the whole day, 96 numbers, or lines of `from-to value` that cover the day.

    :raises NotADay: a line cannot be read, stretches overlap, or some of the day is missing
    """
    numbers = text.split()
    if len(numbers) in (1, SLOTS) and all(number.isdigit() and len(number) <= 9 for number in numbers):
        return tuple(int(number) for number in (numbers if len(numbers) == SLOTS else numbers * SLOTS))
    values: list[int | None] = [None] * SLOTS
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        found = _LINE.match(line.strip())
        if found is None:
            raise NotADay(number)
        from_h, from_m, to_h, to_m, value = map(int, found.groups())
        start, end = from_h * 4 + from_m // 15, to_h * 4 + to_m // 15
        is_quarter = from_m % 15 == 0 and to_m % 15 == 0
        if not (is_quarter and 0 <= start < end <= SLOTS) or any(
            values[slot] is not None for slot in range(start, end)
        ):
            raise NotADay(number)
        values[start:end] = [value] * (end - start)
    whole = [value for value in values if value is not None]
    if len(whole) != SLOTS:
        raise NotADay(0)
    return tuple(whole)


def write_stretches(values: Sequence[int]) -> list[tuple[str, str, int]]:
    """Stretches (from, to, value) of equal values, in the order of the day."""
    found: list[tuple[str, str, int]] = []
    start = 0
    for slot in range(1, len(values) + 1):
        if slot == len(values) or values[slot] != values[start]:
            found.append((clock(start), clock(slot), values[start]))
            start = slot
    return found


def clock(slot: int) -> str:
    """The time of day at which a quarter-hour begins; 96 is 24:00."""
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"
