"""
What it adds to a list that it shows one's own part of the organisation only, and what a noted look adds to a page.

A utility of a few counties is loaded and billed; then one process asks for the same number of rows of each list, by
turns for the whole utility and for one county, and compares each with its neighbour. Lists are timed twice: the domain
call alone, and the page as the server makes it, without the network. The note that somebody saw a customer's record is
timed beside the page that writes it, processor time of the process and of its Postgres backend together.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.pages import CYCLES, call, load
from benchmarks.server import Server, temporary_server

AIM_RATIO = 1.2
DATABASE = "bench_scoping"

# Runs, jobs and a day's takings as a year of the utility leaves them, one county's after another's.
_MANY = """
INSERT INTO shared_job (kind, parameters, state, org_unit_id, created_at, finished_at, total_units, done_units)
    SELECT 'billing', '{}', 'done', u.id, TIMESTAMPTZ '2026-01-01 08:00+8' + n * INTERVAL '10 minutes',
           TIMESTAMPTZ '2026-01-01 09:00+8' + n * INTERVAL '10 minutes', 1000, 1000
    FROM generate_series(1, %(jobs)s) n JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at,
         count(*) OVER () AS all FROM shared_org_unit WHERE kind = 'county') u ON u.at = n %% u.all ORDER BY n;
INSERT INTO cis_billing_run (job_id, kind, cycle, org_unit_id, created_at, closed_at)
    SELECT j.id, 'regular', 202610, j.org_unit_id, j.created_at, j.finished_at FROM shared_job j
    WHERE NOT EXISTS (SELECT 1 FROM cis_billing_run r WHERE r.job_id = j.id) ORDER BY j.id;
INSERT INTO payments_payment (channel, serial, account_id, amount_fen, prepaid_fen, method, reference, received_at,
                              business_date, org_unit_id)
    SELECT 'counter', 'bench-' || a.id, a.id, 5000 + a.id %% 9000, 0, 'cash', '', TIMESTAMPTZ '2026-11-02 09:00+8',
           DATE '2026-11-02', a.org_unit_id
    FROM cis_account a WHERE a.id %% 10 = 0 ORDER BY a.id;
"""


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file."""
    accounts, jobs, turns = (20_000, 1_000, 30) if short else (200_000, 10_000, 120)
    with temporary_server() as server:
        server.make_database(DATABASE)
        environment = {**server.environment(DATABASE), "LOG_LEVEL": "ERROR"}
        load(server, environment, DATABASE, accounts)
        _add(server, jobs)
        measured = json.loads(call(["-m", "benchmarks.scoping_worker", str(turns)], environment))
        version = server.version()
    _print(accounts, measured)
    return {"postgresql": version, "accounts": accounts, "cycles": len(CYCLES), "aim_ratio": AIM_RATIO, **measured}


def _add(server: Server, jobs: int) -> None:
    with server.connect(DATABASE) as cursor:
        # As the loader does: no trigger writes a history of rows that nobody ever changed.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_MANY, {"jobs": jobs})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM (ANALYZE)")


def _print(accounts: int, measured: dict[str, Any]) -> None:
    print(f"\n  {accounts:,} accounts; one county of {measured['counties']} against all, median of pairs")
    print(f"  {'list':<26}{'rows':>6}{'whole ms':>10}{'scoped ms':>11}{'ratio':>8}{'page ms':>10}{'ratio':>8}")
    for name, figures in measured["lists"].items():
        call_, page = figures["call"], figures["page"]
        print(
            f"  {name:<26}{figures['rows']:>6}{call_['whole_ms']:>10.2f}{call_['scoped_ms']:>11.2f}"
            f"{call_['ratio']['median']:>8.2f}{page['scoped_ms']:>10.1f}{page['ratio']['median']:>8.2f}"
        )
    look = measured["look"]
    print(
        f"  a look: {look['wall_ms']:.2f} ms, {look['cpu_ms']:.2f} CPU-ms; the page {look['page_wall_ms']:.1f} ms, "
        f"{look['page_cpu_ms']:.1f} CPU-ms; share {look['share_of_wall']:.1%} and {look['share_of_cpu']:.1%}\n"
    )
