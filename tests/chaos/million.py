"""The long form of the balance proof; collected only when it is named, as `make chaos` does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.big_balance import balances_stay_cheap


@pytest.mark.django_db(transaction=True)
class TestMillion:
    def test_an_account_with_a_million_transfers_answers_as_quickly_as_one_with_few(
        self, owner_connection: Any
    ) -> None:
        """The same bounds on rows and pages as with fifty thousand."""
        balances_stay_cheap(owner_connection, legs=1_000_000)
