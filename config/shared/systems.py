"""What of the tables of `config.navigation` is there: rows of apps that are switched off (`SYSTEMS`) are left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def load_installed(names: Iterable[str]) -> list[Any]:
    """What these dotted names mean (`crm.indicators.INDICATORS`), in their order; of apps switched off, nothing."""
    return [import_string(name) for name in names if name.partition(".")[0] not in settings.APPS_SWITCHED_OFF]
