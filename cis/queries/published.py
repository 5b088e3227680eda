"""What a rating preview may name: the published tables that come with the house, or the utility's own tariffs."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from cis.models import TariffVersion, TouWindows
from cis.previews import Published
from cis.previews.tariffs import PublishedTariff
from cis.rating import CannotPrice, Catalogue, WindowSet, read_catalogue
from cis.rating.catalogue import GRADES

__all__ = ["own_tariffs", "published_tables"]

ASKED_BY_NAME = (*GRADES, "low-medium")
"""Grades of tables that a preview prices by: who names a code has chosen it, and nobody is billed."""


def published_tables() -> Published:
    """The tables of `cis/data`, whatever a database says; knows no day, for each code is one version."""
    return Published(_published_tariff, _published_windows, _late_fees())


def own_tariffs(*, today: date) -> Published:
    """The utility's own versions in force on the day asked for (today where none is), then the published tables."""
    return Published(lambda code, on: _own_tariff(code, on or today), _own_windows, _late_fees())


def _text(name: str) -> str:
    return resources.files("cis").joinpath("data", name).read_text(encoding="utf-8")


@cache
def _catalogue() -> Catalogue:
    return read_catalogue(_text("tariffs.json"), grades=ASKED_BY_NAME)


@cache
def _late_fees() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_text("collection.json"))["late_fees"]
    return found


def _published_tariff(code: str, on: date | None) -> PublishedTariff:
    del on
    for record in _catalogue().records:
        if record.code == code:
            return PublishedTariff(code, record.rules, record.windows_ref)
    left_out = next((one for one in _catalogue().left_out if one.code == code), None)
    raise CannotPrice("unknown_tariff", f"{code}: {left_out.reason}" if left_out else code)


def _published_windows(code: str) -> WindowSet:
    for spec in _catalogue().window_sets:
        if spec["code"] == code:
            return WindowSet.parse(spec)
    raise CannotPrice("unknown_windows", code)


def _own_tariff(code: str, on: date) -> PublishedTariff:
    version = TariffVersion.objects.select_related("windows").filter(tariff__code=code, valid__contains=on).first()
    if version is None:
        return _published_tariff(code, on)
    return PublishedTariff(code, version.rules, version.windows.code if version.windows else None)


def _own_windows(code: str) -> WindowSet:
    kept = TouWindows.objects.filter(code=code).order_by("-pk").first()
    return WindowSet.parse(kept.windows) if kept is not None else _published_windows(code)
