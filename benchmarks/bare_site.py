"""A bare Django view with one indexed SELECT, on the same server and database as the pages it is compared with."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path


def account(_request: HttpRequest, account_no: str) -> JsonResponse:
    """The id of an account by its number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cis_account WHERE account_no = %s", [account_no])
        row = cursor.fetchone()
    return JsonResponse({"id": row[0] if row else None})


urlpatterns = [path("<str:account_no>/", account)]
