"""Parts of a customer's page that customer information owns, each fetched and failing on its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.queries import advance_pages, audit, outages, running_bills
from cis.queries import customers as queries
from cis.queries import disputes as dispute_queries
from cis.queries.audit import record_of
from cis.web.ways_back import back_to
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part

_LOOKS = 20


def _draw(request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    saw(request, record_of(context["head"].account_id))
    return render_part(
        request,
        f"cis/parts/_{name}.html",
        context,
        title=title,
        aside="cis/_aside.html",
        back=back_to(context["head"].account_no),
    )


@requires("cis.view_customer")
@require_safe
def meters(request: HttpRequest, account_no: str) -> HttpResponse:
    """The meters and what they showed."""
    head = queries.get_head(account_no)
    view = queries.get_meters(head.account_id, today=timezone.localdate())
    may_read = may(staff_of(request), "cis.take_reading")
    return _draw(request, "meters", _("示数与电能表"), {"head": head, "view": view, "may_read": may_read})


@requires("cis.view_customer")
@require_safe
def contracts(request: HttpRequest, account_no: str) -> HttpResponse:
    """The contracts and tariffs, now and before."""
    head = queries.get_head(account_no)
    rows = queries.list_contracts(head.account_id, today=timezone.localdate())
    may_change = head.is_open and may(staff_of(request), "cis.change_contract")
    context = {
        "head": head,
        "contracts": rows,
        "may_change": may_change,
        "advances": advance_pages.advance_page(head.account_id, on=timezone.localdate()),
        "may_agree_advances": may(staff_of(request), "cis.agree_advances"),
    }
    return _draw(request, "contracts", _("合同与电价变更"), context)


@requires("cis.view_customer")
@require_safe
def running(request: HttpRequest, account_no: str) -> HttpResponse:
    """What the bill of the running period will come to."""
    head = queries.get_head(account_no)
    found = running_bills.running_bill(head.account_id, today=timezone.localdate())
    return _draw(request, "running", _("这一期电费预计"), {"head": head, "running": found, "is_part": True})


@requires("cis.view_customer")
@require_safe
def disputes(request: HttpRequest, account_no: str) -> HttpResponse:
    """What the customer did not agree with, and what came out."""
    head = queries.get_head(account_no)
    rows = dispute_queries.list_of_account(head.account_id, at=timezone.now())
    may_open = may(staff_of(request), "cis.dispute_bill")
    return _draw(request, "disputes", _("疑问和校表"), {"head": head, "disputes": rows, "may_open": may_open})


@requires("cis.view_customer")
@require_safe
def history(request: HttpRequest, account_no: str) -> HttpResponse:
    """What was done about the customer, in whichever hall."""
    head = queries.get_head(account_no)
    happened = [
        {"title": row.what, "at": row.at, "text": row.detail, "who": " · ".join(filter(None, (row.who, row.hall)))}
        for row in queries.list_happened(head)
    ]
    return _draw(request, "history", _("办过的事"), {"head": head, "happened": happened})


@requires("shared.see_audit")
@require_safe
def looks(request: HttpRequest, account_no: str) -> HttpResponse:
    """Who looked at the account, for those who audit it."""
    head = queries.get_head(account_no)
    rows = audit.list_looks_at(account_no, before=timezone.now(), limit=_LOOKS)
    return _draw(request, "looks", _("谁看过"), {"head": head, "looks": rows})


@requires("cis.view_customer")
@require_safe
def account_outages(request: HttpRequest, account_no: str) -> HttpResponse:
    """Interruptions of supply that concern the account: under way, to come, lately over."""
    head = queries.get_head(account_no)
    rows = outages.known_to_account(head.account_id, at=timezone.now())
    return _draw(request, "outages", _("停电"), {"head": head, "outages": rows})
