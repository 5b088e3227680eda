"""Reporting a fault in the portal: a telephone number first, then a short form; what was answered stands below."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.operations import contacts as operations
from cis.queries import contacts, portal
from cis.web.portal_sign_in import refuse
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, preferred_account

KINDS = (("fault", gettext_lazy("停电或故障")), ("question", gettext_lazy("其他问题")))


class FaultForm(forms.Form):
    """What happened, and where."""

    form_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=gettext_lazy("什么事"), choices=KINDS, widget=forms.RadioSelect, initial="fault")
    account_no = forms.ChoiceField(label=gettext_lazy("哪一户"), required=False)
    text = forms.CharField(
        label=gettext_lazy("什么情况"),
        max_length=operations.MAX_TEXT,
        help_text=gettext_lazy("例如「整栋楼没电，从下午三点开始」。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def faults(request: HttpRequest) -> HttpResponse:
    """Report, and see what became of earlier reports; also for somebody who has bound no account."""
    user_id = staff_of(request).pk
    mine = portal.list_my_accounts(user_id=user_id, today=timezone.localdate())
    here = preferred_account(request) or next((one.account_no for one in mine), "")
    first = {"form_key": uuid.uuid4().hex, "kind": "fault", "account_no": here}
    form = FaultForm(request.POST or None, initial=first)
    form.fields["account_no"].choices = [  # type: ignore[attr-defined]
        *((one.account_no, f"{one.account_no} {one.address}".strip()) for one in mine),
        ("", _("都不是")),
    ]
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            operations.report(
                user_id=user_id,
                account_id=next((one.account_id for one in mine if one.account_no == typed["account_no"]), None),
                kind=typed["kind"],
                text=typed["text"],
                form_key=typed["form_key"],
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已经收到，处理结果会显示在这里，并发短信告诉您。"))
            return redirect("cis:portal_faults")
    context = {"form": form, "contacts": contacts.contacts_of_person(user_id)}
    return render(request, "cis/portal/faults.html", context, status=422 if form.errors else 200)
