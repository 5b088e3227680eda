"""The indicators of customer relations: satisfaction, what key accounts are worth, emergencies in time."""

from __future__ import annotations

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from config.shared.indicators import Asked, Better, Figures, Indicator, Unit
from config.shared.periods import add_months, cycle_of
from crm.queries.indicators import billed_by_tier, emergencies_of, ratings_of


def satisfaction(asked: Asked) -> Figures:
    """0.01 of a point: the mean of the ratings there are; who did not rate is counted nowhere."""
    return {key: round(found.part * 100 / found.whole) for key, found in ratings_of(asked).items()}


def rated(asked: Asked) -> Figures:
    """How many ratings the mean rests on."""
    return {key: found.whole for key, found in ratings_of(asked).items()}


def key_share(asked: Asked) -> Figures:
    """0.01 % of what was billed in twelve months, by key accounts and VIP; as of the last night."""
    now = cycle_of(asked.today)
    months = [month for month in asked.months if month in (now, add_months(now, -1))]
    return {
        (unit, month): round(found.part * 10_000 / found.whole)
        for unit, found in billed_by_tier(asked).items()
        if found.whole
        for month in months
    }


def emergencies_in_time(asked: Asked) -> Figures:
    """0.01 % of emergencies with reply and arrival in time."""
    return {key: round(found.part * 10_000 / found.whole) for key, found in emergencies_of(asked).items()}


_SEEN_BY = "crm.see_satisfaction"

INDICATORS = (
    Indicator(
        "crm.satisfaction",
        _("客户满意度"),
        Unit.SCORE,
        "hall-manager",
        _("客户打的分（一到五分）的平均；没有评价的不计入。"),
        _SEEN_BY,
        satisfaction,
        better=Better.HIGHER,
        target_setting="CRM_SATISFACTION_TARGET_E2",
        detail_url_name="crm:satisfaction",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "crm.ratings",
        _("客户评价"),
        Unit.COUNT,
        "hall-manager",
        _("当月收到的评价份数。"),
        _SEEN_BY,
        rated,
    ),
    Indicator(
        "crm.key-share",
        _("大客户电费占比"),
        Unit.PERCENT,
        "key-account-manager",
        _("十二个月电费里，大客户和 VIP 客户占多少；按昨夜的画像。"),
        "crm.list_segments",
        key_share,
        not_compared=_("这是昨夜的状况，去年这一天的没有留存。"),
        detail_url_name="crm:segments",
        detail_permission="crm.list_segments",
    ),
    Indicator(
        "crm.emergencies-in-time",
        _("紧急服务按时率"),
        Unit.PERCENT,
        "key-account-manager",
        format_lazy(
            _("当月受理的紧急服务里，{reply} 分钟内回复且 {arrive} 分钟内到场的占多少。"),
            reply=settings.KEY_REPLY_MIN,
            arrive=settings.KEY_ARRIVE_MIN,
        ),
        "crm.view_key_accounts",
        emergencies_in_time,
        better=Better.HIGHER,
        target_setting="CRM_EMERGENCIES_TARGET_E2",
        detail_url_name="crm:emergencies",
        detail_permission="crm.view_key_accounts",
    ),
)
