"""
Money goes back to whoever paid it through a provider: kept with its approval, sent by turns, booked as it is told.

Between approval and the provider's taking it, the money lies on the account of refunds to be paid; then it is taken
off what the provider owes us. The provider is called outside of every transaction and always under the one number, so
that a lost answer, a second process or a killed one never refunds twice. What it tells, and what it answers when
asked, is kept as it came and then booked by one and the same act. What fails goes back to the customer's prepayment,
whence it can go another way.

Source of states and limits: WeChat Pay API v3, domestic refunds; Alipay open platform, alipay.trade.refund.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from cis.operations import ledger, notices
from config.shared.errors import Refused
from config.shared.events import publish
from config.shared.money import yuan_from_fen
from payments.channels import CHANNELS
from payments.channels.base import (
    Channel,
    Declined,
    NoAnswer,
    NotBelievable,
    RefundFound,
    RefundStanding,
    RefundTold,
    RefundToSend,
)
from payments.events import RefundFailed, RefundNoticeStored
from payments.messages import REFUND_FAILED
from payments.models import Payback, Payment, Refund, RefundNotice
from payments.operations.taking import CLEARING, wait_at_most
from payments.words import METHODS

log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER = timedelta(seconds=30)
ASKED_AGAIN_AT_MOST = timedelta(hours=1)
# As long as a refusal may pass by itself: our account at the provider is empty, it is asked too often.
TRIED_FOR = timedelta(days=7)
# What failed is asked about once more: a request that we gave up may have been taken after all.
LOOKED_AT_AGAIN_AFTER = timedelta(days=1)
BOOKED, NOTHING_NEW, TO_BE_ASKED = "booked", "nothing-new", "to-be-asked"
_OPEN = (Payback.State.ASKED, Payback.State.SENT)
_FAILS = (RefundStanding.CLOSED, RefundStanding.ABNORMAL)


class ProviderSilent(Refused):
    """The provider did not answer in time."""

    code = "provider-silent"
    status = 502


class ProviderUnclear(Refused):
    """The provider answered about one order or refund in a way that cannot be used."""

    code = "provider-unclear"
    status = 502


def is_by_provider(payment: Payment) -> bool:
    """Whether a refund of this payment is carried out by its provider."""
    channel = CHANNELS.get(payment.channel)
    return channel is not None and channel.refunds is not None


def begin_payback(refund: Refund, payment: Payment) -> None:
    """Keep that money is to go back through the payment's provider; in the transaction that approves it."""
    Payback.objects.create(
        refund=refund,
        payment=payment,
        channel=payment.channel,
        out_refund_no=str(refund),
        provider_no=payment.reference,
        amount_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
        created_at=refund.refunded_at,
        ask_at=refund.refunded_at,
    )


def paybacks_to_pursue(*, at: datetime, limit: int = 200) -> tuple[tuple[int, str], ...]:
    """
    Ids and channels of refunds that are to be sent or asked about now.

    Whoever takes one puts its next turn off, longer the older it is: two processes never take the same.
    """
    with transaction.atomic():
        turn = Payback.objects.select_for_update(skip_locked=True).filter(
            ask_at__lte=at, channel__in=[name for name, one in CHANNELS.items() if one.is_available()]
        )
        found = list(turn.order_by("ask_at")[:limit])
        for one in found:
            later = at + min(max(ASKED_AGAIN_AFTER, (at - one.created_at) / 4), ASKED_AGAIN_AT_MOST)
            one.ask_at = later if one.state in _OPEN else None
            one.turns += 1
        Payback.objects.bulk_update(found, ["ask_at", "turns"])
    return tuple((one.pk, one.channel) for one in found)


def pursue_payback(*, payback_id: int, at: datetime) -> str:
    """
    Send a refund, or ask what became of it where it may have been sent; gives its state. Outside of a transaction.

    Repeated, beside itself or beside a notice, it changes nothing more.

    :raises ProviderSilent: nothing is known; it is asked again
    :raises ProviderUnclear: the provider answered, but nothing follows from it
    """
    payback = Payback.objects.get(pk=payback_id)
    provider = CHANNELS[payback.channel]
    if payback.state == Payback.State.DONE:
        return payback.state
    asked = _asked(payback)
    try:
        # A first turn that was interrupted, or whose answer was lost, may have been taken there.
        is_new = payback.state == Payback.State.ASKED and payback.turns <= 1
        found = RefundFound(RefundStanding.UNKNOWN) if is_new else provider.find_refund(asked, at=at)
        if found.standing == RefundStanding.UNKNOWN and payback.state in _OPEN:
            found = provider.refund(asked, at=at)
    except NoAnswer as silent:
        raise _silent(payback, silent) from silent
    except NotBelievable as unclear:
        raise _unclear(payback, unclear.code) from unclear
    except Declined as declined:
        found = _after_refusal(payback, provider, asked, declined, at)
    _keep_and_book(payback, found, at)
    return Payback.objects.values_list("state", flat=True).get(pk=payback_id)


