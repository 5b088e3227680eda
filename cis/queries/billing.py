"""Bills and runs as pages, programs and explanations need them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import (
    Bill,
    BillBasis,
    BillDispute,
    BillException,
    BillingRun,
    BillLine,
    BillPart,
    BillUsage,
    MeterInstallation,
    SupplyContract,
    TariffVersion,
)
from cis.queries.energy_columns import BILLED_REGISTERS, flat_from_total, usage_for
from cis.queries.left_out import reason_in_words
from cis.queries.market import Purchase, purchase_of_bill
from cis.queries.part_columns import PartColumns
from cis.queries.part_explaining import explain_parts
from cis.queries.part_rating import BillFacts
from cis.queries.rating_switches import SwitchSets, compiled_for
from cis.rating import (
    CHARGES,
    REGISTER_NAMES,
    RIDING,
    CannotPrice,
    ChargeCode,
    CompiledTariff,
    LineFacts,
    Register,
    Usage,
    explain,
)
from cis.rating.columns import WHOLE
from config.shared.bulk_copy import days_of
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from config.shared.models import Job, JobShard
from config.shared.permissions import in_scope

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill in a list; money in fen, energy in 10^-2 kWh."""

    bill_id: int
    bill_no: str
    account_no: str
    cycle: int
    period_start: date
    period_end: date
    energy_kwh_e2: int
    total_fen: int
    open_fen: int
    due_on: date
    issued_at: datetime
    is_disputed: bool
    is_estimated: bool = False

    @property
    def last_day(self) -> date:
        """The last day of the period, as people write it."""
        return date.fromordinal(self.period_end.toordinal() - 1)

    @property
    def paid_fen(self) -> int:
        """What is settled of it."""
        return self.total_fen - self.open_fen


@dataclass(frozen=True, slots=True)
class LineExplained:
    """One line with what it came from: quantity x price x share = amount, the facts of the rule, its legal basis."""

    seq: int
    code: str
    name_zh: str
    name_en: str
    quantity: int
    """in 10^-places of the unit"""
    unit: str
    places: int
    price_e8: int
    share: int
    """sixtieths that are charged; 60 is all"""
    amount_fen: int
    legal_basis: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One stretch of energy: a register between two readings, or a folded curve."""

    meter_no: str
    register_zh: str
    register_en: str
    from_on: date
    to_on: date
    from_value_e4: int
    to_value_e4: int
    multiplier: int
    is_rollover: bool
    is_estimated: bool
    is_from_curve: bool
    energy_kwh_e2: int
    turn_e4: int = 0
    """what a full turn of the register adds, where it turned"""


@dataclass(frozen=True, slots=True)
class BillPage:
    """A whole bill, explained; `recomputes` is whether the kernel gives the stored lines again from these inputs."""

    bill: BillRow
    account_id: int
    customer_name: str
    address: str
    price_class: str
    tariff_code: str
    tariff_name: str
    tariff_source: str
    tariff_confidence: str
    tariff_note: str
    is_demonstration: bool
    people: int
    months: int
    tier_kwh_e2_before: int
    lines: tuple[LineExplained, ...]
    usage: tuple[UsageRow, ...]
    recomputes: bool
    flat_is_the_rest: bool
    """whether flat energy is the total less the other periods (the meter has both)"""
    dispute_id: int | None
    dispute_reason: str
    revision: int
    run_id: int
    purchase: Purchase | None = None
    """who sold the energy, where it is not supplied at a price of the state"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One billing run in a list."""

    run_id: int
    kind: str
    kind_label: str
    cycle: int
    org_name: str
    created_at: datetime
    created_by: str
    state: str
    state_label: str
    done_units: int
    total_units: int
    bills: int | None
    total_fen: int | None
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard of a run's job."""

    number: int
    is_closing: bool
    state: str
    state_label: str
    units: int
    attempts: int
    worker: str
    error: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """An account that a run left out."""

    exception_id: int
    account_no: str
    customer_name: str
    code: str
    reason: str
    is_billed_since: bool
    """whether a later run has billed the account for this cycle"""


