"""Refunds through WeChat Pay and Alipay: two persons, one number, told or not, done or failed; no fen twice or lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from cis.operations import ledger
from cis.queries.collection import received_by_month
from config.shared import approvals
from config.shared.errors import Refused
from config.shared.models import Message, OrgUnit
from payments import handlers, operations, queries, tasks
from payments.channels import CHANNELS, alipay_keys, wechat_keys
from payments.channels.base import NoAnswer, RefundFound, RefundToSend
from payments.events import RefundFailed, RefundNoticeStored
from payments.models import Payback, Payment, PaymentOrder, Refund, RefundNotice, WalletNotice
from payments.operations import held_money
from payments.operations.paybacks import book_refund_notice, paybacks_to_pursue, pursue_payback
from tests.factories.staff import prove
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_held_money import on, people
from tests.integration.payments.test_provider_orders import FEN, Provider, money, post, provider, receive, start
from tests.integration.payments.test_refunds import a_refund, signed_in
from tests.integration.payments.test_taking import together

__all__ = ["provider"]
pytestmark = pytest.mark.django_db(transaction=True)
CLEARINGS = {"wechat": "WECHAT_CLEARING", "alipay": "ALIPAY_CLEARING"}


def paid(world: World, provider: Provider) -> Payment:
    """The first account has paid 186.40 yuan ahead through the provider."""
    started = start(world, provider)
    provider.pay(started)
    receive(provider, provider.told())
    provider.inbox.got.clear()
    return Payment.objects.get(serial=started.out_trade_no)


def ask(world: World, payment: Payment, fen: int) -> int:
    return operations.ask_refund(
        account_id=world.residential.account_id, amount_fen=fen, payment_id=payment.pk, reason="多交了",
        org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=timezone.now(),
    )  # fmt: skip


def approve(world: World, asked: int) -> Any:
    return approvals.approve(approval_id=asked, decided_by_id=world.manager_id, at=timezone.now())


def give_back(world: World, payment: Payment, fen: int) -> Payback:
    """Asked for by the clerk, approved by the manager; not sent yet."""
    approve(world, ask(world, payment, fen))
    return Payback.objects.latest("pk")


def turn(payback: Payback) -> str:
    """Its next turn comes, as the clock would bring it."""
    Payback.objects.filter(pk=payback.pk).update(ask_at=timezone.now())
    tasks.send_refunds()
    payback.refresh_from_db()
    return payback.state


def there(provider: Provider, payment: Payment) -> dict[str, int]:
    """What the provider has given back of a payment, by our numbers."""
    if provider.channel == "wechat":
        order = provider.server.wechat.orders[wechat_keys.SIMULATED_MCHID, payment.serial]
        return {number: one.amount_fen for number, one in order.refunds.items() if one.state == "SUCCESS"}
    trade = provider.server.alipay.trades[alipay_keys.SIMULATED_APP, payment.serial]
    return {number: one.amount_fen for number, one in trade.refunds.items()}


def lies(world: World, provider: Provider) -> tuple[int, int, int]:
    """Prepayment, refunds to be paid, what the provider owes us."""
    assert ledger.verify().faults == ()
    return money(world), on("REFUNDS_PAYABLE"), -on(CLEARINGS[provider.channel])


def notify_here(settings: Any, provider: Provider) -> None:
    """WeChat Pay is told our address with the refund; Alipay has it from the order."""
    settings.WALLET_NOTIFY_BASE = provider.inbox.url.removesuffix("/")


class TestARefund:
    @pytest.mark.acceptance("F50")
    def test_invariant_12_concurrent_partial_refunds_never_exceed_the_payment_here_or_there(
        self, provider: Provider
    ) -> None:
        world = small_world()
        payment = paid(world, provider)
        pay(world, fen=100_000, at=timezone.now())

        def again_and_again(fen: int) -> int:
            given = 0
            for _time in range(12):
                try:
                    approve(world, ask(world, payment, fen))
                    given += fen
                except Refused:
                    pass
                tasks.send_refunds()
            return given

        results = together([partial(again_and_again, fen) for fen in (2_640, 3_100, 4_000, 5_000)])
        for payback in Payback.objects.exclude(state="done"):
            turn(payback)

        assert all(isinstance(one, int) for one in results), results
        given = sum(Refund.objects.filter(payment=payment).values_list("amount_fen", flat=True))
        assert FEN - 2_640 < given <= FEN and given == sum(results)
        assert there(provider, payment) == {str(one): one.amount_fen for one in Refund.objects.all()}
        assert set(Payback.objects.values_list("state", flat=True)) == {"done"}
        assert lies(world, provider) == (100_000 + FEN - given, 0, FEN - given)

    def test_lies_with_what_is_to_be_paid_until_the_provider_takes_it(self, provider: Provider) -> None:
        world = small_world()
        payment = paid(world, provider)

        payback = give_back(world, payment, 4_000)
        assert lies(world, provider) == (FEN - 4_000, 4_000, FEN)
        assert there(provider, payment) == {}
        tasks.send_refunds()
        assert there(provider, payment) == {str(payback): 4_000}
        assert turn(payback) == "done"

        assert lies(world, provider) == (FEN - 4_000, 0, FEN - 4_000)
        assert payback.ask_at is None and paybacks_to_pursue(at=timezone.now() + timedelta(days=9)) == ()

    def test_is_sent_once_when_many_processes_send(self, provider: Provider) -> None:
        world = small_world()
        payment = paid(world, provider)
        payback = give_back(world, payment, 4_000)
        at = timezone.now()

        together([lambda: pursue_payback(payback_id=payback.pk, at=at)] * 4 + [tasks.send_refunds] * 4)

        assert there(provider, payment) == {str(payback): 4_000}
        assert lies(world, provider) == (FEN - 4_000, 0, FEN - 4_000)

    @pytest.mark.parametrize("lost", ["hang_up_after", "hang_up_before", "forge_replies"])
    def test_whose_answer_is_lost_is_asked_about_and_never_done_twice(self, provider: Provider, lost: str) -> None:
        world = small_world()
        payment = paid(world, provider)
        payback = give_back(world, payment, 4_000)
        provider.server.behave({lost: 1})

        tasks.send_refunds()
        payback.refresh_from_db()
        assert (payback.state, lies(world, provider)) == ("asked", (FEN - 4_000, 4_000, FEN))
        turn(payback)

        assert turn(payback) == "done"
        assert there(provider, payment) == {str(payback): 4_000}
        assert lies(world, provider) == (FEN - 4_000, 0, FEN - 4_000)

    def test_beyond_what_the_payment_has_left_is_refused_by_the_database_too(self, provider: Provider) -> None:
        world = small_world()
        payment = paid(world, provider)
        give_back(world, payment, FEN - 1)
        pay(world, fen=10_000, at=timezone.now())
        with pytest.raises(operations.WayNotOpen):
            ask(world, payment, 2)
        asked = [self._other_approval(world) for _one in range(2)]

        def around(approval_id: int) -> None:
            with transaction.atomic():
                a_refund(
                    world, approval_id, amount_fen=1, method=payment.method, payment=payment
                ).save(force_insert=True)  # fmt: skip

        results = together([partial(around, one) for one in asked])

        refused = [one for one in results if isinstance(one, Exception)]
        assert len(refused) == 1 and "refunds of a payment are not more than the payment" in str(refused[0])

    def _other_approval(self, world: World) -> int:
        asked = operations.ask_refund(
            account_id=world.residential.account_id, amount_fen=1, payment_id=None, reason="x",
            org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=timezone.now(),
        )  # fmt: skip
        approvals.withdraw(approval_id=asked, asked_by_id=world.clerk_a_id, at=timezone.now())
        return asked

    def test_of_a_payment_of_last_year_goes_another_way(self, provider: Provider) -> None:
        world = small_world()
        payment = paid(world, provider)
        later = timezone.now() + timedelta(days=365)

        with pytest.raises(operations.WayNotOpen):
            operations.ask_refund(
                account_id=world.residential.account_id, amount_fen=1, payment_id=payment.pk, reason="x",
                org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=later,
            )  # fmt: skip
        form = partial(queries.refund_form, account_no=world.residential.account_no)
        assert form(on=later.date() + timedelta(days=1)).ways == ()
        assert [way.left_fen for way in form(on=timezone.localdate()).ways] == [FEN]

    def test_of_a_second_payment_of_one_order_goes_back_by_the_providers_number(self, provider: Provider) -> None:
        """Held, and booked to the account under the provider's number of it, which the refund then names."""
        world = small_world()
        first = paid(world, provider)
        second = start(world, provider)
        provider.pay(second)
        told = provider.told()
        PaymentOrder.objects.filter(out_trade_no=second.out_trade_no).update(state="closed")
        receive(provider, told)
        notice = WalletNotice.objects.get(outcome="order-closed")
        asks, decides = people(world)
        WalletNotice.objects.filter(pk=notice.pk).update(out_trade_no=first.serial)
        asked = held_money.ask_to_settle(
            notice_id=notice.pk, account_no=world.residential.account_no, reason="付了两次", asked_by_id=asks,
            at=timezone.now(),
        )  # fmt: skip
        approvals.approve(approval_id=asked, decided_by_id=decides, at=timezone.now())
        settled = Payment.objects.get(serial=notice.provider_no)

        payback = give_back(world, settled, FEN)
        tasks.send_refunds()

        assert turn(payback) == "done"
        second_there = settled
        second_there.serial = second.out_trade_no
        assert there(provider, second_there) == {str(payback): FEN}
        assert there(provider, first) == {}
        assert lies(world, provider) == (FEN, 0, FEN)


