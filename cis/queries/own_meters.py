"""The meters a customer can read by themselves: what they showed last, and which registers a bill needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from cis.queries.readings import register_name
from cis.rating.registers import Register


@dataclass(frozen=True)
class OwnRegister:
    """One register to be read."""

    register: int
    code: str
    name: str
    last_value_e4: int
    last_on: date


@dataclass(frozen=True)
class OwnMeter:
    """A meter with the registers that were read last; `read_on` is the day of the newest reading."""

    installation_id: int
    meter_no: str
    digits: int
    read_on: date
    registers: tuple[OwnRegister, ...]


_METERS = """
SELECT i.id, m.meter_no, m.digits, r.register, r.value_e4, r.read_on
FROM cis_account_point ap
JOIN cis_metering_point p ON p.id = ap.point_id AND p.basis = 'registers'
JOIN cis_meter_installation i ON i.point_id = ap.point_id AND i.valid @> %(day)s::date
JOIN cis_meter m ON m.id = i.meter_id
JOIN LATERAL (
    SELECT DISTINCT ON (register) register, value_e4, read_on FROM cis_reading
    WHERE installation_id = i.id AND state = 1 AND register <= %(last)s AND read_on <= %(day)s
    ORDER BY register, read_on DESC) r ON true
WHERE ap.account_id = %(account)s AND ap.valid @> %(day)s::date
ORDER BY m.meter_no, r.register
"""


def own_meters(*, account_id: int, day: date) -> tuple[OwnMeter, ...]:
    """The meters of an account that are billed by registers, with each import register's last accepted value."""
    with connection.cursor() as cursor:
        cursor.execute(_METERS, {"account": account_id, "day": day, "last": int(Register.DEEP_VALLEY)})
        rows = cursor.fetchall()
    meters: dict[int, OwnMeter] = {}
    for installation_id, meter_no, digits, register, value_e4, read_on in rows:
        one = OwnRegister(register, Register(register).name.lower(), register_name(register), value_e4, read_on)
        known = meters.get(installation_id)
        registers = (*known.registers, one) if known else (one,)
        newest = max(one.last_on for one in registers)
        meters[installation_id] = OwnMeter(installation_id, meter_no, digits, newest, registers)
    return tuple(meters.values())
