"""
Payments through the banks' HTTP API and by the operation alone, against what the same PostgreSQL can do at all.

Three measures in one run on one durable server (`synchronous_commit` on), accounts with open bills behind them:

- the HTTP API: banks pay all at once (what it can take), then at seven tenths of that, open loop, with latency from the
  intended moment; beside it pgbench's TPC-B on the same server, before and after. Banks with one clearing account each
  against one bank with one: nothing queues at a hot account.
- the operation alone against bare psycopg2 that sends the same statements with the same values to a copy of the same
  database, by CPU-second of client and backend.
- the balance of an account with a million transfers.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.crew import Stretch, crew
from benchmarks.pages import call, load
from benchmarks.pages import site as web_site
from benchmarks.processes import server_cpu
from benchmarks.server import Server, temporary_server
from benchmarks.spread import Spread
from config.embedded.places import PROJECT
from config.embedded.postgres import find_binaries

AIM_TPCB, AIM_BARE = 0.3, 0.5
DATABASE = "bench_payments"
CONNECTIONS = 16
LOAD_SHARE = 0.7
CLIENTS = 8
BANKS = 8
MILLION = 1_000_000

_BIG = """
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date)
SELECT 3, 2000000000 + n, 1, %(account)s, -1011, %(account)s * 10 + 2, 1, now(), %(day)s
FROM generate_series(1, %(rows)s) n
"""


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file."""
    accounts, payments, rounds, alone = (5_000, 600, 1, 300) if short else (50_000, 6_000, 3, 2_000)
    with temporary_server() as server:
        server.make_database(DATABASE)
        environment = {**server.environment(DATABASE), "LOG_LEVEL": "ERROR"}
        load(server, environment, DATABASE, accounts)
        banks = json.loads(call(["-m", "benchmarks.payments_people", str(BANKS), str(accounts)], environment))
        operation = _alone(server, environment, rounds, alone)
        over_http = _over_http(server, environment, banks, rounds, payments)
        balance = _balance(server, environment, banks["bank_date"], 100_000 if short else MILLION)
        version = server.version()
    result = {
        "postgresql": version, "accounts": accounts, "aim_of_tpcb": AIM_TPCB, "aim_of_bare": AIM_BARE,
        "over_http": over_http, "operation": operation, "balance": balance,
    }  # fmt: skip
    _print(result)
    return result


# --- The operation and the same statements ------------------------------------------------------


