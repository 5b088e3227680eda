"""How an account buys its energy: as bills say it, and as its page does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cis.market import GROUNDS, PACKAGES
from cis.models import Bill, MarketTariff, MarketVersion, RetailAgreement, SupplyContract, TariffVersion
from config.shared.languages import in_language

AGENT, RETAIL, MULTIPLE = "agent", "retail", "multiple"


@dataclass(frozen=True, slots=True)
class Purchase:
    """Who sold the energy and on what terms, in the reader's language."""

    way: str
    """agent, retail or multiple"""
    seller: str
    words: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One agreement of an account; `until_on` is the first day on which it no longer holds."""

    agreement_id: int
    way: str
    seller: str
    words: str
    from_on: date
    until_on: date | None
    document: str
    is_current: bool
    may_end: bool


def purchase_of_bill(bill: Bill, version: TariffVersion) -> Purchase | None:
    """
    Who sold the energy of a bill, from the tariff it was billed by; None of homes and farms. At most three statements.
    """
    if not version.tariff.category.startswith("commercial_industrial"):
        return None
    bought = MarketTariff.objects.select_related("package__retailer").filter(tariff_id=version.tariff_id).first()
    if bought is None:
        return Purchase(AGENT, _("电网企业代理购电"), _("由电网企业代理购电，价格每月公布。"))
    agreement = (
        RetailAgreement.objects.select_related("package__retailer")
        .filter(account_id=bill.account_id, package=bought.package, valid__contains=bill.period_start)
        .first()
    )
    document = agreement.document if agreement else ""
    if bought.package is not None:
        retailer = bought.package.retailer
        return Purchase(
            RETAIL,
            in_language(retailer.name, retailer.name_en or retailer.name),
            _("向售电公司购电，套餐“%(package)s”（%(kind)s）。")
            % {"package": bought.package.name, "kind": in_language(*PACKAGES[bought.package.kind].names)},
            document,
        )
    made = MarketVersion.objects.select_related("month").filter(version=version).first()
    factor = str((made.month.values.get("multiple") or {}).get("factor", "")) if made else ""
    ground = in_language(*GROUNDS[agreement.ground]) if agreement else ""
    return Purchase(
        MULTIPLE,
        _("电网企业代理购电"),
        _("%(ground)s，代理购电价格按 %(factor)s 倍执行。") % {"ground": ground, "factor": factor},
        document,
    )


def list_agreements(account_id: int, *, today: date) -> list[AgreementRow]:
    """The account's agreements, newest first."""
    rows = RetailAgreement.objects.select_related("package__retailer").filter(account_id=account_id)
    found: list[AgreementRow] = []
    for row in rows.order_by("-valid"):
        package, begins = row.package, row.valid.lower or date.min
        found.append(
            AgreementRow(
                agreement_id=row.pk,
                way=RETAIL if package else MULTIPLE,
                seller=in_language(package.retailer.name, package.retailer.name_en or package.retailer.name)
                if package
                else _("电网企业代理购电"),
                words=f"{package.name} · {in_language(*PACKAGES[package.kind].names)}"
                if package
                else _("按规定倍数执行：%(ground)s") % {"ground": in_language(*GROUNDS[row.ground])},
                from_on=begins,
                until_on=row.valid.upper,
                document=row.document,
                is_current=begins <= today and (row.valid.upper is None or today < row.valid.upper),
                may_end=not row.is_over,
            )
        )
    return found


def buys_in_market(account_id: int, *, today: date) -> bool:
    """Whether the account is of a class that buys at market prices: commerce and industry."""
    contract = (
        SupplyContract.objects.select_related("tariff").filter(account_id=account_id, valid__contains=today).first()
    )
    return contract is not None and contract.tariff.category.startswith("commercial_industrial")


def account_of_agreement(agreement_id: int) -> int | None:
    """Whose agreement it is; None where there is none."""
    return RetailAgreement.objects.filter(pk=agreement_id).values_list("account_id", flat=True).first()
