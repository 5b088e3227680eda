"""More ways to pay: cheque, transfer, note, debit, agent, terminal."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_providers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="payment",
            name="method",
            field=models.CharField(
                choices=[
                    ("cash", "现金"),
                    ("card", "刷卡"),
                    ("qr", "扫码"),
                    ("wallet", "电子钱包"),
                    ("bank", "银行代收"),
                    ("wechat", "微信支付"),
                    ("alipay", "支付宝"),
                    ("cheque", "支票"),
                    ("transfer", "对公转账"),
                    ("note", "银行承兑汇票"),
                    ("debit", "银行代扣"),
                    ("agent", "代收点"),
                    ("terminal", "自助终端"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="method",
            field=models.CharField(
                choices=[
                    ("cash", "现金"),
                    ("card", "刷卡"),
                    ("qr", "扫码"),
                    ("wallet", "电子钱包"),
                    ("bank", "银行代收"),
                    ("wechat", "微信支付"),
                    ("alipay", "支付宝"),
                    ("cheque", "支票"),
                    ("transfer", "对公转账"),
                    ("note", "银行承兑汇票"),
                    ("debit", "银行代扣"),
                    ("agent", "代收点"),
                    ("terminal", "自助终端"),
                ],
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(
            model_name="channelclient",
            name="client_code_is_no_channel_of_ours",
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("code__in", ["counter", "wallet", "wechat", "alipay", "debit", "transfer", "note", "terminal"]),
                    _negated=True,
                ),
                name="client_code_is_no_channel_of_ours",
            ),
        ),
    ]
