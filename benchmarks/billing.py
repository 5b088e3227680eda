"""
Billing end to end, readings in Postgres to bills, lines, usage and transfers in Postgres, against a raw binary COPY.

Each round bills one more month of the same accounts with two worker processes, then takes the finished rows out again
and COPYs them, packed with numpy, into tables with the same history, keys, indexes and checks but without triggers.
CPU seconds are those of the clients and of their Postgres backends; start-up of the processes is left out on both
sides, what Postgres does besides (write-ahead log, checkpoints, autovacuum) is shown apart. All of a run counts:
cutting it into shards, claiming them, locks, determinants, rating, balances, its events and its closing check.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.charts import svg_chart, text_chart
from benchmarks.copy_worker import make_limit_tables
from benchmarks.crew import Crew, Stretch, crew
from benchmarks.server import Server, temporary_server
from benchmarks.spread import Spread, growth_exponent
from benchmarks.world import FIRST_CYCLE, add_readings, make_world

AIM_RATIO, STRETCH_RATIO = 0.5, 0.7
AIM_BILLS_PER_S = 5_000
AIM_PEAK_MIB = 1_536
WORKERS = 2
SHARD_SIZE = 20_000
TEMPLATE = "bench_template"
LIMIT_OF = {"limit": WORKERS, "solo": 1}
"""Prefix of the tables without triggers to how many processes fill them."""

_BILLING_WORKER = ("-m", "benchmarks.billing_worker")


@dataclass
class Measured:
    """The rounds of one number of accounts."""

    accounts: int
    bills: list[int] = field(default_factory=list)
    ours: list[Stretch] = field(default_factory=list)
    limits: dict[str, list[Stretch]] = field(default_factory=lambda: {prefix: [] for prefix in LIMIT_OF})
    without_trigger: Stretch | None = None
    untriggered_bills: int = 0

    def ratio(self, prefix: str) -> Spread:
        """CPU seconds of the COPY over ours, round by round."""
        return Spread.of([c.cpu_s / o.cpu_s for c, o in zip(self.limits[prefix], self.ours, strict=True)])

    def whole_ratio(self, prefix: str) -> Spread:
        """The same with everything else the server spent meanwhile."""
        pairs = zip(self.limits[prefix], self.ours, strict=True)
        return Spread.of([c.whole_cpu_s / o.whole_cpu_s for c, o in pairs])

    def microseconds(self, stretches: Sequence[Stretch], part: str = "cpu_s") -> Spread:
        """CPU microseconds a bill."""
        return Spread.of([getattr(s, part) / n * 1e6 for s, n in zip(stretches, self.bills, strict=True)])

    def bills_per_s(self) -> Spread:
        """Bills a second by the clock."""
        return Spread.of([n / s.wall_s for s, n in zip(self.ours, self.bills, strict=True)])

    def peak_mib(self) -> float:
        """The most memory one worker held."""
        return max(stretch.peak_mib for stretch in self.ours)

    def as_json(self) -> dict[str, Any]:
        """Medians with every raw sample."""
        result: dict[str, Any] = {
            "accounts": self.accounts,
            "bills": self.bills,
            "ratio": self.ratio("limit").as_json(),
            "ratio_to_one_process": self.ratio("solo").as_json(),
            "ratio_with_server_processes": self.whole_ratio("limit").as_json(),
            "bills_per_wall_s": self.bills_per_s().as_json(),
            "cpu_us_a_bill": self.microseconds(self.ours).as_json(),
            "clients_us_a_bill": self.microseconds(self.ours, "clients_s").as_json(),
            "backends_us_a_bill": self.microseconds(self.ours, "backends_s").as_json(),
            "copy_cpu_us_a_bill": self.microseconds(self.limits["limit"]).as_json(),
            "copy_by_one_process_cpu_us_a_bill": self.microseconds(self.limits["solo"]).as_json(),
            "peak_mib_a_worker": round(self.peak_mib(), 1),
            "raw": {
                "ours": [stretch.as_json() for stretch in self.ours],
                **{prefix: [s.as_json() for s in found] for prefix, found in self.limits.items()},
            },
        }
        if self.without_trigger is not None:
            result["without_ledger_trigger_us_a_bill"] = self.without_trigger.cpu_s / self.untriggered_bills * 1e6
            result["raw"]["without_ledger_trigger"] = self.without_trigger.as_json()
        return result


class RunDisagrees(RuntimeError):
    """A billing run did not end as it must; its speed says nothing."""


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file."""
    main, rounds = (20_000, 2) if short else (200_000, 3)
    others = {10_000: 1} if short else {10_000: 3, 50_000: 2, 1_000_000: 1}
    measured: dict[int, Measured] = {}
    with temporary_server() as server:
        server.make_database(TEMPLATE)
        for accounts in sorted([main, *others]):
            is_main = accounts == main
            measured[accounts] = _measure(server, accounts, rounds if is_main else others[accounts], in_depth=is_main)
        version = server.version()
    _print_main(measured[main])
    growth = _print_growth(measured, short)
    return {
        "postgresql": version,
        "aims": {
            "ratio": AIM_RATIO,
            "ratio_stretch": STRETCH_RATIO,
            "bills_per_wall_s": AIM_BILLS_PER_S,
            "peak_mib_a_worker": AIM_PEAK_MIB,
        },
        "workers": WORKERS,
        "shard_size": SHARD_SIZE,
        "main": measured[main].as_json(),
        "growth": growth,
        "sizes": [measured[accounts].as_json() for accounts in sorted(others)],
    }


