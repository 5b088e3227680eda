"""Messages to people: templates, attempts, delivery and read states."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data


class Migration(migrations.Migration):
    """Messages to people: what is said, what was tried, limits, letters in a batch."""

    dependencies = [("shared", "0003_staff_identity")]

    operations = [
        migrations.CreateModel(
            name="LetterBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField()),
                ("letters", models.IntegerField()),
                ("printed_at", models.DateTimeField(blank=True, null=True)),
                ("posted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "shared_letter_batch",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("dedupe_key", models.CharField(max_length=150, unique=True)),
                ("template", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=16)),
                ("language", models.CharField(max_length=10)),
                ("channel", models.CharField(max_length=16)),
                ("is_urgent", models.BooleanField(default=False)),
                ("recipient", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("recipient_index", models.BinaryField(blank=True, max_length=32, null=True)),
                ("alternatives", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("account_id", models.BigIntegerField(blank=True, null=True)),
                ("parameters", config.shared.personal_data.EncryptedTextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "等待发送"),
                            ("sending", "发送中"),
                            ("sent", "已发出"),
                            ("delivered", "已送达"),
                            ("read", "已读"),
                            ("failed", "未能送达"),
                            ("given-up", "已放弃"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("not_before", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("claim", models.UUIDField(blank=True, null=True)),
                ("attempt_key", models.UUIDField(blank=True, null=True)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("provider_id", models.CharField(blank=True, max_length=64)),
                ("failure", models.CharField(blank=True, max_length=64)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.letterbatch",
                    ),
                ),
                (
                    "instead_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="shared.message",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "shared_message",
            },
        ),
        migrations.CreateModel(
            name="MessageAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.SmallIntegerField()),
                ("is_look_up", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("accepted", "已受理"),
                            ("refused", "被拒绝"),
                            ("later", "稍后再试"),
                            ("unknown", "结果不明"),
                            ("not-found", "未受理"),
                        ],
                        max_length=16,
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=200)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tries", to="shared.message"
                    ),
                ),
            ],
            options={
                "db_table": "shared_message_attempt",
            },
        ),
        migrations.CreateModel(
            name="MessageLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("kind", models.CharField(blank=True, max_length=16)),
                ("template", models.CharField(blank=True, max_length=64)),
                (
                    "per",
                    models.CharField(
                        choices=[
                            ("recipient", "每个号码"),
                            ("recipient-template", "每个号码每个模板"),
                            ("channel", "整个渠道"),
                        ],
                        max_length=24,
                    ),
                ),
                ("span_s", models.IntegerField()),
                ("most", models.IntegerField()),
                ("source", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "shared_message_limit",
            },
        ),
        migrations.CreateModel(
            name="ReceiptNonce",
            fields=[
                ("nonce", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("taken_at", models.DateTimeField()),
            ],
            options={
                "db_table": "shared_receipt_nonce",
            },
        ),
        migrations.DeleteModel(
            name="OutgoingMessage",
        ),
        migrations.AddConstraint(
            model_name="messagelimit",
            constraint=models.UniqueConstraint(
                fields=("channel", "kind", "template", "per", "span_s"), name="one_limit_each"
            ),
        ),
        migrations.AddConstraint(
            model_name="messagelimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("span_s__gt", 0), ("most__gt", 0), models.Q(("source", ""), _negated=True)),
                name="limit_makes_sense",
            ),
        ),
        migrations.AddIndex(
            model_name="receiptnonce",
            index=models.Index(fields=["taken_at"], name="receipt_nonce_taken"),
        ),
        migrations.AddConstraint(
            model_name="letterbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("posted_at__isnull", True), ("printed_at__isnull", False), _connector="OR"),
                name="letters_posted_after_printing",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("state__in", ("waiting", "sending"))),
                fields=["-is_urgent", "due_at"],
                name="message_due",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["recipient_index", "channel", "sent_at"], name="message_to_recipient"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["channel", "sent_at"], name="message_by_channel"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("channel", "in_app"), ("user__isnull", False)),
                fields=["user", "-id"],
                name="message_inbox",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("channel", "in_app"), ("state", "delivered"), ("user__isnull", False)),
                fields=["user"],
                name="message_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("account_id__isnull", False)),
                fields=["account_id", "-id"],
                name="message_of_account",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ("failed", "given-up"))), fields=["-id"], name="message_lost"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("batch", None), ("channel", "letter"), ("state", "waiting")),
                fields=["id"],
                name="message_letter",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("recipient", ""), _negated=True), ("user__isnull", False), _connector="OR"
                ),
                name="message_has_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "sending"), _negated=True), ("claim__isnull", False), _connector="OR"
                ),
                name="sending_is_claimed",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("failed", "given-up")), _negated=True),
                    models.Q(("failure", ""), _negated=True),
                    _connector="OR",
                ),
                name="loss_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="messageattempt",
            constraint=models.UniqueConstraint(fields=("message", "number"), name="message_attempt_once"),
        ),
    ]
