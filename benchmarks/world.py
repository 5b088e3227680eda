"""
Accounts with a year of readings behind them, made set-wise inside Postgres: 92 % households, 6 % shops, 2 % works.

Works are on a two-part tariff with a power-factor standard of 0.90, a third each by capacity, by contract and by actual
demand, with registers of reactive energy and demand.

Every account has a customer, premise, contract, point, meter, installation, balances, twelve months of accepted
readings and its bill of the month before, paid, so that index sizes and the look-up of the tier year are real. Ids
are the account's number everywhere, kinds alternate, and readings lie in the table month by month, as they arrive.
"""

from __future__ import annotations

from datetime import date
from typing import Any

FIRST_CYCLE = 202601
"""the first cycle that can be billed; those of 2025 are read, and 202512 is billed"""
READ_BEFORE = 12

# Households pay annual tiers and have one register; shops have a total and four periods, works reactive energy and
# demand besides.
_KINDS = "CASE WHEN i %% 50 < 46 THEN 1 WHEN i %% 50 < 49 THEN 2 ELSE 3 END"
_TARIFFS = {1: "HB-RES", 2: "HB-2026-01-1P-LT1", 3: "HB-2026-01-2P-10"}

_MASTER = f"""
INSERT INTO shared_org_unit (id, parent_id, kind, code, name, name_en, path)
VALUES (1, NULL, 'province', 'B42', '基准省', '', '/1/'), (2, 1, 'county', 'B4201', '基准县', '', '/1/2/');
INSERT INTO cis_substation (id, code, name, org_unit_id) VALUES (1, 'B-S', '基准变', 2);
INSERT INTO cis_feeder (id, substation_id, code, name) VALUES (1, 1, 'B-F', '基准线');
INSERT INTO cis_transformer_district (id, feeder_id, code, name, capacity_kva, is_dedicated)
    SELECT d, 1, 'B-D' || d, '台区' || d, 400, false FROM generate_series(1, %(accounts)s / 200 + 1) d;
INSERT INTO cis_reading_route (id, code, name, org_unit_id, reading_day, cycle_months, cycle_phase)
    SELECT r, 'B-R' || r, '段' || r, 2, 0, 1, 0 FROM generate_series(1, %(accounts)s / 1000 + 1) r;
INSERT INTO cis_customer (id, kind, name, name_pinyin, name_initials, name_grams, phone, phone_last4, identity_no,
                          version)
    SELECT i, 'person', '客户' || i, 'ke hu', 'kh', ARRAY['客', '户', '客户'], '', '', '', 1
    FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_premise (id, org_unit_id, transformer_district_id, address, address_grams, door, version)
    SELECT i, 2, i / 200 + 1, '基准县解放路' || i / 20 || '号', ARRAY['解放'], '', 1
    FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_account (id, account_no, customer_id, premise_id, org_unit_id, route_id, state, opened_on, version)
    SELECT i, lpad(i::text, 10, '0'), i, i, 2, i / 1000 + 1, 'open', DATE '2025-01-01', 1
    FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_supply_contract (id, account_id, tariff_id, price_class, voltage, capacity_kva, people, valid, version,
                                 demand_mode, contract_demand_kw, pf_standard_e2)
    SELECT i, i, t.id, k.kind, '<1kV', (ARRAY[8, 80, 1600])[k.kind], CASE k.kind WHEN 1 THEN 1 + i %% 4 ELSE 1 END,
           daterange('2025-01-01', NULL), 1, CASE k.kind WHEN 3 THEN 1 + i / 50 %% 3 ELSE 0 END,
           CASE k.kind WHEN 3 THEN 1000 ELSE 0 END, CASE k.kind WHEN 3 THEN 90 ELSE 0 END
    FROM generate_series(1, %(accounts)s) i, LATERAL (SELECT {_KINDS} AS kind) k,
         LATERAL (SELECT id FROM cis_tariff WHERE code = (%(tariffs)s::text[])[k.kind]) t;
INSERT INTO cis_metering_point (id, point_no, premise_id, basis)
    SELECT i, 'P' || i, i, 'registers' FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_account_point (id, account_id, point_id, valid)
    SELECT i, i, i, daterange('2025-01-01', NULL) FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_meter (id, meter_no, model, digits)
    SELECT i, 'M' || i, 'DDZY', 6 FROM generate_series(1, %(accounts)s) i;
INSERT INTO cis_meter_installation (id, meter_id, point_id, ct_ratio, pt_ratio, valid)
    SELECT i, i, i, (ARRAY[1, 20, 80])[{_KINDS}], (ARRAY[1, 1, 100])[{_KINDS}], daterange('2025-01-01', NULL)
    FROM generate_series(1, %(accounts)s) i;
"""

