"""
A machine that pays, tells, repeats, takes back, refunds here and there, closes days and dies in any order; what must
always hold.

A failing run is printed as the calls that lead to it; hypothesis keeps it and plays it first the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cis.operations import ledger
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from payments import operations
from payments.channels import wechat_keys
from payments.channels.base import Incoming, Payer, Scene
from payments.models import Payback, Payment, PaymentOrder, WalletNotice
from payments.operations.orders import order_number
from payments.operations.paybacks import pursue_payback
from payments.simulators import agreed
from payments.simulators.wechat_pay.checks import Refused as ProviderRefused
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.channels import Bank, connect_bank, today
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_wechat_simulator import Inbox

pytestmark = pytest.mark.django_db

AMOUNTS = st.sampled_from([1, 700, 1_999, 3_000, 5_001, 100_000])
FEW = st.integers(0, 2)
ACCOUNTS = st.integers(0, 1)
BANKS = st.integers(0, 1)
DEATHS = st.one_of(st.just(0), st.just(0), st.just(0), st.integers(1, 40))
"""the statement before which the process dies; 0, as mostly: it lives"""


class Killed(BaseException):
    """The process is gone: nobody catches it, nothing is answered."""


@contextmanager
def dies_before(statement: int) -> Iterator[None]:
    """The process dies before its n-th statement, or lives where there are not so many; what it began is undone."""
    count = 0

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        if count == statement:
            raise Killed
        return execute(sql, params, many, context)

    with suppress(Killed), transaction.atomic(), connection.execute_wrapper(watch):
        yield


class Money(RuleBasedStateMachine):
    """Two accounts, two banks, a counter, WeChat Pay."""

    world: ClassVar[World]
    banks: ClassVar[list[Bank]]
    server: ClassVar[Any]
    inbox: ClassVar[Inbox]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.server.wechat.reset()
        self.server.behave({"hold": True, "refunds_end": "PROCESSING"})
        self.kept: dict[tuple[str, str], tuple[int, int]] = {}
        """(channel, serial) to (account, fen): what somebody was told is booked"""
        self.blocked: set[tuple[str, str]] = set()
        self.reversed: set[tuple[str, str]] = set()
        self.orders: dict[int, tuple[int, int, str]] = {}
        self.paid_there: dict[str, int] = {}
        self.asked: list[int] = []
        self.day_closed = False
        self.revision = 0

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    @initialize()
    def first_bills(self) -> None:
        for place in (0, 1):
            self.bill_is_issued(place, 3_000)

    def account(self, place: int) -> Any:
        return (self.world.residential, self.world.commercial)[place]

    @rule(place=ACCOUNTS, fen=AMOUNTS)
    def bill_is_issued(self, place: int, fen: int) -> None:
        self.revision += 1
        issue(self.world, fen, account=self.account(place), revision=self.revision, due_on=NOT_YET_DUE)

    # --- Banks -------------------------------------------------------------------------------

    @rule(which=BANKS, number=FEW, place=ACCOUNTS, fen=AMOUNTS, yesterday=st.booleans(), death=DEATHS)
    def bank_pays(self, which: int, number: int, place: int, fen: int, yesterday: bool, death: int) -> None:
        bank, serial, answer = self.banks[which], f"S{number}", None
        day = (timezone.localdate() - timedelta(days=yesterday)).isoformat()
        with dies_before(death):
            answer = bank.pay(self.account(place).account_no, fen, serial=serial, bank_date=day)
        if answer is None:
            return
        assert answer.status_code < 500, answer.content
        key, told = (bank.code, serial), (self.account(place).account_id, fen)
        if answer.status_code == 201:
            assert self.kept.setdefault(key, told) == told
            assert key not in self.blocked
        elif key in self.blocked:
            assert answer.json()["reason"] == "serial-blocked"
        elif yesterday and self.day_closed and key not in self.kept:
            assert answer.json()["reason"] == "day-not-accepted"
        else:
            assert answer.json()["reason"] == "serial-used-otherwise", answer.json()

    @rule(which=BANKS, number=FEW, again=st.integers(0, 1), death=DEATHS)
    def bank_reverses(self, which: int, number: int, again: int, death: int) -> None:
        bank, serial, answer = self.banks[which], f"S{number}", None
        before = Payment.objects.filter(channel=bank.code, serial=serial).exists()
        with dies_before(death):
            answer = bank.reverse(serial, bank_date=today(), reversal_serial=f"R{number}-{again}")
        if answer is None or answer.status_code not in (200, 201):
            assert answer is None or answer.status_code < 500, answer.content
            return
        (self.reversed if before else self.blocked).add((bank.code, serial))
        assert answer.json()["state"] == ("reversed" if before else "blocked"), answer.json()

    # --- Counter -----------------------------------------------------------------------------

    @rule(number=FEW, place=ACCOUNTS, fen=AMOUNTS, death=DEATHS)
    def clerk_takes(self, number: int, place: int, fen: int, death: int) -> None:
        key, told = ("counter", f"form-{number:04}"), (self.account(place).account_id, fen)
        taken = None
        with dies_before(death):
            try:
                taken = pay(self.world, fen=fen, account=self.account(place), key=key[1], at=timezone.now())
            except operations.KeyUsedOtherwise:
                assert Payment.objects.filter(channel=key[0], serial=key[1]).exists()
        if taken is not None:
            assert self.kept.setdefault(key, told) == told

    @rule(number=FEW, death=DEATHS)
    def clerk_takes_back(self, number: int, death: int) -> None:
        payment = Payment.objects.filter(channel="counter", serial=f"form-{number:04}").first()
        done = False
        if payment is None:
            return
        with dies_before(death):
            try:
                operations.reverse_payment(
                    payment_id=payment.pk, reason="金额录错", reversed_by_id=self.world.clerk_a_id, at=timezone.now()
                )
                done = True
            except (Refused, BadInput):
                pass
        if done:
            self.reversed.add(("counter", payment.serial))

    @rule(place=ACCOUNTS, fen=AMOUNTS, death=DEATHS)
    def clerk_asks_for_a_refund(self, place: int, fen: int, death: int) -> None:
        asked = None
        with dies_before(death), suppress(Refused, BadInput):
            asked = operations.ask_refund(
                account_id=self.account(place).account_id, amount_fen=fen, payment_id=None, reason="多交",
                org_unit_id=self.world.hall_a_id, asked_by_id=self.world.clerk_a_id, at=timezone.now(),
            )  # fmt: skip
        if asked is not None:
            self.asked.append(asked)

    @precondition(lambda self: self.asked)
    @rule(number=FEW, death=DEATHS)
    def manager_approves(self, number: int, death: int) -> None:
        with dies_before(death), suppress(Refused, BadInput, NotFound):
            approvals.approve(
                approval_id=self.asked[number % len(self.asked)], decided_by_id=self.world.manager_id,
                at=timezone.now(),
            )  # fmt: skip

    # --- WeChat Pay --------------------------------------------------------------------------

    @rule(number=FEW, place=ACCOUNTS, fen=AMOUNTS)
    def customer_starts_an_order(self, number: int, place: int, fen: int) -> None:
        try:
            started = operations.start_order(
                account_id=self.account(place).account_id, amount_fen=fen, form_key=f"order-{number:04}",
                created_by_id=self.world.portal_user_id, channel="wechat", payer=Payer(Scene.DESKTOP),
                notify_url=self.inbox.url, return_url="https://example.test/{order}/", at=timezone.now(),
            )  # fmt: skip
        except (Refused, BadInput):
            assert number in self.orders
            return
        earlier = self.orders.setdefault(number, (place, fen, started.begun.code))
        assert earlier[:2] == (place, fen)

    @precondition(lambda self: self.orders)
    @rule(number=FEW)
    def customer_pays_it(self, number: int) -> None:
        if number not in self.orders:
            return
        _place, fen, code = self.orders[number]
        with suppress(ProviderRefused):
            self.server.wechat.pay(code.rpartition("pr=")[2])
            self.paid_there[order_number("wechat", f"order-{number:04}")] = fen

    @precondition(lambda self: self.server.wechat.notifier.behaviour.held)
    @rule(number=FEW, death=DEATHS, times=st.integers(1, 3))
    def wechat_tells(self, number: int, death: int, times: int) -> None:
        held = self.server.wechat.notifier.behaviour.held
        held[number % len(held)]()
        headers, body = self.inbox.got[-1]
        for _time in range(times):
            with dies_before(death), suppress(operations.NoticeRefused):
                operations.receive_notice(channel="wechat", incoming=Incoming(headers, body), at=timezone.now())

    @precondition(lambda self: self.server.wechat.notifier.behaviour.held)
    @rule(number=FEW)
    def a_notice_is_lost(self, number: int) -> None:
        held = self.server.wechat.notifier.behaviour.held
        held.pop(number % len(held))

    @rule(number=FEW, death=DEATHS, late=st.booleans())
    def we_ask_wechat(self, number: int, death: int, late: bool) -> None:
        name = order_number("wechat", f"order-{number:04}")
        if not PaymentOrder.objects.filter(out_trade_no=name).exists():
            return
        if late:
            # An order is kept for fifteen minutes; its end is put into the past, not the clock into the future.
            PaymentOrder.objects.filter(out_trade_no=name).update(expires_at=timezone.now())
        with dies_before(death), suppress(operations.ProviderSilent):
            operations.ask_about_order(out_trade_no=name, at=timezone.now())

    # --- Refunds through WeChat Pay ----------------------------------------------------------

    @precondition(lambda self: self.paid_there)
    @rule(number=FEW, fen=AMOUNTS, death=DEATHS)
    def clerk_asks_to_refund_by_wechat(self, number: int, fen: int, death: int) -> None:
        payment = Payment.objects.filter(channel="wechat", serial=order_number("wechat", f"order-{number:04}")).first()
        if payment is None:
            return
        asked = None
        with dies_before(death), suppress(Refused, BadInput):
            asked = operations.ask_refund(
                account_id=payment.account_id, amount_fen=fen, payment_id=payment.pk, reason="多交",
                org_unit_id=self.world.hall_a_id, asked_by_id=self.world.clerk_a_id, at=timezone.now(),
            )  # fmt: skip
        if asked is not None:
            self.asked.append(asked)

    @rule(death=DEATHS, lost=st.sampled_from(["", "hang_up_before", "hang_up_after"]))
    def refunds_are_sent(self, death: int, lost: str) -> None:
        if lost:
            self.server.behave({lost: 1})
        self.pursue(death=death)
        self.server.behave({"hang_up_before": 0, "hang_up_after": 0})

    def pursue(self, *, death: int = 0) -> None:
        for payback in Payback.objects.order_by("pk"):
            Payback.objects.filter(pk=payback.pk).update(turns=F("turns") + 1)
            with dies_before(death), suppress(operations.ProviderSilent):
                pursue_payback(payback_id=payback.pk, at=timezone.now())

    @rule(number=FEW, end=st.sampled_from(["SUCCESS", "CLOSED", "ABNORMAL"]))
    def wechat_ends_a_refund(self, number: int, end: str) -> None:
        """What was abnormal may still be sent on in WeChat Pay's own console."""
        on_the_way = [one for one in self.refunds_there() if one.state in ("PROCESSING", "ABNORMAL")]
        if on_the_way:
            self.server.wechat.end_refund(on_the_way[number % len(on_the_way)].out_refund_no, end)

    def refunds_there(self) -> list[Any]:
        return [one for order in self.server.wechat.orders.values() for one in order.refunds.values()]

    @invariant()
    def invariant_12_what_went_back_there_was_approved_here_and_is_within_its_payment(self) -> None:
        approved = {one.out_refund_no: one.amount_fen for one in Payback.objects.all()}
        assert all(approved.get(one.out_refund_no) == one.amount_fen for one in self.refunds_there())
        for order in self.server.wechat.orders.values():
            assert order.refunded_fen <= order.amount_fen
        done = {one.out_refund_no for one in self.refunds_there() if one.state == "SUCCESS"}
        assert set(Payback.objects.filter(state="done").values_list("out_refund_no", flat=True)) <= done

    # --- The books ---------------------------------------------------------------------------

    @precondition(lambda self: not self.day_closed)
    @rule(death=DEATHS)
    def yesterday_is_closed(self, death: int) -> None:
        done = False
        with dies_before(death):
            ledger.close_days(closed_by_id=None, at=timezone.now())
            done = True
        self.day_closed = self.day_closed or done

    @invariant()
    def invariants_01_02_04_the_books_are_sound(self) -> None:
        assert ledger.verify().faults == ()

    @invariant()
    def invariants_01_08_10_11_12_every_act_is_complete(self) -> None:
        assert all(number == 0 for number in _counts(_INCOMPLETE).values()), _counts(_INCOMPLETE)

    @invariant()
    def invariants_05_09_what_was_told_is_booked_once_and_nothing_blocked_is(self) -> None:
        found = {(p.channel, p.serial): (p.account_id, p.amount_fen) for p in Payment.objects.all()}
        assert {key: found.get(key) for key in self.kept} == self.kept
        assert not self.blocked & set(found)

    @invariant()
    def invariants_18_19_an_order_is_paid_where_its_money_is_booked(self) -> None:
        for order in PaymentOrder.objects.select_related("payment"):
            booked = Payment.objects.filter(channel="wechat", serial=order.out_trade_no).first()
            assert (order.state == PaymentOrder.State.PAID) == (booked is not None)
            if booked is not None:
                assert order.payment_id == booked.pk
                assert booked.amount_fen == order.amount_fen == self.paid_there[order.out_trade_no]

    def settle(self) -> None:
        """In the end every notice is kept and booked, and every open order asked about."""
        for send in list(self.server.wechat.notifier.behaviour.held):
            send()
            headers, body = self.inbox.got[-1]
            with suppress(operations.NoticeRefused):
                operations.receive_notice(channel="wechat", incoming=Incoming(headers, body), at=timezone.now())
        for name in self.paid_there:
            operations.ask_about_order(out_trade_no=name, at=timezone.now())
            for notice in WalletNotice.objects.filter(out_trade_no=name):
                operations.book_notice(channel="wechat", notice_id=notice.notice_id)
        self.pursue()
        for refund in self.refunds_there():
            if refund.state == "PROCESSING":
                self.server.wechat.end_refund(refund.out_refund_no, "SUCCESS")
        self.pursue()

    @precondition(lambda self: self.paid_there)
    @rule()
    def invariant_15_43_in_the_end_everything_paid_there_is_booked_here(self) -> None:
        self.settle()
        for name, fen in self.paid_there.items():
            assert Payment.objects.get(channel="wechat", serial=name).amount_fen == fen
        here = {one.out_refund_no: one.state for one in Payback.objects.all()}
        assert here == {
            one.out_refund_no: "done" if one.state == "SUCCESS" else "failed" for one in self.refunds_there()
        }


