"""For those who answer for halls: all of them, one of them live, the texts of its display zone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared.display_formats import format_month
from config.shared.errors import NotFound, Refused
from config.shared.periods import is_cycle
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from halls import operations
from halls.queries import display, halls, overview
from halls.web.forms import NoteForm


@never_cache
@require_safe
@requires("halls.oversee")
def hall_list(request: HttpRequest) -> HttpResponse:
    """
    The halls one answers for: who waits, the longest wait, counters.

    `?unit=` keeps to a part of the organisation, `?cycle=202601` shows that month's calls and waits instead of today's;
    what is not known is left aside.
    """
    within = scope_of(staff_of(request), "halls.oversee")
    unit, cycle = request.GET.get("unit", ""), request.GET.get("cycle", "")
    part = halls.part_within(int(unit), within=within) if unit.isdecimal() and len(unit) < 19 else None
    month = int(cycle) if cycle.isdecimal() and len(cycle) == 6 and is_cycle(int(cycle)) else None
    rows = overview.list_hall_rows(within=[part.path] if part else within, at=timezone.now(), month=month)
    context = {"rows": rows, "part": part.name if part else "", "month": format_month(month) if month else ""}
    return render_part_or_page(request, part="halls/_halls.html", page="halls/halls.html", context=context)


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
        "may_close": may(user, "halls.close_counters"),
    }
    return render_part_or_page(request, part="halls/_hall.html", page="halls/hall.html", context=context)


@never_cache
@require_POST
@requires("halls.close_counters")
def close_counter(request: HttpRequest, hall_code: str) -> HttpResponse:
    """Close a counter whose clerk has gone, so that a colleague can open it."""
    user = staff_of(request)
    card = halls.get_managed_hall(hall_code, within=scope_of(user, "halls.close_counters"))
    counter_id = request.POST.get("counter_id", "")
    try:
        closed = operations.close_counter_of(
            counter_id=int(counter_id) if counter_id.isdecimal() and len(counter_id) < 19 else 0,
            within=[card.path],
            by_id=user.pk,
            at=timezone.now(),
        )
    except (NotFound, operations.NotAtCounter) as refused:
        messages.warning(request, refused.message)
    else:
        said = _("%(counter)s 号窗口已关闭，柜员可以重新开放。") % {"counter": closed.counter}
        if closed.ticket:
            said = _("%(counter)s 号窗口已关闭。%(number)s 号回到队列，等候时间接着算。") % {
                "counter": closed.counter,
                "number": closed.ticket,
            }
        messages.success(request, said)
    return redirect("halls:hall", hall_code=hall_code)


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
