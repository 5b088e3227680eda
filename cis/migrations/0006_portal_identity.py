"""How customers prove who they are and which accounts they may see."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data

LAW = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER
            ON cis_real_name_check, cis_portal_access, cis_contact, cis_binding_try FROM dayingxiao_app;
        GRANT UPDATE (ended_at, ended_by_id, end_reason) ON cis_portal_access TO dayingxiao_app;
        GRANT UPDATE (answer, answered_at, answered_by_id) ON cis_contact TO dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON cis_portal_person, cis_wechat_identity, cis_portal_session FROM dayingxiao_app;
    END IF;
END $$;
"""


def carry_over(apps, _schema_editor):
    """
    Portal users become people with the telephone of the customer whose accounts they own; bindings keep their role.

    Where several users have one telephone the first keeps it, and the others come in by their account number again.
    """
    access = apps.get_model("cis", "PortalAccess")
    person = apps.get_model("cis", "PortalPerson")
    known = set()
    for row in access.objects.select_related("user", "account__customer").order_by("pk"):
        customer = row.account.customer
        row.began_at = row.user.date_joined
        if row.role == "tenant":
            row.from_on = row.user.date_joined.date()
        row.save(update_fields=["began_at", "from_on"])
        index = bytes(customer.phone_index) if customer.phone_index else b""
        if row.role != "owner" or not customer.phone or not index or index in known or row.user_id in known:
            continue
        known |= {index, row.user_id}
        person.objects.create(
            user=row.user,
            telephone=customer.phone,
            telephone_index=index,
            telephone_since=row.user.date_joined,
            joined_at=row.user.date_joined,
        )


