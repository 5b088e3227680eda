"""Nobody is stopped while an agreement by instalments is kept, whatever the balance says."""

from django.db import migrations

LAW = """
CREATE FUNCTION cis_fee_stop_keeps_instalments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement WHERE account_id = NEW.account_id AND state = 'kept') THEN
        RAISE EXCEPTION 'the instalments are kept' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_fee_stop_keeps_instalments BEFORE INSERT ON cis_fee_control_command
FOR EACH ROW WHEN (NEW.kind = 'stop') EXECUTE FUNCTION cis_fee_stop_keeps_instalments();
"""
UNDO = """
DROP TRIGGER cis_fee_stop_keeps_instalments ON cis_fee_control_command;
DROP FUNCTION cis_fee_stop_keeps_instalments();
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies = [("cis", "0030_rooftop_solar")]

    operations = [migrations.RunSQL(LAW, UNDO)]
