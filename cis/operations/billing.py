"""
Billing: runs over many accounts, a bill for one account now, previews; all of them shards of one and the same work.

A shard is one transaction with a fixed number of statements: lock the balances, read the determinants, rate the
columns, COPY bills, lines, usage and transfers, note who was left out, announce `BillsIssued`, mark the shard done.
A run's last stage is its closing check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.events import BillsIssued
from cis.models import Account, Bill, BillException, BillingRun
from cis.models.ledger import ControlAccount, LedgerKind, TransferKind
from cis.operations import bill_riders, ledger, outliers
from cis.operations.bill_riders import Riders
from cis.queries import determinants
from cis.queries.closing import closing_figures
from cis.queries.determinant_columns import AccountColumns, Determinants
from cis.queries.due_accounts import routes_due
from cis.queries.left_out import LeftOut, reason_in_words
from cis.queries.part_rating import registers_of
from cis.queries.shard_rating import RatedShard, rate_shard
from cis.rating import CORRECTED_AS
from cis.rating.columns import WHOLE
from cis.rating.tier_years import TIER_YEAR_MONTHS
from config.shared import jobs
from config.shared.bulk_copy import copy_in, copy_rows, day_of, days_of, microseconds_of, read_columns, sequence_block
from config.shared.errors import NotFound, Refused
from config.shared.events import publish
from config.shared.models import JobShard, OrgUnit
from config.shared.periods import is_cycle
from config.shared.permissions import in_scope

JOB_KIND = "billing"
# Twenty thousand take half a second, for which payments of these accounts wait; fewer cost more a bill.
SHARD_SIZE = 20_000
# What a shard sorts and adds up stays in memory.
_WORK_MEM = "64MB"

_INCOME = {
    1: ControlAccount.INCOME_RESIDENTIAL,
    2: ControlAccount.INCOME_COMMERCIAL,
    3: ControlAccount.INCOME_INDUSTRIAL,
    4: ControlAccount.INCOME_AGRICULTURAL,
}


class CycleRefused(Refused):
    """The cycle is not a month that can be billed yet."""

    code = "cycle-refused"


class OutsideScope(Refused):
    """The run is of a part of the organisation that the actor does not bill."""

    code = "outside-scope"
    status = 403


class NothingToBill(Refused):
    """No account of this part of the organisation is due in the cycle."""

    code = "nothing-to-bill"


class AlreadyBilled(Refused):
    """The account has its bill for this period."""

    code = "already-billed"


class CannotBill(Refused):
    """The account cannot be billed now; the message says why and what to do."""

    code = "cannot-bill"


class BillHeld(CannotBill):
    """The bill is far above the account's own and waits for a second person; it is on the work list."""

    code = "bill-held"


@dataclass(frozen=True)
class Issued:
    """What one shard came to."""

    bills: int
    left_out: int
    total_fen: int
    energy_kwh_e2: int
    stretches: int
    metered_kwh_e2: int
    """of the stretches between readings, as billed"""
    accepted_kwh_e2: int
    """of the same stretches, as validation accepted it"""
    digest: str

    def as_json(self) -> dict[str, Any]:
        """As the shard's result."""
        return {
            "bills": self.bills,
            "left_out": self.left_out,
            "total_fen": self.total_fen,
            "energy_kwh_e2": self.energy_kwh_e2,
            "stretches": self.stretches,
            "metered_kwh_e2": self.metered_kwh_e2,
            "accepted_kwh_e2": self.accepted_kwh_e2,
            "digest": self.digest,
        }


