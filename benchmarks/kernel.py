"""The rating kernel alone: columns of energy in, bill lines out, one core, no database."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spread import Spread
from cis.rating import CompiledTariff, Register, Usage, compile_rules, rate, read_catalogue

AIM_PER_CORE_S = 500_000
ROWS = 200_000
_TABLES = Path(__file__).resolve().parents[1] / "cis/data/tariffs.json"


def run(short: bool) -> dict[str, Any]:
    """Household bills with annual tiers, and time-of-use bills with funds, per second of one core."""
    rules = {record.code: record.rules for record in read_catalogue(_TABLES.read_text("utf-8")).records}
    times = 3 if short else 9
    rng = np.random.default_rng(1)
    before = rng.integers(0, 500_000, ROWS)
    home = Usage.of(7, {Register.TOTAL: rng.integers(0, 60_000, ROWS)}, tier_kwh_e2_before=before)
    periods = (Register.SHARP, Register.PEAK, Register.FLAT, Register.VALLEY)
    energy = {register: rng.integers(0, 900_000, ROWS) * 100 for register in periods}
    shop = Usage.of(1, {Register.TOTAL: sum(energy.values()), **energy})
    residential = _bills_per_core_s(compile_rules(rules["HB-RES"]), home, times)
    time_of_use = _bills_per_core_s(compile_rules(rules["HB-2026-01-1P-LT1"]), shop, times)
    print(f"  household, annual tiers     {residential.text():>38} bills per core-second; aim {AIM_PER_CORE_S:,}")
    print(f"  shop, four periods, funds   {time_of_use.text():>38} bills per core-second")
    return {
        "rows": ROWS,
        "residential_bills_per_core_s": residential.as_json(),
        "time_of_use_bills_per_core_s": time_of_use.as_json(),
        "aim": AIM_PER_CORE_S,
        "aim_met": residential.median >= AIM_PER_CORE_S,
    }


def _bills_per_core_s(tariff: CompiledTariff, usage: Usage, times: int) -> Spread:
    rate(tariff, usage)
    samples = []
    for _ in range(times):
        began = time.process_time()
        rate(tariff, usage)
        samples.append(len(usage) / (time.process_time() - began))
    return Spread.of(samples)
