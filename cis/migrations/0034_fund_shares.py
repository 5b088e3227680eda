"""Each fund and subsidy has a ledger account of its own, and differences keep what of them is of which."""

import django.db.models.deletion
from django.db import migrations, models

# Differences of before know their lines then and now: from these their shares follow.
FORWARD = """
INSERT INTO cis_ledger_account (id, name) VALUES (-224101, '应交农网还贷资金'),
    (-224102, '应交大中型水库移民后期扶持资金'), (-224103, '应交可再生能源电价附加'), (-6021, '低保五保免费电量减收')
ON CONFLICT DO NOTHING;
INSERT INTO cis_correction_share (correction_id, code, amount_fen, energy_kwh_e2)
SELECT c.id, l.code, sum(l.sign * l.fen), sum(l.sign * l.quantity)
FROM cis_bill_correction c CROSS JOIN LATERAL (
    SELECT 1 AS sign, n.code, n.fen, n.quantity
    FROM jsonb_to_recordset(c.lines_now) AS n(code int, fen bigint, quantity bigint)
    UNION ALL
    SELECT -1, t.code, t.fen, t.quantity
    FROM jsonb_to_recordset(c.lines_then) AS t(code int, fen bigint, quantity bigint)) l
WHERE c.state = 'standing' AND l.code IN (41, 42, 43, 71)
GROUP BY 1, 2 HAVING sum(l.sign * l.fen) <> 0;
CREATE TRIGGER cis_correction_share_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_correction_share
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_correction_share FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = "DROP TRIGGER cis_correction_share_is_final ON cis_correction_share"


class Migration(migrations.Migration):
    """One table, four ledger accounts."""

    dependencies = [("cis", "0033_transferred_tiers")]

    operations = [
        migrations.CreateModel(
            name="CorrectionShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SmallIntegerField()),
                ("amount_fen", models.BigIntegerField()),
                ("energy_kwh_e2", models.BigIntegerField()),
                (
                    "correction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shares", to="cis.billcorrection"
                    ),
                ),
            ],
            options={
                "db_table": "cis_correction_share",
                "constraints": [
                    models.UniqueConstraint(fields=("correction", "code"), name="one_share_of_a_fund"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen", 0), _negated=True), name="share_is_an_amount"
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
