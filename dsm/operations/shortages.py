"""A shortage on its way: drafted, submitted, approved by the authority, a plan chosen with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.shared import jobs
from config.shared.errors import BadInput, NotAllowed, NotFound, Refused
from dsm.models import ShedList, Shortage, ShortagePlan, ShortageStep
from dsm.operations.plan_standing import refuse_stale
from dsm.queries.forecasts import forecast_for
from dsm.shedding.levels import level_of
from dsm.shedding.problem import SLOTS
from dsm.shedding.strategies import STRATEGIES

JOB_KIND = "shortage-plans"


class NoForecast(Refused):
    """Nothing was forecast for the day."""

    code = "no-forecast"


class NoGap(Refused):
    """What is available suffices."""

    code = "no-gap"


class NoApprovedList(Refused):
    """The year has no approved list."""

    code = "no-approved-list"


class DayIsOver(Refused):
    """The day lies behind."""

    code = "day-is-over"


class OutOfTurn(Refused):
    """The shortage is not where this step begins."""

    code = "out-of-turn"


class PlansNotReady(Refused):
    """A plan is still being computed."""

    code = "plans-not-ready"


class OwnDraft(NotAllowed):
    """Who drafted the plans cannot choose among them."""

    code = "own-draft"


def create_shortage(
    *,
    on_day: date,
    org_unit_id: int,
    cause: str,
    demand: str,
    supply_kw: Sequence[int],
    drafted_by_id: int,
    at: datetime,
    demand_kw: Sequence[int] = (),
) -> int:
    """
    Put down a shortage and begin to compute its plans, one shard a strategy; gives its id.

    `demand`: "p50" or "p90" of the system's forecast, or "imported" with `demand_kw`; all in kW by quarter-hour.

    :raises BadInput: not 96 values, or no cause
    :raises DayIsOver, NoForecast, NoGap, NoApprovedList: see there
    """
    cause = cause.strip()
    if not cause:
        raise BadInput(_("请写明缺电原因，例如「连续高温，外来电减少」。"))
    if on_day < at.astimezone(settings.BILLING_TIME_ZONE).date():
        raise DayIsOver(_("这一天已经过去，请选今天或以后的日子。"))
    forecast_issued_at = None
    if demand != Shortage.Demand.IMPORTED:
        forecast = forecast_for(scope="system", scope_id=0, on_day=on_day)
        if forecast is None:
            raise NoForecast(_("%(day)s 还没有负荷预测。请先做预测，或按时段录入需求。") % {"day": on_day.isoformat()})
        demand_kw = forecast.p90_kw if demand == Shortage.Demand.P90 else forecast.p50_kw
        forecast_issued_at = forecast.issued_at
    if len(supply_kw) != SLOTS or len(demand_kw) != SLOTS or min(*supply_kw, *demand_kw) < 0:
        raise BadInput(_("请给出全天 96 个时段的数值。"))
    gap_kw = [max(due - there, 0) for due, there in zip(demand_kw, supply_kw, strict=True)]
    if not any(demand_kw):
        raise BadInput(_("各时段的需求不能都是 0。"))
    level = level_of(
        max(gap_kw),
        max_demand_kw=max(demand_kw),
        bounds_pct=settings.DSM_LEVELS_PCT,
        at_bound=settings.DSM_LEVELS_AT_BOUND,
    )
    if level is None:
        raise NoGap(_("可用供电能力够用，没有缺口，不需要方案。"))
    with transaction.atomic():
        listed = ShedList.objects.filter(
            year=on_day.year, org_unit_id=org_unit_id, state=ShedList.State.APPROVED
        ).first()
        if listed is None:
            raise NoApprovedList(
                _("%(year)s 年还没有政府批准的有序用电名单，不能编方案。请先导入名单，再在「有序用电名单」里登记批文。")
                % {"year": on_day.year}
            )
        shortage = Shortage.objects.create(
            on_day=on_day,
            org_unit_id=org_unit_id,
            cause=cause,
            demand=demand,
            forecast_issued_at=forecast_issued_at,
            demand_kw=list(demand_kw),
            supply_kw=list(supply_kw),
            gap_kw=gap_kw,
            level=level,
            shed_list=listed,
            drafted_by_id=drafted_by_id,
            drafted_at=at,
        )
        ShortageStep.objects.create(
            shortage=shortage, kind=ShortageStep.Kind.DRAFTED, by_id=drafted_by_id, at=at, reasons=cause
        )
        plans = ShortagePlan.objects.bulk_create(
            ShortagePlan(shortage=shortage, strategy=code, order_no=number)
            for number, code in enumerate(STRATEGIES, start=1)
        )
        shortage.job_id = jobs.create_job(
            kind=JOB_KIND,
            parameters={"shortage_id": shortage.pk},
            shards=[jobs.ShardSpec(low=plan.pk, high=plan.pk + 1, units=1) for plan in plans],
            created_by_id=drafted_by_id,
            at=at,
            org_unit_id=org_unit_id,
        )
        shortage.save(update_fields=["job"])
        return shortage.pk


def submit_shortage(*, shortage_id: int, by_id: int, at: datetime) -> None:
    """
    Put the plans before the authority.

    :raises NotFound, OutOfTurn: there is no such shortage, or it was submitted before
    :raises PlansNotReady: a plan is still being computed
    :raises PlansAreStale, AlreadyCut: the plans no longer hold
    """
    with transaction.atomic():
        shortage = _locked(shortage_id, Shortage.State.DRAFTED)
        plans = list(shortage.plans.all())
        if any(plan.state == ShortagePlan.State.WAITING for plan in plans):
            raise PlansNotReady(_("方案还没有算完，请稍候再报批。"))
        refuse_stale(shortage, plans)
        _step(shortage, ShortageStep.Kind.SUBMITTED, by_id, at)


def record_authority_approval(
    *, shortage_id: int, authority: str, document_no: str, document_on: date, by_id: int, at: datetime
) -> None:
    """
    Put down the written approval of the authority: by whom, by which document, of which day.

    Source: 河南省供用电条例 art. 47, no limit without a written notice of the government.

    :raises NotFound, OutOfTurn: there is no such shortage, or it does not wait for an approval
    :raises BadInput: no authority or document, or a document of a later day
    """
    authority, document_no = authority.strip(), document_no.strip()
    if not authority or not document_no:
        raise BadInput(_("请写明批准机关和文号。"))
    if document_on > at.astimezone(settings.BILLING_TIME_ZONE).date():
        raise BadInput(_("批文日期不能晚于今天。"))
    with transaction.atomic():
        shortage = _locked(shortage_id, Shortage.State.SUBMITTED)
        _step(
            shortage,
            ShortageStep.Kind.AUTHORISED,
            by_id,
            at,
            authority=authority,
            document_no=document_no,
            document_on=document_on,
        )


def choose_plan(*, shortage_id: int, plan_id: int, reasons: str, by_id: int, at: datetime) -> None:
    """
    Choose one plan, with reasons that stay.

    :raises NotFound, OutOfTurn: there is no such shortage or plan of it, or the authority has not approved
    :raises BadInput: no reasons
    :raises OwnDraft: who drafted the shortage cannot choose
    :raises PlansAreStale, AlreadyCut: the plan no longer holds
    """
    reasons = reasons.strip()
    if not reasons:
        raise BadInput(_("请写明选这个方案的理由。"))
    with transaction.atomic():
        shortage = _locked(shortage_id, Shortage.State.AUTHORISED)
        if shortage.drafted_by_id == by_id:
            raise OwnDraft(_("方案是您拟的，须由另一位领导选定。"))
        plan = shortage.plans.exclude(state=ShortagePlan.State.WAITING).filter(pk=plan_id).first()
        if plan is None:
            raise NotFound(_("没有这个方案，请重新选择。"))
        refuse_stale(shortage, [plan])
        shortage.chosen = plan
        _step(shortage, ShortageStep.Kind.CHOSEN, by_id, at, reasons=reasons, plan=plan)


def withdraw_shortage(*, shortage_id: int, reasons: str, by_id: int, at: datetime) -> None:
    """
    Give a shortage up before orders went out.

    :raises NotFound, OutOfTurn: there is no such shortage, or orders are out
    :raises BadInput: no reasons
    """
    if not reasons.strip():
        raise BadInput(_("请写明撤销的理由。"))
    with transaction.atomic():
        before = (Shortage.State.DRAFTED, Shortage.State.SUBMITTED, Shortage.State.AUTHORISED, Shortage.State.CHOSEN)
        shortage = _locked(shortage_id, *before)
        shortage.chosen = None
        _step(shortage, ShortageStep.Kind.WITHDRAWN, by_id, at, reasons=reasons.strip())


def _locked(shortage_id: int, *states: str) -> Shortage:
    shortage = Shortage.objects.select_for_update().filter(pk=shortage_id).first()
    if shortage is None:
        raise NotFound(_("没有这次缺电。"))
    if shortage.state not in states:
        raise OutOfTurn(
            _("这次缺电现在是「%(state)s」，不能做这一步。请刷新页面。")
            % {"state": _(Shortage.State(shortage.state).label)}
        )
    return shortage


def _step(shortage: Shortage, kind: ShortageStep.Kind, by_id: int, at: datetime, **facts: object) -> None:
    """Write the step down and move the shortage to the state of its name."""
    ShortageStep.objects.create(shortage=shortage, kind=kind, by_id=by_id, at=at, **facts)
    shortage.state = Shortage.State(kind.value)
    shortage.save(update_fields=["state", "chosen"])
