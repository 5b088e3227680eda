"""Rules that no linter knows: names, clocks, the environment, keys across apps, money without floats."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("cis", "payments", "crm", "dsm", "halls", "grid_service")
FLOORS = {"shared": 0, "cis": 1, "payments": 2, "crm": 3, "dsm": 4, "halls": 4, "grid_service": 4}
START_UP = ("config/settings/", "config/embedded/", "config/wsgi.py", "config/asgi.py", "config/celery.py", "manage.py")
HANDS_ON_PATH = {"cis/operations/backups.py": "pg_dump and pg_restore are found by PATH"}
# Where the clock may be read: pages, API views, tasks, commands; and the floor's machinery of leases and deliveries.
CLOCKS = (
    "/web/",
    "/api/",
    "/management/",
    "tasks.py",
    "workers.py",
    "handlers.py",
    "consumers.py",
    "/simulators/",
    "config/embedded/",
)
CLOCKS_OF_THE_FLOOR = {
    "config/shared/events.py": "stamps outbox rows",
    "config/shared/jobs.py": "claims leases and beats while a shard is worked on",
    "config/shared/logs.py": "stamps log lines",
}
# Programs that integrators copy: they run at the bank, not here.
NOT_OF_THE_HOUSE = ("payments/integrators/",)


def sources(*roots: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of the house, parsed."""
    for root in roots or ("config", *APPS):
        for path in sorted((PROJECT / root).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if "/migrations/" not in name and not name.startswith(NOT_OF_THE_HOUSE):
                yield name, ast.parse(path.read_text("utf-8"))


class TestNames:
    """A dumping ground has no name here."""

    def test_no_module_is_a_dumping_ground(self) -> None:
        banned = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}

        found = [name for name, _tree in sources() if banned & set(Path(name).with_suffix("").parts)]

        assert found == []


class TestClock:
    """Everyone is told the time but those who stand at the door."""

    def test_now_and_today_are_read_only_at_the_doors(self) -> None:
        found = []
        for name, tree in sources():
            if any(part in f"/{name}" for part in CLOCKS) or name in CLOCKS_OF_THE_FLOOR:
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    if node.func.attr in ("now", "today", "localdate", "localtime", "utcnow"):
                        found.append(f"{name}:{node.lineno}")

        assert found == []


class TestEnvironment:
    """Only settings and start-up files read it."""

    def test_no_other_file_reads_the_environment(self) -> None:
        found = []
        for name, tree in sources():
            if name.startswith(START_UP) or name in HANDS_ON_PATH:
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                    found.append(f"{name}:{node.lineno}")

        assert found == []


def foreign_keys() -> list[models.ForeignKey[models.Model, models.Model]]:
    """Every foreign key of our own models."""
    return [
        field
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
    ]


class TestForeignKeys:
    """Keys across apps point down and cannot be walked upwards."""

    @pytest.mark.parametrize("field", foreign_keys(), ids=lambda field: str(field))
    def test_points_down_and_is_hidden(self, field: models.ForeignKey[models.Model, models.Model]) -> None:
        here, there = field.model._meta.app_label, field.related_model._meta.app_label
        if here == there or there not in FLOORS or field.model.__name__.endswith("Event"):
            return

        assert FLOORS[there] < FLOORS[here]
        assert field.remote_field.related_name == "+"


class TestMoney:
    """No float touches money or energy."""

    def test_no_model_has_a_float(self) -> None:
        found = [
            f"{model.__name__}.{field.name}"
            for model in apps.get_models()
            if model._meta.app_label in FLOORS
            for field in model._meta.get_fields()
            if isinstance(field, models.FloatField)
        ]

        assert found == []

    def test_amounts_are_big_integers(self) -> None:
        found = [
            f"{model.__name__}.{field.name}"
            for model in apps.get_models()
            if model._meta.app_label in FLOORS
            for field in model._meta.get_fields()
            if field.name.endswith("_fen") and not isinstance(field, models.BigIntegerField)
        ]

        assert found == []


class TestModelFiles:
    """A model file that grows past a page or ten is two topics."""

    def test_none_is_longer_than_four_hundred_lines(self) -> None:
        found = [
            path.name
            for app in (*APPS, "config/shared")
            for path in (PROJECT / app).glob("models/*.py")
            if len(path.read_text("utf-8").splitlines()) > 400
        ]

        assert found == []