# What a register showed when so many months had passed: units a month, more in some months than in others.
_READINGS = f"""
INSERT INTO cis_reading (installation_id, register, read_on, account_id, cycle, kind, value_e4, advance_kwh_e2, days,
                         is_rollover, source, state, batch_id)
SELECT i, r.register, %(day)s, i, %(cycle)s, %(kind)s,
       CASE r.register WHEN 31 THEN 500 + i %% 1500 ELSE (1000 + now.units) * 10000 END,
       CASE WHEN %(cycle)s = 0 THEN -1 ELSE (now.units - before.units) * k.ratio * 100 END,
       %(days)s, false, 1, 1, %(months)s
FROM generate_series(1, %(accounts)s) i,
     LATERAL (SELECT {_KINDS} AS kind, 60 + i * 37 %% 240 AS monthly, (ARRAY[1, 20, 8000])[{_KINDS}] AS ratio) k,
     LATERAL (VALUES (1, ARRAY[100]), (1, ARRAY[12, 28, 38, 22]), (2, ARRAY[12]), (3, ARRAY[28]), (4, ARRAY[38]),
                     (5, ARRAY[22]), (21, ARRAY[40]), (31, ARRAY[0])) r(register, shares),
     LATERAL (SELECT sum(k.monthly * s * %(so_far)s / 10000)::bigint AS units FROM unnest(r.shares) s) now,
     LATERAL (SELECT sum(k.monthly * s * %(so_far_before)s / 10000)::bigint AS units FROM unnest(r.shares) s) before
WHERE CASE k.kind WHEN 1 THEN r.shares = ARRAY[100]
                  WHEN 2 THEN r.shares <> ARRAY[100] AND r.register < 10
                  ELSE r.shares <> ARRAY[100] END
ORDER BY i, r.register
"""

# The month before: a bill of one line and one stretch, booked and paid; one account in twenty has paid 100 yuan ahead.
_BEFORE = """
INSERT INTO cis_billing_run (id, kind, cycle, created_at, closed_at)
    VALUES (1, 'regular', 202512, '2026-01-02 00:00+8', '2026-01-02 01:00+8');
INSERT INTO cis_bill (id, account_id, run_id, contract_id, tariff_version_id, org_unit_id, price_class, cycle,
                      revision,
                      period_start, period_end, months, people, tier_kwh_e2_before, energy_kwh_e2, total_fen, open_fen,
                      due_on, issued_at)
    SELECT i, i, 1, i, 1, 2, c.price_class, 202512, 0, DATE '2025-12-01', DATE '2026-01-01', 1, 1,
           r.value_e4 / 100 - r.advance_kwh_e2, r.advance_kwh_e2, r.advance_kwh_e2 / 2 + 1, 0, DATE '2026-01-17',
           '2026-01-02 00:00+8'
    FROM generate_series(1, %(accounts)s) i JOIN cis_supply_contract c ON c.id = i
    JOIN cis_reading r ON r.installation_id = i AND r.register = 1 AND r.read_on = DATE '2026-01-01' ORDER BY i;
INSERT INTO cis_bill_line (bill_id, seq, account_id, code, quantity, price_e8, amount_fen)
    SELECT id, 1, account_id, 1, energy_kwh_e2, 50000000, total_fen FROM cis_bill ORDER BY id;
INSERT INTO cis_bill_usage (bill_id, seq, account_id, installation_id, register, from_on, to_on, from_value_e4,
                            to_value_e4, multiplier, is_rollover, is_estimated, is_from_curve, energy_kwh_e2)
    SELECT id, 1, account_id, account_id, 1, period_start, period_end, 0, 0, 1, false, false, false, energy_kwh_e2
    FROM cis_bill ORDER BY id;
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date, run_id)
    SELECT 1, id, 1, account_id, account_id * 10 + 1, -6010 - price_class, total_fen, issued_at, DATE '2026-01-02', 1
    FROM cis_bill ORDER BY id;
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date)
    SELECT 3, id, 1, account_id, -1001, account_id * 10 + 1, total_fen, issued_at, DATE '2026-01-02'
    FROM cis_bill ORDER BY id;
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date)
    SELECT 3, id, 2, account_id, -1001, account_id * 10 + 2, 10000, issued_at, DATE '2026-01-02'
    FROM cis_bill WHERE account_id %% 20 = 0 ORDER BY id;
INSERT INTO cis_ledger_balance (ledger_account_id, debit_fen, credit_fen)
    SELECT b.account_id * 10 + k, CASE WHEN k = 1 THEN b.total_fen ELSE 0 END,
           CASE WHEN k = 1 THEN b.total_fen WHEN b.account_id %% 20 = 0 THEN 10000 ELSE 0 END
    FROM cis_bill b, generate_series(1, 2) k ORDER BY 1;
"""

