"""Every handler may hear a fact twice; a resolved doubt bills the account once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cis.events import (
    BillsIssued,
    CapacityChanged,
    ContactAnswered,
    DebtorTold,
    DisputeAnswered,
    DisputeNearsLimit,
    OutageAnnounced,
    OutageChanged,
    ReadingsAccepted,
)
from cis.handlers import bill_after_doubt
from cis.models import Bill, BillException, BillingRun, Reading
from cis.operations import billing, collecting, disputes, ledger, outages
from cis.queries.ledger import balance
from config.shared import approvals, events, jobs
from config.shared.events import Event, deliver_waiting, publish
from config.shared.jobs import JobCreated
from config.shared.messaging.brake import NoticesStopped
from config.shared.models import Job, NoticeStop, OutboxDelivery
from payments import operations as payments
from payments.events import (
    BankStatementKept,
    ChequeReturned,
    ClientFact,
    NoticeNotBelieved,
    PaymentReceived,
    PrepaymentRefunded,
    RefundFailed,
    RefundNoticeStored,
    WalletNoticeStored,
)
from payments.models import Payback, Payment, Refund
from payments.operations.bank_accounts import assign_sub_account
from payments.operations.cheques import return_cheque
from tests.factories.arrears import DEMANDED, Road
from tests.factories.channels import connect_bank, today
from tests.factories.ledger import at_once
from tests.factories.transfers import add_cheque, keep, line
from tests.factories.webhooks import endpoint
from tests.factories.world import AT, World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)


def run_over_everybody(world: World) -> BillingRun:
    run_id = billing.start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT)
    run = BillingRun.objects.get(pk=run_id)
    assert run.job_id is not None
    jobs.work_on(job_id=run.job_id)
    return run


def set_state(world: World, state: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cis_reading SET state = %s WHERE installation_id = %s AND cycle = %s",
            [int(state), world.residential.installation_id, world.cycle],
        )


def accept(world: World) -> ReadingsAccepted:
    event = ReadingsAccepted(account_id=world.residential.account_id, cycle=world.cycle)
    with transaction.atomic():
        set_state(world, Reading.State.ACCEPTED)
        publish(event)
    return event


class TestFollowUp:
    def test_the_last_doubt_resolved_bills_the_account_once_though_told_twice(self) -> None:
        world = small_world()
        set_state(world, Reading.State.DOUBTFUL)
        run = run_over_everybody(world)
        assert BillException.objects.get(run=run).code == "reading-doubtful"
        assert Bill.objects.count() == len(world.accounts) - 1

        event = accept(world)
        deliver_waiting(now=timezone.now())
        bill_after_doubt(event)
        bill_after_doubt(event)

        bill = Bill.objects.get(account=world.residential.account_id)
        assert bill.run.kind == "follow-up"
        assert balance(world.residential.account_id).receivable_fen == bill.total_fen > 0
        assert BillingRun.objects.filter(kind="follow-up").count() == 1
        assert not ledger.verify().faults

    def test_later_cycles_that_waited_for_it_follow(self) -> None:
        world = small_world()
        home, earlier = world.residential.account_id, world.cycles[-2]
        of_home = Reading.objects.filter(account_id=home)
        of_home.filter(cycle=earlier).update(state=Reading.State.DOUBTFUL)
        for cycle in (earlier, world.cycle):
            run_id = billing.start_run(cycle=cycle, org_unit_id=None, created_by_id=None, at=AT)
            jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)
        assert not Bill.objects.filter(account=home).exists()

        of_home.filter(cycle=earlier).update(state=Reading.State.ACCEPTED)
        bill_after_doubt(ReadingsAccepted(account_id=home, cycle=earlier))

        first, second = Bill.objects.filter(account=home).order_by("cycle")
        assert (first.cycle, second.cycle) == (earlier, world.cycle)
        assert not ledger.verify().faults

    def test_told_to_many_at_once_it_bills_once(self) -> None:
        world = small_world()
        set_state(world, Reading.State.DOUBTFUL)
        run_over_everybody(world)
        set_state(world, Reading.State.ACCEPTED)
        event = ReadingsAccepted(account_id=world.residential.account_id, cycle=world.cycle)

        assert at_once([lambda: bill_after_doubt(event)] * 6) == [None] * 6

        assert Bill.objects.filter(account=world.residential.account_id).count() == 1

    def test_before_the_run_it_waits_for_the_run(self) -> None:
        world = small_world()

        bill_after_doubt(accept(world))

        assert not Bill.objects.exists()
        run_over_everybody(world)
        assert Bill.objects.filter(account=world.residential.account_id).count() == 1

    def test_an_account_that_lacks_something_else_stays_on_the_list(self) -> None:
        world = small_world()
        set_state(world, Reading.State.DOUBTFUL)
        run = run_over_everybody(world)

        bill_after_doubt(ReadingsAccepted(account_id=world.residential.account_id, cycle=world.cycle))

        assert not Bill.objects.filter(account=world.residential.account_id).exists()
        assert BillException.objects.filter(run=run).count() == 1


def example_of(event: type[Event], world: World) -> Event:
    """One fact of each kind that somebody handles, about what the world holds."""
    account = world.residential.account_id
    payment = pay(world, fen=1_000)
    job = Job.objects.filter(state="done").latest("id")
    makers: dict[type[Event], Callable[[], Event]] = {
        JobCreated: lambda: JobCreated(job_id=job.pk),
        ReadingsAccepted: lambda: ReadingsAccepted(account_id=account, cycle=world.cycle),
        PaymentReceived: lambda: PaymentReceived(
            account_id=account, payment_id=payment.payment_id, amount_fen=1_000, prepaid_fen=1_000, method="cash"
        ),
        ClientFact: lambda: fact_of(world),
        ChequeReturned: lambda: returned_cheque(world),
        BankStatementKept: lambda: BankStatementKept(statement_id=statement_of(world)),
        WalletNoticeStored: lambda: WalletNoticeStored(out_trade_no="none", notice_id="none"),
        NoticeNotBelieved: lambda: NoticeNotBelieved(channel="wechat", at=AT.isoformat()),
        RefundNoticeStored: lambda: RefundNoticeStored(out_refund_no="none", notice_id="none", channel="wechat"),
        RefundFailed: lambda: failed_refund(world, payment.payment_id),
        BillsIssued: lambda: BillsIssued(run_id=BillingRun.objects.latest("pk").pk, shard=0, cycle=world.cycle),
        PrepaymentRefunded: lambda: refund_of(world, 500),
        CapacityChanged: lambda: CapacityChanged(account_id=account, capacity_kva=80, from_on="2026-02-10"),
        NoticesStopped: lambda: NoticesStopped(stop_id=stop_of(world)),
        ContactAnswered: lambda: ContactAnswered(contact_id=0),
        DebtorTold: lambda: demand_of(world),
        DisputeNearsLimit: lambda: DisputeNearsLimit(dispute_id=question_of(world), stage="warning"),
        DisputeAnswered: lambda: DisputeAnswered(dispute_id=question_of(world, is_answered=True)),
        OutageAnnounced: lambda: OutageAnnounced(outage_id=outage_of(world), version=1),
        OutageChanged: lambda: OutageChanged(outage_id=outage_of(world), version=1, what="changed", dropped=()),
    }
    if event not in makers:
        pytest.fail(f"{event.__name__} is handled; say here what one looks like, so that it is delivered twice")
    return makers[event]()


def fact_of(world: World) -> ClientFact:
    """A bank that has an endpoint collected for the first account."""
    bank = connect_bank(world, at=timezone.now())
    endpoint(world, "https://hooks.icbc.example/")
    assert bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today()).status_code == 201
    payment = Payment.objects.get(channel=bank.code)
    return ClientFact(account_id=payment.account_id, kind="payment.booked", document_id=payment.pk)


def statement_of(world: World) -> int:
    """A bank's statement with money under a sub-account of the first account, which nobody booked yet."""
    assign_sub_account(
        number="622-0001", account_no=world.residential.account_no, from_on=AT.date() - timedelta(days=9),
        by_id=world.accountant_id, at=AT,
    )  # fmt: skip
    return keep(world, [line("C1", 900, sub_account="622-0001"), line("C2", 900)])


