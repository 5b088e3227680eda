"""Money records are written once: privileges taken away, triggers that refuse everybody."""

from django.db import migrations

TABLES = ("payments_payment", "payments_allocation", "payments_reversal")

FORWARD = (
    "\n".join(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();"
        for table in TABLES
    )
    + f"""
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {", ".join(TABLES)} FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_order, payments_notice FROM dayingxiao_app;
    END IF;
END $$;
"""
)

BACKWARD = "\n".join(f"DROP TRIGGER {table}_is_final ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    """Triggers and privileges of payments, allocations and reversals."""

    dependencies = [("payments", "0001_initial"), ("cis", "0003_ledger_law")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