@dataclass(frozen=True, slots=True)
class RunPage:
    """A run with its shards, its closing check and how many were left out for which reason."""

    run: RunRow
    job_id: int | None
    closing: Mapping[str, Any] | None
    shards: tuple[ShardRow, ...]
    left_out: tuple[tuple[str, str, int], ...]
    """(code, words, count)"""


def bill_id_of(bill_no: str) -> int:
    """
    The id inside a bill number.

    :raises NotFound: it is not a bill number
    """
    text = bill_no.strip()
    if not text.isdecimal() or not 16 <= len(text) <= 24:
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return int(text[6:])


def _row(bill: Bill, *, is_disputed: bool = False, is_estimated: bool = False) -> BillRow:
    return BillRow(
        bill_id=bill.pk,
        bill_no=str(bill),
        account_no=bill.account.account_no,
        cycle=bill.cycle,
        period_start=bill.period_start,
        period_end=bill.period_end,
        energy_kwh_e2=bill.energy_kwh_e2,
        total_fen=bill.total_fen,
        open_fen=bill.open_fen,
        due_on=bill.due_on,
        issued_at=bill.issued_at,
        is_disputed=is_disputed,
        is_estimated=is_estimated,
    )


def list_bills(
    *,
    account_id: int,
    limit: int = 24,
    before: int | None = None,
    only_open: bool = False,
    first_day: date | None = None,
    last_day: date | None = None,
) -> list[BillRow]:
    """
    The account's bills, newest first; `before` is the bill id to go on from.

    With `first_day` or `last_day` only bills whose whole period lies within these days.
    """
    bills = Bill.objects.filter(account_id=account_id).select_related("account").order_by("-id")
    if first_day is not None:
        bills = bills.filter(period_start__gte=first_day)
    if last_day is not None:
        bills = bills.filter(period_end__lte=last_day + timedelta(days=1))
    if before is not None:
        bills = bills.filter(pk__lt=before)
    if only_open:
        bills = bills.filter(open_fen__gt=0)
    page = list(bills[:limit])
    disputed = set(
        BillDispute.objects.filter(bill_id__in=[b.pk for b in page], closed_at=None).values_list("bill_id", flat=True)
    )
    return [_row(bill, is_disputed=bill.pk in disputed) for bill in page]


def find_bill(bill_no: str) -> BillRow | None:
    """The bill of this number as a row, None where there is none; one statement."""
    bill = Bill.objects.select_related("account").filter(pk=bill_id_of(bill_no)).first()
    return _row(bill) if bill is not None and str(bill) == bill_no else None


def get_bill(bill_no: str, *, account_id: int | None = None) -> BillPage:
    """
    A whole bill with its lines explained from what it was computed from, however old it is.

    :raises NotFound: no such bill, or not one of `account_id` when that is given
    """
    bill = (
        Bill.objects.select_related("account__customer", "account__premise", "tariff_version__tariff")
        .filter(pk=bill_id_of(bill_no))
        .first()
    )
    if bill is None or str(bill) != bill_no.strip() or account_id not in (None, bill.account_id):
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    stored = list(BillLine.objects.filter(bill_id=bill.pk).order_by("seq"))
    stretches = list(BillUsage.objects.filter(bill_id=bill.pk).order_by("seq"))
    # A bill of a former system came as one amount: nothing of it is of this tariff's rules.
    is_opening = any(line.code == ChargeCode.OPENING for line in stored)
    # A bill of differences only has nothing of its own to rate.
    facts = [] if is_opening or not bill.months else _facts_if_any(bill, stretches)
    own = [line for line in stored if line.code not in RIDING and not is_opening]
    recomputes = (
        [(int(f.code), f.quantity, f.price_e8, f.share, f.amount_fen) for f in facts]
        == [(line.code, line.quantity, line.price_e8, line.share or WHOLE, line.amount_fen) for line in own]
        and (is_opening or sum(line.amount_fen for line in own) == bill.total_fen - bill.correction_fen)
        and sum(line.amount_fen for line in stored) == bill.total_fen
    )
    dispute = BillDispute.objects.filter(bill=bill, closed_at=None).first()
    version = bill.tariff_version
    return BillPage(
        bill=_row(bill, is_disputed=dispute is not None, is_estimated=any(u.is_estimated for u in stretches)),
        account_id=bill.account_id,
        customer_name=bill.account.customer.name,
        address=bill.account.premise.address,
        price_class=_(SupplyContract.PriceClass(bill.price_class).label),
        tariff_code=version.tariff.code,
        tariff_name=in_language(version.tariff.name, version.tariff.name_en),
        tariff_source=source_in_words(version.source),
        tariff_confidence=version.confidence,
        tariff_note=version.note,
        is_demonstration=version.is_demonstration,
        people=bill.people,
        months=bill.months,
        tier_kwh_e2_before=bill.tier_kwh_e2_before,
        lines=_lines(stored, facts if recomputes else []),
        usage=_usage_rows(stretches),
        recomputes=recomputes,
        flat_is_the_rest=any(s.register == Register.TOTAL for s in stretches)
        and any(line.code == ChargeCode.ENERGY_FLAT for line in stored),
        dispute_id=dispute.pk if dispute else None,
        dispute_reason=dispute.reason if dispute else "",
        revision=bill.revision,
        run_id=bill.run_id,
        purchase=purchase_of_bill(bill, version),
    )


