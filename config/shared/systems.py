"""What of the tables of `config.navigation` is there: rows of apps that are switched off (`SYSTEMS`) are left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string


def load_installed(names: Iterable[str]) -> list[Any]:
    """What these dotted names mean (`crm.indicators.INDICATORS`), in their order, of the apps that are installed."""
    return [import_string(name) for name in names if is_installed(name)]


def is_installed(name: str) -> bool:
    """Whether the app of a dotted name is installed."""
    return apps.is_installed(name.partition(".")[0])
