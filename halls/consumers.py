"""What the live server forwards of halls: the screen on the wall."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from config.shared.live import shows
from halls.queries.screen import SCREEN, plain_screen, screen_of


@shows(SCREEN)
def hall_screen(code: str) -> dict[str, Any] | None:
    """The screen of the hall with this code."""
    screen = screen_of(code, at=timezone.now())
    return plain_screen(screen) if screen is not None else None
