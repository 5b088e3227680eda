"""Tickets from taking to rating: the order, the counters, the law of the tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction

from cis.queries.places import Place
from config.shared.errors import NotFound
from config.shared.models import OrgUnit
from halls.models import Counter, CounterDuty, Hall, Rating, Ticket, TicketEvent
from halls.operations import (
    AlreadyServing,
    AlreadyWaiting,
    HallClosed,
    NobodyWaits,
    NotAtCounter,
    NotDoneHere,
    call_next,
    cancel_ticket,
    close_counter,
    close_counter_of,
    end_day,
    finish,
    miss,
    open_counter,
    pause_counter,
    rate,
    recall,
    return_missed,
    start_serving,
    transfer,
)
from halls.operations.calling import CounterNotOpen, TooSoon
from halls.operations.counters import CounterTaken, CustomerAtCounter
from halls.operations.night import EndedDay
from halls.operations.ratings import AlreadyRated, NotServedYet
from halls.operations.tickets import NotWaiting, TooLateToReturn, TooManyTickets
from halls.queries.desk import get_desk
from halls.queries.halls import get_hall_by_id
from halls.queries.nearest import hall_choices, kinds_with_wait
from halls.queries.overview import get_overview
from halls.queries.queue import live_queue, service_times
from halls.queries.screen import screen_of
from tests.factories.halls import at_counter, make_hall, take
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-02-03T09:00+08:00")


def after(**time: float) -> datetime:
    """So long after nine o'clock."""
    return AT + timedelta(**time)


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def hall(world: World) -> Hall:
    """Hall A with two counters; clerk A stands at the first."""
    made = make_hall(world.hall_a_id)
    at_counter(made, 1, world.clerk_a_id, at=AT)
    return made


def serve(clerk_id: int, at: datetime, *, takes_s: int = 120) -> str:
    """Call, serve and finish the next one; the number."""
    called = call_next(clerk_id=clerk_id, at=at)
    assert called is not None
    start_serving(clerk_id=clerk_id, at=at)
    finish(clerk_id=clerk_id, at=at + timedelta(seconds=takes_s))
    return called.number


class TestTaking:
    def test_numbers_follow_each_other_by_letter_and_day(self, hall: Hall) -> None:
        taken = [take(hall, at=AT).number, take(hall, at=AT, kind="change").number, take(hall, at=AT).number]
        tomorrow = take(hall, at=after(days=1)).number

        assert [*taken, tomorrow] == ["A001", "C001", "A002", "A001"]

    def test_the_same_form_twice_is_one_ticket(self, hall: Hall) -> None:
        first, again = (take(hall, at=AT, form_key="one") for _ in range(2))

        assert first == again
        assert Ticket.objects.count() == TicketEvent.objects.count() == 1

    def test_what_was_foretold_stands_beside_what_came(self, hall: Hall, world: World) -> None:
        take(hall, at=AT)
        second = take(hall, at=AT)
        serve(world.clerk_a_id, AT, takes_s=240)
        call_next(clerk_id=world.clerk_a_id, at=after(seconds=240))

        ticket = Ticket.objects.get(pk=second.ticket_id)
        assert (ticket.ahead, ticket.waited_s) == (1, 240)
        assert second.p50_s is not None and second.p90_s is not None
        assert 60 < second.p50_s < second.p90_s < 1200

    def test_without_an_open_counter_nothing_is_foretold(self, world: World) -> None:
        closed = make_hall(world.hall_b_id)

        taken = take(closed, at=AT)

        assert (taken.p50_s, taken.p90_s) == (None, None)

    def test_outside_the_hours_there_is_no_ticket(self, world: World) -> None:
        hall = make_hall(world.hall_b_id, weekdays=[1])

        with pytest.raises(HallClosed):
            take(hall, at=AT)

    def test_a_person_holds_one_live_ticket(self, hall: Hall, world: World) -> None:
        first = take(hall, at=AT, person_id=world.portal_user_id)

        with pytest.raises(AlreadyWaiting) as refused:
            take(hall, at=AT, person_id=world.portal_user_id)
        assert refused.value.facts["token"] == first.token

        cancel_ticket(token=first.token, at=AT)
        take(hall, at=AT, person_id=world.portal_user_id)

    def test_a_stuck_kiosk_is_stopped(self, hall: Hall, settings: Any) -> None:
        settings.HALLS_KIOSK_TICKETS_A_MINUTE = 3
        for _ in range(3):
            take(hall, at=AT, channel="kiosk")

        with pytest.raises(TooManyTickets):
            take(hall, at=AT, channel="kiosk")
        take(hall, at=after(seconds=61), channel="kiosk")


