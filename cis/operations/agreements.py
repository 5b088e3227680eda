"""
Agreements by instalments: signed, kept or broken.

Signing charges the late fees of the bills up to that day, so that the instalments add up to the debt exactly. While the
agreement is kept nobody chases these bills and nothing is cut off; a missed instalment ends it and the clock goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.collecting.instalments import Part, equal_parts, plan_of
from cis.collecting.late_fee_bill import terms_in_force
from cis.collecting.levelised import months_later
from cis.models import Account, AgreedBill, Bill, Instalment, InstalmentAgreement
from cis.operations import collecting, late_fees, ledger
from cis.queries.agreements import standings_of
from cis.queries.late_fees import late_fees_so_far, published
from cis.rating import CannotPrice
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within


class NothingToAgree(Refused):
    """A bill of the agreement is paid, of another account, or not there."""

    code = "nothing-to-agree"


class AlreadyAgreed(Refused):
    """The account keeps an agreement already."""

    code = "already-agreed"


class PlanTooLong(BadInput):
    """More instalments, or a later last one, than the published terms allow one person to agree on."""

    code = "plan-too-long"


class BadPlan(BadInput):
    """The instalments do not make a plan that pays the debt."""

    code = "bad-plan"


def debt_of(account_id: int, bill_ids: Sequence[int], *, on: date) -> int:
    """What these bills and their late fees come to on a day, in fen; 0 where none is open."""
    fees = {fee.bill_id: fee.due_fen for fee in late_fees_so_far(account_id, on=on).bills}
    bills = Bill.objects.filter(account_id=account_id, pk__in=list(bill_ids)).values_list("pk", "open_fen")
    return sum(open_fen + fees.get(bill_id, 0) for bill_id, open_fen in bills)


def sign_agreement(
    *,
    account_id: int,
    bill_ids: Sequence[int],
    parts: Sequence[tuple[date, int]],
    evidence: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Agree that these bills are paid by instalments, (day, fen) in order; the agreement's id.

    :raises NotFound: there is no such account within the organisation paths
    :raises NothingToAgree: a bill is not open
    :raises AlreadyAgreed: an agreement is being kept
    :raises BadPlan: no evidence of the signature, days out of order, or another sum than the debt of today
    :raises PlanTooLong: more instalments, or a later last one, than `instalments` of `cis/data/collection.json` allow
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        account = Account.objects.select_related("org_unit").filter(pk=account_id).first()
        if account is None or (within is not None and not is_within(account.org_unit.path, within)):
            raise NotFound(_("没有找到这个户号，请核对后再试。"))
        ledger.lock_balances([account_id])
        if InstalmentAgreement.objects.filter(account_id=account_id, state=InstalmentAgreement.State.KEPT).exists():
            raise AlreadyAgreed(_("这个户号有一份分期协议正在履行，不能再签。"))
        if not evidence.strip():
            text = _("请写明谁签的字、协议原件放在哪里。")
            raise BadPlan(text, errors=[{"pointer": "/evidence", "detail": text}])
        found = late_fees_so_far(account_id, on=today)
        fees = {fee.bill_id: fee.due_fen for fee in found.bills}
        bills = list(Bill.objects.filter(account_id=account_id, pk__in=list(bill_ids)))
        owed = {bill.pk: bill.open_fen + fees.get(bill.pk, 0) for bill in bills}
        if not bill_ids or len(owed) != len(set(bill_ids)) or not all(owed.values()):
            raise NothingToAgree(_("选中的账单已经交清或不属于这个户号，请刷新页面重新选择。"))
        debt_fen = sum(owed.values())
        try:
            plan = plan_of(debt_fen, [Part(day, fen) for day, fen in parts], signed_on=today)
        except CannotPrice as wrong:
            raise BadPlan(
                _("各期金额要大于 0、日期要在今天之后并且一期比一期晚，合计要正好等于欠费 %(yuan)s 元。")
                % {"yuan": yuan_from_fen(debt_fen)}
            ) from wrong
        _check_length(plan, signed_on=today)
        late_fees.charge(
            found,
            account_id=account_id,
            bill_ids=set(owed),
            through_on=today,
            at=at,
            business_date=ledger.open_business_date(at),
            actor_id=by_id,
        )
        agreement = InstalmentAgreement.objects.create(
            account=account,
            debt_fen=debt_fen,
            signed_on=today,
            evidence=evidence.strip()[:200],
            made_by_id=by_id,
            made_at=at,
        )
        AgreedBill.objects.bulk_create(
            AgreedBill(agreement=agreement, bill_id=bill_id, open_fen=fen) for bill_id, fen in sorted(owed.items())
        )
        Instalment.objects.bulk_create(
            Instalment(agreement=agreement, seq=seq, due_on=part.due_on, amount_fen=part.amount_fen)
            for seq, part in enumerate(plan, start=1)
        )
        collecting.stop(
            account_id=account_id,
            why=_("签了分期协议，按期履行不催不停"),
            source_key=f"agreement:{agreement.pk}",
            by_id=by_id,
            at=at,
        )
    return agreement.pk


def _check_length(plan: Sequence[Part], *, signed_on: date) -> None:
    """:raises PlanTooLong: a debt would be frozen for longer than one person may agree on"""
    terms = terms_in_force(published("instalments"), on=signed_on, province=settings.COLLECTING_PROVINCE or None)
    longest, last_on = int(terms["most_parts"]), signed_on + timedelta(days=int(terms["longest_days"]))
    if len(plan) > longest or plan[-1].due_on > last_on:
        raise PlanTooLong(
            _("分期最多 %(count)s 期，最后一期不能晚于 %(day)s。期限再长的不能在这里签，请减少期数或提早首期。")
            % {"count": longest, "day": last_on.isoformat()}
        )


def sign_in_parts(
    *,
    account_id: int,
    bill_ids: Sequence[int],
    count: int,
    first_on: date,
    evidence: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    The same with so many equal parts, a month apart from `first_on` on, the remainder on the last; as above.

    Beyond the end of a shorter month a part falls due on its last day.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        ledger.lock_balances([account_id])
        debt_fen = debt_of(account_id, bill_ids, on=today)
        if debt_fen < count:
            raise NothingToAgree(_("选中的账单已经交清或不属于这个户号，请刷新页面重新选择。"))
        days = [months_later(first_on, number) for number in range(count)]
        return sign_agreement(
            account_id=account_id,
            bill_ids=bill_ids,
            parts=list(zip(days, equal_parts(debt_fen, count), strict=True)),
            evidence=evidence,
            by_id=by_id,
            at=at,
            within=within,
        )


def look_at_agreements(*, at: datetime) -> dict[str, int]:
    """
    End what was missed and what is paid off; how many of each. Repeated, it finds nothing to do.

    An agreement ends with the day whose instalment was missed: from the next day on its bills are overdue as before.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    kept = list(InstalmentAgreement.objects.filter(state=InstalmentAgreement.State.KEPT).order_by("account_id"))
    standings = standings_of(kept, on=today)
    ended = {"done": 0, "broken": 0}
    for agreement in kept:
        if standings[agreement.pk].is_done or standings[agreement.pk].missed_on is not None:
            state = _end(agreement.pk, today=today, at=at)
            if state:
                ended[state] += 1
    return ended


