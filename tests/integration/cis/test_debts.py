"""Instalments, write-offs and deposits: what they mean for the books, for collecting and for who may do what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from django.test import Client
from django.utils import timezone

from cis.collecting.levelised import months_later
from cis.models import (
    Account,
    AgreedBill,
    Bill,
    DepositMove,
    Instalment,
    InstalmentAgreement,
    LedgerTransfer,
    WriteOff,
)
from cis.operations import agreements, bad_debts, collecting, deposits, late_fees, ledger
from cis.queries import bad_debts as bad_debt_queries
from cis.queries import dues
from cis.queries.deposits import held_fen
from cis.queries.ledger import balance
from config.shared import approvals
from config.shared.errors import NotAllowed, Refused
from config.shared.models import Approval, OrgUnit, User
from payments.operations import ask_refund
from tests.factories.arrears import Road, at
from tests.factories.bills import issue
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The shop's bills of 1,000.00 and 500.01 yuan, due on 15 December and 15 January."""
    made = small_world()
    issue(made, 1_000_00, account=made.commercial, cycle=202511)
    issue(made, 500_01, account=made.commercial, cycle=202512)
    return made


def head_of(world: World) -> int:
    return make_user("head", OrgUnit.objects.get(pk=world.county_a_id), "leader").pk


def owed(world: World, when: datetime) -> dues.Dues:
    return dues.get_dues(account_id=world.commercial.account_id, on=when.astimezone(settings.BILLING_TIME_ZONE).date())


def sign(world: World, when: datetime, *days: date) -> int:
    bills = [bill.bill_id for bill in owed(world, when).open_bills]
    debt = owed(world, when).to_pay_fen
    parts = agreements.equal_parts(debt, len(days))
    return agreements.sign_agreement(
        account_id=world.commercial.account_id,
        bill_ids=bills,
        parts=list(zip(days, parts, strict=True)),
        evidence="户主签字，协议 2026-01 号",
        by_id=world.accountant_id,
        at=when,
    )


MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


