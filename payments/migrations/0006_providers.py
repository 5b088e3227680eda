"""WeChat Pay and Alipay: their methods, their accounts of money on its way, and notices known by provider and number."""

from django.db import migrations, models

METHODS = [
    ("cash", "现金"),
    ("card", "刷卡"),
    ("qr", "扫码"),
    ("wallet", "电子钱包"),
    ("bank", "银行代收"),
    ("wechat", "微信支付"),
    ("alipay", "支付宝"),
]
FORWARD = """
INSERT INTO cis_ledger_account (id, name) VALUES (-1015, '在途资金：微信支付'), (-1016, '在途资金：支付宝')
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    """Two notices of one number are two where they come from two providers."""

    dependencies = [("payments", "0005_channel_clients"), ("cis", "0046_advances")]

    operations = [
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="channelclient", name="client_code_is_no_channel_of_ours"),
        migrations.AlterField(
            model_name="payment", name="method", field=models.CharField(choices=METHODS, max_length=16)
        ),
        migrations.AlterField(
            model_name="refund", name="method", field=models.CharField(choices=METHODS, max_length=16)
        ),
        migrations.AlterField(model_name="walletnotice", name="notice_id", field=models.CharField(max_length=64)),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__in", ["counter", "wallet", "wechat", "alipay"]), _negated=True),
                name="client_code_is_no_channel_of_ours",
            ),
        ),
        migrations.AddConstraint(
            model_name="walletnotice",
            constraint=models.UniqueConstraint(fields=("channel", "notice_id"), name="told_once"),
        ),
    ]