def returned_cheque(world: World) -> ChequeReturned:
    """A cheque of the shop's that came back."""
    cheque_id = add_cheque(world, AT)
    return_cheque(cheque_id=cheque_id, reason="存款不足", by_id=world.accountant_id, at=AT)
    return ChequeReturned(account_id=world.commercial.account_id, cheque_id=cheque_id)


def demand_of(world: World) -> DebtorTold:
    """The shop was asked by message to pay what is overdue."""
    road = Road(world)
    step_id = road.do(collecting.record_demand, DEMANDED, channel="sms")
    return DebtorTold(account_id=road.account.account_id, step_id=step_id)


def question_of(world: World, *, is_answered: bool = False) -> int:
    """The customer of the first account asked for a meter test."""
    home = world.residential
    made = disputes.open_question(
        kind="meter-test", account_id=home.account_id, installation_id=home.installation_id, reason="走得快",
        channel="portal", opened_by_id=world.portal_user_id, at=timezone.now(),
    )  # fmt: skip
    if is_answered:
        given = disputes.Answer("合格", "no-fault", 10)
        disputes.answer(dispute_id=made, given=given, by_id=world.clerk_a_id, at=timezone.now())
    return made


def stop_of(world: World) -> int:
    """Mass notices that are held."""
    return NoticeStop.objects.create(
        template="bill_issued", why="outliers", figures={"messages": 100, "outliers": 9, "permille": 90,
        "limit_permille": 50}, opened_at=world.at,
    ).pk  # fmt: skip


