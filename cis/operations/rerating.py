"""Billed periods rated once more by today's readings, and what that differs from the bills as they stand corrected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cis.models import Bill, BillCorrection, BillLine, BillUsage
from cis.operations.rated_bills import Line, Stretch, lines_of, stretch, stretch_place, stretches_of
from cis.queries import determinants
from cis.queries.determinant_columns import Determinants
from cis.queries.left_out import reason_in_words
from cis.queries.shard_rating import RatedShard, rate_shard
from cis.rating import CHARGES, CORRECTED_AS, RIDING, ChargeCode
from cis.rating.columns import WHOLE
from config.shared.bulk_copy import day_of
from config.shared.errors import Refused


class CannotRerate(Refused):
    """The period cannot be rated again as it was billed; the message says why."""

    code = "cannot-rerate"


@dataclass(frozen=True)
class Side:
    """A bill's period as rated at one time: what was read, the lines, the energy, the tier year before."""

    usage: list[Stretch]
    lines: list[Line]
    energy_kwh_e2: int
    tier_kwh_e2_before: int


@dataclass(frozen=True)
class Share:
    """What of a difference is of one fund or subsidy; signed."""

    code: int
    fen: int
    kwh_e2: int


@dataclass(frozen=True)
class Rerated:
    """One bill then and now, and the signed difference by where its money went."""

    bill: Bill
    then: Side
    now: Side
    energy_fen: int
    fund_fen: int
    shares: tuple[Share, ...]
    """what of both is of a fund or a subsidy"""

    @property
    def amount_fen(self) -> int:
        """Corrected less as it stood."""
        return self.energy_fen + self.fund_fen

    @property
    def is_changed(self) -> bool:
        """Whether anything is different: money, energy, or what the tier year had used."""
        return (
            bool(self.energy_fen or self.fund_fen or self.shares)
            or (self.then.energy_kwh_e2, self.then.tier_kwh_e2_before)
            != (self.now.energy_kwh_e2, self.now.tier_kwh_e2_before)
            or self.then.usage != self.now.usage
        )


def live_bills(from_day: Mapping[int, date]) -> list[Bill]:
    """The newest revision of each bill of these accounts whose period ends on a day or later, oldest first."""
    if not from_day:
        return []
    # What another system billed cannot be rated by this one; a bill of differences only has nothing of its own.
    bills = Bill.objects.filter(
        account_id__in=list(from_day), period_end__gte=min(from_day.values()), opening=None, months__gt=0
    ).order_by("period_start", "revision")
    newest = {(bill.account_id, bill.period_start): bill for bill in bills}
    return [bill for bill in newest.values() if bill.period_end >= from_day[bill.account_id]]


def rerate_bills(bills: Sequence[Bill]) -> tuple[list[Rerated], dict[int, str]]:
    """
    Rate bills of one cycle again by today's readings, under the tariff version and terms of their periods.

    Gives them, and why an account's cannot be rated now: a reading is missing or doubtful, or the period is cut
    otherwise than it was. Tier years go on from the bills before as they stand corrected. A fixed number of
    statements; runs in the caller's transaction.
    """
    ids = sorted({bill.account_id for bill in bills})
    cycle = bills[0].cycle
    found = determinants.of_accounts(cycle=cycle, low=ids[0], high=ids[-1] + 1, among=ids, again=True)
    row_of = {account: row for row, account in enumerate(found.accounts.account.tolist())}
    shard = rate_shard(found, bill_month=cycle % 100) if row_of else None
    stands = as_they_stand(bills)
    rerated: list[Rerated] = []
    refused: dict[int, str] = {}
    for bill in bills:
        row = row_of.get(bill.account_id)
        if row is None or shard is None:
            refused[bill.account_id] = _("户号的抄表段变更过，%(cycle)s 的电费不能按原样重算。请改办电费退补。") % {
                "cycle": cycle
            }
        elif why := _why_not(bill, found, shard, row):
            refused[bill.account_id] = why
        else:
            rerated.append(_rerated(bill, found, shard, row, stands[bill.pk]))
    return rerated, refused


