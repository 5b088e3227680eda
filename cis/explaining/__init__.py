"""Pure: why one bill is more than another, how much of it the weather's, what energy may cost and will."""

from cis.explaining.effects import STEPS, TIER_OF_CHARGE, BillInputs, Difference, Effect, split
from cis.explaining.legal_range import LegalRange, legal_range
from cis.explaining.running import LEAST_DAYS, Outlook, outlook, shared_out
from cis.explaining.weather import Bases, NoBasis, Response, Use, fit_response, weather_energy_kwh_e2

__all__ = [
    "LEAST_DAYS",
    "STEPS",
    "TIER_OF_CHARGE",
    "Bases",
    "BillInputs",
    "Difference",
    "Effect",
    "LegalRange",
    "NoBasis",
    "Outlook",
    "Response",
    "Use",
    "fit_response",
    "legal_range",
    "outlook",
    "shared_out",
    "split",
    "weather_energy_kwh_e2",
]
