"""
Back-billing as an act: facts and lines, evidence, notice to the customer, a second person, then charge or refund.

The arithmetic is that of `cis.previews.corrections`. A charge rides on the next bill
as lines of its own, penalties to their own income account; a refund becomes prepayment at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import Account, BackBillCase, BackBillEvidence, BillCorrection, SupplyContract
from cis.models.ledger import TransferKind
from cis.operations import difference_bills, disputes, ledger, settlement
from cis.operations.bill_corrections import ReasonMissing
from cis.operations.bill_differences import keep_shares
from cis.operations.ledger import Posting
from cis.operations.rerating import Share
from cis.previews import corrections as previews
from cis.previews.answer import Answer
from cis.previews.document import Document
from cis.rating import CORRECTED_AS, CannotPrice, ChargeCode, read_switches
from cis.rating.corrections import half_up_fen
from config.shared import approvals, files
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

POST_CASE = "cis.back-bill"
FOLDER = "back-billing"

Kind = BackBillCase.Kind
LEGAL_BASIS: dict[str, str] = {
    Kind.ERROR: "供电营业规则（1996）第八十条",
    Kind.RATE: "供电营业规则（1996）第八十一条",
    Kind.RATIO: "供电营业规则（1996）第八十一条",
    Kind.MISUSE: "供电营业规则（1996）第一百条",
    Kind.CAPACITY: "供电营业规则（1996）第一百条",
    Kind.SEALED: "供电营业规则（1996）第一百条",
    Kind.THEFT: "供电营业规则（1996）第一百零一条至第一百零三条",
}


class CannotReckon(BadInput):
    """The facts do not give an amount; the message says what is missing or impossible."""

    code = "cannot-reckon"


class NoEvidence(Refused):
    """Nothing is asked of a customer without evidence."""

    code = "no-evidence"


class EvidenceKnown(Refused):
    """The same file is in the case already."""

    code = "evidence-known"


class EvidenceChanged(Refused):
    """A kept file is not the one that was added: its digest differs."""

    code = "evidence-changed"


class NotNow(Refused):
    """The case is not as far, or further: the message says what comes first."""

    code = "not-now"


def reckon(*, kind: str, inputs: Mapping[str, Any], prices: Mapping[str, Any], is_residential: bool) -> Answer:
    """
    The lines of a case from its facts; writes nothing. Numbers are decimal texts.

    :raises CannotReckon: a fact is missing or impossible
    """
    said = dict(inputs)
    if kind == Kind.SEALED:
        said["sealed_equipment"] = True
    facts, price = Document(said, "inputs"), Document(dict(prices), "prices")
    ways: dict[str, Callable[[], Answer]] = {
        Kind.THEFT: lambda: previews.theft(facts, price, is_residential=is_residential),
        Kind.MISUSE: lambda: previews.class_misuse(facts, price, "cheap", read_switches({})),
        Kind.CAPACITY: lambda: previews.over_capacity(facts, price, Document({}, "period")),
        Kind.SEALED: lambda: previews.over_capacity(facts, price, Document({}, "period")),
    }
    try:
        return ways.get(kind, lambda: previews.back_billing(facts, price))()
    except CannotPrice as error:
        raise CannotReckon(_("填的数算不出金额，请核对：%(why)s") % {"why": str(error)}) from error


def open_case(
    *,
    account_id: int,
    kind: str,
    inputs: Mapping[str, Any],
    prices: Mapping[str, Any],
    story: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
    dispute_id: int | None = None,
) -> int:
    """
    Open a case with its facts and what they come to; its id. `dispute_id`: the customer's question that it settles.

    :raises ReasonMissing: nobody said what was found
    :raises CannotReckon: the facts do not give an amount, or nothing
    :raises NotFound: no such account `within` these organisation paths
    :raises disputes.CannotLink: the question is of another account, found no fault, or is settled already
    """
    if not story.strip():
        raise ReasonMissing(_("请写明查到了什么、怎么认定的。"))
    account = Account.objects.select_related("org_unit").filter(pk=account_id).first()
    if account is None or (within is not None and not is_within(account.org_unit.path, within)):
        raise NotFound(_("没有找到这个户号。"))
    answer = reckon(kind=kind, inputs=inputs, prices=prices, is_residential=_is_residential(account_id, at))
    penalty = sum(one.amount_fen for one in answer.lines if one.code.endswith("_PENALTY"))
    total = sum(one.amount_fen for one in answer.lines)
    if not total:
        raise CannotReckon(_("算出来没有要补收或退还的金额。"))
    with transaction.atomic():
        case = BackBillCase.objects.create(
            account_id=account_id,
            kind=kind,
            story=story.strip(),
            inputs={"inputs": dict(inputs), "prices": dict(prices), "quantities": answer.quantities},
            lines=[one.as_json() | {"fen": one.amount_fen} for one in answer.lines],
            legal_basis=LEGAL_BASIS[kind],
            energy_fen=total - penalty,
            penalty_fen=penalty,
            amount_fen=total,
            opened_by_id=by_id,
            opened_at=at,
        )
        if dispute_id is not None:
            disputes.link_back_bill(dispute_id=dispute_id, case_id=case.pk)
    return case.pk


def add_evidence(
    *,
    case_id: int,
    stream: BinaryIO,
    name: str,
    content_type: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> str:
    """
    Keep a photo or document of a case with its SHA-256, which is given.

    :raises NotFound: no such case `within` these organisation paths
    :raises NotNow: it has been posted or dropped
    :raises EvidenceKnown: the same file is there already
    """
    with transaction.atomic():
        case = _locked(case_id, within)
        if case.state not in (BackBillCase.State.OPEN, BackBillCase.State.NOTICED):
            raise NotNow(_("退补单已经办结，不能再加证据。"))
        key = files.keep(stream, folder=FOLDER)
        digest = _digest_of(key)
        try:
            with transaction.atomic():
                BackBillEvidence.objects.create(
                    case=case,
                    key=key,
                    sha256=digest,
                    name=name[:200],
                    content_type=content_type,
                    size=_size_of(key),
                    added_by_id=by_id,
                    added_at=at,
                )
        except IntegrityError as error:
            if "evidence_once_a_case" not in str(error):
                raise
            raise EvidenceKnown(_("这个文件已经在证据里了。")) from error
    return digest


def note_notice(*, case_id: int, proof: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Put down that the customer was told, and how that can be proved.

    :raises ReasonMissing: no proof was given
    :raises NoEvidence: the case has none
    :raises NotNow: the customer was told before, or the case has ended
    :raises NotFound: no such case `within` these organisation paths
    """
    if not proof.strip():
        raise ReasonMissing(_("请写明怎样送达、谁签收。"))
    with transaction.atomic():
        case = _locked(case_id, within)
        if case.state != BackBillCase.State.OPEN:
            raise NotNow(_("已经通知过客户，或退补单已经办结。"))
        _check_evidence(case)
        case.state, case.noticed_at, case.notice_proof = BackBillCase.State.NOTICED, at, proof.strip()
        case.save(update_fields=["state", "noticed_at", "notice_proof"])


