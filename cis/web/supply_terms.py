"""What is agreed for an account beside tariff and capacity, in the console: looked at, agreed, ended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cis.models import CapacityPause, SupplyContract, SupplyLoss, SupplyPart
from cis.operations import capacity_pauses
from cis.operations import supply_terms as operations
from cis.queries import customers
from cis.queries import supply_terms as queries
from cis.queries.audit import record_of
from config.shared.errors import Refused
from config.shared.permissions import may, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


def _number(label: Any, help_text: Any = "", places: int = 6) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=0,
        decimal_places=places,
        widget=forms.TextInput(attrs=_NUMBER),
    )


class _TermForm(forms.Form):
    """From when, and where it is written."""

    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起执行"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("请选抄表例日：一期电费中间变更的约定没有分段的规则，这一期会留下来待处理。"),
    )
    source = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如合同条款、核定单或证件的编号。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name not in ("from_on", "source")), "from_on", "source"])
        for name in ("method", "kind", "price_class"):
            field = self.fields.get(name)
            if isinstance(field, forms.ChoiceField):
                field.choices = [(value, _(label)) for value, label in cast("list[tuple[str, str]]", field.choices)]


class LossForm(_TermForm):
    """Losses of transformer and line."""

    method = forms.ChoiceField(label=gettext_lazy("变压器损耗"), choices=SupplyLoss.Method.choices)
    month_kwh = _number(gettext_lazy("每月有功损耗（度）"), gettext_lazy("查表的填这里。"), 2)
    month_kvarh = _number(gettext_lazy("每月无功损耗（千乏时）"), "", 2)
    iron_kw = _number(gettext_lazy("铁损（千瓦）"), gettext_lazy("按公式的填这里。"), 3)
    iron_kvar = _number(gettext_lazy("无功铁损（千乏）"), "", 3)
    coefficient = _number(gettext_lazy("有功损耗系数"), gettext_lazy("例如 0.015，乘抄见电量。"))
    coefficient_k = _number(gettext_lazy("无功损耗系数"))
    line_loss_pct = _number(gettext_lazy("线损率（%）"), gettext_lazy("按抄见电量与变损之和计。"), 4)

    def agree(self, **common: Any) -> None:
        """Agree it."""
        figures: dict[str, Any] = {
            name: self.cleaned_data[name] or Decimal()
            for name in ("month_kwh", "month_kvarh", "iron_kw", "iron_kvar", "coefficient", "coefficient_k")
        }
        operations.agree_loss(
            method=self.cleaned_data["method"],
            line_loss_pct=self.cleaned_data["line_loss_pct"] or Decimal(),
            source=self.cleaned_data["source"],
            **figures,
            **common,
        )


class PartForm(_TermForm):
    """A part with a price of its own."""

    kind = forms.TypedChoiceField(label=gettext_lazy("这部分电量怎样确定"), coerce=int, choices=SupplyPart.Kind.choices)
    point_no = forms.CharField(
        label=gettext_lazy("分表的计量点编号"), required=False, max_length=32, help_text=gettext_lazy("分表的填这里。")
    )
    month_kwh = forms.IntegerField(
        label=gettext_lazy("每月定量（度）"), required=False, min_value=1, widget=forms.TextInput(attrs=_NUMBER)
    )
    ratio_pct = _number(gettext_lazy("定比（%）"), "", 4)
    tariff = forms.TypedChoiceField(label=gettext_lazy("这部分的电价"), coerce=int, choices=())
    price_class = forms.TypedChoiceField(
        label=gettext_lazy("用电类别"), coerce=int, choices=SupplyContract.PriceClass.choices
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.TypedChoiceField", self.fields["tariff"])
        field.choices = list(queries.part_tariffs(day=timezone.localdate()))

    def agree(self, **common: Any) -> None:
        """Agree it."""
        operations.agree_part(
            kind=self.cleaned_data["kind"],
            point_no=self.cleaned_data["point_no"],
            month_kwh=self.cleaned_data["month_kwh"] or 0,
            ratio_pct=self.cleaned_data["ratio_pct"] or Decimal(),
            tariff_id=self.cleaned_data["tariff"],
            price_class=self.cleaned_data["price_class"],
            source=self.cleaned_data["source"],
            **common,
        )


class FreeForm(_TermForm):
    """Free energy of a household on minimum income."""

    kwh_per_month = forms.IntegerField(
        label=gettext_lazy("每月免费电量（度）"), min_value=1, initial=15, widget=forms.TextInput(attrs=_NUMBER)
    )
    until = forms.DateField(
        label=gettext_lazy("到哪一天为止"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("证件的有效期；不填就一直执行到另行终止。"),
    )

    def agree(self, **common: Any) -> None:
        """Agree it."""
        operations.give_free_energy(
            kwh_per_month=self.cleaned_data["kwh_per_month"],
            document=self.cleaned_data["source"],
            until=self.cleaned_data["until"],
            **common,
        )


class PauseForm(_TermForm):
    """Capacity that is sealed or replaced for some days."""

    kind = forms.ChoiceField(label=gettext_lazy("办理什么"), choices=CapacityPause.Kind.choices)
    off_kva = forms.IntegerField(
        label=gettext_lazy("停用的容量（kVA）"), min_value=1, widget=forms.TextInput(attrs=_NUMBER)
    )
    on_kva = forms.IntegerField(
        label=gettext_lazy("换上的容量（kVA）"),
        required=False,
        min_value=1,
        widget=forms.TextInput(attrs=_NUMBER),
        help_text=gettext_lazy("只有暂换要填。"),
    )
    until = forms.DateField(
        label=gettext_lazy("从哪一天起恢复"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("从这一天 0 时起恢复使用。暂停不足规定天数的，基本电费全额计收。"),
    )
    is_new_install = forms.BooleanField(
        label=gettext_lazy("新装未满两年"),
        required=False,
        help_text=gettext_lazy("只有选择了旧规则（停用期间减半计收）的单位会用到。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = cast("forms.ChoiceField", self.fields["kind"])
        kinds.choices = [(kind.value, queries.pause_word(kind)) for kind in CapacityPause.Kind]
        first = cast("forms.DateField", self.fields["from_on"])
        first.label, first.help_text = gettext_lazy("从哪一天起停用"), gettext_lazy("加封的那一天。")
        self.order_fields(["kind", "off_kva", "on_kva", "from_on", "until", "is_new_install", "source"])

    def agree(self, **common: Any) -> None:
        """Agree it."""
        capacity_pauses.agree_pause(
            kind=self.cleaned_data["kind"],
            off_kva=self.cleaned_data["off_kva"],
            on_kva=self.cleaned_data["on_kva"] or 0,
            is_new_install=self.cleaned_data["is_new_install"],
            until=self.cleaned_data["until"],
            source=self.cleaned_data["source"],
            **common,
        )


class EndForm(forms.Form):
    """From when it holds no more."""

    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起不再执行"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


_FORMS: dict[str, tuple[type[LossForm | PartForm | FreeForm | PauseForm], Any]] = {
    "loss": (LossForm, gettext_lazy("约定损耗")),
    "part": (PartForm, gettext_lazy("约定分表、定量、定比")),
    "free": (FreeForm, gettext_lazy("登记免费电量")),
    "pause": (PauseForm, gettext_lazy("登记暂停、减容、暂换")),
}


@requires("cis.view_customer")
def supply(request: HttpRequest, account_no: str) -> HttpResponse:
    """Everything agreed for an account."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "terms": queries.list_terms(head.account_id, today=timezone.localdate()),
        "kinds": [(kind, title) for kind, (_form, title) in _FORMS.items()],
        "may_change": may(staff_of(request), "cis.change_contract"),
    }
    return render(request, "cis/supply/supply.html", context)


