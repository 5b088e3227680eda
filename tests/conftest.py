"""One real PostgreSQL and Valkey for a whole test session, and a database for each worker.

The controller starts the engines and passes their addresses on by the environment. The first
worker to need the database migrates a template as the owner; each worker copies it. Tests run as
the application's role, so that its missing privileges are tested too. After a test that commits the
superuser empties what it filled, because that role may not TRUNCATE.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

import django
import psycopg2
import pytest
from django.conf import settings
from psycopg2 import sql

from config.embedded import places
from config.embedded.postgres import TEST_SETTINGS, Postgres, find_binaries
from config.embedded.provision import APP, OWNER, grant_database, provision
from config.embedded.system_packages import find_chromium
from config.embedded.valkey import Valkey

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
IS_XDIST_WORKER = WORKER != "main"
WORKER_NUMBER = int(WORKER.removeprefix("gw")) if IS_XDIST_WORKER else 0
DATABASE = f"tests_{WORKER}"
TEMPLATE = "tests_template"
HANDED_ON = "DAYINGXIAO_TEST_ENGINES"  # how the controller tells its workers where the engines are
TEMPLATE_LOCK = 20251  # an advisory lock's number; any will do
NO_BROWSER = "no Chromium found"


# --- Addresses, before Django reads its settings -------------------------------------------


def _plan_engines() -> dict[str, str]:
    """Choose ports and passwords; workers take over what the controller chose."""
    if HANDED_ON in os.environ:
        plan: dict[str, str] = json.loads(os.environ[HANDED_ON])
        return plan
    plan = {"postgres_port": str(places.free_port()), "valkey_port": str(places.free_port())}
    plan |= {name: secrets.token_urlsafe(16) for name in ("superuser", "owner", "app", "valkey")}
    os.environ[HANDED_ON] = json.dumps(plan)
    return plan


PLAN = _plan_engines()


def _postgres_url(database: str, user: str, password: str) -> str:
    return f"postgresql://{user}:{PLAN[password]}@127.0.0.1:{PLAN['postgres_port']}/{database}"


SUPERUSER_URL = _postgres_url("postgres", "postgres", "superuser")
OWNER_URL = _postgres_url(DATABASE, OWNER, "owner")
APP_URL = _postgres_url(DATABASE, APP, "app")
REDIS_URL = f"redis://:{PLAN['valkey']}@127.0.0.1:{PLAN['valkey_port']}/{WORKER_NUMBER}"

os.environ.update(
    DAYINGXIAO_ENV="test",
    DJANGO_SETTINGS_MODULE="config.settings",
    DATABASE_URL=APP_URL,
    DATABASE_OWNER_URL=OWNER_URL,
    DATABASE_SUPERUSER_URL=SUPERUSER_URL,
    REDIS_URL=REDIS_URL,
)
os.environ.pop("DAYINGXIAO_AS", None)
if settings.configured:
    pytest.exit("Unset DJANGO_SETTINGS_MODULE: the settings must be read after the engines are chosen.", returncode=1)
django.setup()
# Workers inherit this environment, and pytest-django would read the settings there too early.
del os.environ["DJANGO_SETTINGS_MODULE"]

import hypothesis
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.emptied import Origin, empty, origin_of
from tests.stack import Stack

# How long an example takes is a matter of the machine's load, not of the code: nothing fails by the clock.
hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")

# --- The engines ---------------------------------------------------------------------------


class _TestEngines:
    """The session's engines, in a folder that goes away with them."""

    def __init__(self) -> None:
        root = places.engine_home("tests", PROJECT)
        _remove_abandoned(root)
        self.home = root / f"test-{os.getpid()}"
        self.home.mkdir()
        places.engine_account().give(self.home, 0o711)
        self.postgres = Postgres(self.home, int(PLAN["postgres_port"]), PLAN["superuser"], TEST_SETTINGS)
        self.valkey = Valkey(self.home, int(PLAN["valkey_port"]), PLAN["valkey"], persistent=False)

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def _remove_abandoned(root: Path) -> None:
    """Remove the folders of test sessions that were killed."""
    for folder in root.glob("test-*"):
        if not Path(f"/proc/{folder.name.removeprefix('test-')}").exists():
            shutil.rmtree(folder, ignore_errors=True)