class TestInstalments:
    @pytest.mark.acceptance("F25")
    def test_the_instalments_are_the_debt_and_paid_they_settle_it(self, world: World) -> None:
        # On 1,000 yuan 16 days at 2 permille and 20 of the new year at 3; on 500.01 five days at 2.
        debt = owed(world, at(1, 20)).to_pay_fen
        assert debt == 1_500_01 + 92_00 + 5_00

        agreement_id = sign(world, at(1, 20), MARCH, APRIL, MAY)

        parts = list(Instalment.objects.filter(agreement_id=agreement_id).values_list("amount_fen", flat=True))
        assert sum(parts) == debt == InstalmentAgreement.objects.get().debt_fen
        assert parts == [debt // 3, debt // 3, debt - 2 * (debt // 3)]
        assert owed(world, at(4, 20)).to_pay_fen == debt, "no late fee runs while it is kept"
        for day, fen in zip((at(2, 28), at(4, 1), at(4, 30)), parts, strict=True):
            assert agreements.look_at_agreements(at=day) == {"done": 0, "broken": 0}
            pay(world, fen=fen, account=world.commercial, at=day)
        assert agreements.look_at_agreements(at=at(5, 2)) == {"done": 1, "broken": 0}
        assert owed(world, at(6, 1)).to_pay_fen == 0 and not ledger.verify().faults

    @pytest.mark.acceptance("F25")
    def test_no_plan_of_another_sum_is_agreed_nor_written(self, world: World) -> None:
        debt = owed(world, at(1, 20)).to_pay_fen
        ask = partial(
            agreements.sign_agreement,
            account_id=world.commercial.account_id,
            bill_ids=[bill.bill_id for bill in owed(world, at(1, 20)).open_bills],
            evidence="签字",
            by_id=world.accountant_id,
            at=at(1, 20),
        )
        for parts in (
            [(MARCH, debt - 1)],
            [(MARCH, debt + 1)],
            [(MARCH, debt - 1), (MARCH, 1)],
            [(date(2026, 1, 20), debt)],
            [(MARCH, debt), (APRIL, 0)],
        ):
            with pytest.raises(agreements.BadPlan):
                ask(parts=parts)
        with pytest.raises(Error), transaction.atomic():
            # Around the operation: the database adds up at the end of the transaction.
            agreement = InstalmentAgreement.objects.create(
                account_id=world.commercial.account_id, debt_fen=100, signed_on=MARCH, evidence="绕过",
                made_by_id=world.accountant_id, made_at=at(1, 20),
            )  # fmt: skip
            AgreedBill.objects.create(agreement=agreement, bill=Bill.objects.get(cycle=202511), open_fen=100)
            Instalment.objects.create(agreement=agreement, seq=1, due_on=APRIL, amount_fen=99)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def test_one_person_freezes_no_debt_for_long_nor_writes_off_what_is_agreed(self, world: World) -> None:
        debt = owed(world, at(1, 20)).to_pay_fen
        for days in (
            [date(2099, 1, 1)],
            [date(2027, 2, 25)],
            [date(2026, 2, 1) + timedelta(days=20 * number) for number in range(13)],
        ):
            with pytest.raises(agreements.PlanTooLong):
                sign(world, at(1, 20), *days)
        assert owed(world, at(1, 20)).to_pay_fen == debt and not InstalmentAgreement.objects.exists()

        asked = _write_off(world)
        sign(world, at(1, 20), date(2027, 2, 24))
        with pytest.raises(bad_debts.StillAgreed):
            approvals.approve(approval_id=asked, decided_by_id=head_of(world), at=at(1, 22))
        assert agreements.look_at_agreements(at=at(1, 23)) == {"done": 0, "broken": 0}

    def test_while_kept_nothing_is_done_and_missed_the_clock_goes_on(self) -> None:
        road = Road(small_world())
        for act in ("cause", "demand", "approve", "print", "serve", "tell"):
            getattr(road, act)()
        agreement = partial(sign, road.world, at(3, 2))
        agreement_id = agreement(date(2026, 4, 1), MAY)

        with pytest.raises(collecting.NotYet) as refused:
            road.cut()
        assert "stopped-agreement" in refused.value.facts["hindrances"]
        with pytest.raises(collecting.NotYet):
            road.do(collecting.record_demand, at(3, 5), channel="visit")
        with pytest.raises(Error):
            road.cut_around()

        assert agreements.look_at_agreements(at=at(4, 1, 20)) == {"done": 0, "broken": 0}
        assert agreements.look_at_agreements(at=at(4, 2)) == {"done": 0, "broken": 1}
        assert agreements.look_at_agreements(at=at(4, 3)) == {"done": 0, "broken": 0}
        frozen = owed(road.world, at(4, 1)).to_pay_fen
        assert owed(road.world, at(4, 3)).to_pay_fen == frozen + 2_00, "two days on 500 yuan at 2 permille"
        road.do(collecting.record_demand, at(4, 5), channel="visit")
        with pytest.raises(Error), transaction.atomic():
            InstalmentAgreement.objects.filter(pk=agreement_id).update(state="kept", ended_on=None)


def _waiver(world: World) -> int:
    return late_fees.ask_waiver(
        bill_id=owed(world, at(1, 20)).open_bills[0].bill_id, amount_fen=None, reason="账单没有送达",
        asked_by_id=world.accountant_id, at=at(1, 20),
    )  # fmt: skip


def _write_off(world: World) -> int:
    return bad_debts.ask_write_off(
        account_id=world.commercial.account_id, ground="bankrupt", evidence="法院裁定（2026）破 3 号",
        reason="清算完毕", asked_by_id=world.accountant_id, at=at(1, 20),
    )  # fmt: skip


def _return(world: World) -> int:
    pay(world, fen=3_000_00, account=world.commercial, at=at(1, 20))
    deposits.hold_deposit(
        account_id=world.commercial.account_id, amount_fen=500_00, basis="协议 7 号", by_id=world.accountant_id,
        at=at(1, 20),
    )  # fmt: skip
    return deposits.ask_return(
        account_id=world.commercial.account_id, amount_fen=500_00, reason="协议到期",
        asked_by_id=world.accountant_id, at=at(1, 20),
    )  # fmt: skip


def _refund(world: World) -> int:
    pay(world, fen=3_000_00, account=world.commercial, at=at(1, 20))
    return ask_refund(
        account_id=world.commercial.account_id, amount_fen=100_00, payment_id=None, reason="客户搬家",
        org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=at(1, 20),
    )  # fmt: skip


class TestFourEyes:
    @pytest.mark.acceptance("F36")
    @pytest.mark.parametrize(
        ("ask", "role"), [(_waiver, "leader"), (_write_off, "leader"), (_return, "leader"), (_refund, "accountant")]
    )
    def test_nobody_does_both_steps(self, world: World, ask: Callable[[World], int], role: str) -> None:
        approval_id = ask(world)
        before = LedgerTransfer.objects.count()
        asker = Approval.objects.get(pk=approval_id).asked_by_id
        second = make_user("second", OrgUnit.objects.get(pk=world.province_id), role).pk

        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=approval_id, decided_by_id=asker, at=at(1, 20))
        assert LedgerTransfer.objects.count() == before
        with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
            # Neither does the register of approvals take the same person twice.
            cursor.execute(
                "UPDATE shared_approval SET state = 'carried-out', decided_by_id = asked_by_id, decided_at = now() "
                "WHERE id = %s", [approval_id],
            )  # fmt: skip
        approvals.approve(approval_id=approval_id, decided_by_id=second, at=at(1, 20))
        assert LedgerTransfer.objects.count() > before and not ledger.verify().faults

    @pytest.mark.acceptance("F36")
    def test_the_database_asks_for_the_second_person_too(self, world: World) -> None:
        row: dict[str, Any] = {
            "account_id": world.commercial.account_id, "approval_id": _write_off(world), "evidence": "绕过",
            "ground": "bankrupt", "amount_fen": 1, "asked_by_id": world.accountant_id, "at": at(1, 20),
            "business_date": MARCH,
        }  # fmt: skip
        for approver in (world.accountant_id, world.clerk_a_id):
            with pytest.raises(Error), transaction.atomic():
                WriteOff.objects.create(**row, approved_by_id=approver)
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class TestWritingOff:
    def test_the_debt_leaves_the_books_is_remembered_and_paid_after_all(self, world: World) -> None:
        account = world.commercial.account_id
        debt = owed(world, at(1, 20)).to_pay_fen
        approvals.approve(approval_id=_write_off(world), decided_by_id=head_of(world), at=at(1, 22))

        assert balance(account).receivable_fen == 0 == owed(world, at(6, 1)).to_pay_fen
        assert bad_debt_queries.written_off_fen(account) == debt == owed(world, at(6, 1)).written_off_fen
        Account.objects.filter(pk=account).update(state="closed")

        taken = pay(world, fen=1_100_00, account=world.commercial, at=at(6, 1))
        rest = pay(world, fen=debt - 1_100_00, account=world.commercial, at=at(6, 2))

        assert sum(a.amount_fen for a in (*taken.allocations, *rest.allocations)) == debt
        assert bad_debt_queries.written_off_fen(account) == 0 == balance(account).receivable_fen
        assert bad_debt_queries.list_write_offs(account)[0].recovered_fen == debt
        with pytest.raises(Refused):
            pay(world, fen=1, account=world.commercial, at=at(6, 3))
        assert not ledger.verify().faults

    def test_a_debt_that_changed_is_asked_for_anew(self, world: World) -> None:
        approval_id = _write_off(world)
        pay(world, fen=1_00, account=world.commercial, at=at(1, 20, 11))

        with pytest.raises(bad_debts.DebtChanged):
            approvals.approve(approval_id=approval_id, decided_by_id=head_of(world), at=at(1, 21))


