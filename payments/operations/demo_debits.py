"""The demonstration's direct debit: a bank, agreements signed everywhere, and a batch that came back."""

from __future__ import annotations

import hashlib
from datetime import date, datetime

from django.db import transaction

from cis.queries import dues
from config.shared.models import User
from payments.models import DebitBank, Payment
from payments.models.debits import standard_codes
from payments.operations import debit_batches
from payments.operations.debit_agreements import BankTerms, DebitAgreed, DebitTerms, set_up_bank, sign_debit
from payments.simulators import debit_bank

_BANK = "jhbank"
_ACCOUNTS = 60
_PLACES = ("hall", "portal", "hall")


def load(*, today: date, at: datetime) -> None:
    """Sign sixty accounts and debit those who owe; repeated, nothing changes."""
    accountant, clerk = (User.objects.get(username=name) for name in ("accountant", "clerk1"))
    with transaction.atomic():
        if DebitBank.objects.exists():
            return
        set_up_bank(code=_BANK, terms=BankTerms("江汉银行", "|", "utf-8", standard_codes(), 3, 3))
        paid = dict.fromkeys(Payment.objects.order_by("pk").values_list("account_id", flat=True)[:600])
        names = dues.names_of(list(paid)[:_ACCOUNTS])
        signed = [_sign(account_id, name, place, clerk.pk, today, at) for place, (account_id, (_no, name)) in
                  enumerate(sorted(names.items()))]  # fmt: skip
        if not any(signed):
            return
        try:
            batch_id = debit_batches.freeze_batch(bank_code=_BANK, debit_on=today, by_id=accountant.pk, at=at)
        except debit_batches.NothingToDebit:
            return
        sent = debit_batches.send_batch(batch_id=batch_id, at=at)
        answer = debit_bank.answer(debit_batches.layout_of_batch(batch_id), sent.content)
        debit_batches.take_answer(
            batch_id=batch_id, content=answer, sha256=hashlib.sha256(answer).hexdigest(), by_id=accountant.pk, at=at
        )  # fmt: skip
        debit_batches.book_answers(batch_id=batch_id, at=at)


def _sign(account_id: int, name: str, place: int, clerk_id: int, today: date, at: datetime) -> bool:
    terms = DebitTerms(name, f"62220202{account_id:06d}{place:04d}", 500_00 * (place % 4 + 1), today)
    try:
        sign_debit(
            account_id=account_id, bank_code=_BANK, terms=terms, place=_PLACES[place % 3], signed_by_id=clerk_id, at=at
        )  # fmt: skip
    except DebitAgreed:
        return False
    return True
