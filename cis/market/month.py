"""Pure: the month's published table of a province: what energy costs, what comes on top, what floats with the period.

Source: 发改价格〔2021〕1439号, 发改办价格〔2021〕809号, 发改价格〔2023〕526号; billing-rules.md 2.5. Every figure is
data of the table: nothing is reckoned here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from cis.rating.charges import CHARGES, ChargeCode
from cis.rating.parsing import (
    Spec,
    check_fields,
    choice_of,
    decimal_of,
    mapping_of,
    sequence_of,
    text_of,
    whole_of,
)
from cis.rating.refusal import CannotPrice
from cis.rating.registers import PERIOD_REGISTERS

__all__ = ["FLOATABLE", "STRUCTURES", "WITHOUT_PERIODS", "MarketMonth", "NetworkPrice"]

FLOATABLE = ("agent_purchase", "line_loss", "transmission_distribution_energy", "system_operation")
"""The parts of an energy price that may float with the period; which do is the province's (`floats`)."""

STRUCTURES = ("single_part", "two_part")

WITHOUT_PERIODS = "-NOTOU"
"""ends the code of a network price's tariff for those whose meter does not tell the periods"""

_PERIODS = tuple(register.name.lower() for register in PERIOD_REGISTERS)


@dataclass(frozen=True)
class NetworkPrice:
    """What the network costs at one voltage, in yuan, and the tariff that is charged by it."""

    tariff: str
    """code of the tariff with time of use; the one without is `tariff` + "-NOTOU\""""
    structure: str
    voltage: str
    energy: Decimal
    capacity: Decimal | None
    """yuan per kVA and month; two-part only"""
    demand: Decimal | None
    """yuan per kW and month; two-part only"""


@dataclass(frozen=True)
class MarketMonth:
    """One table. Prices in yuan per kWh without government funds."""

    agent_purchase: Decimal
    line_loss: Decimal
    system_operation: Decimal
    """the printed total, which is what is billed"""
    system_operation_parts: Mapping[str, Decimal]
    """as printed; they need not add up to the total"""
    funds: Mapping[str, Decimal]
    """by the name of the fund's charge"""
    floats: tuple[str, ...]
    """the parts that the period's ratio applies to"""
    ratio: Mapping[str, Decimal]
    windows: str
    """code of the time-of-use windows"""
    network: tuple[NetworkPrice, ...]
    references: Mapping[str, Decimal]
    """further prices that packages may refer to, such as that of the monthly auction"""
    multiple: Decimal | None
    """what `multiple_on` costs those who must pay a multiple; None where the month has no such rule"""
    multiple_on: tuple[str, ...]
    places: int
    """decimal places prices are rounded to"""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """
        Read the table's JSON; raises CannotPrice naming the field.

        `{"agent_purchase_yuan": "0.384470", "line_loss_yuan": …, "system_operation_yuan": …, "system_operation_parts":
        {name: yuan}, "funds_yuan": {"FUND_RURAL": "0.02", …}, "floats": ["agent_purchase", "line_loss"],
        "time_of_use": {"windows": code, "ratio": {"peak": "1.49", …}}, "network": [{"tariff": code, "structure":
        "two_part", "voltage": …, "energy_yuan": …, "capacity_yuan_per_kva_month": …, "demand_yuan_per_kw_month": …}],
        "references_yuan": {name: yuan}, "multiple": {"factor": "1.5", "on": ["agent_purchase"]}, "price_places": 6}`.
        """
        check_fields(
            values,
            (
                "agent_purchase_yuan",
                "line_loss_yuan",
                "system_operation_yuan",
                "funds_yuan",
                "floats",
                "time_of_use",
                "network",
                "price_places",
            ),
            ("system_operation_parts", "references_yuan", "multiple"),
            "table",
        )
        periods = mapping_of(values["time_of_use"], "time_of_use")
        check_fields(periods, ("windows", "ratio"), (), "time_of_use")
        ratio = _prices(periods["ratio"], "time_of_use.ratio")
        check_fields(ratio, (), _PERIODS, "time_of_use.ratio")
        floats = tuple(choice_of(name, "floats", FLOATABLE) for name in sequence_of(values["floats"], "floats"))
        if not floats or len(set(floats)) != len(floats):
            raise CannotPrice("missing_field", "floats must name each floating part once")
        multiple, multiple_on = _multiple(values.get("multiple"))
        return cls(
            agent_purchase=_price(values["agent_purchase_yuan"], "agent_purchase_yuan"),
            line_loss=_price(values["line_loss_yuan"], "line_loss_yuan"),
            system_operation=_price(values["system_operation_yuan"], "system_operation_yuan"),
            system_operation_parts={
                name: decimal_of(value, f"system_operation_parts {name}")
                for name, value in (values.get("system_operation_parts") or {}).items()
            },
            funds=_funds(values["funds_yuan"]),
            floats=floats,
            ratio=ratio,
            windows=text_of(periods["windows"], "time_of_use.windows"),
            network=_network(values["network"]),
            references=_prices(values["references_yuan"], "references_yuan") if values.get("references_yuan") else {},
            multiple=multiple,
            multiple_on=multiple_on,
            places=whole_of(values["price_places"], "price_places", 2, 8),
        )

    def reference(self, name: str) -> Decimal:
        """Return the price a package refers to; raises CannotPrice(`reference_missing`)."""
        if name == "agent_purchase":
            return self.agent_purchase
        if name not in self.references:
            raise CannotPrice("reference_missing", name)
        return self.references[name]

    def network_of(self, tariff: str) -> NetworkPrice | None:
        """Return the network price of a tariff, with or without time of use; None where the table has none."""
        base = tariff.removesuffix(WITHOUT_PERIODS)
        return next((price for price in self.network if price.tariff == base), None)


