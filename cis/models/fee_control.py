"""Fee control (费控): terms, signed agreements, the balance of each day, what was told, commands and their receipts."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Now

from cis.collecting.fee_control import Happened, Mode


class FeeControlTerms(models.Model):
    """One version of the terms an agreement may name, loaded from `cis/data/fee_control.json`; amounts in fen."""

    class Mode(models.TextChoices):
        """As `cis.collecting.fee_control.Mode`."""

        PREPAID = Mode.PREPAID.value, "预付费"
        POSTPAID = Mode.POSTPAID.value, "后付费远程停复电"

    code = models.CharField(max_length=32)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80, blank=True)
    mode = models.CharField(max_length=16, choices=Mode.choices)
    valid = DateRangeField()
    warn_below_fen = models.BigIntegerField()
    stop_below_fen = models.BigIntegerField()
    reconnect_from_fen = models.BigIntegerField()
    grace_days = models.SmallIntegerField()
    last_warning_minutes = models.SmallIntegerField()
    last_warning_lasts_minutes = models.SmallIntegerField()
    emergency_credit_fen = models.BigIntegerField()
    stop_from = models.TimeField()
    stop_until = models.TimeField()
    quiet_days_before_closed = models.SmallIntegerField()
    reconnect_hours = models.SmallIntegerField()
    source = models.TextField()
    confidence = models.TextField()

    class Meta:
        db_table = "cis_fee_control_terms"
        constraints = (
            ExclusionConstraint(
                name="one_fee_control_version_at_a_time",
                expressions=[("code", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(warn_below_fen__gte=models.F("stop_below_fen"))
                & models.Q(reconnect_from_fen__gte=models.F("stop_below_fen"))
                & models.Q(grace_days__gte=0)
                & models.Q(last_warning_minutes__gte=30)
                & models.Q(last_warning_lasts_minutes__gt=0)
                & models.Q(emergency_credit_fen__gte=0)
                & models.Q(stop_until__gt=models.F("stop_from"))
                & models.Q(reconnect_hours__gt=0)
                & ~models.Q(source=""),
                name="fee_control_terms_make_sense",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.valid}"


class FeeControlAgreement(models.Model):
    """
    A signed agreement of one account, one at a time. The paper's file is kept under its digest.

    `own_warn_fen` is the customer's own warning threshold; it and the end are all that may change.
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    terms_code = models.CharField(max_length=32)
    valid = DateRangeField()
    signed_by = models.CharField(max_length=80)
    signed_on = models.DateField()
    paper_key = models.CharField(max_length=100)
    paper_name = models.CharField(max_length=120)
    paper_type = models.CharField(max_length=40)
    made_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    own_warn_fen = models.BigIntegerField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cis_fee_control_agreement"
        constraints = (
            ExclusionConstraint(
                name="one_fee_control_agreement_at_a_time",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=~models.Q(paper_key="") & ~models.Q(signed_by="") & models.Q(valid__startswith__isnull=False),
                name="fee_control_agreement_is_signed",
            ),
            models.CheckConstraint(
                condition=models.Q(own_warn_fen__isnull=True) | models.Q(own_warn_fen__gte=0),
                name="own_warning_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True)
                | (models.Q(ended_by__isnull=False) & ~models.Q(end_reason="")),
                name="fee_control_end_says_who_and_why",
            ),
        )
        indexes = (models.Index(fields=["org_unit", "id"], name="fee_control_of_unit"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.terms_code} {self.valid}"


class FeeControlEstimate(models.Model):
    """
    The balance of one account on one day: prepayment less open bills less the running bill so far; written once.

    Where the running bill cannot be told `running_fen` and `balance_fen` are empty and `why_not` says why.
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    day = models.DateField()
    period_start = models.DateField()
    energy_kwh_e2 = models.BigIntegerField()
    days_known = models.SmallIntegerField()
    running_fen = models.BigIntegerField(null=True, blank=True)
    usual_a_day_fen = models.BigIntegerField(null=True, blank=True)
    """the outlook of the period divided by its days; for how many days the balance lasts"""
    prepayment_fen = models.BigIntegerField()
    open_fen = models.BigIntegerField()
    balance_fen = models.BigIntegerField(null=True, blank=True)
    why_not = models.CharField(max_length=200, blank=True)
    is_outlier = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "cis_fee_control_estimate"
        constraints = (
            models.UniqueConstraint(fields=["account", "day"], name="one_fee_control_estimate_a_day"),
            models.CheckConstraint(
                condition=models.Q(running_fen__isnull=True, balance_fen__isnull=True) & ~models.Q(why_not="")
                | models.Q(
                    balance_fen=models.F("prepayment_fen") - models.F("open_fen") - models.F("running_fen"),
                    why_not="",
                ),
                name="fee_control_balance_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class FeeControlStep(models.Model):
    """
    What the customer was told, by message or by telephone, and what their balance did; written once.

    `key` begins the dedupe keys of the messages that went with it: the customer is reached when one of them was sent.
    """

    class What(models.TextChoices):
        """As the first ones of `cis.collecting.fee_control.Happened`; emergency credit beside them."""

        WARNED = Happened.WARNED.value, "余额预警"
        ANNOUNCED = Happened.ANNOUNCED.value, "停电预告"
        LAST_WARNED = Happened.LAST_WARNED.value, "停电前再次通知"
        RECOVERED = Happened.RECOVERED.value, "余额恢复"
        REFILLED = Happened.REFILLED.value, "余额充足"
        CREDIT = "credit", "应急用电额度"

    agreement = models.ForeignKey(FeeControlAgreement, models.PROTECT, related_name="steps")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    what = models.CharField(max_length=16, choices=What.choices)
    at = models.DateTimeField()
    balance_fen = models.BigIntegerField()
    channel = models.CharField(max_length=16)
    """message, phone, portal, counter or system"""
    key = models.CharField(max_length=80, unique=True)
    evidence = models.CharField(max_length=300)
    by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    credit_fen = models.BigIntegerField(default=0)
    period_start = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "cis_fee_control_step"
        constraints = (
            models.CheckConstraint(condition=~models.Q(evidence=""), name="fee_control_step_has_evidence"),
            models.CheckConstraint(
                condition=~models.Q(channel="phone") | models.Q(by__isnull=False), name="fee_control_call_has_a_caller"
            ),
            models.CheckConstraint(
                condition=models.Q(what="credit", credit_fen__gt=0, period_start__isnull=False)
                | (~models.Q(what="credit") & models.Q(credit_fen=0)),
                name="only_credit_gives_credit",
            ),
            models.UniqueConstraint(
                fields=["account", "period_start"],
                condition=models.Q(what="credit"),
                name="one_emergency_credit_a_period",
            ),
        )
        indexes = (models.Index(fields=["account", "id"], name="fee_control_steps_of_account"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.what}"


class FeeControlCommand(models.Model):
    """
    A command to a meter through the data collection system. Its number is the same for ever: never sent twice.

    A stop carries its evidence (`estimate`, `announced`, `last_warned`, or the cut of the arrears procedure); a trigger
    judges it. `not_after`: the collection system may carry it out until then. `due_at`: a reconnection's promise.
    """

    class Kind(models.TextChoices):
        """What the meter is told."""

        WARN = "warn", "预警"
        STOP = "stop", "停电"
        RECONNECT = "reconnect", "复电"

    class State(models.TextChoices):
        """Where it stands; what happened is in its receipts."""

        WAITING = "waiting", "待发送"
        SENDING = "sending", "发送中"
        UNKNOWN = "unknown", "结果不明，待查询"
        ACCEPTED = "accepted", "集中器已受理"
        EXECUTED = "executed", "电能表已执行"
        REFUSED = "refused", "被拒绝"
        TIMEOUT = "timeout", "执行超时"
        WITHDRAWN = "withdrawn", "已撤回"

    OPEN = (State.WAITING, State.SENDING, State.UNKNOWN, State.ACCEPTED)
    FAILED = (State.REFUSED, State.TIMEOUT, State.WITHDRAWN)

    number = models.CharField(max_length=32, unique=True)
    agreement = models.ForeignKey(FeeControlAgreement, models.PROTECT, related_name="commands")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    meter_no = models.CharField(max_length=32)
    balance_fen = models.BigIntegerField(null=True, blank=True)
    ordered_at = models.DateTimeField()
    not_after = models.DateTimeField()
    estimate = models.ForeignKey(FeeControlEstimate, models.PROTECT, null=True, blank=True, related_name="+")
    announced = models.ForeignKey(FeeControlStep, models.PROTECT, null=True, blank=True, related_name="+")
    last_warned = models.ForeignKey(FeeControlStep, models.PROTECT, null=True, blank=True, related_name="+")
    arrears_cut = models.ForeignKey("cis.ArrearsStep", models.PROTECT, null=True, blank=True, related_name="+")
    undoes = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200)
    by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    look_at = models.DateTimeField(null=True, blank=True)
    """when somebody has to look at it next; none once it is ended"""
    answer = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_fee_control_command"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "kind"],
                condition=models.Q(state__in=("waiting", "sending", "unknown", "accepted")),
                name="one_open_command_of_a_kind",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="reconnect")
                | (models.Q(undoes__isnull=False) & models.Q(due_at__isnull=False)),
                name="reconnection_undoes_a_stop_by_a_time",
            ),
            models.CheckConstraint(condition=models.Q(not_after__gt=models.F("ordered_at")), name="command_has_time"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=("waiting", "sending", "unknown", "accepted"),
                    ended_at__isnull=True,
                    look_at__isnull=False,
                )
                | models.Q(
                    state__in=("executed", "refused", "timeout", "withdrawn"),
                    ended_at__isnull=False,
                    look_at__isnull=True,
                ),
                name="open_command_is_looked_at",
            ),
        )
        indexes = (
            models.Index(
                fields=["look_at"],
                condition=models.Q(state__in=("waiting", "sending", "unknown", "accepted")),
                name="fee_control_commands_due",
            ),
            models.Index(fields=["account", "id"], name="fee_control_commands_of"),
            models.Index(fields=["org_unit", "-id"], name="fee_control_commands_in"),
        )

    def __str__(self) -> str:
        return self.number


class FeeControlReceipt(models.Model):
    """One thing that was tried with a command or came back of it, in order; written once."""

    command = models.ForeignKey(FeeControlCommand, models.PROTECT, related_name="receipts")
    what = models.CharField(max_length=16)
    """sent, asked, or the collection system's word: accepted, executed, refused, timeout, withdrawn, unknown"""
    at = models.DateTimeField()
    code = models.CharField(max_length=80, blank=True)
    kept_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "cis_fee_control_receipt"
        constraints = (
            models.UniqueConstraint(
                fields=["command", "what"],
                condition=models.Q(what__in=("accepted", "executed", "refused", "timeout", "withdrawn")),
                name="one_receipt_of_a_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.command_id} {self.what}"
