"""The meters of accounts and what they showed, each table in one walk along an index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.queries.determinant_columns import AccountColumns, Column, InstallationColumns
from cis.queries.energy_columns import BILLED_REGISTERS
from config.shared.bulk_copy import read_columns

# What follows is read by ids, each statement in one walk along an index: by their bounds where they lie together, as
# a list where they do not. A list that comes from a sub-select is no constant to the planner: it does not weigh
# thousands of values one by one, and it takes the index whatever it believes of a table that was loaded a minute ago
# (with stale statistics a join read every reading once for each account).
_LIST = "= ANY ((SELECT %(ids)s::bigint[])::bigint[])"


_BOUNDS = "BETWEEN %(first_id)s AND %(last_id)s"


_POINTS = """
SELECT ap.account_id, ap.point_id,
       coalesce(lower(ap.valid), DATE '2000-01-01'), coalesce(upper(ap.valid), DATE '9999-01-01')
FROM cis_account_point ap
WHERE ap.account_id {among} AND ap.valid && daterange(%(from)s, %(to)s)
"""


_POINT_TYPES = {"account": "int8", "point": "int8", "served_from": "date", "served_to": "date"}


_CURVE_POINTS = """
SELECT id FROM cis_metering_point WHERE id {among} AND basis = 'curve'
"""


_INSTALLATIONS = """
SELECT i.point_id, i.id, i.meter_id, i.ct_ratio * i.pt_ratio,
       coalesce(lower(i.valid), DATE '2000-01-01'), coalesce(upper(i.valid), DATE '9999-01-01')
FROM cis_meter_installation i
WHERE i.point_id {among} AND i.valid && daterange(%(from)s, %(to)s)
"""


_INSTALLATION_TYPES = {
    "point": "int8",
    "installation": "int8",
    "meter": "int8",
    "multiplier": "int4",
    "installed_on": "date",
    "removed_on": "date",
}


_METERS = "SELECT id, digits FROM cis_meter WHERE id {among} ORDER BY id"


# The small columns come as one number, unpacked by `_unpacked`: what a row costs is the number of its columns.
_READINGS = """
SELECT r.installation_id, r.read_on, r.cycle, r.value_e4, r.advance_kwh_e2,
       (r.days::int8 << 32) | ((r.register::int4 << 24) | (r.kind::int4 << 16) | (r.source::int4 << 8)
                               | (r.state::int4 << 1) | r.is_rollover::int4)
FROM cis_reading r
WHERE r.installation_id {among} AND r.register BETWEEN %(first_register)s AND %(last_register)s
  AND r.read_on BETWEEN %(first)s AND %(last)s
"""


_READING_TYPES = {
    "installation": "int8",
    "read_on": "date",
    "cycle": "int4",
    "value_e4": "int8",
    "advance_kwh_e2": "int8",
    "packed": "int8",
}


def _unpacked(readings: dict[str, Column]) -> dict[str, Column]:
    """The readings with their small columns apart."""
    packed = readings.pop("packed")
    small = packed.astype(np.int32)  # the lower half
    return {
        **readings,
        "days": (packed >> 32).astype(np.int16),
        "register": (small >> 24).astype(np.int16),
        "kind": (small >> 16 & 0xFF).astype(np.int16),
        "source": (small >> 8 & 0xFF).astype(np.int16),
        "state": (small >> 1 & 0x7F).astype(np.int16),
        "is_rollover": (small & 1).astype(np.bool_),
    }


# Readings taken some days off the schedule still belong to its cycle.
READING_WINDOW_DAYS = 20


def _read_among(
    cursor: Any, sql: str, ids: NDArray[np.int64], parameters: dict[str, Any], types: dict[str, str]
) -> dict[str, Column]:
    """Rows of these ids and, where the ids lie together, perhaps of others between them."""
    if len(ids) and (span := int(ids.max()) - int(ids.min())) < 2 * len(ids):
        low = int(ids.min())
        among = {**parameters, "first_id": low, "last_id": low + span}
        return read_columns(cursor, sql.format(among=_BOUNDS), among, types)
    # One literal: thousands of single constants would cost Postgres more to parse than to look up.
    listed = "{" + ",".join(map(str, ids.tolist())) + "}"
    return read_columns(cursor, sql.format(among=_LIST), {**parameters, "ids": listed}, types)


def read_readings(cursor: Any, installations: InstallationColumns, parameters: dict[str, Any]) -> dict[str, Column]:
    """What the registers that bills are made of showed about the shard's periods, one statement."""
    asked = {**parameters, "first_register": min(BILLED_REGISTERS), "last_register": max(BILLED_REGISTERS)}
    return _unpacked(_read_among(cursor, _READINGS, installations.installation, asked, _READING_TYPES))


# Stands for the digits of a register that did not turn: nobody asks for them.
_ANY_DIGITS = 6


def read_digits(cursor: Any, installations: InstallationColumns, turned: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole digits of each installation's meter; read only for installations of which a register turned."""
    digits = np.full(len(installations), _ANY_DIGITS, dtype=np.int64)
    if len(turned):
        at = np.flatnonzero(np.isin(installations.installation, turned))
        meter = installations.meter[at]
        found = _read_among(cursor, _METERS, meter, {}, {"meter": "int8", "digits": "int2"})
        digits[at] = found["digits"][np.searchsorted(found["meter"], meter)]
    return digits


def read_installations(cursor: Any, accounts: AccountColumns, parameters: dict[str, Any]) -> InstallationColumns:
    """The meters of the accounts: a row for each account and installation."""
    served = _read_among(cursor, _POINTS, accounts.account, parameters, _POINT_TYPES)
    is_due = np.isin(served["account"], accounts.account)
    served = {name: column[is_due] for name, column in served.items()}
    curves = _read_among(cursor, _CURVE_POINTS, served["point"], parameters, {"point": "int8"})["point"]
    hung = _read_among(cursor, _INSTALLATIONS, served["point"], parameters, _INSTALLATION_TYPES)
    by_point = np.argsort(hung["point"], kind="stable")
    hung = {name: column[by_point] for name, column in hung.items()}
    pair, at = matches(served["point"], hung["point"])
    order = np.lexsort((served["served_from"][pair], hung["installation"][at], served["account"][pair]))
    pair, at = pair[order], at[order]
    return InstallationColumns(
        account=served["account"][pair],
        point=served["point"][pair],
        installation=hung["installation"][at],
        multiplier=hung["multiplier"][at],
        meter=hung["meter"][at],
        installed_on=np.maximum(hung["installed_on"][at], served["served_from"][pair]),
        removed_on=np.minimum(hung["removed_on"][at], served["served_to"][pair]),
        is_curve=np.isin(served["point"][pair], curves),
    )


def matches(wanted: NDArray[np.int64], ascending: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A join: every pair of places (in `wanted`, in `ascending`) that hold the same value, in the order of `wanted`."""
    first = np.searchsorted(ascending, wanted, side="left")
    count = np.searchsorted(ascending, wanted, side="right") - first
    left = np.repeat(np.arange(len(wanted)), count)
    return left, np.arange(len(left)) + np.repeat(first - (np.cumsum(count) - count), count)
