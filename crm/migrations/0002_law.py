"""What is written once stays; a key account has a manager at every moment, checked at the end of each transaction."""

from django.db import migrations

FINAL = ("crm_tier_change", "crm_rating", "crm_emergency_plan", "crm_emergency_proof", "crm_emergency_alarm")
KEPT = (
    "crm_tier_run",
    "crm_tier_override",
    "crm_tag_objection",
    "crm_proposed_contact",
    "crm_key_account",
    "crm_manager_assignment",
    "crm_emergency",
    "crm_profile_run",
)

FORWARD = f"""
CREATE FUNCTION crm_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: it is written once', TG_OP, TG_TABLE_NAME USING ERRCODE = 'DY005';
END $$;

CREATE FUNCTION crm_check_managers(which bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted tstzmultirange;
    held tstzmultirange;
BEGIN
    SELECT tstzmultirange(tstzrange(since, ended_at)) INTO wanted FROM crm_key_account WHERE id = which;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT range_agg(valid) INTO held FROM crm_manager_assignment WHERE key_account_id = which;
    IF held IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'key account % has no manager at some moment: % instead of %', which, held, wanted
            USING ERRCODE = '23514', CONSTRAINT = 'a_manager_at_every_moment';
    END IF;
END $$;

CREATE FUNCTION crm_key_account_is_managed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crm_check_managers(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION crm_assignment_leaves_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM crm_check_managers(OLD.key_account_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM crm_check_managers(NEW.key_account_id);
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER key_account_is_managed AFTER INSERT OR UPDATE ON crm_key_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crm_key_account_is_managed();
CREATE CONSTRAINT TRIGGER assignment_leaves_no_gap AFTER INSERT OR UPDATE OR DELETE ON crm_manager_assignment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crm_assignment_leaves_no_gap();

{
    "".join(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION crm_refuse_change();" + chr(10)
        for table in FINAL
    )
}
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {", ".join(FINAL)} FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON {", ".join(KEPT)} FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = f"""
DROP TRIGGER assignment_leaves_no_gap ON crm_manager_assignment;
DROP TRIGGER key_account_is_managed ON crm_key_account;
{"".join(f"DROP TRIGGER {table}_is_final ON {table};" + chr(10) for table in FINAL)}
DROP FUNCTION crm_assignment_leaves_no_gap();
DROP FUNCTION crm_key_account_is_managed();
DROP FUNCTION crm_check_managers(bigint);
DROP FUNCTION crm_refuse_change();
"""


class Migration(migrations.Migration):
    """Triggers and privileges."""

    dependencies = [("crm", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
