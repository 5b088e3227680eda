"""Many accounts at once: who stands behind a number, and what was agreed with them for a day, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cis.models import Account, SupplyContract

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


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """An account behind a number somebody wrote down; `org_path` is where it is served."""

    account_id: int
    is_open: bool
    org_path: str


def accounts_named(numbers: Iterable[str]) -> dict[str, NamedAccount]:
    """The accounts with these numbers; numbers nobody has are missing. One statement."""
    rows = Account.objects.filter(account_no__in=list(numbers))
    return {
        number: NamedAccount(account_id, state == Account.State.OPEN, path)
        for number, account_id, state, path in rows.values_list("account_no", "pk", "state", "org_unit__path")
    }


def numbers_of(account_ids: Sequence[int]) -> dict[int, str]:
    """Account id to account number; one statement."""
    return dict(Account.objects.filter(pk__in=list(account_ids)).values_list("pk", "account_no"))
