"""The ledger's own law, in the database: balances kept set-wise, closed days shut, nothing ever changed."""

from django.db import migrations

# The advisory lock that postings share and the closing of a day takes alone; the second key is the day's number.
LEDGER_DAY_LOCK = 20_001

FORWARD = f"""
-- The plan is kept for a session that may book one payment or a shard of ten thousand transfers: never one that reads
-- the whole balance table.
-- sum(bigint) reckons in numeric, which costs more than all else of a small group; this refuses an overflow as well.
CREATE AGGREGATE cis_sum_fen(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0');

CREATE FUNCTION cis_ledger_after_insert() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
    day date;
    expected bigint;
    touched bigint;
BEGIN
    FOR day IN SELECT DISTINCT business_date FROM new_rows ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock_shared({LEDGER_DAY_LOCK}, day - DATE '2000-01-01');
        -- A statement of its own: it sees a closing that committed while the lock was awaited.
        IF EXISTS (SELECT 1 FROM cis_ledger_day d WHERE d.business_date >= day) THEN
            RAISE EXCEPTION 'business day % is closed', day USING ERRCODE = 'DY001';
        END IF;
    END LOOP;
    IF EXISTS (SELECT id FROM (SELECT DISTINCT debit_id AS id FROM new_rows WHERE debit_id <= 0
                               UNION SELECT DISTINCT credit_id FROM new_rows WHERE credit_id <= 0) c
               WHERE NOT EXISTS (SELECT 1 FROM cis_ledger_account a WHERE a.id = c.id)) THEN
        RAISE EXCEPTION 'a transfer names an unknown control account' USING ERRCODE = 'DY002';
    END IF;
    -- Updated, and so locked, in id order, so that two shards or a shard and a payment cannot wait for each other in a
    -- ring: a nested loop is the only join left to the plan, and both its sides come in id order. A row that changed
    -- meanwhile is waited for and added to in its newest version.
    WITH legs AS (
        SELECT debit_id AS id, amount_fen AS debit, 0::bigint AS credit FROM new_rows WHERE debit_id > 0
        UNION ALL
        SELECT credit_id, 0::bigint, amount_fen FROM new_rows WHERE credit_id > 0
    ), moved AS MATERIALIZED (
        SELECT id, cis_sum_fen(debit) AS debit, cis_sum_fen(credit) AS credit FROM legs GROUP BY id ORDER BY id
    ), changed AS (
        UPDATE cis_ledger_balance b
        SET debit_fen = b.debit_fen + moved.debit, credit_fen = b.credit_fen + moved.credit
        FROM moved WHERE b.ledger_account_id = moved.id RETURNING 1
    )
    SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM changed) INTO expected, touched;
    IF touched <> expected THEN
        RAISE EXCEPTION 'a transfer names a customer ledger account that does not exist' USING ERRCODE = 'DY003';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_after_insert AFTER INSERT ON cis_ledger_transfer
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cis_ledger_after_insert();

CREATE FUNCTION cis_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: money records are corrected by new records', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'DY004';
END $$;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER ledger_day_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_ledger_day
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();

ALTER TABLE cis_ledger_balance
    ADD CONSTRAINT prepayment_not_overdrawn CHECK (ledger_account_id % 10 <> 2 OR debit_fen <= credit_fen),
    SET (fillfactor = 70);
ALTER TABLE cis_bill SET (fillfactor = 90);

CREATE FUNCTION cis_bill_lines_are_known() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unknown smallint;
BEGIN
    SELECT l.code INTO unknown FROM (SELECT DISTINCT code FROM new_rows) l
    WHERE NOT EXISTS (SELECT 1 FROM cis_charge_kind k WHERE k.code = l.code) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'charge % has no legal basis on record and cannot stand on a bill', unknown
            USING ERRCODE = 'DY005';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER bill_lines_are_known AFTER INSERT ON cis_bill_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cis_bill_lines_are_known();
CREATE TRIGGER bill_lines_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_bill_line
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER bill_usage_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_bill_usage
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER
            ON cis_ledger_transfer, cis_ledger_day, cis_ledger_day_balance, cis_bill, cis_bill_line, cis_bill_usage,
               cis_reading_edit FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON cis_ledger_balance FROM dayingxiao_app;
        GRANT UPDATE (open_fen) ON cis_bill TO dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER bill_usage_is_final ON cis_bill_usage;
DROP TRIGGER bill_lines_are_final ON cis_bill_line;
DROP TRIGGER bill_lines_are_known ON cis_bill_line;
DROP FUNCTION cis_bill_lines_are_known();
ALTER TABLE cis_ledger_balance DROP CONSTRAINT prepayment_not_overdrawn;
DROP TRIGGER ledger_day_is_final ON cis_ledger_day;
DROP TRIGGER ledger_is_append_only ON cis_ledger_transfer;
DROP FUNCTION cis_refuse_change();
DROP TRIGGER ledger_after_insert ON cis_ledger_transfer;
DROP FUNCTION cis_ledger_after_insert();
DROP AGGREGATE cis_sum_fen(bigint);
"""


class Migration(migrations.Migration):
    """Triggers and privileges of the ledger and of bills."""

    dependencies = [("cis", "0002_interval_partitions")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
