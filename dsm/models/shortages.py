"""A shortage, the plans made for it, the steps to a decision, the orders given and how they were received."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from dsm.models.loads import SLOTS

# The day of an order in the billing time zone; its window lies within that day.
_BILLING_DAY = models.Func(
    models.F("starts_at"),
    template="((%(expressions)s AT TIME ZONE 'Asia/Shanghai')::date)",
    output_field=models.DateField(),
)


class Shortage(models.Model):
    """
    Power that will be short on a day: 96 quarter-hours in kW of what is expected, what is available, what is missing.

    What was put down never changes; only `state`, `job` and `chosen` move (column privileges).
    """

    class State(models.TextChoices):
        """How far it is on the way to orders."""

        DRAFTED = "drafted", "方案已拟"
        SUBMITTED = "submitted", "已报批"
        AUTHORISED = "authorised", "政府已批准"
        CHOSEN = "chosen", "已选定方案"
        ISSUED = "issued", "指令已下达"
        CALLED_BACK = "called-back", "指令已收回"
        WITHDRAWN = "withdrawn", "已撤销"

    class Demand(models.TextChoices):
        """Which line of the forecast the gap is counted from."""

        P50 = "p50", "预测中值"
        P90 = "p90", "预测高值（90%）"
        IMPORTED = "imported", "按时段录入"

    on_day = models.DateField()
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    cause = models.CharField(max_length=200)
    demand = models.CharField(max_length=16, choices=Demand.choices)
    forecast_issued_at = models.DateTimeField(null=True, blank=True)
    demand_kw = ArrayField(models.IntegerField(), size=SLOTS)
    supply_kw = ArrayField(models.IntegerField(), size=SLOTS)
    gap_kw = ArrayField(models.IntegerField(), size=SLOTS)
    level = models.CharField(max_length=4)
    shed_list = models.ForeignKey("dsm.ShedList", models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFTED)
    job = models.ForeignKey("shared.Job", models.PROTECT, null=True, blank=True, related_name="+")
    chosen = models.ForeignKey("dsm.ShortagePlan", models.PROTECT, null=True, blank=True, related_name="+")
    drafted_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_shortage"
        constraints = (
            models.CheckConstraint(
                condition=Q(demand_kw__len=SLOTS, supply_kw__len=SLOTS, gap_kw__len=SLOTS), name="shortage_has_96_slots"
            ),
            models.CheckConstraint(
                condition=~Q(cause="") & Q(level__in=("I", "II", "III", "IV")), name="shortage_has_a_cause"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("chosen", "issued", "called-back"), chosen__isnull=False)
                | (~Q(state__in=("chosen", "issued", "called-back")) & Q(chosen__isnull=True)),
                name="a_chosen_shortage_has_its_plan",
            ),
        )
        indexes = (models.Index(fields=["-on_day", "-id"], name="shortage_by_day"),)

    def __str__(self) -> str:
        return f"{self.pk} {self.on_day}"


class ShortagePlan(models.Model):
    """
    What one strategy makes of a shortage. `figures` are the metrics by name, all integers with their units in the name.

    `bound_fen` is a value no plan can go below by the weights of the objective, where one was computed; a plan's own is
    `objective_fen`. `state` says how it came about; in the last three the plan is what the greedy way gives. `digest`
    is of the problem it solves: plans with different ones were made of different data and cannot be compared.
    """

    class State(models.TextChoices):
        """How the computation ended."""

        WAITING = "waiting", "等待计算"
        COMPLETE = "complete", "计算完成"
        TIME_LIMIT = "time-limit", "到时限，取已得结果"
        NO_SOLUTION = "no-solution", "求解器没有给出结果，取贪心方案"
        KILLED = "killed", "求解器被终止，取贪心方案"
        FAILED = "failed", "求解器出错，取贪心方案"

    shortage = models.ForeignKey(Shortage, models.PROTECT, related_name="plans")
    strategy = models.CharField(max_length=32)
    order_no = models.SmallIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    figures = models.JSONField(default=dict)
    shed_kw = ArrayField(models.IntegerField(), size=SLOTS, default=list)
    objective_fen = models.BigIntegerField(null=True, blank=True)
    bound_fen = models.BigIntegerField(null=True, blank=True)
    took_ms = models.IntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    worst_account = models.ForeignKey("cis.Account", models.PROTECT, null=True, blank=True, related_name="+")
    computed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "dsm_shortage_plan"
        constraints = (
            models.UniqueConstraint(fields=["shortage", "strategy"], name="one_plan_a_strategy"),
            models.CheckConstraint(
                condition=Q(state="waiting", computed_at__isnull=True)
                | (~Q(state="waiting") & Q(computed_at__isnull=False, shed_kw__len=SLOTS)),
                name="a_computed_plan_is_there",
            ),
        )

    def __str__(self) -> str:
        return f"{self.shortage_id} {self.strategy}"


class PlanCut(models.Model):
    """
    One customer's cut in a plan, written by COPY and never changed: slots [start, end) and a depth in permille.

    `load_kw` is what was expected of the customer; (load - security) x process % x depth is cut in each slot, in W.
    `peak_cut_kw` (rounded up) and `cut_kwh` say it in one number each. `capacity_kva` is that of the day; `notice_min`
    is the notice owed, in minutes: what the measure gives everybody, or what the customer needs where that is more.
    """

    plan = models.ForeignKey(ShortagePlan, models.PROTECT, related_name="cuts")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    measure = models.CharField(max_length=16)
    start_slot = models.SmallIntegerField()
    end_slot = models.SmallIntegerField()
    depth_permille = models.SmallIntegerField()
    load_kw = ArrayField(models.IntegerField(), size=SLOTS)
    security_kw = models.IntegerField()
    process_pct = models.SmallIntegerField()
    peak_cut_kw = models.IntegerField()
    cut_kwh = models.IntegerField()
    tier = models.SmallIntegerField()
    group_no = models.SmallIntegerField()
    burden_h = models.IntegerField()
    capacity_kva = models.IntegerField()
    notice_min = models.IntegerField()

    class Meta:
        db_table = "dsm_plan_cut"
        constraints = (
            models.UniqueConstraint(fields=["plan", "account"], name="one_cut_a_customer"),
            models.CheckConstraint(
                condition=Q(start_slot__gte=0, start_slot__lt=models.F("end_slot"), end_slot__lte=SLOTS)
                & Q(depth_permille__range=(1, 1000))
                & Q(load_kw__len=SLOTS)
                & Q(peak_cut_kw__gt=0, cut_kwh__gte=0),
                name="plan_cut_makes_sense",
            ),
            # Whatever a strategy does: the protected are never cut.
            models.CheckConstraint(condition=Q(tier__range=(1, 8)), name="the_protected_are_never_cut"),
        )
        indexes = (models.Index(fields=["account"], name="plan_cut_of_account"),)

    def __str__(self) -> str:
        return f"{self.plan_id} {self.account_id}"


class ShortageStep(models.Model):
    """One step of a shortage on its way, by whom, when and why; written once."""

    class Kind(models.TextChoices):
        """What happened."""

        DRAFTED = "drafted", "拟定"
        SUBMITTED = "submitted", "报批"
        AUTHORISED = "authorised", "政府批准"
        CHOSEN = "chosen", "选定方案"
        ISSUED = "issued", "下达指令"
        CALLED_BACK = "called-back", "收回指令"
        WITHDRAWN = "withdrawn", "撤销"

    shortage = models.ForeignKey(Shortage, models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reasons = models.CharField(max_length=1000, blank=True)
    authority = models.CharField(max_length=100, blank=True)
    document_no = models.CharField(max_length=100, blank=True)
    document_on = models.DateField(null=True, blank=True)
    plan = models.ForeignKey(ShortagePlan, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "dsm_shortage_step"
        constraints = (
            models.UniqueConstraint(fields=["shortage", "kind"], name="each_step_is_taken_once"),
            models.CheckConstraint(
                condition=~Q(kind="authorised")
                | (~Q(authority="") & ~Q(document_no="") & Q(document_on__isnull=False)),
                name="an_approval_has_its_document",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("chosen", "called-back", "withdrawn")) | ~Q(reasons=""),
                name="a_choice_has_reasons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.shortage_id} {self.kind}"


class ShedOrder(models.Model):
    """
    The order to one customer, written once: from when to when, how much, and what stays.

    `notice_due_at` is when the customer had to know at the latest; `issued_at` before it keeps the notice. An order
    stands until it is called back, which happens once and for a reason; no two that stand cut a customer on one day.
    """

    cut = models.OneToOneField(PlanCut, models.PROTECT, related_name="order")
    shortage = models.ForeignKey(Shortage, models.PROTECT, related_name="orders")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    notice_due_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    called_back_at = models.DateTimeField(null=True, blank=True)
    called_back_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    call_back_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        db_table = "dsm_shed_order"
        constraints = (
            models.UniqueConstraint(fields=["shortage", "account"], name="one_order_a_shortage"),
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="order_lasts"),
            models.UniqueConstraint(
                models.F("account"), _BILLING_DAY, condition=Q(called_back_at__isnull=True), name="one_cut_a_day"
            ),
            models.CheckConstraint(
                condition=Q(called_back_at__isnull=True, called_back_by__isnull=True, call_back_reason="")
                | (Q(called_back_at__isnull=False, called_back_by__isnull=False) & ~Q(call_back_reason="")),
                name="a_call_back_has_a_reason",
            ),
        )
        indexes = (models.Index(fields=["account", "-starts_at"], name="shed_order_of_account"),)

    def __str__(self) -> str:
        return f"{self.shortage_id} {self.account_id}"


class OrderReceipt(models.Model):
    """That a customer knows of an order: read in the portal, or told by telephone by staff; written once."""

    class How(models.TextChoices):
        """By which way."""

        PORTAL = "portal", "网上营业厅确认"
        TELEPHONE = "telephone", "电话确认"

    order = models.OneToOneField(ShedOrder, models.PROTECT, related_name="receipt")
    how = models.CharField(max_length=16, choices=How.choices)
    by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "dsm_order_receipt"
        constraints = (
            models.CheckConstraint(
                condition=Q(how="portal") | ~Q(note=""), name="a_telephone_receipt_says_who_answered"
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id} {self.how}"