def source_in_words(source: str) -> str:
    """Where the prices come from; that nobody has found a published source is said in the reader's language."""
    return source.replace("general knowledge, to be checked", _("没有找到公布的文件，有待核对"))


def _facts_if_any(bill: Bill, stretches: list[BillUsage]) -> list[LineFacts]:
    """What the lines follow from; none where the kept determinants do not bear it: the bill is shown all the same."""
    try:
        return recompute(bill, stretches, bill.tariff_version)
    except CannotPrice as fault:
        log.error("a bill cannot be computed again", extra={"bill": str(bill), "why": str(fault)})
        return []


def recompute(bill: Bill, stretches: list[BillUsage], version: TariffVersion) -> list[LineFacts]:
    """The bill's lines once more, by the kernel, from the determinants it was kept with."""
    basis, parts = basis_of(bill.pk), list(BillPart.objects.filter(bill_id=bill.pk).order_by("seq"))
    if parts:
        return explain_parts(columns_of(parts), _facts_of_bill(bill, parts, basis))
    tariff = compiled_for(bill, version)
    return explain(tariff, usage_of_bill(bill, stretches, tariff, basis), 0)


def columns_of(parts: Sequence[BillPart]) -> PartColumns:
    """The kept parts of one bill as rating takes them, its row being 0."""
    found = []
    for part in parts:
        energy = dict(zip(part.registers, part.energy_kwh_e2, strict=True))
        found.append(
            {
                "row": 0, "kind": part.kind, "version": part.tariff_version_id, "price_class": part.price_class,
                "people": part.people, "from_on": days_of(part.from_on), "to_on": days_of(part.to_on),
                "tier_kwh_e2_before": part.tier_kwh_e2_before,
                "energy_kwh_e2": [energy.get(int(register), 0) for register in BILLED_REGISTERS],
                "has_register": [int(register) in energy for register in BILLED_REGISTERS],
                "loss_kwh_e2": part.loss_kwh_e2, "free_kwh_e2_per_month": part.free_kwh_e2_per_month,
                "free_months": part.free_months,
            }
        )  # fmt: skip
    return PartColumns.of(found)


def _facts_of_bill(bill: Bill, parts: Sequence[BillPart], basis: BillBasis | None) -> BillFacts:
    rules = TariffVersion.objects.filter(pk__in={part.tariff_version_id for part in parts})
    switches, more = SwitchSets().of_bill(bill), more_of(basis)
    return BillFacts(
        bill_month=bill.cycle % 100,
        months=np.array([bill.months], dtype=np.int8),
        tier_months=np.array([bill.tier_months], dtype=np.int8),
        switches=lambda _row: switches,
        rules=dict(rules.values_list("pk", "rules")),
        more=lambda rows: {name: column[rows] for name, column in more.items()},
    )


