"""Pure: whoever came first is called first, whatever their class."""

from __future__ import annotations

from collections.abc import Sequence

from halls.queueing.tickets import Rules, Waiting


def order(waiting: Sequence[Waiting], _rules: Rules) -> list[Waiting]:
    """Longest waiting first."""
    return sorted(waiting, key=lambda one: (-one.waited_s, one.ticket_id))
