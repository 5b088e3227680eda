"""What staged rows of an opening import become, set-wise; and how an earlier revision of a batch is taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from cis.models import OpeningImport, Reading
from cis.models.ledger import ControlAccount, LedgerKind, TransferKind
from cis.models.metering import ReadingSource
from cis.operations import ledger
from cis.rating import ChargeCode
from config.shared.errors import Refused

__all__ = ["BatchInUse", "release", "withdraw", "write"]


class BatchInUse(Refused):
    """Something has happened to accounts of the batch since it was taken over; it cannot be replaced any more."""

    code = "batch-in-use"


# --- An earlier revision -------------------------------------------------------------------

_BEFORE = """
CREATE TEMPORARY TABLE taken_before ON COMMIT DROP AS
SELECT o.account_id, a.account_no, o.customer_no, a.customer_id FROM cis_opening_account o
JOIN cis_account a ON a.id = o.account_id WHERE o.opening_import_id = %(before)s;
CREATE UNIQUE INDEX ON taken_before (account_id);
CREATE INDEX ON taken_before (account_no);
CREATE TEMPORARY TABLE taken_bills_before ON COMMIT DROP AS
SELECT b.id, b.account_id, a.account_no, b.period_start, b.revision FROM cis_opening_bill o
JOIN cis_bill b ON b.id = o.bill_id JOIN cis_account a ON a.id = b.account_id WHERE o.opening_import_id = %(before)s;
CREATE INDEX ON taken_bills_before (account_id, period_start);
ANALYZE taken_before;
ANALYZE taken_bills_before
"""

# Whatever was billed, booked, read or agreed since is work that a new revision would undo.
_USED = """
SELECT 'bill', a.account_no FROM cis_bill b JOIN taken_before a USING (account_id)
WHERE b.run_id NOT IN (SELECT run_id FROM cis_opening_import WHERE batch = %(batch)s)
UNION ALL
SELECT 'transfer', a.account_no FROM cis_ledger_transfer t JOIN taken_before a USING (account_id)
WHERE t.kind NOT IN (51, 52, 53)
UNION ALL
SELECT 'reading', a.account_no FROM cis_reading r JOIN taken_before a USING (account_id)
WHERE r.batch_id <> 0 OR r.read_on > %(cut_over_on)s
UNION ALL
SELECT 'contract', a.account_no FROM taken_before a JOIN cis_supply_contract c USING (account_id)
GROUP BY 2 HAVING count(*) > 1
UNION ALL
SELECT 'master', a.account_no FROM taken_before a JOIN cis_account x ON x.id = a.account_id
JOIN cis_premise p ON p.id = x.premise_id JOIN cis_supply_contract s ON s.account_id = x.id
CROSS JOIN LATERAL (SELECT count(*) AS wrote FROM cis_opening_account o JOIN cis_opening_import i
    ON i.id = o.opening_import_id WHERE i.batch = %(batch)s AND o.account_id = a.account_id) w
WHERE x.version <> w.wrote OR p.version <> w.wrote OR s.version <> w.wrote OR x.customer_id <> a.customer_id
UNION ALL
SELECT 'master', a.account_no FROM taken_before a JOIN cis_customer c ON c.id = a.customer_id
CROSS JOIN LATERAL (SELECT count(DISTINCT o.opening_import_id) AS wrote FROM cis_opening_account o
    JOIN cis_opening_import i ON i.id = o.opening_import_id
    WHERE i.batch = %(batch)s AND o.customer_no = a.customer_no) w
