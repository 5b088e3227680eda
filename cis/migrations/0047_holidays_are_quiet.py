"""The database knows the public holidays: nobody is cut off on one, nor on the days before it that its rule names."""

from django.db import migrations, models

LAW = """
CREATE FUNCTION cis_cut_keeps_holidays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    IF EXISTS (SELECT 1 FROM cis_disconnection_rule r JOIN cis_public_holiday h
               ON h.day BETWEEN here AND here + r.quiet_days_before_closed WHERE r.id = NEW.rule_id) THEN
        RAISE EXCEPTION 'nobody is cut off on a holiday' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_arrears_cut_keeps_holidays BEFORE INSERT ON cis_arrears_step
FOR EACH ROW WHEN (NEW.what = 'cut') EXECUTE FUNCTION cis_cut_keeps_holidays();
CREATE FUNCTION cis_fee_stop_keeps_holidays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here date := (NEW.ordered_at AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    IF EXISTS (SELECT 1 FROM cis_fee_control_agreement g
               JOIN cis_fee_control_terms t ON t.code = g.terms_code AND t.valid @> here
               JOIN cis_public_holiday h ON h.day BETWEEN here AND here + t.quiet_days_before_closed
               WHERE g.id = NEW.agreement_id) THEN
        RAISE EXCEPTION 'nobody is cut off on a holiday' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_fee_stop_keeps_holidays BEFORE INSERT ON cis_fee_control_command
FOR EACH ROW WHEN (NEW.kind = 'stop') EXECUTE FUNCTION cis_fee_stop_keeps_holidays();
"""
UNDO = """
DROP TRIGGER cis_fee_stop_keeps_holidays ON cis_fee_control_command;
DROP FUNCTION cis_fee_stop_keeps_holidays();
DROP TRIGGER cis_arrears_cut_keeps_holidays ON cis_arrears_step;
DROP FUNCTION cis_cut_keeps_holidays();
"""


class Migration(migrations.Migration):
    """A table, two functions and their triggers."""

    dependencies = [("cis", "0046_advances")]

    operations = [
        migrations.CreateModel(
            name="PublicHoliday",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=40)),
            ],
            options={
                "db_table": "cis_public_holiday",
                "constraints": [models.CheckConstraint(condition=~models.Q(name=""), name="holiday_has_a_name")],
            },
        ),
        migrations.RunSQL(LAW, UNDO),
    ]
