"""For those who answer for halls: all of them, one of them live, the texts of its display zone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared.errors import Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from halls import operations
from halls.queries import display, halls, overview
from halls.web.forms import NoteForm


@never_cache
@require_safe
@requires("halls.oversee")
def hall_list(request: HttpRequest) -> HttpResponse:
    """The halls one answers for: who waits, the longest wait, counters."""
    rows = overview.list_hall_rows(within=scope_of(staff_of(request), "halls.oversee"), at=timezone.now())
    return render_part_or_page(request, part="halls/_halls.html", page="halls/halls.html", context={"rows": rows})


@never_cache
@require_safe
@requires("halls.oversee")
def hall(request: HttpRequest, hall_code: str) -> HttpResponse:
    """One hall now: queues, counters, low ratings, how good predictions were."""
    user = staff_of(request)
    card = halls.get_managed_hall(hall_code, within=scope_of(user, "halls.oversee"))
    context = {
        "view": overview.get_overview(card, at=timezone.now()),
        "hall": card,
        "may_edit": may(user, "halls.edit_display"),
    }
    return render_part_or_page(request, part="halls/_hall.html", page="halls/hall.html", context=context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("halls.edit_display")
def notes(request: HttpRequest, hall_code: str) -> HttpResponse:
    """The texts of a hall's display zone: what is shown, a new one, taking one away."""
    card = halls.get_managed_hall(hall_code, within=scope_of(staff_of(request), "halls.edit_display"))
    today = timezone.localdate()
    form = NoteForm(request.POST if request.method == "POST" and "remove" not in request.POST else None)
    if request.method == "POST":
        try:
            if "remove" in request.POST:
                operations.remove_note(hall_id=card.hall_id, note_id=request.POST["remove"], today=today)
                messages.success(request, _("已从展示区撤下。"))
                return redirect("halls:notes", hall_code=hall_code)
            if form.is_valid():
                operations.add_note(hall_id=card.hall_id, **form.cleaned_data)
                messages.success(request, _("已放到展示区。"))
                return redirect("halls:notes", hall_code=hall_code)
        except Refused as refused:
            form.add_error(None, refused.message)
    shown = display.list_notes(hall_id=card.hall_id, today=today, with_coming=True)
    context = {"hall": card, "form": form, "notes": shown}
    return render(request, "halls/notes.html", context, status=422 if form.errors else 200)
