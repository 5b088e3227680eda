"""Agreements that a bank pays an account's bills from a card: signed at the bank, in a hall or in the portal; ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cis.operations import ledger, notices
from cis.queries import dues
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import MAX_FEN, yuan_from_fen
from config.shared.personal_data import blind_index
from payments.matching.debit_file import OUTCOMES
from payments.messages import DEBIT_ENDED, DEBIT_SIGNED
from payments.models import ChannelClient, DebitAgreement, DebitBank, DebitBatch, DebitRow

_CARD = re.compile(r"[0-9]{8,32}")
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,15}")
_HOLDER_BYTES = 80


class DebitTermsRefused(BadInput):
    """The card, the holder, the limit or the days cannot be."""

    code = "debit-terms-refused"


class DebitAgreed(Refused):
    """The account has an agreement that holds, or the bank's number made another one."""

    code = "debit-agreement-exists"


class DebitNotOffered(Refused):
    """No such bank debits for us."""

    code = "debit-not-offered"
    status = 403


@dataclass(frozen=True, slots=True)
class DebitTerms:
    """What is agreed: whose card, how much at most in one debit, from when to when."""

    holder: str
    card_no: str
    limit_fen: int
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class BankTerms:
    """How a bank takes part: see `payments.models.DebitBank`; `client_code`: the connected client it signs with."""

    name: str
    separator: str
    encoding: str
    return_codes: dict[str, str]
    max_tries: int
    retry_days: int
    client_code: str = ""


def set_up_bank(*, code: str, terms: BankTerms) -> int:
    """
    A bank that debits for us, or its terms anew; its id.

    :raises DebitTermsRefused: a code, a number or a return code cannot be
    """
    known = set(terms.return_codes.values())
    client = ChannelClient.objects.filter(code=terms.client_code, kind=ChannelClient.Kind.BANK).first()
    if not _CODE.fullmatch(code) or not terms.name.strip() or (terms.client_code and client is None):
        raise DebitTermsRefused(_("银行代号、名称或接入方不对，请核对。"))
    if not known <= OUTCOMES.keys() or "ok" not in known or any(len(key) > 8 for key in terms.return_codes):
        raise DebitTermsRefused(_("回盘代码每行一个，写成“代码=结果”，其中要有一个是 ok。"))
    if not 1 <= terms.max_tries <= 9 or not 0 <= terms.retry_days <= 31:
        raise DebitTermsRefused(_("最多扣 1 到 9 次，间隔 0 到 31 天。"))
    bank, _is_new = DebitBank.objects.update_or_create(
        code=code,
        defaults={
            "name": terms.name.strip(),
            "client": client,
            "separator": terms.separator,
            "encoding": terms.encoding,
            "return_codes": terms.return_codes,
            "max_tries": terms.max_tries,
            "retry_days": terms.retry_days,
        },
    )
    return bank.pk


def bank_of_client(client_id: int) -> str:
    """
    The code of the bank that signs through this connected client.

    :raises DebitNotOffered: there is none
    """
    code = DebitBank.objects.filter(client_id=client_id).values_list("code", flat=True).first()
    if code is None:
        raise DebitNotOffered(_("这个接入方没有开通代扣，请联系供电公司。"))
    return code


def sign_debit(
    *,
    account_id: int,
    bank_code: str,
    terms: DebitTerms,
    place: str,
    signed_by_id: int | None,
    at: datetime,
    bank_serial: str = "",
) -> int:
    """
    An account agrees to be debited; the agreement's id. The same `bank_serial` of a bank gives the same agreement.

    :raises DebitTermsRefused: the card, the holder, the limit or the days cannot be
    :raises DebitNotOffered: no such bank debits for us
    :raises DebitAgreed: another agreement of the account holds, or the bank's number made another one
    :raises NotFound: there is no such account
    """
    terms = _checked(terms, at)
    bank = DebitBank.objects.filter(code=bank_code).first()
    if bank is None:
        raise DebitNotOffered(_("没有开通这家银行的代扣，请换一家。"))
    try:
        with transaction.atomic():
            if account_id not in ledger.lock_balances([account_id]):
                raise NotFound(_("没有找到这个户号，请核对后再试。"))
            earlier = DebitAgreement.objects.filter(bank=bank, bank_serial=bank_serial).first() if bank_serial else None
            if earlier is not None:
                if (earlier.account_id, earlier.card_no, earlier.limit_fen) != (
                    account_id,
                    terms.card_no,
                    terms.limit_fen,
                ):
                    raise DebitAgreed(_("这个签约号已用于另一份代扣协议，请换一个号。"))
                return earlier.pk
            if not dues.is_open(account_id=account_id):
                raise DebitTermsRefused(_("这个户号已经销户，不能签约代扣。"))
            agreement = DebitAgreement.objects.create(
                account_id=account_id,
                bank=bank,
                card_no=terms.card_no,
                card_index=blind_index(terms.card_no),
                card_last4=terms.card_no[-4:],
                holder=terms.holder,
                place=place,
                bank_serial=bank_serial,
                limit_fen=terms.limit_fen,
                valid_from=terms.valid_from,
                valid_until=terms.valid_until,
                signed_at=at,
                signed_by_id=signed_by_id,
            )
            _tell(agreement, DEBIT_SIGNED.code, {"yuan": yuan_from_fen(terms.limit_fen)}, at)
            return agreement.pk
    except IntegrityError as error:
        if "one_debit_agreement_per_account" not in str(error) and "debit_signed_once" not in str(error):
            raise
        raise DebitAgreed(_("这个户号已有有效的代扣协议，请先解约再签。")) from error