class TestANotice:
    def test_of_a_refund_books_it_once_however_often_and_in_whatever_order_it_comes(
        self, provider: Provider, settings: Any
    ) -> None:
        world = small_world()
        notify_here(settings, provider)
        provider.server.behave({"times": 4, "pace": 0, "refunds_end": "SUCCESS"})
        started = start(world, provider)
        provider.pay(started)
        receive(provider, provider.told(4))
        provider.inbox.got.clear()
        payment = Payment.objects.get()
        payback = give_back(world, payment, 4_000)
        tasks.send_refunds()
        told = [provider.told(count) for count in range(1, 5)]

        assert post(provider, told[0]) == 200
        assert post(provider, told[0]) in (200, 400)
        together([partial(self._receive, provider, one) for one in (*told[1:], *reversed(told))])
        for notice in RefundNotice.objects.all():
            handlers.book_stored_refund_notice(
                RefundNoticeStored(str(payback), notice_id=notice.notice_id, channel=provider.channel)
            )

        assert turn(payback) == "done"
        # One notice by the provider's id, and what was answered when it was asked.
        kept = RefundNotice.objects.exclude(notice_id__startswith="asked:")
        assert [one.out_refund_no for one in kept] == [str(payback)]
        assert lies(world, provider) == (FEN - 4_000, 0, FEN - 4_000)
        payback.refresh_from_db()
        assert (payback.refund_no_there != "") == (provider.channel == "wechat")

    def _receive(self, provider: Provider, told: Any) -> None:
        try:
            receive(provider, told)
        except operations.NoticeRefused:
            pass

    def test_that_is_lost_is_made_up_for_by_asking(self, provider: Provider, settings: Any) -> None:
        world = small_world()
        payment = paid(world, provider)
        notify_here(settings, provider)
        provider.server.behave({"lose": 9})
        payback = give_back(world, payment, FEN)
        tasks.send_refunds()

        assert turn(payback) == "done"
        assert lies(world, provider) == (0, 0, 0)

    def test_that_was_altered_is_not_believed(self, provider: Provider, settings: Any) -> None:
        world = small_world()
        payment = paid(world, provider)
        notify_here(settings, provider)
        payback = give_back(world, payment, 4_000)
        tasks.send_refunds()
        headers, body = provider.told()
        before = lies(world, provider)

        changed = (
            body.replace("summary", "summarx", 1) if provider.channel == "wechat" else body.replace("186", "187", 1)
        )
        assert changed != body
        assert post(provider, (headers, changed)) == 400

        assert not RefundNotice.objects.exclude(notice_id__startswith="asked:").exists()
        assert lies(world, provider) == before
        assert turn(payback) == "done"

    def test_of_another_amount_or_payment_or_of_no_refund_of_ours_is_kept_and_never_booked(
        self, provider: Provider
    ) -> None:
        world = small_world()
        payment = paid(world, provider)
        payback = give_back(world, payment, 4_000)
        said = {
            "channel": provider.channel, "out_refund_no": str(payback), "provider_no": payback.provider_no,
            "standing": "done", "amount_fen": 4_000, "body": "{}", "signature": "", "received_at": timezone.now(),
        }  # fmt: skip
        wrong: dict[str, dict[str, Any]] = {
            "amount-differs": {"amount_fen": 4_001},
            "payment-differs": {"provider_no": "4200"},
            "refund-unknown": {"out_refund_no": "TF20260101000"},
        }
        for code, change in wrong.items():
            RefundNotice.objects.create(**{**said, "notice_id": code, **change})
            book_refund_notice(channel=provider.channel, notice_id=code)
            assert RefundNotice.objects.get(notice_id=code).outcome == code

        payback.refresh_from_db()
        assert (payback.state, payback.fault) == ("asked", "payment-differs")
        assert lies(world, provider) == (FEN - 4_000, 4_000, FEN)


