"""What a balance costs does not depend on how much was ever booked: rows and pages visited are counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.big_balance import balances_stay_cheap

pytestmark = pytest.mark.django_db(transaction=True)


class TestBigAccount:
    @pytest.mark.acceptance("F53")
    def test_balances_now_and_as_of_any_day_visit_a_handful_of_rows(self, owner_connection: Any) -> None:
        """The short form; `make chaos` does the same with a million transfers."""
        balances_stay_cheap(owner_connection, legs=50_000)
