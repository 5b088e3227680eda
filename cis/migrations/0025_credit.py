"""Credit grades, proposed nightly and changed by decisions only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
-- A grade is what somebody decided last, whoever writes it.
CREATE FUNCTION cis_grade_was_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.grade <> '' AND NEW.grade IS DISTINCT FROM
       (SELECT d.grade FROM cis_credit_decision d WHERE d.account_id = NEW.account_id ORDER BY d.id DESC LIMIT 1) THEN
        RAISE EXCEPTION 'nobody decided on grade % of account %', NEW.grade, NEW.account_id USING ERRCODE = 'DY023';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_credit_grade_by_a_person BEFORE INSERT OR UPDATE OF grade ON cis_credit_grade
    FOR EACH ROW EXECUTE FUNCTION cis_grade_was_decided();
CREATE TRIGGER cis_credit_decision_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_credit_decision
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_credit_decision FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_credit_decision_is_final ON cis_credit_decision;
DROP TRIGGER cis_credit_grade_by_a_person ON cis_credit_grade;
DROP FUNCTION cis_grade_was_decided();
"""


class Migration(migrations.Migration):
    """Two tables and their law."""

    dependencies = [
        ("cis", "0024_debts"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.CharField(max_length=1)),
                ("grade", models.CharField(max_length=1)),
                ("proposed", models.CharField(max_length=1)),
                ("reasons", models.JSONField()),
                ("note", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "cis_credit_decision",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("grade__in", ["A", "B", "C", "D"]), models.Q(("note", ""), _negated=True)),
                        name="credit_decision_has_note",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditGrade",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("grade", models.CharField(blank=True, max_length=1)),
                ("proposed", models.CharField(max_length=1)),
                ("reasons", models.JSONField()),
                ("computed_on", models.DateField()),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.orgunit",
                    ),
                ),
            ],
            options={
                "db_table": "cis_credit_grade",
                "indexes": [models.Index(fields=["org_unit", "proposed", "account"], name="credit_grades_of_unit")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("grade__in", ["", "A", "B", "C", "D"]), ("proposed__in", ["A", "B", "C", "D"])
                        ),
                        name="credit_grade_is_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
