"""Photographs of meters beside the readings they were taken for."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_reading_photo_is_final BEFORE UPDATE ON cis_reading_photo
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, TRUNCATE, REFERENCES, TRIGGER ON cis_reading_photo FROM dayingxiao_app;
    END IF;
END $$;
"""
BACKWARD = "DROP TRIGGER cis_reading_photo_is_final ON cis_reading_photo"


class Migration(migrations.Migration):
    """One table, whose rows may go but not change."""

    dependencies = [
        ("cis", "0038_market_settlements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="latereading",
            name="source",
            field=models.SmallIntegerField(
                choices=[
                    (1, "远程采集"),
                    (2, "现场抄录"),
                    (3, "客户自报"),
                    (4, "估算"),
                    (5, "人工更正"),
                    (6, "拍照抄录"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="intervalday",
            name="source",
            field=models.SmallIntegerField(
                choices=[
                    (1, "远程采集"),
                    (2, "现场抄录"),
                    (3, "客户自报"),
                    (4, "估算"),
                    (5, "人工更正"),
                    (6, "拍照抄录"),
                ],
                default=1,
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="source",
            field=models.SmallIntegerField(
                choices=[
                    (1, "远程采集"),
                    (2, "现场抄录"),
                    (3, "客户自报"),
                    (4, "估算"),
                    (5, "人工更正"),
                    (6, "拍照抄录"),
                ],
                default=1,
            ),
        ),
        migrations.CreateModel(
            name="ReadingPhoto",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("read_on", models.DateField()),
                ("key", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.IntegerField()),
                ("taken_at", models.DateTimeField()),
                (
                    "installation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.meterinstallation"
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_reading_photo",
                "indexes": [models.Index(fields=["taken_at"], name="photos_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("installation", "read_on", "sha256"), name="photo_once_a_reading"),
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0), ("sha256__regex", "^[0-9a-f]{64}$")), name="photo_is_known"
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
