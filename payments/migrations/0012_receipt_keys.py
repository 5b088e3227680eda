"""The keys that sign receipts."""

from django.db import migrations, models

import config.shared.personal_data

FORWARD = """
CREATE FUNCTION payments_keep_receipt_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR (NEW.id, NEW.key_id, NEW.public_key, NEW.made_at)
            IS DISTINCT FROM (OLD.id, OLD.key_id, OLD.public_key, OLD.made_at)
        OR OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at
        OR OLD.withdrawn_at IS NOT NULL
            AND (NEW.withdrawn_at, NEW.reason) IS DISTINCT FROM (OLD.withdrawn_at, OLD.reason)
    THEN
        RAISE EXCEPTION 'a key that signed receipts is kept as it was' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_receipt_key_is_kept BEFORE UPDATE OR DELETE ON payments_receipt_key
    FOR EACH ROW EXECUTE FUNCTION payments_keep_receipt_key();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_receipt_key FROM dayingxiao_app;
    END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER payments_receipt_key_is_kept ON payments_receipt_key;
DROP FUNCTION payments_keep_receipt_key();
"""


class Migration(migrations.Migration):
    """Their table; a key that signed is never deleted, its public half never changed."""

    dependencies = [
        ("payments", "0011_drawers"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReceiptKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.CharField(max_length=8, unique=True)),
                ("public_key", models.CharField(max_length=43)),
                ("private_key", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("made_at", models.DateTimeField()),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "db_table": "payments_receipt_key",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at__isnull", True)),
                        fields=("retired_at",),
                        name="one_receipt_key_signs",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("retired_at__isnull", True), models.Q(("private_key", ""), _negated=True)),
                            models.Q(("private_key", ""), ("retired_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="receipt_key_that_signs_has_its_half",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("withdrawn_at__isnull", True)),
                            models.Q(
                                ("retired_at__isnull", False),
                                ("withdrawn_at__isnull", False),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="withdrawn_receipt_key_has_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
