"""The published prices that an account's electricity may be charged at, and the papers they stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import ArrayLike

from cis.models import SupplyContract, TariffVersion
from cis.queries.billing import source_in_words
from cis.rating import CHARGES, CannotPrice, ChargeCode, Usage, compile_rules
from cis.rating.registers import Register
from config.shared.errors import NotFound
from config.shared.languages import in_language


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One charge that may stand on a bill, with its price and its legal basis."""

    name: str
    price_e8: int
    legal_basis: str
    lower_kwh_e2: int | None = None
    """where its tier begins, in 0.01 kWh; None where energy is not counted by tiers"""
    upper_kwh_e2: int | None = None
    """where its tier ends; None for the last"""
    unit: str = "kWh"
    """what the price is for: kWh, or kVA or kW and month"""
    is_monthly: bool = False
    """whether energy is counted towards the tiers month by month, and not over the year"""


@dataclass(frozen=True, slots=True)
class LegalPrices:
    """The tariff in force for an account; no rows where its rules cannot be shown, then `why_not` says it."""

    tariff_name: str
    source: str
    valid_from: date | None
    is_demonstration: bool
    rows: tuple[PriceRow, ...]
    why_not: str


def legal_prices(*, account_id: int, today: date) -> LegalPrices:
    """
    The prices of the account's tariff today.

    :raises NotFound: the account has no contract or its tariff no version today
    """
    contract = (
        SupplyContract.objects.select_related("tariff").filter(account_id=account_id, valid__contains=today).first()
    )
    version = (
        TariffVersion.objects.filter(tariff_id=contract.tariff_id, valid__contains=today).first()
        if contract is not None
        else None
    )
    if contract is None or version is None:
        raise NotFound(_("这个户号今天没有生效的电价，请拨打 95598 查询。"))
    rows: tuple[PriceRow, ...] = ()
    why_not = ""
    try:
        rows = rows_of_version(version, month=today.month)
    except CannotPrice as error:
        why_not = str(error)
    return LegalPrices(
        tariff_name=in_language(contract.tariff.name, contract.tariff.name_en),
        source=source_in_words(version.source),
        valid_from=version.valid.lower,
        is_demonstration=version.is_demonstration,
        rows=rows,
        why_not=why_not,
    )


def rows_of_version(version: TariffVersion, *, month: int) -> tuple[PriceRow, ...]:
    """What each rule charges in this month: the kernel itself is asked, with no energy at all."""
    tariff = compile_rules(version.rules)
    registers: dict[Register, ArrayLike] = {register: [0] for register in Register}
    usage = Usage.of(month, registers)
    return tuple(
        PriceRow(
            name=in_language(CHARGES[ChargeCode(slot.code)].name_zh, CHARGES[ChargeCode(slot.code)].name_en),
            price_e8=int(np.asarray(slot.price_e8).flat[0]),
            unit=CHARGES[ChargeCode(slot.code)].unit,
            legal_basis=CHARGES[ChargeCode(slot.code)].legal_basis,
            lower_kwh_e2=_bound(facts.get("lower_kwh_e2")),
            upper_kwh_e2=_bound(facts.get("upper_kwh_e2")),
            is_monthly=facts.get("tier_period") == "month",
        )
        for rule in tariff.rules
        for slot, facts in rule.offers(usage)
    )


def _bound(value: object) -> int | None:
    return value if isinstance(value, int) else None
