"""
What people wait for: search, customer page, bill list, portal home, with a million accounts behind them.

A utility is loaded and billed for two months, Postgres is started anew (nothing in its memory), and twenty people turn
pages at once, accounts drawn by Zipf's law, with a pause of a second on average between two pages. The same server
then shows a bare Django view with one indexed SELECT to the same number of people. Times are what a browser waits for
the page itself, all on one machine: server, database and the visitors share its cores.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.crew import crew
from benchmarks.server import Server, temporary_server
from config.embedded import places
from config.embedded.places import PROJECT
from config.embedded.run import web_command

AIM_P95_MS = 300
VISITORS = 20
CUSTOMERS = 6
PAUSE_S = 1.0
WORKERS = 2
CYCLES = (202609, 202610)
DATABASE = "bench_pages"


@dataclass(frozen=True)
class Waited:
    """Seconds people waited for one page."""

    seconds: tuple[float, ...]

    def ms(self, percentile: float) -> float:
        """Milliseconds that so many per cent of the visits took at most."""
        return float(np.percentile(self.seconds, percentile) * 1000)

    def as_json(self) -> dict[str, Any]:
        """Visits and percentiles."""
        marks = {f"p{mark}_ms": round(self.ms(mark), 1) for mark in (50, 95, 99)}
        return {"visits": len(self.seconds), **marks, "most_ms": round(max(self.seconds) * 1000, 1)}


class PagesFailed(RuntimeError):
    """A page or a process did not answer as it must; the figures would say nothing."""


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file."""
    accounts, steps = (20_000, 15) if short else (1_000_000, 60)
    with temporary_server() as server:
        server.make_database(DATABASE)
        environment = {**server.environment(DATABASE), "LOG_LEVEL": "ERROR"}
        load(server, environment, DATABASE, accounts)
        people = _people(environment, steps)
        with site(environment) as host:
            # The web server has read its own code and templates long before anybody comes; the database is cold.
            _visits(host, _few_steps(people["people"]), pause_s=0.0)
            _start_cold(server)
            first = _visits(host, people["people"], pause_s=PAUSE_S)
            warm = _visits(host, people["people"], pause_s=PAUSE_S)
            crowd = _visits(host, people["people"], pause_s=0.0)
        with site({**environment, "DJANGO_SETTINGS_MODULE": "benchmarks.bare_settings"}) as host:
            bare = _visits(host, _bare(people, steps), pause_s=PAUSE_S)["bare view"]
        version = server.version()
    _print(accounts, first, warm, crowd, bare, people)
    return {
        "postgresql": version,
        "accounts": accounts,
        "visitors": VISITORS,
        "pause_s": PAUSE_S,
        "aim_p95_ms": AIM_P95_MS,
        "after_a_cold_start": {page: waited.as_json() for page, waited in first.items()},
        "warm": {page: waited.as_json() for page, waited in warm.items()},
        "without_a_pause": {page: waited.as_json() for page, waited in crowd.items()},
        "bare_view": bare.as_json(),
        "median_to_bare_view": {page: round(waited.ms(50) / bare.ms(50), 1) for page, waited in warm.items()},
        "statements": people["statements"],
        "name_search": people["name_search_plan"],
    }


def load(server: Server, environment: Mapping[str, str], database: str, accounts: int) -> None:
    """Accounts with readings, and bills of both months."""
    began = time.perf_counter()
    words = ["manage.py", "load_utility", "--accounts", str(accounts), "--months", "2", "--until", str(CYCLES[-1])]
    call([*words, "--json"], {**environment, "DAYINGXIAO_AS": "owner"})
    made = time.perf_counter() - began
    with crew(
        ("-m", "benchmarks.billing_worker"), workers=WORKERS, environment=environment, postmaster=server.postmaster
    ) as workers:
        for cycle in CYCLES:
            job = workers.tell([[f"start {cycle} 20000"]])[0]["job"]
            workers.tell([[f"work {job}"]] * WORKERS)
    with server.connect(database) as cursor:
        cursor.execute("SELECT count(*) FROM cis_bill")
        bills = cursor.fetchone()[0]
        cursor.execute("VACUUM (ANALYZE)")
    if not bills:
        raise PagesFailed("no bills were made")
    print(f"  {accounts:,} accounts made in {made:.0f} s, {bills:,} bills, all in {time.perf_counter() - began:.0f} s")


