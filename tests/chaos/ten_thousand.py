"""Ten thousand payments while web, worker, PostgreSQL and Valkey are killed over and over; part of `make chaos`."""

from __future__ import annotations

from tests.chaos.test_paying import open_till, pay_through_kills


class TestTenThousand:
    def test_payments_are_booked_once_each(self) -> None:
        with open_till("ten-thousand", bank_payments=7_000, orders=3_000) as till:
            pay_through_kills(till, kills=16, seed=7)
            print(f"{till.answers} answers to the bank, {len(till.wechat.wechat.notifier.sent)} notices")