KILLED = """
    import os, signal, sys
    import django
    django.setup()
    from django.conf import settings
    from django.utils import timezone
    from payments.channels import CHANNELS
    from payments.operations import paybacks

    channel, gateway, key_file, payback_id, place = sys.argv[1:]
    setting = {"wechat": "WECHAT_PAY", "alipay": "ALIPAY"}[channel]
    setattr(settings, setting, {**getattr(settings, setting), "gateway": gateway, "key_file": key_file})

    def die(*_args, **_kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    if place == "sent, not recorded":
        paybacks._keep_and_book = die
    elif place == "kept, not booked":
        paybacks.book_refund_notice = die
    else:
        paybacks._asked = die
    paybacks.paybacks_to_pursue(at=timezone.now())
    paybacks.pursue_payback(payback_id=int(payback_id), at=timezone.now())
"""


class TestAKilledProcess:
    @pytest.mark.parametrize("place", ["taken, not sent", "sent, not recorded", "kept, not booked"])
    def test_invariant_25_neither_loses_a_refund_nor_makes_it_twice(
        self, transactional_db: None, provider: Provider, settings: Any, place: str
    ) -> None:
        world = small_world()
        payment = paid(world, provider)
        payback = give_back(world, payment, 4_000)
        said = getattr(settings, {"wechat": "WECHAT_PAY", "alipay": "ALIPAY"}[provider.channel])

        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLED), provider.channel, said["gateway"], said["key_file"],
             str(payback.pk), place],
            cwd=settings.BASE_DIR, env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert process.returncode == -signal.SIGKILL, process.stderr
        assert there(provider, payment) == ({} if place == "taken, not sent" else {str(payback): 4_000})
        assert lies(world, provider) == (FEN - 4_000, 4_000, FEN)
        for notice in RefundNotice.objects.all():
            handlers.book_stored_refund_notice(
                RefundNoticeStored(str(payback), notice_id=notice.notice_id, channel=provider.channel)
            )
        turn(payback)

        assert turn(payback) == "done"
        assert there(provider, payment) == {str(payback): 4_000}
        assert lies(world, provider) == (FEN - 4_000, 0, FEN - 4_000)


