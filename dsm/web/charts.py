"""Charts of shortages: what is needed and there, and a load before and after a plan."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from dsm.queries.plan_cuts import WhyMe
from dsm.queries.shortages import PlanRow, ShortagePage
from dsm.shedding.stretches import clock


def _axis() -> dict[str, Any]:
    return {"x": [clock(slot) for slot in range(96)], "x_name": _("时间"), "unit": _("千瓦"), "kind": "line"}


def gap_chart(page: ShortagePage) -> dict[str, Any]:
    """What is expected, what is available, what is missing."""
    return {
        **_axis(),
        "series": [
            {"name": _("预计负荷"), "values": list(page.demand_kw), "forecast": page.forecast_issued_at is not None},
            {"name": _("可用供电能力"), "values": list(page.supply_kw), "kind": "step"},
            {"name": _("缺口"), "values": list(page.gap_kw), "kind": "area", "tone": "bad"},
        ],
    }


def before_after_chart(page: ShortagePage, plan: PlanRow) -> dict[str, Any]:
    """The load without and with a plan, beside what is available."""
    after = [load - shed for load, shed in zip(page.demand_kw, plan.shed_kw, strict=True)]
    return {
        **_axis(),
        "from_zero": False,
        "series": [
            {"name": _("执行前"), "values": list(page.demand_kw), "forecast": True},
            {"name": _("执行后"), "values": after},
            {"name": _("可用供电能力"), "values": list(page.supply_kw), "kind": "step", "tone": "bad"},
        ],
    }


def customer_chart(why: WhyMe) -> dict[str, Any]:
    """One customer's load without and with the cut, and the security load under it."""
    return {
        **_axis(),
        "series": [
            {"name": _("预计用电"), "values": list(why.load_kw), "forecast": True},
            {"name": _("执行后"), "values": list(why.after_kw)},
        ],
        "limits": [{"name": _("保安负荷"), "value": why.cut.security_kw}],
    }