_INCOMPLETE = {
    # The transfers of a payment move its amount; its parts add up to it.
    "payments": """
        SELECT count(*) FROM payments_payment p
        WHERE p.amount_fen <> (SELECT coalesce(sum(t.amount_fen), 0) FROM cis_ledger_transfer t
                               WHERE t.kind = 3 AND t.document_id = p.id AND t.debit_id < 0)
           OR p.amount_fen <> p.prepaid_fen + (SELECT coalesce(sum(a.amount_fen), 0) FROM payments_allocation a
                                               WHERE a.payment_id = p.id)""",
    # A reversal is its payment, leg by leg, the other way round.
    "reversals": """
        SELECT count(*) FROM payments_reversal r WHERE EXISTS (
            (SELECT t.debit_id, t.credit_id, t.amount_fen FROM cis_ledger_transfer t
             WHERE t.kind = 3 AND t.document_id = r.payment_id
             EXCEPT ALL SELECT t.credit_id, t.debit_id, t.amount_fen FROM cis_ledger_transfer t
             WHERE t.kind = 4 AND t.document_id = r.id)
            UNION ALL
            (SELECT t.credit_id, t.debit_id, t.amount_fen FROM cis_ledger_transfer t
             WHERE t.kind = 4 AND t.document_id = r.id
             EXCEPT ALL SELECT t.debit_id, t.credit_id, t.amount_fen FROM cis_ledger_transfer t
             WHERE t.kind = 3 AND t.document_id = r.payment_id))""",
    "bills paid beyond what they ask": """
        SELECT count(*) FROM cis_bill b WHERE b.open_fen < 0 OR b.total_fen <
            (SELECT coalesce(sum(a.amount_fen - a.fee_fen), 0) FROM payments_allocation a
             WHERE a.bill_id = b.id AND NOT EXISTS (SELECT 1 FROM payments_reversal r
                                                    WHERE r.payment_id = a.payment_id))""",
    "refunds beyond their payment": """
        SELECT count(*) FROM payments_payment p WHERE p.amount_fen <
            (SELECT coalesce(sum(f.amount_fen), 0) FROM payments_refund f WHERE f.payment_id = p.id)""",
    "refunds that moved something else": """
        SELECT count(*) FROM payments_refund f WHERE f.amount_fen <>
            (SELECT coalesce(sum(t.amount_fen), 0) FROM cis_ledger_transfer t
             WHERE t.kind = 5 AND t.document_id = f.id)""",
    # What a provider took and did not bring back, by what is on its way or there; what was approved and not taken lies
    # with what is to be paid.
    "refunds through a provider that are not where they are": """
        SELECT count(*) FROM payments_payback b
        WHERE CASE WHEN b.state IN ('sent', 'done') THEN b.amount_fen ELSE 0 END <>
            (SELECT coalesce(sum(CASE WHEN t.kind = 6 THEN t.amount_fen ELSE -t.amount_fen END), 0)
             FROM cis_ledger_transfer t
             WHERE t.document_id = b.refund_id AND (t.kind = 6 OR t.kind = 7 AND t.leg = 1))""",
    "refunds to be paid that nobody waits for": """
        SELECT abs((SELECT coalesce(sum(CASE WHEN t.credit_id = -224194 THEN t.amount_fen ELSE -t.amount_fen END), 0)
                    FROM cis_ledger_transfer t WHERE -224194 IN (t.debit_id, t.credit_id)) -
                   (SELECT coalesce(sum(b.amount_fen), 0) FROM payments_payback b WHERE b.state = 'asked'))""",
    "money booked without its document": """
        SELECT count(*) FROM cis_ledger_transfer t
        WHERE t.kind = 3 AND NOT EXISTS (SELECT 1 FROM payments_payment p WHERE p.id = t.document_id)
           OR t.kind = 4 AND NOT EXISTS (SELECT 1 FROM payments_reversal r WHERE r.id = t.document_id)""",
}


