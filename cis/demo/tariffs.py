"""The published Hubei table covers one month; the demonstration carries its figures over and says so."""

from __future__ import annotations

from datetime import date

from cis.models import TariffVersion
from cis.operations.reference import add_tariff_version

PUBLISHED_PREFIX = "HB-2026-01-"
NOTE = "演示：沿用 2026 年 1 月公布的湖北代理购电价格，并非本月公布的价格。"


def carry_tariffs_over(*, from_day: date, to_day: date, prefix: str = PUBLISHED_PREFIX) -> int:
    """
    Give the published January 2026 tariffs demonstration versions around their month; gives how many were made.

    They cover [from_day, to_day) but for the days that already have a version. Every version is marked as a
    demonstration and its note says where the figures come from. Repeating it adds nothing.
    """
    made = 0
    published = TariffVersion.objects.filter(tariff__code__startswith=prefix, is_demonstration=False)
    for version in published.select_related("tariff", "windows").order_by("pk"):
        known = sorted((found.valid.lower, found.valid.upper) for found in version.tariff.versions.all())
        for start, end in _gaps(known, from_day, to_day):
            add_tariff_version(
                tariff_code=version.tariff.code,
                valid_from=start,
                valid_to=end,
                rules=version.rules,
                source=version.source,
                confidence=version.confidence,
                note=NOTE,
                windows_code=version.windows.code if version.windows else "",
                is_demonstration=True,
            )
            made += 1
    return made


def _gaps(known: list[tuple[date | None, date | None]], start: date, end: date) -> list[tuple[date, date]]:
    gaps, day = [], start
    for lower, upper in sorted(known, key=lambda days: days[0] or date.min):
        if lower is not None and lower > day:
            gaps.append((day, min(lower, end)))
        if upper is None:
            return gaps
        day = max(day, upper)
        if day >= end:
            return [gap for gap in gaps if gap[0] < gap[1]]
    return [gap for gap in [*gaps, (day, end)] if gap[0] < gap[1]]
