"""The tables of customer information, by topic."""

from cis.models.advances import AdvanceAgreement, AdvanceDemand
from cis.models.agreements import AgreedBill, Instalment, InstalmentAgreement
from cis.models.back_billing import BackBillCase, BackBillEvidence
from cis.models.bad_debts import WriteOff, WriteOffRecovery, WrittenOffBill
from cis.models.bill_alerts import BillAlert
from cis.models.billing import Bill, BillBasis, BillException, BillingRun, BillLine, BillUsage, ChargeKind
from cis.models.budget_plans import BudgetPlan
from cis.models.collecting import (
    ArrearsCase,
    ArrearsStep,
    DisconnectionRule,
    Protection,
    PublicHoliday,
    QuietTime,
    ReconnectionOrder,
)
from cis.models.comparisons import BillComparison, BillDifference
from cis.models.contacts import Contact
from cis.models.corrections import BillAccuracy, BillCancellation, BillCorrection, BillHold, CorrectionShare
from cis.models.credit import CreditDecision, CreditGrade
from cis.models.customers import Account, AccountPoint, CapacityChange, Customer, Premise, SupplyContract, TermsChange
from cis.models.deposits import DepositMove
from cis.models.disputes import BillDispute
from cis.models.fee_control import (
    FeeControlAgreement,
    FeeControlCommand,
    FeeControlEstimate,
    FeeControlReceipt,
    FeeControlStep,
    FeeControlTerms,
)
from cis.models.feed_in import FeedInPayment, FeedInPrice, FeedInStep, PayoutBatch, PayoutLine, SolarPlant
from cis.models.late_fees import LateFeeCharge, LateFeeWaiver
from cis.models.late_readings import LateReading
from cis.models.ledger import LedgerAccount, LedgerBalance, LedgerDay, LedgerDayBalance, LedgerTransfer
from cis.models.market import (
    MarketMonth,
    MarketTariff,
    MarketVersion,
    RetailAgreement,
    Retailer,
    RetailPackage,
)
from cis.models.market_settlements import (
    MarketSettlement,
    MarketSettlementRow,
    SettlementAnswer,
    SettlementCheck,
    SettlementClearing,
    SettlementDifference,
)
from cis.models.metering import (
    IntervalDay,
    Meter,
    MeteringPoint,
    MeterInstallation,
    Reading,
    ReadingImport,
    ReadingReject,
    ReadingRoute,
)
from cis.models.network import DistrictSupply, Feeder, Substation, TransformerDistrict
from cis.models.opening import OpeningAccount, OpeningBill, OpeningImport
from cis.models.outages import Outage, OutagePlace, OutageStep
from cis.models.overcharges import OverchargeReport
from cis.models.portal import (
    BindingTry,
    OneTimeCode,
    PortalAccess,
    PortalPerson,
    PortalSession,
    RealNameCheck,
    WechatIdentity,
)
from cis.models.reading_photos import ReadingPhoto
from cis.models.supply_terms import BillPart, CapacityPause, FreeEnergyRight, SupplyLoss, SupplyPart
from cis.models.tariff_trials import TariffDraft, TariffTrial, TrialAccount, TrialGroupMember
from cis.models.tariffs import DeclaredDay, RatingSwitches, Tariff, TariffVersion, TouWindows
from cis.models.use_limits import PlantAlert, UseLimit, UseLimitNotice
from cis.models.validation import CurveEdit, ReadingDoubt, ReadingEdit, ValidationThresholds

__all__ = [
    "Account",
    "AccountPoint",
    "AdvanceAgreement",
    "AdvanceDemand",
    "AgreedBill",
    "ArrearsCase",
    "ArrearsStep",
    "BackBillCase",
    "BackBillEvidence",
    "Bill",
    "BillAccuracy",
    "BillAlert",
    "BillBasis",
    "BillCancellation",
    "BillComparison",
    "BillCorrection",
    "BillDifference",
    "BillDispute",
    "BillException",
    "BillHold",
    "BillLine",
    "BillPart",
    "BillUsage",
    "BillingRun",
    "BindingTry",
    "BudgetPlan",
    "CapacityChange",
    "CapacityPause",
    "ChargeKind",
    "Contact",
    "CorrectionShare",
    "CreditDecision",
    "CreditGrade",
    "CurveEdit",
    "Customer",
    "DeclaredDay",
    "DepositMove",
    "DisconnectionRule",
    "DistrictSupply",
    "FeeControlAgreement",
    "FeeControlCommand",
    "FeeControlEstimate",
    "FeeControlReceipt",
    "FeeControlStep",
    "FeeControlTerms",
    "FeedInPayment",
    "FeedInPrice",
    "FeedInStep",
    "Feeder",
    "FreeEnergyRight",
    "Instalment",
    "InstalmentAgreement",
    "IntervalDay",
    "LateFeeCharge",
    "LateFeeWaiver",
    "LateReading",
    "LedgerAccount",
    "LedgerBalance",
    "LedgerDay",
    "LedgerDayBalance",
    "LedgerTransfer",
    "MarketMonth",
    "MarketSettlement",
    "MarketSettlementRow",
    "MarketTariff",
    "MarketVersion",
    "Meter",
    "MeterInstallation",
    "MeteringPoint",
    "OneTimeCode",
    "OpeningAccount",
    "OpeningBill",
    "OpeningImport",
    "Outage",
    "OutagePlace",
    "OutageStep",
    "OverchargeReport",
    "PayoutBatch",
    "PayoutLine",
    "PlantAlert",
    "PortalAccess",
    "PortalPerson",
    "PortalSession",
    "Premise",
    "Protection",
    "PublicHoliday",
    "QuietTime",
    "RatingSwitches",
    "Reading",
    "ReadingDoubt",
    "ReadingEdit",
    "ReadingImport",
    "ReadingPhoto",
    "ReadingReject",
    "ReadingRoute",
    "RealNameCheck",
    "ReconnectionOrder",
    "RetailAgreement",
    "RetailPackage",
    "Retailer",
    "SettlementAnswer",
    "SettlementCheck",
    "SettlementClearing",
    "SettlementDifference",
    "SolarPlant",
    "Substation",
    "SupplyContract",
    "SupplyLoss",
    "SupplyPart",
    "Tariff",
    "TariffDraft",
    "TariffTrial",
    "TariffVersion",
    "TermsChange",
    "TouWindows",
    "TransformerDistrict",
    "TrialAccount",
    "TrialGroupMember",
    "UseLimit",
    "UseLimitNotice",
    "ValidationThresholds",
    "WechatIdentity",
    "WriteOff",
    "WriteOffRecovery",
    "WrittenOffBill",
]
