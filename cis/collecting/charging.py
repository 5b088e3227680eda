"""
Pure: what of a late fee is still to be charged, when parts of it were charged before. No clock, no input or output.

A fee is charged when money comes in: up to and including that day, on what was open until then. The stretches that were
charged say what was open when, so that nothing else has to be read to go on from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from cis.collecting.late_fees import LateFee, LateFeeTerms, Settled, late_fee

__all__ = ["Charged", "ToCharge", "fee_to_charge"]


@dataclass(frozen=True, slots=True)
class Charged:
    """A stretch that was charged: up to and including `through_on`, on a principal of `base_fen`; 0 fen may be owed."""

    through_on: date
    base_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class ToCharge:
    """The whole fee of a bill so far with its parts, what of it was charged before, and what is to be charged now."""

    fee: LateFee
    charged_fen: int
    now_fen: int


def fee_to_charge(
    open_fen: int,
    *,
    due_on: date,
    until_on: date,
    terms: LateFeeTerms,
    residential: bool,
    charged: Sequence[Charged] = (),
    runs_from: date | None = None,
) -> ToCharge:
    """
    The fee of a bill of which `open_fen` is open, up to and including `until_on`; `charged` in the order of days.

    What was paid between two stretches lowered the base from the day after the first. Never less than what was charged:
    a payment that comes late, for a day before the last stretch, takes nothing back. `runs_from`: the fee began anew
    after this day (an agreement by instalments was broken); what was charged up to it counts towards the minimum only.

    :raises CannotPrice: as `late_fee`
    """
    charged_fen = sum(one.fee_fen for one in charged)
    before = [one for one in charged if runs_from is not None and one.through_on <= runs_from]
    running = list(charged[len(before) :])
    if before:
        terms = replace(terms, min_fen=max(0, terms.min_fen - sum(one.fee_fen for one in before)))
    bases = [one.base_fen for one in running] + [open_fen]
    paid = [
        (one.through_on, base - after)
        for one, base, after in zip(running, bases, bases[1:], strict=False)
        if base > after
    ]
    # What is open rises only where a payment was taken back on its own day, before any further day was charged.
    principal = max(bases[0], open_fen + sum(fen for _day, fen in paid)) if running else open_fen
    if running and until_on < running[-1].through_on:
        until_on = running[-1].through_on
    fee = late_fee(
        principal,
        due_on=max(due_on, runs_from) if runs_from is not None else due_on,
        until_on=until_on,
        terms=terms,
        residential=residential,
        paid=paid,
    )
    earlier = sum(one.fee_fen for one in before)
    whole = replace(
        fee, fee_fen=max(fee.fee_fen + earlier, charged_fen), settled=fee.settled if fee.parts else Settled.NONE
    )
    return ToCharge(whole, charged_fen, whole.fee_fen - charged_fen)
