"""Pure: validation, estimation and editing of readings (VEE) before they are billed.

What a register advanced, whether a low value is a roll-over, which readings a person must look at and why, whether
the registers of a meter and the 96 points of a day agree, and what to bill when a reading is missing. Works on int64
columns, a million rows at a time; knows no database, no clock and no register codes.

Units: `_e4` is 1e-4 of a register unit, `_kwh_e2` is 0.01 kWh, `_wh` is watt-hours, `_permille` is 1/1000. Unknown is
-1 in energies and 0 in capacities and days; there is no NaN anywhere.
Source: billing-rules.md sections 0 (steps 1 and 2), 3.3, 3.5 and 3.6. Section 3.6 is a convention that the utility
confirms, so every number of it is a field of `Thresholds`.
"""

from cis.validation.checks import AccountKind, Checked, ReadingColumns, check, check_rate_sum
from cis.validation.curves import CheckedCurves, CurveColumns, check_curves
from cis.validation.doubts import DOUBTS, HOLDS_BILL, Doubt, DoubtText, doubts_in
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
from cis.validation.thresholds import Thresholds

__all__ = [
    "DOUBTS",
    "HOLDS_BILL",
    "METHOD_CODES",
    "ORDER_AT_SETTLEMENT",
    "ORDER_INSIDE_GAP",
    "AccountKind",
    "Checked",
    "CheckedCurves",
    "CurveColumns",
    "Doubt",
    "DoubtText",
    "EstimateColumns",
    "EstimateMethod",
    "Estimated",
    "ReadingColumns",
    "Thresholds",
    "check",
    "check_curves",
    "check_rate_sum",
    "daily_energy_e2",
    "doubts_in",
    "estimate_advance",
    "estimate_by_last_year",
    "estimate_by_line",
    "estimate_by_recent",
    "expect_daily_energy",
]
