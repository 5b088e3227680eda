"""
The tariff laboratory: a draft tried on every bill of a year, of up to a million accounts, two workers.

The bills are real: a utility is made, read and billed month by month through the billing run. Then a draft equal to the
household tariff is tried on the bills of that tariff, which must come out the same to the fen, and one with another
price on the bills of everybody. Each trial rates every bill twice, by its own version and by the draft. What Postgres
counts of rows written says that no table but those of trials and jobs was touched.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

from benchmarks.crew import Crew, Stretch, crew
from benchmarks.server import Server, temporary_server
from benchmarks.spread import growth_exponent
from benchmarks.world import FIRST_CYCLE, add_readings, make_world

MONTHS = 12
WORKERS = 2
BILLED_AT_ONCE = 20_000
TEMPLATE = "bench_template"
LAST_CYCLE = FIRST_CYCLE + MONTHS - 1
DRAFT_PRICE = "0.548"
_WRITES = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
WHERE relname NOT LIKE 'cis\\_trial%' AND relname NOT LIKE 'cis\\_tariff\\_%' AND relname NOT LIKE 'shared\\_job%'
  AND relname NOT LIKE 'shared\\_outbox%' AND relname <> 'shared_user' AND relname NOT LIKE '%event'
"""
# Postgres's counters hear of what a process wrote when it ends, or a moment after.
_COUNTERS_LAG_S = 2.0


class TrialDisagrees(RuntimeError):
    """A trial did not come out as it must; its speed says nothing."""


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file."""
    sizes = (2_000, 10_000) if short else (10_000, 100_000, 1_000_000)
    with temporary_server() as server:
        server.make_database(TEMPLATE)
        rows = [_measured(server, accounts) for accounts in sizes]
        version = server.version()
    exponent = growth_exponent(sizes, [row["everybody"]["cpu_s"] for row in rows])
    print(f"  cost grows as accounts to the power of {exponent:.2f}")
    return {"postgresql": version, "months": MONTHS, "workers": WORKERS, "sizes": rows, "exponent": round(exponent, 3)}


def _measured(server: Server, accounts: int) -> dict[str, Any]:
    database = f"bench_{accounts}"
    server.copy_database(TEMPLATE, database)
    began = time.perf_counter()
    _bill_a_year(server, database, accounts)
    with server.connect(database) as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT count(*), sum(total_fen)::bigint FROM cis_bill WHERE cycle >= %s", [FIRST_CYCLE])
        bills, billed_fen = cursor.fetchone()
    print(f"  {accounts:,} accounts, {bills:,} bills made in {time.perf_counter() - began:.0f} s", flush=True)
    before = _writes(server, database)
    with _workers(server, database) as workers:
        same, same_result = _tried(workers, "same")
        everybody, result = _tried(workers, DRAFT_PRICE)
    touched = {name: count for name, count in _writes(server, database).items() if count != before.get(name)}
    _check(bills, billed_fen, accounts, same_result, result, touched)
    row = {
        "accounts": accounts,
        "bills": bills,
        "equal_draft": _figures(same, same_result["sums"]),
        "everybody": _figures(everybody, result["sums"]),
        "tables_touched": sorted(touched),
        "kept": result["kept"],
    }
    for name in ("equal_draft", "everybody"):
        found = row[name]
        print(
            f"    {name.replace('_', ' ')}: {found['bills']:,} bills in {found['wall_s']:.1f} s, "
            f"{found['cpu_us_a_bill']:.1f} CPU-µs a bill, peak {found['peak_mib']:.0f} MiB a worker; "
            f"{found['winners']:,} pay less, {found['losers']:,} more, {found['difference_fen'] / 100:+,.2f} yuan"
        )
    server.drop_database(database)
    return row


def _bill_a_year(server: Server, database: str, accounts: int) -> None:
    with server.connect(database) as cursor:
        make_world(cursor, accounts)
    with _workers(server, database) as workers:
        for cycle in range(FIRST_CYCLE, LAST_CYCLE + 1):
            with server.connect(database) as cursor:
                add_readings(cursor, accounts, cycle)
                cursor.execute("ANALYZE cis_reading")
            (started,) = workers.tell([[f"start {cycle} {BILLED_AT_ONCE}"]])
            workers.tell([[f"work {started['job']}"]] * WORKERS)


def _workers(server: Server, database: str) -> AbstractContextManager[Crew]:
    words = ("-m", "benchmarks.laboratory_worker")
    return crew(words, workers=WORKERS, environment=server.environment(database), postmaster=server.postmaster)


def _tried(workers: Crew, price: str) -> tuple[Stretch, dict[str, Any]]:
    (begun,) = workers.tell([[f"try {FIRST_CYCLE} {LAST_CYCLE} {price}"]])
    stretch = workers.measure([[f"work {begun['job']}"]] * WORKERS)
    (result,) = workers.tell([[f"result {begun['trial']}"]])
    return stretch, result


def _writes(server: Server, database: str) -> dict[str, int]:
    time.sleep(_COUNTERS_LAG_S)
    with server.connect(database) as cursor:
        cursor.execute(_WRITES)
        return dict(cursor.fetchall())


def _check(
    bills: int, billed_fen: int, accounts: int, same: dict[str, Any], every: dict[str, Any], touched: dict[str, int]
) -> None:
    sums = same["sums"]
    if sums["winners"] or sums["losers"] or sums["billed_fen"] != sums["draft_fen"] or same["left_out"]:
        raise TrialDisagrees(f"a draft equal to the tariff changed something: {same}")
    tried = every["sums"]
    if (tried["bills"], tried["billed_fen"], tried["accounts"]) != (bills, billed_fen, accounts) or every["left_out"]:
        raise TrialDisagrees(f"not every bill was tried: {every}, {bills} bills of {billed_fen} fen")
    if touched:
        raise TrialDisagrees(f"tables were written to: {touched}")


def _figures(stretch: Stretch, sums: dict[str, int]) -> dict[str, Any]:
    return {
        **sums,
        "difference_fen": sums["draft_fen"] - sums["billed_fen"],
        "cpu_us_a_bill": round(stretch.cpu_s / sums["bills"] * 1e6, 2),
        "cpu_s": round(stretch.cpu_s, 2),
        **stretch.as_json(),
    }
