"""Refunds that a provider carries out, what it tells of them, and what refunds of a payment may come to."""

import django.db.models.deletion
from django.db import migrations, models

import config.shared.personal_data

FORWARD = """
CREATE FUNCTION payments_refund_within_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint; way text; gone bigint; times bigint;
BEGIN
    -- Refunds of one payment take turns; what the one before wrote is seen by the sums below.
    PERFORM pg_advisory_xact_lock(hashtextextended('refund of payment ' || NEW.payment_id, 17));
    SELECT amount_fen, method INTO paid, way FROM payments_payment WHERE id = NEW.payment_id;
    SELECT coalesce(sum(amount_fen), 0), count(*) INTO gone, times FROM payments_refund
    WHERE payment_id = NEW.payment_id;
    IF gone + NEW.amount_fen > paid THEN
        RAISE EXCEPTION 'refunds of a payment are not more than the payment'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_within_payment';
    END IF;
    IF way = 'wechat' AND times >= 50 THEN
        RAISE EXCEPTION 'WeChat Pay refunds a payment fifty times at most'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'wechat_refunds_at_most_50';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_refund_within_payment BEFORE INSERT ON payments_refund
FOR EACH ROW WHEN (NEW.payment_id IS NOT NULL) EXECUTE FUNCTION payments_refund_within_payment();

CREATE FUNCTION payments_payback_law() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.refund_id, OLD.payment_id, OLD.channel, OLD.out_refund_no, OLD.provider_no, OLD.amount_fen, OLD.total_fen,
        OLD.created_at) IS DISTINCT FROM
       (NEW.refund_id, NEW.payment_id, NEW.channel, NEW.out_refund_no, NEW.provider_no, NEW.amount_fen, NEW.total_fen,
        NEW.created_at) THEN
        RAISE EXCEPTION 'money records are corrected by new records';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (('asked', 'sent'), ('asked', 'done'),
        ('asked', 'failed'), ('sent', 'done'), ('sent', 'failed'), ('failed', 'done')) THEN
        RAISE EXCEPTION 'a refund does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payback_goes_its_way';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payback_law BEFORE UPDATE ON payments_payback
FOR EACH ROW EXECUTE FUNCTION payments_payback_law();
CREATE TRIGGER payments_payback_stays BEFORE DELETE OR TRUNCATE ON payments_payback
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER payments_refund_notice_stays BEFORE DELETE OR TRUNCATE ON payments_refund_notice
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_payback, payments_refund_notice FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER payments_refund_within_payment ON payments_refund;
DROP FUNCTION payments_refund_within_payment();
DROP TRIGGER payments_refund_notice_stays ON payments_refund_notice;
DROP TRIGGER payments_payback_stays ON payments_payback;
DROP TRIGGER payments_payback_law ON payments_payback;
DROP FUNCTION payments_payback_law();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0013_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("notice_id", models.CharField(max_length=64)),
                ("channel", models.CharField(max_length=16)),
                ("out_refund_no", models.CharField(max_length=64)),
                ("provider_no", models.CharField(max_length=64)),
                ("refund_no_there", models.CharField(blank=True, default="", max_length=64)),
                ("standing", models.CharField(max_length=16)),
                ("amount_fen", models.BigIntegerField()),
                ("body", config.shared.personal_data.EncryptedTextField()),
                ("signature", models.TextField()),
                ("received_at", models.DateTimeField()),
                ("outcome", models.CharField(blank=True, max_length=40)),
            ],
            options={
                "db_table": "payments_refund_notice",
                "indexes": [models.Index(fields=["out_refund_no"], name="notice_of_refund")],
                "constraints": [models.UniqueConstraint(fields=("channel", "notice_id"), name="refund_told_once")],
            },
        ),
        migrations.CreateModel(
            name="Payback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("out_refund_no", models.CharField(max_length=64, unique=True)),
                ("provider_no", models.CharField(max_length=64)),
                ("amount_fen", models.BigIntegerField()),
                ("total_fen", models.BigIntegerField()),
                ("refund_no_there", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("asked", "待退出"), ("sent", "退款中"), ("done", "已退回"), ("failed", "没有退成")],
                        default="asked",
                        max_length=16,
                    ),
                ),
                ("fault", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ask_at", models.DateTimeField(blank=True, null=True)),
                ("turns", models.IntegerField(default=0)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.payment"
                    ),
                ),
                (
                    "refund",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payback", to="payments.refund"
                    ),
                ),
            ],
            options={
                "db_table": "payments_payback",
                "indexes": [
                    models.Index(
                        condition=models.Q(("ask_at__isnull", False)), fields=["ask_at"], name="payback_to_pursue"
                    ),
                    models.Index(condition=models.Q(("state", "failed")), fields=["-id"], name="payback_failed"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0), ("amount_fen__lte", models.F("total_fen"))),
                        name="payback_within_payment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state__in", ("asked", "sent"))),
                            models.Q(("ended_at__isnull", False), ("state__in", ("done", "failed"))),
                            _connector="OR",
                        ),
                        name="payback_ended",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
