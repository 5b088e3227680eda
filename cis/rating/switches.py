"""Pure: the switches of rating: where sources are silent or disagree, a utility chooses, dated and with its source.

Source of the list: billing-rules.md section 7. A switch is an entry of `SWITCHES`; what is unknown is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cis.rating.refusal import CannotPrice

__all__ = ["SWITCHES", "Switch", "Switches", "read_switches", "rules_under"]

Value = str | int | bool


@dataclass(frozen=True)
class Switch:
    """One choice: what may be chosen, what holds where nobody chose, and what is behind it."""

    default: Value
    values: tuple[Value, ...] | range
    meaning: str
    source: str

    def read(self, name: str, value: object) -> Value:
        """Return the value; raises CannotPrice(`unknown_value`)."""
        if isinstance(self.values, range):
            if isinstance(value, str) and value.isdecimal():
                value = int(value)
            known = isinstance(value, int) and not isinstance(value, bool) and value in self.values
        else:
            known = any(value == choice and type(value) is type(choice) for choice in self.values)
        if not known or not isinstance(value, str | int):
            choices = (
                f"{self.values.start} to {self.values.stop - 1}"
                if isinstance(self.values, range)
                else ", ".join(
                    str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in self.values
                )
            )
            raise CannotPrice("unknown_value", f"{name} must be one of {choices}, found {value!r}")
        return value


_BOTH = (True, False)

SWITCHES: dict[str, Switch] = {
    "change_day_belongs_to": Switch(
        "new", ("new", "old"), "whose the day of a change of capacity is", "S27 new, S28 old: sources disagree"
    ),
    "proration": Switch(
        "by_frozen_reading",
        ("by_frozen_reading", "by_days"),
        "how a change of price cuts a period: by the register of that day where it is known, or by days",
        "ours",
    ),
    "demand_mode": Switch(
        "capacity",
        ("capacity", "contract", "actual"),
        "how the basic charge is paid where the contract is silent",
        "S8",
    ),
    "demand_excess_rule": Switch(
        "C_plus_double_over_105",
        ("C_plus_double_over_105", "105_plus_double_over_105", "C_plus_double_over_C"),
        "what a maximum demand above 105 % of the contract value costs",
        "S8 (default), S16, S22 (before 2016)",
    ),
    "load_factor_discount": Switch(
        "none",
        ("none", "90_from_260_kwh_per_kva"),
        "demand price at 90 % from 260 kWh a kVA and month",
        "526号, unverified",
    ),
    "min_suspension_days": Switch(
        15, range(0, 32), "suspensions shorter than this are charged in full", "S24, S25 (1996)"
    ),
    "suspension_new_install_half_charge": Switch(
        False, _BOTH, "suspended within two years of installation: half the charge", "before 2016; S26"
    ),
    "loss_tou_allocation": Switch(
        "flat", ("flat", "proportional"), "at which period losses are priced", "S34; newer: usual"
    ),
    "loss_rounding": Switch("integer_kwh", ("integer_kwh", "kwh_2_decimals"), "to what losses are rounded", "S29"),
    "sub_deduction_tou": Switch(
        "proportional", ("proportional", "flat"), "from which periods a sub-meter without periods is taken", "ours"
    ),
    "ratio_base": Switch("main_total", ("main_total", "after_deductions"), "what a fixed ratio is a share of", "ours"),
    "pf_active_base": Switch(
        "main_meter_total", ("main_meter_total", "after_deductions"), "the active energy of the power factor", "S37"
    ),
    "pf_adjust_residential": Switch(False, _BOTH, "whether residential parts are adjusted", "ours"),
    "pf_when_no_active": Switch(
        "no_adjustment", ("no_adjustment", "refuse"), "a power factor without active energy", "ours"
    ),
    "free_kwh_method": Switch(
        "credit_at_tier1_price",
        ("credit_at_tier1_price", "deduct_before_tiering"),
        "how free energy of low-income households is given",
        "ours: sources are silent",
    ),
    "multi_person": Switch(
        "both_bounds", ("both_bounds", "first_bound"), "which bounds a larger household moves", "S1 both, S2 first"
    ),
    "tier_year_start": Switch(1, range(1, 13), "the month in which the tier year begins", "S3 (Guizhou: 12)"),
    "odd_month_january": Switch(
        "previous_year",
        ("previous_year", "current_year"),
        "the tier year of a two-month bill read in its first month",
        "S1, derived",
    ),
    "transfer_prorates_tiers": Switch(True, _BOTH, "annual bounds by month for a transferred account", "S1"),
    "late_fee_split": Switch(
        "by_calendar_year_of_each_day",
        ("by_calendar_year_of_each_day", "new_year_only", "all_days_cross_year_rate"),
        "late fees of a debt over a year end",
        "S51: three published answers",
    ),
    "late_fee_min_yuan": Switch("1.00", ("1.00", "0.00"), "the least late fee", "S52 (1996), unverified for 2024"),
    "allocation": Switch(
        "fee_then_principal", ("fee_then_principal", "principal_first"), "what a payment pays first", "ours"
    ),
    "kwh_rounding": Switch("integer_kwh", ("integer_kwh", "kwh_2_decimals"), "to what energy is rounded", "S1"),
    "negative_advance": Switch(
        "roll_over", ("roll_over", "refund", "refuse"), "a register that went back and was not estimated", "ours"
    ),
    "penalty_on": Switch(
        "unrounded_difference",
        ("unrounded_difference", "rounded_difference"),
        "what a penalty multiplies",
        "S43 reproduces unrounded",
    ),
}
"""Every switch. `negative_advance` is for readings that validation has not judged; it finds roll-overs itself."""


class Switches:
    """The chosen values; what is not chosen has its default."""

    def __init__(self, chosen: Mapping[str, Value] | None = None) -> None:
        self._values = MappingProxyType(
            {name: switch.default for name, switch in SWITCHES.items()} | dict(chosen or {})
        )

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Switches) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def text(self, name: str) -> str:
        """A value that is a name."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """A value that is a number."""
        return int(self._values[name])

    def is_on(self, name: str) -> bool:
        """A value that is yes or no."""
        return self._values[name] is True


def read_switches(chosen: Mapping[str, object]) -> Switches:
    """Read chosen values by name; raises CannotPrice: `unknown_switch`, `unknown_value`."""
    values: dict[str, Value] = {}
    for name, value in chosen.items():
        if name not in SWITCHES:
            raise CannotPrice("unknown_switch", f"{name}; there are: {', '.join(SWITCHES)}")
        values[name] = SWITCHES[name].read(name, value)
    return Switches(values)


def rules_under(rules: Sequence[Mapping[str, Any]], switches: Switches) -> list[dict[str, Any]]:
    """Return the rules of a tariff version under a utility's choices, where a rule itself says nothing."""
    if not isinstance(rules, list | tuple) or not all(isinstance(one, Mapping) for one in rules):
        return rules  # type: ignore[return-value]  # what is no list of rules `compile_rules` refuses by name
    chosen: list[dict[str, Any]] = []
    for one in rules:
        rule = dict(one)
        if rule.get("kind") == "basic_charge":
            rule = {"demand_excess_rule": switches.text("demand_excess_rule")} | rule
            if switches.text("load_factor_discount") != "none":
                rule = {"load_factor_discount": {"kwh_per_kva": 260, "price_pct": 90}} | rule
        if rule.get("kind") == "free_energy":
            rule = {"method": switches.text("free_kwh_method")} | rule
        persons = rule["multi_person"] if isinstance(rule.get("multi_person"), Mapping) else {}
        extra = persons.get("extra_kwh_per_month")
        # What has another shape `compile_rules` refuses by name.
        if isinstance(extra, list | tuple) and extra and switches.text("multi_person") == "first_bound":
            rule |= {"multi_person": {**persons, "extra_kwh_per_month": [extra[0], *("0" for _ in extra[1:])]}}
        chosen.append(rule)
    return chosen
