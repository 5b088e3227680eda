"""
Paging by key: from which row a page goes on, in which order, at the same cost on page one and page ten thousand.

A list has orders; an order is a tuple of keys of which the last is unique, so that no two rows are equal. A page is
asked for by the key of the row before or after it. Nothing is counted and nothing is skipped over, so rows that come
and go while somebody turns pages are neither shown twice nor left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

_BETWEEN = "~"
_LONGEST = 200

Row = TypeVar("Row")
Raw = TypeVar("Raw")
AnyModel = TypeVar("AnyModel", bound=Model)
Key = tuple[Any, ...]


def _to_int(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError("no such number in the database")
    return number


def _to_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment


_READ: dict[type, Callable[[str], Any]] = {
    int: _to_int,
    date: date.fromisoformat,
    datetime: _to_moment,
    str: str,
}


@dataclass(frozen=True, slots=True)
class SortKey:
    """
    One key of an order, never null: the attribute that rows carry it in, its type, and the column it is sorted by.

    `column` is an SQL expression or, for querysets, a field path; it is written by us, never by a user.
    """

    field: str
    type: type
    column: str = ""
    is_descending: bool = False

    @property
    def source(self) -> str:
        """What the database sorts by."""
        return self.column or self.field


@dataclass(frozen=True, slots=True)
class Order:
    """Keys from the first to the last, which is unique; all in one direction, so that one index serves both ways."""

    keys: tuple[SortKey, ...]

    def __post_init__(self) -> None:
        if len({key.is_descending for key in self.keys}) != 1:
            raise ValueError("the keys of an order go in one direction")

    def turned(self) -> Order:
        """The same order from its other end."""
        return Order(tuple(replace(key, is_descending=not key.is_descending) for key in self.keys))

    @property
    def is_descending(self) -> bool:
        """Whether it begins with the greatest."""
        return self.keys[0].is_descending

    def key_of(self, row: object) -> Key:
        """The key of a row, read from its attributes."""
        return tuple(getattr(row, key.field) for key in self.keys)

    def written(self, key: Key) -> str:
        """A key as it stands in an address: `18640~123`."""
        return _BETWEEN.join(part.isoformat() if isinstance(part, date) else str(part) for part in key)

    def read(self, text: str) -> Key | None:
        """The key in an address; None for one that cannot be of this order."""
        if not text or len(text) > _LONGEST:
            return None
        parts = text.rsplit(_BETWEEN, len(self.keys) - 1)
        if len(parts) != len(self.keys):
            return None
        try:
            return tuple(_READ[key.type](part) for key, part in zip(self.keys, parts, strict=True))
        except ValueError:
            return None

    def sql(self) -> str:
        """What stands behind ORDER BY."""
        direction = " DESC" if self.is_descending else ""
        return ", ".join(f"{key.source}{direction}" for key in self.keys)

    def where(self, key: Key | None) -> tuple[str, list[Any]]:
        """The condition for the rows that come after a key, a row comparison that one index answers; and its values."""
        if key is None:
            return "TRUE", []
        columns, places = ", ".join(part.source for part in self.keys), ", ".join(["%s"] * len(self.keys))
        return f"({columns}) {'<' if self.is_descending else '>'} ({places})", list(key)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in the order that was asked for, and whether there are others on either side."""

    rows: tuple[Row, ...]
    has_earlier: bool
    has_later: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page: at most `limit` rows after a key, before a key, or from the beginning."""

    order: Order
    limit: int
    after: Key | None = None
    before: Key | None = None

    @property
    def reading(self) -> Order:
        """The order in which the database is asked: the other way round for rows before a key."""
        return self.order.turned() if self.before is not None else self.order

    def where(self) -> tuple[str, list[Any]]:
        """The condition on the rows, with its values."""
        return self.reading.where(self.after if self.before is None else self.before)

    def tail(self) -> str:
        """ORDER BY and LIMIT; one row more than is shown, to know whether there are others."""
        return f"ORDER BY {self.reading.sql()} LIMIT {self.limit + 1:d}"

    def of(self, rows: QuerySet[AnyModel]) -> list[AnyModel]:
        """The rows of a queryset, one more than is shown; give them to `page`."""
        key = self.after if self.before is None else self.before
        if key is not None:
            rows = rows.filter(_Beyond(self.reading, key))
        return list(rows.order_by(*_order_by(self.reading))[: self.limit + 1])

    def page(self, found: Sequence[Raw], to_rows: Callable[[Sequence[Raw]], Sequence[Row]]) -> Page[Row]:
        """What the database gave for this question, cut to the page and made into rows."""
        is_more, cut = len(found) > self.limit, found[: self.limit]
        if self.before is not None:
            return Page(tuple(to_rows(cut[::-1])), is_more, True)
        return Page(tuple(to_rows(cut)), self.after is not None, is_more)


def _order_by(order: Order) -> list[str]:
    return [f"{'-' if key.is_descending else ''}{key.source}" for key in order.keys]


class _Beyond(Func):
    """`(a, b) > (1, 2)` for a queryset."""

    output_field = BooleanField()

    def __init__(self, order: Order, key: Key) -> None:
        self._sign = "<" if order.is_descending else ">"
        self._width = len(order.keys)
        super().__init__(*(F(part.source) for part in order.keys), *(Value(value) for value in key))

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Both sides, compiled."""
        del connection
        parts = [compiler.compile(expression) for expression in self.get_source_expressions()]
        left, right = (", ".join(sql for sql, _values in side) for side in (parts[: self._width], parts[self._width :]))
        return f"({left}) {self._sign} ({right})", [value for _sql, values in parts for value in values]
