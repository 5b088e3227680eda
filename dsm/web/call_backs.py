"""Orders called back: all of a shortage, or one customer's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cis.queries.audit import record_of
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from dsm.operations.call_backs import call_back_orders
from dsm.queries import shed_orders, shortages
from dsm.queries.shed_orders import OrderRow
from dsm.web.shortage_forms import ReasonForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
@requires_step_up
def shortage_call_back(request: HttpRequest, shortage_id: int) -> HttpResponse:
    """Call back all orders of a shortage."""
    return _call_back(request, shortage_id, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.plan_shortage")
@requires_step_up
def order_call_back(request: HttpRequest, order_id: int) -> HttpResponse:
    """Call back the order of one customer."""
    order, shortage_id = shed_orders.get_order(
        order_id=order_id, within=scope_of(staff_of(request), "dsm.plan_shortage")
    )
    saw(request, record_of(order.account_id))
    return _call_back(request, shortage_id, order)


def _call_back(request: HttpRequest, shortage_id: int, order: OrderRow | None) -> HttpResponse:
    """Do it, or draw the form (again)."""
    within = scope_of(staff_of(request), "dsm.plan_shortage")
    page = shortages.get_shortage(shortage_id=shortage_id, within=within, at=timezone.now())
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            count = call_back_orders(
                shortage_id=page.shortage_id,
                order_id=order.order_id if order else None,
                reasons=form.cleaned_data["reason"],
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            said = ngettext("已收回 %(count)s 条指令，正在通知客户。", "已收回 %(count)s 条指令，正在通知客户。", count)
            messages.success(request, said % {"count": count})
            return redirect("dsm:shortage_orders", shortage_id=page.shortage_id)
    subject = f"{page.shortage_id}:{order.order_id if order else 'all'}"
    context = {
        "page": page,
        "order": order,
        "standing": shed_orders.execution_of(shortage_id=page.shortage_id).orders,
        "form": form,
        "back_url": reverse("dsm:shortage_orders", args=[page.shortage_id]),
        "draft": draft_of(request, form, name="call-back", subject=subject),
    }
    return render(request, "dsm/shortages/call_back.html", context, status=422 if request.method == "POST" else 200)
