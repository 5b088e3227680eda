"""Several settlements a month: agreements whose terms stay, and advances that are asked for once."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION cis_is_settlement_plan(days smallint[], shares smallint[]) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT cardinality(days) > 0 AND cardinality(days) = cardinality(shares)
        AND (SELECT bool_and(share > 0) AND sum(share) <= 1000 FROM unnest(shares) AS s(share))
        AND (SELECT bool_and(day BETWEEN 1 AND 31 AND day > coalesce(before, 0)) FROM
             (SELECT day, lag(day) OVER (ORDER BY number) AS before
              FROM unnest(days) WITH ORDINALITY AS d(day, number)) AS d)
$$;
ALTER TABLE cis_advance_agreement ADD CONSTRAINT advance_agreement_is_a_plan
    CHECK (cis_is_settlement_plan(days, shares));
CREATE FUNCTION cis_advance_agreement_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ends_on IS NULL OR NEW.ends_on > OLD.ends_on THEN
        RAISE EXCEPTION 'an agreement only ends, and only earlier' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_advance_agreement_only_ends BEFORE UPDATE ON cis_advance_agreement
    FOR EACH ROW EXECUTE FUNCTION cis_advance_agreement_only_ends();
CREATE TRIGGER cis_advance_agreement_is_final
    BEFORE UPDATE OF id, account_id, begins_on, basis, monthly_fen, days, shares, paper, signed_by, signed_on,
                     made_by_id, made_at
    ON cis_advance_agreement FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_advance_agreement_stays BEFORE DELETE OR TRUNCATE ON cis_advance_agreement
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_advance_demand_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_advance_demand
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_advance_agreement, cis_advance_demand
            FROM dayingxiao_app;
        GRANT UPDATE (ends_on, ended_by_id, ended_at, end_reason) ON cis_advance_agreement TO dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_advance_demand_is_final ON cis_advance_demand;
DROP TRIGGER cis_advance_agreement_stays ON cis_advance_agreement;
DROP TRIGGER cis_advance_agreement_is_final ON cis_advance_agreement;
DROP TRIGGER cis_advance_agreement_only_ends ON cis_advance_agreement;
DROP FUNCTION cis_advance_agreement_only_ends();
ALTER TABLE cis_advance_agreement DROP CONSTRAINT advance_agreement_is_a_plan;
DROP FUNCTION cis_is_settlement_plan(smallint[], smallint[]);
"""


class Migration(migrations.Migration):
    """Two tables and their law."""

    dependencies = [
        ("cis", "0045_after_the_bill"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AdvanceAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("basis", models.CharField(choices=[("last-bill", "上月电费"), ("amount", "约定金额")], max_length=12)),
                ("monthly_fen", models.BigIntegerField(blank=True, null=True)),
                ("days", django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ("shares", django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ("paper", models.CharField(max_length=200)),
                ("signed_by", models.CharField(max_length=100)),
                ("signed_on", models.DateField()),
                ("made_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=200)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_advance_agreement",
            },
        ),
        migrations.CreateModel(
            name="AdvanceDemand",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.IntegerField()),
                ("number", models.SmallIntegerField()),
                ("agreed_on", models.DateField()),
                ("due_on", models.DateField()),
                ("share", models.SmallIntegerField()),
                ("basis_fen", models.BigIntegerField()),
                ("basis_bill_id", models.BigIntegerField(null=True)),
                ("amount_fen", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
                    ),
                ),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="demands", to="cis.advanceagreement"
                    ),
                ),
            ],
            options={
                "db_table": "cis_advance_demand",
            },
        ),
        migrations.AddConstraint(
            model_name="advanceagreement",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("account", "="),
                    (
                        models.Func(
                            "begins_on",
                            "ends_on",
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="one_advance_agreement_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="advanceagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("basis", "last-bill"), ("monthly_fen__isnull", True)),
                    models.Q(("basis", "amount"), ("monthly_fen__gt", 0)),
                    _connector="OR",
                ),
                name="advance_agreement_has_its_basis",
            ),
        ),
        migrations.AddConstraint(
            model_name="advanceagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__isnull", True), ("ends_on__gte", models.F("begins_on")), _connector="OR"),
                name="advance_agreement_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="advanceagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paper", ""), _negated=True),
                    models.Q(("signed_by", ""), _negated=True),
                    ("begins_on__day", 1),
                ),
                name="advance_agreement_has_paper",
            ),
        ),
        migrations.AddConstraint(
            model_name="advanceagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True),
                    models.Q(("ended_at__isnull", False), models.Q(("end_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="ended_advance_agreement_says_why",
            ),
        ),
        migrations.AddIndex(
            model_name="advancedemand",
            index=models.Index(fields=["cycle", "due_on"], name="advances_of_month"),
        ),
        migrations.AddConstraint(
            model_name="advancedemand",
            constraint=models.UniqueConstraint(fields=("account", "cycle", "number"), name="advance_asked_once"),
        ),
        migrations.AddConstraint(
            model_name="advancedemand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_fen__gt", 0),
                    ("amount_fen__lte", models.F("basis_fen")),
                    ("due_on__gte", models.F("agreed_on")),
                ),
                name="advance_is_a_share",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
