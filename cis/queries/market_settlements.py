"""Settlements of the trading centre as pages show them: files, sums by retailer, differences with cause and owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.utils.translation import gettext as _

from cis.market_settlement import CLEARABLE, CLOSED_CAUSES, OWNERS, Cause
from cis.models import (
    Account,
    MarketMonth,
    MarketSettlement,
    MarketSettlementRow,
    Retailer,
    SettlementAnswer,
    SettlementCheck,
    SettlementClearing,
    SettlementDifference,
)
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from config.shared.models import Approval, Role
from config.shared.permissions import in_scope

__all__ = [
    "DIFFERENCE_ORDERS", "SETTLEMENT_ORDERS", "CauseRow", "DifferenceRow", "RetailerSums", "SettledMonth",
    "SettlementPage", "SettlementRow", "cause_of", "cause_word", "get_difference", "get_settlement",
    "page_of_differences", "page_of_settlements", "provinces", "settled_months",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """One file; energy in 0.01 kWh. `open` is of its newest check, counting only what the reader may see."""

    settlement_id: int
    province: str
    month: int
    revision: int
    is_newest: bool
    file_name: str
    digest: str
    rows: int
    energy_kwh_e2: int
    total_fen: int
    open: int
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class CauseRow:
    """What one cause came to; `left_fen`: settled less billed and cleared."""

    code: str
    name: str
    owner: str
    accounts: int
    left_fen: int
    absolute_fen: int


@dataclass(frozen=True, slots=True)
class RetailerSums:
    """A retailer's customers, here and there."""

    name: str
    ours: int
    theirs: int
    ours_kwh_e2: int
    theirs_kwh_e2: int
    ours_fen: int
    theirs_fen: int
    cleared_fen: int

    @property
    def left_fen(self) -> int:
        """Settled less billed and cleared."""
        return self.theirs_fen - self.ours_fen - self.cleared_fen


@dataclass(frozen=True, slots=True)
class SettlementPage:
    """A file with its newest check."""

    row: SettlementRow
    causes: tuple[CauseRow, ...]
    retailers: tuple[RetailerSums, ...]
    checked_by: str
    checked_at: datetime
    clearable: int
    """accounts whose difference may be put on their next bill"""
    clearable_fen: int
    approval_id: int | None
    """of a clearing that waits for a second person"""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One account; `state` is open, answered, cleared or rounding."""

    settlement_id: int
    account_id: int
    account_no: str
    cause: Cause
    cause_word: str
    owner: str
    our_retailer: str
    their_retailer: str
    ours_kwh_e2: int
    theirs_kwh_e2: int
    ours_fen: int
    theirs_fen: int
    deviation_fen: int
    cleared_fen: int
    left_fen: int
    state: str
    state_word: str
    note: str
    bill_nos: tuple[str, ...]
    """that carry what was cleared"""


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """A month of one account by its newest file, beside what its bills of the month came to."""

    settlement_id: int
    month: int
    revision: int
    energy_kwh_e2: int
    total_fen: int
    cause_word: str
    """empty where both are equal"""
    left_fen: int
    cleared_fen: int
    bill_nos: tuple[str, ...]


SETTLEMENT_ORDERS = {"month": Order((SortKey("month", int), SortKey("settlement_id", int, "pk")))}
DIFFERENCE_ORDERS = {
    "account": Order((SortKey("account_id", int),)),
    "left": Order((SortKey("left_fen", int), SortKey("account_id", int))),
}


def cause_of(code: str) -> Cause | None:
    """The cause of this code; None for none."""
    return next((cause for cause in Cause if cause.name.lower() == code), None)


def cause_word(cause: Cause) -> str:
    """What a cause is called."""
    return {
        Cause.EQUAL: _("相符"),
        Cause.ROUNDING: _("每行至多一分"),
        Cause.CLEARED: _("清算后相符"),
        Cause.MISSING_THERE: _("结算单里没有"),
        Cause.NOT_BILLED: _("当月还没有发行"),
        Cause.NO_AGREEMENT: _("按代理购电计了费"),
        Cause.OTHER_RETAILER: _("售电公司不同"),
        Cause.OTHER_ENERGY: _("电量不同"),
        Cause.PROVISIONAL: _("暂按套餐计，待清算"),
        Cause.DEVIATION: _("偏差费用没有计"),
        Cause.OTHER_PRICE: _("价格或金额不同"),
    }[cause]


def provinces() -> list[str]:
    """Where a month's table is published: whose settlements can come."""
    return sorted(
        MarketMonth.objects.filter(state=MarketMonth.State.PUBLISHED).values_list("province", flat=True).distinct()
    )


def page_of_settlements(ask: Ask, *, within: Sequence[str] | None) -> Page[SettlementRow]:
    """One page of the files; a fixed number of statements."""
    return ask.page(ask.of(_settlements()), lambda found: _rows(found, within))


