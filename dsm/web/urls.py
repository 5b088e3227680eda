"""Addresses of this app's pages."""

from django.urls import URLPattern, path

from dsm.web import forecasts, loads, urls_shortages

app_name = "dsm"
urlpatterns: list[URLPattern] = [
    path("dsm/loads/", loads.load_page, name="loads"),
    path("dsm/loads.csv", loads.load_export, name="loads_export"),
    path("dsm/forecasts/", forecasts.forecast_page, name="forecasts"),
    path("dsm/forecasts.csv", forecasts.forecast_export, name="forecasts_export"),
    path("dsm/forecasts/make/", forecasts.forecast_make, name="forecast_make"),
    *urls_shortages.urlpatterns,
]
