"""Corrected and cancelled bills as pages need them: what was read then and now, line by line what is more or less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from cis.models import Bill, BillCancellation, BillCorrection, BillUsage, MeterInstallation, Reading
from cis.queries.billing import bill_id_of
from cis.rating import CHARGES, REGISTER_NAMES, ChargeCode, Register
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import User
from config.shared.permissions import is_within


@dataclass(frozen=True, slots=True)
class LineDifference:
    """A charge then and now, in fen."""

    name: str
    then_fen: int
    now_fen: int

    @property
    def fen(self) -> int:
        """More (positive) or less."""
        return self.now_fen - self.then_fen


@dataclass(frozen=True, slots=True)
class ReadDifference:
    """One register's stretch then and now; register values in 10^-4 units, energy in 10^-2 kWh."""

    meter_no: str
    register: str
    from_on: date
    to_on: date
    then_e4: tuple[int, int] | None
    now_e4: tuple[int, int] | None
    then_ratio: int
    now_ratio: int
    then_kwh_e2: int
    now_kwh_e2: int
    was_estimated: bool

    @property
    def is_changed(self) -> bool:
        """Whether anything of it is different."""
        return (self.then_e4, self.then_ratio, self.then_kwh_e2) != (self.now_e4, self.now_ratio, self.now_kwh_e2)


@dataclass(frozen=True, slots=True)
class SettledIn:
    """A settlement of the trading centre: its month, which file of the month, and its name."""

    settlement_id: int
    month: int
    revision: int
    file_name: str


@dataclass(frozen=True, slots=True)
class CorrectionPage:
    """One difference with everything that explains it."""

    correction_id: int
    account_no: str
    account_id: int
    bill_no: str
    cycle: int
    cause: str
    cause_label: str
    reason: str
    amount_fen: int
    fund_fen: int
    energy_kwh_e2_then: int
    energy_kwh_e2_now: int
    tier_kwh_e2_before_then: int
    tier_kwh_e2_before_now: int
    lines: tuple[LineDifference, ...]
    readings: tuple[ReadDifference, ...]
    state: str
    state_label: str
    asked_by: str
    asked_at: datetime
    approved_by: str
    taken_by: str
    """number of the bill that took it"""
    follows_id: int | None
    case_id: int | None = None
    settlement: SettledIn | None = None
    """the trading centre's file that it clears"""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Why a bill was cancelled, and the bill that took its place."""

    bill_no: str
    new_bill_no: str
    reason: str
    released_fen: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BillHistory:
    """What became of a bill, and what it carries of others."""

    replaced_by: Replacement | None
    replaces: Replacement | None
    corrections: tuple[CorrectionPage, ...]
    carried: tuple[CorrectionPage, ...]


@dataclass(frozen=True, slots=True)
class MeterDay:
    """The registers of a meter on a day that a bill was made from; values in 10^-4 units."""

    installation_id: int
    meter_no: str
    read_on: date
    values: tuple[tuple[int, str, int, str], ...]
    """(register, its name, value, how it was read)"""
    is_estimated: bool
    ct_ratio: int
    pt_ratio: int


@dataclass(frozen=True, slots=True)
class CurveMeter:
    """A meter whose curve a bill was made from, and the days of it: [from, to)."""

    installation_id: int
    meter_no: str
    from_on: date
    to_on: date


def history_of_bill(bill_id: int) -> BillHistory:
    """What became of a bill; four statements."""
    swaps = BillCancellation.objects.select_related("bill", "replaced_by").filter(bill_id=bill_id)
    news = BillCancellation.objects.select_related("bill", "replaced_by").filter(replaced_by_id=bill_id)
    own = _corrections().filter(bill_id=bill_id).exclude(state=BillCorrection.State.VOID).order_by("pk")
    carried = _corrections().filter(taken_by_id=bill_id).order_by("pk")
    return BillHistory(
        replaced_by=next((_replacement(one) for one in swaps), None),
        replaces=next((_replacement(one) for one in news), None),
        corrections=tuple(_page(one) for one in own),
        carried=tuple(_page(one) for one in carried),
    )


def get_correction(correction_id: int, *, within: Sequence[str] | None = None) -> CorrectionPage:
    """
    One difference, explained.

    :raises NotFound: there is none, or not of an account `within` these organisation paths
    """
    row = _corrections().filter(pk=correction_id).first()
    if row is None or (within is not None and not is_within(row.account.org_unit.path, within)):
        raise NotFound(_("没有这笔更正。"))
    return _page(row)


def waiting_of_account(account_id: int) -> tuple[CorrectionPage, ...]:
    """What waits for the account's next bill, oldest first."""
    rows = _corrections().filter(account_id=account_id, state=BillCorrection.State.STANDING).order_by("pk")
    return tuple(_page(row) for row in rows)


def curves_of_bill(bill_no: str) -> tuple[CurveMeter, ...]:
    """
    The meters whose curves a bill was made from.

    :raises NotFound: it is not the number of a bill
    """
    rows = BillUsage.objects.filter(bill_id=_bill_of(bill_no).pk, is_from_curve=True).order_by("installation_id")
    spans: dict[int, tuple[date, date]] = {}
    for one in rows:
        first, last = spans.get(one.installation_id, (one.from_on, one.to_on))
        spans[one.installation_id] = (min(first, one.from_on), max(last, one.to_on))
    meters = dict(MeterInstallation.objects.filter(pk__in=list(spans)).values_list("pk", "meter__meter_no"))
    return tuple(CurveMeter(pk, meters[pk], *span) for pk, span in spans.items() if pk in meters)


