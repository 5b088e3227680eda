"""A question is answered in time or passes on; the customer reads the answer, is told, and says how good it was."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings

from cis.models import Contact
from cis.operations import contacts
from config.shared import events
from config.shared.indicators import Asked, all_indicators, ask, part_of, read_now
from config.shared.models import Message, OrgUnit, OutboxDelivery
from config.shared.personal_data import blind_index
from crm.models import Rating
from grid_service.models import Question, QuestionPass
from grid_service.operations import notices, questions
from grid_service.operations.territory import cover
from grid_service.queries.questions import open_questions
from grid_service.queries.working_hours import answer_due
from tests.factories.districts import District, make_district
from tests.factories.world import World, small_world

MINUTE = timedelta(minutes=1)
# A working day: 5 February 2026 is a Thursday; the 15th was a Sunday.
MORNING = datetime(2026, 2, 5, 10, 0, tzinfo=settings.BILLING_TIME_ZONE)


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def district(world: World) -> District:
    """A district over it."""
    return make_district(world)


def asked(world: World, *, at: datetime = MORNING, key: str = "1") -> int:
    """A question of the portal user about their own home."""
    return questions.ask(
        user_id=world.portal_user_id, account_id=world.residential.account_id, text="电压低怎么办", form_key=key,
        channel="portal", at=at,
    )  # fmt: skip


class TestAnswering:
    def test_reaches_the_customer_once_and_is_rated(self, world: World, district: District) -> None:
        question_id = asked(world)
        assert asked(world) == question_id, "the same form sent twice"

        questions.answer(question_id=question_id, text="马上来看", by_id=district.manager_id, at=MORNING + 5 * MINUTE)

        with pytest.raises(questions.AlreadyAnswered):
            questions.answer(question_id=question_id, text="再答", by_id=district.deputy_id, at=MORNING + 6 * MINUTE)
        assert Message.objects.filter(template="district-question-answered", user_id=world.portal_user_id).exists()
        for again in (1, 2):
            if again == 2:
                with pytest.raises(questions.NotYetAnswered):
                    questions.rate(
                        question_id=question_id, user_id=world.portal_user_id, score=1, comment="", at=MORNING + MINUTE
                    )
            else:
                questions.rate(
                    question_id=question_id,
                    user_id=world.portal_user_id,
                    score=5,
                    comment="好",
                    at=MORNING + 9 * MINUTE,
                )
        rating = Rating.objects.get()
        assert (rating.source, rating.source_key, rating.score) == ("district-question", str(question_id), 5)
        assert rating.about_user_id == district.manager_id

    def test_somebody_of_another_district_does_not_find_it(self, world: World, district: District) -> None:
        other = make_district(world, "楚风片区", transformers=[])

        with pytest.raises(Exception) as refused:
            questions.answer(question_id=asked(world), text="好", by_id=other.manager_id, at=MORNING)

        assert getattr(refused.value, "status", 0) == 404

    def test_where_nobody_serves_the_hotline_is_named(self, world: World) -> None:
        with pytest.raises(questions.NobodyServes, match="95598"):
            asked(world)


class TestPassingOn:
    @pytest.mark.acceptance("001-54")
    def test_unanswered_goes_to_the_deputy_and_then_to_the_hotline_whose_answer_comes_back(
        self, world: World, district: District
    ) -> None:
        question_id = asked(world)

        assert questions.pass_on(at=MORNING + 14 * MINUTE) == 0
        assert questions.pass_on(at=MORNING + 15 * MINUTE) == 1
        assert questions.pass_on(at=MORNING + 15 * MINUTE) == 0, "repeated, nothing happens twice"
        row = Question.objects.get()
        assert (row.holder, row.due_at) == ("deputy", MORNING + 30 * MINUTE)
        assert Message.objects.filter(template="district-question-waits", user_id=district.deputy_id).count() == 1
        assert questions.pass_on(at=MORNING + 40 * MINUTE) == 1
        contact = Contact.objects.get()
        assert contact.text == "电压低怎么办" and contact.account_id == world.residential.account_id
        with pytest.raises(questions.AlreadyAnswered, match="95598"):
            questions.answer(question_id=question_id, text="晚了", by_id=district.manager_id, at=MORNING + 50 * MINUTE)

        contacts.answer(contact_id=contact.pk, text="已派人", answered_by_id=world.clerk_a_id, at=MORNING + 60 * MINUTE)
        for _twice in (1, 2):
            events.deliver_waiting(now=datetime.now(tz=settings.BILLING_TIME_ZONE) + timedelta(days=1))
            OutboxDelivery.objects.update(state="waiting")

        row.refresh_from_db()
        assert (row.answer, row.answered_by_id) == ("已派人", world.clerk_a_id)
        passes = QuestionPass.objects.order_by("pk").values_list("holder_before", "holder")
        assert list(passes) == [("manager", "deputy"), ("deputy", "hotline")]
        assert open_questions([district.district_id]) == ((), 0)

    def test_goes_to_the_deputy_of_the_district_it_was_asked_of_when_the_place_has_moved(
        self, world: World, district: District
    ) -> None:
        other = make_district(world, "楚风片区", transformers=[])
        question_id = asked(world)
        cover(
            district_id=other.district_id, transformer_district_ids=[world.transformer_district_id],
            from_at=MORNING + 5 * MINUTE, reason="调整", decided_by_id=world.administrator_id, at=MORNING + 5 * MINUTE,
        )  # fmt: skip

        questions.pass_on(at=MORNING + 15 * MINUTE)

        told = Message.objects.filter(template="district-question-waits").order_by("pk")
        assert list(told.values_list("user_id", flat=True)) == [district.manager_id, district.deputy_id]
        questions.answer(question_id=question_id, text="我来", by_id=district.deputy_id, at=MORNING + 20 * MINUTE)

    def test_the_deputy_may_answer_what_passed_on(self, world: World, district: District) -> None:
        question_id = asked(world)
        questions.pass_on(at=MORNING + 15 * MINUTE)

        questions.answer(question_id=question_id, text="我来", by_id=district.deputy_id, at=MORNING + 20 * MINUTE)

        assert questions.pass_on(at=MORNING + 60 * MINUTE) == 0


class TestTheClock:
    @pytest.mark.parametrize(
        ("when", "minutes"),
        [
            ("2026-02-05T10:00+08:00", 15),
            ("2026-02-05T17:30+08:00", 30),
            ("2026-02-05T08:29+08:00", 30),
            ("2026-02-08T10:00+08:00", 30),  # a Sunday
            ("2026-02-17T10:00+08:00", 30),  # Spring Festival, a Tuesday
            ("2026-02-14T10:00+08:00", 15),  # a Saturday worked in exchange
        ],
    )
    def test_is_shorter_in_working_hours(self, when: str, minutes: int) -> None:
        moment = datetime.fromisoformat(when)

        assert answer_due(moment) - moment == minutes * MINUTE


class TestIndicators:
    @pytest.mark.acceptance("001-54")
    def test_tell_of_answers_of_coverage_and_of_whom_notices_reached(self, world: World, district: District) -> None:
        for number, minutes in enumerate((4, 8, 40)):
            question_id = asked(world, key=str(number), at=MORNING + number * MINUTE)
            questions.answer(
                question_id=question_id, text="好", by_id=district.manager_id, at=MORNING + (number + minutes) * MINUTE
            )
        place = [world.transformer_district_id]
        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=place, text="检查", by_id=district.manager_id,
            at=MORNING,
        )  # fmt: skip
        notices.publish_notice(notice_id=notice_id, at=MORNING)
        Message.objects.filter(channel="sms", recipient_index=blind_index("10000000003")).update(state="delivered")
        asked_of = Asked(
            tuple(part_of(OrgUnit.objects.get(pk=one)) for one in (world.province_id, world.county_b_id)),
            (202512, 202601, 202602),
            MORNING.date(),
        )
        found = {
            code: all_indicators()[f"grid-service.{code}"].figures(asked_of)
            for code in ("first-answer-p50", "first-answer-p90", "coverage", "notices-reached")
        }

        month = (world.province_id, 202602)
        assert found["first-answer-p50"] == {month: 8 * 60}
        assert found["first-answer-p90"] == {month: 40 * 60}
        # Of today, and shown with the last whole month too: the one that pages show first.
        assert found["coverage"] == {
            (unit, one): 100_00 for unit in (world.province_id, world.county_b_id) for one in (202601, 202602)
        }
        # The portal's inbox and one telephone, of four households.
        assert found["notices-reached"] == {month: 50_00}

    def test_a_coverage_that_is_planned_does_not_count_today(self, world: World) -> None:
        make_district(world, begins_at=MORNING + timedelta(days=30))
        part = part_of(OrgUnit.objects.get(pk=world.province_id))
        coverage = all_indicators()["grid-service.coverage"]

        figures = {
            day: read_now(coverage, ask(parts=[part], month=202601, today=MORNING.date() + timedelta(days=day)))
            for day in (0, 23)
        }

        assert [figures[day][part.org_unit_id].figure for day in (0, 23)] == [0, 0]
        later = Asked((part,), (202603,), MORNING.date() + timedelta(days=30))
        assert coverage.figures(later) == {(part.org_unit_id, 202603): 100_00}