def _measure(server: Server, accounts: int, rounds: int, *, in_depth: bool) -> Measured:
    """Make the accounts in a database of their own and bill them for some months."""
    database = f"bench_{accounts}"
    began = time.perf_counter()
    server.copy_database(TEMPLATE, database)
    result = Measured(accounts)
    with server.connect(database) as cursor:
        make_world(cursor, accounts)
        for prefix in LIMIT_OF:
            make_limit_tables(cursor, prefix)
        print(f"  {accounts:,} accounts made in {time.perf_counter() - began:.0f} s", flush=True)
        environment = server.environment(database)
        with crew(_BILLING_WORKER, workers=WORKERS, environment=environment, postmaster=server.postmaster) as workers:
            for number in range(rounds):
                cycle = FIRST_CYCLE + number
                add_readings(cursor, accounts, cycle)
                if number == 0:
                    workers.tell([[f"warm {cycle}"]] * WORKERS)
                cursor.execute("CHECKPOINT")
                run_id, ours = _bill(workers, cycle)
                result.ours.append(ours)
                result.bills.append(_check(cursor, run_id, accounts))
                for prefix in LIMIT_OF:
                    cursor.execute("CHECKPOINT")
                    result.limits[prefix].append(_copy(server, database, prefix, run_id))
                _say_round(number + 1, result)
            if in_depth:
                cycle = FIRST_CYCLE + rounds
                add_readings(cursor, accounts, cycle)
                cursor.execute("ALTER TABLE cis_ledger_transfer DISABLE TRIGGER ledger_after_insert")
                cursor.execute("CHECKPOINT")
                run_id, result.without_trigger = _bill(workers, cycle)
                result.untriggered_bills = _check(cursor, run_id, accounts)
    server.drop_database(database)
    return result


def _bill(workers: Crew, cycle: int) -> tuple[int, Stretch]:
    """One run by all workers, from cutting it to its closing check."""
    started = workers.measure([[f"start {cycle} {SHARD_SIZE}"]])
    job = started.answers[0]["job"]
    worked = workers.measure([[f"work {job}"]] * WORKERS)
    return started.answers[0]["run"], started.followed_by(worked)


def _check(cursor: Any, run_id: int, accounts: int) -> int:
    """How many bills a run made; it must have billed everybody and agree with itself."""
    cursor.execute(
        "SELECT r.closing ->> 'agrees', (r.closing ->> 'bills')::int, j.state FROM cis_billing_run r "
        "JOIN shared_job j ON j.id = r.job_id WHERE r.id = %s",
        [run_id],
    )
    agrees, bills, state = cursor.fetchone()
    if (agrees, bills, state) != ("true", accounts, "done"):
        raise RunDisagrees(f"run {run_id}: agrees {agrees}, {bills} bills of {accounts}, job {state}")
    return int(bills)


