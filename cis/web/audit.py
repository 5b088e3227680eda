"""For auditors: who looked at customers' records, what is unusual first; by customer, by staff; open questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cis.queries import audit as queries
from cis.web.who_looked import fields_in_words
from config.navigation import PAGES_SEEN
from config.shared import looks
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires

_ROWS = 50


class AuditForm(forms.Form):
    """Which days, or whose record, or which member of staff."""

    account_no = forms.CharField(label=gettext_lazy("户号"), required=False, max_length=32)
    staff = forms.CharField(label=gettext_lazy("用户名或工号"), required=False, max_length=150)
    day = forms.DateField(
        label=gettext_lazy("截至"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


@never_cache
@require_safe
@requires("shared.see_audit")
def audit(request: HttpRequest) -> HttpResponse:
    """Days of staff with what is unusual first; with a filter, every page somebody opened."""
    form = AuditForm(request.GET)
    within = scope_of(staff_of(request), "shared.see_audit")
    asked = form.cleaned_data if form.is_valid() else {}
    context: dict[str, Any] = {"form": form, "is_filtered": bool(asked.get("account_no") or asked.get("staff"))}
    if context["is_filtered"]:
        context |= _looks(request, asked, within)
    else:
        since, until = queries.last_days(asked.get("day") or timezone.localdate())
        context |= {
            "days": queries.list_staff_days(within=within, since=since, until=until),
            "since": since,
            "last": asked.get("day") or timezone.localdate(),
            "questions": queries.list_questions(within=within),
            "many": settings.AUDIT_MANY_NOT_SERVED,
            "few": settings.AUDIT_FEW_OUTSIDE_HOURS,
            "opens": settings.AUDIT_HOURS[0],
            "closes": settings.AUDIT_HOURS[1],
        }
    return render(request, "cis/audit.html", context, status=422 if form.errors else 200)


def _looks(request: HttpRequest, asked: dict[str, Any], within: list[str]) -> dict[str, Any]:
    """Rows of one account, or of one member of staff, as the page shows them."""
    before = _moment(request.GET.get("before", ""))
    rows: list[queries.LookRow] = []
    missing = ""
    try:
        if asked.get("account_no"):
            rows = queries.list_looks_at(asked["account_no"].strip(), before=before, limit=_ROWS + 1)
        else:
            user_id = queries.find_staff(asked["staff"], within=within)
            if user_id is None:
                raise NotFound(_("没有找到这位员工，请核对用户名或工号。"))
            rows = queries.list_looks_by(user_id, within=within, before=before, limit=_ROWS + 1)
    except NotFound as refused:
        missing = refused.message
    query = request.GET.copy()
    if len(rows) > _ROWS:
        query["before"] = rows[_ROWS - 1].at.isoformat()
    words = fields_in_words()
    return {
        "rows": [
            {
                "row": row,
                "page": PAGES_SEEN.get(row.page, row.page),
                "came_from": PAGES_SEEN.get(row.came_from, ""),
                "fields": [words.get(name, name) for name in row.fields.split(",") if name],
            }
            for row in rows[:_ROWS]
        ],
        "missing": missing,
        "next_url": f"?{query.urlencode()}" if len(rows) > _ROWS else "",
    }


def _moment(text: str) -> datetime:
    """The moment a list goes on before; now where there is none."""
    found = parse_datetime(text)
    return timezone.now() if found is None or timezone.is_naive(found) else found


@never_cache
@require_POST
@requires("shared.see_audit")
def answer(request: HttpRequest, question_id: int) -> HttpResponse:
    """Answer a customer's question about a look."""
    try:
        looks.answer_question(
            question_id=question_id,
            text=request.POST.get("answer", ""),
            answered_by_id=staff_of(request).pk,
            at=timezone.now(),
            within=scope_of(staff_of(request), "shared.see_audit"),
        )
        messages.success(request, _("已答复，客户在网上营业厅能看到。"))
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("cis:audit")
