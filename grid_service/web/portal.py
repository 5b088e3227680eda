"""The portal's page of the district: the manager's card, asking them, the answers, how one wants to hear of notices."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cis.queries import portal
from cis.queries.portal import Right
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.portal_pages import for_customers, preferred_account
from grid_service.operations import notices, questions
from grid_service.queries.notices import wants_sms
from grid_service.queries.questions import questions_of_user
from grid_service.web.cards import card_of
from grid_service.web.forms import QuestionForm, refuse


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def district(request: HttpRequest) -> HttpResponse:
    """Who my manager is, what I asked and what was answered; a question is asked here."""
    user_id = staff_of(request).pk
    mine = portal.my_accounts(user_id=user_id, preferred=preferred_account(request), today=timezone.localdate())
    mine.current.require(Right.ADDRESS)
    form = QuestionForm(request.POST or None, initial={"form_key": uuid.uuid4().hex})
    if request.method == "POST" and form.is_valid():
        try:
            questions.ask(
                user_id=user_id,
                account_id=mine.current.account_id,
                text=form.cleaned_data["text"],
                form_key=form.cleaned_data["form_key"],
                channel="portal",
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已经送到片区经理，答复会显示在这里，并发消息告诉您。"))
            return redirect("grid_service:portal_district")
    context = {
        "mine": mine,
        **card_of(mine.current.account_id),
        "form": form,
        "draft": draft_of(request, form, name="ask-manager", subject=mine.current.account_no),
        "questions": questions_of_user(user_id),
        "wants_sms": wants_sms(user_id),
        "scores": range(5, 0, -1),
    }
    return render(request, "grid_service/portal/district.html", context, status=422 if form.errors else 200)


@for_customers
@require_POST
def rate(request: HttpRequest, asked_id: int) -> HttpResponse:
    """Say how good an answer was."""
    score = request.POST.get("score", "")
    questions.rate(
        question_id=asked_id,
        user_id=staff_of(request).pk,
        score=int(score) if score.isdecimal() and len(score) == 1 else 0,
        comment=request.POST.get("comment", ""),
        at=timezone.now(),
    )
    messages.success(request, _("谢谢您的评价。"))
    return redirect("grid_service:portal_district")


@for_customers
@require_POST
def choose_notices(request: HttpRequest) -> HttpResponse:
    """Whether notices of the district come by SMS too."""
    notices.choose(user_id=staff_of(request).pk, wants_sms=request.POST.get("sms") == "yes")
    messages.success(request, _("已记下。停电和片区通知总会出现在「消息」里。"))
    return redirect("grid_service:portal_district")
