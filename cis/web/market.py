"""The market in the console: the month's tables, retailers and packages, and how an account buys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cis.market import GROUNDS, PACKAGES
from cis.operations import market_months, retail
from cis.queries import customers, market
from cis.queries import market_months as queries
from cis.queries.audit import record_of
from cis.queries.market_settlements import settled_months
from cis.web.market_forms import GREEN_FORMS, AgreementForm, EndAgreementForm, MonthForm, RetailerForm, package_form
from cis.web.ways_back import back_to
from config.shared.errors import NotFound, Refused
from config.shared.languages import in_language
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part


@requires("cis.see_market")
@require_safe
def market_home(request: HttpRequest) -> HttpResponse:
    """The tables by month, and who sells."""
    user = staff_of(request)
    context = {
        "months": queries.list_months(),
        "retailers": queries.list_retailers(today=timezone.localdate()),
        "may_enter": may(user, "cis.edit_tariffs"),
        "may_edit": may(user, "cis.edit_agreements"),
    }
    return render(request, "cis/market/home.html", context)


@requires("cis.see_market")
@require_safe
def month(request: HttpRequest, market_month_id: int) -> HttpResponse:
    """One table, whole."""
    return render(request, "cis/market/month.html", {"page": queries.get_month(market_month_id)})


@requires("cis.edit_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def month_new(request: HttpRequest) -> HttpResponse:
    """Enter the next table over the newest, or from a file."""
    latest = queries.latest_values()
    form = MonthForm(
        latest[2] if latest else None,
        *((request.POST, request.FILES) if request.method == "POST" else ()),
        initial={"province": latest[0] if latest else ""},
    )
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            entered = market_months.enter_month(
                province=typed["province"],
                month=int(typed["month"]),
                values=typed["values"],
                source=typed["source"],
                entered_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("电价表已录入，等另一个人复核发布。"))
            return redirect("cis:market_month", market_month_id=entered)
    context = {"form": form, "groups": form.bound_groups(), "latest": latest}
    return render(request, "cis/market/month_new.html", context, status=_status(request, refused, bool(form.errors)))


@requires("cis.edit_agreements")
@require_http_methods(["GET", "HEAD", "POST"])
def retailer_new(request: HttpRequest) -> HttpResponse:
    """Register a retailer."""
    form = RetailerForm(request.POST or None)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            retail.add_retailer(**form.cleaned_data)
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("售电公司已登记。"))
            return redirect("cis:market")
    context = {"form": form, "title": _("登记售电公司"), "button": _("登记")}
    return render(request, "cis/market/form.html", context, status=_status(request, refused, bool(form.errors)))


@requires("cis.edit_agreements")
@require_http_methods(["GET", "HEAD", "POST"])
def package_new(request: HttpRequest, retailer_id: int) -> HttpResponse:
    """Register a package of a retailer: first its kind, then its terms."""
    retailer = next(
        (row for row in queries.list_retailers(today=timezone.localdate()) if row.retailer_id == retailer_id), None
    )
    if retailer is None:
        raise NotFound(_("没有这家售电公司。"))
    kind, energy = request.GET.get("kind", ""), request.GET.get("energy", "")
    names = {code: in_language(*known.names) for code, known in PACKAGES.items()}
    if kind not in PACKAGES:
        kinds = [(f"kind={code}", name) for code, name in names.items()]
        context = {"retailer": retailer, "kinds": kinds, "question": _("这是哪一种套餐")}
        return render(request, "cis/market/package_kind.html", context)
    if kind == "green" and energy not in GREEN_FORMS:
        kinds = [(f"kind=green&energy={code}", names[code]) for code in GREEN_FORMS]
        context = {"retailer": retailer, "kinds": kinds, "question": _("绿电的电能部分怎么定价")}
        return render(request, "cis/market/package_kind.html", context)
    latest = queries.latest_values()
    references = list((latest[2].get("references_yuan") or {}) if latest else ())
    form = package_form(kind, energy, references, request.POST or None)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            retail.add_package(
                retailer_id=retailer_id,
                code=typed["code"],
                name=typed["name"],
                kind=kind,
                terms=form.terms(),
                source=typed["source"],
                settled_later=typed["settled_later"],
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("套餐已登记，可以为客户登记购电约定。"))
            return redirect("cis:market")
    kind_word = f"{names[kind]} · {names[energy]}" if kind == "green" else names[kind]
    context = {
        "form": form,
        "title": _("登记零售套餐：%(kind)s") % {"kind": kind_word},
        "lead": retailer.name,
        "button": _("登记"),
    }
    return render(request, "cis/market/form.html", context, status=_status(request, refused, bool(form.errors)))


@requires("cis.view_customer")
@require_safe
def account_purchase(request: HttpRequest, account_no: str) -> HttpResponse:
    """How the account buys its energy, now and before."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "agreements": market.list_agreements(head.account_id, today=timezone.localdate()),
        "buys": market.buys_in_market(head.account_id, today=timezone.localdate()),
        "settled": settled_months(head.account_id),
        "may_see_market": may(staff_of(request), "cis.see_market"),
        "may_edit": head.is_open and may(staff_of(request), "cis.edit_agreements"),
    }
    return render_part(
        request,
        "cis/parts/_purchase.html",
        context,
        title=_("购电方式"),
        aside="cis/_aside.html",
        back=back_to(account_no),
    )


@requires("cis.edit_agreements")
@require_http_methods(["GET", "HEAD", "POST"])
def agreement_new(request: HttpRequest, account_no: str) -> HttpResponse:
    """Say by which package an account buys from a month on, or why it pays a multiple."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    form = AgreementForm(request.POST or None)
    form.fields["package"].choices = [("", "—"), *queries.choices_of_packages()]  # type: ignore[attr-defined]
    grounds = [(code, in_language(*words)) for code, words in GROUNDS.items()]
    form.fields["ground"].choices = [("", "—"), *grounds]  # type: ignore[attr-defined]
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            retail.sign_agreement(
                account_id=head.account_id,
                package_id=typed["package"],
                ground=typed["ground"],
                from_month=int(typed["from_month"]),
                until_month=int(typed["until_month"]) if typed["until_month"] else None,
                document=typed["document"],
                signed_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("购电约定已登记，从所定月份起的电费按它计算。"))
            return redirect("cis:account", account_no=account_no)
    context = {"form": form, "head": head, "title": _("登记购电约定"), "button": _("登记")}
    return render(request, "cis/market/account_form.html", context, status=_status(request, refused, bool(form.errors)))


@requires("cis.edit_agreements")
@require_http_methods(["GET", "HEAD", "POST"])
def agreement_end(request: HttpRequest, account_no: str, agreement_id: int) -> HttpResponse:
    """End an agreement: from a month on the account buys through the utility."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    if market.account_of_agreement(agreement_id) != head.account_id:
        raise NotFound(_("没有这份购电约定，或它已经结束。"))
    form = EndAgreementForm(request.POST or None)
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            retail.end_agreement(
                agreement_id=agreement_id,
                until_month=int(form.cleaned_data["until_month"]),
                ended_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("购电约定已终止，从所定月份起由电网企业代理购电。"))
            return redirect("cis:account", account_no=account_no)
    context = {"form": form, "head": head, "title": _("终止购电约定"), "button": _("终止")}
    return render(request, "cis/market/account_form.html", context, status=_status(request, refused, bool(form.errors)))


def _status(request: HttpRequest, refused: Refused | None, has_errors: bool) -> int:
    if refused is not None:
        return refused.status
    return 422 if request.method == "POST" and has_errors else 200
