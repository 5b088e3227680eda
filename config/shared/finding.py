"""
What the search box finds, whatever app owns it: `navigation.FINDERS` names who looks, this asks those the user may ask.

A finder is a function `(text, *, today) -> list[Found]` of an app; it runs a fixed, small number of statements, and
none where the text cannot be what it looks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from config import navigation
from config.shared.models import User
from config.shared.permissions import may
from config.shared.systems import load_installed

Finder = Callable[..., "list[Found]"]


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that fits: what it is, what it says of itself (masked like everywhere), where it leads."""

    kind: str
    text: str
    url: str
    note: str = ""


def find(text: str, *, user: User, today: date, without: tuple[str, ...] = ()) -> list[Found]:
    """Everything that fits what was typed and that this user may see; `without` leaves out finders by their names."""
    wanted = text.strip()
    found: list[Found] = []
    for name, permission in navigation.FINDERS:
        if wanted and name not in without and may(user, permission):
            finders: list[Finder] = load_installed([name])
            found += [row for finder in finders for row in finder(wanted, today=today)]
    return found
