"""Pure: the text of `cis/data/tariffs.json` in, tariff records and window sets in the engine's formats out.

The source grades each table. Medium or better becomes a record; low grades are left out with the reason, except the
Hubei residential table, which is for demonstration only. A table whose figures are incomplete keeps them, nulls and
unknown kinds included, so that `compile_rules` refuses it and says why.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cis.rating.english_names import english_name
from cis.rating.refusal import CannotPrice

__all__ = ["GRADES", "Catalogue", "LeftOut", "TariffRecord", "read_catalogue"]

Table = Mapping[str, Any]
Windows = dict[str, list[list[int]]]

ALL_YEAR = list(range(1, 13))
GRADES = ("high", "medium-high", "medium")
DEMONSTRATION = "HB-RES"


@dataclass(frozen=True)
class TariffRecord:
    """One tariff version: what it is called, where it holds, and its rules as JSON."""

    code: str
    name: str
    name_en: str
    province: str
    category: str
    """residential_tiered, residential_tiered_tou, residential_shared, commercial_industrial (+ `_no_tou`)"""
    voltage: str | None
    confidence: str
    source: str
    note: str
    valid_from: date | None
    valid_to: date | None
    """first day on which it no longer holds; validity is half-open"""
    rules: list[dict[str, Any]]
    windows_ref: str | None
    """code of the window set that folds curves for it"""
    is_demonstration: bool


@dataclass(frozen=True)
class LeftOut:
    """A table or a part of one that is not used, and why."""

    code: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """Everything read from the tables."""

    records: list[TariffRecord]
    window_sets: list[dict[str, Any]]
    """normalised JSON for `WindowSet.parse`"""
    left_out: list[LeftOut]


def read_catalogue(text: str, *, grades: Collection[str] = GRADES) -> Catalogue:
    """Convert the tables of these grades. Raises CannotPrice(`unknown_table`) on a shape of table it does not know."""
    tables = json.loads(text)
    catalogue = Catalogue([], [], [])
    for table in tables["tou_windows"]:
        catalogue.window_sets.extend(_window_sets(table))
    for table in tables["residential"]:
        if _is_used(table, grades, catalogue):
            _residential(table, catalogue)
    for table in tables["commercial_industrial"]:
        if _is_used(table, grades, catalogue):
            _commercial(table, catalogue)
    return catalogue


def grade(confidence: str) -> str:
    """Return the leading grade of a confidence text: high, medium-high, medium, low-medium or low."""
    found = re.match(r"medium-high|low-medium|high|medium|low", confidence)
    return found.group() if found else "low"


def _is_used(table: Table, grades: Collection[str], catalogue: Catalogue) -> bool:
    """Decide by the grade; note what is left out."""
    if grade(table["confidence"]) in grades or table["code"] == DEMONSTRATION:
        return True
    catalogue.left_out.append(LeftOut(table["code"], f"confidence: {table['confidence']}"))
    return False


def _record(
    table: Table,
    suffix: str,
    title: str,
    category: str,
    rules: list[dict[str, Any]],
    *,
    voltage: str | None = None,
    windows_ref: str | None = None,
    notes: Iterable[str] = (),
) -> TariffRecord:
    """Build a record from the parts every table has."""
    last_day = table.get("effective_to")
    parts = [table.get("note") or "", *notes]
    if table.get("price_excludes"):
        parts.append(f"prices exclude {table['price_excludes']}; their amounts are not in the source")
    voltage = voltage or table.get("voltage")
    return TariffRecord(
        code=table["code"] + suffix,
        name=f"{table['province']}{title}" + (f"（{voltage}）" if voltage else ""),
        name_en=english_name(table["province"], title, voltage),
        province=table["province"],
        category=category,
        voltage=voltage,
        confidence=table["confidence"],
        source=table["source"],
        note="; ".join(part for part in parts if part),
        valid_from=date.fromisoformat(table["effective_from"]) if table.get("effective_from") else None,
        valid_to=date.fromisoformat(last_day) + timedelta(days=1) if last_day else None,
        rules=rules,
        windows_ref=windows_ref,
        is_demonstration=table["code"] == DEMONSTRATION,
    )


# --- residential -----------------------------------------------------------------------------------------------------


def _residential(table: Table, catalogue: Catalogue) -> None:
    """Make the tiered record and its time-of-use and shared-meter variants."""
    bounds = _tier_bounds(table)
    notes: list[str] = []
    if "multi_person" in table:
        notes.append(f"multi_person: {table['multi_person']['rule']} ({table['multi_person']['confidence']})")
    notes += [f"{name}: {text}" for name, text in table.get("tier_year_rules", {}).items()]
    tier = {"kind": "tier", "price_yuan": table["tier_prices"]} | bounds
    catalogue.records.append(_record(table, "", "居民阶梯电价", "residential_tiered", [tier], notes=notes))
    if "tou" in table:
        _residential_time_of_use(table, bounds, notes, catalogue)
    _shared(table, catalogue)
    if "rural_1_10kV" in table:
        catalogue.left_out.append(LeftOut(f"{table['code']}-RURAL", "the source has a price but no rule for it"))


def _tier_bounds(table: Table) -> dict[str, Any]:
    """Return `period`, `upper_kwh` or `seasons`, and `multi_person` of a table; unknown ones stay null."""
    code, mode, upper = table["code"], table["tier_mode"], table["tier_upper_bounds_kwh"]
    bounds: dict[str, Any]
    if mode == "annual_cumulative":
        bounds = {"period": "year", "upper_kwh": upper}
    elif mode == "annual_or_monthly_unknown":
        bounds = {"period": None, "upper_kwh": upper}
    elif mode == "monthly_dry_season_only":
        bounds = {"period": "month", "seasons": [_season("dry", [12, 1, 2, 3, 4], upper), _season("wet", None, [])]}
    elif mode == "monthly_seasonal" and "summer" in upper:
        summer = table["seasons"]["summer_months"]
        bounds = {
            "period": "month",
            "seasons": [_season("summer", summer, upper["summer"]), _season("non_summer", None, upper["non_summer"])],
        }
        bounds["seasons"][1]["months"] = [m for m in ALL_YEAR if m not in summer]
    elif mode == "monthly_seasonal" and "jul_sep" in upper:
        seasons = [_season("jul_sep", [7, 8, 9], upper["jul_sep"]), _season("other", None, upper["other"])]
        bounds = {"period": "month", "seasons": seasons}
    else:
        raise CannotPrice("unknown_table", f"{code}: tier_mode {mode}")
    for season in bounds.get("seasons", ()):
        if season["months"] is None:
            named = {m for other in bounds["seasons"] for m in other["months"] or ()}
            season["months"] = [m for m in ALL_YEAR if m not in named]
    more = table.get("multi_person")
    if more:
        # Both bounds move: published answers for Jiangsu, a convention for Guangdong (billing-rules.md 1.1).
        extra = re.match(r"\+(\d+) kWh/month on (both bounds|the first-tier upper bound)", more["rule"])
        if not extra:
            raise CannotPrice("unknown_table", f"{code}: multi_person {more['rule']}")
        bounds["multi_person"] = {"min_people": more["min_people"], "extra_kwh_per_month": [extra.group(1)] * 2}
    return bounds


def _season(name: str, months: list[int] | None, upper: object) -> dict[str, Any]:
    """Return one season of a tier rule; months None = the rest of the year."""
    return {"name": name, "months": months, "upper_kwh": upper}


def _residential_time_of_use(table: Table, bounds: dict[str, Any], notes: list[str], catalogue: Catalogue) -> None:
    """Make the `-TOU` record and its window set."""
    tou, code = table["tou"], f"{table['code']}-TOU"
    base = [Decimal(price) for price in table["tier_prices"]]
    adds = tou.get("tier_add") or [str(price - base[0]) for price in base]
    rule: dict[str, Any] = {"kind": "tier_time_of_use"} | bounds | {"tier_add_yuan": adds}
    seasons: list[dict[str, Any]] = []
    extra_notes = [f"time of use: {tou[key]}" for key in ("confidence", "note") if key in tou]
    if "heating_season" in tou:
        heating = tou["heating_season"]
        rest = [m for m in ALL_YEAR if m not in heating["months"]]
        winter = tou["tier1"] | {"valley": heating["valley"]}
        rule["price_seasons"] = [
            {"name": "heating", "months": heating["months"], "price_yuan": winter},
            {"name": "non_heating", "months": rest, "price_yuan": dict(tou["tier1"])},
        ]
        seasons = [
            {"months": heating["months"], "windows": _all_but(_hours({"peak": heating["peak"]}), "valley")},
            {"months": rest, "windows": _hours(tou["windows"])},
        ]
        extra_notes.append("heating season: valley is all that is not peak")
    elif "tier1" in tou or ("peak" in tou and "windows" in tou):
        prices = tou.get("tier1") or {key: tou[key] for key in ("peak", "flat", "valley")}
        rule["price_yuan"] = dict(prices)
        seasons = [{"months": ALL_YEAR, "windows": _hours(tou["windows"])}]
    elif "valley_dry" in tou:
        rule["price_seasons"] = [
            {
                "name": "wet",
                "months": [6, 7, 8, 9, 10],
                "price_yuan": {"peak": None, "valley": tou["valley_wet(6-10)"]},
            },
            {
                "name": "dry",
                "months": [1, 2, 3, 4, 5, 11, 12],
                "price_yuan": {"peak": None, "valley": tou["valley_dry"]},
            },
        ]
        seasons = [{"months": ALL_YEAR, "windows": _all_but(_hours(tou["windows"]), "peak")}]
        extra_notes.append("the price outside the valley is not in the source")
    else:
        prices, windows = _relative_prices(tou, base[0])
        rule["price_yuan"] = prices
        seasons = [{"months": ALL_YEAR, "windows": windows}]
        extra_notes.append("prices per period are differences from the tier-1 price in the source")
    if "tier_add" not in tou:
        extra_notes.append("tier surcharges derived from the tier prices")
    catalogue.window_sets.append(
        {
            "code": code,
            "province": table["province"],
            "document": table["source"],
            "seasons": seasons,
            "note": "residential",
            "source": table["source"],
            "confidence": tou.get("confidence", table["confidence"]),
        }
    )
    catalogue.records.append(
        _record(
            table,
            "-TOU",
            "居民阶梯分时电价",
            "residential_tiered_tou",
            [rule],
            windows_ref=code,
            notes=[*notes, *extra_notes],
        )
    )


def _relative_prices(tou: Table, base: Decimal) -> tuple[dict[str, str], Windows]:
    """Read "peak": "+0.10 (11-17,20-22)" or "flat(8-22)": "+0.03"; a period that is not named keeps the base price."""
    prices: dict[str, str] = {}
    hours: dict[str, Any] = {}
    for name, text in tou.items():
        found = re.fullmatch(r"(\w+?)(?:\(([\d,-]+)\))? ([+-][\d.]+)(?: \(([\d,-]+)\))?", f"{name} {text}")
        if not found:
            raise CannotPrice("unknown_table", f"tou {name}: {text}")
        period, before, difference, after = found.groups()
        prices[period] = str(base + Decimal(difference))
        hours[period] = (before or after).split(",")
    windows = _hours(hours)
    prices.setdefault("flat", str(base))
    return prices, windows


def _shared(table: Table, catalogue: Catalogue) -> None:
    """Make the shared-meter records."""
    prices: dict[str, str] = dict(table.get("shared_meter", {}))
    single = table.get("shared_meter_price")
    if isinstance(single, Mapping):
        catalogue.left_out.append(LeftOut(f"{table['code']}-SHARED", f"confidence: {single['confidence']}"))
    elif single:
        prices[""] = single
    for voltage, price in prices.items():
        suffix = "-SHARED" if voltage in ("", "<1kV") else "-SHARED-10"
        rule = {"kind": "shared_meter", "price_yuan": price}
        shown = voltage.replace(" and above", "及以上") or None
        catalogue.records.append(_record(table, suffix, "合表居民电价", "residential_shared", [rule], voltage=shown))


# --- commerce and industry -------------------------------------------------------------------------------------------

FUND_CHARGES = {
    "农网还贷资金": "FUND_RURAL",
    "大中型水库移民后期扶持资金": "FUND_RESERVOIR",
    "可再生能源电价附加": "FUND_RENEWABLE",
}


def _commercial(table: Table, catalogue: Catalogue) -> None:
    """Make the record with time of use and, where its price is known, the one without."""
    tail: list[dict[str, Any]] = []
    if table["structure"] == "two_part":
        tail.append(
            {
                "kind": "basic_charge",
                "capacity_price_yuan_per_kva_month": table["capacity_price_yuan_per_kva_month"],
                "demand_price_yuan_per_kw_month": table["demand_price_yuan_per_kw_month"],
            }
        )
    title = "工商业两部制" if table["structure"] == "two_part" else "工商业单一制"
    if "components" not in table:
        notes = ["energy prices are not in the source"]
        if "energy_prices_as_transcribed" in table:
            tail.insert(0, {"kind": "time_of_use", "price_yuan": dict(table["energy_prices_as_transcribed"])})
            notes = ["prices with everything that stands in them; the source does not take them apart"]
        catalogue.records.append(_record(table, "", f"{title}电价", "commercial_industrial", tail, notes=notes))
        return
    parts, funds = table["components"], table["components"]["government_funds"]
    items = [
        {"charge": FUND_CHARGES[name], "price_yuan": price}
        for name, price in table["government_fund_breakdown"].items()
    ]
    if sum(Decimal(item["price_yuan"]) for item in items) != Decimal(funds):
        raise CannotPrice("unknown_table", f"{table['code']}: the funds do not add up to {funds}")
    tail += [{"kind": "power_factor", "table": "1983-215"}, {"kind": "funds", "items": items}]
    printed = {
        period: str(Decimal(price) - Decimal(funds)) for period, price in table["energy_prices_used_in_golden"].items()
    }
    flat = printed.pop("non_tou")
    composition = {
        "floating_base_yuan": {name: parts[name] for name in ("agent_purchase", "line_loss")},
        "fixed_yuan": {name: parts[name] for name in ("transmission_distribution_energy", "system_operation")},
    }
    ratio = {period: table["tou_multipliers_on_base"][period] for period in printed}
    notes = []
    if table["transcription_differences"]:
        notes.append(f"digits doubted in the transcription: {table['transcription_differences']}, see confidence")
    for suffix, category, windows_ref, rule in (
        (
            "",
            "commercial_industrial",
            table["tou_windows_ref"],
            {"kind": "time_of_use", "price_yuan": printed, "composition": composition | {"ratio": ratio}},
        ),
        (
            "-NOTOU",
            "commercial_industrial_no_tou",
            None,
            {"kind": "flat_energy", "price_yuan": flat, "composition": composition},
        ),
    ):
        rules = [rule | {"price_places": 6}, *tail]
        variant = title + ("不分时电价" if suffix else "分时电价")
        catalogue.records.append(_record(table, suffix, variant, category, rules, windows_ref=windows_ref, notes=notes))


# --- windows ---------------------------------------------------------------------------------------------------------

MONTHS_OF_SUFFIX: dict[str, tuple[int, ...]] = {
    "jul": (7,),
    "jul_aug": (7, 8),
    "dec_jan": (12, 1),
    "jan_dec": (1, 12),
    "jan_nov_dec": (1, 11, 12),
    # Read as "from May to August" and "from June to August" (the season the same paper names elsewhere).
    "may_aug": (5, 6, 7, 8),
    "jun_aug": (6, 7, 8),
}
HOLIDAY_NAMES = {"春节": "spring_festival", "劳动节": "labour_day", "国庆节": "national_day"}
PERIODS = ("deep_valley", "sharp", "peak", "flat", "valley")

DEEP_VALLEY_DAYS: dict[str, list[dict[str, Any]]] = {
    # Quoted under `ratios` of the tables, not as windows.
    "JS-TOU-2025-426": [{"days": ["holiday"], "windows": {"deep_valley": [[600, 840]]}}],
    "SH-TOU-2022-50-2P": [
        {"days": ["holiday"], "windows": {"deep_valley": [[1320, 360]]}},
        {"days": ["rest_day"], "months": [2, 3, 4, 5, 6, 9, 10, 11], "windows": {"deep_valley": [[1320, 360]]}},
    ],
}


def _window_sets(table: Table) -> list[dict[str, Any]]:
    """Return the normalised set(s) of one table; Shanghai has one for two-part and one for single-part customers."""
    kinds = [kind for kind in ("two_part", "single_part") if any(kind in season for season in table["seasons"])]
    if not kinds:
        return [_window_set(table, table["code"], table["seasons"])]
    return [
        _window_set(
            table,
            f"{table['code']}-{'2P' if kind == 'two_part' else '1P'}",
            [{"months": season["months"]} | season[kind] for season in table["seasons"] if kind in season],
        )
        for kind in kinds
    ]


def _window_set(table: Table, code: str, seasons: list[dict[str, Any]]) -> dict[str, Any]:
    """Normalise one set: the months that have the same windows stand together."""
    by_month: dict[int, Windows] = {month: {} for season in seasons for month in season["months"]}
    special = list(DEEP_VALLEY_DAYS.get(code, ()))
    declared: dict[str, Any] = {}
    for season in seasons:
        for name, value in season.items():
            if name == "hot_day_rule":
                declared = {"rule": "hot_day", "text": value, "windows": {"sharp": _hot_hours(value, code)}}
            elif name == "deep_valley_holidays":
                special += [_holiday_windows(text) for text in value]
            elif name in MONTHS_OF_SUFFIX:
                for period, hours in value.items():
                    _lay(by_month, season["months"], MONTHS_OF_SUFFIX[name], period, hours)
            elif name != "months":
                period, only = _period_and_months(name, code)
                _lay(by_month, season["months"], only, period, value)
    grouped: list[dict[str, Any]] = []
    for month, windows in sorted(by_month.items()):
        same = next((group for group in grouped if group["windows"] == windows), None)
        if same is None:
            grouped.append({"months": [month], "windows": windows})
        else:
            same["months"].append(month)
    kept = {name: table[name] for name in ("province", "document", "ratios", "note", "source", "confidence")}
    optional = {"special_days": special, "declared_days": declared}
    return {"code": code, "seasons": grouped} | kept | {name: value for name, value in optional.items() if value}


def _period_and_months(name: str, code: str) -> tuple[str, tuple[int, ...]]:
    """Read "peak" or "sharp_jul_aug"; no months = all of the season."""
    for period in PERIODS:
        if name == period:
            return period, ()
        suffix = name.removeprefix(f"{period}_")
        if suffix in MONTHS_OF_SUFFIX:
            return period, MONTHS_OF_SUFFIX[suffix]
    raise CannotPrice("unknown_table", f"{code}: {name}")


def _lay(
    by_month: dict[int, Windows], season: list[int], only: Iterable[int], period: str, hours: list[str] | str
) -> None:
    """Add windows to the months of a season, or only to some of them; "rest" needs no window."""
    named = set(only)
    if hours == "rest" or not hours:
        return
    for month in season:
        if not named or month in named:
            by_month[month][period] = [_minutes(text) for text in hours]


def _hot_hours(text: str, code: str) -> list[list[int]]:
    """Read "... the sharp hours 11-12 and 15-17 apply" as windows."""
    found = re.search(r"the sharp hours ([\d-]+) and ([\d-]+) apply", text)
    if found is None:
        raise CannotPrice("unknown_table", f"{code}: {text}")
    return [_minutes(hours) for hours in found.groups()]


def _holiday_windows(text: str) -> dict[str, Any]:
    """Read "10:00-14:00 on 春节、劳动节、国庆节"; holidays have their own months, not those of the season."""
    hours, names = text.split(" on ")
    days = [HOLIDAY_NAMES[name] for name in names.split("、")]
    return {"days": days, "windows": {"deep_valley": [_minutes(hours)]}}


def _minutes(text: str) -> list[int]:
    """Read "08:00-11:30" or "8-22" as [start_minute, end_minute]."""
    edges = []
    for edge in text.split("-"):
        hour, _, minute = edge.partition(":")
        edges.append(int(hour) * 60 + int(minute or 0))
    return edges


def _hours(windows: Mapping[str, Any]) -> Windows:
    """Read residential windows; "rest" needs no window."""
    return {name: [_minutes(text) for text in texts] for name, texts in windows.items() if texts != "rest"}


def _all_but(windows: Windows, rest: str) -> Windows:
    """Name as `rest` every minute that no window names; windows must not overlap or wrap except at midnight."""
    named: set[int] = set()
    for pairs in windows.values():
        for start, end in pairs:
            named |= {quarter % 96 for quarter in range(start // 15, (end if end > start else end + 1440) // 15)}
    free = [quarter for quarter in range(96) if quarter not in named]
    pairs = []
    for quarter in free:
        if pairs and pairs[-1][1] == quarter * 15:
            pairs[-1][1] += 15
        else:
            pairs.append([quarter * 15, quarter * 15 + 15])
    return windows | {rest: pairs}
