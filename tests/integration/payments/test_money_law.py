"""Money records cannot be changed, by whatever code and whoever's connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error, connection, transaction

from payments.models import Payment
from tests.factories.world import small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("payments_payment", "payments_allocation", "payments_reversal", "payments_refund")
CHANGES = ("UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE")
COLUMN = {
    "payments_payment": "amount_fen",
    "payments_allocation": "amount_fen",
    "payments_reversal": "reason",
    "payments_refund": "amount_fen",
}


class TestMoneyRecords:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    def test_refuse_every_change_by_the_application(self, table: str, change: str) -> None:
        with pytest.raises(Error) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change.format(table, COLUMN[table]))

        assert refused.value.__cause__.pgcode == "42501"  # type: ignore[union-attr]

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    def test_refuse_every_change_by_the_owner(self, owner_connection: Any, table: str, change: str) -> None:
        with pytest.raises(Exception, match="money records are corrected by new records"):
            owner_connection.cursor().execute(change.format(table, COLUMN[table]))

    def test_hold_no_payment_of_nothing(self) -> None:
        world = small_world()

        def book(**changed: Any) -> Callable[[], None]:
            values = {
                "channel": "counter",
                "serial": "around-the-operation",
                "account_id": world.residential.account_id,
                "amount_fen": 1,
                "prepaid_fen": 0,
                "method": "cash",
                "received_at": world.at,
                "business_date": world.at.date(),
            }
            return lambda: Payment(**{**values, **changed}).save(force_insert=True)

        for wrong in ({"amount_fen": 0}, {"amount_fen": -1}, {"amount_fen": 10**11 + 1}, {"prepaid_fen": 2}):
            with pytest.raises(Error), transaction.atomic():
                book(**wrong)()

    def test_hold_a_serial_once_for_ever(self) -> None:
        world = small_world()
        pay(world, fen=100, key="the-one-key")

        with pytest.raises(Error, match="paid_once"), transaction.atomic():
            Payment(
                channel="counter",
                serial="the-one-key",
                account_id=world.commercial.account_id,
                amount_fen=1,
                prepaid_fen=0,
                method="cash",
                received_at=world.at,
                business_date=world.at.date(),
            ).save(force_insert=True)