class TestWhatAHallDoes:
    """A number that no counter of the hall can call is never given out."""

    @pytest.fixture
    def small(self, world: World) -> Hall:
        """Hall B, which takes money only; clerk B stands at its first counter."""
        made = make_hall(world.hall_b_id, skills=("pay",))
        at_counter(made, 1, world.clerk_b_id, at=AT)
        return made

    def test_other_services_are_refused_with_the_nearest_hall_that_does_them(self, hall: Hall, small: Hall) -> None:
        with pytest.raises(NotDoneHere, match=r"最近能办的是.*桂花路1号") as refused:
            take(small, at=AT, kind="change")

        assert hall.org_unit.name in refused.value.message
        assert not Ticket.objects.exists()
        take(small, at=AT, kind="pay")

    def test_where_no_hall_does_it_one_is_told_to_ring(self, small: Hall) -> None:
        with pytest.raises(NotDoneHere, match="95598"):
            take(small, at=AT, kind="change")

    def test_nobody_is_sent_on_to_it(self, hall: Hall, small: Hall, world: World) -> None:
        ticket = take(small, at=AT)
        call_next(clerk_id=world.clerk_b_id, at=AT)
        start_serving(clerk_id=world.clerk_b_id, at=AT)

        with pytest.raises(NotDoneHere):
            transfer(clerk_id=world.clerk_b_id, kind="change", at=AT)
        assert Ticket.objects.get(pk=ticket.ticket_id).state == "serving"

    def test_pages_offer_what_it_does(self, hall: Hall, small: Hall, world: World) -> None:
        small_card, hall_card = get_hall_by_id(small.pk), get_hall_by_id(hall.pk)

        assert [one.kind for one in kinds_with_wait(small_card, at=AT)] == ["pay"]
        assert len(kinds_with_wait(hall_card, at=AT)) == 5
        assert [one.hall.hall_id for one in hall_choices("change", start=None, at=AT)] == [hall.pk]
        assert get_desk(world.clerk_b_id, at=AT).kinds == ("pay",)
        assert [row.kind for row in get_overview(small_card, at=AT).kinds] == ["pay"]


class TestWhereToGo:
    def test_waits_are_foretold_for_the_nearest_halls_alone(self, hall: Hall, world: World, settings: Any) -> None:
        far = make_hall(world.hall_b_id, longitude="112.990000")
        at_counter(far, 1, world.clerk_b_id, at=AT)
        settings.HALLS_FORETOLD = 1

        choices = hall_choices("pay", start=Place(longitude=112.861, latitude=30.62), at=AT)

        assert [(one.hall.hall_id, one.wait is not None) for one in choices] == [(hall.pk, True), (far.pk, False)]
        assert choices[1].way_min is not None and choices[1].total_min is None