def _asked(payback: Payback) -> RefundToSend:
    base = settings.WALLET_NOTIFY_BASE.rstrip("/")
    return RefundToSend(
        out_refund_no=payback.out_refund_no,
        provider_no=payback.provider_no,
        amount_fen=payback.amount_fen,
        total_fen=payback.total_fen,
        reason=_("退预存电费"),
        notify_url=f"{base}{reverse('payments:notice', args=[payback.channel])}" if base else "",
    )


def _after_refusal(
    payback: Payback, provider: Channel, asked: RefundToSend, declined: Declined, at: datetime
) -> RefundFound:
    """
    What to make of a refusal: it is of this one request; whether an earlier one was taken only a question tells.

    Where none was and none will be, the refund has failed.
    """
    log.error("provider declined a refund", extra={"channel": payback.channel, "code": declined.code})
    try:
        found = provider.find_refund(asked, at=at)
    except NoAnswer as silent:
        raise _silent(payback, silent) from silent
    except (Declined, NotBelievable) as unclear:
        raise _unclear(payback, declined.code) from unclear
    if found.standing == RefundStanding.UNKNOWN:
        terms = provider.refunds
        if terms is not None and declined.code in terms.later and at < payback.created_at + TRIED_FOR:
            _note_fault(payback, declined.code)
            return found
        with transaction.atomic():
            mine = _lock(payback)
            if mine.state == Payback.State.ASKED:
                _fail(mine, fault=declined.code, at=at)
    return found


def _silent(payback: Payback, why: NoAnswer) -> ProviderSilent:
    log.warning("provider says nothing of a refund", extra={"channel": payback.channel, "reason": str(why)})
    return ProviderSilent(_("支付平台没有回应，稍后会再查询。"))


def _unclear(payback: Payback, code: str) -> ProviderUnclear:
    log.error("provider's answer about a refund is of no use", extra={"channel": payback.channel, "code": code})
    _note_fault(payback, code)
    return ProviderUnclear(_("支付平台的回答不能用，稍后会再查询。"))


def _note_fault(payback: Payback, code: str) -> None:
    Payback.objects.filter(pk=payback.pk, state__in=_OPEN).update(fault=code[:64])


def _keep_and_book(payback: Payback, found: RefundFound, at: datetime) -> None:
    """What the provider answered, kept as a notice of its own; the same answer once."""
    # What it has taken and shows nothing of yet is kept when the next question brings it.
    if found.standing == RefundStanding.UNKNOWN or not found.body:
        return
    digest = hashlib.sha256(f"{found.standing}:{found.body}".encode()).hexdigest()[:16]
    told = RefundTold(
        notice_id=f"asked:{payback.out_refund_no}:{digest}", nonce="", out_refund_no=payback.out_refund_no,
        found=found, signature="",
    )  # fmt: skip
    with transaction.atomic():
        keep_refund_notice(payback.channel, told, at)
    book_refund_notice(channel=payback.channel, notice_id=told.notice_id)


def keep_refund_notice(channel: str, told: RefundTold, at: datetime) -> None:
    """A believed notice, once and for good, with the fact that brings it back if we are interrupted."""
    found = told.found
    _row, is_new = RefundNotice.objects.get_or_create(
        channel=channel,
        notice_id=told.notice_id,
        defaults={
            "out_refund_no": told.out_refund_no,
            "provider_no": found.provider_no,
            "refund_no_there": found.refund_no,
            "standing": found.standing,
            "amount_fen": found.amount_fen,
            "body": found.body,
            "signature": told.signature,
            "received_at": at,
        },
    )
    if is_new:
        publish(RefundNoticeStored(out_refund_no=told.out_refund_no, notice_id=told.notice_id, channel=channel))


def book_refund_notice(*, channel: str, notice_id: str, within_ms: int = 0) -> None:
    """
    Book what a kept notice says of a refund; harmless when repeated, late, or out of order.

    `within_ms`: how long to wait for a lock; 0: as long as it takes.

    :raises ledger.DayIsClosed: the day was closed in this moment; again, it is booked on the next
    """
    with transaction.atomic():
        wait_at_most(within_ms)
        notice = RefundNotice.objects.select_for_update().filter(channel=channel, notice_id=notice_id).first()
        if notice is None or notice.outcome:
            return
        payback = Payback.objects.filter(channel=channel, out_refund_no=notice.out_refund_no).first()
        notice.outcome = _fault_of(notice, payback)
        if payback is not None and not notice.outcome:
            notice.outcome = _take_over(_lock(payback), notice)
        elif notice.outcome != TO_BE_ASKED:
            log.error("notice of a refund not booked", extra={"code": notice.outcome, "notice": notice_id})
            if payback is not None:
                _note_fault(payback, notice.outcome)
        notice.save(update_fields=["outcome"])


