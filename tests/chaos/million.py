"""The long forms of two proofs; collected only when they are named, as `make chaos` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.big_balance import balances_stay_cheap
from tests.chaos.same_file_twice import twice_is_once


@pytest.mark.django_db(transaction=True)
class TestMillion:
    def test_an_account_with_a_million_transfers_answers_as_quickly_as_one_with_few(
        self, owner_connection: Any
    ) -> None:
        """The same bounds on rows and pages as with fifty thousand."""
        balances_stay_cheap(owner_connection, legs=1_000_000)


@pytest.mark.django_db(transaction=True)
class TestMillionReadings:
    def test_a_file_of_a_million_readings_sent_twice_adds_no_row(self, tmp_path: Path) -> None:
        """Ten thousand meters, a hundred days."""
        twice_is_once(tmp_path, meters=10_000, days=100)
