"""A change of capacity: one contract row ends, the next begins, everybody above hears of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from cis.models import CapacityChange, SupplyContract
from cis.operations import contracts
from cis.queries.customers import get_head, list_contracts, list_happened
from config.shared.errors import BadInput, Refused
from config.shared.models import OutboxEvent, User
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

FROM = date(2026, 2, 10)
AT = datetime.fromisoformat("2026-02-10T09:00+08:00")


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def change(world: World, **given: Any) -> int:
    """The commercial account gets 80 kVA."""
    asked = {
        "account_id": world.commercial.account_id,
        "capacity_kva": 80,
        "from_on": FROM,
        "reason": "增容 2026-017",
        "changed_by_id": world.accountant_id,
        "at": AT,
    }
    return contracts.change_capacity(**{**asked, **given})


class TestChangeCapacity:
    """Rows follow each other; the act stays on record."""

    def test_the_old_row_ends_where_the_new_one_begins_and_all_else_stays(self, world: World) -> None:
        before = SupplyContract.objects.get(pk=world.commercial.contract_id)

        new = SupplyContract.objects.get(pk=change(world))

        old = SupplyContract.objects.get(pk=before.pk)
        assert (old.valid.lower, old.valid.upper) == (before.valid.lower, FROM)
        assert (new.valid.lower, new.valid.upper, new.capacity_kva) == (FROM, before.valid.upper, 80)
        assert (new.tariff_id, new.price_class, new.voltage) == (old.tariff_id, old.price_class, old.voltage)
        known = list_contracts(world.commercial.account_id, today=FROM)
        assert [row.capacity_kva for row in known if row.is_current] == [80]

    def test_those_above_are_told(self, world: World) -> None:
        change(world)

        told = OutboxEvent.objects.get(name="cis.capacity-changed")
        assert told.key == f"account_id:{world.commercial.account_id}"
        assert (told.payload["capacity_kva"], told.payload["from_on"]) == (80, "2026-02-10")

    def test_who_did_it_and_why_stands_with_the_customer(self, world: World) -> None:
        change(world)

        happened = list_happened(get_head(world.commercial.account_no))
        assert any("增容 2026-017" in row.detail and "80 kVA" in row.detail for row in happened)

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"capacity_kva": 0}, BadInput.code),
            ({"capacity_kva": contracts.MOST_KVA + 1}, BadInput.code),
            ({"reason": "  "}, BadInput.code),
            ({"from_on": date(2000, 1, 1)}, "capacity-refused"),
            ({"account_id": 0}, "not-found"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_changes(
        self, world: World, given: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            change(world, **given)

        assert refused.value.code == code
        assert (
            not CapacityChange.objects.exists() and not OutboxEvent.objects.filter(name="cis.capacity-changed").exists()
        )

    def test_the_same_capacity_again_is_refused(self, world: World) -> None:
        change(world)

        with pytest.raises(contracts.CapacityRefused):
            change(world, from_on=date(2026, 3, 1))

    def test_the_record_of_the_act_cannot_be_rewritten(self, world: World) -> None:
        change(world)

        with pytest.raises(DatabaseError), transaction.atomic():
            CapacityChange.objects.update(reason="anders")


class TestPage:
    """The form asks, changes, and keeps what was typed where it refuses."""

    def test_it_changes_and_a_refusal_keeps_the_text(self, world: World, client: Client) -> None:
        client.force_login(User.objects.get(pk=world.accountant_id), "django.contrib.auth.backends.ModelBackend")
        address = f"/console/accounts/{world.commercial.account_no}/capacity/"
        typed = {"capacity_kva": "80", "from_on": "2026-02-10", "reason": "增容 2026-017"}

        done = client.post(address, typed)
        again = client.post(address, {**typed, "from_on": "2026-03-01", "reason": "再来一次"})

        assert done.status_code == 302
        assert again.status_code == 409 and "再来一次" in again.content.decode()
