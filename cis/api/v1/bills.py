"""Bills: list, see, explain, issue now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.operations import billing
from cis.queries import billing as queries
from cis.queries.audit import record_of
from cis.queries.customers import account_id_of
from config.shared.api.pages import PAGE_PARAMETERS, PageInput
from config.shared.permissions import needs
from config.shared.web.looks import saw


class BillOut(serializers.Serializer[Any]):
    """One bill of a list."""

    bill_no = serializers.CharField()
    account_no = serializers.CharField()
    cycle = serializers.IntegerField()
    period_start = serializers.DateField()
    period_end = serializers.DateField(help_text="the first day after the period")
    energy_kwh_e2 = serializers.IntegerField()
    total_fen = serializers.IntegerField()
    open_fen = serializers.IntegerField()
    due_on = serializers.DateField()
    issued_at = serializers.DateTimeField()
    is_disputed = serializers.BooleanField()
    is_estimated = serializers.BooleanField()


class BillPageOut(serializers.Serializer[Any]):
    """Bills, newest first; `next` goes into `before` for the page after."""

    results = BillOut(many=True)
    next = serializers.IntegerField(allow_null=True)


class BillLineOut(serializers.Serializer[Any]):
    """quantity x price_e8 x share / 60 = amount_fen, rounded once; the quantity in 10^-places of the unit."""

    seq = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField(source="name_zh")
    quantity = serializers.IntegerField()
    unit = serializers.CharField()
    places = serializers.IntegerField()
    price_e8 = serializers.IntegerField()
    share = serializers.IntegerField(help_text="sixtieths that are charged; 60 is all")
    amount_fen = serializers.IntegerField()


class BillDetailOut(BillOut):
    """One bill with its lines."""

    tariff_code = serializers.CharField()
    tariff_name = serializers.CharField()
    is_demonstration = serializers.BooleanField(help_text="prices are for demonstration only")
    revision = serializers.IntegerField()
    lines = BillLineOut(many=True)


class ExplainedLineOut(BillLineOut):
    """A line with the facts its rule followed and the paper that allows it."""

    legal_basis = serializers.CharField()
    facts = serializers.DictField()


class UsageOut(serializers.Serializer[Any]):
    """One stretch of energy between two readings, or a folded curve."""

    meter_no = serializers.CharField()
    register = serializers.CharField(source="register_en")
    from_on = serializers.DateField()
    to_on = serializers.DateField()
    from_value_e4 = serializers.IntegerField()
    to_value_e4 = serializers.IntegerField()
    multiplier = serializers.IntegerField()
    is_rollover = serializers.BooleanField()
    is_estimated = serializers.BooleanField()
    is_from_curve = serializers.BooleanField()
    energy_kwh_e2 = serializers.IntegerField()


class ExplanationOut(serializers.Serializer[Any]):
    """Why a bill is what it is."""

    bill_no = serializers.CharField()
    tariff_code = serializers.CharField()
    tariff_source = serializers.CharField()
    is_demonstration = serializers.BooleanField()
    recomputes = serializers.BooleanField(help_text="computing it again from these inputs gives these lines")
    lines = ExplainedLineOut(many=True)
    usage = UsageOut(many=True)


class BillNowInput(serializers.Serializer[Any]):
    """Which month to bill."""

    cycle = serializers.IntegerField(min_value=199001, max_value=220012, help_text="year and month: 202601")


class AccountBills(APIView):
    """/api/v1/accounts/<account_no>/bills/"""

    def get_permissions(self) -> list[Any]:
        """Reading needs one permission, issuing another."""
        return [needs("cis.issue_bill" if self.request.method == "POST" else "cis.view_customer")()]

    @extend_schema(operation_id="bills_list", parameters=PAGE_PARAMETERS, responses=BillPageOut)
    def get(self, request: Request, account_no: str) -> Response:
        """Bills of an account, newest first."""
        asked = PageInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        limit = asked.validated_data["limit"]
        account_id = account_id_of(account_no)
        saw(request, record_of(account_id))
        rows = queries.list_bills(account_id=account_id, limit=limit + 1, before=asked.validated_data["before"])
        more = rows[limit - 1].bill_id if len(rows) > limit else None
        return Response(BillPageOut({"results": rows[:limit], "next": more}).data)

    @extend_schema(operation_id="bills_issue_now", request=BillNowInput, responses={201: BillDetailOut})
    def post(self, request: Request, account_no: str) -> Response:
        """Bill one account for a month, now."""
        asked = BillNowInput(data=request.data)
        asked.is_valid(raise_exception=True)
        cycle = asked.validated_data["cycle"]
        bill_id = billing.issue_bill_now(
            account_id=account_id_of(account_no), cycle=cycle, issued_by_id=request.user.pk, at=timezone.now()
        )
        return Response(_detail(queries.get_bill(f"{cycle}{bill_id:010d}")), status=201)


class BillDetail(APIView):
    """GET /api/v1/bills/<bill_no>/"""

    permission_classes = [needs("cis.view_customer")]

    @extend_schema(operation_id="bills_retrieve", responses=BillDetailOut)
    def get(self, request: Request, bill_no: str) -> Response:
        """One bill with its lines."""
        page = queries.get_bill(bill_no)
        saw(request, record_of(page.account_id))
        return Response(_detail(page))


class BillExplanation(APIView):
    """GET /api/v1/bills/<bill_no>/explanation/"""

    permission_classes = [needs("cis.view_customer")]

    @extend_schema(operation_id="bills_explain", responses=ExplanationOut)
    def get(self, request: Request, bill_no: str) -> Response:
        """Every line with the rule behind it, and the readings it came from."""
        page = queries.get_bill(bill_no)
        saw(request, record_of(page.account_id))
        body = {
            "bill_no": page.bill.bill_no,
            "tariff_code": page.tariff_code,
            "tariff_source": page.tariff_source,
            "is_demonstration": page.is_demonstration,
            "recomputes": page.recomputes,
            "lines": page.lines,
            "usage": page.usage,
        }
        return Response(ExplanationOut(body).data)


def _detail(page: queries.BillPage) -> Any:
    body = asdict(page.bill) | {
        "tariff_code": page.tariff_code,
        "tariff_name": page.tariff_name,
        "is_demonstration": page.is_demonstration,
        "revision": page.revision,
        "lines": page.lines,
    }
    return BillDetailOut(body).data
