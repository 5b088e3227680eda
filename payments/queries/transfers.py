"""Bank statements, their lines and whose they are, as people see them; the pool of unidentified money by its age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, F, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.queries import dues
from cis.queries.ledger import control_balance_fen
from config.shared import approval_queries
from config.shared.errors import NotFound
from payments.models import BankAccount, BankLine, BankReturn, BankStatement, Cheque, SubAccount, WalletNotice
from payments.queries.proposals import Proposal, propose

MOST = 200
# (first day, last day or None, words): 0-3 is the rush of finding out, beyond 30 days somebody must say why.
AGES: tuple[tuple[int, int | None, str | Promise], ...] = (
    (0, 3, gettext_lazy("0–3 天")),
    (4, 30, gettext_lazy("4–30 天")),
    (31, 90, gettext_lazy("31–90 天")),
    (91, None, gettext_lazy("90 天以上")),
)


@dataclass(frozen=True, slots=True)
class AgeRow:
    """Unidentified money of one age: bank lines, and what payment platforms hold for us."""

    word: str
    lines: int
    lines_fen: int
    held: int
    held_fen: int

    @property
    def fen(self) -> int:
        """Both."""
        return self.lines_fen + self.held_fen


@dataclass(frozen=True, slots=True)
class LineRow:
    """One movement; `amount_fen` is negative where money left, `days` its age in calendar days."""

    line_id: int
    statement_id: int
    day: date
    at: datetime
    bank: str
    serial: str
    payer_name: str
    payer_last4: str
    sub_number: str
    remark: str
    amount_fen: int
    days: int
    state: str
    state_word: str


@dataclass(frozen=True, slots=True)
class PoolPage:
    """Unidentified money by age, the oldest 200 lines, and what the ledger says that all of it is."""

    ages: tuple[AgeRow, ...]
    count: int
    fen: int
    ledger_fen: int
    waiting: tuple[LineRow, ...]


@dataclass(frozen=True, slots=True)
class PartRow:
    """One account of a claim."""

    account_no: str
    name: str
    amount_fen: int
    receipt_no: str


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim of a line, live or undone."""

    way_word: str
    reason: str
    by: str
    approved_by: str
    at: datetime
    parts: tuple[PartRow, ...]
    undone_at: datetime | None
    undone_by: str
    undo_reason: str


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """How a line's money goes back; `paid_at` is None while it is owed."""

    number: str
    reason: str
    by: str
    approved_by: str
    at: datetime
    paid_at: datetime | None
    out_serial: str


@dataclass(frozen=True, slots=True)
class LinePage:
    """One line, proposals while it is open, its claims (newest first), its return, movements that may have paid it."""

    row: LineRow
    proposals: tuple[Proposal, ...]
    claims: tuple[ClaimRow, ...]
    returned: ReturnRow | None
    outs: tuple[LineRow, ...]
    waiting: approval_queries.ApprovalRow | None
    needs_second: bool
    cheque_id: int | None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One day of a bank account; `open_count` lines wait."""

    statement_id: int
    bank: str
    number: str
    day: date
    name: str
    rows_count: int
    opening_fen: int
    credit_fen: int
    debit_fen: int
    closing_fen: int
    open_count: int


@dataclass(frozen=True, slots=True)
class SubAccountRow:
    """A virtual sub-account's assignment; `until_on` is None while it is live."""

    sub_account_id: int
    number: str
    account_no: str
    name: str
    from_on: date
    until_on: date | None


def pool(*, at: datetime) -> PoolPage:
    """Everything unidentified, by the days since the bank or the platform had it."""
    today = _today(at)
    opened = BankLine.objects.filter(state=BankLine.State.OPEN)
    ages = _ages(today)
    return PoolPage(
        ages=ages,
        count=sum(age.lines + age.held for age in ages),
        fen=sum(age.fen for age in ages),
        ledger_fen=control_balance_fen("UNIDENTIFIED"),
        waiting=_rows(opened.order_by("day", "pk")[:MOST], today),
    )


def _ages(today: date) -> tuple[AgeRow, ...]:
    days = BankLine.objects.filter(state="open").values("day").annotate(count=Count("pk"), fen=Sum("amount_fen"))
    lines = _by_age(days.values_list("day", "count", "fen"), today)
    held = WalletNotice.objects.filter(is_held=True, settled_payment=None).values_list("received_at", "amount_fen")
    holds = _by_age(((_today(at), 1, fen) for at, fen in held), today)
    return tuple(AgeRow(str(word), *lines[place], *holds[place]) for place, (_first, _last, word) in enumerate(AGES))


def _by_age(sums: Iterable[tuple[date, int, int]], today: date) -> list[list[int]]:
    """(count, fen) of each age, of (day, count, fen)."""
    found = [[0, 0] for _age in AGES]
    for day, count, fen in sums:
        days = max((today - day).days, 0)
        place = next(i for i, (_first, last, _word) in enumerate(AGES) if last is None or days <= last)
        found[place][0] += count
        found[place][1] += fen
    return found


