"""Who is cut in a plan, and why one customer is: in the words of the list and beside the alternatives there were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from cis.queries.dues import account_id_of, names_of
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from dsm.models import PlanCut, ShedEntry, ShedOrder
from dsm.queries.shortages import strategy_name
from dsm.shedding.stretches import clock
from dsm.words import MEASURES

ORDERS = {
    "no": Order((SortKey("account_no", str, "account__account_no"),)),
    "kw": Order((SortKey("peak_cut_kw", int), SortKey("cut_id", int, "pk"))),
    "tier": Order((SortKey("tier", int), SortKey("cut_id", int, "pk"))),
    "burden": Order((SortKey("burden_h", int), SortKey("cut_id", int, "pk"))),
}


@dataclass(frozen=True, slots=True)
class CutRow:
    """One customer's cut; power in kW."""

    cut_id: int
    shortage_id: int
    strategy: str
    account_id: int
    account_no: str
    masked_name: str
    tier: int
    group_no: int
    measure_word: str
    starts: str
    ends: str
    peak_cut_kw: int
    cut_kwh: int
    security_kw: int
    burden_h: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """What became of the same customer in another plan; `cut` is None where it is left alone."""

    strategy: str
    name: str
    cut: CutRow | None


@dataclass(frozen=True, slots=True)
class WhyMe:
    """Why a customer is cut: where it stands on the list, and among whom. Curves are 96 values in kW."""

    cut: CutRow
    strategy: str
    strategy_name: str
    on_day: date
    load_kw: tuple[int, ...]
    after_kw: tuple[int, ...]
    security_is_surveyed: bool
    process_pct: int
    depth_permille: int
    lower_tiers: int
    lower_tiers_cut: int
    same_tier: int
    same_tier_cut: int
    protected: int
    alternatives: tuple[Alternative, ...]
    compensation_fen_kwh: int
    """what a kWh of this measure earns, an estimate; 0 for none"""
    list_document: str
    list_authority: str


def page_of_cuts(ask: Ask, *, plan_id: int, text: str = "") -> Page[CutRow]:
    """The cuts of a plan; `text` finds the beginning of account numbers. Two statements."""
    return ask.page(ask.of(_found(plan_id, text)), lambda found: _rows(list(found)))


def count_cuts(*, plan_id: int, text: str = "") -> int:
    """How many there are."""
    return _found(plan_id, text).count()


def _found(plan_id: int, text: str) -> QuerySet[PlanCut]:
    rows = (
        PlanCut.objects.filter(plan_id=plan_id)
        .select_related("plan")
        .defer("load_kw")
        .annotate(account_no=F("account__account_no"), cut_id=F("pk"))
    )
    text = text.strip()
    return rows.filter(account__account_no__startswith=text) if text else rows


def explain_cut(*, plan_id: int, account_no: str) -> WhyMe:
    """
    Why this customer is cut in this plan.

    :raises NotFound: they are not
    """
    cut = (
        PlanCut.objects.filter(plan_id=plan_id, account_id=account_id_of(account_no))
        .select_related("plan__shortage__shed_list")
        .first()
    )
    if cut is None:
        raise NotFound(_("这一户不在这个方案里。"))
    return _explained(cut)


def explain_order(*, order_id: int, account_ids: tuple[int, ...]) -> WhyMe:
    """
    Why the customer of an order is cut, for themselves.

    :raises NotFound: there is no such order of these accounts
    """
    order = (
        ShedOrder.objects.filter(pk=order_id, account_id__in=account_ids)
        .select_related("cut__plan__shortage__shed_list")
        .first()
    )
    if order is None:
        raise NotFound(_("没有这条通知。"))
    return _explained(order.cut)


def _explained(cut: PlanCut) -> WhyMe:
    shortage = cut.plan.shortage
    entries = ShedEntry.objects.filter(shed_list_id=shortage.shed_list_id)
    entry = entries.get(account_id=cut.account_id)
    cuts = PlanCut.objects.filter(plan_id=cut.plan_id)
    same = entries.filter(tier=cut.tier)
    others = {
        one.plan_id: one
        for one in PlanCut.objects.filter(plan__shortage=shortage, account_id=cut.account_id)
        .exclude(pk=cut.pk)
        .select_related("plan")
    }
    shown = {row.cut_id: row for row in _rows([cut, *others.values()])}
    load = tuple(cut.load_kw)
    return WhyMe(
        cut=shown[cut.pk],
        strategy=cut.plan.strategy,
        strategy_name=strategy_name(cut.plan.strategy),
        on_day=shortage.on_day,
        load_kw=load,
        after_kw=_after(cut),
        security_is_surveyed=entry.security_source == ShedEntry.SecuritySource.SURVEYED,
        process_pct=cut.process_pct,
        depth_permille=cut.depth_permille,
        lower_tiers=entries.filter(tier__lt=cut.tier, sheddable_kw__gt=0).count(),
        lower_tiers_cut=cuts.filter(tier__lt=cut.tier).count(),
        same_tier=same.filter(sheddable_kw__gt=0).count(),
        same_tier_cut=cuts.filter(tier=cut.tier).count(),
        protected=entries.filter(~Q(protected_because="")).count(),
        alternatives=tuple(
            Alternative(
                plan.strategy,
                strategy_name(plan.strategy),
                shown.get(others[plan.pk].pk) if plan.pk in others else None,
            )
            for plan in shortage.plans.exclude(pk=cut.plan_id).exclude(state="waiting").order_by("order_no")
        ),
        compensation_fen_kwh=entry.compensation_fen_kwh * settings.DSM_COMPENSATED_PCT[cut.measure] // 100,
        list_document=shortage.shed_list.document_no,
        list_authority=shortage.shed_list.authority,
    )


def _after(cut: PlanCut) -> tuple[int, ...]:
    """What remains of the load, rounded to whole kW as the cut is stored."""
    after = []
    for slot, load in enumerate(cut.load_kw):
        cap = max(load - cut.security_kw, 0) * cut.process_pct // 100
        is_cut = cut.start_slot <= slot < cut.end_slot
        after.append(load - (cap * cut.depth_permille // 1000 if is_cut else 0))
    return tuple(after)


def _rows(found: list[PlanCut]) -> list[CutRow]:
    names = names_of([cut.account_id for cut in found]) if found else {}
    return [
        CutRow(
            cut_id=cut.pk,
            shortage_id=cut.plan.shortage_id,
            strategy=cut.plan.strategy,
            account_id=cut.account_id,
            account_no=names[cut.account_id][0],
            masked_name=names[cut.account_id][1],
            tier=cut.tier,
            group_no=cut.group_no,
            measure_word=str(MEASURES[cut.measure]),
            starts=clock(cut.start_slot),
            ends=clock(cut.end_slot),
            peak_cut_kw=cut.peak_cut_kw,
            cut_kwh=cut.cut_kwh,
            security_kw=cut.security_kw,
            burden_h=cut.burden_h,
        )
        for cut in found
    ]
