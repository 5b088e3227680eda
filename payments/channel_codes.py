"""
Pure: what a connected client is told when something does not go: the one list of codes.

A code is `E`, a letter for what was asked (Q query, P payment, S status, R reversal) and four digits. The digits below
0100 follow the published list for paying household bills through WeChat (生活缴费标准协议, V3.3, 2024-09); those above
are ours. The list stands in `payments/data/channel_codes.csv`; a reason never changes its number.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Letter = Literal["Q", "P", "S", "R"]
LETTERS: dict[Letter, tuple[str, str]] = {
    "Q": ("查询欠费", "arrears query"),
    "P": ("缴费", "payment"),
    "S": ("查询结果", "status query"),
    "R": ("冲正", "reversal"),
}
_PLACE = Path(__file__).parent / "data" / "channel_codes.csv"


@dataclass(frozen=True, slots=True)
class ChannelCode:
    """One line of the list; `reason` is the word that programs compare, `status` goes with it over HTTP."""

    number: str
    reason: str
    status: int
    source: str
    zh: str
    en: str

    def code(self, letter: Letter) -> str:
        """The code as it is answered, such as EQ0006."""
        return f"E{letter}{self.number}"


def read_codes(place: Path = _PLACE) -> dict[str, ChannelCode]:
    """
    The list by reason.

    :raises ValueError: a line is not as it should be, or a reason stands twice
    """
    with place.open(encoding="utf-8", newline="") as file:
        rows = [
            ChannelCode(row["number"], row["reason"], int(row["status"]), row["source"], row["zh"], row["en"])
            for row in csv.DictReader(file)
        ]
    found = {row.reason: row for row in rows}
    if len(found) != len(rows) or any(len(row.number) != 4 or not row.zh or not row.en for row in rows):
        raise ValueError(f"{place.name}: every line needs a reason of its own, four digits and both titles")
    return found


CODES = read_codes()
