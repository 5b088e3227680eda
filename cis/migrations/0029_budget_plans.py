"""Plans of equal monthly amounts, and the law that keeps them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE OR REPLACE FUNCTION cis_agreement_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement g JOIN cis_arrears_case c ON c.account_id = g.account_id
               WHERE c.id = NEW.case_id AND g.state = 'kept')
       OR EXISTS (SELECT 1 FROM cis_budget_plan p JOIN cis_arrears_case c ON c.account_id = p.account_id
                  WHERE c.id = NEW.case_id AND (p.state = 'kept' OR p.settle_due_on >= NEW.at::date)) THEN
        RAISE EXCEPTION 'an agreement is kept' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_budget_plan_stays BEFORE DELETE OR TRUNCATE ON cis_budget_plan
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_budget_plan_is_final
    BEFORE UPDATE OF id, account_id, monthly_fen, signed_on, first_due_on, last_due_on, evidence, made_by_id, made_at
    ON cis_budget_plan FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_budget_plan_ends_once BEFORE UPDATE ON cis_budget_plan
    FOR EACH ROW WHEN (OLD.state <> 'kept') EXECUTE FUNCTION cis_ended_agreement_stays();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_budget_plan FROM dayingxiao_app;
        GRANT UPDATE (state, ended_on, settle_due_on, billed_fen, paid_fen) ON cis_budget_plan TO dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_budget_plan_ends_once ON cis_budget_plan;
DROP TRIGGER cis_budget_plan_is_final ON cis_budget_plan;
DROP TRIGGER cis_budget_plan_stays ON cis_budget_plan;
CREATE OR REPLACE FUNCTION cis_agreement_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement g JOIN cis_arrears_case c ON c.account_id = g.account_id
               WHERE c.id = NEW.case_id AND g.state = 'kept') THEN
        RAISE EXCEPTION 'an agreement by instalments is kept' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    """One table and its law."""

    dependencies = [
        ("cis", "0028_opening_balances"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BudgetPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("monthly_fen", models.BigIntegerField()),
                ("signed_on", models.DateField()),
                ("first_due_on", models.DateField()),
                ("last_due_on", models.DateField()),
                ("evidence", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("kept", "履行中"), ("settled", "已清算"), ("broken", "已违约终止")],
                        default="kept",
                        max_length=8,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("ended_on", models.DateField(blank=True, null=True)),
                ("settle_due_on", models.DateField(blank=True, null=True)),
                ("billed_fen", models.BigIntegerField(blank=True, null=True)),
                ("paid_fen", models.BigIntegerField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_budget_plan",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "kept")), fields=("account",), name="one_budget_plan_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("monthly_fen__gt", 0),
                            models.Q(("evidence", ""), _negated=True),
                            ("first_due_on__gt", models.F("signed_on")),
                            ("last_due_on__gt", models.F("first_due_on")),
                        ),
                        name="budget_plan_has_amount_and_evidence",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_on__isnull", True), ("state", "kept")),
                            models.Q(("ended_on__isnull", False), ("state", "broken")),
                            models.Q(
                                ("billed_fen__isnull", False),
                                ("ended_on__isnull", False),
                                ("paid_fen__isnull", False),
                                ("settle_due_on__isnull", False),
                                ("state", "settled"),
                            ),
                            _connector="OR",
                        ),
                        name="settled_plan_has_its_sums",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
