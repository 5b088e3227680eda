"""Who comes to the portal: people by their telephone, how they proved who they are, which accounts they may see."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from config.shared.personal_data import EncryptedTextField


class OneTimeCode(models.Model):
    """
    A code that was asked for, whether or not there is anybody to send it to.

    `subject` is the keyed digest of what it is for (the act and what was typed) and `asked_from` that of the network
    address, so that limits hold alike for numbers that exist and numbers that do not. `telephone` is where it went,
    empty where nobody was found. Only a keyed digest of the code is kept.
    """

    subject = models.BinaryField(max_length=32)
    asked_from = models.BinaryField(max_length=32)
    telephone = EncryptedTextField(blank=True)
    telephone_index = models.BinaryField(max_length=32)
    salt = models.BinaryField(max_length=16)
    digest = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_one_time_code"
        constraints = (models.CheckConstraint(condition=models.Q(tries__range=(0, 5)), name="code_has_five_tries"),)
        indexes = (
            models.Index(fields=["subject", "-sent_at"], name="code_of_subject"),
            models.Index(fields=["asked_from", "-sent_at"], name="code_asked_from"),
            models.Index(fields=["telephone_index", "-sent_at"], name="code_of_telephone"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class PortalPerson(models.Model):
    """Somebody who comes to the portal: a user of kind customer, known by their telephone and by no account."""

    user = models.OneToOneField("shared.User", models.PROTECT, primary_key=True, related_name="+")
    telephone = EncryptedTextField()
    telephone_index = models.BinaryField(max_length=32, unique=True)
    telephone_since = models.DateTimeField()
    joined_at = models.DateTimeField()

    class Meta:
        db_table = "cis_portal_person"

    def __str__(self) -> str:
        return f"{self.pk}"


class RealNameCheck(models.Model):
    """
    Somebody looked at a person's document and found it to be theirs: a fact, never changed; the newest one counts.

    A one-time code proves a telephone, not a name. Of the number on the document only the last places are kept.
    """

    class By(models.TextChoices):
        """Who looked."""

        COUNTER = "counter", "营业厅核验"
        AUTHORITY = "authority", "权威机构核验"

    class Document(models.TextChoices):
        """What was shown."""

        IDENTITY_CARD = "identity-card", "居民身份证"
        HOUSEHOLD_BOOK = "household-book", "户口簿"
        PASSPORT = "passport", "护照"
        TRAVEL_PERMIT = "travel-permit", "港澳台居民居住证或通行证"
        RESIDENCE_PERMIT = "residence-permit", "外国人永久居留身份证"

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    by = models.CharField(max_length=16, choices=By.choices)
    document = models.CharField(max_length=32, choices=Document.choices)
    document_end = models.CharField(max_length=6)
    name = EncryptedTextField()
    checked_at = models.DateTimeField()
    checked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "cis_real_name_check"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(by="counter") | models.Q(checked_by__isnull=False), name="counter_check_has_a_clerk"
            ),
            models.CheckConstraint(condition=~models.Q(document_end=""), name="check_names_its_document"),
        )
        indexes = (models.Index(fields=["user", "-checked_at"], name="real_name_of_user"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.by} {self.checked_at}"


class PortalAccess(models.Model):
    """
    A binding: a person may see an account in one quality, from one moment until it is ended; never deleted.

    A tenant's own time is `from_on` up to and including `until_on`; an agent's letter of authority ends the access
    itself on `until_on`.
    """

    class Role(models.TextChoices):
        """In which quality."""

        OWNER = "owner", "户主"
        PAYER = "payer", "代缴人"
        TENANT = "tenant", "租户"
        DELEGATE = "delegate", "家人代管"
        AGENT = "agent", "受托代理人"

    class Proof(models.TextChoices):
        """What it was granted on."""

        CARRIED_OVER = "carried-over", "沿用原有绑定"
        REGISTERED_TELEPHONE = "registered-telephone", "户号登记的手机"
        NAME_AND_CODE = "name-and-code", "户名和登记手机验证码"
        LAST_PAYMENT = "last-payment", "最近一次交费金额"
        HALL_VISIT = "hall-visit", "营业厅当面核验"

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.OWNER)
    proof = models.CharField(max_length=32, choices=Proof.choices, default=Proof.CARRIED_OVER)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)
    letter_key = models.CharField(max_length=200, blank=True)
    letter_type = models.CharField(max_length=32, blank=True)
    # Loaders of test utilities leave it to the database; every operation says it.
    began_at = models.DateTimeField(db_default=Now())
    began_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cis_portal_access"
        constraints = (
            models.UniqueConstraint(
                fields=["user", "account"], condition=models.Q(ended_at__isnull=True), name="one_binding_at_a_time"
            ),
            models.CheckConstraint(
                condition=~models.Q(role="agent") | (~models.Q(letter_key="") & models.Q(until_on__isnull=False)),
                name="agent_has_a_letter_that_ends",
            ),
            models.CheckConstraint(
                condition=~models.Q(role="tenant") | models.Q(from_on__isnull=False), name="tenant_has_a_first_day"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | ~models.Q(end_reason=""), name="binding_ends_for_a_reason"
            ),
        )
        indexes = (models.Index(fields=["account", "-began_at"], name="bindings_of_account"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.account_id}"


class PortalSession(models.Model):
    """One sign-in of a person on one device; `session_key` leads to Django's session and goes when it ends."""

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    session_key = models.CharField(max_length=40, unique=True, null=True)
    device = models.CharField(max_length=100, blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_portal_session"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(session_key__isnull=True),
                name="ended_portal_session_has_no_key",
            ),
        )
        indexes = (models.Index(fields=["user", "-began_at"], name="portal_sessions_of_user"),)

    def __str__(self) -> str:
        return f"{self.pk} of {self.user_id}"


class BindingTry(models.Model):
    """Somebody claimed an account, rightly or not; limits per account and per person are counted from these."""

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    account_index = models.BinaryField(max_length=32)
    tried_at = models.DateTimeField()

    class Meta:
        db_table = "cis_binding_try"
        indexes = (
            models.Index(fields=["user", "-tried_at"], name="binding_tries_of_user"),
            models.Index(fields=["account_index", "-tried_at"], name="binding_tries_on_account"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.tried_at}"


class WechatIdentity(models.Model):
    """A person's WeChat: an openid is of one appid, a unionid of all appids of one company; both sealed."""

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    app_id = models.CharField(max_length=64)
    openid = EncryptedTextField()
    openid_index = models.BinaryField(max_length=32)
    unionid_index = models.BinaryField(max_length=32, null=True, blank=True)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_wechat_identity"
        constraints = (
            models.UniqueConstraint(
                fields=["app_id", "openid_index"], condition=models.Q(left_at__isnull=True), name="one_person_a_wechat"
            ),
        )
        indexes = (
            models.Index(fields=["unionid_index"], name="wechat_by_unionid"),
            models.Index(fields=["user"], name="wechat_of_user"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.app_id}"
