"""Bank batch debit as people see it: banks, agreements, batches and their rows; of a card its last four digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.errors import NotFound
from config.shared.personal_data import blind_index, mask_name
from payments.models import DebitAgreement, DebitBank, DebitBatch, DebitRow

MOST = 200
OUTCOME_WORDS: Mapping[str, str | Promise] = {
    "ok": gettext_lazy("扣款成功"),
    "short": gettext_lazy("余额不足"),
    "blocked": gettext_lazy("卡被冻结或挂失"),
    "limit": gettext_lazy("超过银行限额"),
    "closed": gettext_lazy("卡已销户"),
    "refused": gettext_lazy("银行没有这份授权"),
    "other": gettext_lazy("其他原因"),
}
SKIPPED_WORDS: Mapping[str, str | Promise] = {
    "limit": gettext_lazy("超过单笔限额"),
    "order": gettext_lazy("客户正在网上支付"),
    "instalments": gettext_lazy("按分期协议交"),
    "given-up": gettext_lazy("多次没有扣成，等下一张账单"),
}


@dataclass(frozen=True, slots=True)
class BankRow:
    """A bank that debits; `agreements` hold at present."""

    code: str
    name: str
    client_code: str
    separator: str
    encoding: str
    return_codes: Mapping[str, str]
    max_tries: int
    retry_days: int
    agreements: int


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One agreement; the holder is masked."""

    number: str
    account_no: str
    bank_code: str
    bank: str
    card_last4: str
    holder: str
    place_word: str
    limit_fen: int
    valid_from: date
    valid_until: date | None
    is_active: bool
    signed_at: datetime
    ended_at: datetime | None
    end_reason: str
    not_before: date | None


@dataclass(frozen=True, slots=True)
class CodeSum:
    """So many rows and fen of a batch came to this."""

    word: str
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch; `rows` and `fen` without what left it."""

    batch_id: int
    number: str
    bank: str
    debit_on: date
    state: str
    state_word: str
    rows: int
    fen: int
    booked: int
    booked_fen: int


@dataclass(frozen=True, slots=True)
class DebitedRow:
    """One account of a batch."""

    seq: int
    account_no: str
    card_last4: str
    amount_fen: int
    state: str
    state_word: str
    code_word: str
    fault: str
    receipt_no: str


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One batch with what became of it, the first rows, and what was passed over when it was frozen."""

    batch: BatchRow
    frozen_at: datetime
    frozen_by: str
    sent_at: datetime | None
    sent_sha256: str
    answered_at: datetime | None
    done_at: datetime | None
    sums: tuple[CodeSum, ...]
    skipped: tuple[CodeSum, ...]
    faults: int
    rows: tuple[DebitedRow, ...]
    rows_count: int