class TestCalling:
    def test_the_green_lane_goes_first_and_everybody_else_in_turn(self, hall: Hall, world: World) -> None:
        for is_green in (False, False, True):
            take(hall, at=AT, is_green=is_green)

        assert [serve(world.clerk_a_id, after(minutes=n)) for n in range(3)] == ["A003", "A001", "A002"]

    def test_nobody_waits_past_the_bound_for_the_green_lane(self, hall: Hall, world: World) -> None:
        take(hall, at=AT)
        take(hall, at=after(seconds=settings.HALLS_WAIT_BOUND_S), is_green=True)

        assert serve(world.clerk_a_id, after(seconds=settings.HALLS_WAIT_BOUND_S)) == "A001"

    def test_a_counter_calls_what_it_can_serve(self, hall: Hall, world: World) -> None:
        Counter.objects.filter(hall=hall, number=1).update(skills=["pay"])
        take(hall, at=AT, kind="change")

        with pytest.raises(NobodyWaits):
            call_next(clerk_id=world.clerk_a_id, at=AT)

    def test_next_finishes_whom_one_serves_and_not_whom_one_awaits(self, hall: Hall, world: World) -> None:
        first, second = take(hall, at=AT), take(hall, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)

        with pytest.raises(AlreadyServing):
            call_next(clerk_id=world.clerk_a_id, at=AT)
        start_serving(clerk_id=world.clerk_a_id, at=AT)
        called = call_next(clerk_id=world.clerk_a_id, at=after(minutes=3))

        assert called is not None and called.ticket_id == second.ticket_id
        assert Ticket.objects.get(pk=first.ticket_id).state == "served"
        start_serving(clerk_id=world.clerk_a_id, at=after(minutes=3))
        assert call_next(clerk_id=world.clerk_a_id, at=after(minutes=5)) is None
        assert Ticket.objects.get(pk=second.ticket_id).state == "served"

    def test_who_does_not_come_is_called_three_times_and_may_come_back(self, hall: Hall, world: World) -> None:
        clerk = world.clerk_a_id
        missed = take(hall, at=AT)
        others = [take(hall, at=AT) for _ in range(3)]
        call_next(clerk_id=clerk, at=AT)
        with pytest.raises(TooSoon):
            recall(clerk_id=clerk, at=after(seconds=5))
        with pytest.raises(TooSoon):
            miss(clerk_id=clerk, at=after(seconds=60))
        recall(clerk_id=clerk, at=after(seconds=30))
        recall(clerk_id=clerk, at=after(seconds=60))
        miss(clerk_id=clerk, at=after(seconds=90))

        return_missed(token=missed.token, at=after(minutes=2))
        order = [serve(clerk, after(minutes=3 + n)) for n in range(4)]

        # The next place but one.
        assert order == [others[0].number, missed.number, others[1].number, others[2].number]

    def test_coming_back_has_its_limit(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        with pytest.raises(NotWaiting):
            return_missed(token=ticket.token, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)
        for seconds in (30, 60):
            recall(clerk_id=world.clerk_a_id, at=after(seconds=seconds))
        miss(clerk_id=world.clerk_a_id, at=after(seconds=90))

        with pytest.raises(TooLateToReturn):
            return_missed(token=ticket.token, at=after(seconds=90 + settings.HALLS_RETURN_WITHIN_S + 1))

    def test_a_transfer_keeps_what_was_waited(self, hall: Hall, world: World) -> None:
        moved = take(hall, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)
        start_serving(clerk_id=world.clerk_a_id, at=AT)
        take(hall, at=after(minutes=1), kind="change")

        transfer(clerk_id=world.clerk_a_id, kind="change", at=after(minutes=5))

        assert serve(world.clerk_a_id, after(minutes=6)) == moved.number
        assert Ticket.objects.get(pk=moved.ticket_id).kind == "change"

    def test_every_step_is_noted_with_who_when_and_where(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        serve(world.clerk_a_id, after(minutes=1))

        steps = TicketEvent.objects.filter(ticket_id=ticket.ticket_id).order_by("pk")
        assert [(step.kind, step.user_id) for step in steps] == [
            ("taken", None),
            ("called", world.clerk_a_id),
            ("started", world.clerk_a_id),
            ("finished", world.clerk_a_id),
        ]
        assert {step.counter_id for step in steps if step.kind != "taken"} == {
            Counter.objects.get(hall=hall, number=1).pk
        }


class TestCounters:
    def test_one_clerk_stands_at_one_counter(self, hall: Hall, world: World) -> None:
        second = Counter.objects.get(hall=hall, number=2)
        open_counter(counter_id=second.pk, clerk_id=world.clerk_a_id, within=None, at=after(hours=1))

        assert Counter.objects.get(hall=hall, number=1).state == "closed"
        assert CounterDuty.objects.filter(ended_at=None).get().counter_id == second.pk

        with pytest.raises(CounterTaken):
            open_counter(counter_id=second.pk, clerk_id=world.clerk_b_id, within=None, at=after(hours=1))

    def test_a_break_calls_nobody_and_opening_ends_it(self, hall: Hall, world: World) -> None:
        take(hall, at=AT)
        pause_counter(clerk_id=world.clerk_a_id, reason="核对票据", at=AT)

        with pytest.raises(CounterNotOpen):
            call_next(clerk_id=world.clerk_a_id, at=AT)
        at_counter(hall, 1, world.clerk_a_id, at=AT)
        assert serve(world.clerk_a_id, AT) == "A001"

    def test_nobody_leaves_a_customer_standing(self, hall: Hall, world: World) -> None:
        take(hall, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)

        for leave in (close_counter, lambda **who: pause_counter(reason="用餐", **who)):
            with pytest.raises(CustomerAtCounter):
                leave(clerk_id=world.clerk_a_id, at=AT)

    def test_one_who_answers_for_the_hall_closes_it_for_a_clerk_who_has_gone(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)
        counter = Counter.objects.get(hall=hall, number=1)
        own, other = ([OrgUnit.objects.get(pk=pk).path] for pk in (world.hall_a_id, world.hall_b_id))

        with pytest.raises(NotFound):
            close_counter_of(counter_id=counter.pk, within=other, by_id=world.manager_id, at=after(minutes=5))
        closed = close_counter_of(counter_id=counter.pk, within=own, by_id=world.manager_id, at=after(minutes=5))

        assert (closed.counter, closed.ticket) == (1, ticket.number)
        with pytest.raises(NotAtCounter):
            close_counter_of(counter_id=counter.pk, within=own, by_id=world.manager_id, at=after(minutes=5))
        colleague = make_user("clerk_c", OrgUnit.objects.get(pk=world.hall_a_id), "clerk", "钱进")
        at_counter(hall, 1, colleague.pk, at=after(minutes=6))
        assert serve(colleague.pk, after(minutes=6)) == ticket.number

    def test_who_has_left_calls_nobody(self, hall: Hall, world: World) -> None:
        close_counter(clerk_id=world.clerk_a_id, at=AT)

        with pytest.raises(NotAtCounter):
            call_next(clerk_id=world.clerk_a_id, at=AT)


@pytest.mark.acceptance("000-61")
class TestRating:
    def test_is_bound_to_the_ticket_and_to_the_clerk_who_served_it(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        with pytest.raises(NotServedYet):
            rate(token=ticket.token, score=5, reason="", comment="", at=AT)
        serve(world.clerk_a_id, AT)

        rate(token=ticket.token, score=2, reason="wait", comment="等得久", at=after(minutes=10))

        rating = Rating.objects.get(ticket_id=ticket.ticket_id)
        assert (rating.clerk_id, rating.score, rating.reason) == (world.clerk_a_id, 2, "wait")
        with pytest.raises(AlreadyRated):
            rate(token=ticket.token, score=5, reason="", comment="", at=after(minutes=11))

    def test_the_database_lets_none_land_on_another_clerk(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        serve(world.clerk_a_id, AT)
        wrong = Rating(ticket_id=ticket.ticket_id, clerk_id=world.clerk_b_id, hall=hall, score=5, rated_at=AT)

        with pytest.raises(IntegrityError, match="rating_of_ticket_and_clerk"), transaction.atomic():
            wrong.save()
            connection.check_constraints()

    def test_none_is_changed_afterwards(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT)
        serve(world.clerk_a_id, AT)
        rate(token=ticket.token, score=1, reason="", comment="", at=AT)

        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            Rating.objects.update(score=5)
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            TicketEvent.objects.all().delete()


class TestTheLaw:
    """Rules that hold whoever goes around the operations."""

    def test_a_clerk_serves_one_ticket_at_a_time(self, hall: Hall, world: World) -> None:
        one, other = take(hall, at=AT), take(hall, at=AT)
        counters = list(Counter.objects.filter(hall=hall))
        same = {"state": "serving", "clerk_id": world.clerk_a_id, "called_at": AT}
        Ticket.objects.filter(pk=one.ticket_id).update(counter=counters[0], **same)

        with pytest.raises(IntegrityError, match="one_ticket_a_clerk"), transaction.atomic():
            Ticket.objects.filter(pk=other.ticket_id).update(counter=counters[1], **same)
        with pytest.raises(IntegrityError, match="one_ticket_a_counter"), transaction.atomic():
            Ticket.objects.filter(pk=other.ticket_id).update(
                counter=counters[0], **{**same, "clerk_id": world.clerk_b_id}
            )

    def test_a_number_is_given_out_once_a_day(self, hall: Hall) -> None:
        ticket = Ticket.objects.get(pk=take(hall, at=AT).ticket_id)
        ticket.pk, ticket.token, ticket.form_key = None, "another", "another"

        with pytest.raises(IntegrityError, match="ticket_number_once_a_day"), transaction.atomic():
            ticket.save(force_insert=True)

    def test_a_called_ticket_has_a_counter_and_a_clerk(self, hall: Hall) -> None:
        ticket = take(hall, at=AT)

        with pytest.raises(IntegrityError, match="who_is_called_has_a_counter"), transaction.atomic():
            Ticket.objects.filter(pk=ticket.ticket_id).update(state="called")


class TestTheEndOfTheDay:
    def test_who_was_never_called_expires_and_may_take_a_ticket_again(self, hall: Hall, world: World) -> None:
        ticket = take(hall, at=AT, person_id=world.portal_user_id)
        today, tomorrow = AT.date(), after(days=1)

        assert end_day(today=today, at=AT) == EndedDay(0, 0, 0)
        assert end_day(today=tomorrow.date(), at=tomorrow) == EndedDay(expired=1, finished=0, counters=1)
        assert end_day(today=tomorrow.date(), at=tomorrow) == EndedDay(0, 0, 0)

        assert Ticket.objects.get(pk=ticket.ticket_id).state == "expired"
        take(hall, at=tomorrow, person_id=world.portal_user_id)

    def test_a_service_nobody_finished_is_over_and_teaches_nothing(
        self, hall: Hall, world: World, settings: Any
    ) -> None:
        settings.HALLS_SERVICE_LEARNED_FROM, settings.HALLS_SERVICE_KEPT_S = 2, 0
        for minutes in (10, 20):
            take(hall, at=after(minutes=minutes))
            serve(world.clerk_a_id, after(minutes=minutes), takes_s=120)
        left = take(hall, at=after(hours=8), person_id=world.portal_user_id)
        call_next(clerk_id=world.clerk_a_id, at=after(hours=8))
        start_serving(clerk_id=world.clerk_a_id, at=after(hours=8))
        tomorrow = after(days=1)

        assert end_day(today=tomorrow.date(), at=tomorrow) == EndedDay(expired=0, finished=1, counters=1)

        assert Ticket.objects.get(pk=left.ticket_id).state == "served"
        assert service_times(hall.pk, at=tomorrow)["pay"].mean_s == 120
        rate(token=left.token, score=4, reason="", comment="", at=tomorrow)
        take(hall, at=tomorrow, person_id=world.portal_user_id)

    def test_what_was_forgotten_for_hours_teaches_nothing_either(self, hall: Hall, world: World, settings: Any) -> None:
        settings.HALLS_SERVICE_LEARNED_FROM, settings.HALLS_SERVICE_KEPT_S = 2, 0
        longest_s = settings.HALLS_SERVICE_LONGEST_S
        for minutes, takes_s in ((0, 100), (10, 140), (20, longest_s + 1)):
            take(hall, at=after(minutes=minutes))
            serve(world.clerk_a_id, after(minutes=minutes), takes_s=takes_s)

        assert service_times(hall.pk, at=after(hours=5))["pay"].mean_s == 120

    def test_how_long_services_take_is_measured_once_in_some_minutes(
        self, hall: Hall, django_assert_num_queries: Any
    ) -> None:
        first = service_times(hall.pk, at=after(days=700))

        with django_assert_num_queries(0):
            assert service_times(hall.pk, at=after(days=700)) == first

    def test_counters_are_closed_and_may_be_opened_by_a_colleague(self, hall: Hall, world: World) -> None:
        tomorrow = after(days=1)
        end_day(today=tomorrow.date(), at=tomorrow)

        assert Counter.objects.get(hall=hall, number=1).state == "closed"
        assert live_queue(hall.pk, discipline="fair", at=tomorrow).counters == ()
        colleague = make_user("clerk_c", OrgUnit.objects.get(pk=world.hall_a_id), "clerk", "钱进")
        at_counter(hall, 1, colleague.pk, at=tomorrow)

    def test_who_serves_past_midnight_is_left_alone(self, hall: Hall, world: World) -> None:
        tomorrow = after(hours=15, minutes=5)
        take(hall, at=tomorrow)
        call_next(clerk_id=world.clerk_a_id, at=tomorrow)

        assert end_day(today=tomorrow.date(), at=tomorrow) == EndedDay(0, 0, 0)
        assert Counter.objects.get(hall=hall, number=1).state == "open"


class TestTheScreen:
    def test_shows_numbers_and_counters_newest_first_and_no_name(self, hall: Hall, world: World) -> None:
        clerk_c = make_user("clerk_c", OrgUnit.objects.get(pk=world.hall_a_id), "clerk", "钱进")
        at_counter(hall, 2, clerk_c.pk, at=AT)
        for _ in range(3):
            take(hall, at=AT, account_id=world.residential.account_id)
        call_next(clerk_id=world.clerk_a_id, at=AT)
        call_next(clerk_id=clerk_c.pk, at=after(seconds=1))

        screen = screen_of("T42990101", at=after(seconds=2))

        assert screen is not None
        assert [(call.number, call.counter) for call in screen.calls] == [("A002", 2), ("A001", 1)]
        assert (screen.waiting, screen.open_counters) == (1, (1, 2))
        for name in ("张三", "陈静", "钱进", "4290000001"):
            assert name not in repr(screen)

    def test_a_call_again_is_spoken_again(self, hall: Hall, world: World) -> None:
        take(hall, at=AT)
        call_next(clerk_id=world.clerk_a_id, at=AT)
        first = screen_of("T42990101", at=AT)
        recall(clerk_id=world.clerk_a_id, at=after(seconds=30))
        again = screen_of("T42990101", at=after(seconds=30))

        assert first is not None and again is not None
        assert again.calls[0].call_id > first.calls[0].call_id
