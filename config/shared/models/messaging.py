"""Words on their way to people: messages, what was tried, limits, letters in a batch."""

from __future__ import annotations

import uuid

from django.db import models

from config.shared.personal_data import EncryptedTextField


class LetterBatch(models.Model):
    """Letters that go to the print room together, and when somebody said that they were printed and posted."""

    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    letters = models.IntegerField()
    printed_at = models.DateTimeField(null=True, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "shared_letter_batch"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(posted_at__isnull=True) | models.Q(printed_at__isnull=False),
                name="letters_posted_after_printing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class Message(models.Model):
    """
    One message to one person by one channel; `dedupe_key` makes a repeated request the same message.

    `uid` is our name for it at providers. `due_at` says when somebody must look at it next: a waiting message when it
    may go, one being sent when the sender's lease ends, none for what is finished or goes by hand. `attempt_key` is
    the key of an attempt whose outcome is not known: such a message is looked up at the provider before it is sent
    again, under the same key. Address and parameters are sealed; `user` is whose inbox it stands in, `account_id`
    (no foreign key: the floor knows no accounts; a bulk column) which account it speaks of.
    """

    class State(models.TextChoices):
        """Where it stands; only forwards, but for a retry by hand."""

        WAITING = "waiting", "等待发送"
        SENDING = "sending", "发送中"
        SENT = "sent", "已发出"
        DELIVERED = "delivered", "已送达"
        READ = "read", "已读"
        FAILED = "failed", "未能送达"
        GIVEN_UP = "given-up", "已放弃"

    UNFINISHED = (State.WAITING, State.SENDING)
    LOST = (State.FAILED, State.GIVEN_UP)

    uid = models.UUIDField(unique=True, default=uuid.uuid4)
    dedupe_key = models.CharField(max_length=150, unique=True)
    template = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    language = models.CharField(max_length=10)
    channel = models.CharField(max_length=16)
    is_urgent = models.BooleanField(default=False)
    recipient = EncryptedTextField(blank=True)
    recipient_index = models.BinaryField(max_length=32, null=True, blank=True)
    alternatives = EncryptedTextField(blank=True)
    user = models.ForeignKey("shared.User", models.CASCADE, null=True, blank=True, related_name="+")
    account_id = models.BigIntegerField(null=True, blank=True)
    parameters = EncryptedTextField(blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    attempt_key = models.UUIDField(null=True, blank=True)
    attempts = models.SmallIntegerField(default=0)
    provider_id = models.CharField(max_length=64, blank=True)
    failure = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    instead_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    batch = models.ForeignKey(LetterBatch, models.PROTECT, null=True, blank=True, related_name="+")
    stop = models.ForeignKey("shared.NoticeStop", models.PROTECT, null=True, blank=True, related_name="+")
    """the brake that holds it, or gave it up; one that waits with a stop has no `due_at`"""

    class Meta:
        db_table = "shared_message"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(recipient="") | models.Q(user__isnull=False), name="message_has_somebody"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sending") | models.Q(claim__isnull=False), name="sending_is_claimed"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=("failed", "given-up")) | ~models.Q(failure=""), name="loss_has_a_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(stop__isnull=True)
                | models.Q(state="waiting", due_at__isnull=True)
                | models.Q(state="given-up"),
                name="stopped_message_does_not_go",
            ),
        )
        indexes = (
            models.Index(
                fields=["-is_urgent", "due_at"],
                name="message_due",
                condition=models.Q(state__in=("waiting", "sending"), due_at__isnull=False),
            ),
            models.Index(fields=["recipient_index", "channel", "sent_at"], name="message_to_recipient"),
            models.Index(fields=["channel", "sent_at"], name="message_by_channel"),
            models.Index(
                fields=["user", "-id"], name="message_inbox", condition=models.Q(channel="in_app", user__isnull=False)
            ),
            models.Index(
                fields=["user"],
                name="message_unread",
                condition=models.Q(channel="in_app", state="delivered", user__isnull=False),
            ),
            models.Index(
                fields=["account_id", "-id"], name="message_of_account", condition=models.Q(account_id__isnull=False)
            ),
            models.Index(fields=["-id"], name="message_lost", condition=models.Q(state__in=("failed", "given-up"))),
            models.Index(
                fields=["id"], name="message_letter", condition=models.Q(channel="letter", state="waiting", batch=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"


class MessageAttempt(models.Model):
    """One try with a provider: a sending or a look-up, when, and what the provider answered (no personal data)."""

    class Outcome(models.TextChoices):
        """What came of it; empty while it runs or when the sender died."""

        ACCEPTED = "accepted", "已受理"
        REFUSED = "refused", "被拒绝"
        LATER = "later", "稍后再试"
        UNKNOWN = "unknown", "结果不明"
        NOT_FOUND = "not-found", "未受理"

    message = models.ForeignKey(Message, models.CASCADE, related_name="tries")
    number = models.SmallIntegerField()
    is_look_up = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    answer = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "shared_message_attempt"
        constraints = (models.UniqueConstraint(fields=["message", "number"], name="message_attempt_once"),)

    def __str__(self) -> str:
        return f"{self.message_id}/{self.number}"


class MessageLimit(models.Model):
    """
    How many messages may go in how long; data of the utility, each with its source.

    `kind` and `template` empty mean any. `per` says what is counted: one recipient, one recipient and template, or
    the whole channel.
    """

    class Per(models.TextChoices):
        """What shares the allowance."""

        RECIPIENT = "recipient", "每个号码"
        RECIPIENT_TEMPLATE = "recipient-template", "每个号码每个模板"
        CHANNEL = "channel", "整个渠道"

    channel = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, blank=True)
    template = models.CharField(max_length=64, blank=True)
    per = models.CharField(max_length=24, choices=Per.choices)
    span_s = models.IntegerField()
    most = models.IntegerField()
    source = models.CharField(max_length=200)

    class Meta:
        db_table = "shared_message_limit"
        constraints = (
            models.UniqueConstraint(fields=["channel", "kind", "template", "per", "span_s"], name="one_limit_each"),
            models.CheckConstraint(
                condition=models.Q(span_s__gt=0) & models.Q(most__gt=0) & ~models.Q(source=""),
                name="limit_makes_sense",
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.kind} {self.template} {self.most}/{self.span_s}s"


class ReceiptNonce(models.Model):
    """A signed call of a provider that was taken; the same call again is refused."""

    nonce = models.CharField(max_length=64, primary_key=True)
    taken_at = models.DateTimeField()

    class Meta:
        db_table = "shared_receipt_nonce"
        indexes = (models.Index(fields=["taken_at"], name="receipt_nonce_taken"),)

    def __str__(self) -> str:
        return self.nonce
