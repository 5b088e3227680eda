"""Pure: the control totals that the other system states, and how the files differ from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cis.opening_files.columns import Day, Text, Unreadable
from cis.opening_files.layouts import BY_NAME, CONTROL_FILE, LAYOUTS, Layout
from cis.opening_files.reading import Fault, Row, written

__all__ = ["Control", "ControlFault", "Totals", "differences", "read_control"]


class ControlFault(ValueError):
    """The control file cannot be used; `code` says why, `place` where."""

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(f"{code} {place}")
        self.code = code
        self.place = place


@dataclass
class Totals:
    """Rows and sums of one file, in the units of its columns."""

    rows: int = 0
    sums: dict[str, int] = field(default_factory=dict)

    def add(self, layout: Layout, row: Row) -> None:
        """Count one row in."""
        self.rows += 1
        for column, value in zip(layout.columns, row.values, strict=True):
            if column.is_total:
                self.sums[column.name] = self.sums.get(column.name, 0) + int(str(value))

    def as_json(self, layout: Layout) -> dict[str, int | str]:
        """As the control file states them."""
        return {"rows": self.rows} | {name: written(layout, name, self.sums.get(name, 0)) for name in layout.totals}


@dataclass(frozen=True)
class Control:
    """
    What the other system says it hands over: the batch, the day from which this system bills, totals by file.

    `balance_yuan` is what all accounts owe less what they have paid ahead.
    """

    batch: str
    cut_over_on: date
    files: Mapping[str, Mapping[str, int | str]]
    balance_yuan: str


def read_control(data: bytes) -> Control:
    """
    The control file.

    :raises ControlFault: `not-json`, `missing` or `unreadable` with the place
    """
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ControlFault("not-json") from None
    if not isinstance(found, dict):
        raise ControlFault("not-json")
    files: dict[str, dict[str, int | str]] = {}
    stated = _of(found, "files", dict)
    for layout in LAYOUTS:
        one = _of(stated, layout.name, dict)
        files[layout.name] = {"rows": _of(one, "rows", int)} | {
            name: _of(one, name, str, f"{layout.name}.{name}") for name in layout.totals
        }
    for name in stated:
        if name not in BY_NAME:
            raise ControlFault("unreadable", name)
    try:
        batch = Text(40).read(_of(found, "batch", str))
        day = Day().read(_of(found, "cut_over_on", str))
    except Unreadable as why:
        raise ControlFault("unreadable", f"batch, cut_over_on: {why.code}") from None
    return Control(batch, day, files, _of(found, "balance_yuan", str))


def _of(found: Mapping[str, Any], name: str, kind: type, place: str = "") -> Any:
    if name not in found:
        raise ControlFault("missing", place or name)
    if not isinstance(found[name], kind) or isinstance(found[name], bool) or found[name] == "":
        raise ControlFault("unreadable", place or name)
    return found[name]


def differences(control: Control, totals: Mapping[str, Totals]) -> list[Fault]:
    """Every total that differs, as a fault of the control file: which, what it states, what the files hold."""
    found: list[Fault] = []
    for layout in LAYOUTS:
        held = totals[layout.name].as_json(layout)
        for name, stated in control.files[layout.name].items():
            if str(stated) != str(held[name]):
                found.append(_differs(f"{layout.name}.{name}", stated, held[name]))
    balance = totals["bills"].sums.get("open_yuan", 0) - totals["prepayments"].sums.get("balance_yuan", 0)
    held_balance = written(BY_NAME["bills"], "open_yuan", balance)
    if control.balance_yuan != held_balance:
        found.append(_differs("balance_yuan", control.balance_yuan, held_balance))
    return found


def _differs(place: str, stated: int | str, held: int | str) -> Fault:
    return Fault(CONTROL_FILE, 0, "total-differs", place, f"{stated} ≠ {held}")
