"""The demonstration's table of a month: January 2026's published figures of Hubei, in the form of a month's table."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from cis.rating.catalogue import FUND_CHARGES

__all__ = ["SOURCE", "january_values"]

SOURCE = "示范数据：沿用湖北 2026 年 1 月代理购电价格表的数，不是当月公布的价格"
_PREFIX = "HB-2026-01-"


def january_values() -> dict[str, Any]:
    """The values as `cis.market.MarketMonth` reads them; nobody published the price of the monthly auction."""
    tables = json.loads(resources.files("cis").joinpath("data", "tariffs.json").read_text(encoding="utf-8"))
    rows = [
        row
        for row in tables["commercial_industrial"]
        if row["code"].startswith(_PREFIX) and "components" in row and row["structure"]
    ]
    first = rows[0]
    return {
        "agent_purchase_yuan": first["components"]["agent_purchase"],
        "line_loss_yuan": first["components"]["line_loss"],
        "system_operation_yuan": first["components"]["system_operation"],
        "system_operation_parts": {"抽水蓄能容量电费": "0.002316", "煤电容量电费": "0.036657"},
        "funds_yuan": {FUND_CHARGES[name]: value for name, value in first["government_fund_breakdown"].items()},
        "floats": ["agent_purchase", "line_loss"],
        "time_of_use": {
            "windows": first["tou_windows_ref"],
            "ratio": {name: value for name, value in first["tou_multipliers_on_base"].items() if name != "base"},
        },
        "network": [
            {
                "tariff": row["code"],
                "structure": row["structure"],
                "voltage": row["voltage"],
                "energy_yuan": row["components"]["transmission_distribution_energy"],
                "capacity_yuan_per_kva_month": row["capacity_price_yuan_per_kva_month"],
                "demand_yuan_per_kw_month": row["demand_price_yuan_per_kw_month"],
            }
            for row in rows
        ],
        "references_yuan": {"monthly_auction": "0.376"},
        "multiple": {"factor": "1.5", "on": ["agent_purchase"]},
        "price_places": 6,
    }
