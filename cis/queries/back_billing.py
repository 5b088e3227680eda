"""Back-billing cases as pages need them, and what a new one can be prefilled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from cis.models import AccountPoint, BackBillCase, BackBillEvidence, Bill, BillLine, MeterInstallation, SupplyContract
from cis.rating import CHARGES, CORRECTED_AS, ChargeCode
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import Approval, User
from config.shared.permissions import in_scope, is_within

FUNDS = tuple(code for code in CORRECTED_AS if CHARGES[code].ledger == "fund")


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in a list."""

    case_id: int
    account_no: str
    kind_label: str
    amount_fen: int
    state: str
    state_label: str
    opened_at: datetime
    opened_by: str


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One line: quantity x unit price x factor = amount."""

    name: str
    quantity: str
    unit: str
    unit_price: str
    factor: str
    fen: int


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One file of a case with its SHA-256."""

    evidence_id: int
    name: str
    sha256: str
    size_kib: int
    content_type: str
    key: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class CasePage:
    """A whole case."""

    row: CaseRow
    account_id: int
    story: str
    legal_basis: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[CaseLine, ...]
    energy_fen: int
    penalty_fen: int
    evidence: tuple[EvidenceRow, ...]
    noticed_at: datetime | None
    notice_proof: str
    is_asked: bool
    approved_by: str
    decided_at: datetime | None
    bill_no: str
    """the bill that took the charge"""
    drop_reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the house knows that a case begins with; numbers as texts."""

    read_kwh: str
    energy_price: str
    whole_price: str
    """with the funds"""
    first_day: date | None
    last_day: date | None
    ct_ratio: int
    capacity_kva: int
    is_residential: bool
    funds: Mapping[str, str]
    """what each fund that was billed came to a kWh; the energy price is without them"""


def known_of_account(account_id: int, *, today: date) -> Known:
    """Energy and mean prices of the last twelve months' bills, the ratio and capacity of today; four statements."""
    bills = Bill.objects.filter(
        account_id=account_id, cancellation=None, period_start__gte=date(today.year - 1, today.month, 1)
    )
    sums = bills.aggregate(kwh=Sum("energy_kwh_e2"), fen=Sum("total_fen"), riding=Sum("correction_fen"))
    kwh_e2, fen = sums["kwh"] or 0, (sums["fen"] or 0) - (sums["riding"] or 0)
    days = bills.order_by("period_start").values_list("period_start", "period_end")
    of_funds = dict(
        BillLine.objects.filter(bill_id__in=bills.values("pk"), code__in=FUNDS)
        .values_list("code")
        .annotate(fen=Sum("amount_fen"))
    )

    def mean(of_fen: int) -> Decimal:
        whole = Decimal(of_fen) / Decimal(kwh_e2) if kwh_e2 > 0 else Decimal(0)
        return whole.quantize(Decimal("0.00000001"), ROUND_HALF_UP)

    price = mean(fen - sum(of_funds.values()))
    contract = SupplyContract.objects.filter(account_id=account_id, valid__contains=today).first()
    points = AccountPoint.objects.filter(account_id=account_id, valid__contains=today).values("point_id")
    meter = MeterInstallation.objects.filter(point_id__in=points, valid__contains=today).first()
    return Known(
        read_kwh=f"{Decimal(kwh_e2) / 100:f}" if kwh_e2 else "",
        energy_price=f"{price:f}" if price else "",
        whole_price=f"{mean(fen):f}" if mean(fen) else "",
        first_day=days[0][0] if days else None,
        last_day=max(end for _start, end in days) if days else None,
        ct_ratio=meter.ct_ratio if meter else 1,
        capacity_kva=contract.capacity_kva if contract else 0,
        is_residential=contract is None or contract.price_class == SupplyContract.PriceClass.RESIDENTIAL,
        funds={code.name: f"{mean(of_funds[code]):f}" for code in FUNDS if mean(of_funds.get(code, 0)) > 0},
    )


def list_cases(
    *, account_id: int | None = None, within: Sequence[str] | None = None, limit: int = 100
) -> list[CaseRow]:
    """Cases of an account, or of these organisation paths; newest first."""
    cases = BackBillCase.objects.select_related("account", "opened_by").filter(in_scope("account__org_unit", within))
    if account_id is not None:
        cases = cases.filter(account_id=account_id)
    return [_row(case) for case in cases.order_by("-pk")[:limit]]


