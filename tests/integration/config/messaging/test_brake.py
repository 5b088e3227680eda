"""The brake on mass notices: held where outliers jump or too much fails, nothing lost, nothing twice, two persons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, transaction

from config.shared import approvals, handlers, messaging, notice_stops
from config.shared.errors import NotAllowed, Refused
from config.shared.messaging import brake, delivery, inbox, templates
from config.shared.models import Message, NoticeCount, NoticeLimit, NoticeStop, User
from tests.factories.messages import send_all
from tests.factories.world import World, make_user, small_world
from tests.integration.config.messaging.conftest import NOTICE, QUIET

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def world(own_templates: None) -> World:
    made = small_world()
    NoticeLimit.objects.update_or_create(
        template="",
        defaults={
            "most_an_hour": 10_000, "least_messages": 20, "outlier_permille": 50, "jump_e2": 300,
            "failed_permille": 300, "source": "test",
        },
    )  # fmt: skip
    return made


def batch(
    first: int, count: int, *, outliers: int = 0, at: datetime = NOON, channel: str = "sms", code: str = NOTICE.code,
    user_id: int | None = None,
) -> int:  # fmt: skip
    with transaction.atomic():
        return messaging.send_many(
            template=code,
            channel=channel,
            messages=[
                messaging.BulkMessage(
                    to=messaging.Recipient(phone=f"120{number:08d}", user_id=user_id),
                    parameters={"what": "账单"},
                    dedupe_key=f"batch:{number}:{channel}",
                    is_outlier=number - first < outliers,
                )
                for number in range(first, first + count)
            ],
            at=at,
        )


def going() -> int:
    return Message.objects.filter(due_at__isnull=False, state="waiting").count()


def decide(world: World, act: str, at: datetime = NOON + MINUTE) -> dict[str, Any]:
    stop = NoticeStop.objects.get(state="open")
    asked = notice_stops.ask(stop_id=stop.pk, act=act, reason="抽查了 10 户", asked_by_id=world.accountant_id, at=at)
    with pytest.raises(NotAllowed):
        approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=at)
    leader = make_user("head", User.objects.get(pk=world.accountant_id).grants.get().org_unit, "leader").pk
    return dict(approvals.approve(approval_id=asked, decided_by_id=leader, at=at))


class TestTheRateOfOutliers:
    def test_a_jump_holds_the_batch_and_all_that_follow_until_two_persons_release_it(
        self, world: World, outside: Any
    ) -> None:
        batch(0, 100, outliers=1, at=NOON - timedelta(days=3))
        assert batch(100, 100, outliers=2) == 100 and going() == 200
        Message.objects.filter(pk__in=Message.objects.order_by("pk").values("pk")[:150]).delete()

        assert batch(200, 100, outliers=20) == 100, "written, and held"
        assert batch(300, 10) == 10, "what is asked for afterwards is held too"
        assert going() == 0 and Message.objects.filter(stop__state="open").count() == 160, "and what waited already"
        stop = NoticeStop.objects.get()
        assert (stop.why, stop.figures) == (
            "outliers",
            {"messages": 100, "outliers": 20, "permille": 200, "usual_permille": 10, "limit_permille": 50},
        )
        assert send_all(now=NOON) == 0

        assert batch(200, 100, outliers=20) == 0, "asked for again, they are the same"
        assert decide(world, "release") == {"released": 160, "expired": 0}
        outside.sms.behaviour.report = "none"
        outside.sms.clock = (NOON + MINUTE).timestamp
        send_all(now=NOON + MINUTE, most=500)
        assert len(outside.shelf.all()) == 160 == len({one.to for one in outside.shelf.all()})
        with pytest.raises(notice_stops.StopIsOver):
            notice_stops.ask(
                stop_id=stop.pk, act="cancel", reason="x", asked_by_id=world.accountant_id, at=NOON + MINUTE
            )
        assert batch(400, 100, outliers=2, at=NOON + 2 * MINUTE) == 100
        assert going() == 100, "what was decided on is not held against what follows"

    def test_cancelled_nothing_goes_and_each_stays_on_record(self, world: World) -> None:
        batch(0, 100, outliers=20)

        assert decide(world, "cancel") == {"cancelled": 100}
        assert set(Message.objects.filter(template=NOTICE.code).values_list("state", "failure")) == {
            ("given-up", "stopped")
        }
        assert send_all(now=NOON + timedelta(days=1)) == 0
        one = Message.objects.filter(template=NOTICE.code).earliest("pk")
        delivery.retry(message_id=one.pk, at=NOON + 2 * MINUTE)
        assert going() == 1, "a single one may still be sent by hand"

    def test_what_is_out_of_date_by_then_is_not_sent(self, world: World) -> None:
        batch(0, 100, outliers=20)

        assert decide(world, "release", NOON + timedelta(days=4)) == {"released": 0, "expired": 100}

    def test_held_messages_are_in_no_inbox(self, world: World) -> None:
        user_id = world.portal_user_id
        batch(0, 30, outliers=10, channel="in_app", user_id=user_id)
        assert inbox.unread_count(user_id=user_id, at=NOON) == 0

        decide(world, "release")

        assert inbox.unread_count(user_id=user_id, at=NOON + MINUTE) == 30

    @pytest.mark.parametrize(
        ("count", "outliers", "why"),
        [(19, 19, "too few to judge"), (100, 4, "below the limit"), (1000, 49, "below the limit")],
    )
    def test_goes_where_it_is_as_usual(self, count: int, outliers: int, why: str) -> None:
        batch(0, count, outliers=outliers)

        assert going() == count, why

    def test_many_small_batches_are_judged_together(self) -> None:
        for number in range(3):
            batch(number * 10, 10, outliers=5, at=NOON + number * MINUTE)

        assert NoticeStop.objects.get().figures["messages"] == 20

    def test_where_many_are_usual_only_a_jump_is_held(self) -> None:
        for day in (3, 2):
            NoticeCount.objects.create(
                template=NOTICE.code, channel="sms", at=NOON - timedelta(days=day), messages=1000, outliers=100
            )

        batch(0, 100, outliers=29)
        assert going() == 100
        batch(100, 100, outliers=40)
        assert going() == 0

    def test_outage_notices_are_counted_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for code in ("outage-announced", "outage-restored", "emergency-alarm", "shed-order"):
            assert templates.get(code).never_held
        monkeypatch.setitem(templates.TEMPLATES, QUIET.code, templates.Template(**{
            name: getattr(QUIET, name) for name in QUIET.__dataclass_fields__ if name != "never_held"
        }, never_held=True))  # fmt: skip

        batch(0, 100, outliers=100, code=QUIET.code)

        assert going() == 100 and NoticeCount.objects.get().outliers == 100

    def test_whoever_watches_is_told_with_the_figures_once(self, world: World) -> None:
        batch(0, 100, outliers=20)
        event = brake.NoticesStopped(stop_id=NoticeStop.objects.get().pk)

        for _time in range(2):
            handlers.tell_of_stopped_notices(event)

        told = Message.objects.filter(template="notices-held")
        assert set(told.values_list("user_id", flat=True)) == {world.accountant_id, world.administrator_id}
        assert "20.0%" in delivery.envelope_of(told.earliest("pk"), now=NOON).text


class TestFailures:
    def test_too_many_failures_hold_what_still_waits(self, world: World, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"] * 8
        outside.sms.behaviour.report = "none"
        outside.sms.clock = NOON.timestamp
        batch(0, 40)
        send_all(now=NOON, most=20)
        assert Message.objects.filter(state="failed").count() == 8 and going() == 20

        assert len(brake.watch(at=NOON + MINUTE)) == 1
        assert brake.watch(at=NOON + MINUTE) == []

        assert going() == 0 and send_all(now=NOON + MINUTE) == 0
        assert NoticeStop.objects.get().figures == {
            "messages": 20, "failed": 8, "permille": 400, "limit_permille": 300,
        }  # fmt: skip
        assert decide(world, "release", NOON + 2 * MINUTE)["released"] == 20
        assert brake.watch(at=NOON + 3 * MINUTE) == [], "what was decided on is no reason any more"


class TestTheLimitOfAnHour:
    def test_what_is_released_goes_no_faster_than_the_limit(self, world: World) -> None:
        NoticeLimit.objects.filter(template="").update(most_an_hour=30)
        batch(0, 70, outliers=20)

        assert decide(world, "release")["released"] == 70

        hours = [NOON + MINUTE + number * timedelta(hours=1) for number in range(4)]
        held = Message.objects.filter(template=NOTICE.code)
        assert [held.filter(due_at=when).count() for when in hours] == [30, 30, 10, 0]

    def test_more_than_the_limit_goes_in_the_hours_after(self) -> None:
        NoticeLimit.objects.filter(template="").update(most_an_hour=30)

        batch(0, 40)
        batch(100, 40)

        due = Message.objects.filter(template=NOTICE.code).values_list("due_at", flat=True)
        hours = [round((moment - NOON) / timedelta(hours=1)) for moment in due if moment]
        assert [hours.count(hour) for hour in range(4)] == [30, 30, 20, 0]
        assert sum(NoticeCount.objects.values_list("paced", flat=True)) == 50


class TestInTheDatabase:
    def test_a_held_message_cannot_go(self) -> None:
        batch(0, 100, outliers=20)
        for changed in ({"due_at": NOON}, {"state": "sent"}):
            with pytest.raises(Error), transaction.atomic():
                Message.objects.filter(template=NOTICE.code).update(**changed)

    def test_a_stop_ends_by_an_approval_only(self, world: World) -> None:
        batch(0, 100, outliers=20)
        with pytest.raises(Error), transaction.atomic():
            NoticeStop.objects.update(state="released", ended_at=NOON)
        with pytest.raises(Refused):
            notice_stops.ask(stop_id=0, act="release", reason="x", asked_by_id=world.accountant_id, at=NOON)
