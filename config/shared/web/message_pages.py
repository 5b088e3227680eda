"""Pages about messages to people: the inbox of staff and of customers, what was not delivered, letters to print."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.shared.display_formats import format_moment
from config.shared.errors import Refused
from config.shared.messaging import delivery, inbox, letters, overview
from config.shared.models import User
from config.shared.permissions import may, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.parts import TodoRow, render_todo
from config.shared.web.portal_pages import for_customers

_PAGE = 20
_TO_DO = 5


def _key(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _reader(request: HttpRequest) -> User:
    """The member of staff who reads their own inbox; customers have theirs in the portal."""
    if not isinstance(request.user, User) or request.user.kind != User.Kind.STAFF:
        raise Http404
    return request.user


def _list(request: HttpRequest, user_id: int, *, page: str) -> HttpResponse:
    now = timezone.now()
    rows = inbox.list_messages(
        user_id=user_id, language=get_language() or "", at=now, limit=_PAGE + 1, before=_key(request)
    )
    context = {
        "rows": rows[:_PAGE],
        "next_url": f"?before={rows[_PAGE - 1].message_id}" if len(rows) > _PAGE else "",
        "unread": inbox.unread_count(user_id=user_id, at=now),
    }
    return render(request, page, context)


def _one(request: HttpRequest, user_id: int, message_id: int, *, page: str) -> HttpResponse:
    shown = inbox.read_message(user_id=user_id, message_id=message_id, language=get_language() or "", at=timezone.now())
    return render(request, page, {"message": shown, "paragraphs": shown.text.splitlines()})


@for_customers
@require_safe
def portal_messages(request: HttpRequest) -> HttpResponse:
    """A customer's messages, newest first."""
    return _list(request, staff_of(request).pk, page="shared/messaging/portal_messages.html")


@for_customers
@require_safe
def portal_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """One message; opening it is reading it."""
    return _one(request, staff_of(request).pk, message_id, page="shared/messaging/portal_message.html")


@for_customers
@require_POST
def portal_read_all(request: HttpRequest) -> HttpResponse:
    """Everything is read."""
    inbox.read_all(user_id=staff_of(request).pk, at=timezone.now())
    return redirect("portal_messages")


@for_customers
@require_safe
def portal_bell(request: HttpRequest) -> HttpResponse:
    """How many messages a customer has not read, as a part of the frame."""
    return _bell(request, staff_of(request).pk, address="portal_messages")


@never_cache
@require_safe
def staff_inbox(request: HttpRequest) -> HttpResponse:
    """What the house tells this member of staff."""
    return _list(request, _reader(request).pk, page="shared/messaging/inbox.html")


@never_cache
@require_safe
def staff_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """One message to this member of staff; opening it is reading it."""
    return _one(request, _reader(request).pk, message_id, page="shared/messaging/inbox_message.html")


@never_cache
@require_POST
def staff_read_all(request: HttpRequest) -> HttpResponse:
    """Everything is read."""
    inbox.read_all(user_id=_reader(request).pk, at=timezone.now())
    return redirect("inbox")


@never_cache
@require_safe
def staff_bell(request: HttpRequest) -> HttpResponse:
    """How many messages a member of staff has not read, as a part of the frame."""
    return _bell(request, _reader(request).pk, address="inbox")


def _bell(request: HttpRequest, user_id: int, *, address: str) -> HttpResponse:
    unread = inbox.unread_count(user_id=user_id, at=timezone.now())
    return render(request, "shared/messaging/_bell.html", {"unread": unread, "address": address, "is_counted": True})


@never_cache
@require_safe
@requires("shared.see_messages")
def lost_messages(request: HttpRequest) -> HttpResponse:
    """Messages that were not delivered, with why."""
    rows = overview.list_lost(limit=_PAGE + 1, before=_key(request))
    context = {
        "rows": rows[:_PAGE],
        "next_url": f"?before={rows[_PAGE - 1].message_id}" if len(rows) > _PAGE else "",
        "may_resend": may(request.user, "shared.resend_messages"),
        "letters_waiting": letters.waiting_count(),
    }
    return render_part_or_page(
        request, part="shared/messaging/_lost.html", page="shared/messaging/lost.html", context=context
    )


