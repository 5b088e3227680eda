"""Which columns of a table somebody wants to see: kept per person, changed by a plain form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.shared import preferences
from config.shared.errors import NotFound
from config.shared.permissions import staff_of
from config.shared.web.own_addresses import own_address
from config.shared.web.tables import Table


@require_POST
def choose_columns(request: HttpRequest, name: str) -> HttpResponse:
    """Keep the columns that are ticked, or bring back the usual ones; then back to the list."""
    table = Table.known.get(name)
    if table is None:
        raise NotFound(_("没有这张表。"))
    ticked = set(request.POST.getlist("columns"))
    wanted = [column.name for column in table.columns if column.name in ticked or column.is_head]
    if "usual" in request.POST or wanted == [column.name for column in table.columns if not column.is_extra]:
        wanted = []
    preferences.keep_columns(user_id=staff_of(request).pk, table=name, columns=wanted)
    return redirect(own_address(request, request.POST.get("next", "")))


urlpatterns = [path("tables/<str:name>/columns/", choose_columns, name="table_columns")]
# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {"table_columns": "changes only which columns the asker sees"}
