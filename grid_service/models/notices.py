"""What a district tells its customers: notices in versions, and whom each version went to."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Notice(models.Model):
    """
    One matter that customers of some transformer districts are told of: an interruption of supply, or a text.

    `org_unit` is whose notice it is: the unit of the district whose manager wrote it, or the county of the outage.
    """

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    service_district = models.ForeignKey(
        "grid_service.ServiceDistrict", models.PROTECT, null=True, blank=True, related_name="notices"
    )
    outage = models.OneToOneField("cis.Outage", models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_notice"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(outage__isnull=False)
                | models.Q(service_district__isnull=False, created_by__isnull=False),
                name="notice_comes_from_somewhere",
            ),
        )
        indexes = (models.Index(fields=["-created_at"], name="notices_newest"),)

    def __str__(self) -> str:
        return f"{self.pk}"


class NoticeVersion(models.Model):
    """
    What a notice said at a time; a published version is never changed, a change is the next version.

    `places` are the transformer districts it concerned (ids, no foreign key: what was said stays as it was said).
    """

    class What(models.TextChoices):
        """What the version says of the matter."""

        ANNOUNCED = "announced", "通知"
        CHANGED = "changed", "变更"
        RESTORED = "restored", "送电"
        CANCELLED = "cancelled", "取消"

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    what = models.CharField(max_length=16, choices=What.choices)
    text = models.CharField(max_length=300)
    places = ArrayField(models.BigIntegerField())
    written_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    written_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "grid_service_notice_version"
        constraints = (
            models.UniqueConstraint(fields=["notice", "number"], name="notice_version_once"),
            models.CheckConstraint(condition=~models.Q(text=""), name="notice_says_something"),
        )

    def __str__(self) -> str:
        return f"{self.notice_id}/{self.number}"


class NoticeRecipient(models.Model):
    """
    One person behind one account whom a version went to, whether or not a way led to them.

    `person_key` is the same for the same telephone: they get one message however many accounts they have. Left without
    foreign keys for bulk: `account_id`, `customer_id`, `user_id`. `is_dropped`: the matter concerned them before and
    does not any more.
    """

    version = models.ForeignKey(NoticeVersion, models.CASCADE, related_name="recipients")
    account_id = models.BigIntegerField()
    person_key = models.CharField(max_length=80)
    customer_id = models.BigIntegerField(null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    has_phone = models.BooleanField()
    is_dropped = models.BooleanField(default=False)

    class Meta:
        db_table = "grid_service_notice_recipient"
        constraints = (
            models.UniqueConstraint(fields=["version", "account_id", "person_key"], name="notice_to_a_person_once"),
        )
        indexes = (models.Index(fields=["account_id"], name="notices_to_account"),)

    def __str__(self) -> str:
        return f"{self.version_id} {self.account_id}"


class NoticeFollowUp(models.Model):
    """Somebody saw to it that a household which no message reached heard of the notice all the same."""

    class Way(models.TextChoices):
        """How."""

        CALL = "call", "打电话"
        VISIT = "visit", "上门"
        LETTER = "letter", "信函"

    version = models.ForeignKey(NoticeVersion, models.CASCADE, related_name="follow_ups")
    account_id = models.BigIntegerField()
    way = models.CharField(max_length=16, choices=Way.choices)
    done_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    done_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_notice_follow_up"
        constraints = (models.UniqueConstraint(fields=["version", "account_id"], name="household_followed_up_once"),)

    def __str__(self) -> str:
        return f"{self.version_id} {self.account_id} {self.way}"


class NoticeChoice(models.Model):
    """How somebody wants to hear of notices: always in the portal, and by SMS too unless they said no."""

    user = models.OneToOneField("shared.User", models.CASCADE, primary_key=True, related_name="+")
    wants_sms = models.BooleanField(default=True)

    class Meta:
        db_table = "grid_service_notice_choice"

    def __str__(self) -> str:
        return f"{self.pk}"
