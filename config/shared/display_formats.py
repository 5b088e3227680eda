"""
Pure: numbers and moments as people read them.

Takes the integers the database keeps (fen, 10^-2 kWh, 10^-8 yuan, 10^-4 of a register unit) and gives text. Nothing is
rounded away and no float is taken: a value that cannot be shown exactly is refused. `None` reads as a dash.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import Decimal

from config.shared.money import yuan_from_fen

# Groups digits by three. The word joiner behind it keeps the line from breaking there: half a number at the end of a
# line is read as the whole one. (The narrow space that does not break is hardly seen in Chinese faces.)
# `fen_from_yuan` reads it back.
THIN_SPACE = "\u2009\u2060"
MINUS = "\u2212"
ABSENT = "\u2014"


def format_money(fen: int | Decimal | None) -> str:
    """Fen as yuan to read: 123456 is `1 234.56`."""
    return _format_scaled(fen, scale=2, fewest=2)


def format_yuan(fen: int | Decimal | None) -> str:
    """Fen as yuan to type or to parse: 123456 is `1234.56`. Absent is empty, minus is the keyboard's."""
    return "" if fen is None else yuan_from_fen(_whole(fen))


def format_energy(hundredths: int | Decimal | None) -> str:
    """Hundredths of a kWh as kWh: 1234500 is `12 345`, 1234550 is `12 345.50`. The unit belongs in the table's head."""
    has_hundredths = hundredths is not None and _whole(hundredths) % 100 != 0
    return _format_scaled(hundredths, scale=2, fewest=2 if has_hundredths else 0)


def format_demand(kw_e4: int | Decimal | None) -> str:
    """10^-4 kW as kW, as many decimals as there are: 9_056_000 is `905.6`."""
    if kw_e4 is None:
        return ABSENT
    whole = _whole(kw_e4)
    places = next((places for places in range(4) if whole % 10 ** (4 - places) == 0), 4)
    return _format_scaled(whole, scale=4, fewest=places)


def format_price(price_e8: int | Decimal | None) -> str:
    """Price in 10^-8 yuan as yuan, four to eight decimals: 58_860_000 is `0.5886`."""
    return _format_scaled(price_e8, scale=8, fewest=4)


def format_register(value_e4: int | Decimal | None) -> str:
    """Register value in 10^-4 as the meter shows it, two to four decimals: 12_345_600 is `1 234.56`."""
    return _format_scaled(value_e4, scale=4, fewest=2)


def format_count(number: int | Decimal | None) -> str:
    """A count of things, grouped: 12345 is `12 345`."""
    return _format_scaled(number, scale=0, fewest=0)


def format_day(value: date | datetime | None, zone: tzinfo) -> str:
    """`2026-11-21`; an aware moment is first moved to `zone`, for the day depends on where one stands."""
    if value is None:
        return ABSENT
    return _in_zone(value, zone).strftime("%Y-%m-%d")


def format_month(cycle: int | None) -> str:
    """A billing cycle such as 202611 as `2026-11`."""
    return ABSENT if cycle is None else f"{cycle // 100}-{cycle % 100:02d}"


def format_moment(value: datetime | None, zone: tzinfo) -> str:
    """`2026-11-21 14:05` in `zone`; a naive moment is taken as it stands."""
    if value is None:
        return ABSENT
    return _in_zone(value, zone).strftime("%Y-%m-%d %H:%M")


def format_clock(value: datetime | None, zone: tzinfo) -> str:
    """`14:05` in `zone`."""
    if value is None:
        return ABSENT
    return _in_zone(value, zone).strftime("%H:%M")


def _format_scaled(number: int | Decimal | None, *, scale: int, fewest: int) -> str:
    """`number` x 10^-`scale` in full, with trailing zeros trimmed down to `fewest` decimals."""
    if number is None:
        return ABSENT
    whole_number = _whole(number)
    units, fraction = divmod(abs(whole_number), 10**scale)
    text = f"{units:,}".replace(",", THIN_SPACE)
    decimals = f"{fraction:0{scale}d}".rstrip("0").ljust(fewest, "0") if scale else ""
    if decimals:
        text = f"{text}.{decimals}"
    return MINUS + text if whole_number < 0 else text


def _whole(number: int | Decimal) -> int:
    if isinstance(number, Decimal):
        if number != number.to_integral_value():
            raise ValueError(f"{number} is not a whole number of the smallest unit")
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"expected a whole number of the smallest unit, got {type(number).__name__}")
    return number


def _in_zone(value: date, zone: tzinfo) -> date:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(zone)
    return value
