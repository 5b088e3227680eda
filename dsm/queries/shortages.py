"""Shortages as their pages show them: the list, one with its plans and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cis.queries.dues import names_of
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from config.shared.models import Job, OrgUnit, User
from config.shared.permissions import in_scope
from dsm.models import FeederCut, Shortage, ShortagePlan, ShortageStep
from dsm.queries.notice import late_orders
from dsm.shedding.strategies import STRATEGIES

ORDERS = {"day": Order((SortKey("on_day", date), SortKey("shortage_id", int, "pk")))}


@dataclass(frozen=True, slots=True)
class ShortageRow:
    """One shortage in the list; power in kW."""

    shortage_id: int
    on_day: date
    cause: str
    level: str
    peak_gap_kw: int
    state: str
    state_word: str
    chosen: str
    drafted_by: str
    drafted_at: datetime


@dataclass(frozen=True, slots=True)
class PlanRow:
    """
    One plan beside the others. `gap_e4`: how far it may be above the best there is, 10^-4; None without bound.

    `figures` are the plan's own, and two of the moment: `late_orders` and `notice_kept_e4` (10^-4).
    """

    plan_id: int
    strategy: str
    name: str
    about: str
    state: str
    state_word: str
    is_ready: bool
    is_greedy_instead: bool
    figures: dict[str, int]
    shed_kw: tuple[int, ...]
    bound_fen: int | None
    above_bound_fen: int | None
    gap_e4: int | None
    took_ms: int
    worst_account_no: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step taken."""

    kind: str
    word: str
    who: str
    at: datetime
    reasons: str
    authority: str
    document_no: str
    document_on: date | None
    plan: str


@dataclass(frozen=True, slots=True)
class FeederRow:
    """One feeder in the approved order of cutting."""

    order_no: int
    code: str
    name: str
    expected_kw: int
    households: int


@dataclass(frozen=True, slots=True)
class ShortagePage:
    """A shortage with its plans, steps and the feeders of last resort; 96 values each in kW."""

    shortage_id: int
    on_day: date
    cause: str
    level: str
    state: str
    state_word: str
    demand_word: str
    forecast_issued_at: datetime | None
    demand_kw: tuple[int, ...]
    supply_kw: tuple[int, ...]
    gap_kw: tuple[int, ...]
    drafted_by_id: int
    list_year: int
    list_document: str
    list_authority: str
    has_failed: bool
    """whether the computation was given up"""
    plans: tuple[PlanRow, ...]
    steps: tuple[StepRow, ...]
    feeders: tuple[FeederRow, ...]

    @property
    def is_ready(self) -> bool:
        """Whether all plans are computed."""
        return all(plan.is_ready for plan in self.plans)

    @property
    def peak_gap_kw(self) -> int:
        """The greatest gap."""
        return max(self.gap_kw)

    @property
    def gap_kwh(self) -> int:
        """What is short over the day."""
        return sum(self.gap_kw) // 4

    @property
    def chosen(self) -> PlanRow | None:
        """The plan that was chosen."""
        return next((plan for plan in self.plans if plan.is_chosen), None)

    def plan_of(self, strategy: str) -> PlanRow:
        """
        The plan of a strategy.

        :raises NotFound: there is none, or it is still being computed
        """
        found = next((plan for plan in self.plans if plan.strategy == strategy and plan.is_ready), None)
        if found is None:
            raise NotFound(_("没有这个方案，或还在计算。"))
        return found


def page_of_shortages(ask: Ask, *, within: Sequence[str]) -> Page[ShortageRow]:
    """Shortages of these organisation paths; two statements."""
    rows = Shortage.objects.filter(in_scope("org_unit", within)).select_related("drafted_by", "chosen")
    return ask.page(ask.of(rows), lambda found: [_row(one) for one in found])


def open_shortages(*, within: Sequence[str], today: date, limit: int = 8) -> list[ShortageRow]:
    """Shortages of today and later whose orders are not out, the nearest day first."""
    rows = Shortage.objects.filter(in_scope("org_unit", within), on_day__gte=today).exclude(
        state__in=(Shortage.State.ISSUED, Shortage.State.CALLED_BACK, Shortage.State.WITHDRAWN)
    )
    return [_row(one) for one in rows.select_related("drafted_by", "chosen").order_by("on_day", "pk")[:limit]]


