"""What was agreed with many accounts for one day: price class and capacity, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cis.models import SupplyContract

RESIDENTIAL = int(SupplyContract.PriceClass.RESIDENTIAL)


@dataclass(frozen=True)
class ContractFacts:
    """Columns in the order asked; 0 in both for an account without a contract on the day."""

    price_class: NDArray[np.int64]
    capacity_kva: NDArray[np.int64]

    @property
    def is_residential(self) -> NDArray[np.bool_]:
        """Who is billed as a home."""
        return np.asarray(self.price_class == RESIDENTIAL)


def contracts_on(account_ids: Sequence[int], *, day: date) -> ContractFacts:
    """The contracts of these accounts that hold on a day, which may lie ahead; one statement."""
    rows = SupplyContract.objects.filter(account_id__in=list(account_ids), valid__contains=day)
    there = {row[0]: row[1:] for row in rows.values_list("account_id", "price_class", "capacity_kva")}
    found = [there.get(account_id, (0, 0)) for account_id in account_ids]
    columns = np.array(found, np.int64).reshape(-1, 2)
    return ContractFacts(price_class=columns[:, 0], capacity_kva=columns[:, 1])
