"""Addresses of this app's part of the API, version 1."""

from django.urls import URLPattern, path

from config.shared.web.converters import DAY
from dsm.api.v1 import forecasts

urlpatterns: list[URLPattern] = [
    path(f"dsm/forecasts/<{DAY}:day>/", forecasts.DayForecastDetail.as_view(), name="api_load_forecast"),
]