def get_case(case_id: int, *, within: Sequence[str] | None = None) -> CasePage:
    """
    A whole case; four statements.

    :raises NotFound: there is none `within` these organisation paths
    """
    case = (
        BackBillCase.objects.select_related("account__org_unit", "opened_by", "decided_by", "correction__taken_by")
        .filter(pk=case_id)
        .first()
    )
    if case is None or (within is not None and not is_within(case.account.org_unit.path, within)):
        raise NotFound(_("没有这张退补单。"))
    evidence = BackBillEvidence.objects.select_related("added_by").filter(case=case).order_by("pk")
    taken = case.correction.taken_by if case.correction else None
    return CasePage(
        row=_row(case),
        account_id=case.account_id,
        story=case.story,
        legal_basis=case.legal_basis,
        facts=tuple(_facts(case.inputs)),
        lines=tuple(
            CaseLine(
                _line_name(one),
                _shown(one["quantity"]),
                one["unit"],
                one["unit_price"],
                one.get("factor", ""),
                one["fen"],
            )
            for one in case.lines
        ),
        energy_fen=case.energy_fen,
        penalty_fen=case.penalty_fen,
        evidence=tuple(_evidence(one) for one in evidence),
        noticed_at=case.noticed_at,
        notice_proof=case.notice_proof,
        is_asked=Approval.objects.filter(subject=f"back-bill:{case.pk}", state=Approval.State.WAITING).exists(),
        approved_by=_name(case.decided_by),
        decided_at=case.decided_at,
        bill_no=str(taken) if taken else "",
        drop_reason=case.drop_reason,
    )


def get_evidence(case_id: int, evidence_id: int, *, within: Sequence[str] | None = None) -> EvidenceRow:
    """
    One file of a case.

    :raises NotFound: there is none, or not `within` these organisation paths
    """
    found = (
        BackBillEvidence.objects.select_related("added_by", "case__account__org_unit")
        .filter(pk=evidence_id, case_id=case_id)
        .first()
    )
    if found is None or (within is not None and not is_within(found.case.account.org_unit.path, within)):
        raise NotFound(_("没有这份证据。"))
    return _evidence(found)


def fact_names() -> dict[str, str]:
    """What the facts of a case are called."""
    return {
        "read_kwh": _("抄见电量（度）"),
        "error_pct": _("误差（%，慢为负）"),
        "share_of_period": _("按多少时间退补"),
        "correction_rate": _("更正率（如 0.25）"),
        "right_ratio": _("实际倍率"),
        "wrong_ratio": _("计量用的倍率"),
        "power_kw": _("高价设备容量（千瓦）"),
        "power_hours": _("每天小时数"),
        "days": _("天数"),
        "kva": _("超出或启用的容量（千伏安）"),
        "full_months": _("整月数"),
        "days_first_month": _("首月天数"),
        "times": _("次数"),
        "kw": _("窃电设备容量（千瓦）"),
        "hours_per_day": _("每天小时数"),
        "penalty_multiple": _("违约使用电费倍数"),
        "energy_price": _("电价（元/度，不含代征基金）"),
        **{code.name: _("%(fund)s（元/度）") % {"fund": _fund_name(code)} for code in FUNDS},
        "cheap": _("实际交的电价（元/度）"),
        "industry": _("应交的电价（元/度）"),
        "capacity_price": _("容量电价（元/千伏安·月）"),
        "back_kwh": _("追补电量（度）"),
        "kwh": _("窃电电量（度）"),
    }


def _fund_name(code: ChargeCode) -> str:
    return in_language(CHARGES[code].name_zh, CHARGES[code].name_en)


def _line_name(line: Mapping[str, Any]) -> str:
    """What a kept line is called in the reader's language; its own name where it is none of these."""
    code, multiple = line["code"], {"times": line["unit_price"]}
    if code == "BACK_ENERGY":
        return _("退还电费") if line["fen"] < 0 else _("追补电费")
    if code.endswith("_PENALTY"):
        # A multiple of what was owed; so much a kVA has no multiple.
        return _("违约使用电费（%(times)s 倍）") % multiple if line["unit"] == "yuan" else _("违约使用电费")
    if code == "CAP_BACK":
        # The factor beside it says how much of a month.
        return in_language(line["name"], "Basic charge, paid afterwards")
    if code in ChargeCode.__members__:
        return _fund_name(ChargeCode[code])
    words = {"THEFT_ENERGY": _("补交电费"), "CLASS_DIFF": _("补收差额电费")}
    return words.get(code, str(line["name"]))


def _shown(number: str) -> str:
    """A decimal text with the minus of print."""
    return number.replace("-", "−", 1)


def _facts(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = fact_names()
    return [
        (names.get(name, name), _shown(str(value)))
        for part in ("inputs", "prices", "quantities")
        for name, value in inputs.get(part, {}).items()
        if name in names
    ]


def _row(case: BackBillCase) -> CaseRow:
    return CaseRow(
        case.pk,
        case.account.account_no,
        _(BackBillCase.Kind(case.kind).label),
        case.amount_fen,
        case.state,
        _(BackBillCase.State(case.state).label),
        case.opened_at,
        _name(case.opened_by),
    )


def _evidence(one: BackBillEvidence) -> EvidenceRow:
    return EvidenceRow(
        one.pk,
        one.name,
        one.sha256,
        -(-one.size // 1024),
        one.content_type,
        one.key,
        _name(one.added_by),
        one.added_at,
    )


def _name(user: User | None) -> str:
    return (user.display_name or user.username) if user else ""
