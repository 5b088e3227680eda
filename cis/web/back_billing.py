"""Back-billing: a case begun from what the house knows of an account, its evidence, notice and approval."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, BinaryIO, cast

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import back_billing as operations
from cis.queries import back_billing as queries
from cis.queries import customers, disputes
from cis.queries.audit import record_of
from cis.web.letters import LetterField, type_of
from cis.web.portal_sign_in import refuse
from config.shared import files
from config.shared.errors import Refused
from config.shared.paper import pdf_of
from config.shared.permissions import scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

HANDLES = "cis.correct_bills"
Kind = operations.Kind
# What each kind asks: facts, then prices.
FACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Kind.ERROR: (("read_kwh", "error_pct", "share_of_period"), ("energy_price",)),
    Kind.RATE: (("read_kwh", "correction_rate"), ("energy_price",)),
    Kind.RATIO: (("read_kwh", "wrong_ratio", "right_ratio"), ("energy_price",)),
    Kind.MISUSE: (("power_kw", "power_hours", "days"), ("cheap", "industry")),
    Kind.CAPACITY: (("kva", "full_months", "days_first_month", "times"), ("capacity_price",)),
    Kind.SEALED: (("kva", "full_months", "days_first_month", "times"), ("capacity_price",)),
    Kind.THEFT: (("kw", "days", "hours_per_day", "penalty_multiple"), ("energy_price",)),
}
_SIGNED = {"error_pct", "correction_rate"}
_MAY_LACK = {"full_months", "days_first_month", "times", "capacity_price", "share_of_period"}


class FactsForm(forms.Form):
    """The facts of a case of one kind."""

    story = forms.CharField(
        label=gettext_lazy("查到了什么，怎么认定的"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, kind: str, known: queries.Known, **more: Any) -> None:
        super().__init__(*args, **more)
        names = queries.fact_names()
        # Times, hours and multiples are those of 1996 art. 80 to 103, where nobody can tell better.
        usual = {
            "read_kwh": known.read_kwh,
            "energy_price": known.energy_price,
            "cheap": known.whole_price,
            **known.funds,
            "share_of_period": "1/2",
            "wrong_ratio": str(known.ct_ratio),
            "power_hours": "12",
            "days": "90" if kind == Kind.MISUSE else "180",
            "hours_per_day": "6" if known.is_residential else "12",
            "penalty_multiple": "3",
        }
        self.facts, self.prices = FACTS[kind]
        if "energy_price" in self.prices:
            self.prices = (*self.prices, *known.funds)
        self._names = [*self.facts, *self.prices]
        for name in self._names:
            field: forms.Field = (
                forms.RegexField(r"^[01](/[1-9])?$", label=names[name], required=False)
                if name == "share_of_period"
                else forms.DecimalField(
                    label=names[name],
                    required=name not in _MAY_LACK,
                    min_value=None if name in _SIGNED else 0,
                    max_digits=18,
                    decimal_places=8,
                    widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
                )
            )
            field.initial = usual.get(name, "")
            self.fields[name] = field
        self.order_fields([*self._names, "story"])

    def of(self, names: tuple[str, ...]) -> dict[str, str]:
        """What was typed of these, as decimal texts."""
        typed = {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name) not in (None, "")}
        return {name: f"{value:f}" if isinstance(value, Decimal) else str(value) for name, value in typed.items()}


class EvidenceForm(forms.Form):
    """A photo or document."""

    file = LetterField(label=gettext_lazy("证据"), help_text=gettext_lazy("PDF、JPG 或 PNG，不超过 5 MB。"))


class WordsForm(forms.Form):
    """A sentence: proof of notice, a reason."""

    words = forms.CharField(label=gettext_lazy("说明"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


@requires(HANDLES)
@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases of the part of the organisation one answers for, newest first."""
    within = scope_of(staff_of(request), HANDLES)
    return render(request, "cis/bills/back_bills.html", {"rows": queries.list_cases(within=within)})


