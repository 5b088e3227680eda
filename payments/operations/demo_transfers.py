"""The demonstration's bank transfers: a sub-account, proposals of every kind, a claim, and money that nobody knows."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from cis.queries.payers import Payer, owed_fen, payers
from config.shared.models import User
from payments.matching.bank_statement import StatementLine, write_statement
from payments.models import BankAccount, BankLine, Payment
from payments.operations import bank_accounts, claims
from payments.operations.claims import Part
from payments.operations.statements import keep_statement

OUR_NUMBER = "3202006609024501188"
_OPENING_FEN = 2_418_366_052
_LOOKED_AT = 4_000


def load(*, today: date, at: datetime) -> None:
    """Three statements of one account, the last of yesterday; repeated, nothing changes."""
    by_id = User.objects.get(username="accountant").pk
    with transaction.atomic():
        firms = _firms(today)
        if BankAccount.objects.exists() or len(firms) < 3:
            return
        bank_accounts.add_bank_account(number=OUR_NUMBER, bank="中国工商银行汉江支行", by_id=by_id, at=at)
        first, second, third = firms[:3]
        bank_accounts.assign_sub_account(
            number=f"{OUR_NUMBER}-0001", account_no=first[0].account_no, from_on=today - timedelta(days=60),
            by_id=by_id, at=at,
        )  # fmt: skip
        days = (
            (45, [("预交电费", "", "汉江远帆商贸有限公司", "6222080200001177301", 3_860_00)]),
            (12, [("电费", "", second[0].name, "6222080200004432208", 1_200_00),
                  ("往来款", "", "荆楚物流服务部", "6222080200009981146", 918_30)]),
            (1, [("", f"{OUR_NUMBER}-0001", first[0].name, "6222080200007719055", first[1] or 2_000_00),
                 (f"电费 户号{third[0].account_no}", "", third[0].name, "6222080200003356612", third[1] or 1_500_00),
                 ("电费", "", second[0].name, "6222080200004432208", second[1] or 1_000_00),
                 ("多个表一起交", "", "张先生", "6217000200005510924", 86_400_00)]),
        )  # fmt: skip
        opening = _OPENING_FEN
        for back, said in days:
            opening = _bring(today - timedelta(days=back), opening, said, by_id, at)
        known = BankLine.objects.get(remark="电费", amount_fen=1_200_00)
        claims.claim(
            line_id=known.pk, parts=[Part(second[0].account_no, None)], reason="企业财务来电报了回单号",
            claimed_by_id=by_id, at=at,
        )  # fmt: skip


def _bring(day: date, opening: int, said: list[tuple[str, str, str, str, int]], by_id: int, at: datetime) -> int:
    """One day's statement; its closing balance."""
    nine = datetime.combine(day, time(9, 12), settings.BILLING_TIME_ZONE)
    lines = [
        StatementLine(
            f"{day:%Y%m%d}{place:06d}", nine + timedelta(minutes=37 * place), fen, 0, name, account, sub, remark
        )
        for place, (remark, sub, name, account, fen) in enumerate(said, start=1)
    ]
    raw = write_statement(OUR_NUMBER, day, opening, lines)
    kept = keep_statement(name=f"icbc-{day:%Y%m%d}.csv", file=io.BytesIO(raw), by_id=by_id, at=at)
    claims.claim_sub_accounts(statement_id=kept.statement_id, at=at)
    return opening + sum(line.amount_fen for line in lines)


def _firms(today: date) -> list[tuple[Payer, int]]:
    """Enterprises that paid at a counter, each by one open account with what it owes; those who owe first."""
    paid = Payment.objects.order_by("-pk").values_list("account_id", flat=True)[:_LOOKED_AT]
    known = [one for one in payers(sorted(set(paid))).values() if one.is_open and "*" not in one.name][:60]
    owed = owed_fen([one.account_id for one in known], on=today)
    ordered = sorted(known, key=lambda one: (owed[one.account_id] == 0, one.account_no))
    own = {one.customer_id: (one, owed[one.account_id]) for one in reversed(ordered)}
    return list(reversed(own.values()))
