"""
Batch debit: freeze what accounts owe, hand the file to the bank, take its answer, book each success once.

An account's balances are locked before a batch, and a batch before its rows. The answer is kept whole in one act;
booking goes on from there, a few rows a transaction, however often it is killed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger, notices
from cis.queries import dues
from cis.queries.late_fees import open_debts
from config.shared.bulk_copy import copy_rows
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from payments.matching.debit_file import (
    OUTCOMES,
    Asked,
    DebitFile,
    DebitFileUnusable,
    DebitHead,
    Layout,
    read_answered,
    write_asked,
)
from payments.messages import DEBIT_FAILED
from payments.models import DebitAgreement, DebitBank, DebitBatch, DebitRow, Payment, PaymentOrder
from payments.operations.debit_agreements import end_agreement
from payments.operations.taking import DEBIT, book_payment, lock_serial

log = logging.getLogger(__name__)
_ROWS_A_COMMIT = 50
_AHEAD = timedelta(days=31)
_COLUMNS = (
    "batch_id", "seq", "agreement_id", "account_id", "amount_fen", "bill_ids", "state", "code", "bank_serial", "fault",
)  # fmt: skip
WHY: dict[str, str | Promise] = {
    "no-end": gettext_lazy("没有结束行，文件可能没有传完"),
    "hash-differs": gettext_lazy("文件的校验值不对，内容可能改动过"),
    "count-differs": gettext_lazy("明细笔数和文件头不同"),
    "total-differs": gettext_lazy("扣款合计和文件头不同"),
    "no-head": gettext_lazy("第一行不是代扣文件头"),
    "bad-row": gettext_lazy("这一行的内容不符合约定"),
    "not-text": gettext_lazy("这一行的编码不符合约定"),
    "row-twice": gettext_lazy("这一行的序号出现过"),
    "unknown-code": gettext_lazy("这一行的返回码没有约定"),
    "other-batch": gettext_lazy("不是这个批次的回盘"),
    "other-rows": gettext_lazy("明细和送盘文件的序号、金额不一致"),
}


class NothingToDebit(Refused):
    """No account with an agreement owes anything that can be debited on the day."""

    code = "nothing-to-debit"


class DayNotPossible(BadInput):
    """The day of the debit is past or too far away."""

    code = "day-not-possible"


class BatchNotThere(Refused):
    """The batch is not at the step that was asked for."""

    code = "batch-not-there"


class AnswerRefused(Refused):
    """Nothing of the bank's file was taken."""

    code = "answer-refused"
    status = 422


class AnswerChanged(Refused):
    """The bank answered the batch before, and this is another answer."""

    code = "answer-changed"


@dataclass(frozen=True, slots=True)
class _Debt:
    agreement_id: int
    account_id: int
    amount_fen: int
    bill_ids: list[int]


# --- Freezing -----------------------------------------------------------------------------------


def freeze_batch(*, bank_code: str, debit_on: date, by_id: int, at: datetime) -> int:
    """
    Freeze what every account with an agreement at the bank owes, late fees up to the day of the debit; the batch's id.

    Passed over and counted: above the agreed limit, paid by instalments, an order at a provider under way, given up.
    The same number of statements for any number of accounts.

    :raises NotFound: there is no such bank
    :raises DayNotPossible: the day is past, or more than 31 days ahead
    :raises NothingToDebit: nobody owes
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if not today <= debit_on <= today + _AHEAD:
        raise DayNotPossible(_("扣款日是今天到 31 天以内的一天。"))
    bank = DebitBank.objects.filter(code=bank_code).first()
    if bank is None:
        raise NotFound(_("没有开通这家银行的代扣。"))
    with transaction.atomic():
        lock_serial(DEBIT, "freeze")
        _lock_accounts(bank, debit_on)
        debts, skipped = _debts(bank, debit_on)
        if not debts:
            raise NothingToDebit(_("没有可以代扣的欠费：签约户没有欠费、已在别的批次里，或超过限额。"))
        batch = DebitBatch.objects.create(
            bank=bank, debit_on=debit_on, skipped=skipped, frozen_at=at, frozen_by_id=by_id
        )
        with connection.cursor() as cursor:
            copy_rows(
                cursor,
                "payments_debit_row",
                _COLUMNS,
                (
                    (batch.pk, seq, d.agreement_id, d.account_id, d.amount_fen, d.bill_ids, "open", "", "", "")
                    for seq, d in enumerate(debts, start=1)
                ),
            )
    return batch.pk


_HOLDS = """
FROM payments_debit_agreement a WHERE a.bank_id = %(bank)s AND a.state = 'active' AND a.valid_from <= %(day)s
AND (a.valid_until IS NULL OR a.valid_until >= %(day)s) AND (a.not_before IS NULL OR a.not_before <= %(day)s)
AND NOT EXISTS (SELECT 1 FROM payments_debit_row r WHERE r.account_id = a.account_id AND r.state = 'open')
"""


def _lock_accounts(bank: DebitBank, debit_on: date) -> None:
    """Whoever pays one of them meanwhile waits, and then finds the row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.account_id {_HOLDS}", {"bank": bank.pk, "day": debit_on})
        ids = [row[0] for row in cursor.fetchall()]
    ledger.lock_balances(ids)


