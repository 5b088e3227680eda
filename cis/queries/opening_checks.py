"""Whether the staged rows of an opening import fit each other and what is there already; one statement a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import connection

from cis.opening_files import LAYOUTS, Fault
from config.shared.periods import reading_date

__all__ = ["cross_faults", "prepare"]

_PREPARE = """
CREATE TEMPORARY TABLE taken_newest ON COMMIT DROP AS
SELECT DISTINCT ON (account_no) account_no, line, cycle, period_start, period_end, energy_kwh
FROM taken_bills ORDER BY account_no, period_start DESC;
CREATE INDEX ON taken_newest (account_no);
ANALYZE taken_newest;
CREATE TEMPORARY TABLE taken_versions ON COMMIT DROP AS
SELECT c.account_no, v.id AS version_id,
       v.rules @> '[{"kind": "tier"}]' OR v.rules @> '[{"kind": "tier_time_of_use"}]' AS has_tiers
FROM taken_contracts c JOIN taken_newest n USING (account_no) JOIN cis_tariff t ON t.code = c.tariff
JOIN cis_tariff_version v ON v.tariff_id = t.id AND v.valid @> (n.period_end - 1);
CREATE INDEX ON taken_versions (account_no);
ANALYZE taken_versions
"""


def _unknown(table: str, column: str, other: str, key: str) -> str:
    return f"SELECT t.line, t.{column} FROM taken_{table} t WHERE NOT EXISTS (SELECT 1 FROM {other} o WHERE o.{key} = t.{column})"  # noqa: E501, S608


def _lacks(table: str, other: str, more: str = "") -> str:
    return (
        f"SELECT t.line, t.account_no FROM taken_{table} t WHERE NOT EXISTS "  # noqa: S608
        f"(SELECT 1 FROM taken_{other} o WHERE o.account_no = t.account_no{more})"
    )


# File, code, column, and the lines (with the text at fault) that break the rule.
_RULES: tuple[tuple[str, str, str, str], ...] = (
    ("accounts", "unknown-customer", "customer_no",
     _unknown("accounts", "customer_no", "taken_customers", "customer_no")),
    ("customers", "customer-without-account", "customer_no",
     "SELECT t.line, t.customer_no FROM taken_customers t WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_accounts o WHERE o.customer_no = t.customer_no)"),
    ("accounts", "unknown-unit", "org_unit", _unknown("accounts", "org_unit", "shared_org_unit", "code")),
    ("accounts", "unknown-route", "route", _unknown("accounts", "route", "cis_reading_route", "code")),
    ("accounts", "unknown-district", "district", _unknown("accounts", "district", "cis_transformer_district", "code")),
    ("accounts", "account-without-contract", "account_no", _lacks("accounts", "contracts")),
    ("accounts", "account-without-meter", "account_no", _lacks("accounts", "meters")),
    ("accounts", "account-is-there", "account_no",
     "SELECT t.line, t.account_no FROM taken_accounts t JOIN cis_account a USING (account_no) WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_before b WHERE b.account_id = a.id)"),
    *((name, "unknown-account", "account_no", _unknown(name, "account_no", "taken_accounts", "account_no"))
      for name in ("contracts", "meters", "bills", "prepayments", "tier_energy")),
    ("contracts", "unknown-tariff", "tariff", _unknown("contracts", "tariff", "cis_tariff", "code")),
    ("contracts", "contract-too-late", "valid_from",
     "SELECT t.line, t.valid_from::text FROM taken_contracts t JOIN taken_accounts a USING (account_no) "
     "LEFT JOIN taken_newest n USING (account_no) WHERE t.valid_from > coalesce(n.period_end, a.opened_on)"),
    ("contracts", "no-price-then", "tariff",
     "SELECT t.line, t.tariff FROM taken_contracts t JOIN taken_newest n USING (account_no) "
     "JOIN cis_tariff f ON f.code = t.tariff WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_versions v WHERE v.account_no = t.account_no)"),
    ("meters", "point-twice", "point_no",
     "SELECT line, point_no FROM (SELECT line, point_no, row_number() OVER (PARTITION BY point_no ORDER BY line) n "
     "FROM taken_meters) t WHERE n > 1"),
    ("meters", "point-is-there", "point_no",
     "SELECT t.line, t.point_no FROM taken_meters t JOIN cis_metering_point p USING (point_no) WHERE NOT EXISTS "
     "(SELECT 1 FROM cis_account_point ap JOIN taken_before b USING (account_id) WHERE ap.point_id = p.id)"),
    ("meters", "meter-is-there", "meter_no",
     "SELECT t.line, t.meter_no FROM taken_meters t JOIN cis_meter m USING (meter_no) WHERE NOT EXISTS "
     "(SELECT 1 FROM cis_meter_installation i JOIN cis_account_point ap USING (point_id) "
     "JOIN taken_before b USING (account_id) WHERE i.meter_id = m.id)"),
    ("meters", "meter-without-register", "meter_no",
     "SELECT t.line, t.meter_no FROM taken_meters t WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_registers r WHERE r.meter_no = t.meter_no)"),
    ("registers", "unknown-meter", "meter_no", _unknown("registers", "meter_no", "taken_meters", "meter_no")),
    ("registers", "register-too-large", "value",
     "SELECT t.line, t.meter_no FROM taken_registers t JOIN taken_meters m USING (meter_no) "
     "WHERE t.value >= 10000 * (10 ^ m.digits)::int8"),
    ("registers", "register-of-another-day", "read_on",
     "SELECT t.line, t.read_on || ' ≠ ' || coalesce(n.period_end, a.opened_on) FROM taken_registers t "
     "JOIN taken_meters m USING (meter_no) JOIN taken_accounts a USING (account_no) "
     "LEFT JOIN taken_newest n USING (account_no) WHERE t.read_on <> coalesce(n.period_end, a.opened_on)"),
    ("registers", "read-before-installed", "read_on",
     "SELECT t.line, t.read_on::text FROM taken_registers t JOIN taken_meters m USING (meter_no) "
     "WHERE t.read_on < m.installed_on"),
    ("bills", "reference-twice", "reference",
     "SELECT line, reference FROM (SELECT line, reference, row_number() OVER (PARTITION BY reference ORDER BY line) n "
     "FROM taken_bills) t WHERE n > 1"),
    ("bills", "period-has-no-days", "period_end",
     "SELECT line, period_end::text FROM taken_bills WHERE period_end <= period_start"),
    ("bills", "periods-overlap", "period_start",
     "SELECT line, period_start::text FROM (SELECT line, period_start, "
     "lag(period_end) OVER (PARTITION BY account_no ORDER BY period_start) AS before FROM taken_bills) t "
     "WHERE before > period_start"),
    ("bills", "more-open-than-billed", "open_yuan",
     "SELECT line, account_no FROM taken_bills WHERE open_yuan > amount_yuan"),
    ("bills", "billed-after-cut-over", "period_end",
     "SELECT line, period_end::text FROM taken_bills WHERE period_end > %(cut_over_on)s"),
    ("bills", "late-fee-of-another-day", "late_fee_through",
     "SELECT line, late_fee_through::text FROM taken_bills "
     "WHERE late_fee_through < due_on OR late_fee_through >= %(cut_over_on)s"),
    ("bills", "period-left-out", "period_start",
     "SELECT 0, b.account_no || ' ' || b.period_start FROM taken_bills_before b WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_bills t WHERE t.account_no = b.account_no AND t.period_start = b.period_start)"),
    ("accounts", "account-left-out", "account_no",
     "SELECT 0, b.account_no FROM taken_before b WHERE NOT EXISTS "
     "(SELECT 1 FROM taken_accounts t WHERE t.account_no = b.account_no)"),
    ("tier_energy", "tier-of-another-day", "as_of",
     "SELECT t.line, t.as_of || ' ≠ ' || coalesce(n.period_end::text, '') FROM taken_tier_energy t "
     "LEFT JOIN taken_newest n USING (account_no) WHERE t.as_of IS DISTINCT FROM n.period_end"),
    ("tier_energy", "tier-less-than-bill", "energy_kwh",
     "SELECT t.line, t.account_no FROM taken_tier_energy t JOIN taken_newest n USING (account_no) "
     "WHERE t.energy_kwh < n.energy_kwh"),
    ("accounts", "no-tier-energy", "account_no",
     "SELECT t.line, t.account_no FROM taken_accounts t JOIN taken_versions v USING (account_no) "
     "WHERE v.has_tiers AND NOT EXISTS (SELECT 1 FROM taken_tier_energy e WHERE e.account_no = t.account_no)"),
)  # fmt: skip

_ENDS = """
SELECT DISTINCT n.cycle, n.period_end, r.reading_day, r.cycle_months, r.cycle_phase
FROM taken_newest n JOIN taken_accounts a USING (account_no) JOIN cis_reading_route r ON r.code = a.route
"""
_OFF_SCHEDULE = """
SELECT n.line, n.cycle || ' ' || n.period_end || ' ≠ ' || w.expected
FROM unnest(%(cycles)s::int[], %(ends)s::date[], %(days)s::int[], %(expected)s::text[])
     AS w(cycle, period_end, reading_day, expected)
