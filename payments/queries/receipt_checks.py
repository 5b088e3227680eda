"""Whether a receipt is ours and still good, for anybody who holds it; and the keys that say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.conf import settings

from cis.queries import dues
from config.shared.models import OrgUnit
from payments.models import Payment, ReceiptKey, Reversal
from payments.receipt_numbers import payment_id_in
from payments.signing.receipt_code import ReceiptFacts, is_signed, mask_account, read_code
from payments.words import METHODS


class Verdict(StrEnum):
    """What is to be said of a code."""

    VALID = "valid"
    REVERSED = "reversed"
    """signed by us, and the payment was taken back since"""
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    """no code of ours, or cut short"""
    UNKNOWN_KEY = "unknown-key"
    WITHDRAWN_KEY = "withdrawn-key"
    NOT_ON_BOOKS = "not-on-books"
    """signed by our key, and no such payment: the key has been in other hands"""


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """The verdict; facts only of what our key signed, for anybody else may have written the rest."""

    verdict: Verdict
    facts: ReceiptFacts | None = None
    method_word: str = ""
    masked_account: str = ""
    reversed_on: date | None = None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key that signs receipts or once did; base64url of 32 bytes."""

    key_id: str
    public_key: str
    made_at: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None


def issuer_name() -> str:
    """Who issues receipts: the top of the organisation."""
    return OrgUnit.objects.order_by("path").values_list("name", flat=True)[0]


def public_keys() -> tuple[PublicKey, ...]:
    """All that ever signed a receipt, the newest first."""
    return tuple(
        PublicKey(key.key_id, key.public_key, key.made_at, key.retired_at, key.withdrawn_at)
        for key in ReceiptKey.objects.order_by("-made_at", "-id")
    )


def check_receipt(text: str) -> ReceiptCheck:
    """
    What there is to say of the whole text of a code.

    Nothing is looked up in the books before the signature holds, so that numbers cannot be tried out.
    """
    code = read_code(text)
    if code is None:
        return ReceiptCheck(Verdict.UNREADABLE)
    key = ReceiptKey.objects.filter(key_id=code.facts.key_id).first()
    if key is None:
        return ReceiptCheck(Verdict.UNKNOWN_KEY)
    if not is_signed(code, key.public_key):
        return ReceiptCheck(Verdict.ALTERED)
    if key.withdrawn_at:
        return ReceiptCheck(Verdict.WITHDRAWN_KEY)
    return _on_books(code.facts)


def _on_books(facts: ReceiptFacts) -> ReceiptCheck:
    payment_id = payment_id_in(facts.receipt_no)
    payment = Payment.objects.filter(pk=payment_id).first() if payment_id is not None else None
    if payment is None or str(payment) != facts.receipt_no or not _agrees(payment, facts):
        return ReceiptCheck(Verdict.NOT_ON_BOOKS)
    reversal = Reversal.objects.filter(payment=payment).first()
    return ReceiptCheck(
        Verdict.REVERSED if reversal else Verdict.VALID,
        facts,
        method_word=str(METHODS[payment.method]),
        masked_account=facts.account.replace("x", "*"),
        reversed_on=reversal.business_date if reversal else None,
    )


def _agrees(payment: Payment, facts: ReceiptFacts) -> bool:
    account_no = dues.names_of([payment.account_id])[payment.account_id][0]
    return (facts.amount_fen, facts.method, facts.account, facts.paid_on) == (
        payment.amount_fen,
        payment.method,
        mask_account(account_no),
        payment.received_at.astimezone(settings.BILLING_TIME_ZONE).date(),
    )
