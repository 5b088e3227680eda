"""
End a difference with a channel, by two persons and with exactly one entry; book what the channel paid for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from cis.queries import dues
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen
from payments.channels import CHANNELS
from payments.models import BlockedSerial, Difference, Payment, Reconciliation, WebhookKind
from payments.operations.client_facts import tell_client
from payments.operations.reconciling import resolving_posting
from payments.operations.taking import CameIn, book_new, lock_serial

RESOLVE = "payments.resolve_difference"
Resolution = Difference.Resolution
WAYS = (Resolution.BOOKED, Resolution.BANK, Resolution.WRITTEN_OFF)


class AlreadyResolved(Refused):
    """The difference was ended, by somebody or by another day's file."""

    code = "already-resolved"


class WayNotPossible(BadInput):
    """A difference of this kind is not ended so."""

    code = "way-not-possible"


class SettledOtherwise(Refused):
    """What came to the bank and the fee are not what the channel took."""

    code = "settled-otherwise"
    status = 422


def ask_to_resolve(
    *, difference_id: int, way: str, account_no: str, reason: str, asked_by_id: int, at: datetime
) -> int:
    """
    Ask that a difference is ended; the approval's id. `account_no`: whose money it is, where it is booked.

    :raises NotFound: there is no such difference, or no such account
    :raises AlreadyResolved, WayNotPossible: it is not ended so
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        difference = _open(difference_id)
        _check_way(difference, way)
        account_id = dues.place_of(account_no)[0] if way == Resolution.BOOKED else 0
        return approvals.request(
            kind=RESOLVE,
            payload={
                "difference_id": difference.pk,
                "channel": difference.channel,
                "day": difference.day.isoformat(),
                "serial": difference.serial,
                "fen": difference.theirs_fen - difference.ours_fen,
                "way": way,
                "account_id": account_id,
                "account_no": account_no if account_id else "",
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=OrgUnit.objects.order_by("path").values_list("pk", flat=True)[0],
            subject=f"difference:{difference.pk}",
        )


def _check_way(difference: Difference, way: str) -> None:
    if way not in WAYS:
        raise WayNotPossible(_("请选择处理方式。"))
    if way != Resolution.BOOKED:
        return
    if difference.theirs_fen < difference.ours_fen:
        raise WayNotPossible(_("短款是渠道少付给我们的，不能记到户号，请选择别的处理方式。"))
    if BlockedSerial.objects.filter(channel=difference.channel, serial=difference.serial).exists():
        raise WayNotPossible(_("渠道冲正过这个流水号，不能再入账，请把款退回渠道。"))


def _words(payload: Mapping[str, Any]) -> str:
    named = {
        "channel": payload["channel"],
        "day": payload["day"],
        "serial": payload["serial"],
        "yuan": yuan_from_fen(abs(payload["fen"])),
        "no": payload["account_no"],
    }
    is_long, way = payload["fen"] > 0, payload["way"]
    if way == Resolution.BOOKED:
        return _("渠道 %(channel)s %(day)s 流水号 %(serial)s 多出的 %(yuan)s 元记为户号 %(no)s 的缴费。") % named
    if way == Resolution.BANK:
        if is_long:
            return _("渠道 %(channel)s %(day)s 流水号 %(serial)s 多出的 %(yuan)s 元从银行存款退回渠道。") % named
        return _("渠道 %(channel)s %(day)s 流水号 %(serial)s 缺的 %(yuan)s 元由渠道补付，记银行存款。") % named
    if is_long:
        return _("渠道 %(channel)s %(day)s 流水号 %(serial)s 多出的 %(yuan)s 元转营业外收入。") % named
    return _("渠道 %(channel)s %(day)s 流水号 %(serial)s 缺的 %(yuan)s 元转营业外支出。") % named


@approvals.carries_out(
    RESOLVE,
    label=gettext_lazy("处理渠道对账差异"),
    ask="payments.reconcile",
    decide="payments.approve_difference",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    difference = _open(int(act.payload["difference_id"]))
    way = str(act.payload["way"])
    _check_way(difference, way)
    if way == Resolution.BOOKED:
        difference.resolved_payment_id = _book(difference, int(act.payload["account_id"]), act.at)
    else:
        fen = difference.theirs_fen - difference.ours_fen
        other = "OTHER_GAINS" if fen > 0 else "OTHER_LOSSES"
        against = "BANK_DEPOSIT" if way == Resolution.BANK else other
        ledger.post(
            [resolving_posting(difference.pk, fen, ledger.control_id(against))],
            booked_at=act.at,
            business_date=ledger.open_business_date(act.at),
            actor_id=act.decided_by_id,
        )
    difference.resolution = way
    difference.resolved_at = act.at
    difference.resolved_by_id = act.decided_by_id
    difference.save(update_fields=["resolution", "resolved_at", "resolved_by", "resolved_payment"])
    return {"url": reverse("payments:difference", args=[difference.pk])}


def _book(difference: Difference, account_id: int, at: datetime) -> int:
    """Long money becomes a payment out of suspense, under the channel's serial unless one was booked under it."""
    lock_serial(difference.channel, difference.serial)
    is_used = Payment.objects.filter(channel=difference.channel, serial=difference.serial).exists()
    serial = f"D{difference.pk}-{difference.serial}"[:64] if is_used else difference.serial
    channel = CHANNELS.get(difference.channel)
    taken = book_new(
        channel=difference.channel,
        serial=serial,
        account_id=account_id,
        amount_fen=difference.theirs_fen - difference.ours_fen,
        method=channel.method if channel else Payment.Method.BANK,
        came=CameIn("LONG_SUSPENSE"),
        org_unit_id=None,
        received_by_id=None,
        reference=difference.serial,
        chosen=(),
        is_wish=True,
        at=at,
    )
    return taken.payment_id


