"""Forecasts of load for other systems."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.shared.errors import NotFound
from config.shared.permissions import needs, scope_of
from dsm.queries.forecasts import forecast_for
from dsm.queries.places import place_of


class ForecastOut(serializers.Serializer[Any]):
    """96 quarter-hours from 00:00 local time in kW: the middle, and the band in which four of five values fall."""

    scope = serializers.CharField()
    scope_id = serializers.IntegerField()
    on_day = serializers.DateField()
    p10_kw = serializers.ListField(child=serializers.IntegerField())
    p50_kw = serializers.ListField(child=serializers.IntegerField())
    p90_kw = serializers.ListField(child=serializers.IntegerField())
    forecaster = serializers.CharField()
    version = serializers.CharField()
    issued_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField()


class DayForecastDetail(APIView):
    """GET /api/v1/dsm/forecasts/{day}/"""

    permission_classes = (needs("dsm.view_load"),)

    @extend_schema(
        parameters=[
            OpenApiParameter("place", str, description="`system` (the default) or a feeder such as `feeder-12`.")
        ],
        responses={200: ForecastOut},
    )
    def get(self, request: Request, day: date) -> Response:
        """The latest forecast for a day."""
        within = scope_of(request.user, "dsm.view_load")
        place = place_of(request.query_params.get("place", "system"), within=within)
        found = forecast_for(scope=place.scope, scope_id=place.scope_id, on_day=day)
        if found is None:
            raise NotFound(_("这一天没有预测。"))
        return Response(ForecastOut(found).data)
