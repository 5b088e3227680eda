"""Pure: what an owner of rooftop solar is paid for what was fed in, and the file the bank pays from.

Source: billing-rules.md 3.4: import is billed as ever, export is a payable of its own, nothing is netted; the price is
the coal benchmark's or the mechanism's or the market's by when the plant was connected (发改价格〔2025〕136号, usual).
Prices are data of the utility with their sources.
"""

from cis.feed_in.amounts import Earned, Stretch, earned, exported_kwh_e2
from cis.feed_in.bank_file import (
    AnswerLine,
    BankFileRefused,
    PayoutOrder,
    read_answer,
    read_orders,
    write_answer,
    write_orders,
)
from cis.feed_in.cards import is_card_no, masked
from cis.feed_in.watching import Finding, PlantDay, WatchTerms, judge_day, makes_usual

__all__ = [
    "AnswerLine",
    "BankFileRefused",
    "Earned",
    "Finding",
    "PayoutOrder",
    "PlantDay",
    "Stretch",
    "WatchTerms",
    "earned",
    "exported_kwh_e2",
    "is_card_no",
    "judge_day",
    "makes_usual",
    "masked",
    "read_answer",
    "read_orders",
    "write_answer",
    "write_orders",
]