@requires(HANDLES)
@require_http_methods(["GET", "HEAD", "POST"])
def case_new(request: HttpRequest, account_no: str) -> HttpResponse:
    """Begin a case: the kind first, then its facts, filled in from the account; tried before it is kept."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    kind = request.GET.get("kind", "")
    known = queries.known_of_account(head.account_id, today=timezone.localdate())
    typed = request.GET.get("dispute", "")
    dispute_id = int(typed) if typed.isdecimal() and len(typed) < 19 else None
    told = disputes.of_back_bill(dispute_id, account_id=head.account_id) if dispute_id else {}
    form = FactsForm(request.POST or None, kind=kind, known=known, initial=told) if kind in FACTS else None
    answer = None
    if form is not None and request.method == "POST" and form.is_valid():
        facts, prices = form.of(form.facts), form.of(form.prices)
        try:
            if request.POST.get("act") == "open":
                case_id = operations.open_case(
                    account_id=head.account_id,
                    kind=kind,
                    inputs=facts,
                    prices=prices,
                    story=form.cleaned_data["story"],
                    by_id=staff_of(request).pk,
                    at=timezone.now(),
                    within=scope_of(staff_of(request), HANDLES),
                    dispute_id=dispute_id,
                )
                messages.success(request, _("退补单已建立，请上传证据。"))
                return redirect("cis:back_bill", back_bill_id=case_id)
            answer = operations.reckon(
                kind=kind, inputs=facts, prices=prices, is_residential=known.is_residential
            ).as_json()
        except Refused as refused:
            refuse(form, refused)
    context = {
        "head": head,
        "kinds": [(code, _(label)) for code, label in Kind.choices],
        "kind": kind if form else "",
        "dispute_id": dispute_id,
        "kind_label": _(Kind(kind).label) if form else "",
        "form": form,
        "known": known,
        "answer": answer,
        "basis": operations.LEGAL_BASIS.get(kind, ""),
        "rows": queries.list_cases(account_id=head.account_id),
    }
    return render(
        request, "cis/bills/back_bill_new.html", context, status=422 if form is not None and form.errors else 200
    )


@requires(HANDLES)
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, back_bill_id: int) -> HttpResponse:
    """One case: facts, lines, evidence, and what comes next."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, HANDLES)
    page = queries.get_case(back_bill_id, within=within)
    saw(request, record_of(page.account_id))
    act = request.POST.get("act", "")
    upload = EvidenceForm(request.POST, request.FILES) if act == "evidence" else EvidenceForm()
    words = WordsForm(request.POST if act in ("notice", "ask", "drop") else None)
    used: forms.Form = upload if act == "evidence" else words
    if request.method == "POST" and used.is_valid():
        who: dict[str, Any] = {"case_id": back_bill_id, "by_id": user.pk, "at": now, "within": within}
        try:
            if act == "evidence":
                file = upload.cleaned_data["file"]
                operations.add_evidence(
                    stream=cast(BinaryIO, file.file), name=file.name, content_type=type_of(file), **who
                )
            elif act == "notice":
                operations.note_notice(proof=words.cleaned_data["words"], **who)
            elif act == "ask":
                operations.ask_to_post(reason=words.cleaned_data["words"], **who)
                messages.success(request, _("已送审批，第二人批准后执行。"))
            else:
                operations.drop(reason=words.cleaned_data["words"], **who)
        except Refused as refused:
            refuse(used, refused)
        else:
            return redirect("cis:back_bill", back_bill_id=back_bill_id)
    context = {
        "page": page,
        "row": page.row,
        "amount_fen": abs(page.row.amount_fen),
        "head": customers.get_head(page.row.account_no),
        "upload": upload,
        "words": words,
        "form": used,
    }
    return render(request, "cis/bills/back_bill.html", context, status=422 if used.errors else 200)


@requires(HANDLES)
@require_safe
def evidence(request: HttpRequest, back_bill_id: int, evidence_id: int) -> HttpResponseBase:
    """One file of a case, as it came."""
    found = queries.get_evidence(back_bill_id, evidence_id, within=scope_of(staff_of(request), HANDLES))
    response = FileResponse(files.open_kept(found.key), content_type=found.content_type)
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@requires(HANDLES)
@require_safe
def notice(request: HttpRequest, back_bill_id: int) -> HttpResponse:
    """The notice of a case to print and serve: its lines, the article, and how to object."""
    now = timezone.now()
    page = queries.get_case(back_bill_id, within=scope_of(staff_of(request), HANDLES))
    saw(request, record_of(page.account_id))
    head = customers.get_head(page.row.account_no)
    context = {
        "page": page,
        "row": page.row,
        "head": head,
        "unit": head.area,
        "amount_fen": abs(page.row.amount_fen),
        "printed_at": now,
    }
    answer = HttpResponse(pdf_of("cis/bills/back_bill_paper.html", context), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="back-bill-{back_bill_id}.pdf"'
    return answer