WHERE c.version <> w.wrote
UNION ALL
SELECT 'acts', a.account_no FROM taken_before a WHERE {acts}
LIMIT 1
"""
# Every writing of the batch raises the version by one; whoever changes a record raises it too. What is agreed, asked,
# noted or begun about an account stands in tables of its own.
_ACTS = (
    "cis_instalment_agreement", "cis_budget_plan", "cis_fee_control_agreement", "cis_bill_dispute", "cis_protection",
    "cis_portal_access", "cis_supply_loss", "cis_supply_part", "cis_free_energy_right", "cis_capacity_pause",
)  # fmt: skip
_STEPS = (
    "EXISTS (SELECT 1 FROM cis_arrears_case k JOIN cis_arrears_step s ON s.case_id = k.id "
    "WHERE k.account_id = a.account_id)"
)
_ANY_ACT = " OR ".join([f"EXISTS (SELECT 1 FROM {table} o WHERE o.account_id = a.account_id)" for table in _ACTS])  # noqa: S608


def release(before: OpeningImport | None) -> None:
    """
    Note what an earlier revision of the batch took over, for the checks and for `withdraw`.

    :raises BatchInUse: something has happened to its accounts since
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, {"before": before.pk if before else 0})
        if before is None:
            return
        cursor.execute("SELECT account_id FROM taken_before ORDER BY 1")
        ledger.lock_balances([row[0] for row in cursor.fetchall()])
        cursor.execute(
            _USED.format(acts=f"{_ANY_ACT} OR {_STEPS}"), {"batch": before.batch, "cut_over_on": before.cut_over_on}
        )
        used = cursor.fetchone()
    if used is not None:
        what = {
            "bill": _("发行"),
            "transfer": _("收费或记账"),
            "reading": _("抄表"),
            "contract": _("合同变更"),
            "master": _("档案变更"),
            "acts": _("协议、疑问、保护、催费或网上绑定"),
        }[used[0]]
        raise BatchInUse(
            _("这一批的户号 %(no)s 导入之后已经有%(what)s，不能再整批替换。请在系统里逐户更正。")
            % {"no": used[1], "what": what}
        )


_WITHDRAW = (
    """
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date, run_id)
SELECT %(withdrawn)s, b.id, 1, b.account_id, %(control)s, b.account_id * 10 + %(receivable)s, o.open_fen, %(at)s,
       %(day)s, %(run)s
FROM taken_bills_before b JOIN cis_opening_bill o ON o.bill_id = b.id WHERE o.open_fen > 0
UNION ALL
SELECT %(withdrawn)s, o.id, 2, o.account_id, o.account_id * 10 + %(prepayment)s, %(control)s, o.prepaid_fen, %(at)s,
       %(day)s, %(run)s
FROM cis_opening_account o WHERE o.opening_import_id = %(before)s AND o.prepaid_fen > 0
""",
    "UPDATE cis_bill b SET open_fen = 0 FROM taken_bills_before t WHERE b.id = t.id AND b.open_fen > 0",
    "CREATE TEMPORARY TABLE taken_hung ON COMMIT DROP AS SELECT i.id, i.meter_id, i.point_id "
    "FROM cis_meter_installation i JOIN cis_account_point p USING (point_id) JOIN taken_before USING (account_id)",
    "DELETE FROM cis_reading r USING taken_hung h WHERE r.installation_id = h.id",
    "DELETE FROM cis_meter_installation i USING taken_hung h WHERE i.id = h.id",
    "DELETE FROM cis_account_point p USING taken_before b WHERE p.account_id = b.account_id",
    "DELETE FROM cis_meter m USING taken_hung h WHERE m.id = h.meter_id",
    "DELETE FROM cis_metering_point p USING taken_hung h WHERE p.id = h.point_id",
)


def withdraw(before: OpeningImport, *, at: datetime, business_date: date) -> None:
    """
    Take an earlier revision back: its money booked back, nothing open on its bills, its meters off.

    Accounts, premises, customers and contracts stay and are written over.

    :raises IntegrityError: something hangs on a meter or point of it
    """
    ledger.lock_day(business_date)
    parameters = _parameters(at, business_date) | {"before": before.pk, "run": before.run_id}
    with connection.cursor() as cursor:
        for statement in _WITHDRAW:
            cursor.execute(statement, parameters)


# --- Writing -------------------------------------------------------------------------------

