"""One more kind of act: money that a provider has for us and that fits no order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0048_money_from_every_direction"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ledgertransfer",
            name="kind",
            field=models.SmallIntegerField(
                choices=[
                    (1, "电费发行"),
                    (2, "预收抵扣"),
                    (3, "收费"),
                    (4, "冲正"),
                    (5, "退预存电费"),
                    (6, "退款转出"),
                    (7, "退款未成"),
                    (8, "到账待核对"),
                    (61, "现金解款"),
                    (62, "解款到账"),
                    (63, "钱箱长短款"),
                    (64, "钱箱长短款处理"),
                    (65, "支票到账"),
                    (66, "支票退票"),
                    (71, "到账"),
                    (72, "到账认领"),
                    (73, "到账退回"),
                    (75, "票据兑付"),
                    (76, "票据贴现"),
                    (77, "票据背书转让"),
                    (78, "票据拒付"),
                    (81, "代收点备付金存入"),
                    (82, "代收点备付金退回"),
                    (83, "代收点手续费"),
                    (91, "渠道结算到账"),
                    (92, "对账差异挂账"),
                    (93, "对账差异处理"),
                    (21, "以前账单差额"),
                    (22, "账单作废"),
                    (23, "电费退补转预存"),
                    (31, "违约金"),
                    (32, "减免违约金"),
                    (33, "核销坏账"),
                    (34, "收回已核销"),
                    (35, "收存保证金"),
                    (36, "保证金抵欠费"),
                    (37, "退还保证金"),
                    (51, "期初未收电费"),
                    (52, "期初预存"),
                    (53, "期初转入作废"),
                    (41, "应付上网电费"),
                    (42, "上网电费付款"),
                    (43, "上网电费退回"),
                ]
            ),
        ),
    ]
