"""Bills at the counter: the list, one bill explained, on paper, disputed, and issued on the spot."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import BillDispute
from cis.operations import billing, disputes
from cis.queries import advances, bill_corrections, bill_list, customers, ledger, why_more
from cis.queries import billing as queries
from cis.queries.audit import record_of
from cis.web import explanations
from cis.web import why_more as why_words
from cis.web.bill_tables import ACCOUNT_BILLS
from cis.web.customers import pay_url
from config.navigation import SLOTS
from config.shared.errors import Refused
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import may, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import parts_for, parts_inside
from config.shared.web.tables import answer


@dataclass(frozen=True, slots=True)
class LineInWords:
    """A line of a bill with everything said."""

    name: str
    quantity: str
    price: str
    amount_fen: int
    formula: str
    sentences: list[str]
    legal_basis: str


class DisputeForm(forms.Form):
    """What the customer does not agree with."""

    reason = forms.CharField(
        label=gettext_lazy("客户不认可的地方"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


class OutcomeForm(forms.Form):
    """What came out of a dispute."""

    outcome = forms.CharField(label=gettext_lazy("核实结果"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    result = forms.ChoiceField(
        label=gettext_lazy("结论"),
        required=False,
        choices=[(one.value, gettext_lazy(one.label)) for one in BillDispute.Result],
        initial=BillDispute.Result.NO_FAULT,
    )


class BillNowForm(forms.Form):
    """Which month to bill."""

    cycle = forms.IntegerField(label=gettext_lazy("电费月份"), help_text=gettext_lazy("年月六位数字，例如 202601。"))

    def clean_cycle(self) -> int:
        """A month that exists."""
        cycle: int = self.cleaned_data["cycle"]
        if not is_cycle(cycle):
            raise forms.ValidationError(_("请填年月六位数字，例如 202601。"))
        return cycle


def in_words(page: queries.BillPage) -> list[LineInWords]:
    """Every line of a bill, said."""
    return [
        LineInWords(
            name=explanations.name_of(line),
            quantity=f"{explanations.quantity_of(line)} {explanations.unit_of(line)}",
            price=explanations.price_of(line),
            amount_fen=line.amount_fen,
            formula=explanations.formula_of(line),
            sentences=explanations.sentences_of(line),
            legal_basis=line.legal_basis,
        )
        for line in page.lines
    ]


@requires("cis.view_customer")
def account_bills(request: HttpRequest, account_no: str) -> HttpResponseBase:
    """Every bill of an account, newest first."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    return answer(
        request,
        ACCOUNT_BILLS,
        lambda ask: bill_list.page_of_account_bills(ask, account_id=head.account_id, today=timezone.localdate()),
        page="cis/bills/list.html",
        context={"head": head},
        file_name=account_no,
    )


@requires("cis.view_customer")
def bill(request: HttpRequest, bill_no: str) -> HttpResponse:
    """One bill: what is owed, why, and from which readings."""
    return _bill_page(request, bill_no, DisputeForm(), OutcomeForm())


def _bill_page(
    request: HttpRequest, bill_no: str, dispute_form: DisputeForm, outcome_form: OutcomeForm, status: int = 200
) -> HttpResponse:
    page = queries.get_bill(bill_no)
    saw(request, record_of(page.account_id))
    balance = ledger.balance(page.account_id)
    against = why_words.against_of(request.GET.get("beside", ""))
    taken = advances.advances_of_bill(page.bill.bill_id)
    context = {
        "page": page,
        "bill": page.bill,
        "advances": taken,
        "advances_paid_fen": sum(one.paid_fen for one in taken),
        "lines": in_words(page),
        "why": why_words.in_words(why_more.why_more(bill_no, against=against)),
        "why_against": against,
        "head": customers.get_head(page.bill.account_no),
        "receivable_fen": balance.receivable_fen,
        "prepayment_fen": balance.prepayment_fen,
        "is_overdue": page.bill.open_fen > 0 and page.bill.due_on < timezone.localdate(),
        "dispute_form": dispute_form,
        "draft": draft_of(
            request,
            dispute_form,
            name="dispute-bill",
            subject=bill_no,
            address=reverse("cis:bill", args=[bill_no]),
        ),
        "outcome_form": outcome_form,
        "history": bill_corrections.history_of_bill(page.bill.bill_id),
        "waiting": bill_corrections.waiting_of_account(page.account_id),
        "may_correct": may(staff_of(request), "cis.correct_bills"),
        "may_waive": may(staff_of(request), "cis.collect_arrears"),
        "may_dispute": may(staff_of(request), "cis.dispute_bill"),
        "pay_url": pay_url(request, page.bill.account_no),
        "parts": parts_for(request, SLOTS["bill"], account_no=page.bill.account_no),
    }
    return render(request, "cis/bills/bill.html", context, status=status)