def get_settlement(settlement_id: int, *, within: Sequence[str] | None) -> SettlementPage:
    """
    One file.

    :raises NotFound: there is none
    """
    settlement = _settlements().filter(pk=settlement_id).first()
    if settlement is None:
        raise NotFound(_("没有这张结算单。"))
    check = SettlementCheck.objects.select_related("checked_by").filter(settlement=settlement).latest("pk")
    figures = check.figures
    names = _retailers()
    roles = _owners()
    causes = [
        CauseRow(
            cause.name.lower(),
            cause_word(cause),
            roles.get(cause, ""),
            of["accounts"],
            of["left_fen"],
            of["absolute_fen"],
        )
        for cause in Cause
        if (of := figures["causes"].get(cause.name.lower()))
    ]
    clearable = [row for row in causes if cause_of(row.code) in CLEARABLE]
    waits = Approval.objects.filter(
        subject=f"clear-settlement:{settlement.province}:{settlement.month}", state=Approval.State.WAITING
    ).first()
    return SettlementPage(
        row=_rows([settlement], within)[0],
        causes=tuple(causes),
        retailers=tuple(
            RetailerSums(names.get(int(key), _("没有售电公司")), **sums)
            for key, sums in sorted(figures["retailers"].items(), key=lambda item: names.get(int(item[0]), ""))
        ),
        checked_by=check.checked_by.display_name or check.checked_by.username,
        checked_at=check.checked_at,
        clearable=sum(row.accounts for row in clearable),
        clearable_fen=sum(row.absolute_fen for row in clearable),
        approval_id=waits.pk if waits else None,
    )


def page_of_differences(
    ask: Ask, *, settlement_id: int, cause: Cause | None, only_open: bool, within: Sequence[str] | None
) -> Page[DifferenceRow]:
    """One page of the newest check's differences, of one cause or all; a fixed number of statements."""
    rows = _differences(settlement_id, within)
    if cause is not None:
        rows = rows.filter(cause=int(cause))
    if only_open:
        rows = _still_open(rows)
    return ask.page(ask.of(rows), lambda found: _difference_rows(settlement_id, found))


def get_difference(settlement_id: int, account_no: str, *, within: Sequence[str] | None) -> DifferenceRow:
    """
    What one account differs by.

    :raises NotFound: it does not, or is not seen from these organisation paths
    """
    row = _differences(settlement_id, within).filter(account__account_no=account_no).first()
    if row is None:
        raise NotFound(_("这个户号在这张结算单里没有差异。"))
    return _difference_rows(settlement_id, [row])[0]


def settled_months(account_id: int, *, limit: int = 12) -> list[SettledMonth]:
    """The months of an account that the trading centre settled, newest first; a fixed number of statements."""
    newest = (
        MarketSettlement.objects.values("province", "month").annotate(newest=Max("revision")).order_by("-month")[:60]
    )
    keys = {(one["province"], one["month"], one["newest"]) for one in newest}
    sums = _sums_of(account_id)
    files = [
        one
        for one in MarketSettlement.objects.filter(pk__in=list(sums)).order_by("-month", "-pk")
        if (one.province, one.month, one.revision) in keys
    ][:limit]
    checks = dict(
        SettlementCheck.objects.filter(settlement__in=files).values_list("settlement").annotate(newest=Max("pk"))
    )
    differs = {
        row.settlement_check_id: row
        for row in SettlementDifference.objects.filter(
            settlement_check__in=list(checks.values()), account_id=account_id
        )
    }
    carried: dict[tuple[str, int], list[str]] = {}
    for one in _clearings().filter(account_id=account_id):
        settlement = one.settlement_check.settlement
        if one.correction.taken_by is not None:
            carried.setdefault((settlement.province, settlement.month), []).append(str(one.correction.taken_by))
    found = []
    for file in files:
        row = differs.get(checks[file.pk])
        energy, fen = sums[file.pk]
        found.append(
            SettledMonth(
                settlement_id=file.pk,
                month=file.month,
                revision=file.revision,
                energy_kwh_e2=energy,
                total_fen=fen,
                cause_word=cause_word(Cause(row.cause)) if row else "",
                left_fen=row.left_fen if row else 0,
                cleared_fen=row.cleared_fen if row else 0,
                bill_nos=tuple(carried.get((file.province, file.month), ())),
            )
        )
    return found


def _sums_of(account_id: int) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for settlement_id, energy, fen in MarketSettlementRow.objects.filter(account_id=account_id).values_list(
        "settlement_id", "energy_kwh_e2", "total_fen"
    ):
        before = found.get(settlement_id, (0, 0))
        found[settlement_id] = (before[0] + energy, before[1] + fen)
    return found


def _settlements() -> QuerySet[MarketSettlement]:
    later = MarketSettlement.objects.filter(
        province=OuterRef("province"), month=OuterRef("month"), revision__gt=OuterRef("revision")
    )
    return MarketSettlement.objects.select_related("imported_by").annotate(
        has_later=Exists(later), newest_check=Max("checks"), settlement_id=F("pk")
    )


