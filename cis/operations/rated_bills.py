"""One rated bill as plain values that are kept: its lines, and what it was read from."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from cis.queries.determinant_columns import Determinants
from cis.queries.shard_rating import RatedShard
from config.shared.bulk_copy import day_of

Stretch = dict[str, Any]
"""One stretch of energy as JSON: installation, register, from_on, to_on, from_e4, to_e4, multiplier, kwh_e2, flags."""
Line = dict[str, int]
"""One line as JSON: code, quantity, price_e8, share, fen."""


def lines_of(shard: RatedShard, row: int) -> list[Line]:
    """The lines of one bill, in their order."""
    return [
        {
            "code": int(shard.line_code[at]),
            "quantity": int(shard.line_quantity[at]),
            "price_e8": int(shard.line_price_e8[at]),
            "share": int(shard.line_share[at]),
            "fen": int(shard.line_amount_fen[at]),
        }
        for at in np.flatnonzero(shard.line_row == row).tolist()
    ]


def stretches_of(found: Determinants, row: int) -> list[Stretch]:
    """What one bill was read from, by meter, register and day."""
    usage = found.usage
    return sorted(
        (
            stretch(
                int(usage.installation[at]),
                int(usage.register[at]),
                day_of(int(usage.from_on[at])),
                day_of(int(usage.to_on[at])),
                int(usage.from_value_e4[at]),
                int(usage.to_value_e4[at]),
                int(usage.multiplier[at]),
                int(usage.energy_kwh_e2[at]),
                is_estimated=bool(usage.is_estimated[at]),
                is_from_curve=bool(usage.is_from_curve[at]),
            )
            for at in np.flatnonzero(usage.row == row).tolist()
        ),
        key=stretch_place,
    )


def stretch(
    installation_id: int,
    register: int,
    from_on: date,
    to_on: date,
    from_e4: int,
    to_e4: int,
    multiplier: int,
    kwh_e2: int,
    *,
    is_estimated: bool,
    is_from_curve: bool,
) -> Stretch:
    """A stretch as it is kept."""
    return {
        "installation": installation_id,
        "register": register,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat(),
        "from_e4": from_e4,
        "to_e4": to_e4,
        "multiplier": multiplier,
        "kwh_e2": kwh_e2,
        "is_estimated": is_estimated,
        "is_from_curve": is_from_curve,
    }


def stretch_place(one: Stretch) -> tuple[int, int, str]:
    """The order that stretches are kept in."""
    return one["installation"], one["register"], one["from_on"]
