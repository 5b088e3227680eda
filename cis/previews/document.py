"""Pure: reading a document field by field, so that what nobody read can be refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from cis.rating import CannotPrice

__all__ = ["Document", "number_of", "plain_text", "read_json"]

LARGEST = 10**11
"""No meter, contract or bill comes near it, and every product stays exact."""
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,12})?")
_FRACTION = re.compile(r"[0-9]{1,9}/[1-9][0-9]{0,8}")
NOTES = ("note",)


class Document:
    """One object of a request. Every field that is asked for counts as read; `finish` refuses the others."""

    def __init__(self, value: object, where: str, trail: list[str] | None = None) -> None:
        """:raises CannotPrice: `ill_typed`, it is no object"""
        self._trail = [where] if trail is None else trail
        if not isinstance(value, Mapping):
            raise CannotPrice("ill_typed", f"{where} must be an object")
        self.where = where
        self._fields = value
        self._read: set[str] = set(NOTES)

    @property
    def last_read(self) -> str:
        """The field of the whole request that was read last."""
        return self._trail[0]

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def is_null(self, name: str) -> bool:
        """Whether the field is there and says that there is nothing."""
        return name in self._fields and self._fields[name] is None

    def ignore(self, *names: str) -> None:
        """Leave fields alone that are for people."""
        self._read.update(names)

    def raw(self, name: str, default: Any = None) -> Any:
        """The field as it is."""
        self._read.add(name)
        found = self._fields.get(name)
        if found is not None:
            self._trail[0] = f"{self.where}.{name}"
        return default if found is None else found

    def need(self, name: str) -> Any:
        """:raises CannotPrice: `missing_field`"""
        if not self.has(name):
            raise CannotPrice("missing_field", f"{self.where}.{name}")
        return self.raw(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default the field must be there."""
        value = self.need(name) if default is None else self.raw(name, default)
        if not isinstance(value, str):
            raise CannotPrice("ill_typed", f"{self.where}.{name} must be a text, found {value!r}")
        return value

    def number(self, name: str, default: str | None = None, *, signed: bool = False) -> Fraction:
        """An exact number: a decimal text, an integer, or a fraction such as "1/2"; negative only where `signed`."""
        value = self.need(name) if default is None else self.raw(name, default)
        return number_of(value, f"{self.where}.{name}", signed=signed)

    def numbers(self, name: str) -> list[Fraction]:
        """A list of exact numbers that are not negative; empty when it is not there."""
        found = self.raw(name, [])
        if not isinstance(found, list):
            raise CannotPrice("ill_typed", f"{self.where}.{name} must be a list")
        return [number_of(one, f"{self.where}.{name}[{at}]") for at, one in enumerate(found)]

    def flag(self, name: str) -> bool:
        """Yes or no; no when it is not there."""
        value = self.raw(name, False)
        if not isinstance(value, bool):
            raise CannotPrice("ill_typed", f"{self.where}.{name} must be true or false, found {value!r}")
        return value

    def scaled(self, name: str, places: int, default: str | None = None, *, signed: bool = False) -> int:
        """A number in 10**-places; raises CannotPrice(`too_precise`) when it has more places."""
        scaled = self.number(name, default, signed=signed) * 10**places
        if scaled.denominator != 1:
            raise CannotPrice("too_precise", f"{self.where}.{name} has more than {places} decimal places")
        return int(scaled)

    def day(self, name: str) -> date:
        """A day in ISO form."""
        value = self.text(name)
        try:
            return date.fromisoformat(value)
        except ValueError as wrong:
            raise CannotPrice("ill_typed", f"{self.where}.{name} must be a day such as 2026-01-31") from wrong

    def part(self, name: str) -> Document:
        """An object inside; empty when it is not there."""
        return Document(self.raw(name, {}), f"{self.where}.{name}", self._trail)

    def parts(self, name: str) -> list[Document]:
        """A list of objects; empty when it is not there."""
        found = self.raw(name, [])
        if not isinstance(found, list):
            raise CannotPrice("ill_typed", f"{self.where}.{name} must be a list")
        return [Document(one, f"{self.where}.{name}[{at}]", self._trail) for at, one in enumerate(found)]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Every field, read by this."""
        self._read.update(self._fields)
        return self.peek()

    def peek(self) -> Iterable[tuple[str, Any]]:
        """Every field that is there, read by nobody yet."""
        return [(name, value) for name, value in self._fields.items() if name not in NOTES and value is not None]

    def finish(self, *, texts_are_notes: bool = False) -> None:
        """
        :raises CannotPrice: `unknown_field`, a field that no rule read; with `texts_are_notes` texts may stay. A null
            says nothing, whatever its name.
        """
        for name, value in self._fields.items():
            is_text = isinstance(value, str) and not _NUMBER.fullmatch(value)
            if value is not None and name not in self._read and not (texts_are_notes and is_text):
                raise CannotPrice("unknown_field", f"{self.where}.{name} is not known here")


def read_json(text: str | bytes) -> Any:
    """
    A document as it was written: numbers keep every digit.

    :raises ValueError: it is no JSON
    :raises RecursionError: it is nested too deeply
    :raises CannotPrice: `field_twice`, an object has one name twice, of which one would be lost
    """
    return json.loads(text, parse_float=str, parse_constant=str, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CannotPrice("field_twice", f"{plain_text(twice)} stands twice in one object")
    return found


def plain_text(text: str) -> str:
    """A text that can be printed everywhere: what is no Unicode is written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def number_of(value: object, where: str, *, signed: bool = False) -> Fraction:
    """An exact number of at most twelve digits before the point; floats are refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = Fraction(value)
    elif isinstance(value, str) and (_NUMBER.fullmatch(value) or _FRACTION.fullmatch(value)):
        number = Fraction(value)
    else:
        raise CannotPrice("ill_typed", f"{where} must be a decimal text, found {str(value)[:40]!r}")
    if abs(number) > LARGEST or (number < 0 and not signed):
        raise CannotPrice("out_of_range", f"{where} must be {'' if signed else '0 to '}at most {LARGEST}")
    return number
