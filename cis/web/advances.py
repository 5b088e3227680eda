"""Several settlements a month: terms agreed and ended with an account, and what is asked of everybody."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.models import AdvanceAgreement
from cis.operations import advances as operations
from cis.queries import advance_pages, customers
from cis.queries import advances as queries
from cis.queries.audit import record_of
from cis.web.portal_sign_in import refuse
from config.shared.display_formats import format_month
from config.shared.errors import Refused
from config.shared.money import NotMoney, fen_from_yuan, yuan_from_fen
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

AGREES = "cis.agree_advances"
Basis = AdvanceAgreement.Basis
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_MONTHS_OFFERED = 4
_MONTHS_LISTED = 13
STATES = ("open", "overdue", "paid")


class AgreementForm(forms.Form):
    """From which month, shares of what, on which days; the paper and who signed. Empty lines are no settlements."""

    from_cycle = forms.TypedChoiceField(label=gettext_lazy("从哪个月起"), coerce=int)
    basis = forms.ChoiceField(label=gettext_lazy("按什么算"), widget=forms.RadioSelect, initial=Basis.LAST_BILL)
    monthly = forms.CharField(
        label=gettext_lazy("每月约定金额"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=gettext_lazy("只有按约定金额的才填。"),
    )
    paper = forms.CharField(
        label=gettext_lazy("协议编号和原件存放处"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    signed_by = forms.CharField(
        label=gettext_lazy("客户方签字人"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    signed_on = forms.DateField(label=gettext_lazy("签订日期"), widget=_DAY)

    def __init__(self, *args: Any, today: date, most: int, **more: Any) -> None:
        super().__init__(*args, **more)
        cycles = [add_months(cycle_of(today), ahead) for ahead in range(_MONTHS_OFFERED)]
        self.fields["from_cycle"].choices = [(cycle, format_month(cycle)) for cycle in cycles]  # type: ignore[attr-defined]
        self.fields["basis"].choices = [  # type: ignore[attr-defined]
            (Basis.LAST_BILL.value, _("上月电费的比例")),
            (Basis.AMOUNT.value, _("每月约定金额的比例")),
        ]
        self._most = most
        for number in range(1, most + 1):
            self.fields[f"day_{number}"] = forms.IntegerField(
                label=_("第 %(number)s 次：几号交") % {"number": number},
                min_value=1,
                max_value=31,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )
            self.fields[f"share_{number}"] = forms.DecimalField(
                label=_("第 %(number)s 次：百分之几") % {"number": number},
                min_value=Decimal("0.1"),
                max_value=Decimal(100),
                decimal_places=1,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            )

    @property
    def lines(self) -> list[tuple[int, Any, Any]]:
        """Number, field of the day and field of the share of each settlement that can be agreed."""
        return [(number, self[f"day_{number}"], self[f"share_{number}"]) for number in range(1, self._most + 1)]

    def clean_monthly(self) -> int | None:
        """Whole fen; None where nothing is typed."""
        typed = self.cleaned_data["monthly"].strip()
        if not typed:
            return None
        try:
            return fen_from_yuan(typed)
        except NotMoney as wrong:
            raise forms.ValidationError(_("请输入金额，例如 186.40，最多两位小数。")) from wrong

    def clean(self) -> dict[str, Any]:
        """A line has both or neither."""
        cleaned: dict[str, Any] = super().clean() or {}
        for number in range(1, self._most + 1):
            day, share = cleaned.get(f"day_{number}"), cleaned.get(f"share_{number}")
            if (day is None) != (share is None) and not {f"day_{number}", f"share_{number}"} & set(self.errors):
                missing = f"day_{number}" if day is None else f"share_{number}"
                self.add_error(missing, _("日期和比例要一起填，或都空着。"))
        return cleaned

    @property
    def settlements(self) -> list[tuple[int, int]]:
        """Day and share in thousandths, as typed."""
        pairs = (
            (self.cleaned_data.get(f"day_{number}"), self.cleaned_data.get(f"share_{number}"))
            for number in range(1, self._most + 1)
        )
        return [(day, int(share * 10)) for day, share in pairs if day is not None and share is not None]


class EndForm(forms.Form):
    """The last day on which a settlement may fall, and why."""

    last_on = forms.DateField(
        label=gettext_lazy("最后一天"), widget=_DAY, help_text=gettext_lazy("约定在这天以后的不再要交。")
    )
    reason = forms.CharField(label=gettext_lazy("为什么终止"), max_length=200)


@requires(AGREES)
@require_http_methods(["GET", "HEAD", "POST"])
def account_advances(request: HttpRequest, account_no: str) -> HttpResponse:
    """What is agreed with an account, how this month stands, and the two acts: agree and end."""
    head, today = customers.get_head(account_no), timezone.localdate()
    saw(request, record_of(head.account_id))
    act = request.POST.get("act", "") if request.method == "POST" else ""
    most, notice_days = queries.advance_terms(on=today)
    page = advance_pages.advance_page(head.account_id, on=today)
    agree = AgreementForm(
        request.POST if act == "agree" else None, today=today, most=most, initial=_first(page, today), prefix="agree"
    )
    ending = EndForm(request.POST if act == "end" else None, initial={"last_on": today}, prefix="end")
    form: AgreementForm | EndForm | None = agree if act == "agree" else ending if act == "end" else None
    if form is not None and form.is_valid():
        try:
            said = _do(form, head.account_id, staff_of(request).pk)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, said)
            return redirect("cis:account_advances", account_no=account_no)
    context = {
        "head": head,
        "page": page,
        "agree": agree,
        "ending": ending,
        "opened": act,
        "notice_days": notice_days,
    }
    return render(request, "cis/advances/account.html", context, status=422 if request.method == "POST" else 200)


def _first(page: advance_pages.AdvancePage, today: date) -> dict[str, Any]:
    """What the form begins with: the terms there are from the next month on, else two thirds of the last bill."""
    if page.current is None:
        return {"signed_on": today, "day_1": 10, "share_1": "33.3", "day_2": 20, "share_2": "33.3"}
    monthly = page.current.monthly_fen
    first: dict[str, Any] = {
        "signed_on": today,
        "from_cycle": add_months(cycle_of(today), 1),
        "basis": page.current.basis,
        "monthly": "" if monthly is None else yuan_from_fen(monthly),
    }
    for number, (day, percent) in enumerate(page.current.settlements, start=1):
        first |= {f"day_{number}": day, f"share_{number}": percent.removesuffix("%")}
    return first


def _do(form: AgreementForm | EndForm, account_id: int, by_id: int) -> str:
    typed, now = form.cleaned_data, timezone.now()
    if isinstance(form, EndForm):
        operations.end(account_id=account_id, last_on=typed["last_on"], reason=typed["reason"], by_id=by_id, at=now)
        return _("协议终止了，以后的不再通知；已经并入账单的不变。")
    operations.agree(
        account_id=account_id,
        from_cycle=typed["from_cycle"],
        basis=typed["basis"],
        monthly_fen=typed["monthly"] if typed["basis"] == Basis.AMOUNT else None,
        settlements=form.settlements,
        paper=typed["paper"],
        signed_by=typed["signed_by"],
        signed_on=typed["signed_on"],
        by_id=by_id,
        at=now,
    )
    return _("分次结算协议记下了，到日子自动通知客户。")


@requires(AGREES)
@require_safe
def advance_list(request: HttpRequest) -> HttpResponse:
    """What is asked ahead of the bills of one's part, earliest due first: a month, or all that is not billed."""
    user, today = staff_of(request), timezone.localdate()
    asked, state = request.GET.get("month", ""), request.GET.get("state", "")
    cycle = int(asked) if asked.isdecimal() and len(asked) == 6 and is_cycle(int(asked)) else 0
    state = state if state in STATES else ""
    within = scope_of(user, AGREES)
    now = cycle_of(today)
    context = {
        "list": advance_pages.list_advances(
            within=within, on=today, cycle=cycle, state=state, after=request.GET.get("after", "")
        ),
        "overdue": queries.overdue_advances(within=within, on=today),
        "months": [(one, format_month(one)) for one in (add_months(now, -back) for back in range(_MONTHS_LISTED))],
        "cycle": cycle,
        "state": state,
        "states": [("open", _("还要交的")), ("overdue", _("过期未交")), ("paid", _("已到账"))],
        "is_filtered": bool(cycle or state),
        "may_collect": may(user, "cis.collect_arrears"),
    }
    return render(request, "cis/advances/list.html", context)
