"""Pure: the trading centre's settlement of a month: reads its file, and says why each account differs from its bills.

    for found in read_file(data, month=202602):      # CSV or XLSX
        ...                                          # a row of exact integers, or a fault with its line
    cause = classify(billed, settled)                # columns in, one cause an account out

The file's columns are declared once, in `SETTLEMENT`.
"""

from cis.market_settlement.causes import CLEARABLE, CLOSED_CAUSES, OWNERS, Cause
from cis.market_settlement.classify import Billed, Settled, classify, difference_fen
from cis.market_settlement.layout import HEADS, SETTLEMENT, template
from cis.market_settlement.reading import MOST_BYTES, read_file

__all__ = [
    "CLEARABLE",
    "CLOSED_CAUSES",
    "HEADS",
    "MOST_BYTES",
    "OWNERS",
    "SETTLEMENT",
    "Billed",
    "Cause",
    "Settled",
    "classify",
    "difference_fen",
    "read_file",
    "template",
]
