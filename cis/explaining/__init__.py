"""Pure: why one bill is more than another, how much of it the weather's, and what energy may cost; integers out."""

from cis.explaining.effects import STEPS, BillInputs, Difference, Effect, split
from cis.explaining.legal_range import LegalRange, legal_range
from cis.explaining.weather import Bases, NoBasis, Response, Use, fit_response, weather_energy_kwh_e2

__all__ = [
    "STEPS",
    "Bases",
    "BillInputs",
    "Difference",
    "Effect",
    "LegalRange",
    "NoBasis",
    "Response",
    "Use",
    "fit_response",
    "legal_range",
    "split",
    "weather_energy_kwh_e2",
]
