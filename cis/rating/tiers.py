"""Pure: tier bounds per household, and energy spread over them.

Source: 发改价格〔2011〕2617号 and billing-rules.md 1.1: a bound belongs to the lower tier; larger households get more
per month; annual bounds are pro-rated by month for a transferred account.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from cis.rating.columns import Int64Column, Usage
from cis.rating.parsing import (
    Spec,
    bound_kwh_e2_of,
    check_every_month,
    check_fields,
    mapping_of,
    months_of,
    sequence_of,
    text_of,
    whole_of,
)
from cis.rating.refusal import CannotPrice

__all__ = ["TIER_FIELDS", "Season", "TierBounds"]

TIER_FIELDS = ("upper_kwh", "seasons", "multi_person")
"""The optional fields which `TierBounds.parse` reads, besides the required `period`."""

ALL_YEAR = tuple(range(1, 13))


@dataclass(frozen=True)
class Season:
    """The upper bounds (0.01 kWh) of all tiers but the last in some months; none = one tier only."""

    name: str
    months: tuple[int, ...]
    upper_kwh_e2: tuple[int, ...]


@dataclass(frozen=True)
class TierBounds:
    """Bounds of a tier tariff, per calendar month (with seasons) or per tier year (cumulative)."""

    period: Literal["month", "year"]
    seasons: tuple[Season, ...]
    extra_kwh_e2_per_month: tuple[int, ...]
    """what a larger household gets on each bound, 0.01 kWh per month"""
    min_people: int | None

    @classmethod
    def parse(cls, spec: Spec, tiers: int) -> Self:
        """Read `period`, `upper_kwh` or `seasons`, and `multi_person` of a rule with `tiers` tiers.

        Raises CannotPrice: `bounds_unknown` for null, `bounds_not_rising`, `seasons_gap`, and the field errors.
        """
        period = spec["period"]
        if period not in ("month", "year"):
            raise CannotPrice("tier_period_unknown", f"period must be month or year, found {period!r}")
        if ("upper_kwh" in spec) == ("seasons" in spec):
            raise CannotPrice("missing_field", "give either upper_kwh or seasons")
        if "seasons" in spec:
            if period == "year":
                raise CannotPrice("seasons_in_annual_tiers", "annual bounds have no seasons")
            seasons = tuple(cls._season(item, tiers) for item in sequence_of(spec["seasons"], "seasons"))
        else:
            seasons = (Season("", ALL_YEAR, _bounds(spec["upper_kwh"], tiers, "upper_kwh")),)
        check_every_month([season.months for season in seasons], "seasons")
        extra, min_people = (0,) * (tiers - 1), None
        if "multi_person" in spec:
            more = mapping_of(spec["multi_person"], "multi_person")
            check_fields(more, ("min_people", "extra_kwh_per_month"), (), "multi_person")
            min_people = whole_of(more["min_people"], "multi_person.min_people", 2, 100)
            values = sequence_of(more["extra_kwh_per_month"], "multi_person.extra_kwh_per_month")
            extra = tuple(bound_kwh_e2_of(value, "multi_person.extra_kwh_per_month") for value in values)
            if len(extra) != tiers - 1:
                raise CannotPrice("bounds_count", f"{tiers} tiers need {tiers - 1} extra_kwh_per_month")
        bounds = cls(period, seasons, extra, min_people)
        for season in seasons:
            months = 12 if period == "year" else 1
            enlarged = [u + months * e for u, e in zip(season.upper_kwh_e2, extra, strict=False)]
            if enlarged != sorted(set(enlarged)):
                raise CannotPrice("bounds_not_rising", f"with multi_person: {enlarged} (0.01 kWh)")
        return bounds

    @staticmethod
    def _season(item: object, tiers: int) -> Season:
        """Read one season."""
        spec = mapping_of(item, "seasons")
        check_fields(spec, ("name", "months", "upper_kwh"), (), "seasons")
        name = text_of(spec["name"], "seasons.name")
        upper = spec["upper_kwh"]
        bounds = () if upper == [] else _bounds(upper, tiers, f"seasons {name} upper_kwh")
        return Season(name, months_of(spec["months"], f"seasons {name} months"), bounds)

    def season_of(self, month: int) -> Season:
        """Return the season of a month."""
        return next(season for season in self.seasons if month in season.months)

    def upper_kwh_e2(self, usage: Usage) -> list[Int64Column]:
        """Return the upper bounds that apply to each row, one (n,) column (0.01 kWh) per tier but the last.

        Monthly bounds x months; annual bounds x tier_months / 12, rounded half-up to whole kWh so that tiers stay
        whole (exact for the published ones: 2760 x 5/12 = 230 x 5).
        """
        months = (usage.months if self.period == "month" else usage.tier_months).astype(np.int64)
        columns: list[Int64Column] = []
        for upper, extra in zip(
            self.season_of(usage.bill_month).upper_kwh_e2, self.extra_kwh_e2_per_month, strict=False
        ):
            bound = upper * months if self.period == "month" else (upper * months + 600) // 1200 * 100
            if extra and self.min_people is not None:
                bound += np.where(usage.people >= self.min_people, extra, 0) * months
            columns.append(bound)
        return columns

    def spread(self, energy_kwh_e2: Int64Column, usage: Usage) -> list[Int64Column]:
        """Return the energy of each row in each tier, (n,) columns that add up to `energy_kwh_e2` exactly."""
        before = self.energy_before(usage)
        after = energy_kwh_e2 if before is None else before + energy_kwh_e2
        tiers: list[Int64Column] = []
        below: Int64Column | None = None
        for upper in self.upper_kwh_e2(usage):
            up_to = np.minimum(after, upper)
            if before is not None:
                up_to -= np.minimum(before, upper)
            tiers.append(up_to if below is None else up_to - below)
            below = up_to
        tiers.append(energy_kwh_e2 if below is None else energy_kwh_e2 - below)
        return tiers

    def energy_before(self, usage: Usage) -> Int64Column | None:
        """Return what the tier period already holds, (n,) in 0.01 kWh; None for monthly tiers."""
        return usage.tier_kwh_e2_before if self.period == "year" else None

    def facts(self, usage: Usage, tier: int) -> dict[str, object]:
        """Return the plain facts of one tier (from 1) for the single row of `usage`."""
        season = self.season_of(usage.bill_month)
        uppers = [int(column[0]) for column in self.upper_kwh_e2(usage)]
        before = self.energy_before(usage)
        is_larger = self.min_people is not None and int(usage.people[0]) >= self.min_people
        months = int((usage.months if self.period == "month" else usage.tier_months)[0])
        extra = self.extra_kwh_e2_per_month[tier - 1] if is_larger and tier <= len(uppers) else 0
        facts: dict[str, object] = {
            "tier": tier,
            "tier_period": self.period,
            "lower_kwh_e2": uppers[tier - 2] if tier > 1 else 0,
            "upper_kwh_e2": uppers[tier - 1] if tier <= len(uppers) else None,
            "energy_before_kwh_e2": 0 if before is None else int(before[0]),
            "bound_months": months,
            "people": int(usage.people[0]),
            "household_extra_kwh_e2": extra * months,
        }
        if season.name:
            facts |= {"season": season.name, "season_months": list(season.months)}
        return facts


def _bounds(value: object, tiers: int, where: str) -> tuple[int, ...]:
    """Read the upper bounds of all tiers but the last."""
    if value is None:
        raise CannotPrice("bounds_unknown", f"{where} is not known")
    bounds = tuple(bound_kwh_e2_of(item, where) for item in sequence_of(value, where))
    if len(bounds) != tiers - 1:
        raise CannotPrice("bounds_count", f"{where}: {tiers} tiers need {tiers - 1} bounds, found {len(bounds)}")
    if any(low >= high for low, high in zip((0, *bounds), bounds, strict=False)):
        raise CannotPrice("bounds_not_rising", f"{where}: {list(value) if isinstance(value, list | tuple) else value}")
    return bounds
