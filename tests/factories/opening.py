"""A folder of another system's accounts, with control totals that fit unless a test says otherwise."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

Lines = list[dict[str, str]]

ZHAO, SHOP, NEW = "8800000001", "8800000002", "8800000003"
"""a household that is about to pass its first tier, a shop in arrears, and a household that was never billed"""


def hand_over() -> dict[str, Lines]:
    """Three accounts as they stood at the cut-over on 2 April 2026."""
    return {
        "customers": [
            {"customer_no": "C1", "kind": "person", "name": "赵六", "phone": "10000000001", "identity_no": ""},
            {"customer_no": "C2", "kind": "enterprise", "name": "东湖五金店", "phone": "", "identity_no": ""},
        ],
        "accounts": [
            _account(ZHAO, "C1", opened_on="2019-05-01"),
            _account(SHOP, "C2", opened_on="2020-05-01"),
            _account(NEW, "C1", opened_on="2026-04-02"),
        ],
        "contracts": [
            _contract(ZHAO, "HB-RES", "residential", "2019-05-01"),
            _contract(SHOP, "HB-2026-01-1P-LT1", "commercial", "2026-01-01"),
            _contract(NEW, "HB-RES", "residential", "2026-04-02"),
        ],
        "meters": [
            _meter(ZHAO, "2019-05-01"),
            _meter(SHOP, "2020-05-01", ct_ratio="40"),
            _meter(NEW, "2026-04-02"),
        ],
        "registers": [
            _register(ZHAO, "total", "2026-04-01", "5321.5"),
            *(
                _register(SHOP, name, "2026-04-01", value)
                for name, value in (
                    ("total", "1000"), ("sharp", "100"), ("peak", "300"), ("flat", "400"), ("valley", "200"),
                )
            ),
            _register(NEW, "total", "2026-04-02", "0"),
        ],
        "bills": [
            _bill("A-1", ZHAO, 202603, "2026-03-01", "2026-04-01", "300", "167.40", "0.00"),
            _bill("A-2", SHOP, 202602, "2026-02-01", "2026-03-01", "800", "640.00", "140.00"),
            _bill("A-3", SHOP, 202603, "2026-03-01", "2026-04-01", "900.5", "720.40", "720.40"),
        ],
        "prepayments": [{"account_no": ZHAO, "balance_yuan": "5.00"}],
        "tier_energy": [{"account_no": ZHAO, "as_of": "2026-04-01", "energy_kwh": "2150"}],
    }  # fmt: skip


def _account(number: str, customer: str, opened_on: str) -> dict[str, str]:
    return {
        "account_no": number, "customer_no": customer, "org_unit": "T429901", "route": "T-R00", "district": "T-D1",
        "address": "东湖区桂苑路8号", "door": f"{number[-1]}号", "opened_on": opened_on,
    }  # fmt: skip


def _contract(number: str, tariff: str, price_class: str, valid_from: str) -> dict[str, str]:
    return {
        "account_no": number, "tariff": tariff, "price_class": price_class, "voltage": "<1kV", "capacity_kva": "8",
        "people": "", "demand_mode": "", "contract_demand_kw": "", "power_factor": "", "valid_from": valid_from,
    }  # fmt: skip


def _meter(number: str, installed_on: str, ct_ratio: str = "") -> dict[str, str]:
    return {
        "account_no": number, "point_no": f"Q{number}", "meter_no": f"N{number}", "model": "DDZY", "digits": "6",
        "ct_ratio": ct_ratio, "pt_ratio": "", "installed_on": installed_on,
    }  # fmt: skip


def _register(number: str, register: str, read_on: str, value: str) -> dict[str, str]:
    return {"meter_no": f"N{number}", "register": register, "read_on": read_on, "value": value}


def _bill(reference: str, number: str, cycle: int, start: str, end: str, *figures: str) -> dict[str, str]:
    kwh, amount, still_open = figures
    return {
        "reference": reference, "account_no": number, "cycle": str(cycle), "period_start": start, "period_end": end,
        "months": "", "energy_kwh": kwh, "amount_yuan": amount, "open_yuan": still_open, "due_on": "2026-04-15",
    }  # fmt: skip


_SUMS = {
    "registers": {"value": 4},
    "bills": {"energy_kwh": 2, "amount_yuan": 2, "open_yuan": 2},
    "prepayments": {"balance_yuan": 2},
    "tier_energy": {"energy_kwh": 2},
}


def write_folder(folder: Path, files: dict[str, Lines], control: dict[str, Any] | None = None) -> Path:
    """The files and a control file that fits them, with `control` over it."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = {name: list(lines[0]) for name, lines in hand_over().items()}
    heads |= {name: list(lines[0]) for name, lines in files.items() if lines and len(lines[0]) > len(heads[name])}
    stated: dict[str, Any] = {}
    for name, lines in files.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, heads[name])
            writer.writeheader()
            writer.writerows(lines)
        stated[name] = {"rows": len(lines)} | {
            column: f"{_sum(lines, column):.{places}f}" for column, places in _SUMS.get(name, {}).items()
        }
    balance = _sum(files["bills"], "open_yuan") - _sum(files["prepayments"], "balance_yuan")
    whole = {"batch": "T-1", "cut_over_on": "2026-04-02", "balance_yuan": f"{balance:.2f}", "files": stated}
    (folder / "control.json").write_text(json.dumps(whole | (control or {})), encoding="utf-8")
    return folder


def _sum(lines: Lines, column: str) -> Decimal:
    return sum(
        (Decimal(line[column]) for line in lines if line[column].lstrip("-").replace(".", "").isdigit()), Decimal(0)
    )
