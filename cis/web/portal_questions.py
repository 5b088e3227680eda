"""Questioning a bill or a reading and asking for a meter test in the portal, with the days there are for an answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.models import BillDispute
from cis.operations import disputes as operations
from cis.queries import billing, disputes, portal
from cis.queries.portal import MyAccount, Right
from cis.web.portal_sign_in import refuse
from config.shared.display_formats import format_money
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, preferred_account

Kind = BillDispute.Kind
_BILLS = 12


class QuestionForm(forms.Form):
    """What is questioned: one of the last bills, or a meter."""

    about = forms.ChoiceField(label=gettext_lazy("哪里不对"))
    reason = forms.CharField(
        label=gettext_lazy("说说情况"),
        max_length=500,
        help_text=gettext_lazy("例如「上月全家外出，电量反而多了一倍」。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, about: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["about"].choices = about  # type: ignore[attr-defined]


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request: HttpRequest) -> HttpResponse:
    """Ask, and see which working day it is and what was answered."""
    user_id, now, today = staff_of(request).pk, timezone.now(), timezone.localdate()
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=today)
    mine.current.require(Right.BILLS)
    form = QuestionForm(
        request.POST or None,
        about=_choices(mine.current, today),
        initial={"about": f"bill:{request.GET.get('bill', '')}"},
    )
    if request.method == "POST" and form.is_valid():
        kind, _sep, which = form.cleaned_data["about"].partition(":")
        common: dict[str, Any] = {
            "account_id": mine.current.account_id,
            "reason": form.cleaned_data["reason"],
            "channel": BillDispute.Channel.PORTAL,
            "opened_by_id": user_id,
            "at": now,
        }
        try:
            if kind == Kind.BILL:
                operations.open_dispute(bill_no=which, **common)
            else:
                operations.open_question(kind=kind, installation_id=int(which), **common)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已经收到。答复之前不催交这一户的电费。"))
            return redirect("cis:portal_questions")
    own = user_id if mine.current.is_tenant else None
    rows = disputes.list_of_account(mine.current.account_id, at=now, opened_by_id=own)
    context = {"mine": mine, "form": form, "rows": rows}
    return render(request, "cis/portal/questions.html", context, status=422 if form.errors else 200)


def _choices(account: MyAccount, today: Any) -> list[tuple[str, str]]:
    """The meters to be tested or read again, and the last bills of one's own time."""
    meters = disputes.meters_of(account.account_id, day=today) if account.sees_usage else []
    bills = billing.list_bills(
        account_id=account.account_id, limit=_BILLS, first_day=account.first_day, last_day=account.last_day
    )
    return [
        *((f"meter-test:{pk}", _("申请校表：电能表 %(no)s") % {"no": no}) for pk, no in meters),
        *((f"reading:{pk}", _("示数不对：电能表 %(no)s") % {"no": no}) for pk, no in meters),
        *(
            (
                f"bill:{bill.bill_no}",
                _("账单不对：%(start)s 起，%(yuan)s 元")
                % {"start": bill.period_start.isoformat(), "yuan": format_money(bill.total_fen)},
            )
            for bill in bills
        ),
    ]