def list_banks() -> tuple[BankRow, ...]:
    """Every bank that debits for us."""
    held = dict(
        DebitAgreement.objects.filter(state=DebitAgreement.State.ACTIVE)
        .values_list("bank_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return tuple(
        BankRow(
            bank.code, bank.name, bank.client.code if bank.client else "", bank.separator, bank.encoding,
            bank.return_codes, bank.max_tries, bank.retry_days, held.get(bank.pk, 0),
        )
        for bank in DebitBank.objects.select_related("client").order_by("code")
    )  # fmt: skip


def bank_of(code: str) -> BankRow:
    """
    One of them.

    :raises NotFound: there is none
    """
    found = next((bank for bank in list_banks() if bank.code == code), None)
    if found is None:
        raise NotFound(_("没有开通这家银行的代扣。"))
    return found


def list_agreements(*, text: str = "") -> tuple[AgreementRow, ...]:
    """The newest 200 agreements; `text`: an account number or a whole card number."""
    found = DebitAgreement.objects.all()
    text = "".join(text.split())
    if text:
        found = found.filter(Q(account__account_no=text) | Q(card_index=blind_index(text)))
    return _agreements(found.order_by("-signed_at", "-pk")[:MOST])


def agreements_of(account_id: int) -> tuple[AgreementRow, ...]:
    """An account's agreements, the one that holds first."""
    return _agreements(DebitAgreement.objects.filter(account_id=account_id).order_by("state", "-signed_at"))


def _agreements(found: QuerySet[DebitAgreement]) -> tuple[AgreementRow, ...]:
    return tuple(
        AgreementRow(
            number=str(one),
            account_no=one.account.account_no,
            bank_code=one.bank.code,
            bank=one.bank.name,
            card_last4=one.card_last4,
            holder=mask_name(one.holder),
            place_word=str(one.get_place_display()),
            limit_fen=one.limit_fen,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
            is_active=one.state == DebitAgreement.State.ACTIVE,
            signed_at=one.signed_at,
            ended_at=one.ended_at,
            end_reason=one.end_reason,
            not_before=one.not_before,
        )
        for one in found.select_related("account", "bank")
    )


def list_batches() -> tuple[BatchRow, ...]:
    """The newest 200 batches."""
    return _batches(DebitBatch.objects.order_by("-pk")[:MOST])


def _batches(found: QuerySet[DebitBatch]) -> tuple[BatchRow, ...]:
    stays = ~Q(rows__state=DebitRow.State.EXCLUDED)
    booked = Q(rows__state=DebitRow.State.BOOKED)
    return tuple(
        BatchRow(
            batch.pk, str(batch), batch.bank.name, batch.debit_on, batch.state, _(batch.get_state_display()),
            batch.n, batch.fen or 0, batch.booked, batch.booked_fen or 0,
        )
        for batch in found.select_related("bank").annotate(
            n=Count("rows", filter=stays),
            fen=Sum("rows__amount_fen", filter=stays),
            booked=Count("rows", filter=booked),
            booked_fen=Sum("rows__amount_fen", filter=booked),
        )
    )  # fmt: skip


def get_batch(batch_id: int) -> BatchPage:
    """
    One batch, rows with a fault and without success first.

    :raises NotFound: there is none
    """
    batch = DebitBatch.objects.select_related("frozen_by").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(_("没有这个代扣批次。"))
    rows = DebitRow.objects.filter(batch=batch)
    by_code = rows.exclude(code="").values_list("code").annotate(n=Count("pk"), fen=Sum("amount_fen")).order_by("code")
    left = rows.filter(state=DebitRow.State.EXCLUDED).aggregate(n=Count("pk"), fen=Sum("amount_fen"))
    sums = [CodeSum(str(OUTCOME_WORDS[code]), n, fen) for code, n, fen in by_code]
    if left["n"]:
        sums.append(CodeSum(_("没有送盘（先交了、解约或撤销）"), left["n"], left["fen"]))
    return BatchPage(
        batch=_batches(DebitBatch.objects.filter(pk=batch_id))[0],
        frozen_at=batch.frozen_at,
        frozen_by=batch.frozen_by.display_name,
        sent_at=batch.sent_at,
        sent_sha256=batch.sent_sha256,
        answered_at=batch.answered_at,
        done_at=batch.done_at,
        sums=tuple(sums),
        skipped=tuple(CodeSum(str(SKIPPED_WORDS[why]), n, 0) for why, n in sorted(batch.skipped.items())),
        faults=rows.filter(state=DebitRow.State.OPEN).exclude(fault="").count(),
        rows=tuple(_row(row) for row in _first(rows)),
        rows_count=rows.count(),
    )


def _first(rows: QuerySet[DebitRow]) -> QuerySet[DebitRow]:
    return rows.select_related("account", "agreement", "payment").order_by("-fault", "-state", "seq")[:MOST]


def _row(row: DebitRow) -> DebitedRow:
    return DebitedRow(
        seq=row.seq,
        account_no=row.account.account_no,
        card_last4=row.agreement.card_last4,
        amount_fen=row.amount_fen,
        state=row.state,
        state_word=_(row.get_state_display()),
        code_word=str(OUTCOME_WORDS[row.code]) if row.code else "",
        fault=row.fault,
        receipt_no=str(row.payment) if row.payment else "",
    )