def get_line(line_id: int, *, at: datetime) -> LinePage:
    """
    One sum that came in.

    :raises NotFound: there is none
    """
    line = BankLine.objects.select_related("bank_account").filter(pk=line_id, amount_fen__gt=0).first()
    if line is None:
        raise NotFound(_("没有这笔到账。"))
    today = _today(at)
    owed = BankReturn.objects.select_related("asked_by", "approved_by", "out_line").filter(line=line).first()
    about = approval_queries.list_about(f"bank-line:{line_id}")
    outs = BankLine.objects.filter(
        bank_account=line.bank_account, amount_fen=-line.amount_fen, day__gte=line.day, paid_return=None
    ).order_by("day", "pk")
    return LinePage(
        row=_row(line, today),
        proposals=propose(line, on=today) if line.state == BankLine.State.OPEN else (),
        claims=_claims(line),
        returned=_return_row(owed) if owed else None,
        outs=_rows(outs[:20], today) if owed and owed.out_line_id is None else (),
        waiting=next((row for row in about if row.state == "waiting"), None),
        needs_second=line.amount_fen > settings.TRANSFER_CLAIM_ALONE_FEN,
        cheque_id=Cheque.objects.filter(line=line).values_list("pk", flat=True).first(),
    )


def _claims(line: BankLine) -> tuple[ClaimRow, ...]:
    claims = list(
        line.claims.select_related("claimed_by", "approved_by", "undone_by")
        .prefetch_related("parts__payment")
        .order_by("-pk")
    )
    names = dues.names_of(sorted({part.account_id for claim in claims for part in claim.parts.all()}))
    return tuple(
        ClaimRow(
            way_word=_(claim.get_way_display()),
            reason=claim.reason,
            by=claim.claimed_by.display_name if claim.claimed_by else "",
            approved_by=claim.approved_by.display_name if claim.approved_by else "",
            at=claim.claimed_at,
            parts=tuple(
                PartRow(*names[part.account_id], part.amount_fen, str(part.payment))
                for part in sorted(claim.parts.all(), key=lambda part: part.seq)
            ),
            undone_at=claim.undone_at,
            undone_by=claim.undone_by.display_name if claim.undone_by else "",
            undo_reason=claim.undo_reason,
        )
        for claim in claims
    )


def _return_row(owed: BankReturn) -> ReturnRow:
    return ReturnRow(
        number=str(owed),
        reason=owed.reason,
        by=owed.asked_by.display_name,
        approved_by=owed.approved_by.display_name,
        at=owed.approved_at,
        paid_at=owed.paid_at,
        out_serial=owed.out_line.serial if owed.out_line else "",
    )


def list_statements() -> tuple[StatementRow, ...]:
    """The newest 200 days of all accounts."""
    found = list(BankStatement.objects.select_related("bank_account").order_by("-day", "bank_account_id")[:MOST])
    counts = _open_counts(found)
    return tuple(_statement_row(one, counts) for one in found)


def get_statement(statement_id: int, *, at: datetime) -> tuple[StatementRow, tuple[LineRow, ...]]:
    """
    One day, with its first 200 lines as the bank told them.

    :raises NotFound: there is none
    """
    found = BankStatement.objects.select_related("bank_account").filter(pk=statement_id).first()
    if found is None:
        raise NotFound(_("没有这份银行流水。"))
    lines = BankLine.objects.filter(statement=found).order_by("seq")[:MOST]
    return _statement_row(found, _open_counts([found])), _rows(lines, _today(at))


def _open_counts(statements: Sequence[BankStatement]) -> dict[int, int]:
    waiting = BankLine.objects.filter(state="open", statement__in=statements).values("statement_id")
    return dict(waiting.annotate(count=Count("pk")).values_list("statement_id", "count"))


def _statement_row(one: BankStatement, counts: dict[int, int]) -> StatementRow:
    return StatementRow(
        statement_id=one.pk,
        bank=one.bank_account.bank,
        number=one.bank_account.number,
        day=one.day,
        name=one.name,
        rows_count=one.rows_count,
        opening_fen=one.opening_fen,
        credit_fen=one.credit_fen,
        debit_fen=one.debit_fen,
        closing_fen=one.closing_fen,
        open_count=counts.get(one.pk, 0),
    )


def bank_accounts() -> tuple[tuple[str, str], ...]:
    """(number, bank) of the utility's own accounts."""
    return tuple(BankAccount.objects.order_by("number").values_list("number", "bank"))


def list_sub_accounts() -> tuple[SubAccountRow, ...]:
    """The live ones first, newest first; at most 200."""
    found = list(SubAccount.objects.order_by(F("until_on").desc(nulls_first=True), "-pk")[:MOST])
    names = dues.names_of(sorted({one.account_id for one in found}))
    return tuple(SubAccountRow(one.pk, one.number, *names[one.account_id], one.from_on, one.until_on) for one in found)


def _today(at: datetime) -> date:
    return at.astimezone(settings.BILLING_TIME_ZONE).date()


def _rows(lines: QuerySet[BankLine], today: date) -> tuple[LineRow, ...]:
    return tuple(_row(line, today) for line in lines.select_related("bank_account"))


def _row(line: BankLine, today: date) -> LineRow:
    return LineRow(
        line_id=line.pk,
        statement_id=line.statement_id,
        day=line.day,
        at=line.at,
        bank=line.bank_account.bank,
        serial=line.serial,
        payer_name=line.payer_name,
        payer_last4=line.payer_last4,
        sub_number=line.sub_number,
        remark=line.remark,
        amount_fen=line.amount_fen,
        days=max((today - line.day).days, 0),
        state=line.state,
        state_word=_(line.get_state_display()),
    )
