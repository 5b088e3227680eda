"""A meter test or a question about a reading or bill has five working days: counted, warned of, and reported."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from cis.events import DisputeAnswered, DisputeNearsLimit
from cis.handlers import tell_of_answer, tell_of_limit
from cis.models import BackBillCase, BillDispute
from cis.operations import back_billing, disputes
from cis.operations.disputes import Answer
from cis.queries import disputes as queries
from cis.queries.dispute_clock import due_at, limit_of
from config.shared.errors import BadInput
from config.shared.models import Message, OrgUnit, OutboxEvent, User
from tests.factories.bills import issue
from tests.factories.world import AccountIds, World, make_user, small_world

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 2, 6, 8, 0, tzinfo=UTC)
"""16:00 in Shanghai; the Spring Festival of 2026 is off from 15 to 23 February, 14 February is worked for it."""
DUE = date(2026, 2, 13)
KEPT = datetime(2026, 2, 13, 15, 59, tzinfo=UTC)
LATE = KEPT + timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return small_world()


def ask_test(world: World, who: AccountIds, at: datetime = FRIDAY) -> int:
    return disputes.open_question(
        kind="meter-test", account_id=who.account_id, installation_id=who.installation_id, reason="电表走得快",
        channel="counter", opened_by_id=world.clerk_a_id, at=at,
    )  # fmt: skip


def words_at(dispute_id: int, at: datetime) -> tuple[str, str]:
    clock = queries.get_dispute(dispute_id, at=at).clock
    assert clock is not None
    return clock.state, clock.words


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


class TestClock:
    def test_counts_working_days_over_weekend_and_festival(self, world: World) -> None:
        made = ask_test(world, world.residential)

        said = [words_at(made, FRIDAY + timedelta(days=number)) for number in (0, 1, 3, 5, 7)]

        assert BillDispute.objects.get().due_at == datetime(2026, 2, 13, 16, 0, tzinfo=UTC)
        assert said == [
            ("calm", "已收到，5 个工作日内答复"),
            ("calm", "已收到，5 个工作日内答复"),
            ("calm", "第 1 个工作日，共 5 个"),
            ("calm", "第 3 个工作日，共 5 个"),
            ("soon", "第 5 个工作日，共 5 个"),
        ]
        assert words_at(made, LATE)[0] == "late"
        # Asked on the Friday before the festival: 14 February is worked, then nothing until the 24th.
        before = datetime(2026, 2, 13, 3, 0, tzinfo=UTC)
        assert due_at(before, limit_of("reading", before.date())).date() == date(2026, 2, 28)

    def test_limit_is_kept_with_its_source_and_the_database_holds_the_rest(self, world: World) -> None:
        ask_test(world, world.residential)

        row = BillDispute.objects.get()
        assert (row.limit_days, "5 个工作日" in row.limit_source) == (5, True)
        for change in ({"limit_source": ""}, {"closed_at": LATE}, {"installation": None}, {"due_at": FRIDAY}):
            with pytest.raises(IntegrityError), transaction.atomic():
                BillDispute.objects.update(**change)


class TestAnswered:
    @pytest.mark.acceptance("F6")
    def test_every_case_has_its_timer_and_the_share_within_the_limit_is_reported(
        self, world: World, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bill_no = issue(world, 18_640)
        mine = signed_in(world.portal_user_id)
        questions = reverse("cis:portal_questions")
        about = [value for value, _word in mine.get(questions).context["form"].fields["about"].choices]
        assert about == [
            f"meter-test:{world.residential.installation_id}", f"reading:{world.residential.installation_id}",
            f"bill:{bill_no}",
        ]  # fmt: skip
        for value in about:
            assert mine.post(questions, {"about": value, "reason": "比平时多一倍"}).status_code == 302
        assert mine.post(questions, {"about": about[0], "reason": "再来一次"}).status_code == 422
        # As if all three were asked on that Friday, and the shop's test too.
        BillDispute.objects.update(
            opened_at=FRIDAY, due_at=due_at(FRIDAY, limit_of("bill", FRIDAY.date())),
            warn_at=datetime(2026, 2, 11, 16, 0, tzinfo=UTC),
        )  # fmt: skip
        shops = ask_test(world, world.commercial)
        waiting = {row.kind: row for row in queries.list_waiting(within=["/"], at=FRIDAY + timedelta(days=5))[0]}
        assert [row.clock.words for row in waiting.values() if row.clock] == ["第 3 个工作日，共 5 个"] * 3

        # Warned on the fifth day, breached after it; each once, to those who answer for the unit.
        assert disputes.watch(at=FRIDAY) == 0
        assert disputes.watch(at=KEPT - timedelta(days=1)) == 4 and disputes.watch(at=KEPT - timedelta(days=1)) == 0
        by = world.accountant_id
        disputes.answer(
            dispute_id=waiting["reading"].dispute_id, given=Answer("示数无误", "no-fault"), by_id=by, at=KEPT
        )
        disputes.close_dispute(bill_no=bill_no, outcome="账单无误", closed_by_id=by, at=KEPT)
        assert disputes.watch(at=LATE) == 2 and disputes.watch(at=LATE) == 0
        late_test = BillDispute.objects.get(kind="meter-test", account_id=world.residential.account_id)
        assert (late_test.warned_at, late_test.breached_at) == (KEPT - timedelta(days=1), LATE)
        disputes.answer(dispute_id=late_test.pk, given=Answer("快 2.5%", "fault", 250), by_id=by, at=LATE)

        found = queries.in_time_by_month(from_cycle=202602, to_cycle=202602, kind="", within=["/"], at=LATE)

        # Four asked of one unit: two in time, one answered late, one open and late.
        (row,) = found
        assert (row.cycle, row.asked, row.answered, row.in_time, row.late, row.waiting) == (202602, 4, 3, 2, 2, 0)
        assert row.percent_e2 == 50_00
        late = queries.list_late(from_cycle=202602, to_cycle=202602, kind="", within=["/"], at=LATE)
        assert {one.dispute_id for one in late} == {late_test.pk, shops}
        # The same at the pages: the report with its list, the file, the customer's own answer.
        accountant = signed_in(by)
        address = {"from": "202602", "to": "202602"}
        page = accountant.get(reverse("cis:disputes_in_time"), address).content.decode()
        assert "50.00" in page and world.commercial.account_no in page
        rows = b"".join(accountant.get(reverse("cis:disputes_in_time_export"), address)).decode()
        assert "202602,东湖区供电公司,4,3,2,2,0,50.00" in rows
        assert "快 2.5%" in mine.get(questions).content.decode()

    def test_is_told_once_to_who_answers_for_the_unit_and_to_the_customer(self, world: World) -> None:
        other = make_user("county_b", OrgUnit.objects.get(pk=world.county_b_id), "accountant")
        made = ask_test(world, world.residential)
        BillDispute.objects.update(opened_at=FRIDAY)

        for _twice in range(2):
            tell_of_limit(DisputeNearsLimit(dispute_id=made, stage="breach"))
        told = Message.objects.filter(template="dispute-late")
        assert set(told.values_list("user_id", flat=True)) == {world.accountant_id}
        assert other.pk not in told.values_list("user_id", flat=True)

        now = datetime.now(tz=UTC)
        disputes.answer(dispute_id=made, given=Answer("合格", "no-fault", -30), by_id=world.clerk_a_id, at=now)
        assert OutboxEvent.objects.filter(name=DisputeAnswered.name).count() == 1
        for _twice in range(2):
            tell_of_answer(DisputeAnswered(dispute_id=made))
        assert Message.objects.filter(template="dispute-answered", user_id=world.portal_user_id).count() == 1

    def test_measured_error_leads_to_back_billing(self, world: World) -> None:
        issue(world, 18_640)
        made, by = ask_test(world, world.residential), world.accountant_id
        with pytest.raises(BadInput):
            disputes.answer(dispute_id=made, given=Answer("不合格", "fault"), by_id=by, at=KEPT)
        disputes.answer(dispute_id=made, given=Answer("慢 8%，更换", "fault", -800), by_id=by, at=KEPT)
        accountant = signed_in(by)
        address = f"{reverse('cis:back_bill_new', args=[world.residential.account_no])}?kind=meter-error&dispute={made}"

        form = accountant.get(address).context["form"]
        assert (form.initial["error_pct"], form.initial["story"]) == ("-8.00", "慢 8%，更换")
        typed: dict[str, Any] = {
            "read_kwh": "1000", "error_pct": "-8", "share_of_period": "1/2", "energy_price": "0.5",
            "story": "慢 8%，更换", "act": "open",
        }  # fmt: skip
        answer = accountant.post(address, typed)

        case = BackBillCase.objects.get()
        assert answer.status_code == 302
        assert BillDispute.objects.get().back_bill_id == case.pk
        with pytest.raises(disputes.CannotLink):
            back_billing.open_case(
                account_id=world.residential.account_id, kind="meter-error", dispute_id=made, story="又一次",
                inputs={"read_kwh": "1000", "error_pct": "-8"}, prices={"energy_price": "0.5"}, by_id=by, at=KEPT,
            )  # fmt: skip
        assert BackBillCase.objects.count() == 1

    def test_counter_notes_and_answers_it(self, world: World) -> None:
        clerk = signed_in(world.clerk_a_id)
        new = reverse("cis:question_new", args=[world.residential.account_no])
        clerk.post(
            new,
            {
                "kind": "reading", "installation_id": world.residential.installation_id, "reason": "示数跳变",
                "channel": "telephone",
            },
        )  # fmt: skip
        made = BillDispute.objects.get()

        page = clerk.get(reverse("cis:disputes")).content.decode()
        assert "已收到，5 个工作日内答复" in page
        clerk.post(reverse("cis:dispute", args=[made.pk]), {"result": "no-fault", "outcome": "现场核对无误"})

        made.refresh_from_db()
        assert (made.result, made.closed_by_id, made.channel) == ("no-fault", world.clerk_a_id, "telephone")
