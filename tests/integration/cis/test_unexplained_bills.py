"""A bill whose kept determinants do not bear it is shown, and says that it cannot be computed again."""

from __future__ import annotations

import pytest

from cis.queries.billing import get_bill
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import small_world

pytestmark = pytest.mark.django_db


def test_a_bill_by_periods_without_their_registers_is_shown() -> None:
    world = small_world()
    number = issue(world, 3_000, account=world.commercial, cycle=202001, due_on=NOT_YET_DUE)

    page = get_bill(number)

    assert not page.recomputes
    assert page.bill.total_fen == 3_000