_IDS = (
    """
CREATE TEMPORARY TABLE taken_customer_ids ON COMMIT DROP AS
SELECT c.customer_no, b.customer_id IS NOT NULL AS is_known,
       coalesce(b.customer_id, nextval('cis_customer_id_seq')) AS customer_id
FROM taken_customers c LEFT JOIN (SELECT customer_no, min(customer_id) AS customer_id FROM taken_before GROUP BY 1) b
     USING (customer_no)
ORDER BY c.line
""",
    "CREATE INDEX ON taken_customer_ids (customer_no)",
    """
CREATE TEMPORARY TABLE taken_ids ON COMMIT DROP AS
SELECT a.account_no, a.line, k.customer_id, u.id AS org_unit_id, r.id AS route_id, d.id AS district_id,
       x.id IS NOT NULL AS is_known, coalesce(x.id, nextval('cis_account_id_seq')) AS account_id,
       coalesce(x.premise_id, nextval('cis_premise_id_seq')) AS premise_id,
       coalesce(s.id, nextval('cis_supply_contract_id_seq')) AS contract_id,
       nextval('cis_opening_account_id_seq') AS opening_id
FROM taken_accounts a JOIN taken_customer_ids k USING (customer_no)
JOIN shared_org_unit u ON u.code = a.org_unit JOIN cis_reading_route r ON r.code = a.route
JOIN cis_transformer_district d ON d.code = a.district
LEFT JOIN cis_account x ON x.account_no = a.account_no
LEFT JOIN cis_supply_contract s ON s.account_id = x.id
ORDER BY a.line
""",
    "CREATE UNIQUE INDEX ON taken_ids (account_no)",
    "ANALYZE taken_customer_ids",
    "ANALYZE taken_ids",
)

_CUSTOMER = (
    "kind, name, name_pinyin, name_initials, name_grams, phone, phone_index, phone_last4, identity_no, identity_index"
)
_OF_TAKEN = ", ".join(f"c.{name}" for name in _CUSTOMER.split(", "))

_MASTER = (
    f"""
INSERT INTO cis_customer (id, {_CUSTOMER}, version)
SELECT k.customer_id, {_CUSTOMER}, 1 FROM taken_customers c JOIN taken_customer_ids k USING (customer_no)
WHERE NOT k.is_known ORDER BY k.customer_id
""",  # noqa: S608
    """
INSERT INTO cis_premise (id, org_unit_id, transformer_district_id, address, address_grams, door, version)
SELECT i.premise_id, i.org_unit_id, i.district_id, a.address, a.address_grams, a.door, 1
FROM taken_accounts a JOIN taken_ids i USING (account_no) WHERE NOT i.is_known ORDER BY i.premise_id
""",
    """
INSERT INTO cis_account (id, account_no, customer_id, premise_id, org_unit_id, route_id, state, opened_on, version)
SELECT i.account_id, a.account_no, i.customer_id, i.premise_id, i.org_unit_id, i.route_id, 'open', a.opened_on, 1
FROM taken_accounts a JOIN taken_ids i USING (account_no) WHERE NOT i.is_known ORDER BY i.account_id
""",
    """
INSERT INTO cis_supply_contract (id, account_id, tariff_id, price_class, voltage, capacity_kva, people, demand_mode,
                                 contract_demand_kw, pf_standard_e2, valid, version)
SELECT i.contract_id, i.account_id, t.id, c.price_class, c.voltage, c.capacity_kva, c.people, c.demand_mode,
       c.contract_demand_kw, c.power_factor, daterange(c.valid_from, NULL), 1
FROM taken_contracts c JOIN taken_ids i USING (account_no) JOIN cis_tariff t ON t.code = c.tariff
WHERE NOT i.is_known ORDER BY i.contract_id
""",
)

# Master data of accounts that an earlier revision of the batch wrote.
_MASTER_AGAIN = (
    f"""
UPDATE cis_customer o SET ({_CUSTOMER}, version) = ROW({_OF_TAKEN}, o.version + 1)
FROM taken_customers c JOIN taken_customer_ids k USING (customer_no) WHERE k.is_known AND o.id = k.customer_id
""",  # noqa: S608
    """
UPDATE cis_premise o SET org_unit_id = i.org_unit_id, transformer_district_id = i.district_id, address = a.address,
       address_grams = a.address_grams, door = a.door, version = o.version + 1
FROM taken_accounts a JOIN taken_ids i USING (account_no) WHERE i.is_known AND o.id = i.premise_id
""",
    """
UPDATE cis_account o SET customer_id = i.customer_id, org_unit_id = i.org_unit_id, route_id = i.route_id,
       opened_on = a.opened_on, version = o.version + 1
FROM taken_accounts a JOIN taken_ids i USING (account_no) WHERE i.is_known AND o.id = i.account_id
""",
    """
UPDATE cis_supply_contract o SET tariff_id = t.id, price_class = c.price_class, voltage = c.voltage,
       capacity_kva = c.capacity_kva, people = c.people, demand_mode = c.demand_mode,
       contract_demand_kw = c.contract_demand_kw, pf_standard_e2 = c.power_factor,
       valid = daterange(c.valid_from, NULL), version = o.version + 1
FROM taken_contracts c JOIN taken_ids i USING (account_no) JOIN cis_tariff t ON t.code = c.tariff
WHERE i.is_known AND o.id = i.contract_id
""",
)