class TestDeposits:
    def test_held_apart_it_pays_nothing_until_the_account_is_closed(self, world: World) -> None:
        account = world.commercial.account_id
        pay_all(world, account=world.commercial, at=at(1, 20))
        pay(world, fen=800_00, account=world.commercial, at=at(1, 20))
        hold = partial(deposits.hold_deposit, account_id=account, basis="协议 7 号", by_id=world.accountant_id)
        hold(amount_fen=600_00, at=at(1, 21))
        with pytest.raises(deposits.NotEnough):
            hold(amount_fen=200_01, at=at(1, 21))
        issue(world, 700_00, account=world.commercial, cycle=202601, due_on=date(2026, 2, 15))
        apply = partial(deposits.apply_deposit, account_id=account, by_id=world.accountant_id, at=at(2, 10))
        with pytest.raises(deposits.NotClosed):
            apply()

        Account.objects.filter(pk=account).update(state="closed")

        assert apply() == 600_00
        assert (held_fen(account), Bill.objects.get(cycle=202601).open_fen) == (0, 100_00)
        with pytest.raises(deposits.NotEnough):
            apply()
        assert [move.what for move in DepositMove.objects.order_by("pk")] == ["held", "applied"]
        assert not ledger.verify().faults


class TestPage:
    def test_agreed_and_asked_for_on_the_page(self, world: World) -> None:
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = f"/console/accounts/{world.commercial.account_no}/debts/"
        bills = [str(bill.pk) for bill in Bill.objects.order_by("pk")]
        typed = {"act": "agree", "agree-bills": bills, "agree-count": "3", "agree-evidence": "户主签字"}
        first = timezone.localdate() + timedelta(days=30)

        wrong = client.post(address, {**typed, "agree-first_on": "2020-01-01"})
        done = client.post(address, {**typed, "agree-first_on": first.isoformat()})
        shown = client.get(address).content.decode()

        assert (wrong.status_code, done.status_code) == (422, 302)
        assert "户主签字" in wrong.content.decode() and "合计要正好等于欠费" in wrong.content.decode()
        days = list(Instalment.objects.order_by("seq").values_list("due_on", flat=True))
        assert days == [months_later(first, number) for number in range(3)]
        assert "履行中" in shown and "签一份分期协议" not in shown
        off = {"act": "write-off", "off-ground": "deceased", "off-evidence": "死亡证明 5 号", "off-reason": "无遗产"}
        refused = client.post(address, off)
        assert refused.status_code == 422 and "欠费里有正在履行的分期协议" in refused.content.decode()
        InstalmentAgreement.objects.update(state="broken", ended_on=first)
        asked = client.post(address, off)
        assert asked.status_code == 302 and "核销申请等审批" in client.get(address).content.decode()
