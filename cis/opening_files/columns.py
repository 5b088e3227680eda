"""Pure: the kinds of cells, each read to an exact value or refused with a code. No number passes through a float."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

__all__ = ["Day", "Kind", "Number", "SignedNumber", "Text", "Unreadable", "Value", "Whole", "Word"]

Value = int | str | date

_NUMBER = re.compile(r"([0-9]{1,12})(?:\.([0-9]+))?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ROUNDED = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)


class Unreadable(ValueError):
    """A cell that cannot be taken; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Kind(Protocol):
    """How a column's cells are read, described and kept."""

    @property
    def postgres(self) -> str:
        """The type that keeps the values."""

    @property
    def described(self) -> str:
        """How a cell is written, in one line."""

    def read(self, text: str) -> Value:
        """:raises Unreadable: the cell, which is not empty, cannot be taken"""


@dataclass(frozen=True)
class Text:
    """Printable text of at most so many characters. Numbers that a spreadsheet rounded are refused."""

    longest: int
    postgres: str = "text"

    @property
    def described(self) -> str:
        """At most so many characters."""
        return f"文字，至多 {self.longest} 个字符"

    def read(self, text: str) -> str:
        """The text itself."""
        if len(text) > self.longest:
            raise Unreadable("too-long")
        if not text.isprintable():
            raise Unreadable("not-printable")
        if _ROUNDED.fullmatch(text):
            raise Unreadable("rounded-number")
        return text


@dataclass(frozen=True)
class Day:
    """A day as 2026-01-31."""

    postgres: str = "date"
    described: str = "日期，例如 2026-01-31"

    def read(self, text: str) -> date:
        """The day."""
        if not _DAY.fullmatch(text):
            raise Unreadable("not-a-day")
        try:
            found = date.fromisoformat(text)
        except ValueError:
            raise Unreadable("not-a-day") from None
        if not 1990 <= found.year <= 2200:
            raise Unreadable("not-a-day")
        return found


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int = 0
    most: int = 999_999_999
    postgres: str = "int8"

    @property
    def described(self) -> str:
        """Its bounds."""
        return f"整数，{self.least} 至 {self.most}"

    def read(self, text: str) -> int:
        """The number."""
        if not _WHOLE.fullmatch(text):
            raise Unreadable("not-a-whole-number")
        number = int(text)
        if not self.least <= number <= self.most:
            raise Unreadable("out-of-bounds")
        return number


@dataclass(frozen=True)
class Number:
    """A number of at most so many decimals, not negative, kept as an integer of the last place."""

    places: int
    postgres: str = "int8"

    @property
    def described(self) -> str:
        """Its decimals."""
        return f"不小于 0 的数字，至多 {self.places} 位小数"

    def read(self, text: str) -> int:
        """The number in 10**-places."""
        parts = _NUMBER.fullmatch(text)
        if parts is None:
            raise Unreadable("negative" if text.startswith("-") else "not-a-number")
        fraction = (parts[2] or "").rstrip("0")
        if len(fraction) > self.places:
            raise Unreadable("too-many-decimals")
        return int(parts[1] + fraction.ljust(self.places, "0"))

    def write(self, value: int) -> str:
        """A value as it stands in a file."""
        sign, digits = "-" if value < 0 else "", str(abs(value)).rjust(self.places + 1, "0")
        if not self.places:
            return sign + digits
        return f"{sign}{digits[: -self.places]}.{digits[-self.places :]}"


@dataclass(frozen=True)
class SignedNumber(Number):
    """A number that may be negative, such as an adjustment that is given back."""

    @property
    def described(self) -> str:
        """Its decimals."""
        return f"数字，可为负，至多 {self.places} 位小数"

    def read(self, text: str) -> int:
        """The number in 10**-places."""
        value = super().read(text.removeprefix("-"))
        return -value if text.startswith("-") else value


@dataclass(frozen=True)
class Word:
    """One of some words, each standing for a value."""

    words: Mapping[str, int | str]

    @property
    def postgres(self) -> str:
        """Text or number, as the values are."""
        return "text" if isinstance(next(iter(self.words.values())), str) else "int8"

    @property
    def described(self) -> str:
        """The words."""
        return "、".join(self.words)

    def read(self, text: str) -> int | str:
        """What the word stands for."""
        if text not in self.words:
            raise Unreadable("unknown-word")
        return self.words[text]