# Unique ranges are dear to keep row by row and cheap to build; readings are many. Both are built after the load.
_BUILT_LATER = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'x' AND conrelid::regclass::text IN
      ('cis_supply_contract', 'cis_account_point', 'cis_meter_installation')
   OR contype = 'p' AND conrelid = 'cis_reading'::regclass
"""

_SEQUENCES = """
SELECT pg_get_serial_sequence(c.relname, 'id'), c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' AND a.attidentity <> ''
WHERE c.relkind = 'r' AND (c.relname LIKE 'cis\\_%%' OR c.relname = 'shared_org_unit')
"""

# How much of a year's even use each month takes, per cent: hot summers, cold winters.
_SEASON = (110, 95, 80, 80, 90, 110, 135, 130, 100, 80, 85, 105)


def make_world(cursor: Any, accounts: int) -> None:
    """Fill a migrated database as superuser, without triggers: nothing here is what the benchmark measures."""
    cursor.execute("SET session_replication_role = replica")
    cursor.execute("SET work_mem = '256MB'")
    cursor.execute(_BUILT_LATER)
    later = cursor.fetchall()
    for table, name, _definition in later:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(_MASTER, {"accounts": accounts, "tariffs": list(_TARIFFS.values())})
    for months in range(READ_BEFORE + 1):
        _read(cursor, accounts, months)
    for table, name, definition in later:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    cursor.execute(_BEFORE, {"accounts": accounts})
    cursor.execute(_SEQUENCES)
    for sequence, table in cursor.fetchall():
        cursor.execute(f"SELECT setval('{sequence}', greatest((SELECT max(id) FROM {table}), 1))")
    cursor.execute("SET session_replication_role = origin")
    cursor.execute("VACUUM (ANALYZE)")


def add_readings(cursor: Any, accounts: int, cycle: int) -> None:
    """The accepted readings of one more cycle, from `FIRST_CYCLE` on, in order."""
    _read(cursor, accounts, (cycle // 100 - 2025) * 12 + cycle % 100)


def _read(cursor: Any, accounts: int, months: int) -> None:
    """The readings at the end of so many months since 1 January 2025; the first, of month 0, are the installation's."""
    cycle = 0 if months == 0 else (2025 + (months - 1) // 12) * 100 + (months - 1) % 12 + 1
    day = _first_of_month(months)
    cursor.execute(
        _READINGS,
        {
            "accounts": accounts,
            "months": months,
            "day": day,
            "days": (day - _first_of_month(max(months - 1, 0))).days,
            "cycle": cycle,
            "kind": 1 if months == 0 else 0,
            "so_far": _percent_of(months),
            "so_far_before": _percent_of(max(months - 1, 0)),
        },
    )


def _first_of_month(months: int) -> date:
    return date(2025 + months // 12, months % 12 + 1, 1)


def _percent_of(months: int) -> int:
    return sum(_SEASON[month % 12] for month in range(months))
