"""Rooftop solar in the console and in the portal: plants, months, papers, payouts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.models import FeedInPrice, SolarPlant
from cis.operations import feed_in, payouts
from cis.queries import customers, generation, portal
from cis.queries import feed_in as queries
from cis.queries.audit import record_of
from cis.queries.portal import Right
from cis.web.market_forms import PriceField
from cis.web.ways_back import back_to
from config.shared.errors import Refused
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part
from config.shared.web.portal_pages import for_customers, preferred_account

WORKS = "cis.work_feed_in"
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_MOST_BYTES = 20_000_000


class CardForm(forms.Form):
    """Where the owner is paid."""

    payee = forms.CharField(label=gettext_lazy("收款人"), max_length=200)
    bank = forms.CharField(label=gettext_lazy("开户银行"), max_length=200)
    card_no = forms.CharField(
        label=gettext_lazy("银行卡号"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("加密保存，页面上只显示后四位。"),
    )


class PlantForm(CardForm):
    """A plant and where its owner is paid."""

    kind = forms.ChoiceField(label=gettext_lazy("种类"), widget=forms.RadioSelect)
    capacity_kw = forms.DecimalField(
        label=gettext_lazy("装机容量（kW）"),
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    connected_on = forms.DateField(
        label=gettext_lazy("并网日期"), widget=_DAY, help_text=gettext_lazy("决定适用哪一种上网电价。")
    )

    field_order = ("kind", "capacity_kw", "connected_on", "payee", "bank", "card_no")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = [(k.value, _(k.label)) for k in SolarPlant.Kind]  # type: ignore[attr-defined]


class PriceForm(forms.Form):
    """A feed-in price with what it holds for."""

    province = forms.CharField(label=gettext_lazy("省份"), max_length=50)
    kind = forms.ChoiceField(label=gettext_lazy("种类"))
    regime = forms.ChoiceField(label=gettext_lazy("电价性质"))
    connected_from = forms.DateField(label=gettext_lazy("并网日期从"), required=False, widget=_DAY)
    connected_until = forms.DateField(label=gettext_lazy("并网日期到（不含）"), required=False, widget=_DAY)
    valid_from = forms.DateField(label=gettext_lazy("从哪一天起执行"), widget=_DAY)
    valid_until = forms.DateField(label=gettext_lazy("到哪一天止（不含）"), required=False, widget=_DAY)
    price = PriceField(label=gettext_lazy("上网电价（元/度）"), min_value=Decimal(0))
    subsidy = PriceField(label=gettext_lazy("补贴（元/度）"), min_value=Decimal(0), initial="0")
    source = forms.CharField(
        label=gettext_lazy("出处"), max_length=300, help_text=gettext_lazy("文件名称和文号，或市场公布的网址。")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = [(k.value, _(k.label)) for k in SolarPlant.Kind]  # type: ignore[attr-defined]
        self.fields["regime"].choices = [(r.value, _(r.label)) for r in FeedInPrice.Regime]  # type: ignore[attr-defined]


class PaperForm(forms.Form):
    """The number of the owner's invoice."""

    paper_no = forms.CharField(label=gettext_lazy("发票号码"), max_length=64)


class ReturnForm(forms.Form):
    """Why the bank gave the money back."""

    reason = forms.CharField(label=gettext_lazy("银行退回的原因"), max_length=200)


class AnswerForm(forms.Form):
    """The bank's answer to a batch."""

    file = forms.FileField(label=gettext_lazy("银行回盘文件"))