@requires("cis.view_customer")
def bill_print(request: HttpRequest, bill_no: str) -> HttpResponse:
    """One bill on A4, with its explanation."""
    page = queries.get_bill(bill_no)
    saw(request, record_of(page.account_id))
    return render(
        request,
        "cis/bills/print.html",
        {
            "page": page,
            "bill": page.bill,
            "lines": in_words(page),
            "printed_at": timezone.now(),
            "parts": parts_inside(request, SLOTS["bill-print"], account_no=page.bill.account_no),
        },
    )


@requires("cis.dispute_bill")
def dispute_open(request: HttpRequest, bill_no: str) -> HttpResponse:
    """Note that the customer disagrees."""
    form = DisputeForm(request.POST)
    if request.method == "POST" and not form.is_valid():
        return _bill_page(request, bill_no, form, OutcomeForm(), status=422)
    if request.method == "POST":
        try:
            disputes.open_dispute(
                bill_no=bill_no,
                reason=form.cleaned_data["reason"],
                opened_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
            messages.success(request, _("已登记异议，办结之前不催交这张账单。"))
        except disputes.DisputeIsOpen as refused:
            messages.warning(request, refused.message)
    return redirect("cis:bill", bill_no=bill_no)


@requires("cis.dispute_bill")
def dispute_close(request: HttpRequest, bill_no: str) -> HttpResponse:
    """End a dispute with what was found."""
    form = OutcomeForm(request.POST)
    if request.method == "POST" and not form.is_valid():
        return _bill_page(request, bill_no, DisputeForm(), form, status=422)
    if request.method == "POST":
        try:
            disputes.close_dispute(
                bill_no=bill_no,
                outcome=form.cleaned_data["outcome"],
                result=form.cleaned_data["result"] or BillDispute.Result.NO_FAULT,
                closed_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
            messages.success(request, _("异议已办结。"))
        except disputes.NoOpenDispute as refused:
            messages.warning(request, refused.message)
    return redirect("cis:bill", bill_no=bill_no)


@requires("cis.issue_bill")
def bill_now(request: HttpRequest, account_no: str) -> HttpResponse:
    """Bill one account on the spot."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    last_month = add_months(cycle_of(timezone.localdate()), -1)
    form = BillNowForm(request.POST if request.method == "POST" else None, initial={"cycle": last_month})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        cycle = form.cleaned_data["cycle"]
        try:
            bill_id = billing.issue_bill_now(
                account_id=head.account_id, cycle=cycle, issued_by_id=staff_of(request).pk, at=timezone.now()
            )
            messages.success(request, _("账单已发行。"))
            return redirect("cis:bill", bill_no=f"{cycle}{bill_id:010d}")
        except (billing.AlreadyBilled, billing.CannotBill, billing.CycleRefused) as error:
            refused = error
    balance = ledger.balance(head.account_id)
    context = {
        "head": head,
        "form": form,
        "refused": refused,
        "receivable_fen": balance.receivable_fen,
        "prepayment_fen": balance.prepayment_fen,
    }
    return render(request, "cis/bills/now.html", context, status=409 if refused else 422 if form.errors else 200)
