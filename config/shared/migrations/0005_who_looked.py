"""Who looked at what, and acts that need a second person."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

KEPT_AT_LEAST = "180 days"

LAW = f"""
ALTER TABLE shared_approval ADD CONSTRAINT approval_by_nobody_concerned
    CHECK (state NOT IN ('carried-out', 'refused') OR NOT decided_by_id = ANY(concerned_ids));

CREATE FUNCTION shared_look_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.looked_at < now() - interval '{KEPT_AT_LEAST}' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% on shared_look is refused: what was seen was seen', TG_OP USING ERRCODE = 'DY004';
END $$;
CREATE TRIGGER look_stays BEFORE UPDATE OR DELETE ON shared_look
    FOR EACH ROW EXECUTE FUNCTION shared_look_stays();

-- One call writes one row and hardly waits: a page is never held up by the record of who opened it. Gives what went
-- wrong, empty when nothing did.
CREATE FUNCTION shared_note_look(
    user_id bigint, org_unit_id bigint, role text, subject text, page text, came_from text, request_id text,
    looked_at timestamptz
) RETURNS text LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
BEGIN
    INSERT INTO shared_look (user_id, org_unit_id, role, subject, page, came_from, request_id, looked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
    RETURN '';
EXCEPTION WHEN OTHERS THEN
    -- Whatever it was, the caller's transaction goes on; the caller logs what is returned.
    RETURN SQLERRM;
END $$;

-- The application may forget old rows, by this door and a batch at a time; never young ones, whatever it asks for.
CREATE FUNCTION shared_prune_looks(before timestamptz, batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone integer;
BEGIN
    DELETE FROM shared_look WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM shared_look
        WHERE looked_at < least(before, now() - interval '{KEPT_AT_LEAST}') LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER
            ON shared_look, shared_look_question, shared_approval, shared_approval_step FROM dayingxiao_app;
        GRANT UPDATE (state, decided_by_id, decided_at, note, outcome) ON shared_approval TO dayingxiao_app;
        GRANT UPDATE (answer, answered_by_id, answered_at) ON shared_look_question TO dayingxiao_app;
    END IF;
END $$;
"""

UNDO = """
DROP FUNCTION shared_prune_looks(timestamptz, integer);
DROP FUNCTION shared_note_look(bigint, bigint, text, text, text, text, text, timestamptz);
DROP TRIGGER look_stays ON shared_look;
DROP FUNCTION shared_look_stays();
ALTER TABLE shared_approval DROP CONSTRAINT approval_by_nobody_concerned;
"""


class Migration(migrations.Migration):
    """Tables, their triggers, and what the application may not do to them."""

    dependencies = [
        ("shared", "0004_messages_to_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="org_unit",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64)),
                ("payload", models.JSONField(default=dict)),
                ("subject", models.CharField(blank=True, max_length=100)),
                (
                    "concerned_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "待审批"),
                            ("carried-out", "已批准并执行"),
                            ("refused", "已驳回"),
                            ("withdrawn", "已撤回"),
                            ("expired", "已过期"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("outcome", models.JSONField(blank=True, default=dict)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
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
            ],
            options={
                "db_table": "shared_approval",
            },
        ),
        migrations.CreateModel(
            name="ApprovalStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("asked", "提出申请"),
                            ("approved", "批准"),
                            ("carried-out", "执行完毕"),
                            ("refused", "驳回"),
                            ("withdrawn", "撤回"),
                            ("expired", "过期"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "approval",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="shared.approval"
                    ),
                ),
                (
                    "by",
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
                "db_table": "shared_approval_step",
            },
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(blank=True, max_length=64)),
                ("subject", models.CharField(max_length=40)),
                ("page", models.CharField(max_length=64)),
                ("came_from", models.CharField(blank=True, max_length=64)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("looked_at", models.DateTimeField()),
                (
                    "org_unit",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.orgunit",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "shared_look",
            },
        ),
        migrations.CreateModel(
            name="LookQuestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=40)),
                ("about_at", models.DateTimeField()),
                ("text", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("answer", models.CharField(blank=True, max_length=1000)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "about_user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
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
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "shared_look_question",
            },
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["asked_at"], name="approval_waiting"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["asked_by", "-id"], name="approval_asked_by"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["subject", "-id"], name="approval_about"),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="approval_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("asked_at"))), name="approval_waits_a_while"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "waiting")),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", True), ("state", "expired")),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by", models.F("asked_by")),
                        ("decided_by__isnull", False),
                        ("state", "withdrawn"),
                    ),
                    models.Q(
                        models.Q(
                            ("decided_at__isnull", False),
                            ("decided_by__isnull", False),
                            ("state__in", ("carried-out", "refused")),
                        ),
                        models.Q(("decided_by", models.F("asked_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="approval_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("note", ""), ("state", "refused"), _negated=True), name="refusal_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting"), models.Q(("subject", ""), _negated=True)),
                fields=("kind", "subject"),
                name="asked_for_once",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="asked_is_asked",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."payload" IS DISTINCT FROM (NEW."payload") OR OLD."subject" IS DISTINCT FROM (NEW."subject") OR OLD."org_unit_id" IS DISTINCT FROM (NEW."org_unit_id") OR OLD."asked_by_id" IS DISTINCT FROM (NEW."asked_by_id") OR OLD."concerned_ids" IS DISTINCT FROM (NEW."concerned_ids") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."asked_at" IS DISTINCT FROM (NEW."asked_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="8725c0a3ab6e0b8ff5ca746c53466a5affd8603e",
                    operation="UPDATE",
                    pgid="pgtrigger_asked_is_asked_eeec2",
                    table="shared_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="decided_is_final",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"state\" IS DISTINCT FROM 'waiting')",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="5e3e2fd8201f96ea323eee29c1140a8c69614fb0",
                    operation="UPDATE",
                    pgid="pgtrigger_decided_is_final_97da2",
                    table="shared_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="a8ed768b282438961fd885cd07713d2913935008",
                    operation="DELETE",
                    pgid="pgtrigger_never_deleted_aba6a",
                    table="shared_approval",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalstep",
            constraint=models.UniqueConstraint(fields=("approval", "what"), name="approval_step_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approvalstep",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="74fae433e7fc5ee2ced65e29edbdc6f66791ad47",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_660ab",
                    table="shared_approval_step",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="look",
            index=models.Index(fields=["subject", "-looked_at"], name="look_of_subject"),
        ),
        migrations.AddIndex(
            model_name="look",
            index=models.Index(fields=["user", "-looked_at"], name="look_by_user"),
        ),
        migrations.AddIndex(
            model_name="look",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["looked_at"], name="look_by_time"),
        ),
        migrations.AddIndex(
            model_name="lookquestion",
            index=models.Index(condition=models.Q(("answer", "")), fields=["asked_at"], name="look_question_open"),
        ),
        migrations.AddConstraint(
            model_name="lookquestion",
            constraint=models.UniqueConstraint(fields=("subject", "about_user", "about_at"), name="asked_about_once"),
        ),
        migrations.AddConstraint(
            model_name="lookquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="question_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="lookquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at__isnull", True), ("answered_by__isnull", True)),
                    models.Q(
                        models.Q(("answer", ""), _negated=True),
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="answer_has_an_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="lookquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("answered_by__isnull", True),
                    models.Q(("answered_by", models.F("about_user")), _negated=True),
                    _connector="OR",
                ),
                name="answered_by_somebody_else",
            ),
        ),
        migrations.RunSQL(LAW, UNDO),
    ]