def outage_of(world: World) -> int:
    """A fault that was announced."""
    outage_id = outages.draft_outage(
        kind="fault",
        org_unit_id=world.county_a_id,
        reason="大风刮断导线",
        area="测试小区",
        starts_at=AT,
        ends_at=AT + timedelta(hours=3),
        transformer_district_ids=[world.transformer_district_id],
        by_id=world.clerk_a_id,
        at=AT,
    )
    outages.publish_outage(outage_id=outage_id, by_id=world.clerk_a_id, at=AT)
    return outage_id


def refund_of(world: World, fen: int) -> PrepaymentRefunded:
    """A part of the first account's prepayment given back: asked for by the clerk, approved by the manager."""
    asked = payments.ask_refund(
        account_id=world.residential.account_id,
        amount_fen=fen,
        payment_id=None,
        reason="多交了",
        org_unit_id=world.hall_a_id,
        asked_by_id=world.clerk_a_id,
        at=AT,
    )
    approvals.approve(approval_id=asked, decided_by_id=world.manager_id, at=AT)
    refund = Refund.objects.latest("pk")
    return PrepaymentRefunded(
        account_id=refund.account_id, refund_id=refund.pk, amount_fen=refund.amount_fen, method=refund.method
    )


def failed_refund(world: World, payment_id: int) -> RefundFailed:
    """A refund that its provider closed."""
    told = refund_of(world, 500)
    refund = Refund.objects.get(pk=told.refund_id)
    Payback.objects.create(
        refund=refund, payment_id=payment_id, channel="wechat", out_refund_no=str(refund), provider_no="4200",
        amount_fen=500, total_fen=1_000, state="failed", fault="closed", created_at=AT, ended_at=AT,
    )  # fmt: skip
    return RefundFailed(account_id=told.account_id, refund_id=told.refund_id, amount_fen=500)


# When something was computed may move; what was computed may not.
_HASH = "hashtextextended((to_jsonb(t) - 'computed_at')::text, 0)"


def everything_stored() -> dict[str, Any]:
    """Every row of every table, the outbox left out: its own rows say how often something was delivered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' "
            "AND c.relname NOT LIKE 'shared_outbox%%' AND c.relname NOT LIKE 'django_session'"
        )
        stored = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*), coalesce(sum({_HASH}), 0) FROM "{table}" t')
            stored[table] = cursor.fetchone()
    return stored


class TestEveryHandler:
    @pytest.mark.parametrize("name", sorted(events.HANDLERS))
    def test_delivered_again_changes_nothing(self, name: str) -> None:
        world = small_world()
        set_state(world, Reading.State.DOUBTFUL)
        run_over_everybody(world)
        set_state(world, Reading.State.ACCEPTED)
        kind, handler = events.HANDLERS[name]
        event = example_of(kind, world)

        def hear() -> None:
            try:
                with transaction.atomic():
                    handler(event)
            except Exception as error:  # a refusal is kept with the delivery; it must be the same both times
                outcomes.append(type(error).__name__)

        outcomes: list[str] = []
        hear()
        once, told = everything_stored(), OutboxDelivery.objects.count()
        hear()

        assert everything_stored() == once
        assert OutboxDelivery.objects.count() == told, "it told further facts a second time"
        assert outcomes in ([], [outcomes[0]] * 2 if outcomes else [])
