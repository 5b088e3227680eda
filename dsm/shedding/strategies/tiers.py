"""Pure: limits by tier (避峰、限电): the first tier until it is exhausted, then the next."""

from __future__ import annotations

from dsm.shedding.greedy import fair_between_equals, fill, trim
from dsm.shedding.problem import Plan, Problem, nobody, objective_fen
from dsm.shedding.strategies.strategy import Limits, Strategy


def cut_by_tier(problem: Problem, limits: Limits) -> Plan:
    """
    Tier by tier, within a tier the less burdened first: 避峰 where its notice can be kept, else 限电.

    A higher tier is touched only where everybody of the lower ones who can help is cut already.
    """
    del limits
    avoid, limit = problem.only(("avoid",)), problem.only(("limit",))
    mild = fill(problem, nobody(problem), stages=(avoid, limit))
    if (mild.total_w >= problem.need_w).all():
        return fair_between_equals(problem, trim(problem, mild))
    # Short windows do not reach over a long shortage: 限电 from the start where that covers more.
    strict = fill(problem, nobody(problem), stages=(avoid | limit,))
    better = min((mild, strict), key=lambda plan: objective_fen(problem, plan))
    return fair_between_equals(problem, trim(problem, better))


TIERS = Strategy(
    code="tiers",
    name_zh="按序避峰限电",
    name_en="Limits by tier",
    about_zh="按名单的顺序档一档一档地避峰，来不及通知的限电，同档里停得少的先轮到，付补偿。",
    about_en="Tier by tier in the order of the list, the least burdened of a tier first; with compensation.",
    make=cut_by_tier,
)
