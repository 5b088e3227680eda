"""A drawer of a hall that has something in its report."""

from __future__ import annotations

from datetime import datetime

from payments.operations import drawers
from tests.factories.world import World


def closed_drawer(world: World, at: datetime) -> int:
    """The first clerk closed a drawer five yuan short and opened the next; the closed shift's id."""
    shift_id = drawers.open_drawer(user_id=world.clerk_a_id, org_unit_id=world.hall_a_id, float_fen=10_000, at=at)
    drawers.count_drawer(shift_id=shift_id, user_id=world.clerk_a_id, pieces={5_000: 1, 500: 9}, at=at)
    drawers.close_drawer(shift_id=shift_id, user_id=world.clerk_a_id, explanation="找零多找了一张", at=at)
    drawers.open_drawer(user_id=world.clerk_a_id, org_unit_id=world.hall_a_id, float_fen=10_000, at=at)
    return shift_id
