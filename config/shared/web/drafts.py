"""Forms that keep what is typed: given back by their pages, saved while one types, kept when the session has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from config.shared import drafts
from config.shared.drafts import TICKET, Ticket
from config.shared.errors import BadInput, Refused
from config.shared.permissions import staff_of


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What a form's template needs: its name, its ticket, and when what stands in it was kept (None: nothing was)."""

    name: str
    ticket: str
    kept_at: datetime | None
    is_sent: bool


def draft_of(request: HttpRequest, form: forms.Form, *, name: str, subject: str = "", address: str = "") -> FormDraft:
    """
    Give back what the user left in this form, and what its template needs to keep what is typed from now on.

    A form that was just sent keeps what was sent. `address` is the page of the form where it is not this one.
    """
    user = staff_of(request)
    kept = None
    if not form.is_bound:
        kept = drafts.get_draft(user_id=user.pk, form=name, subject=subject, now=timezone.now())
    if kept is not None:
        for field, texts in kept.fields.items():
            if field in form.fields and texts:
                is_many = isinstance(form.fields[field], forms.MultipleChoiceField)
                form.initial[field] = list(texts) if is_many else texts[0]
    ticket = Ticket(user.pk, name, subject, address or request.get_full_path())
    return FormDraft(
        name, drafts.write_ticket(ticket), kept.saved_at if kept else None, kept.is_sent if kept else False
    )


def ticket_in(request: HttpRequest) -> Ticket | None:
    """The ticket of the form that was sent; None where it has none that can be believed."""
    text = request.POST.get(TICKET, "") if request.method == "POST" else ""
    if not text:
        return None
    try:
        return drafts.read_ticket(text)
    except BadInput:
        return None


def keep_sent(request: HttpRequest, ticket: Ticket) -> bool:
    """Keep a form whose sending nobody could answer for; says whether it is kept."""
    fields = {name: request.POST.getlist(name) for name in request.POST}
    try:
        drafts.save_draft(ticket=ticket, fields=fields, is_sent=True, at=timezone.now())
    except Refused:
        return False
    return True


class DraftMiddleware:
    """
    A form that is sent after its session has ended is kept for its owner, who finds it again after signing in.

    Stands before the middleware that asks for a sign-in. A form whose sending succeeded is forgotten.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Forget the draft of a form that its page accepted: it answers with the way on."""
        response = self.get_response(request)
        if getattr(request, "is_at_its_page", False) and response.status_code == 302:
            ticket = ticket_in(request)
            if ticket is not None and ticket.user_id == request.user.pk:
                drafts.forget_draft(user_id=ticket.user_id, form=ticket.form, subject=ticket.subject)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *_arguments: object
    ) -> HttpResponse | None:
        """To the sign-in, and from there back to the page of the form, when nobody is signed in any more."""
        if request.method != "POST" or not getattr(view, "login_required", True):
            return None
        if request.user.is_authenticated:
            request.is_at_its_page = True  # type: ignore[attr-defined]
            return None
        ticket = ticket_in(request)
        if ticket is None or not keep_sent(request, ticket):
            return None
        return redirect_to_login(ticket.address, getattr(view, "login_url", None))


@require_POST
@login_not_required
def save(request: HttpRequest) -> HttpResponse:
    """Keep what is being typed; the form's ticket says whose it is, signed in or not."""
    ticket = drafts.read_ticket(request.POST.get(TICKET, ""))
    fields = {name: request.POST.getlist(name) for name in request.POST}
    drafts.save_draft(ticket=ticket, fields=fields, is_sent=False, at=timezone.now())
    return HttpResponse(status=204)


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """The kept text is not wanted; back to the form as it is without it."""
    ticket = drafts.read_ticket(request.POST.get(TICKET, ""))
    if ticket.user_id == staff_of(request).pk:
        drafts.forget_draft(user_id=ticket.user_id, form=ticket.form, subject=ticket.subject)
    return redirect(ticket.address)


urlpatterns = [
    path("drafts/", save, name="draft_save"),
    path("drafts/forget/", forget, name="draft_forget"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {"draft_forget": "a ticket of the user's own form"}
PUBLIC = {"draft_save": "the signed ticket of a form says whose it is; nothing is ever given out here"}
