"""The contract versions of accounts whose contract changes inside a period, read set-wise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.shared.bulk_copy import read_columns

__all__ = ["ContractStretches", "read_contracts"]

Int = NDArray[np.int64]

_CONTRACTS = """
SELECT c.account_id, coalesce(lower(c.valid), DATE '2000-01-01'), coalesce(upper(c.valid), DATE '9999-01-01'),
       c.capacity_kva::int8, c.tariff_id, c.price_class::int8, c.people::int8,
       hashint8extended(c.contract_demand_kw::int8, c.demand_mode * 101::int8 + c.pf_standard_e2)
FROM cis_supply_contract c
WHERE c.account_id = ANY(%(accounts)s) AND c.valid && daterange(%(from)s, %(to)s)
ORDER BY c.account_id, lower(c.valid)
"""
_CONTRACT_TYPES = {
    "account": "int8", "from_on": "date", "to_on": "date", "capacity_kva": "int8", "tariff": "int8",
    "price_class": "int8", "people": "int8", "terms": "int8",
}  # fmt: skip


@dataclass(frozen=True)
class ContractStretches:
    """The contract versions of some accounts in their periods, by account and day; dates as Postgres days."""

    account: Int
    from_on: NDArray[np.int32]
    to_on: NDArray[np.int32]
    capacity_kva: Int
    tariff: Int
    price_class: Int
    people: Int
    terms: Int
    """equal numbers stand for versions whose basic charge and adjustment are agreed alike, whatever their capacity"""

    def capacity_of(self, account: int, start: int, end: int) -> list[tuple[int, int, int]]:
        """(kVA, from, to) of an account's versions that hold on a day of [start, end), in order."""
        low, high = np.searchsorted(self.account, [account, account + 1])
        return [
            (int(self.capacity_kva[at]), int(self.from_on[at]), int(self.to_on[at]))
            for at in range(int(low), int(high))
            if self.from_on[at] < end and self.to_on[at] > start
        ]


def read_contracts(cursor: Any, accounts: Int, parameters: dict[str, Any]) -> ContractStretches:
    """The versions that hold in the shard's periods, one statement."""
    found = read_columns(cursor, _CONTRACTS, parameters | {"accounts": accounts.tolist()}, _CONTRACT_TYPES)
    return ContractStretches(**found)
