"""Drawers of the counter: one open for each clerk, counted against all entries, never closed unexplained."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION payments_keep_drawer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.counted_at IS NOT NULL THEN
            RAISE EXCEPTION 'a drawer is opened before it is counted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.closed_at IS NOT NULL
        OR (NEW.id, NEW.user_id, NEW.org_unit_id, NEW.opened_at, NEW.float_fen)
            IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.org_unit_id, OLD.opened_at, OLD.float_fen)
        OR OLD.counted_at IS NOT NULL
            AND (NEW.counted_at, NEW.denominations, NEW.counted_fen, NEW.expected_fen)
                IS DISTINCT FROM (OLD.counted_at, OLD.denominations, OLD.counted_fen, OLD.expected_fen)
    THEN
        RAISE EXCEPTION 'what a drawer held is not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.counted_at IS NULL AND NEW.counted_at IS NOT NULL AND NEW.expected_fen <> NEW.float_fen
        + (SELECT coalesce(sum(amount_fen), 0) FROM payments_drawer_entry WHERE shift_id = NEW.id)
    THEN
        RAISE EXCEPTION 'a drawer is counted against all its entries' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_drawer_is_kept BEFORE INSERT OR UPDATE OR DELETE ON payments_drawer_shift
    FOR EACH ROW EXECUTE FUNCTION payments_keep_drawer();

CREATE FUNCTION payments_into_open_drawer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM payments_drawer_shift WHERE id = NEW.shift_id AND counted_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a counted drawer takes no more cash' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_drawer_entry_is_in_time BEFORE INSERT ON payments_drawer_entry
    FOR EACH ROW EXECUTE FUNCTION payments_into_open_drawer();
CREATE TRIGGER payments_drawer_entry_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_drawer_entry
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_drawer_entry FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_drawer_shift FROM dayingxiao_app;
    END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER payments_drawer_entry_is_final ON payments_drawer_entry;
DROP TRIGGER payments_drawer_entry_is_in_time ON payments_drawer_entry;
DROP TRIGGER payments_drawer_is_kept ON payments_drawer_shift;
DROP FUNCTION payments_into_open_drawer();
DROP FUNCTION payments_keep_drawer();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_reconciliation"),
        ("shared", "0008_app_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DrawerShift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField()),
                ("float_fen", models.BigIntegerField()),
                ("counted_at", models.DateTimeField(blank=True, null=True)),
                ("denominations", models.JSONField(blank=True, default=dict)),
                ("counted_fen", models.BigIntegerField(blank=True, null=True)),
                ("expected_fen", models.BigIntegerField(blank=True, null=True)),
                ("difference_fen", models.BigIntegerField(blank=True, null=True)),
                ("explanation", models.CharField(blank=True, default="", max_length=500)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_drawer_shift",
            },
        ),
        migrations.CreateModel(
            name="DrawerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("payment", "收款"), ("reversal", "冲正"), ("refund", "退费")], max_length=12
                    ),
                ),
                ("document_id", models.BigIntegerField()),
                ("amount_fen", models.BigIntegerField()),
                ("booked_at", models.DateTimeField()),
                (
                    "shift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="payments.drawershift"
                    ),
                ),
            ],
            options={
                "db_table": "payments_drawer_entry",
            },
        ),
        migrations.AddIndex(
            model_name="drawershift",
            index=models.Index(fields=["org_unit", "-opened_at"], name="drawer_of_hall"),
        ),
        migrations.AddConstraint(
            model_name="drawershift",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("user",), name="one_open_drawer"
            ),
        ),
        migrations.AddConstraint(
            model_name="drawershift",
            constraint=models.CheckConstraint(
                condition=models.Q(("float_fen__gte", 0)), name="drawer_float_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="drawershift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", True),
                        ("counted_at__isnull", True),
                        ("counted_fen__isnull", True),
                        ("difference_fen__isnull", True),
                        ("expected_fen__isnull", True),
                    ),
                    models.Q(
                        ("counted_at__isnull", False),
                        ("counted_fen__gte", 0),
                        (
                            "difference_fen",
                            django.db.models.expressions.CombinedExpression(
                                models.F("counted_fen"), "-", models.F("expected_fen")
                            ),
                        ),
                        ("difference_fen__isnull", False),
                        ("expected_fen__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="drawer_closed_by_its_count",
            ),
        ),
        migrations.AddConstraint(
            model_name="drawershift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True), ("difference_fen", 0), ("explanation__regex", "\\S"), _connector="OR"
                ),
                name="drawer_difference_explained",
            ),
        ),
        migrations.AddConstraint(
            model_name="drawershift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by__isnull", True),
                    models.Q(("confirmed_by", models.F("user")), _negated=True),
                    _connector="OR",
                ),
                name="drawer_confirmed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="drawerentry",
            constraint=models.UniqueConstraint(fields=("kind", "document_id"), name="in_a_drawer_once"),
        ),
        migrations.AddConstraint(
            model_name="drawerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("kind", "payment")),
                    models.Q(("amount_fen__lt", 0), ("kind__in", ["reversal", "refund"])),
                    _connector="OR",
                ),
                name="drawer_entry_goes_its_way",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
