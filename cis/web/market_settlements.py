"""The trading centre's settlements in the console: files, what differs and why, clearing and answers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.market_settlement import MOST_BYTES, template
from cis.operations import market_settlements as operations
from cis.operations.settlement_files import FaultRow, SettlementRefused, import_settlement
from cis.queries import customers
from cis.queries import market_settlements as queries
from cis.queries.audit import record_of
from config.shared.display_formats import format_money, format_month
from config.shared.errors import NotFound, Refused
from config.shared.permissions import holds_everywhere, may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.tables import Chip, Column, Table, answer

SEES, WORKS, ANSWERS = "cis.see_market", "cis.work_settlements", "cis.answer_settlements"
_KINDS = {"open": "warn", "answered": "neutral", "cleared": "good", "rounding": "neutral"}


def _revision(row: queries.SettlementRow) -> str:
    return _("第 %(n)s 次") % {"n": row.revision}


SETTLEMENTS: Table[queries.SettlementRow] = Table(
    name="cis.market_settlements",
    columns=(
        Column(
            "month", gettext_lazy("月份"), lambda row: f"{row.province} {format_month(row.month)}", sort="month",
            is_head=True, link=lambda row: reverse("cis:market_settlement", args=[row.settlement_id]),
        ),
        Column("revision", gettext_lazy("次数"), _revision),
        Column("file", gettext_lazy("文件"), lambda row: row.file_name),
        Column("rows", gettext_lazy("行数"), lambda row: row.rows, kind="count"),
        Column("energy", gettext_lazy("结算电量（度）"), lambda row: row.energy_kwh_e2, kind="energy"),
        Column("total", gettext_lazy("结算电费（元）"), lambda row: row.total_fen, kind="money"),
        Column("open", gettext_lazy("待处理的户"), lambda row: row.open if row.is_newest else None, kind="count"),
        Column("by", gettext_lazy("导入"), lambda row: row.imported_by, is_extra=True),
        Column("at", gettext_lazy("导入时间"), lambda row: row.imported_at, kind="moment"),
        Column("digest", gettext_lazy("文件指纹"), lambda row: row.digest, kind="code", is_extra=True),
    ),
    orders=queries.SETTLEMENT_ORDERS,
    first_order="-month",
)  # fmt: skip

DIFFERENCES: Table[queries.DifferenceRow] = Table(
    name="cis.settlement_differences",
    columns=(
        Column(
            "account_no", gettext_lazy("户号"), lambda row: row.account_no, kind="code", sort="account", is_head=True,
            link=lambda row: reverse("cis:account", args=[row.account_no]),
        ),
        Column(
            "cause", gettext_lazy("原因"), lambda row: row.cause_word,
            link=lambda row: reverse("cis:settlement_account", args=[row.settlement_id, row.account_no]),
        ),
        Column("state", gettext_lazy("状态"), lambda row: (Chip(_KINDS[row.state], row.state_word),), kind="chips"),
        Column("owner", gettext_lazy("由谁看"), lambda row: row.owner),
        Column("left", gettext_lazy("还差（元）"), lambda row: row.left_fen, kind="money", sort="left"),
        Column("theirs", gettext_lazy("结算（元）"), lambda row: row.theirs_fen, kind="money"),
        Column("ours", gettext_lazy("已计（元）"), lambda row: row.ours_fen, kind="money"),
        Column("cleared", gettext_lazy("已清算（元）"), lambda row: row.cleared_fen, kind="money"),
        Column("their_kwh", gettext_lazy("结算电量（度）"), lambda row: row.theirs_kwh_e2, kind="energy"),
        Column("our_kwh", gettext_lazy("计费电量（度）"), lambda row: row.ours_kwh_e2, kind="energy"),
        Column("retailer", gettext_lazy("结算的售电公司"), lambda row: row.their_retailer, is_extra=True),
        Column("our_retailer", gettext_lazy("计费的售电公司"), lambda row: row.our_retailer, is_extra=True),
        Column("deviation", gettext_lazy("其中偏差（元）"), lambda row: row.deviation_fen, kind="money", is_extra=True),
        Column("bills", gettext_lazy("列入的账单"), lambda row: "、".join(row.bill_nos), kind="code", is_extra=True),
        Column("note", gettext_lazy("说明"), lambda row: row.note, is_extra=True),
    ),
    orders=queries.DIFFERENCE_ORDERS,
    first_order="account",
    export_permission="cis.export_data",
)  # fmt: skip


class FileForm(forms.Form):
    """A month's file."""

    province = forms.ChoiceField(label=gettext_lazy("省份"))
    month = forms.RegexField(
        r"^[0-9]{6}$",
        label=gettext_lazy("结算月份"),
        help_text=gettext_lazy("六位数字，例如 202602。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    file = forms.FileField(
        label=gettext_lazy("结算单文件"), help_text=gettext_lazy("交易中心导出的 CSV 或 Excel（.xlsx）。")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["province"].choices = [(one, one) for one in queries.provinces()]  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """The file, of a size that a month can have."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("文件太大，不像一个月的结算单。请按月、按省分开导出。"))
        return file


class ReasonForm(forms.Form):
    """Why the differences are cleared."""

    reason = forms.CharField(label=gettext_lazy("清算依据"), max_length=300)


class NoteForm(forms.Form):
    """What was found."""

    note = forms.CharField(
        label=gettext_lazy("核对结果"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("例如已通知交易中心更正、已补登购电约定。差额或原因再变时会重新列为待处理。"),
    )


@requires(SEES)
@require_safe
def settlement_list(request: HttpRequest) -> HttpResponseBase:
    """The files, newest month first."""
    user = staff_of(request)
    within = scope_of(user, SEES)
    return answer(
        request,
        SETTLEMENTS,
        lambda ask: queries.page_of_settlements(ask, within=within),
        page="cis/market/settlements.html",
        context={"may_work": may(user, WORKS)},
        file_name=_("零售结算单"),
    )


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def settlement_new(request: HttpRequest) -> HttpResponse:
    """Bring a month's file."""
    _for_the_whole_utility(request)
    if request.GET.get("template"):
        said = HttpResponse("\ufeff" + template(), content_type="text/csv; charset=utf-8")
        said["Content-Disposition"] = 'attachment; filename="settlement.csv"'
        return said
    form = FileForm(request.POST or None, request.FILES or None)
    faults: tuple[FaultRow, ...] = ()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            found = import_settlement(
                data=file.read(),
                file_name=file.name,
                province=form.cleaned_data["province"],
                month=int(form.cleaned_data["month"]),
                by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except SettlementRefused as refused:
            form.add_error(None, refused.message)
            faults = refused.faults
        else:
            if found.is_new:
                messages.success(request, _("结算单已导入并与账单核对，差异在下面。"))
            else:
                messages.info(request, _("这个文件已经导入过，没有重复导入。"))
            return redirect("cis:market_settlement", settlement_id=found.settlement_id)
    context = {"form": form, "faults": faults}
    return render(request, "cis/market/settlement_new.html", context, status=422 if form.errors else 200)


@requires(SEES)
@require_safe
def settlement(request: HttpRequest, settlement_id: int) -> HttpResponseBase:
    """One file: sums by retailer, causes, and the accounts that differ."""
    user = staff_of(request)
    within = scope_of(user, SEES)
    page = queries.get_settlement(settlement_id, within=within)
    cause = queries.cause_of(request.GET.get("cause", ""))
    only_open = request.GET.get("state") == "open"
    return answer(
        request,
        DIFFERENCES,
        lambda ask: queries.page_of_differences(
            ask, settlement_id=settlement_id, cause=cause, only_open=only_open, within=within
        ),
        page="cis/market/settlement.html",
        context={
            "page": page,
            "chosen": cause.name.lower() if cause else "",
            "only_open": only_open,
            "form": ReasonForm(),
            "may_work": page.row.is_newest and may(user, WORKS) and holds_everywhere(scope_of(user, WORKS)),
        },
        file_name=f"{_('结算差异')}-{page.row.month}",
        filters=("cause", "state"),
    )


@requires(WORKS)
@require_POST
def settlement_act(request: HttpRequest, settlement_id: int) -> HttpResponse:
    """Check the file again, or clear what differs by money alone."""
    _for_the_whole_utility(request)
    user, now = staff_of(request), timezone.now()
    try:
        if request.POST.get("act") == "clear":
            done = operations.clear_settlement(
                settlement_id=settlement_id, reason=request.POST.get("reason", ""), by_id=user.pk, at=now
            )
            messages.success(request, _said(done))
        else:
            operations.check_settlement(settlement_id=settlement_id, by_id=user.pk, at=now)
            messages.success(request, _("已按现在的账单重新核对。"))
    except NotFound:
        raise
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect("cis:market_settlement", settlement_id=settlement_id)


@requires(SEES)
@require_safe
def settlement_account(request: HttpRequest, settlement_id: int, account_no: str) -> HttpResponse:
    """What one account differs by, and what was found about it."""
    return _account_page(request, settlement_id, account_no, NoteForm())


@requires(ANSWERS)
@require_POST
def settlement_answer(request: HttpRequest, settlement_id: int, account_no: str) -> HttpResponse:
    """Note what was found about an account that differs."""
    form = NoteForm(request.POST)
    if form.is_valid():
        user = staff_of(request)
        try:
            operations.answer_difference(
                settlement_id=settlement_id,
                account_no=account_no,
                note=form.cleaned_data["note"],
                by_id=user.pk,
                at=timezone.now(),
                within=scope_of(user, ANSWERS),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已记下核对结果。"))
            return redirect("cis:market_settlement", settlement_id=settlement_id)
    return _account_page(request, settlement_id, account_no, form)


def _account_page(request: HttpRequest, settlement_id: int, account_no: str, form: NoteForm) -> HttpResponse:
    user = staff_of(request)
    within = scope_of(user, SEES)
    row = queries.get_difference(settlement_id, account_no, within=within)
    page = queries.get_settlement(settlement_id, within=within)
    saw(request, record_of(row.account_id))
    context = {
        "form": form,
        "row": row,
        "page": page,
        "head": customers.get_head(account_no),
        "may_answer": page.row.is_newest and row.state in ("open", "answered") and may(user, ANSWERS),
    }
    return render(request, "cis/market/settlement_account.html", context, status=422 if form.errors else 200)


def _for_the_whole_utility(request: HttpRequest) -> None:
    """
    A file is the whole utility's.

    :raises NotFound: the user's grant is for a part of it
    """
    if not holds_everywhere(scope_of(staff_of(request), WORKS)):
        raise NotFound(_("结算单属于全公司，需要全公司范围的授权。"))


def _said(done: operations.Cleared) -> str:
    words = {"n": done.accounts, "more": format_money(done.more_fen), "less": format_money(done.less_fen)}
    said = (
        _("差额清算已提交审批：%(n)s 户，补收 %(more)s 元，退还 %(less)s 元。")
        if done.approval_id
        else _("差额已清算：%(n)s 户，下期账单补收 %(more)s 元，退还 %(less)s 元。")
    ) % words
    if done.without_next_bill:
        said += _("另有 %(n)s 户已销户，没有下期账单，请办电费退补。") % {"n": done.without_next_bill}
    return said
