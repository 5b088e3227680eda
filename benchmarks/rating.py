"""
Bills from hourly curves and from register readings, side by side with NREL-PySAM's Utilityrate5 and with ratebook.

Every round rates the same customers with each calculator in turn, each in one process on one core, by its CPU clock; a
ratio is the other's CPU time a bill over ours in the same round. Ours folds the hours, rates, rounds every line to fen
and keeps the lines; theirs is timed from numbers it can take to the sum of the bill (Utilityrate5 always computes the
bill with and without a generator, and cannot be told not to). Then the amounts are compared: before rounding they must
be equal, and since they do not round and we round every line, a line may differ by half a fen and by no more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import Peer, install_peers, open_peer
from benchmarks.rating_cases import (
    MONTHS,
    Case,
    Curves,
    make_curves,
    rate_curves,
    rate_readings,
    readings_of,
    tiers,
    time_of_use,
)
from benchmarks.spread import Spread, growth_exponent
from cis.rating import Rated

AIM_CURVES, STRETCH_CURVES, AIM_READINGS = 14, 20, 300
ACCOUNTS = 500
READ = 10_000
"""accounts whose readings are rated at once, as in a shard of a billing run: the same ones over and over"""
# How many of the accounts a slower calculator rates in one round: its cost a bill does not depend on it.
PEERS = {"pysam": 100, "ratebook": 4}
COMPARED = {"pysam": 100, "ratebook": 4}
HALF_A_FEN = 0.5 + 1e-6
NO_FEN = 1e-4
"""what binary fractions may add up to"""
BY_HOURS = "its table of lines counts the whole hour in which a tier is crossed to one tier, so sums are compared"
GROWTH = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Ours:
    """One of our two ways over one case."""

    name: str
    accounts: int
    work: Callable[[], list[Rated]]
    aims: dict[str, float]


def run(short: bool) -> dict[str, Any]:
    """Measure, compare, print, and give what goes into the JSON file."""
    rounds = 3 if short else 9
    absent = install_peers()
    if absent:
        print(f"  the calculators beside ours are absent: {absent}")
    found: dict[str, Any] = {
        "accounts": ACCOUNTS, "accounts_read": READ, "rounds": rounds, "absent": absent,
        "peers_accounts": PEERS, "aims": {"curves": AIM_CURVES, "stretch": STRETCH_CURVES, "readings": AIM_READINGS},
    }  # fmt: skip
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peers = [] if absent else [stack.enter_context(open_peer(name)) for name in PEERS]
        found["peers"] = {peer.name: peer.version for peer in peers}
        found["cases"] = {case.name: _case(case, peers, folder, rounds) for case in (time_of_use(), tiers())}
    found["growth"] = _growth(GROWTH[:2] if short else GROWTH)
    return found


def _case(case: Case, peers: list[Peer], folder: Path, rounds: int) -> dict[str, Any]:
    curves = make_curves(ACCOUNTS, seed=1)
    readings = np.tile(readings_of(case, curves), (1, READ // ACCOUNTS, 1))
    path = folder / "curves"
    curves.tofile(path)
    ways = (
        Ours("curves", ACCOUNTS, lambda: rate_curves(case, curves), {"pysam": AIM_CURVES}),
        Ours("readings", READ, lambda: rate_readings(case, readings), {"pysam": AIM_READINGS}),
    )
    cost: dict[str, list[float]] = {name: [] for name in [*(way.name for way in ways), *(peer.name for peer in peers)]}
    for way in ways:
        way.work()
    for number in range(rounds):
        for way in ways:
            cost[way.name].append(_cpu_s(way.work) / (way.accounts * MONTHS))
        for peer in peers:
            answer = peer.ask(_question(case, path, number, PEERS[peer.name], lines=False))
            cost[peer.name].append(answer["cpu_s"] / (PEERS[peer.name] * MONTHS))
    print(f"  {case.about}: CPU-µs a bill")
    result: dict[str, Any] = {"cpu_us_a_bill": {}, "times_faster": {}, "amounts": {}}
    for name, samples in cost.items():
        spread = Spread.of([sample * 1e6 for sample in samples])
        result["cpu_us_a_bill"][name] = spread.as_json()
        print(f"    {name:10} {spread.text(2):>36}")
    for way in ways:
        for peer in peers:
            ratio = Spread.of([theirs / ours for theirs, ours in zip(cost[peer.name], cost[way.name], strict=True)])
            result["times_faster"].setdefault(way.name, {})[peer.name] = ratio.as_json()
            aim = f"; aim {way.aims[peer.name]}" if peer.name in way.aims else ""
            print(f"    from {way.name}: {ratio.text(0)} times {peer.name}{aim}")
    by_curves, by_readings = (way.work() for way in ways)
    result["both_ways_equal"] = all(_same(a, b) for a, b in zip(by_curves, by_readings, strict=True))
    for peer in peers:
        answer = peer.ask(_question(case, path, 0, COMPARED[peer.name], lines=True))
        result["amounts"][peer.name] = _compared(case, peer.name, by_curves, answer)
        print("    " + _said(peer.name, result["amounts"][peer.name]))
    return result


def _question(case: Case, path: Path, number: int, accounts: int, *, lines: bool) -> dict[str, Any]:
    first = number * accounts % (ACCOUNTS - accounts + 1)
    return {"tariff": case.as_periods, "curves": str(path), "first": first, "accounts": accounts, "lines": lines}


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _same(one: Rated, other: Rated) -> bool:
    # The readings are those of the same accounts, over and over.
    return bool((other.total_fen == np.tile(one.total_fen, READ // ACCOUNTS)).all())


def _compared(case: Case, peer: str, ours: list[Rated], answer: dict[str, Any]) -> dict[str, Any]:
    """Every bill, and every line where lines mean the same, of the accounts that were answered; amounts in fen."""
    by_lines = not (peer == "pysam" and case.windows is None)
    before, after = [0.0], [0.0]
    bills = lines = unmatched = 0
    for account, (theirs, sums) in enumerate(zip(answer["lines_yuan"], answer["bills_yuan"], strict=True)):
        for month, rated in enumerate(ours):
            mine = _lines_fen(rated, account)
            exact = sum(unrounded for unrounded, _ in mine.values())
            before.append(abs(exact - sums[month] * 100))
            after.append(abs(int(rated.total_fen[account]) - sums[month] * 100) / max(len(mine), 1))
            bills += 1
            if by_lines:
                named = {int(case.codes[name]): yuan * 100 for name, yuan in theirs[month].items()}
                unmatched += len(set(mine) ^ set(named))
                lines += len(mine)
                for code in set(mine) & set(named):
                    unrounded, rounded = mine[code]
                    before.append(abs(unrounded - named[code]))
                    after.append(abs(rounded - named[code]))
    return {
        "bills": bills,
        "lines": lines,
        "lines_not_compared": None if by_lines else BY_HOURS,
        "lines_without_a_partner": unmatched,
        "largest_difference_before_rounding_fen": max(before),
        "largest_difference_a_rounded_line_fen": round(max(after), 6),
        "equal_but_for_rounding": unmatched == 0 and max(before) <= NO_FEN and max(after) <= HALF_A_FEN,
    }


def _lines_fen(rated: Rated, account: int) -> dict[int, tuple[float, int]]:
    """Charge to (fen before rounding, fen) of one account's bill."""
    at = rated.lines.row == account
    columns = (rated.lines.code, rated.lines.quantity, rated.lines.price_e8, rated.lines.amount_fen)
    return {
        code: (quantity * price / 1e8, amount)
        for code, quantity, price, amount in zip(*(column[at].tolist() for column in columns), strict=True)
    }