def _why_not(bill: Bill, found: Determinants, shard: RatedShard, row: int) -> str:
    if row in shard.left_out:
        code, detail = shard.left_out[row]
        return _("%(cycle)s 的电费现在不能重算：%(why)s") % {
            "cycle": bill.cycle,
            "why": reason_in_words(code, detail),
        }
    accounts = found.accounts
    is_same = (day_of(int(accounts.start[row])), day_of(int(accounts.end[row])), int(accounts.version[row])) == (
        bill.period_start,
        bill.period_end,
        bill.tariff_version_id,
    )
    if is_same:
        return ""
    return _("%(cycle)s 的计费期间或电价版本与原账单不同，不能按原样重算。请改办电费退补。") % {"cycle": bill.cycle}


def _rerated(bill: Bill, found: Determinants, shard: RatedShard, row: int, then: Side) -> Rerated:
    now = Side(
        stretches_of(found, row),
        lines_of(shard, row),
        int(shard.energy_kwh_e2[row]),
        int(shard.tier_kwh_e2_before[row]),
    )
    energy, fund = (_of_ledger(now.lines, kind) - _of_ledger(then.lines, kind) for kind in ("energy", "fund"))
    return Rerated(bill, then, now, energy, fund, shares_of(then.lines, now.lines))


def as_they_stand(bills: Sequence[Bill]) -> dict[int, Side]:
    """
    Each bill's period as it is settled today: the newest correction's state, else the bill's own; by the bill's id.

    Three statements.
    """
    found: dict[int, Side] = {}
    corrections = BillCorrection.objects.filter(bill__in=bills).exclude(state=BillCorrection.State.VOID)
    for newest in corrections.order_by("bill_id", "-pk").distinct("bill_id"):
        if newest.bill_id is not None:
            found[newest.bill_id] = Side(
                newest.usage_now, newest.lines_now, newest.energy_kwh_e2_now, newest.tier_kwh_e2_before_now
            )
    rest = {bill.pk: bill for bill in bills if bill.pk not in found}
    lines: dict[int, list[Line]] = {pk: [] for pk in rest}
    for line in BillLine.objects.filter(bill_id__in=list(rest)).order_by("bill_id", "seq"):
        if line.code not in RIDING:
            lines[line.bill_id].append(
                {
                    "code": line.code,
                    "quantity": line.quantity,
                    "price_e8": line.price_e8,
                    "share": line.share or WHOLE,
                    "fen": line.amount_fen,
                }
            )
    usage: dict[int, list[Stretch]] = {pk: [] for pk in rest}
    for one in BillUsage.objects.filter(bill_id__in=list(rest)):
        usage[one.bill_id].append(
            stretch(
                one.installation_id,
                one.register,
                one.from_on,
                one.to_on,
                one.from_value_e4,
                one.to_value_e4,
                one.multiplier,
                one.energy_kwh_e2,
                is_estimated=one.is_estimated,
                is_from_curve=one.is_from_curve,
            )
        )
    for pk, bill in rest.items():
        own = sorted(usage[pk], key=stretch_place)
        found[pk] = Side(own, lines[pk], bill.energy_kwh_e2, bill.tier_kwh_e2_before)
    return found


def shares_of(then: Sequence[Line], now: Sequence[Line]) -> tuple[Share, ...]:
    """What each fund and subsidy is more or less by; those that are equal stay out."""
    found = []
    for code in CORRECTED_AS:
        was, becomes = ([line for line in side if line["code"] == code] for side in (then, now))
        fen, kwh_e2 = (
            sum(line[name] for line in becomes) - sum(line[name] for line in was) for name in ("fen", "quantity")
        )
        if fen:
            found.append(Share(int(code), fen, kwh_e2))
    return tuple(found)


def _of_ledger(lines: Iterable[Line], kind: str) -> int:
    return sum(line["fen"] for line in lines if CHARGES[ChargeCode(line["code"])].ledger == kind)