class Migration(migrations.Migration):
    """How customers prove who they are and which accounts they may see."""

    dependencies = [("cis", "0005_one_time_code")]

    operations = [
        migrations.CreateModel(
            name="BindingTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_index", models.BinaryField(max_length=32)),
                ("tried_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_binding_try",
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("fault", "报修"), ("question", "咨询")], max_length=16)),
                (
                    "channel",
                    models.CharField(
                        choices=[("portal", "网上营业厅"), ("telephone", "电话"), ("counter", "营业厅")], max_length=16
                    ),
                ),
                ("text", models.TextField()),
                ("form_key", models.CharField(max_length=64, unique=True)),
                ("told_at", models.DateTimeField()),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "cis_contact",
            },
        ),
        migrations.CreateModel(
            name="PortalPerson",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("telephone", config.shared.personal_data.EncryptedTextField()),
                ("telephone_index", models.BinaryField(max_length=32, unique=True)),
                ("telephone_since", models.DateTimeField()),
                ("joined_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_portal_person",
            },
        ),
        migrations.CreateModel(
            name="RealNameCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "by",
                    models.CharField(choices=[("counter", "营业厅核验"), ("authority", "权威机构核验")], max_length=16),
                ),
                (
                    "document",
                    models.CharField(
                        choices=[
                            ("identity-card", "居民身份证"),
                            ("household-book", "户口簿"),
                            ("passport", "护照"),
                            ("travel-permit", "港澳台居民居住证或通行证"),
                            ("residence-permit", "外国人永久居留身份证"),
                        ],
                        max_length=32,
                    ),
                ),
                ("document_end", models.CharField(max_length=6)),
                ("name", config.shared.personal_data.EncryptedTextField()),
                ("checked_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_real_name_check",
            },
        ),
        migrations.CreateModel(
            name="WechatIdentity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("app_id", models.CharField(max_length=64)),
                ("openid", config.shared.personal_data.EncryptedTextField()),
                ("openid_index", models.BinaryField(max_length=32)),
                ("unionid_index", models.BinaryField(blank=True, max_length=32, null=True)),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "cis_wechat_identity",
            },
        ),
        migrations.RemoveConstraint(
            model_name="portalaccess",
            name="portal_access_once",
        ),
        migrations.RemoveField(
            model_name="onetimecode",
            name="account",
        ),
        # Codes live for five minutes: whoever waits for one asks again.
        migrations.RunSQL("DELETE FROM cis_one_time_code", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="onetimecode",
            name="telephone",
            field=config.shared.personal_data.EncryptedTextField(blank=True),
        ),
        migrations.AddField(
            model_name="onetimecode",
            name="telephone_index",
            field=models.BinaryField(default=b"", max_length=32),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="began_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="began_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="end_reason",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="ended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="from_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="letter_key",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="letter_type",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="proof",
            field=models.CharField(
                choices=[
                    ("carried-over", "沿用原有绑定"),
                    ("registered-telephone", "户号登记的手机"),
                    ("name-and-code", "户名和登记手机验证码"),
                    ("last-payment", "最近一次交费金额"),
                    ("hall-visit", "营业厅当面核验"),
                ],
                default="carried-over",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="portalaccess",
            name="until_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="portalaccess",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
        ),
        migrations.AlterField(
            model_name="portalaccess",
            name="role",
            field=models.CharField(
                choices=[
                    ("owner", "户主"),
                    ("payer", "代缴人"),
                    ("tenant", "租户"),
                    ("delegate", "家人代管"),
                    ("agent", "受托代理人"),
                ],
                default="owner",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="portalaccess",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="onetimecode",
            index=models.Index(fields=["telephone_index", "-sent_at"], name="code_of_telephone"),
        ),
        migrations.AddIndex(
            model_name="portalaccess",
            index=models.Index(fields=["account", "-began_at"], name="bindings_of_account"),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("user", "account"), name="one_binding_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role", "agent"), _negated=True),
                    models.Q(models.Q(("letter_key", ""), _negated=True), ("until_on__isnull", False)),
                    _connector="OR",
                ),
                name="agent_has_a_letter_that_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role", "tenant"), _negated=True), ("from_on__isnull", False), _connector="OR"
                ),
                name="tenant_has_a_first_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), models.Q(("end_reason", ""), _negated=True), _connector="OR"
                ),
                name="binding_ends_for_a_reason",
            ),
        ),
        migrations.AddField(
            model_name="bindingtry",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="account",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="answered_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="realnamecheck",
            name="checked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="realnamecheck",
            name="org_unit",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="realnamecheck",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="wechatidentity",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="bindingtry",
            index=models.Index(fields=["user", "-tried_at"], name="binding_tries_of_user"),
        ),
        migrations.AddIndex(
            model_name="bindingtry",
            index=models.Index(fields=["account_index", "-tried_at"], name="binding_tries_on_account"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["account", "-told_at"], name="contacts_of_account"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["user", "-told_at"], name="contacts_of_user"),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="contact_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at__isnull", True), ("answered_by__isnull", True)),
                    models.Q(
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="contact_is_answered_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="realnamecheck",
            index=models.Index(fields=["user", "-checked_at"], name="real_name_of_user"),
        ),
        migrations.AddConstraint(
            model_name="realnamecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("by", "counter"), _negated=True), ("checked_by__isnull", False), _connector="OR"
                ),
                name="counter_check_has_a_clerk",
            ),
        ),
        migrations.AddConstraint(
            model_name="realnamecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("document_end", ""), _negated=True), name="check_names_its_document"
            ),
        ),
        migrations.AddIndex(
            model_name="wechatidentity",
            index=models.Index(fields=["unionid_index"], name="wechat_by_unionid"),
        ),
        migrations.AddIndex(
            model_name="wechatidentity",
            index=models.Index(fields=["user"], name="wechat_of_user"),
        ),
        migrations.AddConstraint(
            model_name="wechatidentity",
            constraint=models.UniqueConstraint(
                condition=models.Q(("left_at__isnull", True)),
                fields=("app_id", "openid_index"),
                name="one_person_a_wechat",
            ),
        ),
        migrations.CreateModel(
            name="PortalSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(max_length=40, null=True, unique=True)),
                ("device", models.CharField(blank=True, max_length=100)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_portal_session",
                "indexes": [models.Index(fields=["user", "-began_at"], name="portal_sessions_of_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("session_key__isnull", True), _connector="OR"),
                        name="ended_portal_session_has_no_key",
                    )
                ],
            },
        ),
        migrations.RunSQL(LAW, migrations.RunSQL.noop),
    ]