_METERS = (
    """
CREATE TEMPORARY TABLE taken_meter_ids ON COMMIT DROP AS
SELECT m.meter_no, m.line, i.account_id, i.account_no, i.premise_id, nextval('cis_metering_point_id_seq') AS point_id,
       nextval('cis_meter_id_seq') AS meter_id, nextval('cis_meter_installation_id_seq') AS installation_id
FROM taken_meters m JOIN taken_ids i USING (account_no) ORDER BY m.line
""",
    "CREATE UNIQUE INDEX ON taken_meter_ids (meter_no)",
    "ANALYZE taken_meter_ids",
    """
INSERT INTO cis_metering_point (id, point_no, premise_id, basis)
SELECT i.point_id, m.point_no, i.premise_id, 'registers'
FROM taken_meters m JOIN taken_meter_ids i USING (meter_no) ORDER BY i.point_id
""",
    """
INSERT INTO cis_account_point (account_id, point_id, valid)
SELECT i.account_id, i.point_id, daterange(a.opened_on, NULL)
FROM taken_meter_ids i JOIN taken_accounts a USING (account_no) ORDER BY i.point_id
""",
    """
INSERT INTO cis_meter (id, meter_no, model, digits)
SELECT i.meter_id, m.meter_no, m.model, m.digits
FROM taken_meters m JOIN taken_meter_ids i USING (meter_no) ORDER BY i.meter_id
""",
    """
INSERT INTO cis_meter_installation (id, meter_id, point_id, ct_ratio, pt_ratio, valid)
SELECT i.installation_id, i.meter_id, i.point_id, m.ct_ratio, m.pt_ratio, daterange(m.installed_on, NULL)
FROM taken_meters m JOIN taken_meter_ids i USING (meter_no) ORDER BY i.installation_id
""",
    # Of an account that was never billed it is the reading of its opening.
    """
INSERT INTO cis_reading (installation_id, register, read_on, account_id, cycle, kind, value_e4, advance_kwh_e2, days,
                         is_rollover, source, state, batch_id)
SELECT i.installation_id, r.register, r.read_on, i.account_id, coalesce(n.cycle, 0),
       CASE WHEN n.cycle IS NULL THEN %(installed)s ELSE %(read)s END, r.value, -1, 0, false, %(remote)s,
       %(accepted)s, 0
FROM taken_registers r JOIN taken_meter_ids i USING (meter_no) LEFT JOIN taken_newest n USING (account_no)
ORDER BY 1, 2
""",
    """
INSERT INTO cis_ledger_balance (ledger_account_id, debit_fen, credit_fen)
SELECT i.account_id * 10 + k, 0, 0 FROM taken_ids i, unnest(%(ledger_kinds)s::int[]) k ORDER BY 1 ON CONFLICT DO NOTHING
""",
    """
INSERT INTO cis_opening_account (id, opening_import_id, account_id, customer_no, prepaid_fen)
SELECT i.opening_id, %(import)s, i.account_id, a.customer_no, coalesce(p.balance_yuan, 0)
FROM taken_ids i JOIN taken_accounts a USING (account_no) LEFT JOIN taken_prepayments p USING (account_no)
ORDER BY i.opening_id
""",
)

