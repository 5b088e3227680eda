"""The counter's drawer: opened, counted blind, closed with every difference explained, each cash act counted once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import Error, connection, transaction
from django.test import Client
from django.urls import reverse

from cis.operations import ledger
from config.shared import approvals
from config.shared.errors import NotAllowed, Refused
from config.shared.models import User
from payments import operations
from payments.models import DrawerEntry, DrawerShift, Payment
from payments.operations import drawers, taking
from tests.factories.world import World, small_world
from tests.integration.payments.test_held_money import on
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)
FLOAT = 20_000


@pytest.fixture
def world() -> World:
    """Nobody has opened a drawer yet."""
    return small_world()


def opened(world: World) -> int:
    return drawers.open_drawer(user_id=world.clerk_a_id, org_unit_id=world.hall_a_id, float_fen=FLOAT, at=world.at)


def pay(world: World, key: str, fen: int = 10_000, method: str = "cash") -> taking.TakenPayment:
    return taking.take_payment(
        account_id=world.residential.account_id, amount_fen=fen, method=method, org_unit_id=world.hall_a_id,
        received_by_id=world.clerk_a_id, form_key=f"{key:0>32}", at=world.at,
    )  # fmt: skip


def count(world: World, shift_id: int, hundreds: int) -> int:
    return drawers.count_drawer(
        shift_id=shift_id, user_id=world.clerk_a_id, pieces={10_000: hundreds}, at=world.at + timedelta(hours=1)
    )


def close(world: World, shift_id: int, why: str) -> int | None:
    return drawers.close_drawer(
        shift_id=shift_id, user_id=world.clerk_a_id, explanation=why, at=world.at + timedelta(hours=1)
    )


class TestClosing:
    @pytest.mark.acceptance("F39")
    def test_a_drawer_with_a_difference_does_not_close_unexplained_not_even_in_the_database(self, world: World) -> None:
        shift_id = opened(world)
        pay(world, "1")

        assert count(world, shift_id, 2) == -10_000
        for nothing in ("", "  \n"):
            with pytest.raises(drawers.NotExplained):
                close(world, shift_id, nothing)
        for change in (
            "closed_at = now()",
            "closed_at = now(), explanation = '  '",
            "counted_fen = expected_fen, difference_fen = 0, closed_at = now()",
            "expected_fen = counted_fen, difference_fen = 0, closed_at = now()",
            "float_fen = float_fen - 10000",
        ):
            with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"UPDATE payments_drawer_shift SET {change}")
        with pytest.raises(Error), transaction.atomic():
            DrawerShift.objects.all().delete()
        assert DrawerShift.objects.get().closed_at is None

    @pytest.mark.acceptance("F39")
    def test_a_large_difference_waits_for_a_second_person_and_goes_to_its_account(self, world: World) -> None:
        shift_id = opened(world)
        pay(world, "1")
        count(world, shift_id, 2)

        asked = close(world, shift_id, "可能多找了一百元")
        assert asked is not None
        assert DrawerShift.objects.get().closed_at is None
        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=asked, decided_by_id=world.clerk_a_id, at=world.at + timedelta(hours=2))
        approvals.approve(approval_id=asked, decided_by_id=world.manager_id, at=world.at + timedelta(hours=2))

        shift = DrawerShift.objects.get()
        assert (shift.difference_fen, shift.confirmed_by_id) == (-10_000, world.manager_id)
        assert (on("CASH"), on("CASH_SHORT")) == (0, -10_000)
        assert ledger.verify().faults == ()

    def test_a_small_surplus_is_closed_alone_with_its_reason(self, world: World) -> None:
        shift_id = opened(world)
        pay(world, "1", fen=9_950)

        assert count(world, shift_id, 3) == 50
        assert close(world, shift_id, "客户不要找零") is None
        assert (on("CASH"), on("CASH_OVER")) == (-10_000, 50)

    def test_what_agrees_is_closed_by_its_count(self, world: World) -> None:
        shift_id = opened(world)

        assert count(world, shift_id, 2) == 0

        assert DrawerShift.objects.get().closed_at is not None
        with pytest.raises(drawers.DrawerCounted):
            close(world, shift_id, "再来")

    def test_two_counts_at_once_leave_one(self, world: World) -> None:
        shift_id = opened(world)

        results = together([partial(count, world, shift_id, number) for number in (1, 2, 3, 4)])

        assert len([one for one in results if isinstance(one, int)]) == 1
        assert all(isinstance(one, (int, drawers.DrawerCounted)) for one in results), results

    def test_two_closings_at_once_put_the_difference_aside_once(self, world: World) -> None:
        shift_id = opened(world)
        pay(world, "1", fen=9_950)
        count(world, shift_id, 3)

        results = together([partial(close, world, shift_id, "客户不要找零")] * 4)

        assert results.count(None) == 1
        assert on("CASH_OVER") == 50


class TestEntries:
    @pytest.mark.acceptance("F39")
    def test_every_cash_act_is_in_the_drawer_once_and_they_add_up_to_the_ledger(self, world: World) -> None:
        shift_id = opened(world)
        kept, back = pay(world, "1"), pay(world, "2", fen=5_000)
        assert pay(world, "1").is_repeat
        pay(world, "3", method="card")
        operations.reverse_payment(
            payment_id=back.payment_id, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
        )
        asked = operations.ask_refund(
            account_id=world.residential.account_id, amount_fen=2_000, payment_id=None, reason="客户要求",
            org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=world.at,
        )  # fmt: skip
        approvals.approve(approval_id=asked, decided_by_id=world.manager_id, at=world.at)

        rows = list(DrawerEntry.objects.order_by("pk").values_list("kind", "amount_fen"))
        assert rows == [("payment", 10_000), ("payment", 5_000), ("reversal", -5_000), ("refund", -2_000)]
        assert DrawerEntry.objects.order_by("pk")[0].document_id == kept.payment_id
        assert sum(fen for _kind, fen in rows) == -on("CASH")
        count(world, shift_id, 2)
        assert DrawerShift.objects.get().expected_fen == FLOAT + 8_000

    def test_payments_while_the_drawer_is_counted_are_in_the_count_or_refused(self, world: World) -> None:
        shift_id = opened(world)

        results = together(
            [partial(pay, world, f"{number}") for number in range(1, 6)] + [partial(count, world, shift_id, 2)]
        )

        taken = Payment.objects.count()
        assert all(not isinstance(one, Exception) or isinstance(one, drawers.DrawerNotOpen) for one in results), results
        assert DrawerShift.objects.get().expected_fen == FLOAT + 10_000 * taken
        assert -on("CASH") == 10_000 * taken

    def test_a_hall_without_drawers_goes_on_and_one_with_drawers_refuses(self, world: World) -> None:
        pay(world, "1")
        assert not DrawerEntry.objects.exists()
        count(world, opened(world), 2)

        with pytest.raises(drawers.DrawerNotOpen):
            pay(world, "2")
        assert pay(world, "3", method="card").payment_id

    def test_a_clerk_has_one_open_drawer(self, world: World) -> None:
        results = together([partial(opened, world)] * 4)

        assert len([one for one in results if isinstance(one, int)]) == 1
        assert all(isinstance(one, (int, Refused)) for one in results)


class TestPages:
    @pytest.mark.acceptance("F39")
    def test_a_shift_by_its_pages_blind_until_the_count(self, world: World, client: Client) -> None:
        client.force_login(User.objects.get(pk=world.clerk_a_id))
        here = reverse("payments:drawer")
        client.post(here, {"act": "open", "amount": "200"})
        taking.take_payment(
            account_id=world.residential.account_id, amount_fen=12_345, method="cash", org_unit_id=world.hall_a_id,
            received_by_id=world.clerk_a_id, form_key=f"{7:032}", at=DrawerShift.objects.get().opened_at,
        )  # fmt: skip

        page = client.get(here).content.decode()
        assert "123.45" not in page
        assert "323.45" not in page
        client.post(here, {"act": "count", "n10000": "3", "n1000": "2"})
        assert "323.45" in client.get(here).content.decode()
        assert client.post(here, {"act": "explain", "explanation": " "}).status_code == 422
        done = client.post(here, {"act": "explain", "explanation": "少收三元四角五分"}, follow=True)
        assert "少收三元四角五分" in done.content.decode()
        assert str(Payment.objects.get()) in done.content.decode()

    def test_a_clerk_without_a_drawer_is_led_to_it(self, world: World, client: Client) -> None:
        count(world, opened(world), 2)
        client.force_login(User.objects.get(pk=world.clerk_a_id))

        form = {"form_key": f"{8:032}", "amount": "10", "method": "cash"}
        answer = client.post(reverse("payments:desk_account", args=[world.residential.account_no]), form)

        assert answer.status_code == 422
        assert f'href="{reverse("payments:drawer")}">去开钱箱' in answer.content.decode()
