"""Districts, who answers for them, what they cover, what they say and are asked; and the law of posts without gaps."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data

FORWARD = """
-- A district has a manager and a deputy at every moment from its beginning on; looked at when a transaction commits.
CREATE FUNCTION grid_service_check_posts(district bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
    missing text;
BEGIN
    SELECT begins_at INTO since FROM grid_service_district WHERE id = district;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT string_agg(post, ', ') INTO missing FROM unnest(ARRAY['manager', 'deputy']) AS post
    WHERE (SELECT range_agg(valid) FROM grid_service_assignment WHERE service_district_id = district AND role = post)
          IS DISTINCT FROM tstzmultirange(tstzrange(since, NULL));
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'service district % would be without: %', district, missing
            USING ERRCODE = 'check_violation', CONSTRAINT = 'district_always_has_its_people';
    END IF;
END $$;

CREATE FUNCTION grid_service_posts_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM grid_service_check_posts(OLD.service_district_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM grid_service_check_posts(NEW.service_district_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION grid_service_posts_of_district() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM grid_service_check_posts(NEW.id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER district_always_has_its_people AFTER INSERT OR UPDATE OR DELETE ON grid_service_assignment
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grid_service_posts_of_row();

CREATE CONSTRAINT TRIGGER district_begins_with_its_people AFTER INSERT OR UPDATE ON grid_service_district
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grid_service_posts_of_district();

-- Once covered, always covered: the stretches of a transformer district are one, without an end.
CREATE FUNCTION grid_service_check_coverage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    whole tstzmultirange;
BEGIN
    FOREACH place IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.transformer_district_id]
                                      WHEN 'DELETE' THEN ARRAY[OLD.transformer_district_id]
                                      ELSE ARRAY[OLD.transformer_district_id, NEW.transformer_district_id] END LOOP
        SELECT range_agg(valid) INTO whole FROM grid_service_coverage WHERE transformer_district_id = place;
        IF whole IS NULL OR NOT upper_inf(whole) OR (SELECT count(*) FROM unnest(whole)) <> 1 THEN
            RAISE EXCEPTION 'transformer district % would belong to no service district', place
                USING ERRCODE = 'check_violation', CONSTRAINT = 'covered_without_a_gap';
        END IF;
        IF EXISTS (SELECT 1 FROM grid_service_coverage c JOIN grid_service_district d ON d.id = c.service_district_id
                   WHERE c.transformer_district_id = place AND lower(c.valid) < d.begins_at) THEN
            RAISE EXCEPTION 'transformer district % would be covered before its district began', place
                USING ERRCODE = 'check_violation', CONSTRAINT = 'covered_by_a_district_that_has_begun';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER covered_without_a_gap AFTER INSERT OR UPDATE OR DELETE ON grid_service_coverage
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grid_service_check_coverage();

-- A transformer district that is added to a county belongs to the district that receives new ones, from the statement
-- that adds it on and back to that district's beginning: it is nobody's at no moment. Once a statement, for bulk loads.
CREATE FUNCTION grid_service_receive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO grid_service_coverage
        (service_district_id, transformer_district_id, valid, reason, decided_by_id, decided_at)
    SELECT DISTINCT ON (added.id) d.id, added.id, tstzrange(d.begins_at, NULL), r.reason, r.decided_by_id, now()
    FROM added
    JOIN cis_feeder f ON f.id = added.feeder_id
    JOIN cis_substation s ON s.id = f.substation_id
    JOIN shared_org_unit u ON u.id = s.org_unit_id
    JOIN grid_service_receiving r ON true
    JOIN shared_org_unit c ON c.id = r.county_id AND starts_with(u.path, c.path)
    JOIN grid_service_district d ON d.id = r.service_district_id
    ORDER BY added.id, length(c.path) DESC;
    RETURN NULL;
END $$;

CREATE TRIGGER received_from_the_first_moment AFTER INSERT ON cis_transformer_district
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION grid_service_receive();
"""

BACKWARD = """
DROP TRIGGER received_from_the_first_moment ON cis_transformer_district;
DROP FUNCTION grid_service_receive();
DROP TRIGGER covered_without_a_gap ON grid_service_coverage;
DROP FUNCTION grid_service_check_coverage();
DROP TRIGGER district_begins_with_its_people ON grid_service_district;
DROP TRIGGER district_always_has_its_people ON grid_service_assignment;
DROP FUNCTION grid_service_posts_of_district();
DROP FUNCTION grid_service_posts_of_row();
DROP FUNCTION grid_service_check_posts(bigint);
"""


class Migration(migrations.Migration):
    """The tables of grid service and their triggers."""

    initial = True

    dependencies = [
        ("cis", "0010_outages"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeChoice",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("wants_sms", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "grid_service_notice_choice",
            },
        ),
        migrations.CreateModel(
            name="Portrait",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("key", models.CharField(max_length=100)),
                ("kept_at", models.DateTimeField()),
            ],
            options={
                "db_table": "grid_service_portrait",
                "indexes": [models.Index(fields=["key"], name="portrait_by_key")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("key__regex", "^portraits/[0-9a-f]{2}/[0-9a-f]{64}$")),
                        name="portrait_is_named_by_its_digest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(choices=[("manager", "片区经理"), ("deputy", "副经理")], max_length=16)),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField()),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                "db_table": "grid_service_assignment",
            },
        ),
        migrations.CreateModel(
            name="Community",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("community", "社区"), ("village", "行政村")], max_length=16)),
                ("name", models.CharField(max_length=100)),
                (
                    "address_words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), default=list, size=None
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_community",
            },
        ),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField()),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "transformer_district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.transformerdistrict"
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_coverage",
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
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
                    "outage",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.outage",
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_notice",
            },
        ),
        migrations.CreateModel(
            name="NoticeVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("announced", "通知"),
                            ("changed", "变更"),
                            ("restored", "送电"),
                            ("cancelled", "取消"),
                        ],
                        max_length=16,
                    ),
                ),
                ("text", models.CharField(max_length=300)),
                ("places", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("written_at", models.DateTimeField()),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "notice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="grid_service.notice"
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_notice_version",
            },
        ),
        migrations.CreateModel(
            name="NoticeRecipient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField()),
                ("person_key", models.CharField(max_length=80)),
                ("customer_id", models.BigIntegerField(blank=True, null=True)),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                ("has_phone", models.BooleanField()),
                ("is_dropped", models.BooleanField(default=False)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="grid_service.noticeversion",
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_notice_recipient",
            },
        ),
        migrations.CreateModel(
            name="NoticeFollowUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField()),
                (
                    "way",
                    models.CharField(
                        choices=[("call", "打电话"), ("visit", "上门"), ("letter", "信函")], max_length=16
                    ),
                ),
                ("done_at", models.DateTimeField()),
                (
                    "done_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_ups",
                        to="grid_service.noticeversion",
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_notice_follow_up",
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=[("portal", "网上营业厅"), ("group", "微信群"), ("telephone", "电话")], max_length=16
                    ),
                ),
                ("text", models.TextField()),
                ("form_key", models.CharField(max_length=80, unique=True)),
                ("asked_at", models.DateTimeField()),
                (
                    "holder",
                    models.CharField(
                        choices=[("manager", "片区经理"), ("deputy", "副经理"), ("hotline", "95598")],
                        default="manager",
                        max_length=16,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("score", models.SmallIntegerField(blank=True, null=True)),
                ("comment", models.CharField(blank=True, max_length=300)),
                ("rated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "contact",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.contact",
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
                "db_table": "grid_service_question",
            },
        ),
        migrations.CreateModel(
            name="QuestionPass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "holder_before",
                    models.CharField(
                        choices=[("manager", "片区经理"), ("deputy", "副经理"), ("hotline", "95598")], max_length=16
                    ),
                ),
                (
                    "holder",
                    models.CharField(
                        choices=[("manager", "片区经理"), ("deputy", "副经理"), ("hotline", "95598")], max_length=16
                    ),
                ),
                ("passed_at", models.DateTimeField()),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="passes", to="grid_service.question"
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_question_pass",
            },
        ),
        migrations.CreateModel(
            name="ServiceDistrict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins_at", models.DateTimeField()),
                ("manager_phone", models.CharField(max_length=20)),
                ("deputy_phone", models.CharField(max_length=20)),
                (
                    "org_unit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_district",
            },
        ),
        migrations.AddField(
            model_name="question",
            name="service_district",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="questions", to="grid_service.servicedistrict"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="service_district",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="grid_service.servicedistrict",
            ),
        ),
        migrations.CreateModel(
            name="CoverageEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField()),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="grid_service.coverage",
                    ),
                ),
                (
                    "transformer_district",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="cis.transformerdistrict",
                    ),
                ),
                (
                    "service_district",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="grid_service.servicedistrict",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="coverage",
            name="service_district",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="coverage", to="grid_service.servicedistrict"
            ),
        ),
        migrations.CreateModel(
            name="CommunityEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(choices=[("community", "社区"), ("village", "行政村")], max_length=16)),
                ("name", models.CharField(max_length=100)),
                (
                    "address_words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), default=list, size=None
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="shared.orgunit",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="grid_service.community",
                    ),
                ),
                (
                    "service_district",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="grid_service.servicedistrict",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="community",
            name="service_district",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="communities",
                to="grid_service.servicedistrict",
            ),
        ),
        migrations.CreateModel(
            name="AssignmentEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("role", models.CharField(choices=[("manager", "片区经理"), ("deputy", "副经理")], max_length=16)),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField()),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="grid_service.assignment",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service_district",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="grid_service.servicedistrict",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="assignment",
            name="service_district",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="grid_service.servicedistrict",
            ),
        ),
        migrations.CreateModel(
            name="ServiceDistrictEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("begins_at", models.DateTimeField()),
                ("manager_phone", models.CharField(max_length=20)),
                ("deputy_phone", models.CharField(max_length=20)),
                (
                    "org_unit",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="shared.orgunit",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="grid_service.servicedistrict",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CareCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("elderly", "独居老人"),
                            ("medical", "居家医疗设备"),
                            ("disabled", "行动不便"),
                            ("other", "其他"),
                        ],
                        max_length=16,
                    ),
                ),
                ("basis", models.CharField(choices=[("consent", "本人书面同意"), ("law", "法律规定")], max_length=16)),
                ("basis_note", models.CharField(max_length=200)),
                ("note", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("noted_at", models.DateTimeField()),
                ("until_on", models.DateField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "noted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_care",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("account", "kind"),
                        name="care_once_a_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("basis_note", ""), _negated=True), name="care_names_its_ground"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="noticeversion",
            constraint=models.UniqueConstraint(fields=("notice", "number"), name="notice_version_once"),
        ),
        migrations.AddConstraint(
            model_name="noticeversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="notice_says_something"
            ),
        ),
        migrations.AddIndex(
            model_name="noticerecipient",
            index=models.Index(fields=["account_id"], name="notices_to_account"),
        ),
        migrations.AddConstraint(
            model_name="noticerecipient",
            constraint=models.UniqueConstraint(
                fields=("version", "account_id", "person_key"), name="notice_to_a_person_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="noticefollowup",
            constraint=models.UniqueConstraint(fields=("version", "account_id"), name="household_followed_up_once"),
        ),
        migrations.AddConstraint(
            model_name="questionpass",
            constraint=models.UniqueConstraint(fields=("question", "holder"), name="question_passes_to_each_once"),
        ),
        migrations.AddConstraint(
            model_name="questionpass",
            constraint=models.CheckConstraint(
                condition=models.Q(("holder", "manager"), _negated=True), name="question_passes_on_and_not_back"
            ),
        ),
        migrations.AddConstraint(
            model_name="servicedistrict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("manager_phone", ""), _negated=True), models.Q(("deputy_phone", ""), _negated=True)
                ),
                name="district_can_be_called",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="servicedistrict",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "grid_service_servicedistrictevent" ("begins_at", "deputy_phone", "id", "manager_phone", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."begins_at", NEW."deputy_phone", NEW."id", NEW."manager_phone", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;',
                    hash="27e71ea79a4d6cfdbc840c5e70bb79e22e87b744",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_53f9c",
                    table="grid_service_district",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="servicedistrict",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "grid_service_servicedistrictevent" ("begins_at", "deputy_phone", "id", "manager_phone", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."begins_at", NEW."deputy_phone", NEW."id", NEW."manager_phone", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;',
                    hash="eb5a5506d1c811a6ec628a5be5c647cdc1f1ca9f",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a9ab9",
                    table="grid_service_district",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True)), fields=["due_at"], name="questions_due"
            ),
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(fields=["service_district", "-asked_at"], name="questions_of_district"),
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(fields=["user", "-asked_at"], name="questions_of_user"),
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(fields=["account", "-asked_at"], name="questions_of_account"),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="district_question_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at__isnull", True), ("answered_by__isnull", True)),
                    models.Q(
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="district_question_is_answered_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("holder", "hotline"), _negated=True), ("contact__isnull", False), _connector="OR"
                ),
                name="the_hotline_has_a_contact",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rated_at__isnull", True), ("score__isnull", True)),
                    models.Q(("answered_at__isnull", False), ("rated_at__isnull", False), ("score__range", (1, 5))),
                    _connector="OR",
                ),
                name="an_answer_is_rated_one_to_five",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["-created_at"], name="notices_newest"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("outage__isnull", False),
                    models.Q(("created_by__isnull", False), ("service_district__isnull", False)),
                    _connector="OR",
                ),
                name="notice_comes_from_somewhere",
            ),
        ),
        migrations.AddConstraint(
            model_name="coverage",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("transformer_district", "="), ("valid", "&&")], name="one_service_district_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="coverage",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="coverage_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="coverage",
            constraint=models.CheckConstraint(condition=models.Q(("valid__isempty", False)), name="coverage_lasts"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="coverage",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "grid_service_coverageevent" ("decided_at", "decided_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "service_district_id", "transformer_district_id", "valid") VALUES (NEW."decided_at", NEW."decided_by_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."service_district_id", NEW."transformer_district_id", NEW."valid"); RETURN NULL;',
                    hash="a2a6a05602e9ae16975784473d68c89da40dba24",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_7afe9",
                    table="grid_service_coverage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="coverage",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "grid_service_coverageevent" ("decided_at", "decided_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "service_district_id", "transformer_district_id", "valid") VALUES (NEW."decided_at", NEW."decided_by_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."service_district_id", NEW."transformer_district_id", NEW."valid"); RETURN NULL;',
                    hash="863ae50a5b02430111017df6c817b5797207c63d",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_577d2",
                    table="grid_service_coverage",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="community",
            constraint=models.UniqueConstraint(fields=("county", "name"), name="community_once_a_county"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="community",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "grid_service_communityevent" ("address_words", "county_id", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_district_id") VALUES (NEW."address_words", NEW."county_id", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."service_district_id"); RETURN NULL;',
                    hash="14ae53394e1946c5a2169ff8f76d1b09e868c4f7",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f9b4d",
                    table="grid_service_community",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="community",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "grid_service_communityevent" ("address_words", "county_id", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_district_id") VALUES (NEW."address_words", NEW."county_id", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."service_district_id"); RETURN NULL;',
                    hash="88845f49ddc240e14d966976f596398993321394",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_fa22d",
                    table="grid_service_community",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["user"], name="assignments_of_user"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("service_district", "="), ("role", "="), ("valid", "&&")], name="one_holder_of_a_post"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("service_district", "="), ("user", "="), ("valid", "&&")],
                name="manager_and_deputy_are_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["manager", "deputy"])), name="post_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="hand_over_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid__isempty", False)), name="post_is_held_for_some_time"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "grid_service_assignmentevent" ("decided_at", "decided_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "role", "service_district_id", "user_id", "valid") VALUES (NEW."decided_at", NEW."decided_by_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."role", NEW."service_district_id", NEW."user_id", NEW."valid"); RETURN NULL;',
                    hash="888e49d49ff0e018f087dfd40ffb0dafbc7387df",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_dee09",
                    table="grid_service_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "grid_service_assignmentevent" ("decided_at", "decided_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "role", "service_district_id", "user_id", "valid") VALUES (NEW."decided_at", NEW."decided_by_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."role", NEW."service_district_id", NEW."user_id", NEW."valid"); RETURN NULL;',
                    hash="e0cd1aab7294fcf9a46967e9ee359a65d3a8f40a",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8fd68",
                    table="grid_service_assignment",
                    when="AFTER",
                ),
            ),
        ),
        migrations.CreateModel(
            name="ReceivingDistrict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField()),
                (
                    "county",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "service_district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grid_service.servicedistrict",
                    ),
                ),
            ],
            options={
                "db_table": "grid_service_receiving",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="receiving_has_a_reason"
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
