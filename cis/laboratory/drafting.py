"""Pure: the figures in a tariff's rules that a draft may change, and the rules with some of them changed.

A figure is a number written as a text below a field that holds prices, factors or bounds. Its key is the way to it:
`0.price_yuan.peak`, `1.items.0.price_yuan`. Whether the changed rules can be priced is for `cis.rating.compile_rules`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Figure", "UnknownFigure", "draft_from", "list_figures", "with_figures"]

Rules = Sequence[Mapping[str, Any]]

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# Fields below which every number is one that a draft may change.
_YUAN = re.compile(r"(.*_)?yuan(_.*)?")
_OTHERS = {"ratio": "factor", "upper_kwh": "kwh", "extra_kwh_per_month": "kwh", "kwh_per_month": "kwh"}


class UnknownFigure(LookupError):
    """There is no such figure in the rules."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a rule: where it stands, what it measures, what it says now."""

    key: str
    rule_kind: str
    way: tuple[str, ...]
    """the names and places from the rule down, such as ("price_yuan", "peak")"""
    unit: str
    """yuan (a kWh), yuan_per_kva_month, yuan_per_kw_month, factor, kwh"""
    value: str
    charge: str = ""
    """the charge it is the price of, where the rule names one"""
    months: tuple[int, ...] = ()
    """the months it holds in, where not in all"""


def draft_from(rules: Rules) -> list[dict[str, Any]]:
    """
    The rules as a draft begins with them: the same prices.

    Where a rule has printed prices beside their composition, the printed ones go: both must agree, and a draft changes
    the composition.
    """
    drafted = [copy.deepcopy(dict(rule)) for rule in rules]
    for rule in drafted:
        if "composition" in rule:
            rule.pop("price_yuan", None)
    return drafted


def list_figures(rules: Rules) -> tuple[Figure, ...]:
    """Every figure, in the order of the rules."""
    return tuple(figure for number, rule in enumerate(rules) for figure in _figures(rule, number))


def _figures(rule: Mapping[str, Any], number: int) -> Iterator[Figure]:
    kind = str(rule.get("kind", ""))

    def walk(value: object, way: tuple[str, ...], unit: str, charge: str, months: tuple[int, ...]) -> Iterator[Figure]:
        if isinstance(value, Mapping):
            charge = str(value.get("charge", charge))
            months = tuple(value.get("months", months))
            for name, inner in value.items():
                yield from walk(inner, (*way, name), _unit_of(name) or unit, charge, months)
        elif isinstance(value, list | tuple):
            for place, inner in enumerate(value):
                yield from walk(inner, (*way, str(place)), unit, charge, months)
        elif unit and isinstance(value, str) and _NUMBER.fullmatch(value):
            yield Figure(".".join((str(number), *way)), kind, way, unit, value, charge, months)

    yield from walk(rule, (), "", "", ())


def _unit_of(field: str) -> str:
    if _YUAN.fullmatch(field):
        return next((unit for unit in ("yuan_per_kva_month", "yuan_per_kw_month") if field.endswith(unit)), "yuan")
    return _OTHERS.get(field, "")


def with_figures(rules: Rules, changes: Mapping[str, str]) -> list[dict[str, Any]]:
    """
    The rules with these figures written in, by key; the rules given stay as they are.

    :raises UnknownFigure: a key is none of `list_figures`
    """
    known = {figure.key for figure in list_figures(rules)}
    for key in changes:
        if key not in known:
            raise UnknownFigure(key)
    changed: list[dict[str, Any]] = [copy.deepcopy(dict(rule)) for rule in rules]
    for key, value in changes.items():
        *way, last = key.split(".")
        held: Any = changed
        for step in way:
            held = held[int(step)] if isinstance(held, list) else held[step]
        held[int(last) if isinstance(held, list) else last] = value
    return changed
