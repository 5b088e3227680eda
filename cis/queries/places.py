"""Where customers live, for distances: cells of some hundred metres, and the place of one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import Account, TransformerDistrict

# A thousandth of a degree: 111 m north, 95 m east in the latitude of the Yangtze.
_CELL_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Cells:
    """
    Open accounts by where they are, as columns: the middle of a cell's accounts (degrees), its block, its accounts.

    A block is a transformer district (台区). `nowhere` counts accounts whose premises have no coordinates.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    block: NDArray[np.int64]
    customers: NDArray[np.int64]
    nowhere: int


_CELLS = """
SELECT avg(p.longitude)::float8, avg(p.latitude)::float8, p.transformer_district_id, count(*)
FROM cis_account a
JOIN cis_premise p ON p.id = a.premise_id
JOIN shared_org_unit u ON u.id = a.org_unit_id
WHERE a.state = 'open' AND u.path LIKE ANY(%s)
GROUP BY p.transformer_district_id, round(p.longitude, %s), round(p.latitude, %s), p.longitude IS NULL
"""


def cells_of_accounts(*, within: Sequence[str]) -> Cells:
    """The open accounts under these organisation paths, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, [[f"{path}%" for path in within], _CELL_DIGITS, _CELL_DIGITS])
        rows = cursor.fetchall()
    placed = [row for row in rows if row[0] is not None and row[1] is not None]
    return Cells(
        longitude=np.array([row[0] for row in placed], np.float64),
        latitude=np.array([row[1] for row in placed], np.float64),
        block=np.array([row[2] for row in placed], np.int64),
        customers=np.array([row[3] for row in placed], np.int64),
        nowhere=sum(row[3] for row in rows) - sum(row[3] for row in placed),
    )


def names_of_blocks(blocks: Sequence[int]) -> dict[int, str]:
    """Transformer districts by id to their names."""
    return dict(TransformerDistrict.objects.filter(pk__in=blocks).values_list("pk", "name"))


def some_accounts(*, within: str, limit: int) -> list[int]:
    """So many open accounts under an organisation path, the oldest first."""
    rows = Account.objects.filter(org_unit__path__startswith=within, state=Account.State.OPEN).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account is, in degrees."""

    longitude: float
    latitude: float


def place_of_account(account_id: int) -> Place | None:
    """Where the account's premises are; None where nobody has measured it."""
    row = Account.objects.values_list("premise__longitude", "premise__latitude").filter(pk=account_id).first()
    if row is None or row[0] is None or row[1] is None:
        return None
    return Place(float(row[0]), float(row[1]))
