"""The systems of the house work alone and together: what is switched off leaves no broken part behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from config.embedded.provision import OWNER, provision
from tests.conftest import PROJECT, TEMPLATE

BEGIN = "import django; django.setup(); from tests.integration.config import one_house; one_house.main(is_empty={})"
ALONE = "cis"
HOUSES = (ALONE, "cis,crm", "cis,dsm", "cis,crm,dsm")


def start(systems: str) -> subprocess.Popen[str]:
    """A house of these systems on a database of its own: the smallest on an empty one, the others on a migrated one."""
    name = f"house_{systems.replace(',', '_')}"

    def at(url: str) -> str:
        return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

    owner = at(os.environ["DATABASE_OWNER_URL"])
    drop(name)
    if systems == ALONE:
        provision(os.environ["DATABASE_SUPERUSER_URL"], owner_url=owner, app_url=at(os.environ["DATABASE_URL"]))
    else:
        as_superuser(f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE {TEMPLATE}')
    environment = {
        **os.environ,
        "SYSTEMS": systems,
        "DAYINGXIAO_AS": "owner",
        "DATABASE_OWNER_URL": owner,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "-c", BEGIN.format(systems == ALONE)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=pipe, stderr=pipe, text=True)


def drop(name: str) -> None:
    """Remove the database of a house."""
    as_superuser(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def as_superuser(statement: str) -> None:
    """One statement outside any transaction."""
    connection = psycopg2.connect(os.environ["DATABASE_SUPERUSER_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="module")
def houses(django_db_setup: None) -> Iterator[dict[str, dict[str, Any]]]:
    """What each house saw of itself; they stand beside each other."""
    running = {systems: start(systems) for systems in HOUSES}
    seen = {}
    try:
        for systems, process in running.items():
            said, wrong = process.communicate(timeout=300)
            assert process.returncode == 0, f"{systems}: {wrong[-4000:]}"
            seen[systems] = json.loads(said.splitlines()[-1])
        yield seen
    finally:
        for systems, process in running.items():
            process.kill()
            drop(f"house_{systems.replace(',', '_')}")


class TestSystems:
    """
    Alone, a customer is found, corrected, billed and pays; where customer relations are, tiers are ruled; where demand
    side is, a shortage is planned and decided; in every house its pages are opened, parts and all.
    """

    @pytest.mark.acceptance("004-22")
    @pytest.mark.parametrize(
        ("systems", "pages", "parts"),
        [
            ("cis", {"cis:bills"}, set()),
            ("cis,crm", {"cis:bills", "crm:tiers", "crm:segments"}, {"profile", "key-account"}),
            ("cis,dsm", {"cis:bills", "dsm:loads", "dsm:shortages"}, set()),
            (
                "cis,crm,dsm",
                {"cis:bills", "crm:tiers", "crm:segments", "dsm:loads", "dsm:shortages"},
                {"profile", "key-account"},
            ),
        ],
    )
    def test_are_whole_alone_and_together(
        self, houses: dict[str, dict[str, Any]], systems: str, pages: set[str], parts: set[str]
    ) -> None:
        seen = houses[systems]

        assert seen["pages"].keys() == pages
        assert {*seen["pages"].values(), *seen["homes"], seen["found"]} == {200}
        assert {"payments", "meters"} <= seen["parts"].keys() and not any(seen["parts"].values())
        assert seen["parts"].keys() & {"profile", "key-account"} == parts
        assert seen["indicators"] == sorted(systems.split(","))
        assert seen["decided"] == ("tiers" if "dsm" in systems else None)
        assert seen["ruled"] == ("key-capacity" if "crm" in systems else None)
        assert seen["unknown tasks"] == []

    @pytest.mark.parametrize("wrong", ["crm", "dsm", "cis,halls", "cis,cms"])
    def test_what_cannot_stand_is_refused_by_name(self, wrong: str) -> None:
        answer = subprocess.run(
            [sys.executable, "manage.py", "check"], cwd=PROJECT, env={**os.environ, "SYSTEMS": wrong,
            "DJANGO_SETTINGS_MODULE": "config.settings"}, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert answer.returncode != 0 and "ImproperlyConfigured: SYSTEMS names" in answer.stderr