def usage_of_bill(
    bill: Bill, stretches: list[BillUsage], tariff: CompiledTariff, basis: BillBasis | None = None
) -> Usage:
    """The determinants a bill was kept with, as the kernel takes them: a usage of one row."""
    width = len(BILLED_REGISTERS)
    energy = np.zeros((1, width), dtype=np.int64)
    has = np.zeros((1, width), dtype=np.bool_)
    for stretch in stretches:
        place = BILLED_REGISTERS.index(Register(stretch.register))
        energy[0, place] += stretch.energy_kwh_e2
        has[0, place] = True
    flat_from_total(energy, has)
    return usage_for(
        tariff,
        energy_kwh_e2=energy,
        has_register=has[0].tolist(),
        tier_kwh_e2_before=np.array([bill.tier_kwh_e2_before], dtype=np.int64),
        people=np.array([bill.people], dtype=np.int16),
        months=np.array([bill.months], dtype=np.int8),
        bill_month=bill.cycle % 100,
        tier_months=np.array([bill.tier_months], dtype=np.int8),
        more=more_of(basis),
    )


def basis_of(bill_id: int) -> BillBasis | None:
    """What basic charge and adjustment were computed from; None for a bill that has neither."""
    return BillBasis.objects.filter(bill_id=bill_id).first()


def more_of(basis: BillBasis | None) -> dict[str, NDArray[np.int64]]:
    """The kernel's determinants of a kept basis, one row; none without one."""
    if basis is None:
        return {}
    one = ("demand_mode", "floor_kva_e2", "contract_kw_e4", "pf_standard_e2", "power_factor_e2")
    several = ("capacity_kva_e2", "capacity_share", "capacity_is_half", "demand_kw_e4")
    found = {name: [getattr(basis, name)] for name in (*one, *several)}
    if basis.demand_share != WHOLE:
        found["demand_share"] = [basis.demand_share]
    found |= {"pf_active_kwh_e2": [basis.active_kwh_e2], "pf_reactive_kvarh_e2": [basis.reactive_kvarh_e2]}
    return {name: np.array(value, dtype=np.int64) for name, value in found.items()}


def _lines(stored: list[BillLine], facts: list[LineFacts]) -> tuple[LineExplained, ...]:
    explained = []
    for number, line in enumerate(stored):
        charge = CHARGES[ChargeCode(line.code)]
        explained.append(
            LineExplained(
                seq=line.seq,
                code=charge.text,
                name_zh=charge.name_zh,
                name_en=charge.name_en,
                quantity=line.quantity,
                unit=charge.unit,
                places=charge.places,
                price_e8=line.price_e8,
                share=line.share or WHOLE,
                amount_fen=line.amount_fen,
                legal_basis=charge.legal_basis,
                facts=facts[number].facts if number < len(facts) else {},
            )
        )
    return tuple(explained)


def _usage_rows(stretches: list[BillUsage]) -> tuple[UsageRow, ...]:
    rows = MeterInstallation.objects.filter(pk__in=[s.installation_id for s in stretches])
    meters = {pk: (number, digits) for pk, number, digits in rows.values_list("pk", "meter__meter_no", "meter__digits")}
    return tuple(
        UsageRow(
            meter_no=meters[s.installation_id][0] if s.installation_id in meters else "—",
            register_zh=REGISTER_NAMES[Register(s.register)][0],
            register_en=REGISTER_NAMES[Register(s.register)][1],
            from_on=s.from_on,
            to_on=s.to_on,
            from_value_e4=s.from_value_e4,
            to_value_e4=s.to_value_e4,
            multiplier=s.multiplier,
            is_rollover=s.is_rollover,
            is_estimated=s.is_estimated,
            is_from_curve=s.is_from_curve,
            energy_kwh_e2=s.energy_kwh_e2,
            turn_e4=10_000 * 10 ** meters[s.installation_id][1]
            if s.is_rollover and s.to_value_e4 < s.from_value_e4 and s.installation_id in meters
            else 0,
        )
        for s in stretches
    )


def _run_row(run: BillingRun, job: Job | None) -> RunRow:
    closing = run.closing or {}
    state = job.state if job else Job.State.DONE
    return RunRow(
        run_id=run.pk,
        kind=run.kind,
        kind_label=_(BillingRun.Kind(run.kind).label),
        cycle=run.cycle,
        org_name=run.org_unit.shown_name if run.org_unit else "",
        created_at=run.created_at,
        created_by=(run.created_by.display_name or run.created_by.username) if run.created_by else "",
        state=state,
        state_label=_(Job.State(state).label),
        done_units=job.done_units if job else 1,
        total_units=job.total_units if job else 1,
        bills=closing.get("bills"),
        total_fen=closing.get("total_fen"),
        agrees=closing.get("agrees"),
    )