@requires("cis.change_contract")
@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: HttpRequest, account_no: str, kind: str) -> HttpResponse:
    """Agree one thing from a day on."""
    if kind not in _FORMS:
        raise Http404
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    form_class, title = _FORMS[kind]
    form = form_class(request.POST or None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            form.agree(account_id=head.account_id, from_on=form.cleaned_data["from_on"])
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("约定已保存，从执行之日起的电费按它计算。"))
            return redirect("cis:supply", account_no=account_no)
    context = {
        "head": head,
        "title": title,
        "form": form,
        "draft": draft_of(
            request,
            form,
            name=f"supply-{kind}",
            subject=account_no,
            address=reverse("cis:supply_agree", args=[account_no, kind]),
        ),
        "draft_name": f"supply-{kind}",
    }
    return render(
        request, "cis/supply/agree.html", context, status=refused.status if refused else 422 if form.errors else 200
    )


@requires("cis.change_contract")
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, account_no: str, kind: str, term_id: int) -> HttpResponse:
    """Let one thing hold no more from a day on."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    term = next(
        (
            one
            for one in queries.list_terms(head.account_id, today=timezone.localdate())
            if (one.kind, one.term_id) == (kind, term_id)
        ),
        None,
    )
    if term is None:
        raise Http404
    form = EndForm(request.POST or None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            operations.end_term(
                account_id=head.account_id, kind=term.kind, term_id=term_id, from_on=form.cleaned_data["from_on"]
            )
        except Refused as said:
            refused = said
            form.add_error(None, said.message)
        else:
            messages.success(request, _("约定从这一天起不再执行。"))
            return redirect("cis:supply", account_no=account_no)
    context = {"head": head, "term": term, "form": form}
    return render(
        request, "cis/supply/end.html", context, status=refused.status if refused else 422 if form.errors else 200
    )
