"""A bank that debits, agreements with it, and a batch half answered."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from cis.models import Bill
from payments.models import DebitBatch
from payments.operations import debit_batches
from payments.operations.debit_agreements import BankTerms, DebitTerms, set_up_bank, sign_debit
from payments.simulators import debit_bank
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import AccountIds, World

BANK = "hanbank"
CODES = {"00": "ok", "51": "short", "14": "closed", "57": "refused", "61": "limit", "62": "blocked", "99": "other"}
CARD = "622202020099887"


def set_up(*, separator: str = "|", encoding: str = "utf-8", client_code: str = "", max_tries: int = 2) -> None:
    """The bank, with return codes of its own."""
    set_up_bank(
        code=BANK, terms=BankTerms("江汉银行", separator, encoding, CODES, max_tries, 3, client_code)
    )  # fmt: skip


def sign(account: AccountIds, *, ending: str = "7662", limit_fen: int = 100_000, at: datetime | None = None) -> int:
    """An agreement of the account, signed in a hall; the card ends so."""
    at = at or timezone.now()
    terms = DebitTerms("张三", CARD + ending, limit_fen, at.astimezone(settings.BILLING_TIME_ZONE).date())
    return sign_debit(
        account_id=account.account_id, bank_code=BANK, terms=terms, place="hall", signed_by_id=None, at=at
    )  # fmt: skip


def freeze(world: World, *, at: datetime | None = None, days: int = 0) -> int:
    """What is frozen for a debit in so many days."""
    at = at or timezone.now()
    day = at.astimezone(settings.BILLING_TIME_ZONE).date() + timedelta(days=days)
    return debit_batches.freeze_batch(bank_code=BANK, debit_on=day, by_id=world.accountant_id, at=at)


def answer(batch_id: int, refused: dict[str, str] | None = None, *, at: datetime | None = None) -> bytes:
    """The simulated bank's answer to the batch's file."""
    sent = debit_batches.send_batch(batch_id=batch_id, at=at or timezone.now())
    layout = debit_batches.layout_of(DebitBatch.objects.select_related("bank").get(pk=batch_id).bank)
    return debit_bank.answer(layout, sent.content, refused=refused or {}, done="00")


def take(world: World, batch_id: int, content: bytes, *, at: datetime | None = None) -> bool:
    """Hand the bank's answer in."""
    return debit_batches.take_answer(
        batch_id=batch_id, content=content, sha256=hashlib.sha256(content).hexdigest(), by_id=world.accountant_id,
        at=at or timezone.now(),
    )  # fmt: skip


def debited_batch(world: World) -> int:
    """A batch of what one account owes, of a bill where it had none; not sent yet: it may still be paid. Its id."""
    set_up()
    account = world.residential_day_15
    if not Bill.objects.filter(account_id=account.account_id).exists():
        issue(world, 4_321, account=account, due_on=NOT_YET_DUE)
    sign(account)
    return freeze(world, days=1)
