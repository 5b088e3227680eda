"""The forms of the market: a month's table over the month before, a retailer, a package by its kind."""

from __future__ import annotations

import copy
import json
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.forms import DeclarativeFieldsMetaclass
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.queries.market_months import component_words, period_word, reference_word
from cis.rating import CHARGES, ChargeCode
from config.shared.languages import in_language

_NUMBER = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
_MOST_BYTES = 200_000


class PriceField(forms.DecimalField):
    """A price in yuan, to eight places."""

    def __init__(self, **more: Any) -> None:
        super().__init__(decimal_places=8, max_digits=14, widget=_NUMBER, **more)


class MonthForm(forms.Form):
    """The table of a month: as a file, or typed over the figures of the month before."""

    province = forms.CharField(label=gettext_lazy("省份"), max_length=50)
    month = forms.RegexField(
        r"^[0-9]{6}$",
        label=gettext_lazy("月份"),
        help_text=gettext_lazy("六位数字，例如 202602。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    source = forms.CharField(
        label=gettext_lazy("出处"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("公布这张表的文件名称、日期和网址。"),
    )
    file = forms.FileField(
        label=gettext_lazy("电价表文件（JSON）"),
        required=False,
        help_text=gettext_lazy("有文件时以文件为准；格式见计费规则文档。"),
    )

    def __init__(self, pattern: Mapping[str, Any] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pattern = pattern
        self.groups: list[tuple[str, list[str]]] = []
        self.places: dict[str, tuple[str | int, ...]] = {}
        """name of a field to where its figure stands in the table"""
        if pattern is None:
            self.fields["file"].required = True
            return
        words = component_words()
        self._group(
            _("购电与运行"),
            [
                (words["agent_purchase"], ("agent_purchase_yuan",)),
                (words["line_loss"], ("line_loss_yuan",)),
                (words["system_operation"], ("system_operation_yuan",)),
                *((name, ("system_operation_parts", name)) for name in pattern.get("system_operation_parts", {})),
            ],
        )
        self._group(_("政府性基金"), [(_fund(name), ("funds_yuan", name)) for name in pattern["funds_yuan"]])
        self._group(
            _("时段系数"),
            [(period_word(name), ("time_of_use", "ratio", name)) for name in pattern["time_of_use"]["ratio"]],
        )
        if pattern.get("references_yuan"):
            self._group(
                _("市场参考价"),
                [(reference_word(name), ("references_yuan", name)) for name in pattern["references_yuan"]],
            )
        if pattern.get("multiple"):
            self._group(_("倍数"), [(_("代理购电价格的倍数"), ("multiple", "factor"))])
        parts = {
            "energy_yuan": _("电度电价"),
            "capacity_yuan_per_kva_month": _("容量电价（元/千伏安·月）"),
            "demand_yuan_per_kw_month": _("需量电价（元/千瓦·月）"),
        }
        for number, row in enumerate(pattern["network"]):
            structure = _("两部制") if row["structure"] == "two_part" else _("单一制")
            self._group(
                _("输配电价：%(structure)s %(voltage)s") % {"structure": structure, "voltage": row["voltage"]},
                [(label, ("network", number, name)) for name, label in parts.items() if row.get(name) is not None],
            )

    def _group(self, title: str, figures: list[tuple[str, tuple[str | int, ...]]]) -> None:
        names = []
        for label, place in figures:
            name = f"n{len(self.places)}"
            self.places[name] = place
            self.fields[name] = PriceField(label=label, required=False)
            self.fields[name].initial = _at(self.pattern or {}, place)
            names.append(name)
        self.groups.append((title, names))

    def bound_groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The figures with their headings, as the page shows them."""
        return [(title, [self[name] for name in names]) for title, names in self.groups]

    def clean(self) -> dict[str, Any]:
        """Put the table together: the file as it is, or the month before with the figures typed."""
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        if file is not None:
            if file.size > _MOST_BYTES:
                self.add_error("file", _("文件太大，不像一张电价表。"))
                return cleaned
            try:
                cleaned["values"] = json.loads(file.read().decode("utf-8-sig"), parse_float=str)
            except (UnicodeDecodeError, json.JSONDecodeError) as fault:
                self.add_error("file", _("文件不是 JSON：%(fault)s") % {"fault": fault})
            return cleaned
        if self.pattern is None:
            return cleaned
        values = copy.deepcopy(dict(self.pattern))
        for name, place in self.places.items():
            typed: Decimal | None = cleaned.get(name)
            if typed is None:
                self.add_error(name, _("请填写这个数。"))
                continue
            _put(values, place, format(typed, "f"))
        cleaned["values"] = values
        return cleaned


def _fund(name: str) -> str:
    charge = CHARGES[ChargeCode[name]]
    return in_language(charge.name_zh, charge.name_en)


def _at(values: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        values = values[step]
    return values


def _put(values: Any, place: tuple[str | int, ...], text: str) -> None:
    for step in place[:-1]:
        values = values[step]
    values[place[-1]] = text


class RetailerForm(forms.Form):
    """A retailer as the trading centre has it."""

    code = forms.CharField(
        label=gettext_lazy("编号"), max_length=16, help_text=gettext_lazy("交易中心注册编号，结算文件用它对账。")
    )
    name = forms.CharField(label=gettext_lazy("名称"), max_length=200)
    name_en = forms.CharField(label=gettext_lazy("英文名称"), max_length=200, required=False)


class _FormMeta(DeclarativeFieldsMetaclass, ABCMeta):
    """Forms are made by a metaclass of their own."""


class PackageForm(forms.Form, metaclass=_FormMeta):
    """What every package has; its kind adds its terms."""

    code = forms.CharField(label=gettext_lazy("套餐编号"), max_length=16)
    name = forms.CharField(label=gettext_lazy("套餐名称"), max_length=200)
    source = forms.CharField(
        label=gettext_lazy("出处"), max_length=500, help_text=gettext_lazy("例如零售平台的备案编号。")
    )
    settled_later = forms.BooleanField(
        label=gettext_lazy("月结后才定价"),
        required=False,
        help_text=gettext_lazy("先按条款计费，交易中心结算后的差额在以后的账单清算。"),
    )

    @abstractmethod
    def terms(self) -> dict[str, Any]:
        """The terms as the package's kind reads them."""


class _Floating(PackageForm):
    floats = forms.BooleanField(label=gettext_lazy("电价随峰谷时段系数浮动"), required=False, initial=True)


class FixedForm(_Floating):
    """One price."""

    price = PriceField(label=gettext_lazy("电价（元/度）"))

    def terms(self) -> dict[str, Any]:
        """See `FixedPrice`."""
        return {"price_yuan": format(self.cleaned_data["price"], "f"), "floats": self.cleaned_data["floats"]}


class SpreadForm(_Floating):
    """A reference and a spread."""

    reference = forms.ChoiceField(label=gettext_lazy("参考价"))
    spread = PriceField(label=gettext_lazy("价差（元/度）"), help_text=gettext_lazy("低于参考价的填负数。"))

    def terms(self) -> dict[str, Any]:
        """See `SpreadOverReference`."""
        return {
            "reference": self.cleaned_data["reference"],
            "spread_yuan": format(self.cleaned_data["spread"], "f"),
            "floats": self.cleaned_data["floats"],
        }


class ShareForm(_Floating):
    """A base price and a share of the difference."""

    reference = forms.ChoiceField(label=gettext_lazy("参考价"))
    base = PriceField(label=gettext_lazy("基准价（元/度）"))
    share = forms.IntegerField(label=gettext_lazy("客户分成（%）"), min_value=0, max_value=100)
    shares_losses = forms.BooleanField(label=gettext_lazy("参考价高于基准价时，客户也按比例分担"), required=False)

    def terms(self) -> dict[str, Any]:
        """See `ShareOfDifference`."""
        return {
            "reference": self.cleaned_data["reference"],
            "base_yuan": format(self.cleaned_data["base"], "f"),
            "customer_share_pct": self.cleaned_data["share"],
            "shares_losses": self.cleaned_data["shares_losses"],
            "floats": self.cleaned_data["floats"],
        }


class BandsForm(PackageForm):
    """A price for each period."""

    sharp = PriceField(label=gettext_lazy("尖峰（元/度）"), required=False)
    peak = PriceField(label=gettext_lazy("高峰（元/度）"), required=False)
    flat = PriceField(label=gettext_lazy("平段（元/度）"), required=False)
    valley = PriceField(label=gettext_lazy("低谷（元/度）"), required=False)
    deep_valley = PriceField(label=gettext_lazy("深谷（元/度）"), required=False)

    def terms(self) -> dict[str, Any]:
        """See `TimeBands`."""
        names = ("sharp", "peak", "flat", "valley", "deep_valley")
        typed = {name: self.cleaned_data[name] for name in names}
        return {"prices_yuan": {name: format(value, "f") for name, value in typed.items() if value is not None}}


class _Premium(forms.Form):
    """The premium of the green attribute, beside the energy that another form tells."""

    premium = PriceField(label=gettext_lazy("环境价值（元/度）"))
    green_share = forms.IntegerField(label=gettext_lazy("绿电比例（%）"), min_value=0, max_value=100, initial=100)

    def beside(self, kind: str, energy: Mapping[str, Any]) -> dict[str, Any]:
        """See `GreenPremium`."""
        return {
            "energy": {"kind": kind} | dict(energy),
            "premium_yuan": format(self.cleaned_data["premium"], "f"),
            "green_share_pct": self.cleaned_data["green_share"],
        }


class GreenFixedForm(_Premium, FixedForm):
    """Green energy at one price."""

    def terms(self) -> dict[str, Any]:
        """See `GreenPremium`."""
        return self.beside("fixed", super().terms())


class GreenSpreadForm(_Premium, SpreadForm):
    """Green energy at a reference and a spread."""

    def terms(self) -> dict[str, Any]:
        """See `GreenPremium`."""
        return self.beside("spread", super().terms())


class GreenShareForm(_Premium, ShareForm):
    """Green energy at a base price and a share of the difference."""

    def terms(self) -> dict[str, Any]:
        """See `GreenPremium`."""
        return self.beside("share", super().terms())


class GreenBandsForm(_Premium, BandsForm):
    """Green energy at a price for each period."""

    def terms(self) -> dict[str, Any]:
        """See `GreenPremium`."""
        return self.beside("time_bands", super().terms())


PACKAGE_FORMS: dict[str, type[PackageForm]] = {
    "fixed": FixedForm,
    "spread": SpreadForm,
    "share": ShareForm,
    "time_bands": BandsForm,
}
GREEN_FORMS: dict[str, type[PackageForm]] = {
    "fixed": GreenFixedForm,
    "spread": GreenSpreadForm,
    "share": GreenShareForm,
    "time_bands": GreenBandsForm,
}
"""By the kind of the energy that the premium stands beside."""


def package_form(kind: str, energy: str, references: list[str], data: Any = None) -> PackageForm:
    """
    The form of a kind of package; of green ones by the kind of the energy.

    `references`: the prices a package may refer to.
    """
    form = (GREEN_FORMS[energy] if kind == "green" else PACKAGE_FORMS[kind])(data)
    if "reference" in form.fields:
        choices = [(name, reference_word(name)) for name in ("agent_purchase", *references)]
        form.fields["reference"].choices = choices  # type: ignore[attr-defined]
    return form


class AgreementForm(forms.Form):
    """By which package an account buys, or why it pays a multiple; from which month."""

    package = forms.TypedChoiceField(label=gettext_lazy("零售套餐"), coerce=int, required=False, empty_value=None)
    ground = forms.ChoiceField(
        label=gettext_lazy("或者：按倍数执行的原因"),
        required=False,
        help_text=gettext_lazy("只用于由电网代理购电、按规定加价的用户。"),
    )
    from_month = forms.RegexField(
        r"^[0-9]{6}$",
        label=gettext_lazy("从哪个月起"),
        help_text=gettext_lazy("六位数字，例如 202602；已经发行电费的月份不能再改。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    until_month = forms.RegexField(
        r"^[0-9]{6}$",
        label=gettext_lazy("从哪个月起不再执行"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    document = forms.CharField(
        label=gettext_lazy("依据"), max_length=200, help_text=gettext_lazy("零售合同编号，或交易中心的通知。")
    )


class EndAgreementForm(forms.Form):
    """From which month an agreement no longer holds."""

    until_month = forms.RegexField(
        r"^[0-9]{6}$",
        label=gettext_lazy("从哪个月起不再执行"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
