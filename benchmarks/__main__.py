"""
Benchmarks: `python -m benchmarks` runs every one in its short form, `python -m benchmarks NAME` one in full.

`--short` asks for the short form of one. Results are printed and written to `benchmarks/results/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import billing, forecast, kernel, laboratory, pages, payments, rating, scoping, shedding
from benchmarks.machine import describe_machine, describe_versions, revision
from benchmarks.registry import Benchmark, Registry, UnknownBenchmark

RESULTS = Path(__file__).parent / "results"

REGISTRY = Registry()
REGISTRY.add("kernel", "the rating kernel alone, bills per core-second", kernel.run)
REGISTRY.add("rating", "hourly curves and readings to bills, beside PySAM and ratebook", rating.run)
REGISTRY.add("billing", "readings to bills in Postgres against a raw COPY of the same rows", billing.run)
REGISTRY.add("laboratory", "a draft tariff tried on a year of bills, up to a million accounts", laboratory.run)
REGISTRY.add("pages", "what people wait for, with a million accounts behind the pages", pages.run)
REGISTRY.add("payments", "banks pay over HTTP against TPC-B, the operation against bare psycopg2", payments.run)
REGISTRY.add("scoping", "what it adds that a list shows one's own part only, and what a noted look costs", scoping.run)
REGISTRY.add("shedding", "shortage plans of up to 2,000 customers, against a bound and the greedy way", shedding.run)
REGISTRY.add("forecast", "tomorrow's load on measured series, against last week and the operator", forecast.run)


def main(words: list[str]) -> int:
    """Run what is asked for; 2 when there is no such benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", help="one of: " + ", ".join(b.name for b in REGISTRY.all()))
    parser.add_argument("--short", action="store_true", help="the short form of one benchmark")
    arguments = parser.parse_args(words)
    try:
        chosen = REGISTRY.all() if arguments.name is None else (REGISTRY.get(arguments.name),)
    except UnknownBenchmark as error:
        print(error, file=sys.stderr)
        return 2
    for benchmark in chosen:
        run(benchmark, short=arguments.short or arguments.name is None)
    return 0


def run(benchmark: Benchmark, *, short: bool) -> None:
    """Run one benchmark and write its JSON; the short form has a file of its own, which is not kept in git."""
    machine, began = describe_machine(), datetime.now(UTC)
    print(f"▸ {benchmark.name}: {benchmark.about}{' (short form)' if short else ''}")
    print(
        f"  {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"load before {machine['load_before']}"
    )
    figures = benchmark.run(short)
    result = {
        "benchmark": benchmark.name,
        "form": "short" if short else "full",
        "at": began.isoformat(timespec="seconds"),
        "took_s": round((datetime.now(UTC) - began).total_seconds()),
        "revision": revision(),
        "machine": machine,
        "versions": describe_versions(figures.pop("postgresql", None)),
        **figures,
    }
    path = RESULTS / f"{benchmark.name}{'-short' if short else ''}.json"
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"  {', '.join(f'{name} {version}' for name, version in result['versions'].items())}; {result['revision']}")
    print(f"  {path.relative_to(RESULTS.parents[1])}, {result['took_s']} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
