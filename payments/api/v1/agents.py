"""For agents: what is left of their own deposit and of today's limit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from payments.api.signed_requests import ChannelView, caller_of, needs_channel
from payments.channel_rules import accounting_day
from payments.queries.agents import deposit_left


class DepositOut(serializers.Serializer[Any]):
    """What an agent may still sell on its accounting day."""

    balance_fen = serializers.IntegerField()
    single_limit_fen = serializers.IntegerField()
    daily_limit_fen = serializers.IntegerField()
    sold_fen = serializers.IntegerField()


class ChannelDeposit(ChannelView):
    """GET /api/v1/channel/deposit"""

    permission_classes = [needs_channel("query")]
    letter = "S"
    missing = "agent-contract-missing"

    @extend_schema(operation_id="channel_deposit", responses=DepositOut, tags=["channel"])
    def get(self, request: Request) -> Response:
        """One's own deposit and limits; only for agents."""
        caller = caller_of(request)
        day = accounting_day(timezone.now().astimezone(settings.BILLING_TIME_ZONE), caller.rules)
        return Response(DepositOut(deposit_left(client_id=caller.client_id, day=day)).data)
