"""The tables of halls; events and ratings are written once, a rating is bound to its ticket and its clerk."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

LAW = """
ALTER TABLE halls_ticket ADD CONSTRAINT ticket_and_clerk UNIQUE (id, clerk_id);
ALTER TABLE halls_rating ADD CONSTRAINT rating_of_ticket_and_clerk
    FOREIGN KEY (ticket_id, clerk_id) REFERENCES halls_ticket (id, clerk_id);
CREATE TRIGGER halls_ticket_event_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON halls_ticket_event
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER halls_rating_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON halls_rating
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON halls_ticket_event, halls_rating FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON halls_ticket, halls_ticket_series FROM dayingxiao_app;
    END IF;
END $$;
"""

UNLAW = """
DROP TRIGGER halls_rating_is_final ON halls_rating;
DROP TRIGGER halls_ticket_event_is_final ON halls_ticket_event;
ALTER TABLE halls_rating DROP CONSTRAINT rating_of_ticket_and_clerk;
ALTER TABLE halls_ticket DROP CONSTRAINT ticket_and_clerk;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cis", "0010_outages"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.SmallIntegerField()),
                (
                    "skills",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), default=list, size=None
                    ),
                ),
                ("is_low", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "开放"), ("break", "暂停"), ("closed", "关闭")],
                        default="closed",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("state_since", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "halls_counter",
            },
        ),
        migrations.CreateModel(
            name="DisplayNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("saving", "节能知识"), ("notice", "公告")], max_length=16)),
                ("title", models.CharField(max_length=60)),
                ("title_en", models.CharField(blank=True, max_length=120)),
                ("text", models.CharField(max_length=300)),
                ("text_en", models.CharField(blank=True, max_length=600)),
                ("from_on", models.DateField()),
                ("until_on", models.DateField()),
            ],
            options={
                "db_table": "halls_display_note",
            },
        ),
        migrations.CreateModel(
            name="Hall",
            fields=[
                (
                    "org_unit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="shared.orgunit",
                    ),
                ),
                (
                    "grade",
                    models.CharField(
                        choices=[
                            ("A", "A 级：地市中心营业厅"),
                            ("B", "B 级：县中心营业厅"),
                            ("C", "C 级：非中心营业厅"),
                            ("D", "D 级：单一功能或自助网点"),
                        ],
                        max_length=1,
                    ),
                ),
                ("address", models.CharField(max_length=200)),
                ("longitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("latitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("opens_at", models.TimeField()),
                ("closes_at", models.TimeField()),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), default=list, size=None
                    ),
                ),
                ("min_open_counters", models.SmallIntegerField(default=1)),
                ("wait_target_s", models.IntegerField()),
                ("discipline", models.CharField(default="fair", max_length=32)),
            ],
            options={
                "db_table": "halls_hall",
            },
        ),
        migrations.CreateModel(
            name="HallEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "grade",
                    models.CharField(
                        choices=[
                            ("A", "A 级：地市中心营业厅"),
                            ("B", "B 级：县中心营业厅"),
                            ("C", "C 级：非中心营业厅"),
                            ("D", "D 级：单一功能或自助网点"),
                        ],
                        max_length=1,
                    ),
                ),
                ("address", models.CharField(max_length=200)),
                ("longitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("latitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("opens_at", models.TimeField()),
                ("closes_at", models.TimeField()),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), default=list, size=None
                    ),
                ),
                ("min_open_counters", models.SmallIntegerField(default=1)),
                ("wait_target_s", models.IntegerField()),
                ("discipline", models.CharField(default="fair", max_length=32)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PayPoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=32, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("hall", "营业厅"), ("bank", "银行网点"), ("agency", "代收点"), ("kiosk", "自助终端")],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("name_en", models.CharField(blank=True, max_length=100)),
                ("address", models.CharField(blank=True, max_length=200)),
                ("longitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("latitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("is_working", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "halls_pay_point",
            },
        ),
        migrations.CreateModel(
            name="PayPointEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(max_length=32)),
                (
                    "kind",
                    models.CharField(
                        choices=[("hall", "营业厅"), ("bank", "银行网点"), ("agency", "代收点"), ("kiosk", "自助终端")],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("name_en", models.CharField(blank=True, max_length=100)),
                ("address", models.CharField(blank=True, max_length=200)),
                ("longitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("latitude", models.DecimalField(decimal_places=6, max_digits=9)),
                ("is_working", models.BooleanField(default=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Rating",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("score", models.SmallIntegerField()),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "没有说明"),
                            ("attitude", "服务态度"),
                            ("skill", "业务不熟"),
                            ("speed", "办理太慢"),
                            ("wait", "等候太久"),
                            ("tariff", "电价电费"),
                            ("outage", "停电"),
                            ("other", "其他"),
                        ],
                        max_length=16,
                    ),
                ),
                ("comment", models.CharField(blank=True, max_length=500)),
                ("rated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "halls_rating",
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("letter", models.CharField(max_length=1)),
                ("serial", models.IntegerField()),
                ("number", models.CharField(max_length=8)),
                ("token", models.CharField(max_length=32, unique=True)),
                ("form_key", models.CharField(max_length=64, unique=True)),
                ("kind", models.CharField(max_length=32)),
                ("priority", models.CharField(max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "等候"),
                            ("called", "已叫号"),
                            ("serving", "办理中"),
                            ("served", "已办结"),
                            ("no_show", "过号"),
                            ("cancelled", "已取消"),
                            ("expired", "已过期"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("kiosk", "取号机"), ("portal", "网上"), ("counter", "引导台")], max_length=16
                    ),
                ),
                ("taken_at", models.DateTimeField()),
                ("waiting_since", models.DateTimeField()),
                ("back_after_call", models.BigIntegerField(blank=True, null=True)),
                ("calls", models.SmallIntegerField(default=0)),
                ("called_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ahead", models.IntegerField(default=0)),
                ("predicted_p50_s", models.IntegerField(blank=True, null=True)),
                ("predicted_p90_s", models.IntegerField(blank=True, null=True)),
                ("waited_s", models.IntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "halls_ticket",
            },
        ),
        migrations.CreateModel(
            name="TicketEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("taken", "取号"),
                            ("called", "叫号"),
                            ("recalled", "重呼"),
                            ("started", "开始办理"),
                            ("transferred", "转办"),
                            ("finished", "办结"),
                            ("missed", "过号"),
                            ("back", "过号回来"),
                            ("cancelled", "取消"),
                            ("expired", "过期"),
                            ("rated", "评价"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("device", models.CharField(blank=True, max_length=64)),
                ("note", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "halls_ticket_event",
            },
        ),
        migrations.CreateModel(
            name="TicketSeries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("letter", models.CharField(max_length=1)),
                ("last", models.IntegerField()),
            ],
            options={
                "db_table": "halls_ticket_series",
            },
        ),
        migrations.CreateModel(
            name="Zone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("business", "业务办理区"),
                            ("guidance", "智能引导区"),
                            ("display", "智能展示区"),
                            ("evaluation", "智能评价区"),
                            ("self-service", "自助服务区"),
                            ("payment", "收费区"),
                            ("waiting", "等候休息区"),
                            ("meeting", "洽谈室"),
                        ],
                        max_length=16,
                    ),
                ),
                ("position", models.SmallIntegerField(default=0)),
            ],
            options={
                "db_table": "halls_zone",
            },
        ),
        migrations.CreateModel(
            name="CounterDuty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "clerk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "counter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="duties", to="halls.counter"
                    ),
                ),
            ],
            options={
                "db_table": "halls_counter_duty",
            },
        ),
        migrations.CreateModel(
            name="DisplayNoteEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(choices=[("saving", "节能知识"), ("notice", "公告")], max_length=16)),
                ("title", models.CharField(max_length=60)),
                ("title_en", models.CharField(blank=True, max_length=120)),
                ("text", models.CharField(max_length=300)),
                ("text_en", models.CharField(blank=True, max_length=600)),
                ("from_on", models.DateField()),
                ("until_on", models.DateField()),
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
                        to="halls.displaynote",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HallQueue",
            fields=[
                (
                    "hall",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="halls.hall",
                    ),
                ),
                ("calls", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "halls_queue",
            },
        ),
        migrations.AddConstraint(
            model_name="hall",
            constraint=models.CheckConstraint(
                condition=models.Q(("closes_at__gt", models.F("opens_at"))), name="hall_closes_after_opening"
            ),
        ),
        migrations.AddConstraint(
            model_name="hall",
            constraint=models.CheckConstraint(
                condition=models.Q(("longitude__range", (-180, 180)), ("latitude__range", (-90, 90))),
                name="hall_is_on_earth",
            ),
        ),
        migrations.AddConstraint(
            model_name="hall",
            constraint=models.CheckConstraint(condition=models.Q(("wait_target_s__gt", 0)), name="hall_has_a_target"),
        ),
        migrations.AddField(
            model_name="displaynoteevent",
            name="hall",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="halls.hall",
            ),
        ),
        migrations.AddField(
            model_name="displaynote",
            name="hall",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="halls.hall"
            ),
        ),
        migrations.AddField(
            model_name="counter",
            name="hall",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="counters", to="halls.hall"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hall",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "halls_hallevent" ("address", "closes_at", "discipline", "grade", "latitude", "longitude", "min_open_counters", "opens_at", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "wait_target_s", "weekdays") VALUES (NEW."address", NEW."closes_at", NEW."discipline", NEW."grade", NEW."latitude", NEW."longitude", NEW."min_open_counters", NEW."opens_at", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'insert\', NEW."org_unit_id", NEW."wait_target_s", NEW."weekdays"); RETURN NULL;',
                    hash="5ced7982901a1a8faf4bbdf052540534a080cd77",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8f674",
                    table="halls_hall",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hall",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "halls_hallevent" ("address", "closes_at", "discipline", "grade", "latitude", "longitude", "min_open_counters", "opens_at", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "wait_target_s", "weekdays") VALUES (NEW."address", NEW."closes_at", NEW."discipline", NEW."grade", NEW."latitude", NEW."longitude", NEW."min_open_counters", NEW."opens_at", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'update\', NEW."org_unit_id", NEW."wait_target_s", NEW."weekdays"); RETURN NULL;',
                    hash="4df9baf6fb645b7fc36bba610231b24b4940d7ae",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_7c70f",
                    table="halls_hall",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="hallevent",
            name="org_unit",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                serialize=False,
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="hallevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="hallevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="halls.hall",
            ),
        ),
        migrations.AddField(
            model_name="paypoint",
            name="hall",
            field=models.OneToOneField(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.hall"
            ),
        ),
        migrations.AddField(
            model_name="paypoint",
            name="org_unit",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"),
        ),
        migrations.AddField(
            model_name="paypointevent",
            name="hall",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="halls.hall",
            ),
        ),
        migrations.AddField(
            model_name="paypointevent",
            name="org_unit",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="paypointevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="paypointevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="halls.paypoint",
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="clerk",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="hall",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.hall"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="account",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="clerk",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="counter",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.counter"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="hall",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.hall"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="person",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rating",
            name="ticket",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="rating", to="halls.ticket"
            ),
        ),
        migrations.AddField(
            model_name="ticketevent",
            name="counter",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="halls.counter",
            ),
        ),
        migrations.AddField(
            model_name="ticketevent",
            name="ticket",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.ticket"),
        ),
        migrations.AddField(
            model_name="ticketevent",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ticketseries",
            name="hall",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.hall"
            ),
        ),
        migrations.AddField(
            model_name="zone",
            name="hall",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="zones", to="halls.hall"),
        ),
        migrations.AddField(
            model_name="counter",
            name="zone",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="halls.zone"
            ),
        ),
        migrations.AddConstraint(
            model_name="counterduty",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("counter",), name="one_clerk_at_a_counter"
            ),
        ),
        migrations.AddConstraint(
            model_name="counterduty",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("clerk",), name="one_counter_a_clerk"
            ),
        ),
        migrations.AddConstraint(
            model_name="counterduty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("began_at")), _connector="OR"
                ),
                name="duty_ends_after_it_began",
            ),
        ),
        migrations.AddConstraint(
            model_name="displaynote",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_on__gt", models.F("from_on"))), name="note_ends_after_it_began"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="displaynote",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "halls_displaynoteevent" ("from_on", "hall_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "text_en", "title", "title_en", "until_on") VALUES (NEW."from_on", NEW."hall_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text", NEW."text_en", NEW."title", NEW."title_en", NEW."until_on"); RETURN NULL;',
                    hash="10dd036f29b48ad84feeea6df7ca42e393b99ddb",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_69616",
                    table="halls_display_note",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="displaynote",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "halls_displaynoteevent" ("from_on", "hall_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text", "text_en", "title", "title_en", "until_on") VALUES (NEW."from_on", NEW."hall_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text", NEW."text_en", NEW."title", NEW."title_en", NEW."until_on"); RETURN NULL;',
                    hash="bea81444cb6e5880a43508bc54a4254b8f5fad47",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_cd463",
                    table="halls_display_note",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="paypoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("longitude__range", (-180, 180)), ("latitude__range", (-90, 90))),
                name="pay_point_is_on_earth",
            ),
        ),
        migrations.AddConstraint(
            model_name="paypoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("hall__isnull", False), ("kind", "hall")),
                    models.Q(models.Q(("kind", "hall"), _negated=True), ("hall", None)),
                    _connector="OR",
                ),
                name="pay_point_of_a_hall_names_it",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paypoint",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "halls_paypointevent" ("address", "code", "hall_id", "id", "is_working", "kind", "latitude", "longitude", "name", "name_en", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."address", NEW."code", NEW."hall_id", NEW."id", NEW."is_working", NEW."kind", NEW."latitude", NEW."longitude", NEW."name", NEW."name_en", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;',
                    hash="d2d630899c5260399c98b746a557609a91156c53",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9a416",
                    table="halls_pay_point",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paypoint",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "halls_paypointevent" ("address", "code", "hall_id", "id", "is_working", "kind", "latitude", "longitude", "name", "name_en", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."address", NEW."code", NEW."hall_id", NEW."id", NEW."is_working", NEW."kind", NEW."latitude", NEW."longitude", NEW."name", NEW."name_en", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;',
                    hash="1dd1781ecd71acf89de661614fd8d446e85b8dba",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a358a",
                    table="halls_pay_point",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["hall", "day", "state"], name="ticket_of_hall_and_day"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["hall"], name="ticket_that_waits"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["person", "-id"], name="ticket_of_person"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["clerk", "-id"], name="ticket_of_clerk"),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                fields=("hall", "day", "letter", "serial"), name="ticket_number_once_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("called", "serving"))), fields=("clerk",), name="one_ticket_a_clerk"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("called", "serving"))),
                fields=("counter",),
                name="one_ticket_a_counter",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("waiting", "called", "serving"))),
                fields=("person",),
                name="one_live_ticket_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "waiting"), _negated=True),
                    models.Q(("clerk__isnull", True), ("counter__isnull", True), ("ended_at__isnull", True)),
                    _connector="OR",
                ),
                name="who_waits_is_at_no_counter",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("called", "serving", "served", "no_show")), _negated=True),
                    models.Q(("called_at__isnull", False), ("clerk__isnull", False), ("counter__isnull", False)),
                    _connector="OR",
                ),
                name="who_is_called_has_a_counter",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("predicted_p50_s__isnull", True), ("predicted_p90_s__isnull", True)),
                    models.Q(("predicted_p50_s__gte", 0), ("predicted_p90_s__gte", models.F("predicted_p50_s"))),
                    _connector="OR",
                ),
                name="prediction_is_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="rating",
            index=models.Index(fields=["hall", "-rated_at"], name="rating_of_hall"),
        ),
        migrations.AddIndex(
            model_name="rating",
            index=models.Index(fields=["clerk", "-rated_at"], name="rating_of_clerk"),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__range", (1, 5))), name="service_rated_one_to_five"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketseries",
            constraint=models.UniqueConstraint(fields=("hall", "day", "letter"), name="series_once_a_day"),
        ),
        migrations.AddConstraint(
            model_name="zone",
            constraint=models.UniqueConstraint(fields=("hall", "kind"), name="zone_once_a_hall"),
        ),
        migrations.AddConstraint(
            model_name="counter",
            constraint=models.UniqueConstraint(fields=("hall", "number"), name="counter_number_once"),
        ),
        migrations.AddConstraint(
            model_name="counter",
            constraint=models.CheckConstraint(condition=models.Q(("number__gt", 0)), name="counter_number_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="counter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "break"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="a_break_has_a_reason",
            ),
        ),
        migrations.RunSQL(LAW, UNLAW),
    ]