def _price(value: object, where: str) -> Decimal:
    price = decimal_of(value, where)
    if price < 0:
        raise CannotPrice("negative_price", f"{where} is {price}")
    return price


def _prices(value: object, where: str) -> dict[str, Decimal]:
    return {name: _price(price, f"{where} {name}") for name, price in mapping_of(value, where).items()}


def _funds(value: object) -> dict[str, Decimal]:
    funds = _prices(value, "funds_yuan")
    for name in funds:
        code = ChargeCode.__members__.get(name)
        if code is None or CHARGES[code].ledger != "fund":
            raise CannotPrice("unknown_charge", f"funds_yuan: {name} is no fund")
    # In the order of the charges, whatever order the table was kept in.
    return dict(sorted(funds.items(), key=lambda item: ChargeCode[item[0]]))


def _multiple(value: object) -> tuple[Decimal | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    spec = mapping_of(value, "multiple")
    check_fields(spec, ("factor", "on"), (), "multiple")
    factor = decimal_of(spec["factor"], "multiple.factor")
    if factor < 1:
        raise CannotPrice("out_of_range", f"multiple.factor must be at least 1, found {factor}")
    on = tuple(choice_of(name, "multiple.on", FLOATABLE) for name in sequence_of(spec["on"], "multiple.on"))
    if not on:
        raise CannotPrice("missing_field", "multiple.on is empty")
    return factor, on


def _network(value: object) -> tuple[NetworkPrice, ...]:
    found: list[NetworkPrice] = []
    for entry in sequence_of(value, "network"):
        spec: Spec = mapping_of(entry, "network")
        where = f"network {spec.get('tariff', '?')}"
        check_fields(
            spec,
            ("tariff", "structure", "voltage", "energy_yuan"),
            ("capacity_yuan_per_kva_month", "demand_yuan_per_kw_month"),
            where,
        )
        structure = choice_of(spec["structure"], f"{where}.structure", STRUCTURES)
        capacity, demand = (
            None if spec.get(name) is None else _price(spec[name], f"{where}.{name}")
            for name in ("capacity_yuan_per_kva_month", "demand_yuan_per_kw_month")
        )
        if structure == "two_part" and (capacity is None or demand is None):
            raise CannotPrice("missing_field", f"{where}: a two-part price needs capacity and demand")
        if structure == "single_part" and not (capacity is None and demand is None):
            raise CannotPrice("unknown_field", f"{where}: a single-part price has neither capacity nor demand")
        found.append(
            NetworkPrice(
                text_of(spec["tariff"], f"{where}.tariff"),
                structure,
                text_of(spec["voltage"], f"{where}.voltage"),
                _price(spec["energy_yuan"], f"{where}.energy_yuan"),
                capacity,
                demand,
            )
        )
    codes = [price.tariff for price in found]
    if not codes or len(set(codes)) != len(codes):
        raise CannotPrice("missing_field", "network must name each tariff once")
    return tuple(found)
