"""Pure: why one bill is more than another, how much of a household's energy is the weather's; integers out."""

from cis.explaining.effects import STEPS, BillInputs, Difference, Effect, split
from cis.explaining.weather import Bases, NoBasis, Response, Use, fit_response, weather_energy_kwh_e2

__all__ = [
    "STEPS",
    "Bases",
    "BillInputs",
    "Difference",
    "Effect",
    "NoBasis",
    "Response",
    "Use",
    "fit_response",
    "split",
    "weather_energy_kwh_e2",
]
