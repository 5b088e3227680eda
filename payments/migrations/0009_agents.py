"""Agents: contract, deposit that is never overdrawn, moves and settlements that nobody changes."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

TABLES = ("payments_agent_move", "payments_agent_settlement")

FORWARD = (
    "\n".join(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();"
        for table in TABLES
    )
    + f"""
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {", ".join(TABLES)} FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_agent_deposit, payments_agent_day, payments_agent_contract
            FROM dayingxiao_app;
    END IF;
END $$;
"""
)
BACKWARD = "\n".join(f"DROP TRIGGER {table}_is_final ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0008_held_money"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentContractEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "outlet",
                    models.CharField(
                        choices=[
                            ("telecom", "电信营业厅"),
                            ("post", "邮政"),
                            ("supermarket", "超市"),
                            ("property", "小区物业"),
                        ],
                        max_length=16,
                    ),
                ),
                ("contract_no", models.CharField(max_length=64)),
                ("single_limit_fen", models.BigIntegerField()),
                ("daily_limit_fen", models.BigIntegerField()),
                ("commission_bp", models.IntegerField(default=0)),
                ("commission_fen", models.BigIntegerField(default=0)),
                ("low_deposit_fen", models.BigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AgentDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client_id", "business_date", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("client_id", models.BigIntegerField()),
                ("business_date", models.DateField()),
                ("sold_fen", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "payments_agent_day",
            },
        ),
        migrations.CreateModel(
            name="AgentDeposit",
            fields=[
                (
                    "client",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="payments.channelclient",
                    ),
                ),
                ("balance_fen", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "payments_agent_deposit",
            },
        ),
        migrations.CreateModel(
            name="AgentMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("topped-up", "存入"),
                            ("paid-out", "退回"),
                            ("sale", "代收"),
                            ("reversed", "冲正"),
                            ("commission", "手续费"),
                        ],
                        max_length=16,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("balance_fen", models.BigIntegerField()),
                ("reference", models.CharField(max_length=64, null=True)),
                ("approval_id", models.BigIntegerField(null=True)),
                ("business_date", models.DateField()),
                ("moved_at", models.DateTimeField()),
            ],
            options={
                "db_table": "payments_agent_move",
            },
        ),
        migrations.CreateModel(
            name="AgentSettlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField()),
                ("sales", models.IntegerField()),
                ("sales_fen", models.BigIntegerField()),
                ("reversals", models.IntegerField()),
                ("reversals_fen", models.BigIntegerField()),
                ("commission_bp", models.IntegerField()),
                ("commission_each_fen", models.BigIntegerField()),
                ("commission_fen", models.BigIntegerField()),
                ("balance_fen", models.BigIntegerField()),
                ("settled_at", models.DateTimeField()),
            ],
            options={
                "db_table": "payments_agent_settlement",
            },
        ),
        migrations.CreateModel(
            name="AgentContract",
            fields=[
                (
                    "client",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="agent",
                        serialize=False,
                        to="payments.channelclient",
                    ),
                ),
                (
                    "outlet",
                    models.CharField(
                        choices=[
                            ("telecom", "电信营业厅"),
                            ("post", "邮政"),
                            ("supermarket", "超市"),
                            ("property", "小区物业"),
                        ],
                        max_length=16,
                    ),
                ),
                ("contract_no", models.CharField(max_length=64)),
                ("single_limit_fen", models.BigIntegerField()),
                ("daily_limit_fen", models.BigIntegerField()),
                ("commission_bp", models.IntegerField(default=0)),
                ("commission_fen", models.BigIntegerField(default=0)),
                ("low_deposit_fen", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "payments_agent_contract",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("contract_no", ""), _negated=True), name="agent_contract_has_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("daily_limit_fen__gte", models.F("single_limit_fen")), ("single_limit_fen__gt", 0)
                        ),
                        name="agent_limits_are_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("commission_bp__range", (0, 1000)),
                            ("commission_fen__range", (0, 10000)),
                            ("low_deposit_fen__gte", 0),
                        ),
                        name="agent_commission_is_sane",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agentcontract",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_agentcontractevent" ("client_id", "commission_bp", "commission_fen", "contract_no", "daily_limit_fen", "low_deposit_fen", "outlet", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "single_limit_fen") VALUES (NEW."client_id", NEW."commission_bp", NEW."commission_fen", NEW."contract_no", NEW."daily_limit_fen", NEW."low_deposit_fen", NEW."outlet", _pgh_attach_context(), NOW(), \'insert\', NEW."client_id", NEW."single_limit_fen"); RETURN NULL;',
                    hash="2129304f7300d8e05ff440540e8b4f98bdd534ae",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_7f0c7",
                    table="payments_agent_contract",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agentcontract",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "payments_agentcontractevent" ("client_id", "commission_bp", "commission_fen", "contract_no", "daily_limit_fen", "low_deposit_fen", "outlet", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "single_limit_fen") VALUES (NEW."client_id", NEW."commission_bp", NEW."commission_fen", NEW."contract_no", NEW."daily_limit_fen", NEW."low_deposit_fen", NEW."outlet", _pgh_attach_context(), NOW(), \'update\', NEW."client_id", NEW."single_limit_fen"); RETURN NULL;',
                    hash="a3a831ee8fc0ed1cddb9416e7ed696ca266f2b93",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_77621",
                    table="payments_agent_contract",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="agentcontractevent",
            name="client",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                serialize=False,
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="agentcontractevent",
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
            model_name="agentcontractevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="payments.agentcontract",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentday",
            constraint=models.CheckConstraint(
                condition=models.Q(("sold_fen__gte", 0)), name="agent_day_sold_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentdeposit",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance_fen__gte", 0)), name="agent_deposit_not_overdrawn"
            ),
        ),
        migrations.AddField(
            model_name="agentmove",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="agentmove",
            name="payment",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="agentsettlement",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="agentmove",
            name="settlement",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.agentsettlement"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentsettlement",
            constraint=models.UniqueConstraint(fields=("client", "business_date"), name="agent_day_settled_once"),
        ),
        migrations.AddConstraint(
            model_name="agentsettlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("balance_fen__gte", 0),
                    ("commission_fen__gte", 0),
                    ("reversals__gte", 0),
                    ("reversals__lte", models.F("sales")),
                    ("reversals_fen__gte", 0),
                    ("reversals_fen__lte", models.F("sales_fen")),
                    ("sales__gt", 0),
                ),
                name="agent_settlement_adds_up",
            ),
        ),
        migrations.AddIndex(
            model_name="agentmove",
            index=models.Index(fields=["client", "business_date", "-id"], name="agent_move_of_day"),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("kind__in", ["topped-up", "reversed", "commission"])),
                    models.Q(("amount_fen__lt", 0), ("kind__in", ["paid-out", "sale"])),
                    _connector="OR",
                ),
                name="agent_move_has_its_sign",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance_fen__gte", 0)), name="agent_move_leaves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("approval_id__isnull", True), ("kind__in", ["sale", "reversed"]), ("payment__isnull", False)
                    ),
                    models.Q(("kind", "commission"), ("payment__isnull", True), ("settlement__isnull", False)),
                    models.Q(
                        ("approval_id__isnull", False),
                        ("kind__in", ["topped-up", "paid-out"]),
                        ("payment__isnull", True),
                        ("reference__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="agent_move_has_its_paper",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.UniqueConstraint(fields=("payment", "kind"), name="agent_move_of_payment_once"),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.UniqueConstraint(
                fields=("client", "kind", "reference"), name="agent_move_of_bank_paper_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentmove",
            constraint=models.UniqueConstraint(fields=("approval_id",), name="agent_move_of_approval_once"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
