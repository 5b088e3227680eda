"""Pure: the power-factor adjustment (功率因数调整电费): a share of basic and energy charge, on or off the bill.

Source: (83)水电财字第215号; billing-rules.md 2.8. Collected funds are outside the base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cis.rating.charges import CHARGES, ChargeCode
from cis.rating.columns import Int64Column, Slot, Usage
from cis.rating.parsing import Spec, check_fields, choice_of
from cis.rating.power_factors import TABLES
from cis.rating.refusal import Refusal
from cis.rating.rule import Rule

__all__ = ["PowerFactorRule"]


@dataclass(frozen=True)
class PowerFactorRule(Rule):
    """Adjust what stands before it on the bill by the table's rate.

    JSON: `{"kind": "power_factor", "table": "1983-215"}`; it stands after the energy and basic charges and before the
    funds. Determinants, all (n,): `pf_standard_e2` (0: not subject), `power_factor_e2` (-1: not known, no adjustment);
    optional `pf_other_fen`: lines of other parts of the same bill that belong to the base. Without `pf_standard_e2`
    nobody of the call is subject.
    """

    kind: ClassVar[str] = "power_factor"
    table: str

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice."""
        check_fields(spec, ("kind", "table"))
        return cls(choice_of(spec["table"], "table", TABLES))

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """The adjustment."""
        return (ChargeCode.PF_ADJ,)

    def refuse(self, usage: Usage) -> NDArray[np.int8] | None:
        """Refuse rows whose standard the table does not have."""
        standard = usage.more.get("pf_standard_e2")
        if standard is None:
            return None
        unknown = ~np.isin(standard, [0, *TABLES[self.table].rates_e8])
        return np.where(unknown, Refusal.UNKNOWN_STANDARD, Refusal.NONE).astype(np.int8) if unknown.any() else None

    def slots(self, usage: Usage) -> list[Slot]:
        """Return the slot on nothing else than other parts of the bill."""
        return self.slots_after(usage, ())

    def slots_after(self, usage: Usage, before: Sequence[Slot]) -> list[Slot]:
        """Return the one slot, if anybody is subject."""
        standard = usage.more.get("pf_standard_e2")
        if standard is None or not standard.any():
            return []
        base = np.zeros(len(usage), dtype=np.int64)
        for slot in before:
            if CHARGES[ChargeCode(slot.code)].ledger == "energy":
                base = base + slot.amount_fen
        if "pf_other_fen" in usage.more:
            base = base + usage.more["pf_other_fen"]
        rate = self._rate_e8(standard, usage.determinant("power_factor_e2"))
        return [Slot(ChargeCode.PF_ADJ, rate, np.where(rate == 0, 0, base))]

    def _rate_e8(self, standard: Int64Column, factor: Int64Column) -> Int64Column:
        rate = np.zeros(standard.shape, dtype=np.int64)
        for known, rates in TABLES[self.table].rates_e8.items():
            subject = (standard == known) & (factor >= 0)
            rate[subject] = rates[np.minimum(factor[subject], 100)]
        return rate

    def offers(self, usage: Usage) -> list[tuple[Slot, dict[str, object]]]:
        """Return nothing: a rate by power factor is no price."""
        del usage
        return []

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return standard, factor and the table's paper."""
        if not self.slots(usage):
            return []
        facts: dict[str, object] = {
            "pf_standard_e2": int(usage.more["pf_standard_e2"][0]),
            "power_factor_e2": int(usage.more["power_factor_e2"][0]),
            "pf_document": TABLES[self.table].document,
        }
        for name in ("pf_active_kwh_e2", "pf_reactive_kvarh_e2"):
            if name in usage.more:
                facts[name] = int(usage.more[name][0])
        return [facts]