def _open(difference_id: int) -> Difference:
    difference = Difference.objects.select_for_update().filter(pk=difference_id).first()
    if difference is None:
        raise NotFound(_("没有这笔对账差异。"))
    if difference.resolution:
        raise AlreadyResolved(_("这笔差异已经处理，不用再办。"))
    return difference


def settle_day(*, reconciliation_id: int, received_fen: int, fee_fen: int, by_id: int, at: datetime) -> None:
    """
    Book that a channel paid for a day: what the bank statement shows, and the fee that it kept. Again, the same
    changes nothing.

    :raises NotFound: the day was not held against a file
    :raises SettledOtherwise: the two do not come to what the channel's file says, or the day was settled otherwise
    """
    with transaction.atomic():
        run = Reconciliation.objects.select_for_update().filter(pk=reconciliation_id).first()
        if run is None:
            raise NotFound(_("这一天还没有对账。"))
        if run.settled_at is not None:
            if (run.received_fen, run.fee_fen) == (received_fen, fee_fen):
                return
            raise SettledOtherwise(
                _("这一天已经按 %(yuan)s 元到账结清。") % {"yuan": yuan_from_fen(run.received_fen or 0)}
            )
        if received_fen < 0 or fee_fen < 0 or received_fen + fee_fen != run.theirs_fen:
            raise SettledOtherwise(
                _("到账金额加手续费应等于渠道文件的合计 %(yuan)s 元，请核对银行流水。")
                % {"yuan": yuan_from_fen(run.theirs_fen)}
            )
        parts = ((1, "BANK_DEPOSIT", received_fen), (2, "CHANNEL_FEES", fee_fen))
        ledger.post(
            [
                ledger.Posting(
                    kind=ledger.TransferKind.CHANNEL_SETTLED,
                    document_id=run.pk,
                    leg=leg,
                    account_id=0,
                    debit_id=ledger.control_id(name),
                    credit_id=run.clearing_id,
                    amount_fen=fen,
                )
                for leg, name, fen in parts
                if fen
            ],
            booked_at=at,
            business_date=ledger.open_business_date(at),
            actor_id=by_id,
        )
        run.received_fen, run.fee_fen, run.settled_at, run.settled_by_id = received_fen, fee_fen, at, by_id
        run.save(update_fields=["received_fen", "fee_fen", "settled_at", "settled_by"])
        tell_client(run.channel, WebhookKind.RECONCILIATION_CLOSED, account_id=0, document_id=run.pk)


def take_over(*, difference_id: int, by_id: int) -> None:
    """
    Make somebody the owner of a difference.

    :raises NotFound, AlreadyResolved: there is none that is open
    """
    with transaction.atomic():
        difference = _open(difference_id)
        difference.owner_id = by_id
        difference.save(update_fields=["owner"])
