"""For those who oversee districts: the list, handing one over, moving transformer districts, the check of coverage."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.queries import network
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo
from grid_service.operations import newcomers
from grid_service.operations import territory as operations
from grid_service.queries import coverage
from grid_service.queries.territory import fit_for_post
from grid_service.web.forms import CoverForm, HandOverForm, refuse

OVERSEES, HANDS_OVER = "grid_service.oversee_districts", "grid_service.hand_over"
_SHOWN = 5


@requires(OVERSEES)
@require_safe
def district_list(request: HttpRequest) -> HttpResponse:
    """Every district of one's unit with its people."""
    within, now = scope_of(staff_of(request), OVERSEES), timezone.now()
    rows = coverage.list_districts(within=within, at=now)
    return render(request, "grid_service/overseer/districts.html", {"rows": rows})


@requires(OVERSEES)
@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Transformer districts without a district, and addresses that disagree with their transformer district."""
    found = coverage.check_coverage(within=scope_of(staff_of(request), OVERSEES), at=timezone.now())
    return render(request, "grid_service/overseer/check.html", {"found": found})


@requires(OVERSEES)
@require_safe
def district(request: HttpRequest, district_id: int) -> HttpResponse:
    """One district: its people now, before and planned, and what it covers."""
    user = staff_of(request)
    page = coverage.get_district(district_id, within=scope_of(user, OVERSEES), at=timezone.now())
    return render(
        request, "grid_service/overseer/district.html", {"page": page, "may_hand_over": may(user, HANDS_OVER)}
    )


@requires(HANDS_OVER)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, district_id: int) -> HttpResponse:
    """Hand a district over: who, from when, why."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, HANDS_OVER)
    page = coverage.get_district(district_id, within=within, at=now)
    manager, deputy = page.row.manager, page.row.deputy
    form = HandOverForm(
        request.POST or None,
        initial={"manager": manager.user_id if manager else "", "deputy": deputy.user_id if deputy else ""},
    )
    path = OrgUnit.objects.values_list("path", flat=True).get(pk=page.row.org_unit_id)
    people = [(str(one), name) for one, name in fit_for_post(within_path=path)]
    for name in ("manager", "deputy"):
        form.fields[name].choices = people  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            operations.hand_over(
                district_id=district_id,
                people={"manager": int(typed["manager"]), "deputy": int(typed["deputy"])},
                from_at=typed["from_at"] or now,
                reason=typed["reason"],
                decided_by_id=user.pk,
                at=now,
                within=within,
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("交接已登记，到点自动生效，客户看到的名片一起变。"))
            return redirect("grid_service:district", district_id=district_id)
    context = {"page": page, "form": form}
    return render(request, "grid_service/overseer/hand_over.html", context, status=422 if form.errors else 200)


@requires(HANDS_OVER)
@require_http_methods(["GET", "HEAD", "POST"])
def cover(request: HttpRequest, district_id: int) -> HttpResponse:
    """Move transformer districts into a district; those that nobody covers come first."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, HANDS_OVER)
    page = coverage.get_district(district_id, within=within, at=now)
    here = {place.transformer_district_id for place in page.places}
    uncovered = {one.transformer_district_id for one in coverage.check_coverage(within=within, at=now).uncovered}
    others = [
        one for one in network.list_transformer_districts(within=within) if one.transformer_district_id not in here
    ]
    others.sort(key=lambda one: (one.transformer_district_id not in uncovered, one.code))
    form = CoverForm(request.POST or None)
    form.fields["places"].choices = [  # type: ignore[attr-defined]
        (
            str(one.transformer_district_id),
            f"{one.name} {one.code}" + (_("（还没有片区）") if one.transformer_district_id in uncovered else ""),
        )
        for one in others
    ]
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            count = operations.cover(
                district_id=district_id,
                transformer_district_ids=[int(one) for one in typed["places"]],
                from_at=typed["from_at"] or now,
                reason=typed["reason"],
                decided_by_id=user.pk,
                at=now,
                within=within,
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(
                request, ngettext("%(count)s 个台区已划入。", "%(count)s 个台区已划入。", count) % {"count": count}
            )
            return redirect("grid_service:district", district_id=district_id)
    context = {"page": page, "form": form}
    return render(request, "grid_service/overseer/cover.html", context, status=422 if form.errors else 200)


@requires(HANDS_OVER)
@require_safe
def uncovered_here(request: HttpRequest) -> HttpResponse:
    """What to do so that nobody is without a manager: transformer districts without a district, counties to come."""
    within, address = scope_of(staff_of(request), HANDS_OVER), reverse("grid_service:check")
    now = [
        TodoRow(place.name, address, note=f"{place.code} {place.feeder_name}", is_bad=True)
        for place in coverage.uncovered_places(within=within, at=timezone.now(), limit=_SHOWN)
    ]
    to_come = [
        TodoRow(_("新建的台区会没有人管"), address, note=name, is_bad=True)
        for name in coverage.counties_without_receiver(within=within)
    ]
    return render_todo(
        request,
        title=_("没有片区的台区"),
        rows=[*now, *to_come][:_SHOWN],
        nothing=_("每个台区都有片区。"),
        all_url=address,
        all_label=_("覆盖检查"),
    )


@requires(HANDS_OVER)
@require_POST
def receive(request: HttpRequest, district_id: int) -> HttpResponse:
    """From now on new transformer districts of the county come to this district."""
    user, now = staff_of(request), timezone.now()
    try:
        count = newcomers.receive_new_places(
            district_id=district_id,
            reason=_("新台区先归这里"),
            decided_by_id=user.pk,
            at=now,
            within=scope_of(user, HANDS_OVER),
        )
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
    else:
        said = ngettext(
            "以后新建的台区先归这里。现在没有片区的 %(count)s 个台区也归了这里。",
            "以后新建的台区先归这里。现在没有片区的 %(count)s 个台区也归了这里。",
            count,
        )
        messages.success(request, said % {"count": count})
    return redirect("grid_service:district", district_id=district_id)


@requires(HANDS_OVER)
@require_POST
def cancel(request: HttpRequest, district_id: int, assignment_id: int) -> HttpResponse:
    """Take a planned hand-over back."""
    within = scope_of(staff_of(request), HANDS_OVER)
    coverage.get_district(district_id, within=within, at=timezone.now())
    try:
        operations.cancel_hand_over(assignment_id=assignment_id, at=timezone.now(), within=within)
    except Refused as refused:
        messages.warning(request, refused.message)
    else:
        messages.success(request, _("已取消，原来的人继续。"))
    return redirect("grid_service:district", district_id=district_id)
