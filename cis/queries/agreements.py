"""Agreements by instalments: what they mean for bills, late fees and collecting, and how each stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q, Sum

from cis.collecting.instalments import Part, Standing, stand
from cis.models import AgreedBill, Bill, BudgetPlan, Instalment, InstalmentAgreement, LateFeeCharge
from cis.queries.budget_plans import covers, plans_of, standing_of


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """An agreement with its plan and how it stands on a day."""

    agreement_id: int
    account_id: int
    state: str
    state_word: str
    signed_on: date
    ended_on: date | None
    evidence: str
    debt_fen: int
    parts: tuple[Part, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class BillAgreed:
    """
    What agreements mean for a bill: `frozen_on` no late fee runs after this day, `runs_from` it runs anew after this
    day; `next_due_on` is when something is to be paid on it.
    """

    frozen_on: date | None
    runs_from: date | None
    next_due_on: date | None


NOT_AGREED = BillAgreed(None, None, None)


def agreed_bills(bill_ids: Iterable[int], *, on: date) -> dict[int, BillAgreed]:
    """What agreements mean for these bills on a day; one statement where there are none."""
    bill_ids = list(bill_ids)
    if not bill_ids or not _are_any_agreed(bill_ids):
        return {}
    found = _planned(bill_ids)
    rows = list(AgreedBill.objects.filter(bill_id__in=bill_ids).select_related("agreement").order_by("agreement"))
    kept = list({row.agreement for row in rows if row.agreement.state == InstalmentAgreement.State.KEPT})
    standings = _standings(kept, on=on) if kept else {}
    for row in rows:
        agreement = row.agreement
        if agreement.pk in standings:
            following = standings[agreement.pk].next
            found[row.bill_id] = BillAgreed(agreement.signed_on, None, following.due_on if following else None)
        else:
            found[row.bill_id] = BillAgreed(None, agreement.ended_on, None)
    return found


def _are_any_agreed(bill_ids: Sequence[int]) -> bool:
    """Whether any agreement or plan could concern these bills: hardly ever, and every payment asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM cis_agreed_bill WHERE bill_id = ANY(%(bills)s)) OR EXISTS (SELECT 1 "
            "FROM cis_bill b JOIN cis_budget_plan p ON p.account_id = b.account_id WHERE b.id = ANY(%(bills)s))",
            {"bills": list(bill_ids)},
        )
        return bool(cursor.fetchone()[0])


def _planned(bill_ids: Sequence[int]) -> dict[int, BillAgreed]:
    """What plans of equal monthly amounts mean for bills; one statement where there are none."""
    bills = Bill.objects.filter(pk__in=bill_ids)
    plans = plans_of(bills.values("account_id"))
    if not plans:
        return {}
    found = {}
    for bill_id, account_id, due_on in bills.values_list("pk", "account_id", "due_on"):
        for plan in plans:
            if plan.account_id == account_id and covers(plan, due_on):
                is_kept = plan.state == BudgetPlan.State.KEPT
                runs_from = None if is_kept else plan.settle_due_on or plan.ended_on
                found[bill_id] = BillAgreed(due_on if is_kept else None, runs_from, None)
    return found


def next_instalment(account_id: int, *, on: date) -> Part | None:
    """What is to be paid next by the agreement that the account keeps; two statements where there is none."""
    kept = InstalmentAgreement.objects.filter(account_id=account_id, state=InstalmentAgreement.State.KEPT).first()
    if kept is not None:
        return _standings([kept], on=on)[kept.pk].next
    plan = next((one for one in plans_of([account_id]) if one.state == BudgetPlan.State.KEPT), None)
    return None if plan is None else standing_of(plan, on=on).next


def list_agreements(account_id: int, *, on: date) -> tuple[AgreementRow, ...]:
    """The account's agreements, newest first; four statements."""
    agreements = list(InstalmentAgreement.objects.filter(account_id=account_id).order_by("-pk"))
    standings = _standings(agreements, on=on)
    parts = _parts([agreement.pk for agreement in agreements])
    return tuple(
        AgreementRow(
            agreement_id=agreement.pk,
            account_id=account_id,
            state=agreement.state,
            state_word=agreement.get_state_display(),
            signed_on=agreement.signed_on,
            ended_on=agreement.ended_on,
            evidence=agreement.evidence,
            debt_fen=agreement.debt_fen,
            parts=tuple(parts[agreement.pk]),
            standing=standings[agreement.pk],
        )
        for agreement in agreements
    )


def standings_of(agreements: Sequence[InstalmentAgreement], *, on: date) -> dict[int, Standing]:
    """How agreements stand on a day, by id; four statements."""
    return _standings(agreements, on=on)


def _standings(agreements: Sequence[InstalmentAgreement], *, on: date) -> dict[int, Standing]:
    ids = [agreement.pk for agreement in agreements]
    bills = list(AgreedBill.objects.filter(agreement_id__in=ids).values_list("agreement_id", "bill_id"))
    bill_ids = [bill_id for _agreement, bill_id in bills]
    left: dict[int, int] = defaultdict(int)
    left |= dict(Bill.objects.filter(pk__in=bill_ids).values_list("pk", "open_fen"))
    fees = LateFeeCharge.objects.filter(Q(bill_id__in=bill_ids), open_fen__gt=0)
    for bill_id, fen in fees.values_list("bill_id").annotate(fen=Sum("open_fen")):
        left[bill_id] += fen
    owed: dict[int, int] = defaultdict(int)
    for agreement_id, bill_id in bills:
        owed[agreement_id] += left[bill_id]
    parts = _parts(ids)
    return {
        agreement.pk: stand(parts[agreement.pk], left_fen=min(owed[agreement.pk], agreement.debt_fen), on=on)
        for agreement in agreements
    }


def _parts(agreement_ids: Sequence[int]) -> dict[int, list[Part]]:
    found: dict[int, list[Part]] = defaultdict(list)
    rows = Instalment.objects.filter(agreement_id__in=agreement_ids).order_by("agreement_id", "seq")
    for agreement_id, due_on, fen in rows.values_list("agreement_id", "due_on", "amount_fen"):
        found[agreement_id].append(Part(due_on, fen))
    return found
