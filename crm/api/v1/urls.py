"""Addresses of this app's part of the API, version 1."""

from django.urls import path

from crm.api.v1 import emergencies

urlpatterns = [
    path(
        "accounts/<str:account_no>/emergencies/",
        emergencies.AccountEmergencies.as_view(),
        name="api_account_emergencies",
    ),
]