def start_run(
    *,
    cycle: int,
    org_unit_id: int | None,
    created_by_id: int | None,
    at: datetime,
    kind: str = BillingRun.Kind.REGULAR,
    shard_size: int = SHARD_SIZE,
    within: Sequence[str] | None = None,
) -> int:
    """
    Begin a run over every account of a part of the organisation that is due in the cycle; gives the run's id.

    `within`: the organisation paths that the actor may bill; None where all.

    :raises CycleRefused: not a month, or one that has not begun
    :raises NothingToBill: no account there
    :raises NotFound: no such part of the organisation
    :raises OutsideScope: the part does not lie `within`
    """
    if not is_cycle(cycle) or cycle > _cycle_at(at):
        raise CycleRefused(_("%(cycle)s 不是可以发行的电费月份，请填已经开始的月份，例如 202601。") % {"cycle": cycle})
    path = _path_of(org_unit_id)
    _check_scope(path, within)
    with transaction.atomic():
        shards = _cut(path=path, cycle=cycle, shard_size=shard_size)
        if not shards:
            raise NothingToBill(_("这个范围在 %(cycle)s 没有应发行的户号。") % {"cycle": cycle})
        run = BillingRun.objects.create(
            kind=kind, cycle=cycle, org_unit_id=org_unit_id, created_by_id=created_by_id, created_at=at
        )
        run.job_id = jobs.create_job(
            kind=JOB_KIND,
            parameters={"run_id": run.pk, "org_path": path, "issued_at": at.isoformat()},
            shards=[*shards, jobs.ShardSpec(0, 0, 0, stage=jobs.CLOSING_STAGE)],
            created_by_id=created_by_id,
            at=at,
            org_unit_id=org_unit_id,
        )
        run.save(update_fields=["job"])
    return run.pk


def _cycle_at(at: datetime) -> int:
    day = at.astimezone(settings.BILLING_TIME_ZONE).date()
    return day.year * 100 + day.month


def _path_of(org_unit_id: int | None) -> str:
    if org_unit_id is None:
        return ""
    path = OrgUnit.objects.filter(pk=org_unit_id).values_list("path", flat=True).first()
    if path is None:
        raise NotFound(_("没有这个单位。"))
    return path


def _check_scope(path: str, within: Sequence[str] | None) -> None:
    """:raises OutsideScope: not every part of the organisation below `path` (empty: all) lies `within`"""
    if within is None:
        return
    tops = [path] if path else OrgUnit.objects.filter(parent=None).values_list("path", flat=True)
    if not all(any(top.startswith(allowed) for allowed in within) for top in tops):
        raise OutsideScope(_("您的岗位不能发行这个范围的电费，请选择本单位，或联系上级单位办理。"))


