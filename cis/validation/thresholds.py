"""Pure: the numbers validation goes by. Every check declares its own; the utility's differ from them as data."""

from __future__ import annotations

from collections.abc import Mapping

from cis.validation.registry import PARAMETERS

__all__ = ["Thresholds", "UnknownParameter"]


class UnknownParameter(ValueError):
    """No check declares a parameter of this name."""


class Thresholds:
    """
    A value for every parameter of every check: the defaults, but for those that are given.

    Read them as attributes (`thresholds.capacity_factor_permille`). Equal values make equal thresholds.

    :raises UnknownParameter: no check declares one of the names
    :raises ValueError: a value is no whole number or outside what its parameter allows
    """

    __slots__ = ("_values",)

    _values: dict[str, int]

    def __init__(self, **values: int) -> None:
        for name, value in values.items():
            parameter = PARAMETERS.get(name)
            if parameter is None:
                raise UnknownParameter(f"no check has a parameter {name}")
            if isinstance(value, bool) or not isinstance(value, int):
                raise ValueError(f"{name} must be a whole number, not {value!r}")
            if not parameter.low <= value <= parameter.high:
                raise ValueError(f"{name} must be {parameter.low} to {parameter.high}, not {value}")
        defaults = {name: parameter.default for name, parameter in PARAMETERS.items()}
        object.__setattr__(self, "_values", defaults | values)

    def __getattr__(self, name: str) -> int:
        if name == "_values":  # not set yet, as in a copy that is being made
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("thresholds are never changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thresholds) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def values(self) -> Mapping[str, int]:
        """Every parameter with its value."""
        return dict(self._values)
