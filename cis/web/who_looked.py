"""The customer sees who of the staff looked at their record, when, from which hall and why; and may ask about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from cis.queries import audit, portal
from config.navigation import PAGES_SEEN
from config.shared import looks
from config.shared.errors import NotFound, Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, preferred_account

_ROWS = 200


class QuestionForm(forms.Form):
    """What the customer wants to know about one look."""

    about_user = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    about_at = forms.CharField(widget=forms.HiddenInput, max_length=40)
    text = forms.CharField(label=gettext_lazy("您想问什么"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_about_at(self) -> datetime:
        """A moment with its offset."""
        moment = parse_datetime(self.cleaned_data["about_at"])
        if moment is None or timezone.is_naive(moment):
            raise forms.ValidationError(_("请从页面上的“问一问”打开。"))
        return moment


def fields_in_words() -> dict[str, str]:
    """What each hidden value is called."""
    return {"phone": _("电话"), "identity_no": _("证件号码"), "door": _("门牌"), "name": _("姓名"), "email": _("邮箱")}


def pages_in_words(names: tuple[str, ...]) -> list[str]:
    """What pages are called to somebody who does not work here; each once."""
    return list(dict.fromkeys(str(PAGES_SEEN.get(name, _("其他页面"))) for name in names))


@for_customers
@require_safe
def who_looked(request: HttpRequest) -> HttpResponse:
    """Visits of staff to the account's record, newest first."""
    before = parse_datetime(request.GET.get("before", "").replace(" ", "+")) or timezone.now()
    if timezone.is_naive(before):
        before = timezone.now()
    return _draw(request, QuestionForm(), before=before)


def _mine(request: HttpRequest) -> portal.MyAccounts:
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(portal.Right.WHO_LOOKED)
    return mine


def _draw(request: HttpRequest, form: QuestionForm, *, before: datetime, status: int = 200) -> HttpResponse:
    mine = _mine(request)
    visits, more = audit.visits_to_mine(mine, before=before, limit=_ROWS)
    words = fields_in_words()
    asked = (form["about_user"].value(), form["about_at"].value()) if form.is_bound else (None, None)
    rows: list[dict[str, Any]] = [
        {
            "visit": visit,
            "pages": pages_in_words(visit.pages),
            "fields": [words.get(name, name) for name in visit.fields],
            "key": visit.last_at.isoformat(),
            "form": form if (str(visit.user_id), visit.last_at.isoformat()) == asked else None,
        }
        for visit in visits
    ]
    context = {"mine": mine, "rows": rows, "next_url": f"?before={more.isoformat()}" if more else ""}
    return render(request, "cis/portal/who_looked.html", context, status=status)


@for_customers
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask about one look."""
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _draw(request, form, before=timezone.now(), status=422)
    mine = _mine(request)
    try:
        looks.ask_about(
            record=audit.record_of(mine.current.account_id),
            persons=audit.persons_of(mine),
            about_user_id=form.cleaned_data["about_user"],
            about_at=form.cleaned_data["about_at"],
            asked_by_id=staff_of(request).pk,
            text=form.cleaned_data["text"],
            at=timezone.now(),
        )
        messages.success(request, _("已收到。审计人员核实后，答复会显示在这条记录下面。"))
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("cis:portal_who_looked")
