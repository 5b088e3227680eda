"""A billed period rated once more by today's readings, and what that differs from the bill as it stands corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cis.models import Bill, BillCorrection, BillLine, BillUsage
from cis.operations.rated_bills import Line, Stretch, lines_of, stretch, stretch_place, stretches_of
from cis.queries import determinants
from cis.queries.left_out import reason_in_words
from cis.queries.shard_rating import rate_shard
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


def live_bills(account_id: int, *, from_day: date) -> list[Bill]:
    """The newest revision of each of the account's bills whose period ends on a day or later, oldest first."""
    # What was billed by another system cannot be rated by this one.
    bills = Bill.objects.filter(account_id=account_id, period_end__gte=from_day, opening=None).order_by(
        "period_start", "revision"
    )
    newest = {bill.period_start: bill for bill in bills}
    return list(newest.values())


def rerate(bill: Bill) -> Rerated:
    """
    Rate the bill's period again by today's readings, under the tariff version and terms of that period.

    The tier year goes on from the bills before it as they stand corrected. Runs in the caller's transaction.

    :raises CannotRerate: a reading is missing or doubtful now, or the period is cut otherwise than it was
    """
    one = bill.account_id
    found = determinants.of_accounts(cycle=bill.cycle, low=one, high=one + 1, account_id=one, again=True)
    if not len(found.accounts):
        raise CannotRerate(
            _("户号的抄表段变更过，%(cycle)s 的电费不能按原样重算。请改办电费退补。") % {"cycle": bill.cycle}
        )
    shard = rate_shard(found, bill_month=bill.cycle % 100)
    if shard.left_out:
        code, detail = shard.left_out[0]
        raise CannotRerate(
            _("%(cycle)s 的电费现在不能重算：%(why)s") % {"cycle": bill.cycle, "why": reason_in_words(code, detail)}
        )
    accounts = found.accounts
    is_same = (day_of(int(accounts.start[0])), day_of(int(accounts.end[0])), int(accounts.version[0])) == (
        bill.period_start,
        bill.period_end,
        bill.tariff_version_id,
    )
    if not is_same:
        raise CannotRerate(
            _("%(cycle)s 的计费期间或电价版本与原账单不同，不能按原样重算。请改办电费退补。") % {"cycle": bill.cycle}
        )
    now = Side(
        stretches_of(found, 0), lines_of(shard, 0), int(shard.energy_kwh_e2[0]), int(shard.tier_kwh_e2_before[0])
    )
    then = as_it_stands(bill)
    energy, fund = (_of_ledger(now.lines, kind) - _of_ledger(then.lines, kind) for kind in ("energy", "fund"))
    return Rerated(bill, then, now, energy, fund, shares_of(then.lines, now.lines))


def as_it_stands(bill: Bill) -> Side:
    """The bill's period as it is settled today: the newest correction's state, else the bill's own."""
    newest = BillCorrection.objects.filter(bill=bill).exclude(state=BillCorrection.State.VOID).order_by("-pk").first()
    if newest is not None:
        return Side(newest.usage_now, newest.lines_now, newest.energy_kwh_e2_now, newest.tier_kwh_e2_before_now)
    lines = [
        {
            "code": line.code,
            "quantity": line.quantity,
            "price_e8": line.price_e8,
            "share": line.share or WHOLE,
            "fen": line.amount_fen,
        }
        for line in BillLine.objects.filter(bill_id=bill.pk).order_by("seq")
        if line.code not in RIDING
    ]
    usage = [
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
        for one in BillUsage.objects.filter(bill_id=bill.pk)
    ]
    return Side(sorted(usage, key=stretch_place), lines, bill.energy_kwh_e2, bill.tier_kwh_e2_before)


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


def _of_ledger(lines: Sequence[Line], kind: str) -> int:
    return sum(line["fen"] for line in lines if CHARGES[ChargeCode(line["code"])].ledger == kind)
