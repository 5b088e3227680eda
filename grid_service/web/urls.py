"""Addresses of this app's pages."""

from django.urls import URLPattern

app_name = "grid_service"
urlpatterns: list[URLPattern] = []
