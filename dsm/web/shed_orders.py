"""Execution: which orders are out, who confirmed, whom nobody reached; and a customer's own orders in the portal."""

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

from cis.queries import portal
from cis.queries.audit import record_of
from config.shared.display_formats import format_count
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers
from config.shared.web.tables import Chip, Column, Table, answer
from dsm.operations import shed_orders as operations
from dsm.operations.shed_orders import OrderCalledBack
from dsm.queries import plan_cuts, shed_orders, shortages
from dsm.queries.shed_orders import OrderRow
from dsm.web.shortage_forms import ReceiptForm
from dsm.web.shortages import head_of, why_context, within_of


def _states(row: OrderRow) -> tuple[Chip, ...]:
    if row.called_back_at is not None:
        return (Chip("neutral", _("已收回")),)
    if row.receipt_word:
        return (Chip("good", row.receipt_word),)
    if row.is_told:
        return (Chip("info", _("已通知，未确认")),)
    if row.is_underway:
        return (Chip("neutral", _("正在通知")),)
    return (Chip("bad", _("没有联系上")),)


def _notice(row: OrderRow) -> tuple[Chip, ...]:
    return (Chip("good", _("按时")),) if row.is_notice_kept else (Chip("bad", _("晚了")),)


def _is_open(row: OrderRow) -> bool:
    return not row.receipt_word and row.called_back_at is None


SHED_ORDERS: Table[OrderRow] = Table(
    name="dsm.shed_orders",
    columns=(
        Column("no", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True, sort="no"),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("measure", gettext_lazy("措施"), lambda row: row.measure_word),
        Column("starts", gettext_lazy("开始"), lambda row: row.starts_at, "moment", sort="starts"),
        Column("ends", gettext_lazy("结束"), lambda row: row.ends_at, "moment"),
        Column("kw", gettext_lazy("最多压减（千瓦）"), lambda row: row.peak_cut_kw, "count"),
        Column("notice", gettext_lazy("提前通知"), _notice, "chips"),
        Column("state", gettext_lazy("确认"), _states, "chips"),
        Column("at", gettext_lazy("确认时间"), lambda row: row.received_at, "moment", is_extra=True),
        Column("note", gettext_lazy("备注"), lambda row: row.call_back_reason or row.receipt_note, is_extra=True),
        Column(
            "call", gettext_lazy("电话"), lambda row: _("登记电话确认") if _is_open(row) else "",
            link=lambda row: reverse("dsm:order_receipt", args=[row.order_id]) if _is_open(row) else "",
        ),
        Column(
            "back", gettext_lazy("收回"), lambda row: _("收回这条") if row.may_call_back else "",
            link=lambda row: reverse("dsm:order_call_back", args=[row.order_id]) if row.may_call_back else "",
        ),
    ),
    orders=shed_orders.ORDERS,
    first_order="starts",
    export_permission="cis.export_data",
)  # fmt: skip


@require_safe
@requires("dsm.view_plans")
def shortage_orders(request: HttpRequest, shortage_id: int) -> HttpResponseBase:
    """The orders of a shortage: confirmed, told, not reached."""
    page = shortages.get_shortage(shortage_id=shortage_id, within=within_of(request), at=timezone.now())
    which = request.GET.get("which", "")
    may_call_back = page.state == "issued" and may(request.user, "dsm.plan_shortage")
    stands = shed_orders.execution_of(shortage_id=shortage_id)
    return answer(
        request,
        SHED_ORDERS,
        lambda ask: shed_orders.page_of_orders(ask, shortage_id=shortage_id, which=which, may_call_back=may_call_back),
        page="dsm/shortages/orders.html",
        context={
            **head_of(page),
            "page": page,
            "which": which,
            "stands": stands,
            "kw": format_count(stands.kw),
            "lost_kind": "bad" if stands.not_reached else "",
            "late_kind": "bad" if stands.notice_broken else "",
            "may_call_back": may_call_back,
        },
        file_name=_("有序用电指令"),
        filters=("which",),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("dsm.note_receipt")
def order_receipt(request: HttpRequest, order_id: int) -> HttpResponse:
    """Put down that a customer was told by telephone."""
    order, shortage_id = shed_orders.get_order(
        order_id=order_id, within=scope_of(staff_of(request), "dsm.note_receipt")
    )
    saw(request, record_of(order.account_id))
    form = ReceiptForm(request.POST or None)
    back = reverse("dsm:shortage_orders", args=[shortage_id])
    if request.method == "POST" and form.is_valid():
        try:
            operations.note_telephone_receipt(
                order_id=order_id, who=form.cleaned_data["who"], by_id=staff_of(request).pk, at=timezone.now()
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已登记电话确认。"))
            return redirect(back)
    context = {"order": order, "form": form, "back_url": back}
    return render(request, "dsm/shortages/receipt.html", context, status=422 if request.method == "POST" else 200)


@for_customers
@require_safe
def portal_orders(request: HttpRequest) -> HttpResponse:
    """A customer's orders, newest first."""
    mine = portal.list_my_accounts(user_id=staff_of(request).pk, today=timezone.localdate())
    orders = shed_orders.orders_of_accounts(account_ids=_answering(mine))
    return render(request, "dsm/portal/orders.html", {"orders": orders})


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def portal_order(request: HttpRequest, order_id: int) -> HttpResponse:
    """One order of the customer's own: what to do, why them, and the confirmation."""
    user_id = staff_of(request).pk
    accounts = _answering(portal.list_my_accounts(user_id=user_id, today=timezone.localdate()))
    if request.method == "POST":
        try:
            operations.acknowledge_order(order_id=order_id, account_ids=accounts, by_id=user_id, at=timezone.now())
        except OrderCalledBack as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, _("已确认收到。到时请按通知压减负荷。"))
        return redirect("dsm:portal_order", order_id=order_id)
    order = next(
        (one for one in shed_orders.orders_of_accounts(account_ids=accounts) if one.order_id == order_id), None
    )
    if order is None:
        raise NotFound(_("没有这条通知。"))
    why = plan_cuts.explain_order(order_id=order_id, account_ids=accounts)
    return render(request, "dsm/portal/order.html", {"order": order, **why_context(why)})


def _answering(mine: tuple[portal.MyAccount, ...]) -> tuple[int, ...]:
    """The accounts this person acts for; a tenant or a payer is not told to stop a works."""
    return tuple(one.account_id for one in mine if one.may(portal.Right.RECEIPTS))