_engines: _TestEngines | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines, in the controller only, unless nothing will run that needs them."""
    global _engines
    config.addinivalue_line("markers", "acceptance(row): the test would fail if this promise broke")
    if IS_XDIST_WORKER or config.option.collectonly or _needs_no_engine(config.args):
        return
    try:
        _engines = _TestEngines()
        _engines.start()
    except places.LaunchError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure() -> None:
    """Stop the engines."""
    global _engines
    if _engines:
        _engines.stop()
        _engines = None


def _needs_no_engine(arguments: list[str]) -> bool:
    without = [(PROJECT / "tests" / name).resolve() for name in ("unit", "architecture")]
    paths = [Path(argument.split("::")[0]).resolve() for argument in arguments]
    return all(any(path.is_relative_to(folder) for folder in without) for path in paths)


# --- Databases -----------------------------------------------------------------------------


@contextlib.contextmanager
def _superuser() -> Iterator[Any]:
    connection = psycopg2.connect(SUPERUSER_URL)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _kept_template() -> Path:
    """Where the migrated template is kept for the next session: its name says what it was made from."""
    parts = [*PROJECT.glob("*/migrations/*.py"), *PROJECT.glob("config/*/migrations/*.py")]
    parts += [PROJECT / "config/embedded/provision.py", PROJECT / "requirements.lock"]
    parts += [PROJECT / "config/shared/management/commands/migrate.py"]
    digest = hashlib.sha256()
    for part in sorted(parts):
        digest.update(f"{part.relative_to(PROJECT)}\0".encode() + part.read_bytes())
    return places.engine_home("tests", PROJECT) / f"template-{digest.hexdigest()[:20]}.dump"


def _keep_template(kept: Path) -> None:
    """Dump the migrated template, whole or not at all; those made from other migrations go."""
    if not (find_binaries() / "pg_dump").exists():
        return  # a server without its client programs: every session migrates
    draft = kept.with_suffix(f".{os.getpid()}")
    _client("pg_dump", "--format=custom", "--compress=0", f"--file={draft}", TEMPLATE)
    for old in kept.parent.glob("template-*.dump"):
        old.unlink(missing_ok=True)
    draft.replace(kept)


def _client(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs as the superuser."""
    connection = {"PGHOST": "127.0.0.1", "PGPORT": PLAN["postgres_port"], "PGUSER": "postgres"}
    environment = {**os.environ, **connection, "PGPASSWORD": PLAN["superuser"]}
    subprocess.run([find_binaries() / program, *arguments], env=environment, check=True)


def _ensure_template() -> None:
    """Make and migrate the template once for all workers."""
    with _superuser() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [TEMPLATE])
        if cursor.fetchone():
            return
        owner = _postgres_url(TEMPLATE, OWNER, "owner")
        provision(SUPERUSER_URL, owner_url=owner, app_url=_postgres_url(TEMPLATE, APP, "app"))
        kept = _kept_template()
        if kept.exists():
            _client("pg_restore", "--exit-on-error", "--dbname", TEMPLATE, str(kept))
        else:
            environment = {**os.environ, "DATABASE_OWNER_URL": owner, "DAYINGXIAO_AS": "owner"}
            command = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
            result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
            if result.returncode:
                pytest.exit(f"migrate failed:\n{result.stdout}{result.stderr}", returncode=1)
            _keep_template(kept)
        # Marked last: a template that is only half migrated must never be copied.
        cursor.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(TEMPLATE)))


_origin: Origin | None = None


def fresh_database() -> None:
    """Replace this worker's database by a copy of the template, whoever is connected to it."""
    connections.close_all()
    names = {"name": sql.Identifier(DATABASE), "template": sql.Identifier(TEMPLATE), "owner": sql.Identifier(OWNER)}
    with _superuser() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
        # Copied file by file: for a small template half of what it takes by way of the log.
        copy = "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} STRATEGY file_copy"
        cursor.execute(sql.SQL(copy).format(**names))
        grant_database(cursor, DATABASE, APP)
    global _origin
    _origin = origin_of(_postgres_url(DATABASE, "postgres", "superuser"))


