"""Pure: the numbers validation goes by. They are parameters of the utility, loaded from a table by the caller."""

from dataclasses import dataclass, fields

__all__ = ["MAX_PERMILLE", "Thresholds"]

MAX_PERMILLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """
    Limits of every check, as integers: `_permille` is 1/1000, `_kwh` whole kWh, `_e4` 1e-4 of a register unit.

    Defaults and their sources: rise and fall ±50 % residential and ±30 % large "above an absolute floor",
    billing-rules.md 3.5 (usual practice; the floors are ours and meant to be tuned); capacity x time x 1.2, curve
    against freeze <= 1 % and linear fill up to 2 h, 3.6 (convention, to be confirmed by the utility); roll-over zone,
    roll-over limit of three times the expected energy and zero floor: ours.

    :raises ValueError: a value is negative or a ratio is above MAX_PERMILLE
    """

    rise_permille_residential: int = 500
    rise_permille_large: int = 300
    fall_permille_residential: int = 500
    fall_permille_large: int = 300
    change_floor_kwh_residential: int = 100
    """No rise or fall is flagged when energy differs from the expected by no more than this, whatever the ratio."""
    change_floor_kwh_large: int = 1000
    capacity_factor_permille: int = 1200
    zero_floor_kwh_e2_per_day: int = 100
    """Zero is flagged only when the account was expected to use more than this a day (0.01 kWh)."""
    rollover_zone_permille: int = 50
    """Share of the register's range, from the top, in which the previous value must stand for a roll-over."""
    rollover_expected_times: int = 3
    """A rolled advance may be at most this many times the expected energy ..."""
    rollover_floor_kwh: int = 1000
    """... or this much, whichever is more."""
    register_resolution_e4: int = 100
    """Last digit a meter shows, in 1e-4 of a unit: 0.01 by default. Sets the rounding allowed between registers."""
    curve_tolerance_permille: int = 10
    curve_floor_wh: int = 100
    """Curve sum and freeze difference may always differ by this much: both are rounded."""
    gap_linear_slots: int = 8
    """Longest run of missing quarter-hours that may be filled by a straight line: 8 = 2 h."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise ValueError(f"{field.name} must not be negative")
            if value > (MAX_PERMILLE if field.name.endswith("_permille") or "permille" in field.name else 10**9):
                raise ValueError(f"{field.name} is too large: {value}")
        if self.rollover_zone_permille > 500:
            raise ValueError("rollover_zone_permille must leave half of the register outside the zone")
        if self.rollover_expected_times > 1000:
            raise ValueError("rollover_expected_times is too large")