@requires("cis.see_market")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A month: what was fed in, how far its payments are; batches and prices."""
    asked = request.GET.get("cycle", "")
    last = add_months(cycle_of(timezone.localdate()), -1)
    cycle = int(asked) if asked.isdecimal() and len(asked) == 6 and is_cycle(int(asked)) else last
    due = queries.due_plants(cycle=cycle)
    context = {
        "cycle": cycle,
        "previous": add_months(cycle, -1),
        "next": add_months(cycle, 1) if cycle < last else None,
        "sums": queries.month_sums(cycle),
        "rows": queries.list_payments(cycle=cycle),
        "due": len(due),
        "batches": queries.list_batches(),
        "prices": queries.list_prices(),
        "may_work": may(staff_of(request), WORKS),
    }
    return render(request, "cis/feed_in/home.html", context)


@requires(WORKS)
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Compute or confirm a month, or ask that all that waits is paid out."""
    user, now = staff_of(request), timezone.now()
    what, asked = request.POST.get("act", ""), request.POST.get("cycle", "")
    cycle = int(asked) if asked.isdecimal() and len(asked) == 6 else 0
    try:
        if what == "compute":
            done = feed_in.compute_month(cycle=cycle, by_id=user.pk, at=now)
            messages.success(request, _("已结算 %(made)s 户。") % {"made": done.made})
            for account_no, code in sorted(done.left_out.items())[:20]:
                messages.warning(request, f"{account_no}：{queries.left_out_in_words(code)}")
        elif what == "confirm":
            made = feed_in.confirm_month(cycle=cycle, by_id=user.pk, at=now)
            messages.success(request, _("已确认 %(made)s 户，记为应付。") % {"made": made})
        elif what == "pay":
            payouts.ask_payout(asked_by_id=user.pk, at=now)
            messages.success(request, _("付款申请已提交，等另一个人批准。"))
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect(reverse("cis:feed_in") + (f"?cycle={cycle}" if is_cycle(cycle) else ""))


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    """One payment: its figures, its road, and the act it waits for."""
    user, now = staff_of(request), timezone.now()
    row, steps = queries.get_payment(payment_id)
    head = customers.get_head(row.account_no)
    saw(request, record_of(head.account_id))
    form: forms.Form | None = None
    if row.state == "confirmed":
        form = PaperForm(request.POST or None)
    elif row.state == "paid":
        form = ReturnForm(request.POST or None)
    refused: Refused | None = None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            if row.state == "confirmed":
                feed_in.take_paper(payment_id=payment_id, **form.cleaned_data, by_id=user.pk, at=now)
                messages.success(request, _("发票已登记，可以付款。"))
            else:
                payouts.note_return(payment_id=payment_id, **form.cleaned_data, by_id=user.pk, at=now)
                messages.success(request, _("退回已登记，核对银行卡后可以重新付款。"))
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            return redirect("cis:feed_in_payment", payment_id=payment_id)
    context = {"row": row, "steps": steps, "form": form, "head": head}
    return render(request, "cis/feed_in/payment.html", context, status=_status(request, form, refused))


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def batch_answer(request: HttpRequest, payout_batch_id: int) -> HttpResponse:
    """Take the bank's answer to a batch."""
    form = AnswerForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    name, _text = payouts.orders_file(batch_id=payout_batch_id)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > _MOST_BYTES:
                raise payouts.AnswerRefused(_("文件太大，不像一份回盘。"))
            paid = payouts.take_answer(
                batch_id=payout_batch_id,
                text=file.read().decode("utf-8", errors="replace"),
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error("file", said.message)
        else:
            messages.success(request, _("回盘已入账，付成 %(paid)s 笔。") % {"paid": paid})
            return redirect("cis:feed_in")
    context = {"form": form, "name": name, "batch_id": payout_batch_id}
    return render(request, "cis/feed_in/answer.html", context, status=_status(request, form, refused))


@requires(WORKS)
@require_safe
def batch_file(request: HttpRequest, payout_batch_id: int) -> HttpResponse:
    """The file for the bank."""
    del request
    name, text = payouts.orders_file(batch_id=payout_batch_id)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def price_new(request: HttpRequest) -> HttpResponse:
    """Enter a feed-in price."""
    form = PriceForm(request.POST or None)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = dict(form.cleaned_data)
        price, subsidy = typed.pop("price"), typed.pop("subsidy")
        try:
            feed_in.add_price(**typed, price_e8=int(price.scaleb(8)), subsidy_e8=int(subsidy.scaleb(8)))
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("上网电价已保存。"))
            return redirect("cis:feed_in")
    context = {"form": form, "title": _("登记上网电价"), "button": _("保存")}
    return render(request, "cis/feed_in/form.html", context, status=_status(request, form, refused))


@requires("cis.view_customer")
@require_safe
def account_solar(request: HttpRequest, account_no: str) -> HttpResponse:
    """The plant behind an account and what its owner was paid."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "plant": queries.plant_of(head.account_id),
        "rows": queries.list_payments(account_id=head.account_id, limit=12),
        "may_work": head.is_open and may(staff_of(request), WORKS),
        "may_see": may(staff_of(request), "cis.see_market"),
    }
    return render_part(
        request,
        "cis/parts/_solar.html",
        context,
        title=_("光伏上网"),
        aside="cis/_aside.html",
        back=back_to(account_no),
    )


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def plant(request: HttpRequest, account_no: str) -> HttpResponse:
    """Register the plant behind an account, or pay its owner to another card."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    known = queries.plant_of(head.account_id)
    form: forms.Form = (
        PlantForm(request.POST or None)
        if known is None
        else CardForm(request.POST or None, initial={"payee": known.payee, "bank": known.bank})
    )
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = dict(form.cleaned_data)
        try:
            if known is None:
                capacity = typed.pop("capacity_kw")
                feed_in.register_plant(account_id=head.account_id, capacity_kw_e2=int(capacity * 100), **typed)
                messages.success(request, _("光伏电站已登记，下次结算时计算上网电费。"))
            else:
                feed_in.change_card(plant_id=known.plant_id, **typed)
                messages.success(request, _("收款银行卡已更换，下次付款起使用。"))
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            return redirect("cis:account", account_no=account_no)
    title = _("登记光伏电站") if known is None else _("更换收款银行卡")
    context = {"form": form, "head": head, "title": title, "button": _("保存")}
    return render(request, "cis/market/account_form.html", context, status=_status(request, form, refused))


@for_customers
@require_safe
def my_feed_in(request: HttpRequest) -> HttpResponse:
    """What one's own roof fed in and earned, month by month."""
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(Right.BILLS)
    context = {
        "mine": mine,
        "plant": queries.plant_of(mine.current.account_id),
        "days": generation.days_of_account(mine.current.account_id, today=timezone.localdate()),
        "alerts": generation.list_alerts(
            account_id=mine.current.account_id, since=timezone.localdate() - timedelta(days=60)
        ),
        "rows": queries.list_payments(account_id=mine.current.account_id, limit=24),
    }
    return render(request, "cis/portal/feed_in.html", context)


def _status(request: HttpRequest, form: forms.Form | None, refused: Refused | None) -> int:
    if refused is not None:
        return refused.status
    return 422 if request.method == "POST" and form is not None and form.errors else 200
