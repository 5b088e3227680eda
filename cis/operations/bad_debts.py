"""
Writing off what nobody will pay, by two persons with evidence; the debt is kept as a memo and may be paid later.

Booked: the receivable against bad debts, and beside it the memo account of the customer (账销案存). What is paid after
all is taken back from both and settled like any bill (`recover`, called by the settlement under the account's lock).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import Account, AgreedBill, Bill, InstalmentAgreement, WriteOff, WriteOffRecovery, WrittenOffBill
from cis.models.ledger import LedgerKind, TransferKind
from cis.operations import collecting, late_fees, ledger
from cis.operations.ledger import Posting
from cis.queries.bad_debts import WrittenOffDebt
from cis.queries.late_fees import late_fees_so_far
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

WRITE_OFF = "cis.write_off"


class NothingToWriteOff(Refused):
    """Nothing of the account is overdue."""

    code = "nothing-to-write-off"


class DebtChanged(Refused):
    """Between asking and approving the debt has changed."""

    code = "debt-changed"


class StillAgreed(Refused):
    """Some of the debt is in an agreement that is being kept."""

    code = "still-agreed"


class GroundMissing(BadInput):
    """A write-off names its ground and its evidence."""

    code = "ground-missing"


def ask_write_off(
    *,
    account_id: int,
    ground: str,
    evidence: str,
    reason: str,
    asked_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Ask that everything overdue of an account is written off, late fees up to today included; the approval's id.

    :raises NotFound: there is no such account within the organisation paths
    :raises GroundMissing: there is no such ground, or no evidence
    :raises NothingToWriteOff: nothing is overdue
    :raises StillAgreed: some of it is paid by instalments, which are being kept
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    if ground not in WriteOff.Ground.values:
        text = _("请选择核销的依据。")
        raise GroundMissing(text, errors=[{"pointer": "/ground", "detail": text}])
    if not evidence.strip():
        text = _("请写明证明材料：法院文书、死亡证明或追索记录的编号。")
        raise GroundMissing(text, errors=[{"pointer": "/evidence", "detail": text}])
    on = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        account = Account.objects.select_related("org_unit").filter(pk=account_id).first()
        if account is None or (within is not None and not is_within(account.org_unit.path, within)):
            raise NotFound(_("没有找到这个户号，请核对后再试。"))
        ledger.lock_balances([account_id])
        parts = _overdue(account_id, on=on)
        if not parts:
            raise NothingToWriteOff(_("这个户号没有过期未交的电费，不用核销。"))
        return approvals.request(
            kind=WRITE_OFF,
            payload={
                "account_id": account_id,
                "account_no": account.account_no,
                "ground": ground,
                "evidence": evidence.strip()[:300],
                "amount_fen": sum(principal + fee for principal, fee in parts.values()),
                "on": on.isoformat(),
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=account.org_unit_id,
            subject=f"write-off:{account_id}",
        )


def _words_of_write_off(payload: Mapping[str, Any]) -> str:
    return _(
        "核销户号 %(no)s 过期未交的电费和违约金 %(yuan)s 元（%(ground)s，%(evidence)s）。账销案存，以后交来照收。"
    ) % {
        "no": payload["account_no"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
        "ground": _(WriteOff.Ground(payload["ground"]).label),
        "evidence": payload["evidence"],
    }


@approvals.carries_out(
    WRITE_OFF,
    label=gettext_lazy("核销坏账"),
    ask="cis.collect_arrears",
    decide="cis.approve_debt_relief",
    consequence=_words_of_write_off,
)
def _write_off(act: approvals.Act) -> dict[str, Any]:
    account_id, on = int(act.payload["account_id"]), date.fromisoformat(act.payload["on"])
    ledger.lock_balances([account_id])
    business_date = ledger.open_business_date(act.at)
    parts = _overdue(account_id, on=on)
    amount_fen = sum(principal + fee for principal, fee in parts.values())
    if amount_fen != int(act.payload["amount_fen"]):
        raise DebtChanged(
            _("申请之后欠费变成了 %(yuan)s 元，请按现在的金额重新申请。") % {"yuan": yuan_from_fen(amount_fen)}
        )
    late_fees.charge(
        late_fees_so_far(account_id, on=on),
        account_id=account_id,
        bill_ids=parts.keys(),
        through_on=on,
        at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    write_off = WriteOff.objects.create(
        account_id=account_id,
        approval_id=act.approval_id,
        ground=act.payload["ground"],
        evidence=act.payload["evidence"],
        amount_fen=amount_fen,
        asked_by_id=act.asked_by_id,
        approved_by_id=act.decided_by_id,
        at=act.at,
        business_date=business_date,
    )
    rows = WrittenOffBill.objects.bulk_create(
        WrittenOffBill(write_off=write_off, bill_id=bill_id, principal_fen=principal, fee_fen=fee)
        for bill_id, (principal, fee) in sorted(parts.items())
    )
    late_fees.change_open({row.bill_id: -row.fee_fen for row in rows if row.fee_fen})
    late_fees.change_open_bills({row.bill_id: -row.principal_fen for row in rows if row.principal_fen})
    ledger.open_balance(account_id, LedgerKind.WRITTEN_OFF)
    ledger.post(
        [
            posting
            for row in rows
            for posting in _postings(
                TransferKind.BILL_WRITTEN_OFF, row.pk, account_id, row.principal_fen + row.fee_fen, is_back=False
            )
        ],
        booked_at=act.at,
        business_date=business_date,
        actor_id=act.decided_by_id,
    )
    collecting.look_again(account_id=account_id, at=act.at)
    return {"write_off_id": write_off.pk, "amount_fen": amount_fen}


@dataclass(frozen=True, slots=True)
class Recovered:
    """So much of a written-off bill is paid by a payment."""

    bill_id: int
    bill_no: str
    principal_fen: int
    fee_fen: int


def recover(
    debts: Sequence[WrittenOffDebt],
    amount_fen: int,
    *,
    account_id: int,
    payment_id: int,
    at: datetime,
    business_date: date,
    actor_id: int | None,
) -> list[Recovered]:
    """
    Take back of what was written off as much as is paid now, oldest first, charges before late fees.

    Books the debt back into the receivable; the caller, who holds the account's balances, books the payment on it.
    """
    left, rows = amount_fen, []
    for debt in debts:
        principal = min(left, debt.principal_fen)
        fee = min(left - principal, debt.fee_fen)
        left -= principal + fee
        if principal or fee:
            rows.append(
                WriteOffRecovery(
                    written_off_id=debt.written_off_id,
                    payment_id=payment_id,
                    principal_fen=principal,
                    fee_fen=fee,
                    at=at,
                )
            )
    if not rows:
        return []
    bill_of = {debt.written_off_id: (debt.bill_id, debt.bill_no) for debt in debts}
    made = WriteOffRecovery.objects.bulk_create(rows)
    ledger.post(
        [
            posting
            for row in made
            for posting in _postings(
                TransferKind.WRITE_OFF_RECOVERED, row.pk, account_id, row.principal_fen + row.fee_fen, is_back=True
            )
        ],
        booked_at=at,
        business_date=business_date,
        actor_id=actor_id,
    )
    return [Recovered(*bill_of[row.written_off_id], row.principal_fen, row.fee_fen) for row in made]


def _postings(kind: TransferKind, document_id: int, account_id: int, fen: int, *, is_back: bool) -> list[Posting]:
    """Receivable against bad debts, and the memo beside it; the other way round when it comes back."""
    receivable, memo = ledger.receivable_id(account_id), ledger.written_off_id(account_id)
    legs = [(ledger.control_id("BAD_DEBTS"), receivable), (memo, ledger.control_id("WRITTEN_OFF_MEMO"))]
    return [
        Posting(int(kind), document_id, leg, account_id, *(pair[::-1] if is_back else pair), fen)
        for leg, pair in enumerate(legs, start=1)
    ]


def _overdue(account_id: int, *, on: date) -> dict[int, tuple[int, int]]:
    """
    Bill to (open, late fee to pay) of everything overdue on a day.

    :raises StillAgreed: some of it is in an agreement that is being kept
    """
    fees = {fee.bill_id: fee.due_fen for fee in late_fees_so_far(account_id, on=on).bills}
    open_of = dict(
        Bill.objects.filter(account_id=account_id, open_fen__gt=0, due_on__lt=on).values_list("pk", "open_fen")
    )
    still = {fee_bill for fee_bill, fen in fees.items() if fen}
    found = {bill_id: (open_of.get(bill_id, 0), fees.get(bill_id, 0)) for bill_id in {*open_of, *still}}
    if AgreedBill.objects.filter(bill_id__in=found, agreement__state=InstalmentAgreement.State.KEPT).exists():
        raise StillAgreed(_("欠费里有正在履行的分期协议，不能核销。协议还清或因没有按期履行终止以后再办。"))
    return found