@pytest.fixture
def wechat(request: Any, settings: Any, tmp_path: Any) -> Any:
    """WeChat Pay alone: what only it does."""
    request.param = "wechat"
    return (yield from provider.__wrapped__(request, settings, tmp_path))  # type: ignore[attr-defined]


class TestWeChatPay:
    def test_invariant_12_gives_a_payment_back_in_fifty_parts_and_not_in_fifty_one(self, wechat: Provider) -> None:
        world = small_world()
        payment = paid(world, wechat)
        for _part in range(50):
            give_back(world, payment, 1)
        with pytest.raises(operations.WayNotOpen) as refused:
            ask(world, payment, 1)
        cash = operations.ask_refund(
            account_id=world.residential.account_id, amount_fen=1, payment_id=None, reason="x",
            org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=timezone.now(),
        )  # fmt: skip
        approvals.withdraw(approval_id=cash, asked_by_id=world.clerk_a_id, at=timezone.now())
        with pytest.raises(IntegrityError, match="fifty times at most"), transaction.atomic():
            a_refund(world, cash, method="wechat", payment=payment).save(force_insert=True)
        for _round in range(2):
            Payback.objects.exclude(state="done").update(ask_at=timezone.now())
            tasks.send_refunds()

        assert "50" in refused.value.message
        assert queries.refund_form(account_no=world.residential.account_no, on=timezone.localdate()).ways == ()
        assert len(there(wechat, payment)) == 50
        assert lies(world, wechat) == (FEN - 50, 0, FEN - 50)

    @pytest.mark.parametrize("end", ["CLOSED", "ABNORMAL"])
    def test_that_fails_after_taking_it_returns_every_fen_to_the_prepayment(
        self, wechat: Provider, settings: Any, end: str
    ) -> None:
        world = small_world()
        payment = paid(world, wechat)
        notify_here(settings, wechat)
        wechat.server.behave({"refunds_end": "PROCESSING"})
        payback = give_back(world, payment, 4_000)
        assert turn(payback) == "sent"
        assert lies(world, wechat) == (FEN - 4_000, 0, FEN - 4_000)
        month = int(f"{payback.created_at:%Y%m}")
        path = OrgUnit.objects.get(pk=world.province_id).path

        wechat.server.wechat.end_refund(str(payback), end)
        told = wechat.told()
        assert post(wechat, told) == 200
        with pytest.raises(operations.NoticeRefused):
            receive(wechat, told)
        payback.refresh_from_db()

        assert (payback.state, payback.fault) == ("failed", end.lower())
        assert lies(world, wechat) == (FEN, 0, FEN)
        day = queries.day_totals(
            day=Refund.objects.get().business_date, paths=[OrgUnit.objects.get(pk=world.hall_a_id).path]
        )
        assert day.total_fen == 0
        received = received_by_month(within=[path], first=month, last=month)
        assert [one.received_fen for one in received] == [FEN]
        told_event = RefundFailed(payment.account_id, Refund.objects.get().pk, 4_000)
        for _time in range(2):
            handlers.send_failed_refund_notice(told_event)
        messages = Message.objects.filter(template="refund-failed")
        assert messages.count() == messages.values("channel").distinct().count() > 0
        # Another way is open for all of it.
        cash = operations.ask_refund(
            account_id=world.residential.account_id, amount_fen=FEN, payment_id=None, reason="改退现金",
            org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=timezone.now(),
        )  # fmt: skip
        approve(world, cash)
        assert lies(world, wechat) == (0, 0, FEN)

    @pytest.mark.parametrize("spent", [False, True])
    def test_that_failed_and_arrived_after_all_is_taken_off_again(
        self, wechat: Provider, settings: Any, spent: bool
    ) -> None:
        """Somebody sent it on in WeChat Pay's own console: a day later we see it by asking."""
        world = small_world()
        payment = paid(world, wechat)
        wechat.server.behave({"refunds_end": "ABNORMAL"})
        payback = give_back(world, payment, 4_000)
        turn(payback)
        assert turn(payback) == "failed"
        if spent:
            cash = operations.ask_refund(
                account_id=world.residential.account_id, amount_fen=FEN, payment_id=None, reason="改退现金",
                org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=timezone.now(),
            )  # fmt: skip
            approve(world, cash)

        wechat.server.wechat.end_refund(str(payback), "SUCCESS")
        assert turn(payback) == "done"

        assert lies(world, wechat) == (0 if spent else FEN - 4_000, 0, FEN - 4_000)
        assert on("SHORT_SUSPENSE") == (-4_000 if spent else 0)

    def test_without_money_on_our_account_is_asked_again_and_after_a_week_given_up(self, wechat: Provider) -> None:
        world = small_world()
        payment = paid(world, wechat)
        payback = give_back(world, payment, 4_000)
        wechat.server.behave({"fail": [(403, "NOT_ENOUGH")]})

        tasks.send_refunds()
        payback.refresh_from_db()
        assert (payback.state, payback.fault) == ("asked", "NOT_ENOUGH")
        assert "余额不足" in queries.get_refund(str(payback)).payback.fault  # type: ignore[union-attr]
        wechat.server.behave({"fail": [(403, "NOT_ENOUGH")]})
        later = timezone.now() + timedelta(days=7)
        wechat.server.wechat.clock = later.timestamp
        Payback.objects.update(turns=1)
        assert pursue_payback(payback_id=payback.pk, at=later) == "failed"

        assert lies(world, wechat) == (FEN, 0, FEN)

    def test_refusing_a_repeat_of_what_it_took_is_believed_only_after_asking(
        self, wechat: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first request was taken and its answer lost; the question came too early, the second was refused."""
        world = small_world()
        payment = paid(world, wechat)
        payback = give_back(world, payment, 4_000)
        channel = CHANNELS["wechat"]
        refund: Callable[..., RefundFound] = channel.refund

        def taken_and_lost(asked: RefundToSend, **more: Any) -> RefundFound:
            refund(asked, **more)
            raise NoAnswer("lost")

        monkeypatch.setattr(channel, "refund", taken_and_lost)
        tasks.send_refunds()
        monkeypatch.undo()
        Payback.objects.update(turns=1)
        wechat.server.behave({"fail": [(400, "INVALID_REQUEST")]})

        assert pursue_payback(payback_id=payback.pk, at=timezone.now()) == "done"
        assert there(wechat, payment) == {str(payback): 4_000}


class TestTheRow:
    def test_is_kept_and_moves_only_along_its_way(self, provider: Provider, owner_connection: Any) -> None:
        world = small_world()
        payback = give_back(world, paid(world, provider), 4_000)
        turn(payback)
        assert turn(payback) == "done"

        for change in (
            "UPDATE payments_payback SET amount_fen = 1",
            "UPDATE payments_payback SET out_refund_no = 'other'",
            "UPDATE payments_payback SET state = 'asked', ended_at = NULL",
            "UPDATE payments_payback SET state = 'failed'",
            "DELETE FROM payments_payback",
            "TRUNCATE payments_payback",
            "DELETE FROM payments_refund_notice",
        ):
            with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)
            with pytest.raises(Exception, match=r"corrected by new records|does not go from"):
                owner_connection.cursor().execute(change)

        assert Payback.objects.get().amount_fen == 4_000

    def test_has_a_number_that_is_used_once(self, provider: Provider) -> None:
        world = small_world()
        payment = paid(world, provider)
        first = give_back(world, payment, 1)
        give_back(world, payment, 1)

        with pytest.raises(Error), transaction.atomic():
            Payback.objects.exclude(pk=first.pk).update(out_refund_no=first.out_refund_no)


class TestThePages:
    def test_show_way_state_and_numbers_to_the_counter_and_the_arrival_to_the_customer(
        self, provider: Provider
    ) -> None:
        world = small_world()
        payment = paid(world, provider)
        clerk, manager = prove(signed_in(world.clerk_a_id)), prove(signed_in(world.manager_id))
        path = f"/console/accounts/{world.residential.account_no}/refund/"
        word = {"wechat": "微信支付", "alipay": "支付宝"}[provider.channel]
        assert f"原路退回：{word}" in clerk.get(path).content.decode()

        asked = clerk.post(path, {"amount": "40.00", "way": str(payment.pk), "reason": "多交了"})
        approval_id = asked["Location"].rstrip("/").rpartition("/")[2]
        manager.post(f"/console/approvals/{approval_id}/approve/", {"note": ""})
        payback = Payback.objects.get()
        waits = clerk.get(f"/console/payments/refunds/{payback}/").content.decode()
        portal = signed_in(world.portal_user_id)
        waits_there = portal.get("/my/receipts/").content.decode()
        turn(payback)
        turn(payback)
        done = clerk.get(f"/console/payments/refunds/{payback}/").content.decode()

        assert "待退出" in waits and payment.reference in waits and word in waits
        assert "银行卡 1 到 3 个工作日" in waits_there and str(payback) in waits_there
        assert "已退回" in done and payback.refund_no_there in done
        assert "已经退回付款的账户" in portal.get("/my/receipts/").content.decode()
        assert "已退回" in clerk.get("/console/payments/list/").content.decode()

    def test_offer_another_way_when_it_failed(self, wechat: Provider) -> None:
        world = small_world()
        wechat.server.behave({"refunds_end": "CLOSED"})
        payback = give_back(world, paid(world, wechat), 4_000)
        turn(payback)
        turn(payback)

        shown = signed_in(world.clerk_a_id).get(f"/console/payments/refunds/{payback}/").content.decode()

        assert "没有退成，40.00 元已回到预存电费" in shown and "换一种方式退" in shown
        assert "可到营业厅改用别的方式退" in signed_in(world.portal_user_id).get("/my/receipts/").content.decode()
