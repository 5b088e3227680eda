"""The demonstration's wrongs put right: a misread register, meters that erred, instalments, a parallel run."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

from django.db.models import Q

from cis.collecting.levelised import months_later
from cis.demo.paper import PAPER
from cis.models import (
    ArrearsCase,
    BackBillCase,
    Bill,
    BillComparison,
    BillCorrection,
    InstalmentAgreement,
    Reading,
    SupplyContract,
)
from cis.operations import back_billing, bill_corrections
from cis.operations.agreements import sign_in_parts
from cis.operations.bill_comparisons import compare_bills
from cis.parallel_run import OTHER_BILLS
from cis.rating import Register
from config.shared import approvals
from config.shared.models import User
from config.shared.money import yuan_from_fen

_HOMES = Q(price_class=SupplyContract.PriceClass.RESIDENTIAL)
_SHOPS = Q(price_class=SupplyContract.PriceClass.COMMERCIAL)
# A register was read as 20 kWh more than it showed.
_MISREAD_E4 = 20 * 10_000


def load(*, today: date, at: datetime) -> None:
    """One of each, of accounts that nothing else of the demonstration tells of. Repeated, nothing is added."""
    people = dict(User.objects.filter(username__in=("accountant", "leader")).values_list("username", "pk"))
    newest = Bill.objects.order_by("-cycle").values_list("cycle", flat=True).first()
    if len(people) < 2 or newest is None:
        return
    bills = Bill.objects.filter(cycle=newest, open_fen=0).order_by("account_id")
    homes, shops = bills.filter(_HOMES)[200:206], bills.filter(_SHOPS)[:1]
    if len(homes) > 1 and not BillCorrection.objects.exists():
        _misread(homes[0], by_id=people["accountant"], at=at)
    if len(homes) > 1 and not BackBillCase.objects.exists():
        _fast_meter(homes[1], by_id=people["accountant"], approver_id=people["leader"], at=at)
        for bill in shops:
            _bridged(bill, by_id=people["accountant"], at=at)
    if not InstalmentAgreement.objects.exists():
        _instalments(today=today, by_id=people["accountant"], at=at)
    if not BillComparison.objects.exists():
        _parallel_run(newest, at=at)


def _misread(bill: Bill, *, by_id: int, at: datetime) -> None:
    """The last bill was too high; the difference waits for the next one."""
    read = Reading.objects.filter(account_id=bill.account_id, cycle=bill.cycle, register=Register.TOTAL).first()
    if read is None:
        return
    change = bill_corrections.Values(read.installation_id, read.read_on, {Register.TOTAL: read.value_e4 - _MISREAD_E4})
    bill_corrections.correct(change=change, reason="客户来电核对，抄表时看错一位", by_id=by_id, at=at)


def _fast_meter(bill: Bill, *, by_id: int, approver_id: int, at: datetime) -> None:
    """Tested, told, approved by a second person and given back."""
    case_id = back_billing.open_case(
        account_id=bill.account_id,
        kind="meter-error",
        inputs={"read_kwh": "1100", "error_pct": "10", "share_of_period": "1/2"},
        prices={"energy_price": "0.558"},
        story="客户申请校验，电能表快 10%，已换表",
        by_id=by_id,
        at=at,
    )
    _prove(case_id, "校验报告.pdf", by_id=by_id, at=at)
    back_billing.note_notice(case_id=case_id, proof="当面送达，客户签收", by_id=by_id, at=at)
    asked = back_billing.ask_to_post(case_id=case_id, reason="校验报告齐全，按一半期间退", by_id=by_id, at=at)
    approvals.approve(approval_id=asked, decided_by_id=approver_id, at=at)


def _bridged(bill: Bill, *, by_id: int, at: datetime) -> None:
    """Found on an inspection; the notice is still to be served."""
    case_id = back_billing.open_case(
        account_id=bill.account_id,
        kind="theft",
        inputs={"kw": "2", "days": "30", "hours_per_day": "12", "penalty_multiple": "3"},
        prices={"energy_price": "0.7"},
        story="用电检查发现绕越计量装置用电，客户当场签认",
        by_id=by_id,
        at=at,
    )
    _prove(case_id, "现场记录.pdf", by_id=by_id, at=at)


def _prove(case_id: int, name: str, *, by_id: int, at: datetime) -> None:
    back_billing.add_evidence(
        case_id=case_id, stream=io.BytesIO(PAPER), name=name, content_type="application/pdf", by_id=by_id, at=at
    )


def _instalments(*, today: date, by_id: int, at: datetime) -> None:
    """Whoever has owed for longest among those not called yet pays in six parts."""
    case = ArrearsCase.objects.filter(closed_at=None, cause="").order_by("oldest_due_on", "pk").first()
    if case is None:
        return
    overdue = Bill.objects.filter(account_id=case.account_id, open_fen__gt=0).order_by("due_on", "pk")
    sign_in_parts(
        account_id=case.account_id,
        bill_ids=list(overdue.values_list("pk", flat=True)),
        count=6,
        first_on=months_later(today, 1),
        evidence="示范分期协议，客户到厅签字",
        by_id=by_id,
        at=at,
    )


def _parallel_run(cycle: int, *, at: datetime) -> None:
    """What the old system billed: one account to the day before, one by another tier, some a fen off, one missing."""
    rows = Bill.objects.filter(cycle=cycle).select_related("account").order_by("account_id")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{cycle}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([column.name for column in OTHER_BILLS.columns])
            for number, bill in enumerate(rows):
                if number == 7:
                    continue
                end = bill.period_end - timedelta(days=number == 17)
                fen = bill.total_fen + (1 if number % 700 == 40 else 2_350 if number == 27 else 0)
                kwh = f"{bill.energy_kwh_e2 // 100}.{bill.energy_kwh_e2 % 100:02d}"
                stated = (bill.account.account_no, bill.period_start, end, kwh, yuan_from_fen(fen))
                writer.writerow((*stated, *[""] * (len(OTHER_BILLS.columns) - len(stated))))
        compare_bills(file=path, cycle=cycle, at=at)
