"""The adviser's page, at the counter and in the portal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cis.queries import customers, portal
from cis.queries.adviser import HOURS, Advice, Asked, advise
from cis.queries.adviser_options import NOW
from cis.queries.audit import record_of
from cis.queries.portal import Right
from cis.web.advice_words import AdviceInWords, in_words, way_of
from cis.web.market_advice_words import market_in_words
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers, preferred_account

_MOST_KWH = 10_000_000
_HOURS = {
    "any": gettext_lazy("白天（没有分时的不分）"),
    "valley": gettext_lazy("低谷"),
    "peak": gettext_lazy("高峰"),
}


class TryForm(forms.Form):
    """What to try with one's own bills."""

    plan = forms.ChoiceField(label=gettext_lazy("按哪种方式"), required=False)
    more = forms.IntegerField(
        label=gettext_lazy("每月多用"),
        required=False,
        min_value=-_MOST_KWH,
        max_value=_MOST_KWH,
        help_text=gettext_lazy("少用就填负数。"),
        widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"}),
    )
    at = forms.ChoiceField(label=gettext_lazy("什么时候"), required=False, choices=list(_HOURS.items()))
    shift = forms.IntegerField(
        label=gettext_lazy("从峰段移到谷段"),
        required=False,
        min_value=1,
        max_value=100,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    transformers = forms.RegexField(
        r"^\s*\d{1,6}([\s+,，、]+\d{1,6}){0,7}\s*$",
        label=gettext_lazy("各台变压器的容量（千伏安）"),
        required=False,
        help_text=gettext_lazy("例如 1000 630，合计要等于合同容量；填了才能算停哪一台。"),
        error_messages={"invalid": gettext_lazy("请填各台的千伏安数，用空格隔开，最多八台。")},
        widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"}),
    )

    def asked(self) -> Asked:
        """What was typed; the default of what was not, or wrongly."""
        typed: dict[str, Any] = getattr(self, "cleaned_data", {})
        sizes = typed.get("transformers") or ""
        return Asked(
            shift_percent=typed.get("shift") or Asked().shift_percent,
            transformers_kva=tuple(int(one) for one in _numbers(sizes)),
            more_kwh=typed.get("more") or 0,
            more_in=typed.get("at") if typed.get("at") in HOURS else "any",  # type: ignore[arg-type]
            plan=typed.get("plan") or NOW,
        )


def _numbers(text: str) -> list[str]:
    return "".join(one if one.isdigit() else " " for one in text).split()


@requires("cis.view_customer")
@require_safe
def advice(request: HttpRequest, account_no: str) -> HttpResponse:
    """What would be cheapest for an account, for whoever serves it."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context, status = _context(request.GET, head.account_id, (None, None))
    return render(request, "cis/advice/account.html", {"head": head, **context}, status=status)


@for_customers
@require_safe
def my_advice(request: HttpRequest) -> HttpResponse:
    """What would be cheapest for the account one looks at."""
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(Right.BILLS)
    own_days = (mine.current.first_day, mine.current.last_day)
    context, status = _context(request.GET, mine.current.account_id, own_days)
    return render(request, "cis/advice/portal.html", {"mine": mine, **context}, status=status)


def _context(asked: QueryDict, account_id: int, within: Any) -> tuple[dict[str, Any], int]:
    form = TryForm(asked if asked else None)
    # Which plans there are is known when the advice is; what was typed is one of them, or nothing.
    form.fields["plan"] = forms.CharField(label=form.fields["plan"].label, required=False, max_length=40)
    is_wrong = form.is_bound and not form.is_valid()
    found = advise(account_id, today=timezone.localdate(), asked=form.asked(), within=within)
    _offer_plans(form, found)
    said: AdviceInWords = in_words(found)
    market = market_in_words(found.market) if found.market else None
    return {"advice": found, "said": said, "market": market, "form": form}, 422 if is_wrong else 200


def _offer_plans(form: TryForm, found: Advice) -> None:
    """Let the plans be chosen from a list, and leave out what this account cannot try."""
    choices = [
        (
            option.key,
            _("现在的方式") if option.is_now else " · ".join(filter(None, (option.tariff_name, way_of(option)))),
        )
        for option in sorted(found.options, key=lambda option: not option.is_now)
    ]
    form.fields["plan"].widget = forms.Select(choices=choices)
    if len(choices) < 2:
        del form.fields["plan"]
    levers = found.levers
    if levers is None or levers.shift_saves_fen is None:
        del form.fields["shift"]
    if levers is None or levers.idle_kva is None:
        del form.fields["transformers"]
    if not any(option.has_periods for option in found.options):
        del form.fields["at"]
