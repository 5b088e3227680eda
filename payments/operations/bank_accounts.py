"""The utility's own bank accounts, and virtual sub-account numbers assigned to customers' accounts."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared.errors import BadInput, NotFound, Refused
from payments.models import BankAccount, SubAccount

_NUMBER = re.compile(r"[0-9]{4,32}", re.ASCII)
_SUB_NUMBER = re.compile(r"[0-9A-Za-z-]{4,40}", re.ASCII)


class NumberUnusable(BadInput):
    """It is no number that a bank gives."""

    code = "bank-number-unusable"


class NumberTaken(Refused):
    """The number is in use, or the account has a sub-account already."""

    code = "bank-number-taken"


class DayUnusable(BadInput):
    """A sub-account ends on or after the day it began."""

    code = "day-unusable"


def add_bank_account(*, number: str, bank: str, by_id: int, at: datetime) -> int:
    """
    Write down one of the utility's bank accounts; its id.

    :raises NumberUnusable: four to 32 digits, and a bank's name
    :raises NumberTaken: it is written down
    """
    number, bank = "".join(number.split()), bank.strip()
    if not _NUMBER.fullmatch(number) or not bank:
        raise NumberUnusable(_("请填账号（4 到 32 位数字）和开户行。"))
    try:
        with transaction.atomic():
            return BankAccount.objects.create(number=number, bank=bank[:100], added_by_id=by_id, added_at=at).pk
    except IntegrityError as error:
        raise NumberTaken(_("账号 %(no)s 已经登记。") % {"no": number}) from error


def assign_sub_account(*, number: str, account_no: str, from_on: date, by_id: int, at: datetime) -> int:
    """
    Assign a virtual sub-account number to an account from a day on; its id.

    :raises NumberUnusable: it is no such number
    :raises NumberTaken: the number or the account has a live assignment, or the number one that ends later
    :raises NotFound: there is no such account
    """
    number = "".join(number.split())
    if not _SUB_NUMBER.fullmatch(number):
        raise NumberUnusable(_("请填银行给的虚拟子账户号（4 到 40 位数字、字母或横线）。"))
    account_id = dues.account_id_of(account_no)
    taken = NumberTaken(
        _("子账户 %(sub)s 或户号 %(no)s 在这段时间已有对应关系。请先在列表里停用原来的。")
        % {"sub": number, "no": account_no}
    )
    try:
        with transaction.atomic():
            if SubAccount.objects.filter(number=number, until_on__gt=from_on).exists():
                raise taken
            return SubAccount.objects.create(
                number=number, account_id=account_id, from_on=from_on, assigned_by_id=by_id, assigned_at=at
            ).pk
    except IntegrityError as error:
        raise taken from error


def end_sub_account(*, sub_account_id: int, until_on: date) -> None:
    """
    End an assignment: what comes under the number from that day on is nobody's.

    :raises NotFound: there is none that is live
    :raises DayUnusable: it began later
    """
    with transaction.atomic():
        live = SubAccount.objects.select_for_update().filter(pk=sub_account_id, until_on=None).first()
        if live is None:
            raise NotFound(_("没有这个在用的子账户。"))
        if until_on < live.from_on:
            raise DayUnusable(_("停用日期不能早于 %(day)s。") % {"day": live.from_on})
        live.until_on = until_on
        live.save(update_fields=["until_on"])