def _counts(queries: dict[str, str]) -> dict[str, int]:
    found = {}
    with connection.cursor() as cursor:
        for name, sql in queries.items():
            cursor.execute(sql)
            found[name] = int(cursor.fetchone()[0])
    return found


@pytest.fixture
def wechat(settings: Any, tmp_path: Path) -> Iterator[Any]:
    said = {**settings.WECHAT_PAY, "key_file": str(tmp_path / "keys.json"), "gateway": "http://127.0.0.1:0"}
    settings.WECHAT_PAY = said
    server = agreed.wechat_pay(at=timezone.now())
    assert server is not None
    settings.WECHAT_PAY = {**said, "gateway": server.url}
    wechat_keys.agreement.cache_clear()
    server.start()
    yield server
    server.stop()
    wechat_keys.agreement.cache_clear()


class TestMoney:
    def test_keeps_every_promise_whatever_happens_in_whatever_order(self, wechat: Any, settings: Any) -> None:
        Money.world = small_world()
        Money.banks = [connect_bank(Money.world, "icbc"), connect_bank(Money.world, "ccb")]
        Money.server, Money.inbox = wechat, Inbox()
        settings.WALLET_NOTIFY_BASE = Money.inbox.url

        run_state_machine_as_test(
            Money,
            settings=how(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                # Shrinking takes minutes; the calls that are printed play the run again.
                phases=[Phase.explicit, Phase.reuse, Phase.generate],
                print_blob=True,
            ),
        )
