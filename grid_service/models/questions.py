"""What customers ask their district's manager, who has it in hand, and what was answered."""

from __future__ import annotations

from django.db import models


class Question(models.Model):
    """
    A customer asks; the manager has it first, then the deputy, then 95598, each for so long.

    `due_at` is when whoever holds it should have answered. With 95598 it is a contact of customer information.
    """

    class Holder(models.TextChoices):
        """Who has it in hand."""

        MANAGER = "manager", "片区经理"
        DEPUTY = "deputy", "副经理"
        HOTLINE = "hotline", "95598"

    class Channel(models.TextChoices):
        """Where it was asked."""

        PORTAL = "portal", "网上营业厅"
        GROUP = "group", "微信群"
        TELEPHONE = "telephone", "电话"

    service_district = models.ForeignKey("grid_service.ServiceDistrict", models.PROTECT, related_name="questions")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    channel = models.CharField(max_length=16, choices=Channel.choices)
    text = models.TextField()
    form_key = models.CharField(max_length=80, unique=True)
    asked_at = models.DateTimeField()
    holder = models.CharField(max_length=16, choices=Holder.choices, default=Holder.MANAGER)
    due_at = models.DateTimeField()
    contact = models.OneToOneField("cis.Contact", models.PROTECT, null=True, blank=True, related_name="+")
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    score = models.SmallIntegerField(null=True, blank=True)
    comment = models.CharField(max_length=300, blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "grid_service_question"
        constraints = (
            models.CheckConstraint(condition=~models.Q(text=""), name="district_question_says_something"),
            models.CheckConstraint(
                condition=models.Q(answered_at__isnull=True, answer="", answered_by__isnull=True)
                | (models.Q(answered_at__isnull=False, answered_by__isnull=False) & ~models.Q(answer="")),
                name="district_question_is_answered_whole",
            ),
            models.CheckConstraint(
                condition=~models.Q(holder="hotline") | models.Q(contact__isnull=False),
                name="the_hotline_has_a_contact",
            ),
            models.CheckConstraint(
                condition=models.Q(score__isnull=True, rated_at__isnull=True)
                | models.Q(score__range=(1, 5), rated_at__isnull=False, answered_at__isnull=False),
                name="an_answer_is_rated_one_to_five",
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], name="questions_due", condition=models.Q(answered_at__isnull=True)),
            models.Index(fields=["service_district", "-asked_at"], name="questions_of_district"),
            models.Index(fields=["user", "-asked_at"], name="questions_of_user"),
            models.Index(fields=["account", "-asked_at"], name="questions_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class QuestionPass(models.Model):
    """An unanswered question went on to the next; once to each."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="passes")
    holder_before = models.CharField(max_length=16, choices=Question.Holder.choices)
    holder = models.CharField(max_length=16, choices=Question.Holder.choices)
    passed_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_question_pass"
        constraints = (
            models.UniqueConstraint(fields=["question", "holder"], name="question_passes_to_each_once"),
            models.CheckConstraint(condition=~models.Q(holder="manager"), name="question_passes_on_and_not_back"),
        )

    def __str__(self) -> str:
        return f"{self.question_id} {self.holder}"
