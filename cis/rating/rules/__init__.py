"""Pure: every tariff rule we know. To add one: write its file, name it here, add a golden bill."""

from cis.rating.rule import Rule
from cis.rating.rules.basic_charge import BasicChargeRule
from cis.rating.rules.flat_energy import FlatEnergyRule
from cis.rating.rules.free_energy import FreeEnergyRule
from cis.rating.rules.funds import FundsRule
from cis.rating.rules.market_energy import MarketEnergyRule
from cis.rating.rules.power_factor import PowerFactorRule
from cis.rating.rules.shared_meter import SharedMeterRule
from cis.rating.rules.tier import TierRule
from cis.rating.rules.tier_time_of_use import TierTimeOfUseRule
from cis.rating.rules.time_of_use import TimeOfUseRule

__all__ = ["RULES"]

RULES: dict[str, type[Rule]] = {
    "tier": TierRule,
    "tier_time_of_use": TierTimeOfUseRule,
    "shared_meter": SharedMeterRule,
    "flat_energy": FlatEnergyRule,
    "time_of_use": TimeOfUseRule,
    "market_energy": MarketEnergyRule,
    "basic_charge": BasicChargeRule,
    "power_factor": PowerFactorRule,
    "funds": FundsRule,
    "free_energy": FreeEnergyRule,
}
