"""Pure: the adviser. The months an account was billed for, rated again in every other way it may choose.

    terms = read_terms(text, on=day)                        # who may choose what, with what notice
    months = [Month(202601, tariff, usage), ...]            # one billed period under one tariff each
    best = best_contract(months)                            # the contract demand that costs least over all of them
    ranked = rank({"now": months, "two-part": others})      # cheapest first; what cannot be priced is named

Everything is priced by `cis.rating`, the engine that bills: an option is the same determinants under other rules.
Units as there: energy in 0.01 kWh, capacity in 0.01 kVA, demand in 0.0001 kW, money in fen. Nothing is rounded here but
what a customer would have to apply for or to buy: whole kW, whole kvar.
"""

from cis.advising.contract_value import BestContract, best_contract
from cis.advising.idle_capacity import Suspension, SuspensionLimits, best_suspension
from cis.advising.months import Month, costs_fen, rate_month
from cis.advising.ranking import Ranked, Ranking, rank
from cis.advising.reactive import CompensationStep, compensation_steps
from cis.advising.shifting import shifted, with_more_energy
from cis.advising.terms import Terms, read_terms
from cis.advising.ways import WAYS, in_way

__all__ = [
    "WAYS",
    "BestContract",
    "CompensationStep",
    "Month",
    "Ranked",
    "Ranking",
    "Suspension",
    "SuspensionLimits",
    "Terms",
    "best_contract",
    "best_suspension",
    "compensation_steps",
    "costs_fen",
    "in_way",
    "rank",
    "rate_month",
    "read_terms",
    "shifted",
    "with_more_energy",
]