def _end(agreement_id: int, *, today: date, at: datetime) -> str:
    """End one agreement, looked at once more under the lock of its account's money; its new state, "" for none."""
    with transaction.atomic():
        agreement = InstalmentAgreement.objects.get(pk=agreement_id)
        ledger.lock_balances([agreement.account_id])
        agreement.refresh_from_db()
        standing = standings_of([agreement], on=today)[agreement.pk]
        if agreement.state != InstalmentAgreement.State.KEPT or not (standing.is_done or standing.missed_on):
            return ""
        if standing.is_done:
            agreement.state, agreement.ended_on = InstalmentAgreement.State.DONE, today - timedelta(days=1)
        else:
            agreement.state, agreement.ended_on = InstalmentAgreement.State.BROKEN, standing.missed_on
        agreement.save(update_fields=["state", "ended_on"])
        collecting.lift(
            account_id=agreement.account_id,
            why=_("分期协议已还清") if standing.is_done else _("分期协议没有按期履行，协议终止"),
            source_key=f"agreement:{agreement.pk}",
            by_id=None,
            at=at,
        )
        return str(agreement.state)


__all__ = [
    "AlreadyAgreed",
    "BadPlan",
    "NothingToAgree",
    "PlanTooLong",
    "debt_of",
    "equal_parts",
    "look_at_agreements",
    "sign_agreement",
    "sign_in_parts",
]