def ask_to_post(*, case_id: int, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> int:
    """
    Ask a second person; the approval's id.

    :raises NotFound: no such case `within` these organisation paths
    :raises NotNow: the customer has not been told, or the case has ended
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        case = _locked(case_id, within)
        _check_ready(case)
        return approvals.request(
            kind=POST_CASE,
            payload={
                "case_id": case.pk,
                "account_no": case.account.account_no,
                "kind": case.kind,
                "amount_fen": case.amount_fen,
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=case.account.org_unit_id,
            subject=f"back-bill:{case.pk}",
        )


def drop(*, case_id: int, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    End a case without charge or refund.

    :raises ReasonMissing, NotFound, NotNow: no reason; no such case; it has ended
    """
    if not reason.strip():
        raise ReasonMissing(_("请写明为什么撤销。"))
    with transaction.atomic():
        case = _locked(case_id, within)
        if case.state not in (BackBillCase.State.OPEN, BackBillCase.State.NOTICED):
            raise NotNow(_("退补单已经办结。"))
        case.state, case.drop_reason = BackBillCase.State.DROPPED, reason.strip()
        case.decided_by_id, case.decided_at = by_id, at
        case.save(update_fields=["state", "drop_reason", "decided_by", "decided_at"])


def _words(payload: Mapping[str, Any]) -> str:
    words = {
        "no": payload["account_no"],
        "kind": _(Kind(payload["kind"]).label),
        "yuan": yuan_from_fen(abs(payload["amount_fen"])),
    }
    if payload["amount_fen"] > 0:
        return _("户号 %(no)s 因%(kind)s，下期账单补收 %(yuan)s 元。") % words
    return _("户号 %(no)s 因%(kind)s，退还 %(yuan)s 元到预存。") % words


@approvals.carries_out(
    POST_CASE,
    label=gettext_lazy("电费退补"),
    ask="cis.correct_bills",
    decide="cis.approve_corrections",
    consequence=_words,
)
def _post(act: approvals.Act) -> dict[str, Any]:
    case = _locked(int(act.payload["case_id"]), None)
    _check_ready(case)
    ledger.lock_balances([case.account_id])
    shares = shares_of_case(case)
    fund = sum(one.fen for one in shares)
    if case.amount_fen > 0:
        case.correction = BillCorrection.objects.create(
            account_id=case.account_id,
            cause=BillCorrection.Cause.BACK_BILL,
            reason=case.story,
            energy_fen=case.energy_fen - fund,
            fund_fen=fund,
            penalty_fen=case.penalty_fen,
            amount_fen=case.amount_fen,
            asked_by_id=act.asked_by_id,
            asked_at=act.asked_at,
            approval_id=act.approval_id,
            approved_by_id=act.decided_by_id,
            state=BillCorrection.State.STANDING,
        )
        keep_shares({case.correction.pk: shares})
        # No later bill would ask it of an account that is closed and billed to its end.
        difference_bills.issue([case.account_id], by_id=act.decided_by_id, at=act.at)
    else:
        price_class = _contract(case.account_id, act.at).price_class
        given = [(difference_bills.income_name(price_class), fund - case.amount_fen)]
        given += [(ChargeCode(one.code).name, -one.fen) for one in shares]
        ledger.post(
            [
                Posting(
                    int(TransferKind.BACK_BILL_REFUNDED),
                    case.pk,
                    leg,
                    case.account_id,
                    ledger.control_id(from_account),
                    ledger.prepayment_id(case.account_id),
                    fen,
                )
                for leg, (from_account, fen) in enumerate(given, start=1)
                if fen
            ],
            booked_at=act.at,
            business_date=ledger.open_business_date(act.at),
            actor_id=act.decided_by_id,
        )
        settlement.apply_prepayment(account_id=case.account_id, at=act.at, actor_id=act.decided_by_id)
    case.state, case.approval_id, case.asked_by_id = BackBillCase.State.POSTED, act.approval_id, act.asked_by_id
    case.decided_by_id, case.decided_at = act.decided_by_id, act.at
    case.save(update_fields=["state", "approval", "asked_by", "decided_by", "decided_at", "correction"])
    return {"amount_fen": case.amount_fen}


def shares_of_case(case: BackBillCase) -> tuple[Share, ...]:
    """What of a case is of which fund."""
    funds = {code.name: int(code) for code in CORRECTED_AS}
    return tuple(
        Share(funds[line["code"]], line["fen"], half_up_fen(Fraction(line["quantity"])))
        for line in case.lines
        if line["code"] in funds and line["fen"]
    )


def _check_ready(case: BackBillCase) -> None:
    if case.state != BackBillCase.State.NOTICED:
        raise NotNow(_("先通知客户并登记送达，再送审批。"))
    _check_evidence(case)


def _check_evidence(case: BackBillCase) -> None:
    """There is some, and every file is the one that was added."""
    known = list(BackBillEvidence.objects.filter(case=case).order_by("pk"))
    if not known:
        raise NoEvidence(_("还没有证据。请先上传现场照片或单据。"))
    for one in known:
        if _digest_of(one.key) != one.sha256:
            raise EvidenceChanged(_("证据文件 %(name)s 与入卷时不同，不能作为依据。") % {"name": one.name})


def _digest_of(key: str) -> str:
    digest = hashlib.sha256()
    try:
        with files.open_kept(key) as kept:
            while block := kept.read(1024 * 1024):
                digest.update(block)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _size_of(key: str) -> int:
    with files.open_kept(key) as kept:
        return kept.seek(0, 2)


def _is_residential(account_id: int, at: datetime) -> bool:
    return _contract(account_id, at).price_class == SupplyContract.PriceClass.RESIDENTIAL


def _contract(account_id: int, at: datetime) -> SupplyContract:
    """The contract of the day, else the last there was."""
    mine = SupplyContract.objects.filter(account_id=account_id)
    found = mine.filter(valid__contains=at.date()).first() or mine.order_by("-valid").first()
    if found is None:
        raise NotFound(_("这个户没有供用电合同。"))
    return found


def _locked(case_id: int, within: Sequence[str] | None) -> BackBillCase:
    case = (
        BackBillCase.objects.select_for_update(of=("self",))
        .select_related("account__org_unit")
        .filter(pk=case_id)
        .first()
    )
    if case is None or (within is not None and not is_within(case.account.org_unit.path, within)):
        raise NotFound(_("没有这张退补单。"))
    return case
