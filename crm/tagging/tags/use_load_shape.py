"""Pure: how the energy lies over the day, from the quarter-hours of the last days; it shows who is at home when."""

from crm.tagging.facts import Facts
from crm.tagging.load_shape import DEFAULTS, classify
from crm.tagging.tag import Limits, Tag, Tagged, Value

# [P] domain.md 4.1; see crm.tagging.load_shape for what each one bounds.
LIMITS = DEFAULTS


def decide(facts: Facts, limits: Limits) -> Tagged:
    """The shape of the mean day."""
    found = classify(
        facts.mean_day_wh,
        days=facts.curve_days,
        hot=(facts.hot_kwh_e2, facts.hot_months),
        mild=(facts.mild_kwh_e2, facts.mild_months),
        limits=limits,
    )
    evidence = {
        "curve_days": facts.curve_days,
        "mean_day_wh": facts.mean_day_wh.sum(axis=1),
        "night_permille": found.night_permille,
        "day_permille": found.day_permille,
        "evening_permille": found.evening_permille,
        "top_hour": found.top_slot // 4,
    }
    return Tagged(found.place, evidence)


TAG = Tag(
    code="use.load_shape",
    version=1,
    owner="营销部",
    name="负荷形态",
    name_en="Load shape",
    values=(
        Value("vacant", "基本不用电", "Hardly used", "warn"),
        Value("two-shift", "两班", "Two shifts"),
        Value("three-shift", "三班", "Three shifts"),
        Value("ac-sensitive", "空调敏感", "Follows the heat", "info"),
        Value("night", "夜间型", "Night"),
        Value("day", "日间型", "Day"),
        Value("double-peak", "早晚双峰", "Two peaks"),
        Value("flat", "平稳型", "Flat"),
        Value("evening", "晚峰型", "Evening"),
    ),
    why=(
        "最近 {curve_days}平均每天 {mean_day_wh}，夜间占 {night_permille}、日间占 {day_permille}、"
        "傍晚占 {evening_permille}，最高在 {top_hour} 时。"
    ),
    why_en=(
        "{mean_day_wh} a day over {curve_days}: {night_permille} at night, {day_permille} by day, "
        "{evening_permille} in the evening, most at {top_hour}:00."
    ),
    decide=decide,
    limits=LIMITS,
    is_sensitive=True,
)
