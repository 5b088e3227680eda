"""Billing runs: list, see, start."""

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
from config.shared.api.pages import PAGE_PARAMETERS, PageInput
from config.shared.permissions import needs, scope_of


class RunOut(serializers.Serializer[Any]):
    """One run of a list."""

    run_id = serializers.IntegerField()
    kind = serializers.CharField()
    cycle = serializers.IntegerField()
    org_name = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    state = serializers.CharField()
    done_units = serializers.IntegerField()
    total_units = serializers.IntegerField()
    bills = serializers.IntegerField(allow_null=True)
    total_fen = serializers.IntegerField(allow_null=True)
    agrees = serializers.BooleanField(allow_null=True)


class RunPageOut(serializers.Serializer[Any]):
    """Runs, newest first."""

    results = RunOut(many=True)
    next = serializers.IntegerField(allow_null=True)


class LeftOutOut(serializers.Serializer[Any]):
    """How many were left out for one reason."""

    code = serializers.CharField()
    reason = serializers.CharField()
    count = serializers.IntegerField()


class RunDetailOut(RunOut):
    """One run with its closing check."""

    closing = serializers.DictField(allow_null=True)
    left_out = LeftOutOut(many=True)


class RunInput(serializers.Serializer[Any]):
    """What to bill: a month, a part of the organisation (all of it when left out), for trial or for good."""

    cycle = serializers.IntegerField(min_value=199001, max_value=220012, help_text="year and month: 202601")
    org_unit_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    kind = serializers.ChoiceField(choices=["regular", "preview"], default="preview")


class Runs(APIView):
    """/api/v1/billing-runs/"""

    permission_classes = [needs("cis.run_billing")]

    @extend_schema(operation_id="billing_runs_list", parameters=PAGE_PARAMETERS, responses=RunPageOut)
    def get(self, request: Request) -> Response:
        """Runs, newest first."""
        asked = PageInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        limit = asked.validated_data["limit"]
        rows = queries.list_runs(
            limit=limit + 1,
            before=asked.validated_data["before"],
            within=scope_of(request.user, "cis.run_billing"),
        )
        more = rows[limit - 1].run_id if len(rows) > limit else None
        return Response(RunPageOut({"results": rows[:limit], "next": more}).data)

    @extend_schema(operation_id="billing_runs_start", request=RunInput, responses={202: RunDetailOut})
    def post(self, request: Request) -> Response:
        """Start a run; it works on by itself."""
        asked = RunInput(data=request.data)
        asked.is_valid(raise_exception=True)
        run_id = billing.start_run(
            created_by_id=request.user.pk,
            at=timezone.now(),
            within=scope_of(request.user, "cis.run_billing"),
            **asked.validated_data,
        )
        return Response(_detail(queries.get_run(run_id)), status=202)


class RunDetail(APIView):
    """GET /api/v1/billing-runs/<run_id>/"""

    permission_classes = [needs("cis.run_billing")]

    @extend_schema(operation_id="billing_runs_retrieve", responses=RunDetailOut)
    def get(self, request: Request, run_id: int) -> Response:
        """One run: how far it is and what it came to."""
        return Response(_detail(queries.get_run(run_id, within=scope_of(request.user, "cis.run_billing"))))


def _detail(page: queries.RunPage) -> Any:
    body = asdict(page.run) | {
        "closing": page.closing,
        "left_out": [{"code": code, "reason": reason, "count": count} for code, reason, count in page.left_out],
    }
    return RunDetailOut(body).data
