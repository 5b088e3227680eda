"""Pure: residential time of use on top of tiers.

Source: billing-rules.md 1.1: all energy at the tier-1 price of its period, plus the surcharge of tier 2 and 3 on the
energy in those tiers. The surcharge is the same in every period, so this equals any full-price method.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import ENERGY_CHARGE_OF_REGISTER, ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import (
    Spec,
    check_every_month,
    check_fields,
    mapping_of,
    months_of,
    price_e8_of,
    sequence_of,
    text_of,
)
from cis.rating.refusal import CannotPrice
from cis.rating.registers import PERIOD_REGISTERS, Register
from cis.rating.rule import Rule
from cis.rating.tiers import ALL_YEAR, TIER_FIELDS, TierBounds

ADD_CHARGES = (ChargeCode.TIER2_ADD, ChargeCode.TIER3_ADD)
PERIODS = tuple(register.name.lower() for register in PERIOD_REGISTERS)


@dataclass(frozen=True)
class PriceSeason:
    """Tier-1 prices per period in some months."""

    name: str
    months: tuple[int, ...]
    price_e8: dict[Register, int]


@dataclass(frozen=True)
class TierTimeOfUseRule(Rule):
    """Charge each period at its tier-1 price and add tier surcharges.

    JSON: the fields of `tier` for bounds, `"tier_add_yuan": ["0", "0.05", "0.30"]`, and either
    `"price_yuan": {"peak": "0.568", "valley": "0.288"}` or `"price_seasons": [{"name": "heating", "months": [11, 12],
    "price_yuan": {...}}, ...]` (every month once, the same periods in each).
    """

    kind: ClassVar[str] = "tier_time_of_use"
    prices_energy: ClassVar[bool] = True
    bounds: TierBounds
    seasons: tuple[PriceSeason, ...]
    tier_add_e8: tuple[int, ...]

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", "period", "tier_add_yuan"), (*TIER_FIELDS, "price_yuan", "price_seasons"))
        adds = tuple(price_e8_of(a, "tier_add_yuan") for a in sequence_of(spec["tier_add_yuan"], "tier_add_yuan"))
        if not 2 <= len(adds) <= len(ADD_CHARGES) + 1:
            raise CannotPrice("tier_count", f"tier_add_yuan has {len(adds)} tiers, 2 or 3 are known")
        if adds[0] != 0 or list(adds) != sorted(adds):
            raise CannotPrice("prices_fall", "tier_add_yuan must begin with 0 and not fall")
        if ("price_yuan" in spec) == ("price_seasons" in spec):
            raise CannotPrice("missing_field", "give either price_yuan or price_seasons")
        if "price_yuan" in spec:
            seasons: tuple[PriceSeason, ...] = (PriceSeason("", ALL_YEAR, _prices(spec["price_yuan"])),)
        else:
            seasons = tuple(_season(item) for item in sequence_of(spec["price_seasons"], "price_seasons"))
        check_every_month([season.months for season in seasons], "price_seasons")
        if any(season.price_e8.keys() != seasons[0].price_e8.keys() for season in seasons):
            raise CannotPrice("missing_field", "price_seasons must price the same periods in every season")
        return cls(TierBounds.parse(spec, len(adds)), seasons, adds)

    @property
    def period_registers(self) -> tuple[Register, ...]:
        """The periods that have a price."""
        return tuple(r for r in PERIOD_REGISTERS if r in self.seasons[0].price_e8)

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """Energy per period, then the surcharges."""
        energy = tuple(ENERGY_CHARGE_OF_REGISTER[register] for register in self.period_registers)
        return energy + ADD_CHARGES[: len(self.tier_add_e8) - 1]

    def _price_season(self, month: int) -> PriceSeason:
        """Return the price season of a month."""
        return next(season for season in self.seasons if month in season.months)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return one slot per period and one per tier above the first."""
        prices = self._price_season(usage.bill_month).price_e8
        slots = [
            Slot(ENERGY_CHARGE_OF_REGISTER[register], prices[register], usage.energy_of(register))
            for register in self.period_registers
        ]
        spread = self.bounds.spread(usage.period_energy(), usage)
        adds = zip(ADD_CHARGES, self.tier_add_e8[1:], spread[1:], strict=False)
        return slots + [Slot(code, price, quantity) for code, price, quantity in adds]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return register facts for the energy lines and tier facts for the surcharges."""
        season = self._price_season(usage.bill_month)
        named: dict[str, object] = {"price_season": season.name, "price_season_months": list(season.months)}
        of_period: list[dict[str, object]] = [
            {"register": register.name.lower(), "price_of_tier": 1} | (named if season.name else {})
            for register in self.period_registers
        ]
        tiers = range(2, len(self.slots(usage)) - len(of_period) + 2)
        return of_period + [self.bounds.facts(usage, tier) for tier in tiers]


def _season(item: object) -> PriceSeason:
    """Read one price season."""
    spec = mapping_of(item, "price_seasons")
    check_fields(spec, ("name", "months", "price_yuan"), (), "price_seasons")
    name = text_of(spec["name"], "price_seasons.name")
    return PriceSeason(name, months_of(spec["months"], f"price_seasons {name}"), _prices(spec["price_yuan"]))


def _prices(value: object) -> dict[Register, int]:
    """Read the prices of periods; a null price is `price_unknown`."""
    prices = mapping_of(value, "price_yuan")
    check_fields(prices, (), PERIODS, "price_yuan")
    for period, price in prices.items():
        if price is None:
            raise CannotPrice("price_unknown", f"price_yuan {period} is not known")
    return {Register[period.upper()]: price_e8_of(price, f"price_yuan {period}") for period, price in prices.items()}
