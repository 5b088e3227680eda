"""
The nightly check that stands in for the foreign keys that bulk tables are left without, and for rules across rows.

Every check is one statement over whole tables. It changes nothing: what it finds is a fault of ours or of somebody
with too many rights, and people decide what to do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import connection

from cis.queries.fund_sums import FAULTS

log = logging.getLogger(__name__)

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: how many rows break it, and a few of them; none is what it should be."""

    check: str
    promise: str
    broken: int
    examples: tuple[str, ...]


def _orphans(table: str, key: str, column: str, parent: str, *, where: str = "true") -> str:
    """Rows of a bulk table whose `column` names no row of `parent`."""
    return (
        f"SELECT {key} FROM {table} t WHERE {where} "  # noqa: S608 - constants of this file
        f"AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.id = t.{column})"
    )


_READING = "t.installation_id || '/' || t.register || ' ' || t.read_on"
_CURVE = "t.point_id || '/' || t.register || ' ' || t.day"
_PART = "t.bill_id || '/' || t.seq"

# Name, what must hold, and the rows (one text column) for which it does not.
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "reading-installation",
        "every reading belongs to an installation",
        _orphans("cis_reading", _READING, "installation_id", "cis_meter_installation"),
    ),
    (
        "reading-account",
        "every reading of an account belongs to one that exists",
        _orphans("cis_reading", _READING, "account_id", "cis_account", where="t.account_id <> 0"),
    ),
    (
        "curve-point",
        "every interval day belongs to a metering point",
        _orphans("cis_interval_day", _CURVE, "point_id", "cis_metering_point"),
    ),
    (
        "bill-account",
        "every bill belongs to an account",
        _orphans("cis_bill", "t.id::text", "account_id", "cis_account"),
    ),
    (
        "bill-contract",
        "every bill belongs to a contract of its account",
        "SELECT t.id::text FROM cis_bill t WHERE NOT EXISTS "
        "(SELECT 1 FROM cis_supply_contract c WHERE c.id = t.contract_id AND c.account_id = t.account_id)",
    ),
    (
        "bill-tariff-version",
        "every bill was priced by a tariff version",
        _orphans("cis_bill", "t.id::text", "tariff_version_id", "cis_tariff_version"),
    ),
    (
        "bill-unit",
        "every bill belongs to a part of the organisation",
        _orphans("cis_bill", "t.id::text", "org_unit_id", "shared_org_unit"),
    ),
    ("bill-run", "every bill was made by a run", _orphans("cis_bill", "t.id::text", "run_id", "cis_billing_run")),
    (
        "bill-total",
        "the lines of every bill add up to its total",
        "SELECT t.id::text FROM cis_bill t LEFT JOIN (SELECT bill_id, sum(amount_fen) AS fen FROM cis_bill_line "
        "GROUP BY 1) l ON l.bill_id = t.id WHERE coalesce(l.fen, 0) <> t.total_fen",
    ),
    (
        "bill-periods",
        "no two bills of an account cover the same day",
        # Of several revisions of a period the newest counts. A long bill may reach over several later ones.
        "SELECT t.id::text FROM (SELECT id, period_start, max(period_end) OVER (PARTITION BY account_id "
        "ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS billed_to "
        "FROM (SELECT DISTINCT ON (account_id, period_start) id, account_id, period_start, period_end "
        "FROM cis_bill WHERE months > 0 ORDER BY account_id, period_start, revision DESC) newest) t "
        "WHERE t.period_start < t.billed_to",
    ),
    (
        "bill-cycle",
        "no account has two bills of one cycle",
        "SELECT t.account_id || ' ' || t.cycle FROM (SELECT DISTINCT ON (account_id, period_start) account_id, cycle "
        "FROM cis_bill WHERE months > 0 ORDER BY account_id, period_start, revision DESC) t "
        "GROUP BY t.account_id, t.cycle "
        "HAVING count(*) > 1",
    ),
    (
        "cycle-billed",
        "every account that was due in the newest cycles has its bill, or a run says why not",
        # Of cycles whose regular run is over, and of accounts that were there throughout.
        "SELECT a.account_no || ' ' || r.cycle FROM (SELECT DISTINCT run.cycle, coalesce(unit.path, '') AS path, "
        "make_date(run.cycle / 100, run.cycle % 100, 1) AS month FROM cis_billing_run run "
        "LEFT JOIN shared_org_unit unit ON unit.id = run.org_unit_id "
        "WHERE run.kind = 'regular' AND run.closed_at IS NOT NULL AND run.cycle IN (SELECT DISTINCT cycle "
        "FROM cis_billing_run WHERE kind = 'regular' ORDER BY cycle DESC LIMIT 2)) r "
        "JOIN cis_reading_route t ON t.cycle_months = 1 OR r.cycle % 100 % t.cycle_months = t.cycle_phase "
        "JOIN cis_account a ON a.route_id = t.id "
        "AND a.opened_on <= r.month - make_interval(months => t.cycle_months - 1) "
        "AND (a.closed_on IS NULL OR a.closed_on >= r.month + INTERVAL '1 month') "
        "JOIN shared_org_unit o ON o.id = a.org_unit_id AND o.path LIKE r.path || '%' "
        "WHERE NOT EXISTS (SELECT 1 FROM cis_bill b WHERE b.account_id = a.id AND b.cycle = r.cycle) "
        "AND NOT EXISTS (SELECT 1 FROM cis_bill_exception e JOIN cis_billing_run x ON x.id = e.run_id "
        "WHERE e.account_id = a.id AND x.cycle = r.cycle)",
    ),
    (
        "line-bill",
        "every bill line belongs to a bill of its account",
        f"SELECT {_PART} FROM cis_bill_line t WHERE NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM cis_bill b WHERE b.id = t.bill_id AND b.account_id = t.account_id)",
    ),
    (
        "usage-bill",
        "every stretch of energy belongs to a bill of its account",
        f"SELECT {_PART} FROM cis_bill_usage t WHERE NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM cis_bill b WHERE b.id = t.bill_id AND b.account_id = t.account_id)",
    ),
    (
        "usage-installation",
        "every stretch of energy was measured by an installation",
        _orphans("cis_bill_usage", _PART, "installation_id", "cis_meter_installation", where="t.installation_id <> 0"),
    ),
    (
        "settlement-rows",
        "the rows of every settlement of the market are accounts' and add up to it",
        "SELECT s.id::text FROM cis_market_settlement s LEFT JOIN (SELECT r.settlement_id, count(*) AS n, "
        "sum(r.total_fen) AS fen, sum(r.energy_kwh_e2) AS kwh, count(a.id) AS known FROM cis_market_settlement_row r "
        "LEFT JOIN cis_account a ON a.id = r.account_id GROUP BY 1) r ON r.settlement_id = s.id "
        "WHERE (coalesce(r.n, 0), coalesce(r.known, 0), r.fen, r.kwh) "
        "IS DISTINCT FROM (s.rows::bigint, s.rows::bigint, s.total_fen::numeric, s.energy_kwh_e2::numeric)",
    ),
    (
        "clearing-correction",
        "what of a settlement is cleared is what rides on a bill of its account",
        "SELECT c.id::text FROM cis_settlement_clearing c JOIN cis_bill_correction r ON r.id = c.correction_id "
        "WHERE (r.account_id, r.amount_fen, r.cause) <> (c.account_id, c.amount_fen, 'market-settlement')",
    ),
    (
        "transfer-bill",
        "every transfer of a bill names a bill of its account",
        "SELECT t.id::text FROM cis_ledger_transfer t "
        "WHERE (t.kind IN (1, 2, 21, 22, 51) OR t.kind = 53 AND t.leg = 1) AND NOT EXISTS "
        "(SELECT 1 FROM cis_bill b WHERE b.id = t.document_id AND b.account_id = t.account_id)",
    ),
    (
        "fund-ledger",
        "every line of a fund or subsidy stands in the ledger account of its own, and nothing else does",
        FAULTS,
    ),
    (
        "fund-shares",
        "the shares of a difference that rides on a bill add up to its funds",
        "SELECT c.id::text FROM cis_bill_correction c LEFT JOIN (SELECT correction_id, sum(amount_fen) AS fen "
        "FROM cis_correction_share WHERE code IN (41, 42, 43) GROUP BY 1) s ON s.correction_id = c.id "
        "WHERE c.state = 'standing' AND c.fund_fen <> coalesce(s.fen, 0)",
    ),
    (
        "account-balances",
        "every account has its two balances in the ledger",
        "SELECT a.id::text FROM cis_account a WHERE 2 <> "
        "(SELECT count(*) FROM cis_ledger_balance b WHERE b.ledger_account_id IN (a.id * 10 + 1, a.id * 10 + 2))",
    ),
)


def check_integrity() -> tuple[Finding, ...]:
    """Run every check and log what it found; gives one finding a check, sound ones too."""
    findings = tuple(_look(*check) for check in _CHECKS)
    for finding in findings:
        if finding.broken:
            log.error(
                "integrity broken",
                extra={"check": finding.check, "broken": finding.broken, "examples": list(finding.examples)},
            )
    log.info("integrity checked", extra={"checks": len(findings), "broken": sum(f.broken > 0 for f in findings)})
    return findings


def _look(check: str, promise: str, query: str) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({query}) AS found")  # noqa: S608 - constants of this file
        (broken,) = cursor.fetchone()
        examples: tuple[str, ...] = ()
        if broken:
            cursor.execute(f"{query} LIMIT {EXAMPLES}")
            examples = tuple(row[0] for row in cursor.fetchall())
    return Finding(check, promise, broken, examples)