@never_cache
@require_safe
@requires("shared.resend_messages")
def lost_to_resend(request: HttpRequest) -> HttpResponse:
    """The newest messages that were not delivered, as a part of a home page."""
    rows = overview.list_lost(limit=_TO_DO)
    return render_todo(
        request,
        title=_("未送达的消息"),
        rows=[
            TodoRow(
                row.subject,
                reverse("lost_messages"),
                note=row.why,
                end=format_moment(row.at, timezone.get_current_timezone()),
                is_bad=True,
            )
            for row in rows
        ],
        nothing=_("消息都送到了。"),
        all_url=reverse("lost_messages"),
        all_label=_("全部未送达消息"),
    )


@require_POST
@requires("shared.resend_messages")
def resend(request: HttpRequest, message_id: int) -> HttpResponse:
    """Send a lost message once more."""
    try:
        delivery.retry(message_id=message_id, at=timezone.now())
        messages.success(request, _("已经重新排队，几秒内会再发一次。"))
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("lost_messages")


@never_cache
@require_safe
@requires("shared.see_messages")
def letter_batches(request: HttpRequest) -> HttpResponse:
    """Letters that wait, and the batches made of them."""
    rows = letters.list_batches(limit=_PAGE + 1, before=_key(request))
    context = {
        "waiting": letters.waiting_count(),
        "batches": rows[:_PAGE],
        "next_url": f"?before={rows[_PAGE - 1].batch_id}" if len(rows) > _PAGE else "",
        "may_print": may(request.user, "shared.resend_messages"),
    }
    return render(request, "shared/messaging/letter_batches.html", context)


@require_POST
@requires("shared.resend_messages")
def letter_batch_make(request: HttpRequest) -> HttpResponse:
    """Make a batch of the letters that wait."""
    try:
        letters.make_batch(made_by_id=staff_of(request).pk, at=timezone.now())
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("letters")


@never_cache
@require_safe
@requires("shared.resend_messages")
def letter_batch_pdf(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The letters of a batch, to print; the addresses stand in the clear, as they must on an envelope."""
    response = HttpResponse(letters.print_batch(batch_id=batch_id), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="letters-{batch_id}.pdf"'
    return response


@require_POST
@requires("shared.resend_messages")
def letter_batch_done(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Somebody printed or posted a batch."""
    try:
        if request.POST.get("done") == "posted":
            count = letters.mark_posted(batch_id=batch_id, at=timezone.now())
            messages.success(
                request, ngettext("已寄出 %(count)s 封信函。", "已寄出 %(count)s 封信函。", count) % {"count": count}
            )
        else:
            letters.mark_printed(batch_id=batch_id, at=timezone.now())
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("letters")


urlpatterns: list[URLPattern] = [
    path("my/messages/", portal_messages, name="portal_messages"),
    path("my/messages/read/", portal_read_all, name="portal_messages_read"),
    path("my/messages/bell/", portal_bell, name="portal_bell"),
    path("my/messages/<int:message_id>/", portal_message, name="portal_message"),
    path("console/inbox/", staff_inbox, name="inbox"),
    path("console/inbox/read/", staff_read_all, name="inbox_read"),
    path("console/inbox/bell/", staff_bell, name="inbox_bell"),
    path("console/inbox/<int:message_id>/", staff_message, name="inbox_message"),
    path("console/messages/", lost_messages, name="lost_messages"),
    path("console/messages/<int:message_id>/resend/", resend, name="resend_message"),
    path("console/messages/to-do/", lost_to_resend, name="lost_to_resend"),
    path("console/messages/letters/", letter_batches, name="letters"),
    path("console/messages/letters/make/", letter_batch_make, name="letter_batch_make"),
    path("console/messages/letters/<int:batch_id>/letters.pdf", letter_batch_pdf, name="letter_batch_pdf"),
    path("console/messages/letters/<int:batch_id>/done/", letter_batch_done, name="letter_batch_done"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    name: "one's own messages"
    for name in (
        "portal_messages",
        "portal_messages_read",
        "portal_bell",
        "portal_message",
        "inbox",
        "inbox_read",
        "inbox_bell",
        "inbox_message",
    )
}