def _debts(bank: DebitBank, debit_on: date) -> tuple[list[_Debt], dict[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.id, a.account_id, a.limit_fen, a.given_up_bill_id {_HOLDS} ORDER BY a.account_id",
            {"bank": bank.pk, "day": debit_on},
        )
        agreements = cursor.fetchall()
    ids = [account_id for _pk, account_id, *_rest in agreements]
    owed = open_debts(ids, on=debit_on) if ids else {}
    busy = set(
        PaymentOrder.objects.filter(account_id__in=ids, state=PaymentOrder.State.CREATED).values_list(
            "account_id", flat=True
        )
    )
    debts: list[_Debt] = []
    skipped: dict[str, int] = {}
    for agreement_id, account_id, limit_fen, given_up in agreements:
        mine = owed[account_id]
        fen = sum(bill.open_fen for bill in mine.bills.values()) + mine.late_fees.fee_fen
        if fen <= 0:
            continue
        why = (
            "instalments" if any(bill_id in mine.agreed for bill_id in mine.bills)
            else "order" if account_id in busy
            else "given-up" if max(mine.bills) <= given_up
            else "limit" if fen > limit_fen
            else ""
        )  # fmt: skip
        if why:
            skipped[why] = skipped.get(why, 0) + 1
        else:
            debts.append(_Debt(agreement_id, account_id, fen, sorted(mine.bills)))
    return debts, skipped


def cancel_batch(*, batch_id: int) -> None:
    """
    Give up a batch that the bank never had: its accounts are free.

    :raises NotFound, BatchNotThere: there is none, or the bank has it
    """
    with transaction.atomic():
        batch = _lock(batch_id)
        if batch.state != DebitBatch.State.FROZEN:
            raise BatchNotThere(_("已经送盘的批次不能撤销：银行可能已经扣款，请等回盘。"))
        batch.state = DebitBatch.State.CANCELLED
        batch.save(update_fields=["state"])
        DebitRow.objects.filter(batch=batch, state=DebitRow.State.OPEN).update(state=DebitRow.State.EXCLUDED)


# --- The bank's files ---------------------------------------------------------------------------


def send_batch(*, batch_id: int, at: datetime) -> DebitFile:
    """
    The file for the bank; from the first time on nothing leaves the batch, and it is the same file byte for byte.

    :raises NotFound: there is no such batch
    :raises BatchNotThere: it was cancelled, or everybody in it has paid
    """
    with transaction.atomic():
        batch = _lock(batch_id)
        if batch.state == DebitBatch.State.CANCELLED:
            raise BatchNotThere(_("这个批次已经撤销，没有送盘文件。"))
        written = _write(batch)
        if batch.state == DebitBatch.State.FROZEN:
            if not written.rows:
                raise BatchNotThere(_("这个批次的户都已经交清，没有可扣的，请撤销它。"))
            batch.state, batch.sent_at = DebitBatch.State.SENT, at
            batch.sent_rows, batch.sent_fen, batch.sent_sha256 = written.rows, written.total_fen, written.sha256
            batch.save(update_fields=["state", "sent_at", "sent_rows", "sent_fen", "sent_sha256"])
    return written


def layout_of(bank: DebitBank) -> Layout:
    """How the bank's lines are written."""
    return Layout(bank.separator, bank.encoding)


def layout_of_batch(batch_id: int) -> Layout:
    """The same, of a batch that is there."""
    return layout_of(DebitBatch.objects.select_related("bank").get(pk=batch_id).bank)


def _write(batch: DebitBatch) -> DebitFile:
    rows = (
        DebitRow.objects.filter(batch=batch)
        .exclude(state=DebitRow.State.EXCLUDED)
        .select_related("agreement", "account")
        .order_by("seq")
    )
    return write_asked(
        layout_of(batch.bank),
        DebitHead(batch.bank.code, str(batch), batch.debit_on),
        (
            Asked(
                row.seq, str(row.agreement), row.account.account_no, row.agreement.holder, row.agreement.card_no,
                row.amount_fen,
            )
            for row in rows.iterator(10_000)
        ),
    )  # fmt: skip


_UNLIKE = """
SELECT count(*) FROM debit_answer t FULL JOIN (
    SELECT seq, amount_fen FROM payments_debit_row WHERE batch_id = %(batch)s AND state <> 'excluded'
) r USING (seq) WHERE t.fen IS DISTINCT FROM r.amount_fen
"""
_ANSWER = """
UPDATE payments_debit_row r SET code = t.code, bank_serial = t.serial FROM debit_answer t
WHERE r.batch_id = %(batch)s AND r.seq = t.seq AND r.state = 'open'
"""


def take_answer(*, batch_id: int, content: bytes, sha256: str, by_id: int, at: datetime) -> bool:
    """
    Keep a bank's answer whole, in as many statements for any number of rows; False where it was kept before.

    `sha256` is of all bytes of the file. Booking is `book_answers`.

    :raises NotFound: there is no such batch
    :raises AnswerRefused: hash, count, total, a code or a row is not as it should be; nothing is kept
    :raises AnswerChanged: the batch was answered otherwise
    :raises BatchNotThere: the bank does not have the batch
    """
    with transaction.atomic():
        batch = _lock(batch_id)
        if batch.answer_sha256 == sha256:
            return False
        if batch.answer_sha256:
            raise AnswerChanged(_("这个批次已有回盘，这一份内容不同，没有收下。请和银行核实哪一份为准。"))
        if batch.state != DebitBatch.State.SENT:
            raise BatchNotThere(_("这个批次还没有送盘或已撤销，不能收回盘。"))
        try:
            head, rows = read_answered(layout_of(batch.bank), content, batch.bank.return_codes)
        except DebitFileUnusable as fault:
            raise _refused(fault.why, fault.line) from fault
        if (head.bank, head.batch, head.day) != (batch.bank.code, str(batch), batch.debit_on):
            raise _refused("other-batch", 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE debit_answer (seq bigint, fen bigint, code text, serial text) ON COMMIT DROP"
            )
            copy_rows(
                cursor, "debit_answer", ("seq", "fen", "code", "serial"),
                ((row.seq, row.amount_fen, row.code, row.bank_serial) for row in rows),
            )  # fmt: skip
            cursor.execute("ANALYZE debit_answer")
            cursor.execute(_UNLIKE, {"batch": batch.pk})
            if cursor.fetchone()[0]:
                raise _refused("other-rows", 1)
            cursor.execute(_ANSWER, {"batch": batch.pk})
            cursor.execute("DROP TABLE debit_answer")
        batch.state, batch.answered_at, batch.answered_by_id = DebitBatch.State.ANSWERED, at, by_id
        batch.answer_sha256 = sha256
        batch.save(update_fields=["state", "answered_at", "answered_by", "answer_sha256"])
    return True


def _refused(why: str, line: int) -> AnswerRefused:
    return AnswerRefused(
        _("整份回盘没有收下：第 %(line)s 行，%(why)s。请让银行重新生成。") % {"line": line, "why": WHY[why]}
    )


# --- What the answer leads to -------------------------------------------------------------------


def answered_batches() -> Sequence[int]:
    """Batches whose answers are not all booked."""
    return list(DebitBatch.objects.filter(state=DebitBatch.State.ANSWERED).order_by("pk").values_list("pk", flat=True))


def book_answers(*, batch_id: int, at: datetime, most: int | None = None) -> int:
    """
    Book what was debited and draw the consequences of what was not, each row once; how many. Killed, it goes on.

    What cannot be booked keeps its fault and is left to people (`try_again`). `most`: stop after about so many.
    """
    done = 0
    while most is None or done < most:
        with transaction.atomic():
            waiting = DebitRow.objects.filter(batch_id=batch_id, state=DebitRow.State.OPEN, fault="").exclude(code="")
            places = dict(waiting.order_by("seq").values_list("pk", "account_id")[:_ROWS_A_COMMIT])
            ledger.lock_balances(list(places.values()))
            rows = list(waiting.filter(pk__in=places).select_for_update(of=("self",)).order_by("seq"))
            for row in rows:
                _conclude(row, at)
        done += len(rows)
        if not places:
            break
    with transaction.atomic():
        batch = _lock(batch_id)
        is_over = not DebitRow.objects.filter(batch=batch, state=DebitRow.State.OPEN).exists()
        if is_over and batch.state == DebitBatch.State.ANSWERED:
            batch.state, batch.done_at = DebitBatch.State.DONE, at
            batch.save(update_fields=["state", "done_at"])
    return done


def try_again(*, batch_id: int) -> None:
    """What could not be booked is tried once more by the next `book_answers`."""
    DebitRow.objects.filter(batch_id=batch_id, state=DebitRow.State.OPEN).exclude(fault="").update(fault="")


def _conclude(row: DebitRow, at: datetime) -> None:
    agreement = DebitAgreement.objects.select_for_update(of=("self",)).select_related("bank").get(pk=row.agreement_id)
    batch = DebitBatch.objects.get(pk=row.batch_id)
    if row.code == "ok":
        try:
            with transaction.atomic():
                payment_id = _book(row, batch, agreement.bank, at)
        except Refused as fault:
            # The bank has the customer's money and we cannot book it: people must look, the others go on.
            log.error("a debit cannot be booked", extra={"batch": str(batch), "row": row.seq, "code": fault.code})
            row.fault = fault.code[:64]
            row.save(update_fields=["fault"])
            return
        row.state, row.payment_id = DebitRow.State.BOOKED, payment_id
        agreement.tries, agreement.not_before = 0, None
        agreement.save(update_fields=["tries", "not_before"])
    else:
        row.state = DebitRow.State.FAILED
        _after_failure(row, batch, agreement, at)
    row.save(update_fields=["state", "payment"])


def _book(row: DebitRow, batch: DebitBatch, bank: DebitBank, at: datetime) -> int:
    # The customer paid on the day of the debit: no late fee runs while the bank writes its answer.
    paid_at = min(at, datetime.combine(batch.debit_on, time(23, 59), settings.BILLING_TIME_ZONE))
    return book_payment(
        channel=DEBIT,
        serial=f"{bank.code}:{batch}:{row.seq}",
        account_id=row.account_id,
        amount_fen=row.amount_fen,
        method=Payment.Method.DEBIT,
        org_unit_id=None,
        received_by_id=None,
        reference=row.bank_serial,
        chosen=row.bill_ids,
        is_wish=True,
        at=paid_at,
    ).payment_id


def _after_failure(row: DebitRow, batch: DebitBatch, agreement: DebitAgreement, at: datetime) -> None:
    """Try again later, up to the bank's number of times; then tell the customer and wait for the next bill."""
    if agreement.state != DebitAgreement.State.ACTIVE:
        return
    follows = OUTCOMES[row.code]
    agreement.tries += 1
    if follows == "retry" and agreement.tries < agreement.bank.max_tries:
        agreement.not_before = batch.debit_on + timedelta(days=agreement.bank.retry_days)
        agreement.save(update_fields=["tries", "not_before"])
        return
    agreement.tries, agreement.not_before, agreement.given_up_bill_id = 0, None, max(row.bill_ids)
    agreement.save(update_fields=["tries", "not_before", "given_up_bill_id"])
    notices.tell_customer(
        account_id=row.account_id,
        template=DEBIT_FAILED.code,
        parameters={
            "account": dues.names_of([row.account_id])[row.account_id][0],
            "yuan": yuan_from_fen(row.amount_fen),
            "card": agreement.card_last4,
        },
        dedupe_key=f"debit-failed:{row.pk}",
        happened_at=at,
        at=at,
    )
    if follows == "end":
        end_agreement(agreement, reason=_("银行回盘：卡已销户或银行没有这份授权"), by_id=None, at=at)


def _lock(batch_id: int) -> DebitBatch:
    batch = DebitBatch.objects.select_for_update(of=("self",)).select_related("bank").filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(_("没有这个代扣批次。"))
    return batch
