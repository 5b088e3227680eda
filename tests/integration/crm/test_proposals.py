"""Bill shock, from issued bills to a proposed contact to a message; ratings that stay honest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from cis.events import BillsIssued
from cis.models import Bill
from config.shared import events
from config.shared.models import Message, OrgUnit, User
from config.shared.periods import add_months
from crm.models import ProposedContact, Rating
from crm.operations import proposals
from crm.operations.satisfaction import RatingRefused, record_rating
from crm.queries.satisfaction import get_satisfaction, my_ratings
from tests.factories import bills
from tests.factories.world import World, make_user, small_world


@pytest.fixture
def world(db: None) -> World:
    """Two households with three quiet months each; then one bill doubles and one does not."""
    world = small_world(at=timezone.now())
    for account in (world.residential, world.residential_tou):
        for back in (3, 2, 1):
            bills.issue(world, 20_000, account=account, cycle=add_months(world.cycle, -back))
    return world


def announce(bill_no: str) -> None:
    """The bill's run says that it is done, and is heard twice."""
    bill = Bill.objects.get(pk=int(bill_no[6:]))
    for _time in range(2):
        with transaction.atomic():
            events.publish(BillsIssued(run_id=bill.run_id, shard=0, cycle=bill.cycle))
        events.deliver_waiting(now=timezone.now())


class TestBillShock:
    def test_is_proposed_once_accepted_by_a_person_and_told(self, world: World) -> None:
        for account, fen in ((world.residential, 45_000), (world.residential_tou, 25_000)):
            announce(bills.issue(world, fen, account=account))

        proposal = ProposedContact.objects.get()
        assert proposal.account_id == world.residential.account_id
        assert (proposal.weight_fen, proposal.evidence["against"]) == (25_000, "mean")
        manager = make_user("hm", OrgUnit.objects.get(pk=world.county_a_id), "hall-manager")
        client = Client()
        client.force_login(manager)
        assert b"4290000001" in client.get("/dsm/proposals/").content
        assert client.post(f"/dsm/proposals/{proposal.pk}/").status_code == 302

        proposal.refresh_from_db()
        message = Message.objects.get(pk=proposal.message_id or 0)
        assert (proposal.state, message.template, message.account_id) == (
            "accepted",
            "bill-shock",
            world.residential.account_id,
        )
        with pytest.raises(proposals.AlreadyDecided):
            proposals.dismiss(proposal_id=proposal.pk, reason="x", by_id=manager.pk, at=timezone.now())

    def test_others_do_not_see_it_and_nobody_is_left_alone_without_a_reason(self, world: World) -> None:
        announce(bills.issue(world, 45_000))
        proposal = ProposedContact.objects.get()
        elsewhere, client = make_user("hm_b", OrgUnit.objects.get(pk=world.county_b_id), "hall-manager"), Client()
        client.force_login(elsewhere)

        assert client.get(f"/dsm/proposals/{proposal.pk}/").status_code == 404
        with pytest.raises(proposals.ReasonMissing):
            proposals.dismiss(proposal_id=proposal.pk, reason=" ", by_id=elsewhere.pk, at=timezone.now())

    def test_old_bills_are_no_news(self, world: World) -> None:
        number = bills.issue(world, 45_000)
        long_ago = timezone.now() - timedelta(days=settings.CRM_BILL_SHOCK_FRESH_DAYS + 1)
        bill = Bill.objects.get(pk=int(number[6:]))

        later = bill.issued_at + timedelta(days=settings.CRM_BILL_SHOCK_FRESH_DAYS + 1)
        assert proposals.propose_for_bill_shock(run_id=bill.run_id, shard=0, at=later) == 0
        assert not ProposedContact.objects.exists() and long_ago


class TestRatings:
    def test_few_are_drawn_to_all_and_never_name_anybody(self, world: World) -> None:
        now, clerk = timezone.now(), User.objects.get(pk=world.clerk_a_id)

        def rate(number: int, score: int, *, unit: int, about: int | None) -> int:
            return record_rating(
                account_id=None, source="hall-ticket", source_key=str(number), score=score, reason_code="",
                comment="", about_user_id=about, org_unit_id=unit, at=now,
            )  # fmt: skip

        for number in range(40):
            rate(number, 5, unit=world.hall_b_id, about=None)
        for number in range(40, 44):
            rate(number, 1, unit=world.hall_a_id, about=clerk.pk)
        assert rate(40, 5, unit=world.hall_a_id, about=clerk.pk) == Rating.objects.get(source_key="40").pk

        found = get_satisfaction(within=["/"], since=now - timedelta(days=1), until=now + timedelta(days=1))
        own = {unit.name: unit for unit in found.units}
        assert own["临江营业厅"].score_e2 == 500 and not own["临江营业厅"].is_shrunk
        low = own["东湖营业厅"]
        assert low.is_shrunk and low.ratings == 4 and low.score_e2 is not None and 400 < low.score_e2 < 500
        assert [(person.ratings, person.score_e2) for person in found.people] == [(4, None)]
        assert my_ratings(user_id=clerk.pk, since=now - timedelta(days=1)).score_e2 is None
        rate(44, 1, unit=world.hall_a_id, about=clerk.pk)
        assert my_ratings(user_id=clerk.pk, since=now - timedelta(days=1)).score_e2 == 100

    def test_are_one_to_five_and_written_once(self, world: World) -> None:
        asked = {
            "account_id": None, "source": "s", "source_key": "1", "reason_code": "", "comment": "",
            "about_user_id": None, "org_unit_id": world.hall_a_id, "at": timezone.now(),
        }  # fmt: skip
        with pytest.raises(RatingRefused):
            record_rating(score=0, **asked)  # type: ignore[arg-type]
        record_rating(score=3, **asked)  # type: ignore[arg-type]

        with pytest.raises(DatabaseError), transaction.atomic():
            Rating.objects.all().update(score=5)
