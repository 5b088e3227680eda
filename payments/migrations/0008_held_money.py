"""Money that fits no order is held and settled; orders are asked about by turns; notices are kept sealed."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import connection, migrations, models

import config.shared.personal_data


def seal_bodies(apps: Any, _schema: Any) -> None:
    """What providers told us names who paid: seal what is there in clear."""
    notices = apps.get_model("payments", "WalletNotice")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM payments_notice")
        rows = cursor.fetchall()
    for start in range(0, len(rows), 1_000):
        notices.objects.bulk_update([notices(pk=pk, body=body) for pk, body in rows[start : start + 1_000]], ["body"])


def open_bodies(apps: Any, _schema: Any) -> None:
    """In clear again."""
    notices = apps.get_model("payments", "WalletNotice")
    with connection.cursor() as cursor:
        for notice in notices.objects.only("body").iterator():
            cursor.execute("UPDATE payments_notice SET body = %s WHERE id = %s", [notice.body, notice.pk])


FORWARD = """
UPDATE payments_order SET ask_at = created_at WHERE state = 'created';
UPDATE payments_notice n SET amount_fen = o.amount_fen FROM payments_order o
WHERE o.out_trade_no = n.out_trade_no AND n.outcome IN ('', 'booked');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0049_notices_held"),
        ("payments", "0007_more_methods"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentorder",
            name="ask_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="walletnotice",
            name="amount_fen",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="walletnotice",
            name="is_held",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="walletnotice",
            name="provider_no",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="walletnotice",
            name="settled_payment",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.payment",
            ),
        ),
        migrations.AlterField(
            model_name="paymentorder",
            name="state",
            field=models.CharField(
                choices=[("created", "待支付"), ("paid", "已支付"), ("closed", "已关闭"), ("held", "待核对")],
                default="created",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="walletnotice",
            name="body",
            field=config.shared.personal_data.EncryptedTextField(),
        ),
        migrations.AddIndex(
            model_name="paymentorder",
            index=models.Index(condition=models.Q(("state", "created")), fields=["ask_at"], name="order_to_ask_about"),
        ),
        migrations.AddIndex(
            model_name="walletnotice",
            index=models.Index(condition=models.Q(("is_held", True)), fields=["received_at"], name="notice_held"),
        ),
        migrations.AddConstraint(
            model_name="walletnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(("settled_payment__isnull", True), ("is_held", True), _connector="OR"),
                name="held_before_settled",
            ),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.RunPython(seal_bodies, open_bodies),
    ]