def _alone(server: Server, environment: Mapping[str, str], rounds: int, payments: int) -> dict[str, Any]:
    """One payment an account: recorded on a copy, then by the operation and bare, each on a fresh copy."""
    ratios, ours_ms, bare_ms, statements = [], [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            kept = str(Path(folder) / f"{number}.statements")
            statements = _on_copy(server, environment, [f"take 100 {payments} {kept}"]).answers[0]["statements"]
            turns = ([f"take 100 {payments} -"], [f"replay {kept}"])
            first, second = turns if number % 2 == 0 else turns[::-1]
            costs = {words[0].split()[0]: _on_copy(server, environment, words).cpu_s for words in (first, second)}
            ours_ms.append(costs["take"] / payments * 1000)
            bare_ms.append(costs["replay"] / payments * 1000)
            ratios.append(costs["replay"] / costs["take"])
    return {
        "payments": payments,
        "statements": statements,
        "ours_cpu_ms": Spread.of(ours_ms).as_json(),
        "bare_cpu_ms": Spread.of(bare_ms).as_json(),
        "of_bare": Spread.of(ratios).as_json(),
    }


def _on_copy(server: Server, environment: Mapping[str, str], words: list[str]) -> Stretch:
    name = f"{DATABASE}_copy"
    server.drop_database(name)
    server.copy_database(DATABASE, name)
    mine = {
        **environment,
        **{key: value for key, value in server.environment(name).items() if key.startswith("DATABASE")},
    }
    program = ["-m", "benchmarks.payments_worker", *(["bare"] if words[0].startswith("replay") else [])]
    with crew(program, workers=1, environment=mine, postmaster=server.postmaster) as one:
        # Everything has been used once, and every sequence stands where it stood when the statements were recorded.
        one.tell([["take 50 20 -"]])
        measured = one.measure([words])
    server.drop_database(name)
    return measured


# --- Over HTTP ----------------------------------------------------------------------------------


def _over_http(
    server: Server, environment: Mapping[str, str], banks: dict[str, Any], rounds: int, payments: int
) -> dict[str, Any]:
    rates, ratios, by_cpu, tpcb, hot, late, generator = [], [], [], [], [], [], []
    _pgbench(server, environment, 0)
    with web_site(environment) as host:
        _banks_pay(host, banks, count=200, rate=0.0)
        for _round in range(rounds):
            before = _pgbench(server, environment, 10)
            cost = server_cpu(server.postmaster), _web_cpu(host)
            full = _banks_pay(host, banks, count=payments, rate=0.0)
            spent = _spent(cost[0], server_cpu(server.postmaster)) + _web_cpu(host) - cost[1]
            one = _banks_pay(host, {**banks, "banks": banks["banks"][:1]}, count=payments, rate=0.0)
            calm = _banks_pay(host, banks, count=payments, rate=LOAD_SHARE * full["rate"])
            after = _pgbench(server, environment, 10)
            peer = {name: (before[name] + after[name]) / 2 for name in before}
            rates.append(full["rate"])
            tpcb.append(peer["tps"])
            ratios.append(full["rate"] / peer["tps"])
            by_cpu.append(payments / spent / peer["per_cpu_s"])
            hot.append(one["rate"] / full["rate"])
            late.append(calm["late_ms"])
            generator.append(full["cpu_s"] / full["wall_s"])
    return {
        "payments": payments,
        "connections": CONNECTIONS,
        "per_second": Spread.of(rates).as_json(),
        "tpcb_per_second": Spread.of(tpcb).as_json(),
        "of_tpcb": Spread.of(ratios).as_json(),
        "of_tpcb_by_server_cpu": Spread.of(by_cpu).as_json(),
        "one_bank_of_eight": Spread.of(hot).as_json(),
        "generator_cores": Spread.of(generator).as_json(),
        "load_share": LOAD_SHARE,
        "late_ms": {f"p{mark}": _middle([np.percentile(one, mark) for one in late]) for mark in (50, 95, 99)},
    }  # fmt: skip


def _middle(values: list[Any]) -> float:
    return round(float(np.median(values)), 1)


def _banks_pay(host: str, banks: dict[str, Any], *, count: int, rate: float) -> dict[str, Any]:
    told = {
        **banks,
        "host": host,
        "count": count,
        "rate": rate,
        "connections": CONNECTIONS,
        "run": secrets.token_hex(4),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.payments_banks"], cwd=PROJECT, input=json.dumps(told) + "\n",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the banks failed:\n{done.stderr[-3000:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    if said["wrong"]:
        raise RuntimeError(f"payments were refused: {said['wrong']}")
    return {**said, "rate": count / said["wall_s"]}


def _pgbench(server: Server, environment: Mapping[str, str], seconds: int) -> dict[str, float]:
    """TPC-B at scale 20 with eight clients; 0 seconds: only make its tables."""
    program = Path(find_binaries()) / "pgbench"
    url = server.postgres.url("postgres")
    if not seconds:
        _program([str(program), "-i", "-q", "-s", "20", url])
        return {}
    before = server_cpu(server.postmaster)
    said = _program([str(program), "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-P", "60", url])
    found = re.search(r"tps = ([0-9.]+)", said)
    if found is None:
        raise RuntimeError(f"pgbench said:\n{said}")
    tps = float(found[1])
    return {"tps": tps, "per_cpu_s": tps * seconds / _spent(before, server_cpu(server.postmaster))}


def _program(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _spent(before: Any, after: Any) -> float:
    """All CPU seconds of the server between two readings, backends that came and went among them."""
    whole = [sum(one.backends.values()) + sum(one.own.values()) + one.ended for one in (before, after)]
    return whole[1] - whole[0]


def _web_cpu(host: str) -> float:
    """CPU seconds of the web server's processes so far."""
    port = host.rpartition(":")[2]
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"--port" in words and words[words.index(b"--port") + 1] == port.encode():
                total += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13])) / 100
        except (OSError, ValueError, IndexError):
            continue
    return total


# --- A big account ------------------------------------------------------------------------------


def _balance(server: Server, environment: Mapping[str, str], day: str, rows: int) -> dict[str, Any]:
    with server.connect(DATABASE) as cursor:
        cursor.execute(_BIG, {"account": 7, "day": day, "rows": rows})
        cursor.execute("VACUUM (ANALYZE) cis_ledger_transfer")
    with crew(
        ("-m", "benchmarks.payments_worker"), workers=1, environment=environment, postmaster=server.postmaster
    ) as one:
        one.tell([["balance 8 50"]])
        small, big = (one.tell([[f"balance {account} 200"]])[0]["us"] for account in (8, 7))
    return {
        "transfers": rows,
        "median_us": round(float(np.median(big)), 1),
        "p99_us": round(float(np.percentile(big, 99)), 1),
        "of_small_account": round(float(np.median(big) / np.median(small)), 2),
    }


def _print(result: dict[str, Any]) -> None:
    web, operation, balance = result["over_http"], result["operation"], result["balance"]
    print(f"\n  over HTTP: {_text(web['per_second'])} payments a second, TPC-B {_text(web['tpcb_per_second'])}")
    print(f"  ratio {_text(web['of_tpcb'], 2)} (aim {AIM_TPCB})")
    print(f"  ratio by CPU of both servers {_text(web['of_tpcb_by_server_cpu'], 2)}")
    print(f"  at {LOAD_SHARE:.0%} of it, from the intended moment: {web['late_ms']} ms")
    print(f"  all to one clearing account against eight: {_text(web['one_bank_of_eight'], 2)}")
    print(
        f"  the operation: {operation['statements']} statements, {_text(operation['ours_cpu_ms'], 2)} CPU-ms against "
        f"{_text(operation['bare_cpu_ms'], 2)} bare; {_text(operation['of_bare'], 2)} of bare (aim {AIM_BARE})"
    )
    print(f"  balance with {balance['transfers']:,} transfers: {balance['median_us']} us, p99 {balance['p99_us']} us\n")


def _text(figures: Mapping[str, Any], digits: int = 0) -> str:
    return Spread.of(figures["samples"]).text(digits)
