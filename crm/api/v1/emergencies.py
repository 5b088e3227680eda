"""Emergencies of key accounts, from programs such as a customer's own control room."""

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

from config.shared.errors import BadInput
from config.shared.permissions import needs, staff_of
from crm.operations import emergencies

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="8 to 60 characters; the same key is the same emergency for ever.",
)


class UnusableKey(BadInput):
    """No key, or one that is too short or too long."""

    code = "unusable-key"


class EmergencyIn(serializers.Serializer[Any]):
    """What happened, and who says so."""

    what = serializers.CharField(max_length=500)
    caller = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class EmergencyOut(serializers.Serializer[Any]):
    """An emergency as it was taken; the same for a repeated key."""

    emergency_id = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    reply_due_at = serializers.DateTimeField()
    arrive_due_at = serializers.DateTimeField()


class AccountEmergencies(APIView):
    """POST /api/v1/accounts/<account_no>/emergencies/"""

    permission_classes = [needs("crm.take_emergency")]

    @extend_schema(
        operation_id="account_emergencies_take", parameters=[KEY], request=EmergencyIn, responses={201: EmergencyOut}
    )
    def post(self, request: Request, account_no: str) -> Response:
        """Ask for help at once: the clocks for reply and arrival run from now."""
        asked = EmergencyIn(data=request.data)
        asked.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key", "")
        if not 8 <= len(key) <= 60:
            raise UnusableKey(_("请在 Idempotency-Key 头里给出这次请求的唯一键，8 到 60 个字符。"))
        user = staff_of(request)
        taken = emergencies.take_emergency(
            account_no=account_no,
            channel="api",
            request_key=f"api:{user.pk}:{key}",
            received_by_id=user.pk,
            at=timezone.now(),
            **asked.validated_data,
        )
        return Response(EmergencyOut(taken).data, status=201)
