"""Forms of shortages: what is available by the hour, the approval of the authority, the choice, a telephone call."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dsm.shedding.stretches import NotADay, read_stretches


class DayField(forms.CharField):
    """96 values typed by stretches; its value is a tuple of whole kW."""

    default_error_messages = {
        "line": _("第 %(line)s 行读不懂，或与前面的时段重叠。每行写成「08:00-13:00 1200」。"),
        "gap": _("时段没有覆盖全天 00:00 到 24:00，请补上缺的时段。"),
    }

    def __init__(self, **arguments: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 6, "class": "code"}), max_length=4000, **arguments)

    def clean(self, value: Any) -> Any:
        """The values; None where the field may stay empty and is."""
        text = super().clean(value)
        if not text.strip() and not self.required:
            return None
        try:
            return read_stretches(text)
        except NotADay as error:
            key = "line" if error.line else "gap"
            raise forms.ValidationError(self.error_messages[key], code=key, params={"line": error.line}) from error


class ShortageForm(forms.Form):
    """A new shortage."""

    on_day = forms.DateField(label=_("缺电的日子"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    cause = forms.CharField(label=_("原因"), max_length=200, help_text=_("写进请示，例如「连续高温，外来电减少」。"))
    demand = forms.ChoiceField(
        label=_("需求按什么算"),
        choices=(
            ("p90", _("负荷预测的高值（九成把握不超过）")),
            ("p50", _("负荷预测的中值")),
            ("imported", _("自己按时段录入")),
        ),
        widget=forms.RadioSelect,
        initial="p90",
    )
    demand_kw = DayField(
        label=_("需求（千瓦）"), required=False, help_text=_("只在自己录入时填。写法与可用供电能力相同。")
    )
    supply_kw = DayField(
        label=_("可用供电能力（千瓦）"),
        help_text=_("全天一样就写一个数；不一样就每行一段，例如「08:00-13:00 1200」；也可粘贴 96 个数。"),
    )

    def clean(self) -> dict[str, Any]:
        """Typed demand is needed where it is asked for."""
        typed = super().clean() or {}
        if typed.get("demand") == "imported" and not typed.get("demand_kw") and "demand_kw" not in self.errors:
            self.add_error("demand_kw", _("请填写各时段的需求。"))
        return typed


class AuthorityForm(forms.Form):
    """The written approval of the authority."""

    authority = forms.CharField(label=_("批准机关"), max_length=100)
    document_no = forms.CharField(label=_("文号"), max_length=100)
    document_on = forms.DateField(
        label=_("批文日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class ChoiceForm(forms.Form):
    """One plan, with reasons."""

    plan = forms.TypedChoiceField(label=_("选哪个方案"), coerce=int, widget=forms.RadioSelect)
    reasons = forms.CharField(
        label=_("理由"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("写进记录和请示，以后查得到。"),
    )

    def __init__(self, *args: Any, plans: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = plans  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("理由"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ReceiptForm(forms.Form):
    """Who answered the telephone."""

    who = forms.CharField(label=_("接电话的人"), max_length=200, help_text=_("例如「王厂长，答应 13 点停 2 号线」。"))
