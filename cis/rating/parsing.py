"""Pure: reading one field of a tariff rule. Every mistake is a CannotPrice that names the field; nothing is guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from cis.rating.refusal import CannotPrice

__all__ = [
    "Spec",
    "check_fields",
    "choice_of",
    "decimal_of",
    "mapping_of",
    "months_of",
    "price_e8_of",
    "sequence_of",
    "text_of",
]

Spec = Mapping[str, Any]

_DECIMAL = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,8})?")
_WHOLE = re.compile(r"[0-9]{1,9}")


def check_fields(spec: Spec, required: Sequence[str], optional: Sequence[str] = (), where: str = "rule") -> None:
    """Refuse missing (`missing_field`) and unknown (`unknown_field`) fields."""
    for name in required:
        if name not in spec:
            raise CannotPrice("missing_field", f"{where}: {name}")
    for name in spec:
        if name not in required and name not in optional:
            raise CannotPrice("unknown_field", f"{where}: {name}")


def mapping_of(value: object, where: str) -> Spec:
    """Return a non-empty mapping; raises CannotPrice(`ill_typed`)."""
    if not isinstance(value, Mapping) or not value:
        raise CannotPrice("ill_typed", f"{where} must be an object with at least one field, found {value!r}")
    return value


def sequence_of(value: object, where: str) -> Sequence[Any]:
    """Return a list; raises CannotPrice(`ill_typed`)."""
    if not isinstance(value, list | tuple):
        raise CannotPrice("ill_typed", f"{where} must be a list, found {value!r}")
    return value


def text_of(value: object, where: str) -> str:
    """Return a non-empty text; raises CannotPrice(`ill_typed`)."""
    if not isinstance(value, str) or not value:
        raise CannotPrice("ill_typed", f"{where} must be a text, found {value!r}")
    return value


def choice_of(value: object, where: str, known: Iterable[str]) -> str:
    """Return one of the known values of a switch; raises CannotPrice(`unknown_value`)."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        raise CannotPrice("unknown_value", f"{where} must be one of {', '.join(names)}, found {value!r}")
    return value


def whole_of(value: object, where: str, low: int, high: int) -> int:
    """Return an integer within [low, high]; raises CannotPrice(`ill_typed` or `out_of_range`)."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise CannotPrice("ill_typed", f"{where} must be an integer, found {value!r}")
    if not low <= value <= high:
        raise CannotPrice("out_of_range", f"{where} must be {low} to {high}, found {value}")
    return value


def decimal_of(value: object, where: str) -> Decimal:
    """Return a number written as a text of at most 8 places; floats and other types are refused (`ill_typed`)."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise CannotPrice("ill_typed", f"{where} must be a decimal text of at most 8 places, found {value!r}")
    return Decimal(value)


def to_e8(value: Decimal, where: str) -> int:
    """Return an exact, non-negative price in 1e-8 yuan; raises CannotPrice(`inexact_price` or `negative_price`)."""
    scaled = value * 10**8
    if scaled != int(scaled):
        raise CannotPrice("inexact_price", f"{where} is {value}, more than 8 places: state price_places")
    if scaled < 0:
        raise CannotPrice("negative_price", f"{where} is {value}")
    return int(scaled)


def price_e8_of(value: object, where: str) -> int:
    """Return a price text as 1e-8 yuan; raises CannotPrice."""
    return to_e8(decimal_of(value, where), where)


def bound_kwh_e2_of(value: object, where: str) -> int:
    """Return a whole number of kWh, written as a text, in 0.01 kWh; null is `bounds_unknown`."""
    if value is None:
        raise CannotPrice("bounds_unknown", f"{where} is not known")
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise CannotPrice("ill_typed", f"{where} must be a text of whole kWh, found {value!r}")
    return int(value) * 100


def months_of(value: object, where: str) -> tuple[int, ...]:
    """Return a non-empty list of different months 1 to 12, in the order given; raises CannotPrice."""
    months = tuple(whole_of(month, where, 1, 12) for month in sequence_of(value, where))
    if not months or len(set(months)) != len(months):
        raise CannotPrice("seasons_overlap" if months else "missing_field", f"{where}: {months}")
    return months


def check_every_month(seasons: Sequence[tuple[int, ...]], where: str) -> None:
    """Refuse month sets that do not name every month exactly once (`seasons_gap`, `seasons_overlap`)."""
    named = [month for months in seasons for month in months]
    if len(set(named)) != len(named):
        raise CannotPrice("seasons_overlap", f"{where}: a month stands in two seasons")
    if len(named) != 12:
        raise CannotPrice("seasons_gap", f"{where}: months {sorted(set(range(1, 13)) - set(named))} are in no season")