def _copy(server: Server, database: str, prefix: str, run_id: int) -> Stretch:
    """The raw COPY of a run's rows by as many processes as the prefix says."""
    processes = LIMIT_OF[prefix]
    words = ("-m", "benchmarks.copy_worker", server.postgres.url(database), prefix)
    environment = server.environment(database)
    with crew(words, workers=processes, environment=environment, postmaster=server.postmaster) as workers:
        workers.tell([[f"read {run_id} {mark} {processes}"] for mark in range(processes)])
        return workers.measure([["copy"]] * processes)


def _say_round(number: int, result: Measured) -> None:
    ours, bills = result.ours[-1], result.bills[-1]
    limits = ", ".join(
        f"COPY by {LIMIT_OF[prefix]} {found[-1].cpu_s / bills * 1e6:.1f}" for prefix, found in result.limits.items()
    )
    print(
        f"    round {number}: {bills / ours.wall_s:,.0f} bills/s, {ours.cpu_s / bills * 1e6:.1f} CPU-µs a bill "
        f"({ours.clients_s / bills * 1e6:.1f} in the workers); {limits}",
        flush=True,
    )


def _print_main(main: Measured) -> None:
    def row(name: str, value: str, aim: str = "") -> None:
        print(f"  {name:<44}{value:>30}  {aim}")

    print(f"\n  {main.accounts:,} accounts, {len(main.ours)} rounds: median (least to most)")
    row("ratio to a raw COPY by CPU-second", main.ratio("limit").text(2), f"aim {AIM_RATIO}, stretch {STRETCH_RATIO}")
    row("  to a COPY by one process", main.ratio("solo").text(2))
    row("  with the server's own processes", main.whole_ratio("limit").text(2))
    row("bills a second, two workers", main.bills_per_s().text(), f"aim {AIM_BILLS_PER_S:,}")
    row("peak MiB a worker", f"{main.peak_mib():,.0f}", f"aim {AIM_PEAK_MIB:,}")
    row("CPU-µs a bill", main.microseconds(main.ours).text(1))
    row("  of it in the workers", main.microseconds(main.ours, "clients_s").text(1))
    row("  of it in Postgres backends", main.microseconds(main.ours, "backends_s").text(1))
    row("raw COPY, two processes, CPU-µs a bill", main.microseconds(main.limits["limit"]).text(1))
    row("raw COPY, one process, CPU-µs a bill", main.microseconds(main.limits["solo"]).text(1))
    if main.without_trigger is not None:
        without = main.without_trigger.cpu_s / main.untriggered_bills * 1e6
        kept = main.microseconds(main.ours).median
        row("without the balances' trigger, CPU-µs a bill", f"{without:,.1f}", f"balances: {1 - without / kept:.0%}")


def _print_growth(measured: dict[int, Measured], short: bool) -> dict[str, Any]:
    """Print and draw the cost of a bill over the number of accounts."""
    found = [measured[accounts] for accounts in sorted(measured)]
    series = {
        "billing": [(float(m.accounts), m.microseconds(m.ours).median) for m in found],
        "raw COPY of the same rows": [(float(m.accounts), m.microseconds(m.limits["limit"]).median) for m in found],
    }
    print("\n  CPU-µs a bill by number of accounts")
    print("  " + text_chart(series, unit="µs").replace("\n", "\n  "))
    sizes = [size for size, _ in series["billing"]]
    exponent = growth_exponent(sizes, [size * cost for size, cost in series["billing"]])
    print(f"  total cost grows with the number of accounts to the power of {exponent:.2f}\n")
    drawing = svg_chart(
        series,
        title="What a bill costs as the utility grows",
        x_label="accounts (logarithmic)",
        y_label="CPU-µs a bill, clients and Postgres backends",
    )
    name = f"billing-growth{'-short' if short else ''}.svg"
    (Path(__file__).parent / "results" / name).write_text(drawing, "utf-8")
    return {"exponent": round(exponent, 3), "cpu_us_a_bill": {k: [list(p) for p in v] for k, v in series.items()}}
