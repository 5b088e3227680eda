"""Payments: take one, list them, see one, take one back."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.queries import dues
from cis.queries.audit import record_of
from config.shared.api.pages import PAGE_PARAMETERS, PageInput
from config.shared.api.step_up import require_step_up
from config.shared.permissions import needs, scope_of, staff_of
from config.shared.web.looks import saw
from payments import operations, queries
from payments.operations.taking import COUNTER_METHODS

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="8 to 60 letters, digits, - or _; the same key is the same payment for ever.",
)


class PaymentIn(serializers.Serializer[Any]):
    """A payment to take."""

    amount_fen = serializers.IntegerField(help_text="1 to 10^11")
    method = serializers.ChoiceField(choices=COUNTER_METHODS)
    reference = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)


class PartOut(serializers.Serializer[Any]):
    """So much went to this bill; `fee_fen` of it to its late fee."""

    bill_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()


class TakenOut(serializers.Serializer[Any]):
    """A payment as it was booked; byte for byte the same for a repeated key."""

    receipt_no = serializers.CharField()
    allocations = PartOut(many=True)
    prepaid_fen = serializers.IntegerField()


class PaymentOut(serializers.Serializer[Any]):
    """One payment of a list."""

    receipt_no = serializers.CharField()
    account_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    prepaid_fen = serializers.IntegerField()
    method = serializers.CharField()
    reference = serializers.CharField()
    received_at = serializers.DateTimeField()
    business_date = serializers.DateField()
    is_reversed = serializers.BooleanField()


class PaymentPageOut(serializers.Serializer[Any]):
    """Payments, newest first; `next` goes into `before` for the page after."""

    results = PaymentOut(many=True)
    next = serializers.IntegerField(allow_null=True)


class PaymentDetailOut(PaymentOut):
    """One payment and where it went."""

    allocations = PartOut(many=True)


class ReversalIn(serializers.Serializer[Any]):
    """Why a payment is taken back."""

    reason = serializers.CharField(max_length=500)


class ReversalOut(serializers.Serializer[Any]):
    """A payment that was taken back."""

    receipt_no = serializers.CharField()
    amount_fen = serializers.IntegerField()


class AccountPayments(APIView):
    """/api/v1/accounts/<account_no>/payments/"""

    def get_permissions(self) -> list[Any]:
        """To see and to take are two things."""
        return [needs("payments.take_payment" if self.request.method == "POST" else "payments.view_payments")()]

    @extend_schema(operation_id="account_payments_list", parameters=PAGE_PARAMETERS, responses=PaymentPageOut)
    def get(self, request: Request, account_no: str) -> Response:
        """The account's payments, newest first."""
        asked = PageInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        limit, before = asked.validated_data["limit"], asked.validated_data["before"]
        account_id = dues.account_id_of(account_no)
        saw(request, record_of(account_id))
        rows = queries.list_receipts(account_id=account_id, limit=limit + 1, before=before)
        following = rows[limit - 1].payment_id if len(rows) > limit else None
        return Response(PaymentPageOut({"results": rows[:limit], "next": following}).data)

    @extend_schema(operation_id="account_payments_take", parameters=[KEY], request=PaymentIn, responses={201: TakenOut})
    def post(self, request: Request, account_no: str) -> Response:
        """Take a payment: late fees and bills by the rule in force, the surplus to prepayment."""
        asked = PaymentIn(data=request.data)
        asked.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise operations.UnusableKey(_("请在 Idempotency-Key 头里给出这笔款的唯一键。"))
        taken = operations.take_payment(
            account_id=dues.account_id_of(account_no),
            org_unit_id=staff_of(request).org_unit_id,
            received_by_id=staff_of(request).pk,
            form_key=key,
            at=timezone.now(),
            **asked.validated_data,
        )
        return Response(TakenOut(taken).data, status=201)


class PaymentDetail(APIView):
    """GET /api/v1/payments/<receipt_no>/"""

    permission_classes = [needs("payments.view_payments")]

    @extend_schema(operation_id="payments_get", responses=PaymentDetailOut)
    def get(self, request: Request, receipt_no: str) -> Response:
        """One payment and where it went."""
        receipt = queries.get_receipt(receipt_no, on=timezone.localdate())
        saw(request, record_of(receipt.account_id))
        return Response({**PaymentOut(receipt.payment).data, "allocations": PartOut(receipt.parts, many=True).data})


class PaymentReversal(APIView):
    """POST /api/v1/payments/<receipt_no>/reversal/"""

    permission_classes = [needs("payments.reverse_payment")]

    @extend_schema(operation_id="payments_reverse", request=ReversalIn, responses={201: ReversalOut})
    def post(self, request: Request, receipt_no: str) -> Response:
        """Take back a payment one took oneself, on its own business day; others ask for it in the console."""
        now = timezone.now()
        require_step_up(request, at=now)
        asked = ReversalIn(data=request.data)
        asked.is_valid(raise_exception=True)
        reversed_payment = operations.reverse_payment(
            payment_id=queries.payment_id_of(receipt_no),
            reason=asked.validated_data["reason"],
            reversed_by_id=staff_of(request).pk,
            at=now,
            within=scope_of(request.user, "payments.reverse_payment"),
        )
        return Response(ReversalOut(reversed_payment).data, status=201)
