"""Late fees charged in the former system; a late fee that was paid may be given back by two persons."""

from django.db import migrations, models

_FUNCTION = """
CREATE OR REPLACE FUNCTION cis_two_persons_did_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine jsonb := to_jsonb(NEW);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM shared_approval a WHERE a.id = (mine ->> 'approval_id')::bigint
                   AND a.kind = {kind} AND a.state = 'carried-out'
                   AND a.asked_by_id = (mine ->> TG_ARGV[1])::bigint
                   AND a.decided_by_id = (mine ->> 'approved_by_id')::bigint AND a.asked_by_id <> a.decided_by_id) THEN
        RAISE EXCEPTION '% needs an approval by a second person', TG_TABLE_NAME USING ERRCODE = 'DY021';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER cis_late_fee_waiver_of_two ON cis_late_fee_waiver;
CREATE CONSTRAINT TRIGGER cis_late_fee_waiver_of_two AFTER INSERT ON cis_late_fee_waiver DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cis_two_persons_did_it('{kinds}', 'asked_by_id');
"""
FORWARD = _FUNCTION.replace("{kind}", "ANY (string_to_array(TG_ARGV[0], '|'))").replace(
    "{kinds}", "cis.waive_late_fee|cis.give_back_late_fee"
)
BACK = _FUNCTION.replace("{kind}", "TG_ARGV[0]").replace("{kinds}", "cis.waive_late_fee")


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0044_what_is_in_hand"),
    ]

    operations = [
        migrations.AddField(
            model_name="openingbill",
            name="late_fee_through",
            field=models.DateField(null=True),
        ),
        migrations.RunSQL(FORWARD, BACK),
    ]
