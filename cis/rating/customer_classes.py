"""Pure: which price class a customer's class, as it is written, holds."""

from cis.rating.refusal import CannotPrice

__all__ = ["CLASSES", "price_class_of"]

CLASSES = (
    ("non_residential", "non_residential"),
    ("non_industr", "commercial"),
    ("residential", "residential"),
    ("irrigation", "irrigation"),
    ("agricultur", "agriculture"),
    ("wholesale", "wholesale"),
    ("industr", "industry"),
    ("commercial", "commercial"),
    ("ev_charging", "commercial"),
)
"""The first mark that stands in the name counts."""


def price_class_of(named: str) -> str:
    """Return the price class; raises CannotPrice(`unknown_value`)."""
    for mark, name in CLASSES:
        if mark in named:
            return name
    raise CannotPrice("unknown_value", f"customer.class {named}: holds {', '.join(mark for mark, _ in CLASSES)}")