def _cut(*, path: str, cycle: int, shard_size: int) -> list[jobs.ShardSpec]:
    """Cut the accounts that may be due into ranges of about `shard_size`; one statement."""
    routes = [route.pk for route in routes_due(cycle)]
    with connection.cursor() as cursor:
        # Counted by small stretches of ids, which are then put together: numbering every account costs three times
        # as much.
        cursor.execute(
            "SELECT min(a.id), max(a.id) + 1, count(*) FROM cis_account a"
            " JOIN shared_org_unit o ON o.id = a.org_unit_id"
            " WHERE a.route_id = ANY(%s) AND o.path LIKE %s GROUP BY (a.id - 1) / %s ORDER BY 1",
            [routes, path.replace("%", "") + "%", max(shard_size // _STRETCHES, 1)],
        )
        stretches = cursor.fetchall()
    shards: list[jobs.ShardSpec] = []
    for low, high, count in stretches:
        if shards and shards[-1].units + count <= shard_size:
            shards[-1] = jobs.ShardSpec(shards[-1].low, high, shards[-1].units + count)
        else:
            shards.append(jobs.ShardSpec(low, high, count))
    return shards


# So many stretches make a shard where ids lie close together.
_STRETCHES = 10


def cancel_run(*, run_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Stop a run: bills that are issued stay, shards that wait are dropped.

    :raises NotFound: no such run `within`
    :raises JobIsOver: it has ended
    """
    jobs.cancel_job(job_id=_job_of(run_id, within), at=at)


def resume_run(*, run_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Go on with a cancelled or failed run; what is billed is not billed again.

    :raises NotFound: no such run `within`
    :raises JobIsOver: nothing is left to do
    """
    # What is billed from now on is issued now: its due date must not lie in the past.
    jobs.resume_job(job_id=_job_of(run_id, within), at=at, parameters={"issued_at": at.isoformat()})


def _job_of(run_id: int, within: Sequence[str] | None) -> int:
    run = BillingRun.objects.filter(in_scope("org_unit", within), pk=run_id).first()
    if run is None or run.job_id is None:
        raise NotFound(_("没有这次发行。"))
    return run.job_id


def work_shard(claim: jobs.Claim, *, at: datetime) -> Issued | None:
    """Do one shard of a run, or its closing check, and mark it done, in one transaction."""
    run = BillingRun.objects.get(pk=claim.parameters["run_id"])
    issued_at = datetime.fromisoformat(claim.parameters["issued_at"])
    if claim.is_closing:
        with transaction.atomic():
            _work_in_memory()
            results = JobShard.objects.filter(job=claim.job_id, stage=0).values_list("result", flat=True)
            figures = closing_figures(run_id=run.pk, shards=list(results), is_preview=_is_preview(run))
            BillingRun.objects.filter(pk=run.pk).update(closing=figures, closed_at=at)
            claim.finish(result={}, done_units=0, at=at)
        return None
    with transaction.atomic():
        _work_in_memory()
        result = _issue(
            run=run,
            low=claim.low,
            high=claim.high,
            org_path=claim.parameters["org_path"],
            issued_at=issued_at,
        )
        claim.finish(result=result.as_json(), done_units=result.bills + result.left_out, at=at)
        if not _is_preview(run):
            publish(BillsIssued(run_id=run.pk, shard=claim.number, cycle=run.cycle))
    return result


def _work_in_memory() -> None:
    """Give what this transaction sorts and adds up more memory than a page's query has."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = %s", [_WORK_MEM])


def _is_preview(run: BillingRun) -> bool:
    return run.kind == BillingRun.Kind.PREVIEW


def issue_bill_now(
    *,
    account_id: int,
    cycle: int,
    issued_by_id: int | None,
    at: datetime,
    kind: str = BillingRun.Kind.SINGLE,
) -> int:
    """
    Bill one account for a cycle: a run of one shard of one account, in one transaction; gives the bill's id.

    :raises NotFound: no such account
    :raises AlreadyBilled: it has its bill
    :raises BillHeld: it is far above the account's own; it stands on the work list now
    :raises CannotBill: a reading is missing or doubtful, or its tariff cannot be priced
    """
    org_unit_id = Account.objects.filter(pk=account_id).values_list("org_unit_id", flat=True).first()
    if org_unit_id is None:
        raise NotFound(_("没有找到这个户号。"))
    if not is_cycle(cycle) or cycle > _cycle_at(at):
        raise CycleRefused(_("%(cycle)s 不是可以发行的电费月份，请填已经开始的月份，例如 202601。") % {"cycle": cycle})
    with transaction.atomic():
        run = BillingRun.objects.create(
            kind=kind,
            cycle=cycle,
            org_unit_id=org_unit_id,
            created_by_id=issued_by_id,
            created_at=at,
            closed_at=at,
        )
        result = _issue(run=run, low=account_id, high=account_id + 1, org_path="", issued_at=at, account_id=account_id)
        if result.bills == 0:
            exception = BillException.objects.filter(run=run).first()
            if exception is not None and exception.code != LeftOut.HELD:
                raise CannotBill(reason_in_words(exception.code, exception.detail), reason=exception.code)
            if exception is None and Bill.objects.filter(account_id=account_id, cycle=cycle).exists():
                raise AlreadyBilled(_("这个户号 %(cycle)s 的电费已经发行。") % {"cycle": cycle})
            if exception is None:
                raise CannotBill(_("这个户号在 %(cycle)s 没有到抄表例日，不发行电费。") % {"cycle": cycle})
        run.closing = closing_figures(run_id=run.pk, shards=[result.as_json()], is_preview=False)
        run.save(update_fields=["closing"])
        if result.bills:
            publish(BillsIssued(run_id=run.pk, shard=0, cycle=cycle))
            return Bill.objects.values_list("pk", flat=True).get(run=run)
    # The work list keeps it: that must not be undone with the refusal.
    raise BillHeld(reason_in_words(LeftOut.HELD, ""), reason=LeftOut.HELD)


def issue_held(*, account_id: int, cycle: int, issued_by_id: int | None, at: datetime) -> Bill:
    """
    Bill an account whose bill was held, without holding it again; in the caller's transaction, which compares it.

    :raises CannotBill: a reading is missing or doubtful by now, or it has been billed
    """
    run = BillingRun.objects.create(
        kind=BillingRun.Kind.FOLLOW_UP,
        cycle=cycle,
        org_unit_id=Account.objects.values_list("org_unit_id", flat=True).get(pk=account_id),
        created_by_id=issued_by_id,
        created_at=at,
        closed_at=at,
    )
    return _issue_one(run, account_id, at)


def issue_again(*, bill: Bill, issued_by_id: int | None, at: datetime) -> int:
    """
    Bill the period of a cancelled bill once more, as its next revision; gives the new bill's id.

    Where it is not larger than the old one it falls due when that did: late fees are not lost by billing again.
    Runs inside the caller's transaction, which holds the account's balances.

    :raises CannotBill: a reading is missing or doubtful now, or its tariff cannot be priced
    """
    run = BillingRun.objects.create(
        kind=BillingRun.Kind.REBILL,
        cycle=bill.cycle,
        org_unit_id=bill.org_unit_id,
        created_by_id=issued_by_id,
        created_at=at,
        closed_at=at,
    )
    return _issue_one(run, bill.account_id, at, replaces=bill).pk


def _issue_one(run: BillingRun, account_id: int, at: datetime, *, replaces: Bill | None = None) -> Bill:
    """The bill of a run of one account that a person answers for, whatever it comes to."""
    result = _issue(
        run=run,
        low=account_id,
        high=account_id + 1,
        org_path="",
        issued_at=at,
        account_id=account_id,
        replaces=replaces,
        holds=False,
    )
    if result.bills == 0:
        exception = BillException.objects.filter(run=run).first()
        reason = (exception.code, exception.detail) if exception else (LeftOut.NO_READING, "")
        raise CannotBill(reason_in_words(*reason), reason=reason[0])
    run.closing = closing_figures(run_id=run.pk, shards=[result.as_json()], is_preview=False)
    run.save(update_fields=["closing"])
    publish(BillsIssued(run_id=run.pk, shard=0, cycle=run.cycle))
    return Bill.objects.get(run=run)


def _issue(
    *,
    run: BillingRun,
    low: int,
    high: int,
    org_path: str,
    issued_at: datetime,
    account_id: int | None = None,
    replaces: Bill | None = None,
    holds: bool = True,
) -> Issued:
    """
    Rate and, unless it is a preview, write the bills of a range of accounts in the caller's transaction.

    It `replaces` a bill of a period that was billed before; with `holds` bills far above the account's own are kept
    back.
    """
    business_date = ledger.open_business_date(issued_at)
    if not _is_preview(run):
        ledger.lock_accounts(low, high)
    found = determinants.of_accounts(
        cycle=run.cycle, low=low, high=high, org_path=org_path, account_id=account_id, again=replaces is not None
    )
    for account in ledger.unopened_accounts(low, high):
        for row in np.flatnonzero(found.accounts.account == account).tolist():
            found.left_out[row] = (LeftOut.NO_LEDGER, "")
    own = rate_shard(found, bill_month=run.cycle % 100)
    if holds:
        far = outliers.find_outliers(found, own)
        if not _is_preview(run):
            outliers.keep(far, found, own, run_id=run.pk, cycle=run.cycle, at=issued_at)
        own = outliers.without(own, far.row)
    riders = bill_riders.waiting(found.accounts.account, own, low, high)
    shard = bill_riders.onto(own, riders)
    if not _is_preview(run):
        ledger.lock_day(business_date)
        prepaid = _prepaid_fen(found.accounts.account[shard.billed], low, high)
        _write(run, found, shard, own, riders, prepaid, issued_at, business_date, replaces)
    _note_left_out(run, found.accounts, shard.left_out)
    is_billed = np.zeros(len(found.accounts), dtype=np.bool_)
    is_billed[shard.billed] = True
    metered = is_billed[found.usage.row] & ~found.usage.is_from_curve
    return Issued(
        bills=len(shard.billed),
        left_out=len(shard.left_out),
        total_fen=int(shard.total_fen[shard.billed].sum()),
        energy_kwh_e2=int(shard.energy_kwh_e2[shard.billed].sum()),
        stretches=int(metered.sum()),
        metered_kwh_e2=int(found.usage.energy_kwh_e2[metered].sum()),
        accepted_kwh_e2=int(found.usage.accepted_kwh_e2[metered].sum()),
        digest=_digest(found.accounts, shard),
    )


def _digest(accounts: AccountColumns, shard: RatedShard) -> str:
    """A fingerprint of who pays how much: a preview and the run after it on the same readings have the same."""
    pairs = np.stack([accounts.account[shard.billed], shard.total_fen[shard.billed]])
    return hashlib.sha256(np.ascontiguousarray(pairs.T).astype("<i8").tobytes()).hexdigest()


# Few accounts have paid ahead; of the others nothing need be read.
_PREPAID = """
SELECT ledger_account_id / 10, credit_fen - debit_fen FROM cis_ledger_balance
WHERE ledger_account_id >= %s AND ledger_account_id < %s AND ledger_account_id %% 10 = %s
      AND credit_fen <> debit_fen
ORDER BY 1
"""


def _prepaid_fen(account: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    """What each of these accounts, which are locked, has paid ahead."""
    with connection.cursor() as cursor:
        found = read_columns(
            cursor,
            _PREPAID,
            [low * 10, high * 10, int(LedgerKind.PREPAYMENT)],
            {"account": "int8", "ahead_fen": "int8"},
        )
    prepaid = np.zeros(len(account), dtype=np.int64)
    at = np.searchsorted(account, found["account"])
    ours = (at < len(account)) & (account[np.minimum(at, len(account) - 1)] == found["account"])
    prepaid[at[ours]] = found["ahead_fen"][ours]
    return prepaid


# --- Writing -------------------------------------------------------------------------------


def _write(
    run: BillingRun,
    found: Determinants,
    shard: RatedShard,
    own: RatedShard,
    riders: Riders,
    prepaid_fen: NDArray[np.int64],
    issued_at: datetime,
    business_date: date,
    replaces: Bill | None,
) -> None:
    """COPY bills, lines, usage and transfers of a shard; `own` is without what rides on its bills."""
    accounts, billed = found.accounts, shard.billed
    if not len(billed):
        return
    due_on = business_date + timedelta(days=settings.BILL_DUE_DAYS)
    total = shard.total_fen[billed]
    if replaces is not None and int(total[0]) <= replaces.total_fen:
        due_on = min(due_on, replaces.due_on)
    due = days_of(due_on)
    account = accounts.account[billed]
    applied = np.minimum(total, prepaid_fen)
    moment = microseconds_of(issued_at)
    bill_of_row = np.zeros(len(accounts), dtype=np.int64)
    # Hardly ever does anything ride along, or was anybody handed on: the columns cost only those shards.
    riding: dict[str, tuple[str, Any]] = {"correction_fen": ("int8", riders.of_row_fen[billed])} if len(riders) else {}
    tier_months = accounts.tier_months[billed]
    if (tier_months != TIER_YEAR_MONTHS).any():
        riding["tier_months"] = ("int2", tier_months)
    with connection.cursor() as cursor:
        ids = sequence_block(cursor, "cis_bill_id_seq", len(billed))
        bill_of_row[billed] = ids
        copy_in(
            cursor,
            "cis_bill",
            {
                "id": ("int8", ids),
                "account_id": ("int8", account),
                "run_id": ("int8", run.pk),
                "contract_id": ("int8", accounts.contract[billed]),
                "tariff_version_id": ("int8", accounts.version[billed]),
                "org_unit_id": ("int8", accounts.org_unit[billed]),
                "price_class": ("int2", accounts.price_class[billed]),
                "cycle": ("int4", run.cycle),
                "revision": ("int2", replaces.revision + 1 if replaces is not None else 0),
                "period_start": ("date", accounts.start[billed]),
                "period_end": ("date", accounts.end[billed]),
                "months": ("int2", accounts.months[billed]),
                "people": ("int2", accounts.people[billed]),
                "tier_kwh_e2_before": ("int8", shard.tier_kwh_e2_before[billed]),
                "energy_kwh_e2": ("int8", shard.energy_kwh_e2[billed]),
                "total_fen": ("int8", total),
                "open_fen": ("int8", total - applied),
                "due_on": ("date", due),
                "issued_at": ("timestamptz", moment),
                **riding,
            },
        )
        _copy_lines(cursor, shard, bill_of_row, accounts)
        _copy_basis(cursor, found, bill_of_row)
        _copy_parts(cursor, found, bill_of_row)
        _copy_usage(cursor, found, bill_of_row)
        _copy_transfers(cursor, run, own, accounts, ids, applied, moment, days_of(business_date))
    bill_riders.book(
        riders,
        bill_of_row=bill_of_row,
        account=accounts.account,
        income_of_row=_income_of(accounts.price_class),
        at=issued_at,
        business_date=business_date,
        run_id=run.pk,
        actor_id=run.created_by_id,
    )


def _numbered(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """1, 2, 3 … within each run of equal values."""
    if not len(row):
        return row
    starts = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
    lengths = np.diff(np.append(starts, len(row)))
    return np.arange(len(row)) - np.repeat(starts, lengths) + 1


def _copy_lines(cursor: Any, shard: RatedShard, bill_of_row: NDArray[np.int64], accounts: AccountColumns) -> None:
    if not len(shard.line_row):
        return
    columns: dict[str, tuple[str, Any]] = {
        "bill_id": ("int8", bill_of_row[shard.line_row]),
        "seq": ("int2", _numbered(shard.line_row)),
        "account_id": ("int8", accounts.account[shard.line_row]),
        "code": ("int2", shard.line_code),
        "quantity": ("int8", shard.line_quantity),
        "price_e8": ("int8", shard.line_price_e8),
        "amount_fen": ("int8", shard.line_amount_fen),
    }
    is_whole = shard.line_share == WHOLE
    if is_whole.all():
        copy_in(cursor, "cis_bill_line", columns)
        return
    # The share stands with the few lines that have one; the others cost nothing for it.
    for among, more in ((is_whole, {}), (~is_whole, {"share": ("int2", shard.line_share)})):
        part = {name: (kind, column[among]) for name, (kind, column) in (columns | more).items()}
        copy_in(cursor, "cis_bill_line", part)


_BASIS_COLUMNS = (
    "bill_id", "account_id", "demand_mode", "capacity_kva_e2", "capacity_share", "capacity_is_half", "floor_kva_e2",
    "contract_kw_e4", "demand_kw_e4", "pf_standard_e2", "active_kwh_e2", "reactive_kvarh_e2", "power_factor_e2",
    "demand_share",
)  # fmt: skip


def _copy_basis(cursor: Any, found: Determinants, bill_of_row: NDArray[np.int64]) -> None:
    """What basic charge and adjustment were computed from, for the bills that have one."""
    basis = found.basis
    if basis is None:
        return
    rows = np.flatnonzero(basis.has & (bill_of_row > 0))
    columns = [getattr(basis, name)[rows].tolist() for name in _BASIS_COLUMNS[2:]]
    listed = (
        [_array(value) if isinstance(value, list) else value for value in row] for row in zip(*columns, strict=True)
    )
    ids, accounts = bill_of_row[rows].tolist(), found.accounts.account[rows].tolist()
    copy_rows(
        cursor,
        "cis_bill_basis",
        _BASIS_COLUMNS,
        ((bill, account, *row) for bill, account, row in zip(ids, accounts, listed, strict=True)),
    )


_PART_COLUMNS = (
    "bill_id", "seq", "account_id", "kind", "tariff_version_id", "price_class", "people", "from_on", "to_on",
    "tier_kwh_e2_before", "registers", "energy_kwh_e2", "loss_kwh_e2", "free_kwh_e2_per_month", "free_months",
)  # fmt: skip


def _copy_parts(cursor: Any, found: Determinants, bill_of_row: NDArray[np.int64]) -> None:
    """The parts of the bills that have several."""
    parts = found.parts
    if parts is None:
        return
    at = np.flatnonzero(bill_of_row[parts.row] > 0)
    # One bill's parts lie together; bills cut in time come before the others.
    at = at[np.argsort(parts.row[at], kind="stable")]
    seq = _numbered(parts.row[at])
    accounts = found.accounts.account
    copy_rows(
        cursor,
        "cis_bill_part",
        _PART_COLUMNS,
        (
            (
                int(bill_of_row[parts.row[one]]), number, int(accounts[parts.row[one]]), int(parts.kind[one]),
                int(parts.version[one]), int(parts.price_class[one]), int(parts.people[one]),
                day_of(int(parts.from_on[one])), day_of(int(parts.to_on[one])), int(parts.tier_kwh_e2_before[one]),
                _array(registers_of(parts.has_register[one])),
                _array(parts.energy_kwh_e2[one][parts.has_register[one]].tolist()),
                int(parts.loss_kwh_e2[one]), int(parts.free_kwh_e2_per_month[one]), int(parts.free_months[one]),
            )
            for one, number in zip(at.tolist(), seq.tolist(), strict=True)
        ),
    )  # fmt: skip


def _array(values: list[int]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def _copy_usage(cursor: Any, found: Determinants, bill_of_row: NDArray[np.int64]) -> None:
    usage = found.usage
    order = np.argsort(usage.row, kind="stable")
    order = order[bill_of_row[usage.row[order]] > 0]
    if not len(order):
        return
    row = usage.row[order]
    copy_in(
        cursor,
        "cis_bill_usage",
        {
            "bill_id": ("int8", bill_of_row[row]),
            "seq": ("int2", _numbered(row)),
            "account_id": ("int8", found.accounts.account[row]),
            "installation_id": ("int8", usage.installation[order]),
            "register": ("int2", usage.register[order]),
            "from_on": ("date", usage.from_on[order]),
            "to_on": ("date", usage.to_on[order]),
            "from_value_e4": ("int8", usage.from_value_e4[order]),
            "to_value_e4": ("int8", usage.to_value_e4[order]),
            "multiplier": ("int4", usage.multiplier[order]),
            "is_rollover": ("bool", usage.is_rollover[order]),
            "is_estimated": ("bool", usage.is_estimated[order]),
            "is_from_curve": ("bool", usage.is_from_curve[order]),
            "energy_kwh_e2": ("int8", usage.energy_kwh_e2[order]),
        },
    )


def _income_of(price_class: NDArray[np.int16]) -> NDArray[np.int64]:
    """The income account of each price class."""
    income = np.zeros(8, dtype=np.int64)
    for one, control in _INCOME.items():
        income[one] = -int(control)
    return income[price_class]


def _copy_transfers(
    cursor: Any,
    run: BillingRun,
    shard: RatedShard,
    accounts: AccountColumns,
    ids: NDArray[np.int64],
    applied: NDArray[np.int64],
    moment: int,
    business_day: int,
) -> None:
    """One leg for the energy's income, one for each fund and subsidy, one where prepayment is drawn."""
    billed = shard.billed
    income = shard.total_fen[billed]
    account = accounts.account[billed]
    receivable = account * 10 + int(LedgerKind.RECEIVABLE)
    prepayment = account * 10 + int(LedgerKind.PREPAYMENT)
    legs: list[tuple[TransferKind, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    for leg, code in enumerate(CORRECTED_AS, start=2):
        its = shard.line_code == code
        if not its.any():
            continue
        of_row = np.zeros(len(accounts), dtype=np.int64)
        np.add.at(of_row, shard.line_row[its], shard.line_amount_fen[its])
        apart = of_row[billed]
        income = income - apart
        own = np.full(len(billed), -int(ControlAccount[code.name]))
        # A subsidy is given: its account owes, the customer is owed.
        legs.append((TransferKind.BILL_ISSUED, leg, receivable, own, apart))
        legs.append((TransferKind.BILL_ISSUED, leg, own, receivable, -apart))
    legs += [
        (TransferKind.BILL_ISSUED, 1, receivable, _income_of(accounts.price_class[billed]), income),
        (TransferKind.PREPAYMENT_APPLIED, 1, prepayment, receivable, applied),
    ]
    columns: list[list[NDArray[Any]]] = [[] for _ in range(7)]
    for kind, leg, debit, credit, amount in legs:
        some = amount > 0
        count = int(some.sum())
        values = (np.full(count, int(kind)), ids[some], np.full(count, leg), account[some], debit[some], credit[some])
        for column, value in zip(columns, (*values, amount[some]), strict=True):
            column.append(value)
    kind_, document, leg_, owner, debit_, credit_, amount_ = (np.concatenate(column) for column in columns)
    if not len(document):
        return
    copied: dict[str, tuple[str, Any]] = {
        "kind": ("int2", kind_),
        "document_id": ("int8", document),
        "leg": ("int2", leg_),
        "account_id": ("int8", owner),
        "debit_id": ("int8", debit_),
        "credit_id": ("int8", credit_),
        "amount_fen": ("int8", amount_),
        "booked_at": ("timestamptz", moment),
        "business_date": ("date", business_day),
        "run_id": ("int8", run.pk),
    }
    if run.created_by_id is not None:
        copied["actor_id"] = ("int8", run.created_by_id)
    copy_in(cursor, "cis_ledger_transfer", copied)


def _note_left_out(run: BillingRun, accounts: AccountColumns, left_out: dict[int, tuple[str, str]]) -> None:
    BillException.objects.bulk_create(
        [
            BillException(run=run, account_id=int(accounts.account[row]), code=code, detail=detail)
            for row, (code, detail) in sorted(left_out.items())
        ],
        ignore_conflicts=True,
    )


__all__ = [
    "AlreadyBilled",
    "BillHeld",
    "CannotBill",
    "CycleRefused",
    "Issued",
    "NothingToBill",
    "OutsideScope",
    "RatedShard",
    "cancel_run",
    "issue_again",
    "issue_bill_now",
    "issue_held",
    "rate_shard",
    "resume_run",
    "start_run",
    "work_shard",
]