def get_shortage(*, shortage_id: int, within: Sequence[str], at: datetime) -> ShortagePage:
    """
    One shortage; a fixed number of statements. How many of a plan's customers would hear too late is counted as of
    `at`, or of the moment in which the orders went out.

    :raises NotFound: there is none within these organisation paths
    """
    row = (
        Shortage.objects.filter(in_scope("org_unit", within), pk=shortage_id)
        .select_related("shed_list", "drafted_by", "job")
        .first()
    )
    if row is None:
        raise NotFound(_("没有这次缺电。"))
    plans = list(row.plans.select_related("worst_account").order_by("order_no"))
    steps = list(row.steps.select_related("by", "plan").order_by("at", "pk"))
    late = late_orders(row, at=next((step.at for step in steps if step.kind == ShortageStep.Kind.ISSUED), at))
    return ShortagePage(
        shortage_id=row.pk,
        on_day=row.on_day,
        cause=row.cause,
        level=row.level,
        state=row.state,
        state_word=_(Shortage.State(row.state).label),
        demand_word=_(Shortage.Demand(row.demand).label),
        forecast_issued_at=row.forecast_issued_at,
        demand_kw=tuple(row.demand_kw),
        supply_kw=tuple(row.supply_kw),
        gap_kw=tuple(row.gap_kw),
        drafted_by_id=row.drafted_by_id,
        list_year=row.shed_list.year,
        list_document=row.shed_list.document_no,
        list_authority=row.shed_list.authority,
        has_failed=row.job is not None and row.job.state in (Job.State.FAILED, Job.State.CANCELLED),
        plans=tuple(_plan(plan, row.chosen_id, late.get(plan.pk, 0)) for plan in plans),
        steps=tuple(_step(step) for step in steps),
        feeders=feeders_of(row.shed_list_id),
    )


def feeders_of(list_id: int) -> tuple[FeederRow, ...]:
    """The approved order of feeders of a list."""
    rows = FeederCut.objects.filter(shed_list_id=list_id).select_related("feeder").order_by("order_no")
    return tuple(
        FeederRow(one.order_no, one.feeder.code, one.feeder.name, one.expected_kw, one.households) for one in rows
    )


def unit_to_plan_for(within: Sequence[str]) -> int:
    """
    The unit whose shortages somebody of these organisation paths plans: the highest.

    :raises NotFound: none
    """
    found = OrgUnit.objects.filter(path__in=list(within)).order_by("path").values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(_("您没有负责的单位。请联系管理员。"))
    return found


def strategy_name(code: str) -> str:
    """What a strategy is called; its code where it is no longer known."""
    known = STRATEGIES.get(code)
    return in_language(known.name_zh, known.name_en) if known else code


def _row(row: Shortage) -> ShortageRow:
    return ShortageRow(
        shortage_id=row.pk,
        on_day=row.on_day,
        cause=row.cause,
        level=row.level,
        peak_gap_kw=max(row.gap_kw),
        state=row.state,
        state_word=_(Shortage.State(row.state).label),
        chosen=strategy_name(row.chosen.strategy) if row.chosen else "",
        drafted_by=name_of(row.drafted_by),
        drafted_at=row.drafted_at,
    )


def _plan(row: ShortagePlan, chosen_id: int | None, late: int) -> PlanRow:
    known = STRATEGIES.get(row.strategy)
    above = None
    if row.bound_fen is not None and row.objective_fen is not None:
        above = max(row.objective_fen - row.bound_fen, 0)
    figures = dict(row.figures)
    if figures:
        orders = figures["orders"]
        figures["late_orders"] = late
        figures["notice_kept_e4"] = (orders - late) * 10_000 // orders if orders else 10_000
    greedy = (ShortagePlan.State.NO_SOLUTION, ShortagePlan.State.KILLED, ShortagePlan.State.FAILED)
    return PlanRow(
        plan_id=row.pk,
        strategy=row.strategy,
        name=strategy_name(row.strategy),
        about=in_language(known.about_zh, known.about_en) if known else "",
        state=row.state,
        state_word=_(ShortagePlan.State(row.state).label),
        is_ready=row.state != ShortagePlan.State.WAITING,
        is_greedy_instead=row.state in greedy,
        figures=figures,
        shed_kw=tuple(row.shed_kw),
        bound_fen=row.bound_fen,
        above_bound_fen=above,
        gap_e4=above * 10_000 // row.bound_fen if above is not None and row.bound_fen else None,
        took_ms=row.took_ms,
        worst_account_no=row.worst_account.account_no if row.worst_account else "",
        is_chosen=row.pk == chosen_id,
    )


def _step(row: ShortageStep) -> StepRow:
    return StepRow(
        kind=row.kind,
        word=_(ShortageStep.Kind(row.kind).label),
        who=name_of(row.by),
        at=row.at,
        reasons=row.reasons,
        authority=row.authority,
        document_no=row.document_no,
        document_on=row.document_on,
        plan=strategy_name(row.plan.strategy) if row.plan else "",
    )


def name_of(user: User) -> str:
    """What a member of staff is called."""
    return user.display_name or user.username


def names(account_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Account id to number and masked name."""
    return names_of(account_ids) if account_ids else {}