def clean_database() -> None:
    """Undo what a test has committed: empty what it filled, or copy the template where that does not do."""
    connections.close_all()
    if _origin is None or not empty(_postgres_url(DATABASE, "postgres", "superuser"), _origin):
        fresh_database()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """This worker's database, made from the migrated template."""
    if os.environ.get(HANDED_ON) is None or (not IS_XDIST_WORKER and _engines is None):
        pytest.fail("This test needs the database; tests/unit and tests/architecture run without one.")
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: clean_database())
    patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", _static_files_once(WhiteNoiseMiddleware))
    with django_db_blocker.unblock():
        _ensure_template()
        fresh_database()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    patch.undo()


def _static_files_once(middleware: Any) -> Callable[[Any], None]:
    """Each test client makes the middleware anew, and the list of static files takes longer than most requests."""
    listed, found = middleware.add_files_from_finders, dict[str, Any]()

    def add(self: Any) -> None:
        if not found:
            listed(self)
            found.update(self.files)
        self.files.update(found)

    return add


@pytest.fixture
def owner_connection(transactional_db: None) -> Iterator[Any]:
    """A psycopg2 connection as the owner to this worker's database, in autocommit.

    It brings `transactional_db` along: the owner cannot see rows a test has not committed.
    """
    connection = psycopg2.connect(OWNER_URL)
    connection.autocommit = True
    yield connection
    connection.close()


# --- Real processes and a real browser -----------------------------------------------------


@pytest.fixture(scope="session")
def _stack(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), dict(os.environ))
    yield stack
    stack.stop()


# The longest first, so that the end does not wait for one process; about how many seconds each takes.
SECONDS = {
    "tests/chaos/test_killed.py": 90,
    "test_every_page.py::TestEveryPage::test_is_sound[work]": 150,
    "test_every_page.py::TestEveryPage::test_is_sound[house]": 90,
    "test_every_page.py::": 30,
    "test_two_servers.py::": 25,
    "test_permission_walk.py::": 10,
    "test_demo.py::TestLoadDemo": 20,
    "test_systems.py::": 20,
    "tests/journeys/": 5,
    "tests/integration/": 1,
}
# What such a module makes once for all its tests is not made again in another process.
TOGETHER = ("test_systems.py", "test_tariff_trials.py", "test_wallet.py", "test_seeded_faults.py", "test_plan.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Tests with a running stack come last: its workers would take the jobs and messages of the others.

    Within each part the longest come first, and processes take single tests (`--dist loadgroup`).
    """

    def order(item: pytest.Item) -> tuple[bool, float]:
        seconds = next((value for name, value in SECONDS.items() if name in item.nodeid), 0)
        return "live" in getattr(item, "fixturenames", ()), -seconds

    items.sort(key=order)
    for item in items:
        if item.path.name in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture
def live(transactional_db: None, _stack: Stack) -> Iterator[Stack]:
    """A real web server and Celery worker on this worker's database; see `tests.stack.Stack`."""
    _stack.ensure_running()
    yield _stack
    _stack.forget_messages()


@pytest.fixture
def outside(settings: Any) -> Iterator[Any]:
    """The simulated providers of messages on sockets of this process, and our settings led to them."""
    from config.shared.messaging import simulated

    providers = simulated.agreed(port=0, mail_port=0, house="")
    providers.start()
    settings.SIMULATORS_URL = providers.url
    settings.SMS_ENDPOINT = f"{providers.url}/sms/"
    settings.COLLECTION_SYSTEM_URL = f"{providers.url}/collection/"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", providers.mail_port
    yield providers
    providers.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright; skipped loudly where there is none, a failure in CI."""
    program = find_chromium()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{NO_BROWSER}, and CI=true forbids skipping browser tests")
        pytest.skip(NO_BROWSER)
    # Playwright keeps an event loop in this thread, in which Django would refuse to query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, live: Stack) -> Iterator[Any]:
    """A Chinese browser page of its own on the live stack: `page.goto("/")`."""
    context = browser.new_context(base_url=live.url, locale="zh-CN", viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in red, where everybody looks, that browser tests did not run."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        line = f"{len(skipped)} BROWSER TESTS WERE SKIPPED: {NO_BROWSER}. Install chromium and run them."
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(autouse=True)
def _in_the_default_language() -> None:
    """A request in English must not leave its language to the next test of the process."""
    translation.activate(settings.LANGUAGE_CODE)
