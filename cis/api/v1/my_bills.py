"""Customers' apps: bills and why they are what they are, usage by day and by quarter-hour."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cis.api.v1.my_accounts import TAGS, own_account
from cis.queries import billing, day_costs, portal, readings
from cis.queries.portal import MyAccount, Right
from cis.web.bills import in_words
from config.shared.api.my import MyView, person_of, read_input
from config.shared.api.my_pages import CURSOR_PARAMETERS, CursorInput, cut
from config.shared.periods import add_months


class MyBillOut(serializers.Serializer[Any]):
    """One bill of a list."""

    bill_no = serializers.CharField()
    month = serializers.SerializerMethodField()
    period_start = serializers.DateField()
    period_end = serializers.DateField(help_text="the first day after the period")
    energy_kwh_e2 = serializers.IntegerField()
    total_fen = serializers.IntegerField()
    open_fen = serializers.IntegerField(help_text="what of it is not paid, without late fee")
    due_on = serializers.DateField()
    issued_at = serializers.DateTimeField()
    is_disputed = serializers.BooleanField()
    is_estimated = serializers.BooleanField()

    def get_month(self, bill: billing.BillRow) -> str:
        """The month that was billed, such as 2026-10."""
        return f"{bill.cycle // 100}-{bill.cycle % 100:02d}"


class MyBillsOut(serializers.Serializer[Any]):
    """Bills, newest first; `next_cursor` goes into `cursor` for the page after."""

    results = MyBillOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MyBillLineOut(serializers.Serializer[Any]):
    """One line in words: what it is of, how it was computed, and the paper that allows it."""

    name = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField()
    amount_fen = serializers.IntegerField()
    formula = serializers.CharField(allow_blank=True)
    sentences = serializers.ListField(child=serializers.CharField())
    legal_basis = serializers.CharField(allow_blank=True)


class MyReadingOut(serializers.Serializer[Any]):
    """One stretch of energy between two readings, or a folded curve."""

    meter_no = serializers.CharField()
    register = serializers.CharField(source="register_en")
    from_on = serializers.DateField()
    to_on = serializers.DateField()
    from_value_e4 = serializers.IntegerField()
    to_value_e4 = serializers.IntegerField()
    multiplier = serializers.IntegerField()
    is_estimated = serializers.BooleanField()
    energy_kwh_e2 = serializers.IntegerField()


class MyBillDetailOut(MyBillOut):
    """One bill, explained line by line from its readings."""

    tariff_name = serializers.CharField()
    is_demonstration = serializers.BooleanField(help_text="prices are for demonstration only")
    recomputes = serializers.BooleanField(help_text="computing it again from these inputs gives these lines")
    lines = MyBillLineOut(many=True)
    readings = MyReadingOut(many=True)


class MonthInput(serializers.Serializer[Any]):
    """Which month."""

    month = serializers.RegexField(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", required=False)


class MyPeriodOut(serializers.Serializer[Any]):
    """What of a day lies in one period of the tariff."""

    name = serializers.CharField()
    energy_wh = serializers.IntegerField()


class MyDayOut(serializers.Serializer[Any]):
    """One day; `cost_fen` is null where it cannot be told."""

    day = serializers.DateField()
    energy_wh = serializers.IntegerField()
    missing_slots = serializers.IntegerField(help_text="quarter-hours of which nothing is known")
    periods = MyPeriodOut(many=True)
    cost_fen = serializers.IntegerField(allow_null=True)
    is_billed = serializers.BooleanField(help_text="false: an estimate")


class MyUsageOut(serializers.Serializer[Any]):
    """A month by day, the first day first."""

    month = serializers.CharField()
    energy_wh = serializers.IntegerField()
    days = MyDayOut(many=True)


class MyQuartersOut(serializers.Serializer[Any]):
    """One day by quarter-hour: 96 values from midnight, null where nothing is known."""

    day = serializers.DateField()
    energy_wh = serializers.ListField(child=serializers.IntegerField(allow_null=True))
    periods = serializers.ListField(child=serializers.CharField())
    cost_fen = serializers.ListField(child=serializers.IntegerField(allow_null=True))
    is_billed = serializers.BooleanField(help_text="false: an estimate")


class Bills(MyView):
    """GET /api/v1/my/accounts/<account_no>/bills"""

    @extend_schema(operation_id="my_bills", tags=TAGS, parameters=CURSOR_PARAMETERS, responses=MyBillsOut)
    def get(self, request: Request, account_no: str) -> Response:
        """The account's bills; a tenant's are those of their own time."""
        account = own_account(request, account_no, Right.BILLS)
        asked = read_input(CursorInput, request.query_params)
        rows = billing.list_bills(
            account_id=account.account_id,
            limit=asked["limit"] + 1,
            before=asked["cursor"],
            first_day=account.first_day,
            last_day=account.last_day,
        )
        return Response(MyBillsOut(cut(rows, asked["limit"], lambda bill: bill.bill_id)).data)


class Bill(MyView):
    """GET /api/v1/my/accounts/<account_no>/bills/<bill_no>"""

    @extend_schema(operation_id="my_bill", tags=TAGS, responses=MyBillDetailOut)
    def get(self, request: Request, account_no: str, bill_no: str) -> Response:
        """One bill: every line with the rule behind it."""
        mine = portal.my_accounts(user_id=person_of(request), today=timezone.localdate()).only(account_no)
        mine.current.require(Right.BILLS)
        page = portal.get_my_bill(bill_no, mine=mine)
        body = {
            **MyBillOut(page.bill).data,
            "tariff_name": page.tariff_name,
            "is_demonstration": page.is_demonstration,
            "recomputes": page.recomputes,
            "lines": MyBillLineOut(in_words(page), many=True).data,
            "readings": MyReadingOut(page.usage, many=True).data,
        }
        return Response(body)


class Usage(MyView):
    """GET /api/v1/my/accounts/<account_no>/usage"""

    @extend_schema(
        operation_id="my_usage",
        tags=TAGS,
        parameters=[OpenApiParameter("month", OpenApiTypes.STR, description="such as 2026-10; this month unless told")],
        responses=MyUsageOut,
    )
    def get(self, request: Request, account_no: str) -> Response:
        """A month by day, by period where the tariff has windows, with what it costs."""
        account = own_account(request, account_no, Right.USAGE)
        month = read_input(MonthInput, request.query_params).get("month") or f"{timezone.localdate():%Y-%m}"
        first = date.fromisoformat(f"{month}-01")
        following = add_months(first.year * 100 + first.month, 1)
        start, end = _own_days(account, first, date(following // 100, following % 100, 1))
        days = readings.daily_usage(account.account_id, start, end)
        costs = day_costs.costs_of_days(account.account_id, start, end)
        rows = [
            {
                "day": day.day,
                "energy_wh": day.energy_wh,
                "missing_slots": day.missing_slots,
                "periods": [{"name": name, "energy_wh": wh} for name, wh in day.by_period],
                "cost_fen": costs[day.day].cost_fen if day.day in costs else None,
                "is_billed": day.day in costs and costs[day.day].is_billed,
            }
            for day in days
        ]
        body = {"month": month, "energy_wh": sum(day.energy_wh for day in days), "days": rows}
        return Response(MyUsageOut(body).data)


class UsageDay(MyView):
    """GET /api/v1/my/accounts/<account_no>/usage/<day>"""

    @extend_schema(operation_id="my_usage_day", tags=TAGS, responses=MyQuartersOut)
    def get(self, request: Request, account_no: str, day: date) -> Response:
        """One day by quarter-hour; a day outside a tenant's time holds nothing for them."""
        account = own_account(request, account_no, Right.USAGE)
        if _own_days(account, day, day + timedelta(days=1)) != (day, day + timedelta(days=1)):
            raise portal.not_own_day()
        curve = readings.curve(account.account_id, day)
        costs = day_costs.costs_of_quarters(account.account_id, day)
        body = {
            "day": day,
            "energy_wh": curve.energy_wh,
            "periods": curve.periods,
            "cost_fen": costs.cost_fen,
            "is_billed": costs.is_billed,
        }
        return Response(MyQuartersOut(body).data)


def _own_days(account: MyAccount, start: date, end: date) -> tuple[date, date]:
    """[start, end) without the days that are not theirs to see; maybe empty."""
    if account.first_day is not None:
        start = max(start, account.first_day)
    if account.last_day is not None:
        end = min(end, account.last_day + timedelta(days=1))
    return start, max(start, end)
