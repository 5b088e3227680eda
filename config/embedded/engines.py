"""The two embedded engines together, and the environment that leads the settings to them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.embedded import places
from config.embedded.postgres import DEMO_SETTINGS, Postgres
from config.embedded.provision import APP, DATABASE, OWNER, provision
from config.embedded.valkey import Valkey

ENVIRONMENT_FILE = places.VAR / "environment.json"
RUN_LOCK = places.VAR / "run.lock"
# What belongs to one installation; the log-ins of the embedded engines stay out of it.
SETTINGS_SECRETS = ("SECRET_KEY", "PERSONAL_DATA_KEYS", "BLIND_INDEX_KEY")


@dataclass
class Engines:
    """Embedded PostgreSQL and Valkey; each is `None` where a real server takes its place."""

    postgres: Postgres | None
    valkey: Valkey | None
    secrets: Mapping[str, str]

    @classmethod
    def for_development(cls) -> Engines:
        """The engines of `make run`, unless DATABASE_URL or REDIS_URL name real servers."""
        secrets = places.installation_secrets()
        postgres = valkey = None
        if not os.environ.get("DATABASE_URL"):
            home = places.engine_home(secrets["installation"])
            postgres = Postgres(home, places.remembered_port("postgres"), secrets["superuser_password"], DEMO_SETTINGS)
        if not os.environ.get("REDIS_URL"):
            home = places.engine_home(secrets["installation"])
            valkey = Valkey(home, places.remembered_port("valkey"), secrets["valkey_password"])
        return cls(postgres, valkey, secrets)

    def environment(self, database: str = DATABASE) -> dict[str, str]:
        """What the settings need; names the caller's environment already has keep its values."""
        made = {"DAYINGXIAO_ENV": "development", **{name: self.secrets[name] for name in SETTINGS_SECRETS}}
        if self.postgres:
            made["DATABASE_SUPERUSER_URL"] = self.postgres.url()
            made["DATABASE_OWNER_URL"] = self.postgres.url(database, OWNER, self.secrets["owner_password"])
            made["DATABASE_URL"] = self.postgres.url(database, APP, self.secrets["app_password"])
        if self.valkey:
            made["REDIS_URL"] = self.valkey.url()
        return {name: os.environ.get(name) or value for name, value in made.items()}

    def stop(self) -> None:
        """Stop both, Valkey first: nothing of value is in it."""
        for engine in (self.valkey, self.postgres):
            if engine:
                engine.stop()


def provision_from(environment: Mapping[str, str]) -> bool:
    """Provision the database this environment names; False when it names no superuser."""
    needed = ("DATABASE_SUPERUSER_URL", "DATABASE_OWNER_URL", "DATABASE_URL")
    if not all(environment.get(name) for name in needed):
        return False
    superuser, owner, app = (environment[name] for name in needed)
    provision(superuser, owner_url=owner, app_url=app)
    return True


def write_environment(environment: Mapping[str, str], path: Path = ENVIRONMENT_FILE) -> None:
    """Keep the environment for `manage.py` commands run by hand beside the stack."""
    places.write_private(path, json.dumps(dict(environment), indent=1) + "\n")


def load_environment(path: Path = ENVIRONMENT_FILE) -> None:
    """Take the environment `make run` wrote, unless this process was given its own."""
    if "DAYINGXIAO_ENV" in os.environ or "DATABASE_URL" in os.environ or not path.exists():
        return
    for name, value in json.loads(path.read_text("utf-8")).items():
        os.environ.setdefault(name, value)
