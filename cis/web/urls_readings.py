"""Addresses of the readings pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
