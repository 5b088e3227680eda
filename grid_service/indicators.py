"""The indicators of grid service: how fast a question is answered, who has a manager, whom notices reach."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.shared.indicators import Asked, Better, Figures, Indicator, Unit
from config.shared.periods import add_months, cycle_of
from grid_service.queries.indicators import answers_of, covered_of, reached_of


def first_answer_middle(asked: Asked) -> Figures:
    """Seconds to the answer, the middle one."""
    return {key: one.p50_s for key, one in answers_of(asked).items()}


def first_answer_slow(asked: Asked) -> Figures:
    """Seconds to the answer that nine of ten stay below."""
    return {key: one.p90_s for key, one in answers_of(asked).items()}


def coverage(asked: Asked) -> Figures:
    """
    0.01 % of open accounts that have a manager and a deputy today.

    Other months than this one and the one before (which pages about months show first) have no figure: it is a state.
    """
    now = cycle_of(asked.today)
    months = [month for month in asked.months if month in (now, add_months(now, -1))]
    return {
        (part, month): round(covered * 10_000 / every)
        for part, (covered, every) in (covered_of(asked).items() if months else ())
        if every
        for month in months
    }


def notices_reached(asked: Asked) -> Figures:
    """0.01 % of households concerned by a notice that it reached."""
    return {key: round(reached * 10_000 / every) for key, (reached, every) in reached_of(asked).items() if every}


_SEEN_BY = "grid_service.oversee_districts"

INDICATORS = (
    Indicator(
        "grid-service.first-answer-p50",
        _("片区首次答复（一半）"),
        Unit.MINUTES,
        "district-supervisor",
        _("客户提问到首次答复，一半的问题在这个时间内。"),
        _SEEN_BY,
        first_answer_middle,
        Better.LOWER,
        target_setting="GRID_FIRST_ANSWER_TARGET_S",
    ),
    Indicator(
        "grid-service.first-answer-p90",
        _("片区首次答复（九成）"),
        Unit.MINUTES,
        "district-supervisor",
        _("客户提问到首次答复，九成的问题在这个时间内。"),
        _SEEN_BY,
        first_answer_slow,
        Better.LOWER,
    ),
    Indicator(
        "grid-service.coverage",
        _("片区覆盖"),
        Unit.PERCENT,
        "district-supervisor",
        _("有片区经理和副经理的在用户，占全部在用户。"),
        _SEEN_BY,
        coverage,
        Better.HIGHER,
        target_setting="GRID_COVERAGE_TARGET_E2",
    ),
    Indicator(
        "grid-service.notices-reached",
        _("通知送达"),
        Unit.PERCENT,
        "district-supervisor",
        _("停电和片区通知涉及的户里，消息送到或有人告诉了的。"),
        _SEEN_BY,
        notices_reached,
        Better.HIGHER,
    ),
)
