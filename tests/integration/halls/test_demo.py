"""The demonstration's halls and the indicators over them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cis.models import Premise
from config.shared.indicators import Asked, all_indicators, part_of
from config.shared.models import OrgUnit, User
from halls.models import Hall, PayPoint, Ticket
from halls.operations.demo import load
from halls.queries.circle import get_circle
from halls.queries.halls import list_halls
from halls.queries.overview import get_overview
from tests.factories.halls import make_hall, take
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-02-03T10:40+08:00")


@pytest.fixture
def world() -> World:
    """The tiny utility, its premises some kilometres apart, its clerks called as in the demonstration."""
    made = small_world()
    for number, account in enumerate(made.accounts):
        Premise.objects.filter(pk=account.premise_id).update(
            longitude=f"112.{860 + 30 * number}000", latitude=f"30.{620 + 20 * number}000"
        )
    User.objects.filter(pk=made.clerk_a_id).update(username="clerk1")
    return made


class TestTheDemonstration:
    def test_has_history_a_live_queue_and_pay_points_and_may_be_loaded_again(self, world: World) -> None:
        load(today=AT.date(), at=AT)
        before = Ticket.objects.count()
        load(today=AT.date(), at=AT)

        assert Ticket.objects.count() == before
        hall = Hall.objects.get(pk=world.hall_a_id)
        past, today = (
            Ticket.objects.filter(hall=hall, day__lt=AT.date()),
            Ticket.objects.filter(hall=hall, day=AT.date()),
        )
        assert past.count() > 800 and set(past.values_list("state", flat=True)) == {"served"}
        assert today.filter(taken_at__gt=AT).count() == 0 and today.filter(state="served").exists()
        view = get_overview(next(card for card in list_halls() if card.hall_id == hall.pk), at=AT)
        assert view.open_counters >= 2 and view.foreseen is not None
        assert 0.75 < view.foreseen.within_p90_e4 / 10_000 <= 1
        assert PayPoint.objects.filter(kind="hall").exists()
        circle = get_circle(within=[OrgUnit.objects.get(pk=world.province_id).path])
        assert 0 < circle.within <= circle.customers

    def test_is_played_anew_the_next_day_though_nothing_ran_at_night(self, world: World) -> None:
        load(today=AT.date(), at=AT)
        tomorrow = AT + timedelta(days=1)

        load(today=tomorrow.date(), at=tomorrow)

        assert Ticket.objects.filter(day=tomorrow.date()).exists()
        assert not Ticket.objects.filter(day=AT.date(), state__in=("waiting", "called", "serving")).exists()


class TestIndicators:
    def test_waits_and_scores_are_those_of_the_tickets(self, world: World) -> None:
        hall = make_hall(world.hall_a_id)
        for waited_s in (60, 120, 1500, 240):
            ticket_id = take(hall, at=AT).ticket_id
            Ticket.objects.filter(pk=ticket_id).update(waited_s=waited_s, predicted_p50_s=100, predicted_p90_s=200)
        Ticket.objects.filter(pk=take(hall, at=AT - timedelta(days=40)).ticket_id).update(waited_s=9999)
        parts = tuple(
            part_of(OrgUnit.objects.get(pk=pk)) for pk in (world.province_id, world.hall_a_id, world.hall_b_id)
        )

        def figures(code: str) -> list[int | None]:
            found = all_indicators()[code].figures(Asked(parts, (202602, 202502), AT.date()))
            return [found.get((part.org_unit_id, 202602)) for part in parts]

        assert figures("halls.mean-wait") == [480, 480, None]
        assert figures("halls.over-bound") == [2500, 2500, None]
        assert figures("halls.p90-wait") == [1122, 1122, None]
        assert figures("halls.prediction-error") == [(40 + 20 + 1400 + 140) // 4] * 2 + [None]
        assert figures("halls.satisfaction") == [None, None, None]
