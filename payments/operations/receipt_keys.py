"""The utility's own receipt key: made when first needed, rotated, withdrawn; and what it signs."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.shared.errors import NotFound, Refused
from payments.models import ReceiptKey
from payments.queries import PaymentRow
from payments.queries.receipt_checks import issuer_name
from payments.signing.receipt_code import ReceiptFacts, key_id_of, mask_account, new_key_pair, write_code

_LOCK = 5_701


class ReceiptKeyUnknown(NotFound):
    """There is no key of this name."""

    code = "receipt-key-unknown"


class WithdrawalUnfounded(Refused):
    """A key is withdrawn for a reason: every receipt that it signed loses its proof."""

    code = "withdrawal-unfounded"


def receipt_code(*, payment: PaymentRow, address: str, at: datetime) -> str:
    """The signed code of a receipt beneath the address of our page of verification; makes the first key itself."""
    key = _signing_key(at)
    facts = ReceiptFacts(
        key_id=key.key_id,
        receipt_no=payment.receipt_no,
        amount_fen=payment.amount_fen,
        paid_on=payment.received_at.astimezone(settings.BILLING_TIME_ZONE).date(),
        account=mask_account(payment.account_no),
        method=payment.method,
        issuer=issuer_name(),
    )
    return write_code(facts, address=address, private_key=key.private_key)


def rotate_receipt_key(*, at: datetime) -> str:
    """A new key signs from now on; what older ones signed stays good. Its name."""
    with transaction.atomic():
        _lock()
        _retire(at)
        return _make(at).key_id


def withdraw_receipt_key(*, key_id: str, reason: str, at: datetime) -> None:
    """
    Believe a key no more, for a reason; if it signs, another takes its place with the next receipt.

    :raises ReceiptKeyUnknown: there is no such key
    :raises WithdrawalUnfounded: no reason is given
    """
    if not reason.strip():
        raise WithdrawalUnfounded(_("请写明为什么停用这把密钥：用它开的收据都将不能核验。"))
    with transaction.atomic():
        _lock()
        key = ReceiptKey.objects.filter(key_id=key_id).first()
        if key is None:
            raise ReceiptKeyUnknown(_("没有这把收据密钥，请核对编号。"))
        if key.withdrawn_at:
            return
        if key.retired_at is None:
            _retire(at)
        ReceiptKey.objects.filter(pk=key.pk).update(withdrawn_at=at, reason=reason.strip()[:200])


def _signing_key(at: datetime) -> ReceiptKey:
    key = ReceiptKey.objects.filter(retired_at=None).first()
    if key is not None:
        return key
    with transaction.atomic():
        _lock()
        return ReceiptKey.objects.filter(retired_at=None).first() or _make(at)


def _lock() -> None:
    """Of several who find no key, one makes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _retire(at: datetime) -> None:
    ReceiptKey.objects.filter(retired_at=None).update(retired_at=at, private_key="")


def _make(at: datetime) -> ReceiptKey:
    private_key, public_key = new_key_pair()
    return ReceiptKey.objects.create(
        key_id=key_id_of(public_key), public_key=public_key, private_key=private_key, made_at=at
    )