def _checked(terms: DebitTerms, at: datetime) -> DebitTerms:
    card_no = "".join(terms.card_no.split())
    holder = " ".join(terms.holder.split())
    if not _CARD.fullmatch(card_no):
        raise DebitTermsRefused(_("银行卡号或账号是 8 到 32 位数字，请核对。"))
    if not holder or len(holder.encode()) > _HOLDER_BYTES or any(mark in holder for mark in "|,;"):
        raise DebitTermsRefused(_("请写银行卡的户名，最多 26 个汉字，不含分隔符号。"))
    if not 0 < terms.limit_fen <= MAX_FEN:
        raise DebitTermsRefused(_("单笔限额要大于 0 元，请核对。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if terms.valid_until is not None and terms.valid_until < max(today, terms.valid_from):
        raise DebitTermsRefused(_("到期日不能早于起始日和今天。"))
    return DebitTerms(holder, card_no, terms.limit_fen, terms.valid_from, terms.valid_until)


def end_debit(*, account_id: int, reason: str, ended_by_id: int | None, at: datetime, bank_code: str = "") -> int:
    """
    End the agreement that holds; its id. What is frozen of it and not sent leaves its batch; what the bank has stays.

    `bank_code`: only an agreement of this bank.

    :raises NotFound: none holds
    :raises DebitTermsRefused: no reason was given
    """
    reason = reason.strip()[:200]
    if not reason:
        raise DebitTermsRefused(_("请写明解约原因。"))
    with transaction.atomic():
        ledger.lock_balances([account_id])
        found = (
            DebitAgreement.objects.select_for_update(of=("self",))
            .select_related("bank")
            .filter(account_id=account_id, state=DebitAgreement.State.ACTIVE)
        )
        agreement = (found.filter(bank__code=bank_code) if bank_code else found).first()
        if agreement is None:
            raise NotFound(_("这个户号没有有效的代扣协议。"))
        row = DebitRow.objects.filter(agreement=agreement, state=DebitRow.State.OPEN).first()
        if row is not None:
            batch = DebitBatch.objects.select_for_update().get(pk=row.batch_id)
            if batch.state == DebitBatch.State.FROZEN:
                DebitRow.objects.filter(pk=row.pk).update(state=DebitRow.State.EXCLUDED)
        end_agreement(agreement, reason=reason, by_id=ended_by_id, at=at)
        return agreement.pk


def end_agreement(agreement: DebitAgreement, *, reason: str, by_id: int | None, at: datetime) -> None:
    """End a locked agreement and tell the customer."""
    agreement.state, agreement.ended_at, agreement.ended_by_id = DebitAgreement.State.ENDED, at, by_id
    agreement.end_reason = reason
    agreement.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    _tell(agreement, DEBIT_ENDED.code, {}, at)


def _tell(agreement: DebitAgreement, template: str, more: dict[str, str], at: datetime) -> None:
    account_no = dues.names_of([agreement.account_id])[agreement.account_id][0]
    notices.tell_customer(
        account_id=agreement.account_id,
        template=template,
        parameters={"account": account_no, "bank": agreement.bank.name, "card": agreement.card_last4, **more},
        dedupe_key=f"{template}:{agreement.pk}",
        happened_at=at,
        at=at,
    )