_BILLS = (
    """
CREATE TEMPORARY TABLE taken_bill_ids ON COMMIT DROP AS
SELECT b.line, b.reference, i.account_id, nextval('cis_bill_id_seq') AS bill_id, o.id AS before_id
FROM taken_bills b JOIN taken_ids i USING (account_no)
LEFT JOIN taken_bills_before o ON o.account_id = i.account_id AND o.period_start = b.period_start ORDER BY b.line
""",
    "CREATE UNIQUE INDEX ON taken_bill_ids (line)",
    "ANALYZE taken_bill_ids",
    # The newest bill of an account carries what its tier year has used: the next one goes on from there.
    """
INSERT INTO cis_bill (id, account_id, run_id, contract_id, tariff_version_id, org_unit_id, price_class, cycle, revision,
                      period_start, period_end, months, people, tier_kwh_e2_before, energy_kwh_e2, total_fen, open_fen,
                      due_on, issued_at)
SELECT k.bill_id, k.account_id, %(run)s, i.contract_id, v.version_id, i.org_unit_id, c.price_class, b.cycle,
       coalesce(o.revision + 1, 0), b.period_start, b.period_end, b.months, c.people,
       CASE WHEN n.line = b.line THEN coalesce(e.energy_kwh - b.energy_kwh, 0) ELSE 0 END,
       b.energy_kwh, b.amount_yuan, b.open_yuan, b.due_on, %(at)s
FROM taken_bill_ids k JOIN taken_bills b USING (line) JOIN taken_ids i USING (account_no)
JOIN taken_contracts c USING (account_no) JOIN taken_versions v USING (account_no)
JOIN taken_newest n USING (account_no)
LEFT JOIN taken_tier_energy e USING (account_no) LEFT JOIN taken_bills_before o ON o.id = k.before_id
ORDER BY k.bill_id
""",
    """
INSERT INTO cis_bill_line (bill_id, seq, account_id, code, quantity, price_e8, amount_fen)
SELECT k.bill_id, 1, k.account_id, %(charge)s, b.amount_yuan, 100000000, b.amount_yuan
FROM taken_bill_ids k JOIN taken_bills b USING (line) WHERE b.amount_yuan > 0 ORDER BY k.bill_id
""",
    """
INSERT INTO cis_opening_bill (bill_id, opening_import_id, reference, open_fen, late_fee_through)
SELECT k.bill_id, %(import)s, k.reference, b.open_yuan, b.late_fee_through
FROM taken_bill_ids k JOIN taken_bills b USING (line) ORDER BY k.bill_id
""",
    """
INSERT INTO cis_bill_cancellation (bill_id, replaced_by_id, reason, released_fen, cancelled_at)
SELECT before_id, bill_id, %(reason)s, 0, %(at)s FROM taken_bill_ids WHERE before_id IS NOT NULL
""",
    """
INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at,
                                 business_date, run_id)
SELECT %(opening_bill)s, k.bill_id, 1, k.account_id, k.account_id * 10 + %(receivable)s, %(control)s, b.open_yuan,
       %(at)s, %(day)s, %(run)s
FROM taken_bill_ids k JOIN taken_bills b USING (line) WHERE b.open_yuan > 0
UNION ALL
SELECT %(opening_prepayment)s, i.opening_id, 1, i.account_id, %(control)s, i.account_id * 10 + %(prepayment)s,
       p.balance_yuan, %(at)s, %(day)s, %(run)s
FROM taken_ids i JOIN taken_prepayments p USING (account_no) WHERE p.balance_yuan > 0
""",
)


def write(
    taken: OpeningImport,
    *,
    at: datetime,
    business_date: date,
    is_correction: bool,
    on_step: Callable[[int, int], object] | None = None,
) -> None:
    """
    Accounts, meters, registers, bills and balances of the staged rows, in the caller's transaction.

    `on_step` is told how many statements are done, and of how many.
    """
    ledger.lock_day(business_date)
    parameters = _parameters(at, business_date) | {"import": taken.pk, "run": taken.run_id}
    again = _MASTER_AGAIN if is_correction else ()
    with connection.cursor() as cursor:
        statements = (*_IDS, *_MASTER, *again, *_METERS, *_BILLS)
        for done, statement in enumerate(statements, start=1):
            cursor.execute(statement, parameters)
            if on_step is not None:
                on_step(done, len(statements))


def _parameters(at: datetime, business_date: date) -> dict[str, Any]:
    return {
        "at": at,
        "day": business_date,
        "control": -int(ControlAccount.OPENING),
        "receivable": int(LedgerKind.RECEIVABLE),
        "prepayment": int(LedgerKind.PREPAYMENT),
        "ledger_kinds": [int(kind) for kind in LedgerKind],
        "opening_bill": int(TransferKind.OPENING_BILL),
        "opening_prepayment": int(TransferKind.OPENING_PREPAYMENT),
        "withdrawn": int(TransferKind.OPENING_WITHDRAWN),
        "charge": int(ChargeCode.OPENING),
        "installed": int(Reading.Kind.INSTALLED),
        "read": int(Reading.Kind.CYCLE),
        "remote": int(ReadingSource.REMOTE),
        "accepted": int(Reading.State.ACCEPTED),
        "reason": _("期初数据改正后重新导入"),
    }
