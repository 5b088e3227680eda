"""Whoever changes a queue rings for its screens, once the change is safe."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from config.shared.live import ring
from halls.queries.screen import SCREEN, code_of


def ring_screens(hall_id: int) -> None:
    """After the commit of the caller's transaction: tell the hall's screens to look."""
    transaction.on_commit(partial(ring, SCREEN, code_of(hall_id)))
