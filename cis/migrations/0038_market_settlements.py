"""The trading centre's settlements: files, checks, differences, clearings and answers; written once."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER market_settlement_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_market_settlement
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER market_settlement_row_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_market_settlement_row
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER settlement_check_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_settlement_check
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER settlement_difference_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_settlement_difference
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER settlement_clearing_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_settlement_clearing
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER settlement_answer_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_settlement_answer
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_market_settlement, cis_market_settlement_row,
            cis_settlement_check, cis_settlement_difference, cis_settlement_clearing, cis_settlement_answer
            FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER settlement_answer_is_final ON cis_settlement_answer;
DROP TRIGGER settlement_clearing_is_final ON cis_settlement_clearing;
DROP TRIGGER settlement_difference_is_final ON cis_settlement_difference;
DROP TRIGGER settlement_check_is_final ON cis_settlement_check;
DROP TRIGGER market_settlement_row_is_final ON cis_market_settlement_row;
DROP TRIGGER market_settlement_is_final ON cis_market_settlement;
"""


class Migration(migrations.Migration):
    """Settlements of the market held against bills."""

    dependencies = [
        ("cis", "0037_late_readings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="billcorrection",
            name="cause",
            field=models.CharField(
                choices=[
                    ("corrected-reading", "示数更正"),
                    ("late-reading", "实抄晚到，原为估算"),
                    ("wrong-ratio", "倍率更正"),
                    ("follows", "前期更正引起的后续差额"),
                    ("back-bill", "电费退补"),
                    ("market-settlement", "市场化购电差额清算"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="MarketSettlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("province", models.CharField(max_length=50)),
                ("month", models.IntegerField()),
                ("revision", models.SmallIntegerField()),
                ("file_name", models.CharField(max_length=255)),
                ("digest", models.BinaryField(max_length=32)),
                ("rows", models.IntegerField()),
                ("energy_kwh_e2", models.BigIntegerField()),
                ("total_fen", models.BigIntegerField()),
                ("imported_at", models.DateTimeField()),
                (
                    "imported_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_market_settlement",
            },
        ),
        migrations.CreateModel(
            name="MarketSettlementRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "settlement_id", "line", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("settlement_id", models.BigIntegerField()),
                ("line", models.IntegerField()),
                ("account_id", models.BigIntegerField()),
                ("point_id", models.BigIntegerField(null=True)),
                ("retailer_id", models.BigIntegerField()),
                ("energy_kwh_e2", models.BigIntegerField()),
                ("price_e8", models.BigIntegerField(null=True)),
                ("energy_fen", models.BigIntegerField()),
                ("deviation_fen", models.BigIntegerField()),
                ("green_fen", models.BigIntegerField()),
                ("total_fen", models.BigIntegerField()),
            ],
            options={
                "db_table": "cis_market_settlement_row",
                "indexes": [models.Index(fields=["settlement_id", "account_id"], name="settlement_rows_of_account")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total_fen",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("energy_fen"), "+", models.F("deviation_fen")
                                    ),
                                    "+",
                                    models.F("green_fen"),
                                ),
                            )
                        ),
                        name="settlement_row_adds_up",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.SmallIntegerField(
                        choices=[
                            (0, "equal"),
                            (1, "rounding"),
                            (2, "cleared"),
                            (3, "missing_there"),
                            (4, "not_billed"),
                            (5, "no_agreement"),
                            (6, "other_retailer"),
                            (7, "other_energy"),
                            (8, "provisional"),
                            (9, "deviation"),
                            (10, "other_price"),
                        ]
                    ),
                ),
                ("left_fen", models.BigIntegerField()),
                ("note", models.TextField()),
                ("answered_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="cis.marketsettlement"
                    ),
                ),
            ],
            options={
                "db_table": "cis_settlement_answer",
            },
        ),
        migrations.CreateModel(
            name="SettlementCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("figures", models.JSONField()),
                ("checked_at", models.DateTimeField()),
                (
                    "checked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="checks", to="cis.marketsettlement"
                    ),
                ),
            ],
            options={
                "db_table": "cis_settlement_check",
            },
        ),
        migrations.CreateModel(
            name="SettlementClearing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_fen", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "correction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_clearing",
                        to="cis.billcorrection",
                    ),
                ),
                (
                    "settlement_check",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="clearings", to="cis.settlementcheck"
                    ),
                ),
            ],
            options={
                "db_table": "cis_settlement_clearing",
            },
        ),
        migrations.CreateModel(
            name="SettlementDifference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "settlement_check_id",
                        "account_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "cause",
                    models.SmallIntegerField(
                        choices=[
                            (0, "equal"),
                            (1, "rounding"),
                            (2, "cleared"),
                            (3, "missing_there"),
                            (4, "not_billed"),
                            (5, "no_agreement"),
                            (6, "other_retailer"),
                            (7, "other_energy"),
                            (8, "provisional"),
                            (9, "deviation"),
                            (10, "other_price"),
                        ]
                    ),
                ),
                ("our_retailer_id", models.BigIntegerField()),
                ("their_retailer_id", models.BigIntegerField()),
                ("ours_kwh_e2", models.BigIntegerField()),
                ("theirs_kwh_e2", models.BigIntegerField()),
                ("ours_fen", models.BigIntegerField()),
                ("theirs_fen", models.BigIntegerField()),
                ("deviation_fen", models.BigIntegerField()),
                ("cleared_fen", models.BigIntegerField()),
                ("left_fen", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="cis.account",
                    ),
                ),
                (
                    "settlement_check",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="cis.settlementcheck",
                    ),
                ),
            ],
            options={
                "db_table": "cis_settlement_difference",
            },
        ),
        migrations.AddConstraint(
            model_name="marketsettlement",
            constraint=models.UniqueConstraint(
                fields=("province", "month", "revision"), name="one_settlement_revision"
            ),
        ),
        migrations.AddConstraint(
            model_name="marketsettlement",
            constraint=models.UniqueConstraint(
                fields=("province", "month", "digest"), name="one_settlement_of_the_same_bytes"
            ),
        ),
        migrations.AddConstraint(
            model_name="marketsettlement",
            constraint=models.CheckConstraint(
                condition=models.Q(("revision__gt", 0), ("rows__gt", 0)), name="settlement_has_rows"
            ),
        ),
        migrations.AddIndex(
            model_name="settlementanswer",
            index=models.Index(fields=["settlement", "account", "-id"], name="settlement_answers_of"),
        ),
        migrations.AddConstraint(
            model_name="settlementanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("note", ""), _negated=True), name="settlement_answer_says_what"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementclearing",
            constraint=models.UniqueConstraint(fields=("settlement_check", "account"), name="one_clearing_per_check"),
        ),
        migrations.AddConstraint(
            model_name="settlementclearing",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen", 0), _negated=True), name="clearing_has_an_amount"
            ),
        ),
        migrations.AddIndex(
            model_name="settlementdifference",
            index=models.Index(fields=["settlement_check", "cause"], name="settlement_differences_by"),
        ),
        migrations.AddConstraint(
            model_name="settlementdifference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "left_fen",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("theirs_fen"), "-", models.F("ours_fen")
                            ),
                            "-",
                            models.F("cleared_fen"),
                        ),
                    )
                ),
                name="settlement_difference_adds_up",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
