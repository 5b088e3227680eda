"""What taking money does when something happened."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from config.shared.events import handles, send_task
from payments import operations
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
from payments.operations.cheques import tell_returned
from payments.operations.claims import claim_sub_accounts
from payments.operations.paybacks import book_refund_notice, tell_failed
from payments.operations.refused_notices import tell_watchers
from payments.operations.webhook_sending import fan_out


@handles(WalletNoticeStored)
def book_stored_notice(event: WalletNoticeStored) -> None:
    """Book what the web process kept and did not get round to; repeated, it finds nothing to do."""
    operations.book_notice(channel=event.channel, notice_id=event.notice_id)


@handles(PaymentReceived)
def send_receipt_notice(event: PaymentReceived) -> None:
    """Tell the customer that money has come in and which receipt shows it."""
    operations.tell_payer(payment_id=event.payment_id, at=timezone.now())


@handles(PaymentReceived)
def stop_collecting(event: PaymentReceived) -> None:
    """Stop what was under way against the account; paid whole, supply that is away is ordered back at once."""
    operations.stop_collecting(payment_id=event.payment_id, at=timezone.now())


@handles(PrepaymentRefunded)
def send_refund_notice(event: PrepaymentRefunded) -> None:
    """Tell the customer that money went back to them: it is how somebody notices a refund they never asked for."""
    operations.tell_refunded(refund_id=event.refund_id, at=timezone.now())


@handles(ClientFact)
def tell_connected_client(event: ClientFact) -> None:
    """Write the webhooks of a fact, and ring for those who send them; repeated, they are there already."""
    if fan_out(kind=event.kind, document_id=event.document_id, account_id=event.account_id):
        transaction.on_commit(lambda: send_task("payments.tasks.send_webhooks", expires_s=60))


@handles(RefundNoticeStored)
def book_stored_refund_notice(event: RefundNoticeStored) -> None:
    """Book what was kept of a refund and not got round to; repeated, it finds nothing to do."""
    book_refund_notice(channel=event.channel, notice_id=event.notice_id)


@handles(NoticeNotBelieved)
def raise_alarm(event: NoticeNotBelieved) -> None:
    """Tell those who manage channels that somebody sends what no provider sent."""
    tell_watchers(channel=event.channel, at=datetime.fromisoformat(event.at))


@handles(RefundFailed)
def send_failed_refund_notice(event: RefundFailed) -> None:
    """Tell the customer that their money waits for another way."""
    tell_failed(refund_id=event.refund_id, at=timezone.now())


@handles(BankStatementKept)
def book_sub_accounts(event: BankStatementKept) -> None:
    """Book what came under sub-accounts where whoever brought the statement did not get round to it."""
    claim_sub_accounts(statement_id=event.statement_id, at=timezone.now())


@handles(ChequeReturned)
def send_cheque_notice(event: ChequeReturned) -> None:
    """Tell the customer that their cheque came back and what it had paid is owed again."""
    tell_returned(cheque_id=event.cheque_id, at=timezone.now())