def list_runs(
    *, limit: int = 30, before: int | None = None, with_single: bool = False, within: Sequence[str] | None = None
) -> list[RunRow]:
    """Runs of the organisation paths `within`, newest first; runs of one account only when asked for."""
    runs = _runs(with_single=with_single, within=within).order_by("-id")
    if before is not None:
        runs = runs.filter(pk__lt=before)
    return [_run_row(run, run.job) for run in runs[:limit]]


def list_unfinished_runs(*, limit: int, within: Sequence[str] | None = None) -> list[RunRow]:
    """Runs of these organisation paths that work, failed, were stopped or did not agree at the end, newest first."""
    is_unfinished = ~Q(job__state=Job.State.DONE) | Q(closing__agrees=False)
    runs = BillingRun.objects.select_related("job", "org_unit", "created_by").filter(is_unfinished, job__isnull=False)
    runs = runs.filter(in_scope("org_unit", within))
    return [_run_row(run, run.job) for run in runs.exclude(kind=BillingRun.Kind.PREVIEW).order_by("-id")[:limit]]


RUN_ORDERS = {
    "no": Order((SortKey("run_id", int, "pk"),)),
    "cycle": Order((SortKey("cycle", int), SortKey("run_id", int, "pk"))),
}


def page_of_runs(ask: Ask, *, with_single: bool, within: Sequence[str] | None) -> Page[RunRow]:
    """One page of the runs of the organisation paths `within`, in one of `RUN_ORDERS`."""
    found = ask.of(_runs(with_single=with_single, within=within))
    return ask.page(found, lambda runs: [_run_row(run, run.job) for run in runs])


def _runs(*, with_single: bool, within: Sequence[str] | None) -> QuerySet[BillingRun]:
    runs = BillingRun.objects.select_related("job", "org_unit", "created_by").filter(in_scope("org_unit", within))
    return runs if with_single else runs.exclude(kind=BillingRun.Kind.SINGLE)


def get_run(run_id: int, *, within: Sequence[str] | None = None) -> RunPage:
    """
    One run with its progress and its closing check.

    :raises NotFound: no such run in the organisation paths `within`
    """
    runs = BillingRun.objects.select_related("job", "org_unit", "created_by")
    run = runs.filter(in_scope("org_unit", within), pk=run_id).first()
    if run is None:
        raise NotFound(_("没有这次发行。"))
    shards = JobShard.objects.filter(job_id=run.job_id).order_by("number") if run.job_id else []
    counted = BillException.objects.filter(run=run).values_list("code").annotate(n=Count("id")).order_by("-n")
    return RunPage(
        run=_run_row(run, run.job),
        job_id=run.job_id,
        closing=run.closing,
        shards=tuple(
            ShardRow(
                number=shard.number,
                is_closing=shard.stage > 0,
                state=shard.state,
                state_label=_(JobShard.State(shard.state).label),
                units=shard.units,
                attempts=shard.attempts,
                worker=shard.worker,
                error=shard.error,
                result=shard.result,
            )
            for shard in shards
        ),
        left_out=tuple((code, reason_in_words(code, ""), count) for code, count in counted),
    )


def list_exceptions(*, run_id: int, code: str = "", limit: int = 50, after: int | None = None) -> list[ExceptionRow]:
    """Who a run left out, in order; `after` is the exception id to go on from."""
    since = Bill.objects.filter(account_id=OuterRef("account_id"), cycle=OuterRef("run__cycle"))
    rows = (
        BillException.objects.filter(run_id=run_id)
        .select_related("account__customer")
        .annotate(is_billed_since=Exists(since))
        .order_by("id")
    )
    if code:
        rows = rows.filter(code=code)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return [
        ExceptionRow(
            exception_id=row.pk,
            account_no=row.account.account_no,
            customer_name=row.account.customer.name,
            code=row.code,
            reason=reason_in_words(row.code, row.detail),
            is_billed_since=row.is_billed_since,
        )
        for row in rows[:limit]
    ]