def _said(name: str, amounts: dict[str, Any]) -> str:
    equal = "equal before rounding" if amounts["equal_but_for_rounding"] else "NOT EQUAL"
    lines = f", {amounts['lines']:,} lines" if amounts["lines"] else ""
    return (
        f"{name}: {amounts['bills']:,} bills{lines}, {equal} (at most "
        f"{amounts['largest_difference_before_rounding_fen']:.1e} fen), then at most "
        f"{amounts['largest_difference_a_rounded_line_fen']:.3f} fen a line"
    )


def _growth(sizes: tuple[int, ...]) -> dict[str, Any]:
    """CPU time and memory of our way from curves, each size in a process of its own, customers in shards."""
    rows = []
    for size in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.rating_growth", str(size)], capture_output=True, text=True, check=True
        )
        rows.append({"customers": size, **json.loads(done.stdout)})
        print(
            f"  {size:7,} customers: {rows[-1]['cpu_us_a_bill']:.2f} CPU-µs a bill, peak {rows[-1]['peak_mib']:.0f} MiB"
        )
    exponent = growth_exponent(sizes, [row["cpu_us_a_bill"] * row["customers"] for row in rows])
    print(f"  cost grows as customers to the power of {exponent:.2f}")
    return {"rows": rows, "exponent": round(exponent, 3)}


def growing(customers: int, shard: int = ACCOUNTS) -> dict[str, float]:
    """Rate so many customers' years, shard by shard; curves are made outside the clock."""
    case = time_of_use()
    spent, fen = 0.0, 0
    rate_curves(case, make_curves(shard, seed=0))
    for first in range(0, customers, shard):
        curves: Curves = make_curves(min(shard, customers - first), seed=first + 1)
        began = time.process_time()
        rated = rate_curves(case, curves)
        spent += time.process_time() - began
        fen += sum(int(np.sum(month.total_fen)) for month in rated)
    return {"cpu_us_a_bill": round(spent / (customers * MONTHS) * 1e6, 3), "total_fen": fen}
