"""Pure: the rating kernel. Determinants of accounts in, bill lines out; no Django, no clock, no input or output.

    tariff = compile_rules(version_rules)            # once per tariff version; CannotPrice says what is wrong
    usage = Usage.of(7, {Register.TOTAL: kwh_e2})    # columns, n accounts of that version and bill month
    rated = rate(tariff, usage)                      # lines, totals in fen, refusals per row
    facts = explain(tariff, usage, row)              # why one bill is what it is

Units: energy in 0.01 kWh (`_kwh_e2`), prices in 1e-8 yuan (`_e8`), money in fen, all int64. Each line is rounded
half-up once, away from zero; a total is the sum of rounded lines. A row that cannot be priced is refused by itself
with a `Refusal`; a tariff that cannot be priced raises `CannotPrice`. Nothing is priced at zero in silence.

Before rating, `advance`, `energy_kwh_e2` and `flat_from_total` lead from register values to energy, and `WindowSet`
folds load curves. `read_catalogue` turns the published tables into tariff versions. A new rule is a file in
`cis/rating/rules` and a line in `RULES`; a new charge is an entry in `CHARGES`.
"""

from cis.rating.catalogue import Catalogue, LeftOut, TariffRecord, read_catalogue
from cis.rating.charges import CHARGES, CORRECTED_AS, PRICE_COMPONENTS, RIDING, Charge, ChargeCode
from cis.rating.columns import Lines, Rated, Usage, amounts_fen
from cis.rating.engine import CompiledTariff, compile_rules, explain, rate
from cis.rating.refusal import CannotPrice, Refusal
from cis.rating.registers import (
    PERIOD_REGISTERS,
    REGISTER_NAMES,
    Register,
    advance,
    energy_kwh_e2,
    flat_from_total,
)
from cis.rating.rule import LineFacts, Rule
from cis.rating.rules import RULES
from cis.rating.switches import SWITCHES, Switches, read_switches, rules_under
from cis.rating.windows import SLOTS_PER_DAY, DayKind, WindowSet

__all__ = [
    "CHARGES",
    "CORRECTED_AS",
    "PERIOD_REGISTERS",
    "PRICE_COMPONENTS",
    "REGISTER_NAMES",
    "RIDING",
    "RULES",
    "SLOTS_PER_DAY",
    "SWITCHES",
    "CannotPrice",
    "Catalogue",
    "Charge",
    "ChargeCode",
    "CompiledTariff",
    "DayKind",
    "LeftOut",
    "LineFacts",
    "Lines",
    "Rated",
    "Refusal",
    "Register",
    "Rule",
    "Switches",
    "TariffRecord",
    "Usage",
    "WindowSet",
    "advance",
    "amounts_fen",
    "compile_rules",
    "energy_kwh_e2",
    "explain",
    "flat_from_total",
    "rate",
    "read_catalogue",
    "read_switches",
    "rules_under",
]
