"""
Take in what the bank says of a day of one of the utility's accounts, whole or not at all.

Every sum that came in lies as bank deposit against unidentified money from that moment; what came under a virtual
sub-account is its account's payment, everything else waits until somebody claims it (`claims`). Money that left is kept
to prove the balance; the act that sent it booked it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2.errors import UniqueViolation

from cis.operations import ledger
from config.shared.bulk_copy import copy_rows
from config.shared.errors import NotFound, Refused
from config.shared.events import publish
from config.shared.money import yuan_from_fen
from config.shared.personal_data import blind_index, encrypt
from payments.events import BankStatementKept
from payments.matching.bank_statement import StatementHead, check_statement, read_lines
from payments.matching.channel_file import FileUnusable
from payments.models import BankAccount, BankLine, BankReturn, BankStatement
from payments.operations.bank_returns import pay_return
from payments.operations.reconciling import WHY as FILE_WHY
from payments.operations.taking import lock_serial

log = logging.getLogger(__name__)

_LINE = 2_001
_RETURN_NO = re.compile(r"TH([0-9]{8,18})", re.ASCII)
WHY: dict[str, str | Promise] = {
    **FILE_WHY,
    "no-head": gettext_lazy("第一行不是银行流水文件头"),
    "total-differs": gettext_lazy("收入或支出合计和文件头不同"),
    "balance-breaks": gettext_lazy("余额和上一行接不上"),
}


class StatementRefused(Refused):
    """Nothing of the statement was kept."""

    code = "statement-refused"
    status = 422


class StatementChanged(Refused):
    """The account's day has a statement, and this is another."""

    code = "statement-changed"


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """A statement that is kept; `is_repeat`: the same one was kept before."""

    statement_id: int
    is_repeat: bool


def keep_statement(*, name: str, file: BinaryIO, by_id: int, at: datetime) -> KeptStatement:
    """
    Keep a bank's statement of a day and book what came in; the same file again changes nothing.

    `file` can be read twice. Lines under a sub-account are booked to it by `claims.claim_sub_accounts`, afterwards.

    :raises StatementRefused: balances, count, sums, SHA-256 or a line is wrong, it does not follow on the statement
        before, or a bank serial was told before; nothing is kept
    :raises StatementChanged: the account's day has a statement with other content
    :raises NotFound: it is no account of ours
    """
    file.seek(0)
    try:
        head = check_statement(_lines_of(file))
    except FileUnusable as fault:
        raise StatementRefused(
            _("整份流水没有收下：第 %(line)s 行，%(why)s。请从银行重新下载。")
            % {"line": fault.line, "why": WHY[fault.why]}
        ) from fault
    account = BankAccount.objects.filter(number=head.account).first()
    if account is None:
        raise NotFound(_("账号 %(no)s 没有登记。请核对文件第一行，或先在本页登记账户。") % {"no": head.account})
    with transaction.atomic():
        # Statements of one account follow on each other: they are taken in one at a time.
        lock_serial("bank-statements", account.number)
        kept = BankStatement.objects.filter(bank_account=account, day=head.day).first()
        if kept is not None:
            if kept.sha256 != head.sha256:
                raise StatementChanged(
                    _("账号 %(no)s %(day)s 已有流水 %(name)s，这一份内容不同，没有收下。请和银行核实哪一份为准。")
                    % {"no": account.number, "day": kept.day, "name": kept.name}
                )
            return KeptStatement(kept.pk, is_repeat=True)
        _check_follows(account, head)
        made = BankStatement.objects.create(
            bank_account=account,
            day=head.day,
            name=name[-200:],
            sha256=head.sha256,
            opening_fen=head.opening_fen,
            closing_fen=head.closing_fen,
            rows_count=head.rows,
            credit_fen=head.credit_fen,
            debit_fen=head.debit_fen,
            received_at=at,
            received_by_id=by_id,
        )
        _store_lines(made, file)
        _book_arrivals(made, by_id=by_id, at=at)
        _pay_returns(made, by_id=by_id, at=at)
        publish(BankStatementKept(statement_id=made.pk))
        return KeptStatement(made.pk, is_repeat=False)


def _lines_of(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(_LINE), b"")


def _check_follows(account: BankAccount, head: StatementHead) -> None:
    """The closing balance of one day is the opening balance of the next that the bank tells of."""
    last = BankStatement.objects.filter(bank_account=account).order_by("-day").first()
    if last is None:
        return
    if last.day > head.day:
        raise StatementRefused(
            _("整份流水没有收下：账号 %(no)s 已有 %(last)s 的流水，不能再补 %(day)s 的。请核对日期。")
            % {"no": account.number, "last": last.day, "day": head.day}
        )
    if last.closing_fen != head.opening_fen:
        raise StatementRefused(
            _("整份流水没有收下：期初余额 %(opening)s 元，上一份（%(last)s）期末余额 %(closing)s 元，可能漏了一天。")
            % {
                "opening": yuan_from_fen(head.opening_fen),
                "last": last.day,
                "closing": yuan_from_fen(last.closing_fen),
            }
        )


def _store_lines(statement: BankStatement, file: BinaryIO) -> None:
    columns = (
        "statement_id", "seq", "bank_account_id", "day", "serial", "at", "amount_fen", "payer_name", "payer_account",
        "payer_index", "payer_last4", "sub_number", "remark", "state",
    )  # fmt: skip
    file.seek(0)
    rows = (
        (
            statement.pk,
            seq,
            statement.bank_account_id,
            statement.day.isoformat(),
            line.serial,
            line.at.isoformat(),
            line.amount_fen,
            line.name,
            encrypt(line.account) if line.account else "",
            blind_index(line.account) if line.account else None,
            line.account[-4:],
            line.sub_account,
            line.remark,
            BankLine.State.OPEN if line.amount_fen > 0 else BankLine.State.OUT,
        )
        for seq, line in enumerate(read_lines(_lines_of(file)), start=1)
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            copy_rows(cursor, "payments_bank_line", columns, rows)
    except UniqueViolation as error:
        raise StatementRefused(
            _("整份流水没有收下：有一个银行流水号出现了两次，或以前的流水里已经有。请和银行核实。")
        ) from error


def _book_arrivals(statement: BankStatement, *, by_id: int, at: datetime) -> None:
    """Each sum that came in: bank deposit against unidentified money."""
    arrived = BankLine.objects.filter(statement=statement, amount_fen__gt=0).order_by("pk")
    deposit, unidentified = ledger.control_id("BANK_DEPOSIT"), ledger.control_id("UNIDENTIFIED")
    ledger.post(
        [
            ledger.Posting(ledger.TransferKind.MONEY_ARRIVED, line_id, 1, 0, deposit, unidentified, fen)
            for line_id, fen in arrived.values_list("pk", "amount_fen")
        ],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=by_id,
    )


def _pay_returns(statement: BankStatement, *, by_id: int, at: datetime) -> None:
    """Money that left under the number of one of our returns, to the fen, pays it."""
    for line in BankLine.objects.filter(statement=statement, amount_fen__lt=0, remark__contains="TH").order_by("pk"):
        named = _RETURN_NO.search(line.remark)
        owed = (
            BankReturn.objects.select_for_update()
            .filter(pk=int(named[1]), out_line=None, line__amount_fen=-line.amount_fen)
            .first()
            if named
            else None
        )
        if owed is not None:
            pay_return(owed, line, by_id=by_id, at=at)
