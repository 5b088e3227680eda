"""What follows a bill that is not paid: the rules, a case an account, its steps with evidence, protections, orders."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField, RangeOperators
from django.db import models

from cis.collecting.disconnection import What


class DisconnectionRule(models.Model):
    """
    One version of the rule by which supply may be stopped for arrears, for a province and a class of customers.

    Loaded from `cis/data/collection.json`; `province` "" is the nation. Days and minutes as in
    `cis.collecting.disconnection.Rule`; the database reads the same row when it judges a cut.
    """

    code = models.CharField(max_length=32)
    province = models.CharField(max_length=50, blank=True)
    is_residential = models.BooleanField()
    valid = DateRangeField()
    overdue_more_than_days = models.SmallIntegerField()
    demands_min = models.SmallIntegerField()
    days_after_demand_min = models.SmallIntegerField()
    notice_days_min = models.SmallIntegerField()
    notice_days_max = models.SmallIntegerField(null=True, blank=True)
    short_notice_minutes_min = models.SmallIntegerField()
    short_notice_minutes_max = models.SmallIntegerField()
    cut_window_minutes = models.SmallIntegerField()
    cut_from = models.TimeField()
    cut_until = models.TimeField()
    quiet_days_before_closed = models.SmallIntegerField()
    restore_hours = models.SmallIntegerField()
    source = models.TextField()
    confidence = models.TextField()

    class Meta:
        db_table = "cis_disconnection_rule"
        constraints = (
            ExclusionConstraint(
                name="one_disconnection_rule_at_a_time",
                expressions=[
                    ("province", RangeOperators.EQUAL),
                    (models.Func("is_residential", function="int4"), RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=models.Q(overdue_more_than_days__gte=30)
                & models.Q(demands_min__gte=1)
                & models.Q(days_after_demand_min__gte=0)
                & models.Q(notice_days_min__gte=3)
                & models.Q(short_notice_minutes_min__gte=30)
                & models.Q(short_notice_minutes_max__gte=models.F("short_notice_minutes_min"))
                & models.Q(cut_window_minutes__gte=models.F("short_notice_minutes_min"))
                & models.Q(cut_until__gt=models.F("cut_from"))
                & models.Q(restore_hours__gt=0)
                & ~models.Q(source=""),
                name="disconnection_rule_within_the_nation",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.valid}"


class ArrearsCase(models.Model):
    """
    An account whose bills are not paid, from the first day overdue until they are; one open case an account.

    `overdue_fen`, `oldest_due_on` and `stage` are what the last look found: for lists, never for a decision.
    """

    class Cause(models.TextChoices):
        """Why the customer does not pay; required before anything beyond a demand."""

        FORGOTTEN = "forgotten", "忘记或不知道"
        UNREACHED = "unreached", "账单、短信没有收到"
        CASH = "cash", "资金周转困难"
        POVERTY = "poverty", "家庭生活困难"
        DISAGREES = "disagrees", "对电费有意见"
        MOVED = "moved", "已搬走或租户换人"
        CLOSED_DOWN = "closed-down", "停产、歇业或破产"
        REFUSES = "refuses", "有能力而拒交"
        OUR_FAULT = "our-fault", "我方差错"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    is_residential = models.BooleanField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=16, choices=Cause.choices, blank=True)
    stage = models.CharField(max_length=24, default="overdue")
    overdue_fen = models.BigIntegerField()
    oldest_due_on = models.DateField()
    looked_on = models.DateField()

    class Meta:
        db_table = "cis_arrears_case"
        constraints = (
            models.UniqueConstraint(
                fields=["account"], name="one_open_arrears_case", condition=models.Q(closed_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=models.Q(overdue_fen__gt=0) | models.Q(closed_at__isnull=False) | models.Q(stage="cut"),
                name="open_case_owes_or_is_cut",
            ),
        )
        indexes = (
            models.Index(
                fields=["org_unit", "oldest_due_on", "id"],
                name="open_cases_of_unit",
                condition=models.Q(closed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.account_id}"


class ArrearsStep(models.Model):
    """
    What was done in a case or happened to it, with its evidence; written once.

    A trigger judges every `cut` from the rows before it, the bills, the disputes and the protections, whoever writes.
    """

    class What(models.TextChoices):
        """As `cis.collecting.disconnection.What`."""

        CAUSE = What.CAUSE.value, "认定欠费原因"
        DEMAND = What.DEMAND.value, "催交"
        APPROVED = What.APPROVED.value, "批准停电"
        NOTICE_PRINTED = What.NOTICE_PRINTED.value, "停电通知书"
        AUTHORITY_INFORMED = What.AUTHORITY_INFORMED.value, "报送电力管理部门"
        HOMES_KEPT = What.HOMES_KEPT.value, "保住居民用电"
        NOTICE_SERVED = What.NOTICE_SERVED.value, "通知书送达"
        SHORT_NOTICE = What.SHORT_NOTICE.value, "停电前再次通知"
        CUT = What.CUT.value, "停电"
        RESTORED = What.RESTORED.value, "恢复供电"
        PAYMENT = What.PAYMENT.value, "交费"
        STOPPED = What.STOPPED.value, "中止"
        LIFTED = What.LIFTED.value, "中止解除"

    case = models.ForeignKey(ArrearsCase, models.PROTECT, related_name="steps")
    what = models.CharField(max_length=24, choices=What.choices)
    at = models.DateTimeField()
    by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(max_length=16, blank=True)
    evidence = models.CharField(max_length=300)
    announced_at = models.DateTimeField(null=True, blank=True)
    rule = models.ForeignKey(DisconnectionRule, models.PROTECT, null=True, blank=True, related_name="+")
    source_key = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "cis_arrears_step"
        constraints = (
            models.CheckConstraint(condition=~models.Q(evidence=""), name="arrears_step_has_evidence"),
            models.CheckConstraint(
                condition=~models.Q(what="approved")
                | (
                    models.Q(approval__isnull=False)
                    & models.Q(by__isnull=False)
                    & models.Q(asked_by__isnull=False)
                    & ~models.Q(by=models.F("asked_by"))
                ),
                name="disconnection_approved_by_another_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(what="notice-printed") | models.Q(announced_at__isnull=False),
                name="disconnection_notice_names_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(what="cut") | (models.Q(rule__isnull=False) & models.Q(by__isnull=False)),
                name="cut_names_its_rule_and_person",
            ),
            models.UniqueConstraint(
                fields=["case", "what", "source_key"],
                name="arrears_happening_once",
                condition=~models.Q(source_key=""),
            ),
        )
        indexes = (models.Index(fields=["case", "id"], name="steps_of_arrears_case"),)

    def __str__(self) -> str:
        return f"{self.case_id} {self.what}"


class Protection(models.Model):
    """Why an account is not cut off, or not without more (an important customer); with its basis and its end."""

    class Kind(models.TextChoices):
        """What it is. `important` stops nothing: the authority has to be informed."""

        IMPORTANT = "important", "重要用户"
        LIFE_SUPPORT = "life-support", "家中有生命支持设备"
        LOW_INCOME = "low-income", "低保、五保户"
        HARDSHIP = "hardship", "困难缓交"
        WELFARE_HOME = "welfare-home", "福利、养老机构"
        EXAM = "exam", "学校考试期间"
        SHARED_METER = "shared-meter", "总表户（会影响已交费的人）"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    basis = models.CharField(max_length=200)
    from_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)
    set_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "cis_protection"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "kind"], name="one_protection_of_a_kind", condition=models.Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(condition=~models.Q(basis=""), name="protection_has_basis"),
            models.CheckConstraint(
                condition=models.Q(until_on__isnull=True) | models.Q(until_on__gte=models.F("from_on")),
                name="protection_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True)
                | (models.Q(ended_by__isnull=False) & models.Q(approval__isnull=False) & ~models.Q(end_reason="")),
                name="protection_ended_by_approval",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}"


class QuietTime(models.Model):
    """A time in which nobody under a unit is cut off: extreme weather, examinations, other reasons."""

    class Kind(models.TextChoices):
        """Why."""

        WEATHER = "weather", "极端天气"
        EXAM = "exam", "考试"
        OTHER = "other", "其他"

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    lasts = DateTimeRangeField()
    reason = models.CharField(max_length=200)
    set_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        db_table = "cis_quiet_time"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(reason="")
                & models.Q(lasts__startswith__isnull=False)
                & models.Q(lasts__endswith__isnull=False),
                name="quiet_time_says_why_and_how_long",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.lasts}"


class PublicHoliday(models.Model):
    """A day off of the published calendar, for the law of cuts in the database; kept by `public_holidays.keep`."""

    day = models.DateField(primary_key=True)
    name = models.CharField(max_length=40)

    class Meta:
        db_table = "cis_public_holiday"
        constraints = (models.CheckConstraint(condition=~models.Q(name=""), name="holiday_has_a_name"),)

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class ReconnectionOrder(models.Model):
    """Bring supply back: made when what was overdue is paid, to be done by `due_at`; one a cut."""

    case = models.ForeignKey(ArrearsCase, models.PROTECT, related_name="+")
    cut = models.OneToOneField(ArrearsStep, models.PROTECT, related_name="+")
    paid_at = models.DateTimeField()
    ordered_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_reconnection_order"
        constraints = (
            models.CheckConstraint(condition=models.Q(due_at__gt=models.F("paid_at")), name="reconnection_has_time"),
        )
        indexes = (
            models.Index(fields=["due_at"], name="open_reconnections", condition=models.Q(done_at__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.case_id} {self.due_at}"
