"""Bills that are out are told: set-wise, to whom it concerns, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cis import handlers
from cis.events import BillsIssued
from cis.models import Bill, BillingRun, PortalAccess
from cis.operations import billing, notices
from config.shared.models import Message, OutboxEvent, User
from tests.factories.bills import issue
from tests.factories.messages import parameters_of, text_of
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world(at=timezone.now())


def event() -> BillsIssued:
    run = BillingRun.objects.latest("pk")
    return BillsIssued(run_id=run.pk, shard=0, cycle=run.cycle)


class TestIssuedBills:
    def test_stand_in_the_inbox_of_those_who_use_the_portal_once(self, world: World) -> None:
        number = issue(world, 18_640)

        handlers.tell_of_issued_bills(event())
        handlers.tell_of_issued_bills(event())

        message = Message.objects.get()
        assert (message.user_id, message.channel, message.state) == (world.portal_user_id, "in_app", "delivered")
        assert message.account_id == world.residential.account_id
        assert number in text_of(message) and "186.40 元" in text_of(message)
        assert world.residential.account_no not in text_of(message)

    def test_of_a_real_run_are_announced_by_its_own_fact(self, world: World) -> None:
        billing.issue_bill_now(
            account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=world.at
        )
        told = OutboxEvent.objects.get(name="cis.bills-issued")

        handlers.tell_of_issued_bills(BillsIssued(**told.payload))

        assert parameters_of(Message.objects.get())["bill"] == str(Bill.objects.get())

    def test_concern_owners_and_payers_not_tenants(self, world: World) -> None:
        for name, role in (("payer", PortalAccess.Role.PAYER), ("tenant", PortalAccess.Role.TENANT)):
            user = User.objects.create_user(name, kind="customer")
            PortalAccess.objects.create(
                user=user, account_id=world.residential.account_id, role=role, from_on=world.at.date()
            )
        issue(world, 18_640)

        notices.tell_of_bills(run_id=event().run_id, shard=0, at=world.at)

        told = set(Message.objects.values_list("user__username", flat=True))
        assert told == {"portal", "payer"}

    def test_of_people_without_a_portal_go_by_sms_where_the_utility_pays_for_it(
        self, world: World, settings: Any
    ) -> None:
        settings.BILL_NOTICES = ("in_app", "sms")
        issue(world, 18_640)
        issue(world, 5_000, account=world.commercial)

        for run in BillingRun.objects.all():
            notices.tell_of_bills(run_id=run.pk, shard=0, at=world.at)

        by_channel = dict(Message.objects.values_list("channel", "account_id"))
        assert by_channel == {"in_app": world.residential.account_id, "sms": world.commercial.account_id}
        assert Message.objects.get(channel="sms").recipient.startswith("1000000")

    def test_of_nothing_to_pay_ring_no_telephone(self, world: World, settings: Any) -> None:
        settings.BILL_NOTICES = ("sms",)
        issue(world, 5_000, account=world.commercial)
        bill = Bill.objects.get()
        bill.pk, bill.revision, bill.total_fen, bill.open_fen = None, 1, 0, 0
        bill.save(force_insert=True)

        assert notices.tell_of_bills(run_id=event().run_id, shard=0, at=world.at) == 1
        assert parameters_of(Message.objects.get())["yuan"] == "50.00"

    def test_of_long_ago_are_no_news(self, world: World) -> None:
        issue(world, 18_640)

        assert notices.tell_of_bills(run_id=event().run_id, shard=0, at=world.at + timedelta(days=8)) == 0

    def test_take_as_many_statements_for_many_as_for_one(
        self, world: World, django_assert_max_num_queries: Any
    ) -> None:
        for user_number in range(40):
            user = User.objects.create_user(f"payer-{user_number}", kind="customer")
            PortalAccess.objects.create(user=user, account_id=world.commercial.account_id, role=PortalAccess.Role.PAYER)
        issue(world, 18_640)
        with django_assert_max_num_queries(20):
            assert notices.tell_of_bills(run_id=event().run_id, shard=0, at=world.at) == 1
        issue(world, 5_000, account=world.commercial)
        run_id = event().run_id

        with django_assert_max_num_queries(20):
            assert notices.tell_of_bills(run_id=run_id, shard=0, at=world.at) == 40
