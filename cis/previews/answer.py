"""Pure: what a preview answers: lines, quantities, a total, and a settlement where there is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cis.rating import CHARGES, LineFacts
from cis.rating.columns import WHOLE
from cis.rating.corrections import CorrectionLine

__all__ = ["Answer", "Line", "plain", "yuan"]

SCHEMA = "1.0"


@dataclass(frozen=True)
class Line:
    """One line: quantity x unit price x factor = amount, rounded half-up to the fen."""

    code: str
    name: str
    quantity: Fraction
    unit: str
    unit_price: Fraction
    amount_fen: int
    factor: str = ""
    legal_basis: str = ""

    @classmethod
    def of_facts(cls, line: LineFacts, *, code: str = "", name: str = "") -> Line:
        """A line of the kernel, under another code where a part of a bill has its own."""
        charge = CHARGES[line.code]
        return cls(
            code or charge.text,
            name or charge.name_zh,
            Fraction(line.quantity, 10**charge.places),
            charge.unit,
            Fraction(line.price_e8, 10**8),
            line.amount_fen,
            _factor(line.share),
            charge.legal_basis,
        )

    @classmethod
    def of_correction(cls, line: CorrectionLine) -> Line:
        """A line of a correction."""
        return cls(line.code, line.name, line.quantity, line.unit, line.unit_price, line.amount_fen, line.factor)

    def as_json(self) -> dict[str, str]:
        """Every value as text."""
        said = {
            "code": self.code,
            "name": self.name,
            "quantity": plain(self.quantity),
            "unit": self.unit,
            "unit_price": plain(self.unit_price),
            "amount": yuan(self.amount_fen),
        }
        if self.factor:
            said["factor"] = self.factor
        if self.legal_basis:
            said["legal_basis"] = self.legal_basis
        return said


@dataclass
class Answer:
    """What comes out; `quantities` are texts by name."""

    lines: list[Line] = field(default_factory=list)
    quantities: dict[str, str] = field(default_factory=dict)
    settlement: dict[str, str] | None = None
    allocation: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The whole answer."""
        answer: dict[str, Any] = {
            "schema_version": SCHEMA,
            "quantities": self.quantities,
            "lines": [line.as_json() for line in self.lines],
            "total": yuan(sum(line.amount_fen for line in self.lines)),
        }
        if self.settlement:
            answer["settlement"] = self.settlement
        if self.allocation:
            answer["allocation"] = self.allocation
        return answer


def plain(value: Fraction | int) -> str:
    """An exact decimal without trailing zeros; a fraction that has none, to eight places."""
    exact = Fraction(value)
    text = format(Decimal(exact.numerator) / Decimal(exact.denominator), "f")
    if "." in text and len(text.partition(".")[2]) > 12:
        text = format(round(Decimal(exact.numerator) / Decimal(exact.denominator), 8), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def yuan(fen: int) -> str:
    """Yuan with two places."""
    return f"{Decimal(fen) / 100:.2f}"


def _factor(share: int) -> str:
    if share == WHOLE:
        return ""
    return f"{share // 2}/30" if share % 2 == 0 else f"{share}/60"
