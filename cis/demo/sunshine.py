"""Pure: the quarter-hours of a rooftop plant of the demonstration, from the number of the day."""

from __future__ import annotations

__all__ = ["made_wh"]

_DAWN, _DUSK, _SLOTS = 27, 70, 96
_HIGHEST = ((_DUSK - _DAWN) // 2) * ((_DUSK - _DAWN + 1) // 2)


def made_wh(day_number: int, *, peak_w: int) -> list[int]:
    """96 energies in Wh: a bell from dawn to dusk that comes to `peak_w` on a clear day; clouds take up to half."""
    clear_percent = 100 - day_number * 37 % 50
    return [
        peak_w * (slot - _DAWN) * (_DUSK - slot) * clear_percent // (_HIGHEST * 400) if _DAWN < slot < _DUSK else 0
        for slot in range(_SLOTS)
    ]
