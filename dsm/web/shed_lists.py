"""The yearly list: who gives how much, who is protected, by whose approval."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared.display_formats import format_count
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from config.shared.web.tables import Chip, Column, Table, answer
from dsm.operations import shed_lists as operations
from dsm.queries import shed_lists
from dsm.queries.shed_lists import DraftRow, EntryRow, ListPage
from dsm.web.shortage_forms import AuthorityForm
from dsm.web.shortages import within_of


def _security(row: EntryRow) -> tuple[Chip, ...]:
    return (Chip("good", _("现场核定")),) if row.is_surveyed else (Chip("warn", _("未核定，按默认")),)


def _tier(row: EntryRow) -> tuple[Chip, ...]:
    if row.protected_because:
        return (Chip("info", _("受保护：%(why)s") % {"why": row.protected_because}),)
    return (Chip("neutral", str(row.tier)),)


SHED_ENTRIES: Table[EntryRow] = Table(
    name="dsm.shed_entries",
    columns=(
        Column("no", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("tier", gettext_lazy("顺序档"), _tier, "chips", sort="tier"),
        Column("group", gettext_lazy("轮换组"), lambda row: row.group_no, "count"),
        Column("capacity", gettext_lazy("合同容量（kVA）"), lambda row: row.capacity_kva, "count"),
        Column("from", gettext_lazy("新容量生效日"), lambda row: row.capacity_from_on, "day", is_extra=True),
        Column("peak", gettext_lazy("最高负荷（千瓦）"), lambda row: row.peak_kw, "count"),
        Column("security", gettext_lazy("保安负荷（千瓦）"), lambda row: row.security_kw, "count"),
        Column("source", gettext_lazy("保安负荷来源"), _security, "chips"),
        Column("process", gettext_lazy("工艺可停（%）"), lambda row: row.process_pct, "count"),
        Column("sheddable", gettext_lazy("可压减（千瓦）"), lambda row: row.sheddable_kw, "count", sort="kw"),
        Column("comp", gettext_lazy("补偿估算（元/度）"), lambda row: row.compensation_fen_kwh, "money", is_extra=True),
        Column("lost", gettext_lazy("产值估算（元/度）"), lambda row: row.lost_output_fen_kwh, "money", is_extra=True),
    ),
    orders=shed_lists.ORDERS,
    first_order="tier",
    export_permission="cis.export_data",
)  # fmt: skip


@require_safe
@requires("dsm.view_plans")
def shed_list(request: HttpRequest) -> HttpResponseBase:
    """The approved list of this year, and the approved order of feeders."""
    year = timezone.localdate().year
    found = shed_lists.list_in_force(year=year, within=within_of(request))
    drafts = shed_lists.drafts(within=within_of(request))
    if found is None:
        return render(request, "dsm/shortages/no_list.html", {"year": year, "drafts": drafts})
    return _answer(request, found, drafts=drafts)


@require_safe
@requires("dsm.view_plans")
def shed_list_draft(request: HttpRequest, list_id: int) -> HttpResponseBase:
    """One list, also before it is approved."""
    return _answer(request, shed_lists.get_list(list_id=list_id, within=within_of(request)), drafts=())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
@requires_step_up
def shed_list_approve(request: HttpRequest, list_id: int) -> HttpResponse:
    """Put down that the authority approved a list: from then on it is planned with."""
    staff = staff_of(request)
    found = shed_lists.get_list(list_id=list_id, within=scope_of(staff, "dsm.plan_shortage"))
    form = AuthorityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            operations.approve_list(
                list_id=found.list_id,
                authority=typed["authority"],
                document_no=typed["document_no"],
                approved_on=typed["document_on"],
                by_id=staff.pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("名单已生效，从现在起按它编方案。"))
            return redirect("dsm:shed_list_draft", list_id=found.list_id)
    context = {
        "found": found,
        "sheddable": format_count(found.sheddable_kw),
        "form": form,
        "back_url": reverse("dsm:shed_list_draft", args=[found.list_id]),
        "draft": draft_of(request, form, name="shed-list", subject=str(found.list_id)),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "dsm/shortages/shed_list_approve.html", context, status=status)


def _answer(request: HttpRequest, found: ListPage, *, drafts: tuple[DraftRow, ...]) -> HttpResponseBase:
    return answer(
        request,
        SHED_ENTRIES,
        lambda ask: shed_lists.page_of_entries(ask, list_id=found.list_id),
        page="dsm/shortages/shed_list.html",
        context={
            "found": found,
            "drafts": drafts,
            "sheddable": format_count(found.sheddable_kw),
            "may_approve": found.state == "draft" and may(request.user, "dsm.plan_shortage"),
        },
        file_name=_("有序用电名单"),
    )
