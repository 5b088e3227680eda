"""Pure: government funds and surcharges (政府性基金及附加), one line each on all import energy.

Source: 发改价格〔2023〕526号; billing-rules.md 2.5. They take no time of use and stand outside the power-factor base.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cis.rating.charges import CHARGES, ChargeCode
from cis.rating.columns import Slot, Usage
from cis.rating.parsing import Spec, check_fields, mapping_of, price_e8_of, sequence_of
from cis.rating.refusal import CannotPrice
from cis.rating.rule import Rule


@dataclass(frozen=True)
class FundsRule(Rule):
    """Charge each fund on the sum of import energy.

    JSON: `{"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}, ...]}`.
    """

    kind: ClassVar[str] = "funds"
    items: tuple[tuple[ChargeCode, int], ...]

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read the rule; raises CannotPrice, also on a charge that is not a fund."""
        check_fields(spec, ("kind", "items"))
        items: list[tuple[ChargeCode, int]] = []
        for value in sequence_of(spec["items"], "items"):
            item = mapping_of(value, "items")
            check_fields(item, ("charge", "price_yuan"), (), "items")
            name = item["charge"]
            code = ChargeCode.__members__.get(name) if isinstance(name, str) else None
            if code is None or CHARGES[code].ledger != "fund":
                raise CannotPrice("unknown_charge", f"items: {name!r} is no fund")
            items.append((code, price_e8_of(item["price_yuan"], f"items {name}")))
        if not items:
            raise CannotPrice("missing_field", "items is empty")
        return cls(tuple(items))

    @property
    def charges(self) -> tuple[ChargeCode, ...]:
        """The funds in the order given."""
        return tuple(code for code, _ in self.items)

    def slots(self, usage: Usage) -> list[Slot]:
        """Return one slot per fund."""
        energy = usage.import_energy()
        return [Slot(code, price, energy) for code, price in self.items]

    def slot_facts(self, usage: Usage) -> list[dict[str, object]]:
        """Return that the base is all import energy."""
        return [{"base": "import_energy"} for _ in self.items]
