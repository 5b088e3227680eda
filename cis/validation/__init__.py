"""Pure: validation, estimation and editing of readings (VEE) before they are billed.

What a register advanced, whether a low value is a roll-over, which readings a person must look at and why, whether
the registers of a meter and the 96 points of a day agree, and what to bill when a reading is missing. Works on int64
columns, a million rows at a time; knows no database, no clock and no register codes.

Units: `_e4` is 1e-4 of a register unit, `_kwh_e2` is 0.01 kWh, `_wh` is watt-hours, `_permille` is 1/1000. Unknown is
-1 in energies and 0 in capacities and days; there is no NaN anywhere.
Source: billing-rules.md sections 0 (steps 1 and 2), 3.3, 3.5 and 3.6. Section 3.6 is a convention that the utility
confirms, so every number of it is a parameter of a check, and the utility's own
values are data. `cis.validation.registry` lists the checks.
"""

from cis.validation.checks import AccountKind, Checked, ReadingColumns, check, check_rate_sum
from cis.validation.curves import CheckedCurves, CurveColumns, UsualDays, check_curves, usual_days
from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Check, Parameter
from cis.validation.estimates import (
    METHOD_CODES,
    ORDER_AT_SETTLEMENT,
    ORDER_INSIDE_GAP,
    EstimateColumns,
    Estimated,
    EstimateMethod,
    estimate_advance,
    estimate_by_last_year,
    estimate_by_line,
    estimate_by_recent,
)
from cis.validation.history import daily_energy_e2, expect_daily_energy
from cis.validation.levels import LEVEL_DAYS, LevelColumns, check_levels
from cis.validation.registry import CHECKS, DOUBTS, HOLDS_BILL, PARAMETERS, doubts_in
from cis.validation.thresholds import Thresholds, UnknownParameter

__all__ = [
    "CHECKS",
    "DOUBTS",
    "HOLDS_BILL",
    "LEVEL_DAYS",
    "METHOD_CODES",
    "ORDER_AT_SETTLEMENT",
    "ORDER_INSIDE_GAP",
    "PARAMETERS",
    "AccountKind",
    "Check",
    "Checked",
    "CheckedCurves",
    "CurveColumns",
    "Doubt",
    "DoubtText",
    "EstimateColumns",
    "EstimateMethod",
    "Estimated",
    "LevelColumns",
    "Parameter",
    "ReadingColumns",
    "Thresholds",
    "UnknownParameter",
    "UsualDays",
    "check",
    "check_curves",
    "check_levels",
    "check_rate_sum",
    "daily_energy_e2",
    "doubts_in",
    "estimate_advance",
    "estimate_by_last_year",
    "estimate_by_line",
    "estimate_by_recent",
    "expect_daily_energy",
    "usual_days",
]
