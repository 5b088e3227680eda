"""Pure: the market as data: the month's published table, retail packages, the tariffs that follow from both.

    month = MarketMonth.parse(values)                    # the published table of a province and month
    rules = agent_rules(month, price, by_period=True)    # what agent-purchase customers pay
    rules = retail_rules(month, price, package, by_period=True)   # what customers of a retailer pay

A new kind of package is a file in `cis/market/packages` and a line in `PACKAGES`.
"""

from cis.market.month import WITHOUT_PERIODS, MarketMonth, NetworkPrice
from cis.market.packages import PACKAGES, Package, read_package
from cis.market.tariffs import GROUNDS, agent_rules, multiple_rules, retail_rules

__all__ = [
    "GROUNDS",
    "PACKAGES",
    "WITHOUT_PERIODS",
    "MarketMonth",
    "NetworkPrice",
    "Package",
    "agent_rules",
    "multiple_rules",
    "read_package",
    "retail_rules",
]