def _people(environment: Mapping[str, str], steps: int) -> dict[str, Any]:
    words = ["-m", "benchmarks.page_people", str(VISITORS - CUSTOMERS), str(CUSTOMERS), str(steps)]
    made: dict[str, Any] = json.loads(call(words, environment))
    return made


def call(words: list[str], environment: Mapping[str, str]) -> str:
    """What a program of the project prints."""
    result = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, env=dict(environment), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise PagesFailed(f"{' '.join(words)} failed:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result.stdout


def _start_cold(server: Server) -> None:
    """Start Postgres anew: nothing is left in its own memory (the operating system's may still hold files)."""
    server.postgres.stop()
    server.postgres.start()


@contextlib.contextmanager
def site(environment: Mapping[str, str]) -> Iterator[str]:
    """The web server as `make run` starts it; gives host and port."""
    port = places.free_port()
    process = subprocess.Popen(
        web_command("127.0.0.1", port), cwd=PROJECT, env=dict(environment), stdout=subprocess.DEVNULL
    )
    host = f"127.0.0.1:{port}"
    try:
        _wait_for(host, process)
        yield host
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise PagesFailed(f"the web server ended with {process.returncode}")
        connection = http.client.HTTPConnection(host, timeout=2)
        try:
            connection.request("GET", "/health/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise PagesFailed("the web server did not answer")


def _visits(host: str, people: list[dict[str, Any]], *, pause_s: float) -> dict[str, Waited]:
    """What everybody waited, by page."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.page_visitors"],
        cwd=PROJECT,
        input=json.dumps({"host": host, "people": people, "pause_s": pause_s}),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise PagesFailed(f"visits went wrong:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return {page: Waited(tuple(taken)) for page, taken in sorted(json.loads(result.stdout)["seconds"].items())}


def _few_steps(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**person, "steps": person["steps"][-6:]} for person in people]


def _bare(people: dict[str, Any], steps: int) -> list[dict[str, Any]]:
    numbers = people["account_nos"]
    return [
        {
            "cookies": {},
            "steps": [
                {"page": "bare view", "path": f"/{numbers[(person * steps + step) % len(numbers)]}/"}
                for step in range(steps)
            ],
        }
        for person in range(VISITORS)
    ]


def _print(
    accounts: int,
    first: dict[str, Waited],
    warm: dict[str, Waited],
    crowd: dict[str, Waited],
    bare: Waited,
    people: dict[str, Any],
) -> None:
    print(f"\n  {accounts:,} accounts, {VISITORS} visitors; milliseconds p50 / p95 (aim p95 {AIM_P95_MS})")
    print(f"  {'page':<26}{'after a cold start':>20}{'warm':>16}{'no pause':>16}{'to bare':>10}{'SQL':>6}")
    for page, waited in warm.items():
        figures = [f"{w.ms(50):,.0f} / {w.ms(95):,.0f}" for w in (first[page], waited, crowd[page])]
        print(
            f"  {page:<26}{figures[0]:>20}{figures[1]:>16}{figures[2]:>16}"
            f"{waited.ms(50) / bare.ms(50):>10.1f}{people['statements'].get(page, 0):>6}"
        )
    print(f"  {'bare view, one SELECT':<26}{'':>20}{f'{bare.ms(50):,.1f} / {bare.ms(95):,.1f}':>16}")
    print(f"  name search reads a table through: {people['name_search_plan']['reads_a_table_through']}\n")