def _bill_of(bill_no: str) -> Bill:
    bill = Bill.objects.filter(pk=bill_id_of(bill_no)).first()
    if bill is None or str(bill) != bill_no:
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return bill


def days_of_bill(bill_no: str) -> tuple[MeterDay, ...]:
    """
    The meters and days that a bill was made from, oldest first, with what is accepted of them today.

    :raises NotFound: it is not the number of a bill
    """
    bill = _bill_of(bill_no)
    days: dict[tuple[int, date], None] = {}
    for one in BillUsage.objects.filter(bill_id=bill.pk, is_from_curve=False).order_by("seq"):
        days[one.installation_id, one.from_on] = days[one.installation_id, one.to_on] = None
    meters = {
        one.pk: one for one in MeterInstallation.objects.select_related("meter").filter(pk__in={key[0] for key in days})
    }
    read = Reading.objects.filter(
        installation_id__in=list(meters), read_on__in={key[1] for key in days}, state=Reading.State.ACCEPTED
    ).order_by("register")
    found: list[MeterDay] = []
    for installation_id, day in sorted(days, key=lambda key: (key[1], key[0])):
        mine = [one for one in read if (one.installation_id, one.read_on) == (installation_id, day)]
        meter = meters.get(installation_id)
        if meter is None or not mine:
            continue
        found.append(
            MeterDay(
                installation_id,
                meter.meter.meter_no,
                day,
                tuple(
                    (one.register, register_name(one.register), one.value_e4, _(one.get_source_display()))
                    for one in mine
                ),
                any(one.source == 4 for one in mine),
                meter.ct_ratio,
                meter.pt_ratio,
            )
        )
    return tuple(found)


def register_name(register: int) -> str:
    """What a register is called in the language of the request."""
    return in_language(*REGISTER_NAMES[Register(register)])


def differences(then: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> tuple[LineDifference, ...]:
    """Charge by charge, in the order of a bill; what is the same in both stays out."""
    sums: dict[int, list[int]] = {}
    for side, lines in enumerate((then, now)):
        for line in lines:
            sums.setdefault(line["code"], [0, 0])[side] += line["fen"]
    return tuple(
        LineDifference(in_language(CHARGES[ChargeCode(code)].name_zh, CHARGES[ChargeCode(code)].name_en), was, becomes)
        for code, (was, becomes) in sorted(sums.items())
        if was != becomes
    )


def read_differences(then: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> tuple[ReadDifference, ...]:
    """Stretch by stretch, then beside now."""
    sides = [{(one["installation"], one["register"], one["from_on"]): one for one in side} for side in (then, now)]
    meters = dict(
        MeterInstallation.objects.filter(pk__in={key[0] for side in sides for key in side}).values_list(
            "pk", "meter__meter_no"
        )
    )
    found = []
    for key in sorted({*sides[0], *sides[1]}):
        was, becomes = sides[0].get(key), sides[1].get(key)
        one = sides[1].get(key) or sides[0][key]
        found.append(
            ReadDifference(
                meter_no=meters.get(key[0], "—"),
                register=register_name(key[1]),
                from_on=date.fromisoformat(one["from_on"]),
                to_on=date.fromisoformat(one["to_on"]),
                then_e4=(was["from_e4"], was["to_e4"]) if was else None,
                now_e4=(becomes["from_e4"], becomes["to_e4"]) if becomes else None,
                then_ratio=was["multiplier"] if was else 0,
                now_ratio=becomes["multiplier"] if becomes else 0,
                then_kwh_e2=was["kwh_e2"] if was else 0,
                now_kwh_e2=becomes["kwh_e2"] if becomes else 0,
                was_estimated=bool(was and was["is_estimated"]),
            )
        )
    return tuple(found)


def _corrections() -> Any:
    return BillCorrection.objects.select_related(
        "account__org_unit",
        "bill",
        "taken_by",
        "asked_by",
        "approved_by",
        "settlement_clearing__settlement_check__settlement",
    )


def _page(row: BillCorrection) -> CorrectionPage:
    return CorrectionPage(
        correction_id=row.pk,
        account_no=row.account.account_no,
        account_id=row.account_id,
        bill_no=str(row.bill) if row.bill else "",
        cycle=row.bill.cycle if row.bill else 0,
        cause=row.cause,
        cause_label=_(BillCorrection.Cause(row.cause).label),
        reason=row.reason,
        amount_fen=row.amount_fen,
        fund_fen=row.fund_fen,
        energy_kwh_e2_then=row.energy_kwh_e2_then,
        energy_kwh_e2_now=row.energy_kwh_e2_now,
        tier_kwh_e2_before_then=row.tier_kwh_e2_before_then,
        tier_kwh_e2_before_now=row.tier_kwh_e2_before_now,
        lines=differences(row.lines_then, row.lines_now),
        readings=read_differences(row.usage_then, row.usage_now),
        state=row.state,
        state_label=_(BillCorrection.State(row.state).label),
        asked_by=_name(row.asked_by),
        asked_at=row.asked_at,
        approved_by=_name(row.approved_by),
        taken_by=str(row.taken_by) if row.taken_by else "",
        follows_id=row.follows_id,
        settlement=_settled_in(row),
    )


def _settled_in(row: BillCorrection) -> SettledIn | None:
    if row.cause != BillCorrection.Cause.SETTLEMENT:
        return None
    file = row.settlement_clearing.settlement_check.settlement
    return SettledIn(file.pk, file.month, file.revision, file.file_name)


def _name(user: User | None) -> str:
    return (user.display_name or user.username) if user else ""


def _replacement(row: BillCancellation) -> Replacement:
    return Replacement(str(row.bill), str(row.replaced_by), row.reason, row.released_fen, row.cancelled_at)