def _fault_of(notice: RefundNotice, payback: Payback | None) -> str:
    """Why a believable notice must not be booked, as a code; empty when nothing stands against it."""
    if payback is None:
        return "refund-unknown"
    if notice.provider_no != payback.provider_no:
        return "payment-differs"
    if not notice.amount_fen:
        # It does not say how much: the provider is asked at the next turn, which is now.
        not_done = Payback.objects.filter(pk=payback.pk).exclude(state=Payback.State.DONE)
        not_done.update(ask_at=notice.received_at)
        return TO_BE_ASKED
    return "amount-differs" if notice.amount_fen != payback.amount_fen else ""


def _lock(payback: Payback) -> Payback:
    """The refund as it stands now, after its customer's balances: nobody else moves either."""
    ledger.lock_balances([payback.payment.account_id])
    return Payback.objects.select_for_update(of=("self",)).select_related("payment").get(pk=payback.pk)


def _take_over(payback: Payback, notice: RefundNotice) -> str:
    """Move the refund where the provider says it is; what says nothing new changes nothing."""
    at, was = notice.received_at, payback.state
    standing = RefundStanding(notice.standing)
    payback.refund_no_there = notice.refund_no_there or payback.refund_no_there
    if was in _OPEN and standing in _FAILS:
        _fail(payback, fault=standing, at=at)
        return BOOKED
    if was == Payback.State.ASKED:
        _book_taken(payback, at=at)
        payback.taken_at = at
    elif was == Payback.State.FAILED and standing == RefundStanding.DONE:
        _book_late(payback, at=at)
    elif not (was == Payback.State.SENT and standing == RefundStanding.DONE):
        return NOTHING_NEW
    payback.fault = ""
    payback.state = Payback.State.SENT
    if standing == RefundStanding.DONE:
        payback.state, payback.ended_at, payback.ask_at = Payback.State.DONE, at, None
    payback.save()
    return BOOKED


def _book_taken(payback: Payback, *, at: datetime) -> None:
    """The provider takes the money from what it owes us."""
    _post(payback, ledger.TransferKind.REFUND_SENT, 0, ledger.control_id("REFUNDS_PAYABLE"), _lies_at(payback), at=at)


def _fail(payback: Payback, *, fault: str, at: datetime) -> None:
    """The money did not go: on the provider's account again where it was taken off, and back to the prepayment."""
    payable, kind = ledger.control_id("REFUNDS_PAYABLE"), ledger.TransferKind.REFUND_FAILED
    if payback.state == Payback.State.SENT:
        _post(payback, kind, 1, _lies_at(payback), payable, at=at)
    _post(payback, kind, 0, payable, ledger.prepayment_id(payback.payment.account_id), at=at)
    payback.state, payback.fault, payback.ended_at = Payback.State.FAILED, fault[:64], at
    payback.ask_at = at + LOOKED_AT_AGAIN_AFTER
    payback.save()
    publish(
        RefundFailed(account_id=payback.payment.account_id, refund_id=payback.refund_id, amount_fen=payback.amount_fen)
    )


def _book_late(payback: Payback, *, at: datetime) -> None:
    """
    What counted as failed reached the payer all the same: off the prepayment again.

    Where that has been used or given back otherwise, the utility is short of it until people have talked to the payer.
    """
    account_id = payback.payment.account_id
    is_there = ledger.lock_balances([account_id])[account_id][1] >= payback.amount_fen
    debit = ledger.prepayment_id(account_id) if is_there else ledger.control_id("SHORT_SUSPENSE")
    if not is_there:
        log.error("a refund that failed arrived after all and was paid otherwise", extra={"refund": str(payback)})
    _post(payback, ledger.TransferKind.REFUND_SENT, 1, debit, _lies_at(payback), at=at)


def _lies_at(payback: Payback) -> int:
    return ledger.control_id(CLEARING[payback.payment.method])


def _post(
    payback: Payback, kind: ledger.TransferKind, leg: int, debit_id: int, credit_id: int, *, at: datetime
) -> None:
    """One leg; it concerns the customer where it touches their balance."""
    account_id = payback.payment.account_id if max(debit_id, credit_id) > 0 else 0
    posting = ledger.Posting(int(kind), payback.refund_id, leg, account_id, debit_id, credit_id, payback.amount_fen)
    ledger.post([posting], booked_at=at, business_date=ledger.open_business_date(at))


def tell_failed(*, refund_id: int, at: datetime) -> None:
    """Tell the customer that the money could not go back the way it came; once, however often it is asked for."""
    payback = Payback.objects.select_related("payment").get(refund_id=refund_id)
    if payback.state != Payback.State.FAILED or payback.ended_at is None:
        return
    notices.tell_customer(
        account_id=payback.payment.account_id,
        template=REFUND_FAILED.code,
        parameters={
            "yuan": yuan_from_fen(payback.amount_fen),
            "refund": payback.out_refund_no,
            "way": str(METHODS[payback.payment.method]),
        },
        dedupe_key=f"refund-failed:{refund_id}",
        happened_at=payback.ended_at,
        at=at,
    )


__all__ = [
    "ProviderSilent",
    "ProviderUnclear",
    "begin_payback",
    "book_refund_notice",
    "is_by_provider",
    "keep_refund_notice",
    "paybacks_to_pursue",
    "pursue_payback",
    "tell_failed",
]