def _rows(found: Sequence[Any], within: Sequence[str] | None) -> list[SettlementRow]:
    checks = [one.newest_check for one in found]
    rows = SettlementDifference.objects.filter(settlement_check__in=checks).filter(
        in_scope("account__org_unit", within)
    )
    left: dict[int, int] = {}
    for check_id in _still_open(rows).values_list("settlement_check_id", flat=True):
        left[check_id] = left.get(check_id, 0) + 1
    return [
        SettlementRow(
            settlement_id=one.pk,
            province=one.province,
            month=one.month,
            revision=one.revision,
            is_newest=not one.has_later,
            file_name=one.file_name,
            digest=bytes(one.digest).hex()[:12],
            rows=one.rows,
            energy_kwh_e2=one.energy_kwh_e2,
            total_fen=one.total_fen,
            open=left.get(one.newest_check, 0),
            imported_by=one.imported_by.display_name or one.imported_by.username,
            imported_at=one.imported_at,
        )
        for one in found
    ]


def _differences(settlement_id: int, within: Sequence[str] | None) -> QuerySet[SettlementDifference]:
    newest = SettlementCheck.objects.filter(settlement_id=settlement_id).order_by("-pk").values("pk")[:1]
    return SettlementDifference.objects.filter(settlement_check=newest).filter(in_scope("account__org_unit", within))


def _still_open(rows: QuerySet[SettlementDifference]) -> QuerySet[SettlementDifference]:
    answered = SettlementAnswer.objects.filter(
        settlement=OuterRef("settlement_check__settlement"),
        account=OuterRef("account_id"),
        cause=OuterRef("cause"),
        left_fen=OuterRef("left_fen"),
    )
    return rows.exclude(cause__in=[int(cause) for cause in CLOSED_CAUSES]).exclude(Exists(answered))


def _clearings() -> QuerySet[SettlementClearing]:
    return SettlementClearing.objects.select_related("settlement_check__settlement", "correction__taken_by").order_by(
        "pk"
    )


def _difference_rows(settlement_id: int, found: Sequence[SettlementDifference]) -> list[DifferenceRow]:
    accounts = [row.account_id for row in found]
    numbers = dict(Account.objects.filter(pk__in=accounts).values_list("pk", "account_no"))
    settlement = MarketSettlement.objects.get(pk=settlement_id)
    answers: dict[tuple[int, int, int], str] = {}
    for one in SettlementAnswer.objects.filter(settlement=settlement, account__in=accounts).order_by("pk"):
        answers[one.account_id, one.cause, one.left_fen] = one.note
    carried: dict[int, list[str]] = {}
    for clearing in _clearings().filter(
        account__in=accounts,
        settlement_check__settlement__province=settlement.province,
        settlement_check__settlement__month=settlement.month,
    ):
        carried.setdefault(clearing.account_id, [])
        if clearing.correction.taken_by is not None:
            carried[clearing.account_id].append(str(clearing.correction.taken_by))
    names, roles = _retailers(), _owners()
    result = []
    for row in found:
        cause = Cause(row.cause)
        note = answers.get((row.account_id, row.cause, row.left_fen), "")
        state, word = _state(cause, bool(note), carried.get(row.account_id, []))
        result.append(
            DifferenceRow(
                settlement_id=settlement_id,
                account_id=row.account_id,
                account_no=numbers[row.account_id],
                cause=cause,
                cause_word=cause_word(cause),
                owner=roles.get(cause, ""),
                our_retailer=names.get(row.our_retailer_id, ""),
                their_retailer=names.get(row.their_retailer_id, ""),
                ours_kwh_e2=row.ours_kwh_e2,
                theirs_kwh_e2=row.theirs_kwh_e2,
                ours_fen=row.ours_fen,
                theirs_fen=row.theirs_fen,
                deviation_fen=row.deviation_fen,
                cleared_fen=row.cleared_fen,
                left_fen=row.left_fen,
                state=state,
                state_word=word,
                note=note,
                bill_nos=tuple(carried.get(row.account_id, ())),
            )
        )
    return result


def _state(cause: Cause, is_answered: bool, bill_nos: Sequence[str]) -> tuple[str, str]:
    if cause == Cause.CLEARED:
        return ("cleared", _("已列入账单")) if bill_nos else ("cleared", _("等下期账单"))
    if cause in CLOSED_CAUSES:
        return "rounding", _("不用处理")
    return ("answered", _("已说明")) if is_answered else ("open", _("待处理"))


def _retailers() -> dict[int, str]:
    return {row.pk: in_language(row.name, row.name_en or row.name) for row in Retailer.objects.all()}


def _owners() -> dict[Cause, str]:
    """Cause to the name of the role that looks at it."""
    names = {role.code: in_language(role.name, role.name_en or role.name) for role in Role.objects.all()}
    return {cause: names.get(code, code) for cause, code in OWNERS.items()}