JOIN taken_newest n ON n.cycle = w.cycle AND n.period_end = w.period_end
JOIN taken_accounts a USING (account_no)
JOIN cis_reading_route r ON r.code = a.route AND r.reading_day = w.reading_day
"""


def prepare() -> None:
    """Derive each account's newest bill and the version of its tariff that held then."""
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)


def cross_faults(*, cut_over_on: date, limit: int) -> list[Fault]:
    """What is wrong between lines and files, at most `limit` of each rule."""
    faults: list[Fault] = []
    with connection.cursor() as cursor:
        for layout in LAYOUTS:
            keyed = ", ".join(layout.key)
            faults += _found(
                layout.file,
                "line-twice",
                layout.key[-1],
                f"SELECT line, concat_ws(' ', {keyed}) FROM (SELECT line, {keyed}, "  # noqa: S608
                f"row_number() OVER (PARTITION BY {keyed} ORDER BY line) n FROM taken_{layout.name}) t WHERE n > 1",
                {},
                limit,
            )
        for name, code, column, query in _RULES:
            faults += _found(f"{name}.csv", code, column, query, {"cut_over_on": cut_over_on}, limit)
        cursor.execute(_ENDS)
        wrong = list(_off_schedule(cursor.fetchall()))
    if wrong:
        cycles, ends, days, expected = zip(*wrong, strict=True)
        faults += _found(
            "bills.csv",
            "not-the-reading-day",
            "period_end",
            _OFF_SCHEDULE,
            {"cycles": list(cycles), "ends": list(ends), "days": list(days), "expected": list(expected)},
            limit,
        )
    return faults


def _off_schedule(found: list[tuple[int, date, int, int, int]]) -> Iterator[tuple[int, date, int, str]]:
    """The ends of newest bills from which their route's next period would not follow on."""
    for cycle, end, day, months, phase in found:
        month_is_one = 1 <= cycle % 100 <= 12
        expected = reading_date(cycle, day) if month_is_one else None
        if expected != end or cycle % 100 % months != phase:
            yield cycle, end, day, str(expected)


def _found(file: str, code: str, column: str, query: str, parameters: dict[str, Any], limit: int) -> list[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS found ORDER BY 1 LIMIT {int(limit)}", parameters or None)  # noqa: S608
        return [Fault(file, line, code, column, text) for line, text in cursor.fetchall()]
