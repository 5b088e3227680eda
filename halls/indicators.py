"""The indicators of halls: how long people wait, how many too long, how well it was foretold, what they say."""

from __future__ import annotations

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from config.shared.indicators import Asked, Better, Figures, Indicator, Unit
from halls.queries.indicators import scores_of, waits_of


def mean_wait(asked: Asked) -> Figures:
    """Seconds."""
    return {key: waits.mean_s for key, waits in waits_of(asked).items()}


def p90_wait(asked: Asked) -> Figures:
    """Seconds that nine in ten wait less than."""
    return {key: waits.p90_s for key, waits in waits_of(asked).items()}


def over_bound(asked: Asked) -> Figures:
    """0.01 % of those called."""
    return {key: waits.over_e4 for key, waits in waits_of(asked).items()}


def prediction_error(asked: Asked) -> Figures:
    """Seconds between what was foretold and what came, on average."""
    return {key: waits.error_s for key, waits in waits_of(asked).items()}


def satisfaction(asked: Asked) -> Figures:
    """0.01 of a star."""
    return dict(scores_of(asked))


_SEEN_BY = "halls.oversee"

INDICATORS = (
    Indicator(
        "halls.mean-wait",
        _("平均等候"),
        Unit.MINUTES,
        "hall-manager",
        _("从取号到第一次叫号的平均时间。"),
        _SEEN_BY,
        mean_wait,
        Better.LOWER,
        "HALLS_WAIT_TARGET_S",
        detail_url_name="halls:halls",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "halls.p90-wait",
        _("九成客户等候不超过"),
        Unit.MINUTES,
        "hall-manager",
        _("十位客户里九位从取号到叫号不超过的时间。"),
        _SEEN_BY,
        p90_wait,
        Better.LOWER,
        "HALLS_WAIT_BOUND_S",
        detail_url_name="halls:halls",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "halls.over-bound",
        format_lazy(_("等候超过 {minutes} 分钟的占比"), minutes=settings.HALLS_WAIT_BOUND_S // 60),
        Unit.PERCENT,
        "hall-manager",
        _("等候超过承诺上限的客户，占叫到号的客户的比例。"),
        _SEEN_BY,
        over_bound,
        Better.LOWER,
        "HALLS_OVER_BOUND_TARGET_E2",
        detail_url_name="halls:halls",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "halls.prediction-error",
        _("等候预计误差"),
        Unit.MINUTES,
        "hall-manager",
        _("取号时预计的等候与实际等候之差的平均值。"),
        _SEEN_BY,
        prediction_error,
        Better.LOWER,
        "HALLS_PREDICTION_ERROR_TARGET_S",
    ),
    Indicator(
        "halls.satisfaction",
        _("营业厅评价"),
        Unit.SCORE,
        "hall-manager",
        _("客户办完业务后打的分，一到五分的平均值；没有评价的不算满意。"),
        _SEEN_BY,
        satisfaction,
        Better.HIGHER,
        "HALLS_SCORE_TARGET_E2",
        detail_url_name="halls:halls",
        detail_permission=_SEEN_BY,
    ),
)
