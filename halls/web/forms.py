"""Forms of halls: taking a ticket, rating, a counter's break, a text for the display, a place for a new pay point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from halls.models import DisplayNote, Rating
from halls.queries.halls import HallCard
from halls.service_kinds import SERVICE_KINDS

SCORES = ((5, _("很满意")), (4, _("满意")), (3, _("一般")), (2, _("不满意")), (1, _("很不满意")))


class TakeForm(forms.Form):
    """What one comes for; the key makes it one ticket however often it is sent."""

    form_key = forms.CharField(max_length=50, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=[(code, kind.name) for code, kind in SERVICE_KINDS.items()])
    is_green = forms.BooleanField(required=False)
    account_no = forms.CharField(required=False, max_length=32)


class GuideForm(forms.Form):
    """A ticket for somebody at the guide desk; in the only hall there is, or one of several."""

    form_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    hall = forms.ChoiceField(label=_("营业厅"))
    kind = forms.ChoiceField(
        label=_("要办的业务"),
        choices=[(code, kind.name) for code, kind in SERVICE_KINDS.items()],
        widget=forms.RadioSelect,
    )
    who = forms.CharField(
        label=_("户号或手机号"),
        required=False,
        max_length=32,
        help_text=_("填了，到窗口时柜员已经打开客户资料；重点客户按等级排队。"),
    )
    is_green = forms.BooleanField(label=_("优先办理：60 岁以上、残疾人、孕产妇、现役军人，不用证明"), required=False)

    def __init__(self, halls: Sequence[HallCard], **more: Any) -> None:
        """`halls`: those the member of staff works in."""
        super().__init__(**more)
        field = self.fields["hall"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (said above)
        field.choices = [(one.code, one.name) for one in halls]
        if len(halls) == 1:
            field.widget, field.initial = forms.HiddenInput(), halls[0].code


class RatingForm(forms.Form):
    """One to five stars, what a low one is about, a few words."""

    score = forms.TypedChoiceField(
        label=_("这次服务"),
        choices=SCORES,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选一到五颗星。")},
    )
    reason = forms.ChoiceField(
        label=_("不满意的是"), choices=[("", _("不说明")), *Rating.Reason.choices[1:]], required=False
    )
    comment = forms.CharField(
        label=_("想说的话"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class PauseForm(forms.Form):
    """Why a counter takes a break."""

    reason = forms.CharField(label=_("暂停原因"), max_length=100, help_text=_("大屏不显示，主任看得到。"))


class TransferForm(forms.Form):
    """What the customer needs besides."""

    kind = forms.ChoiceField(label=_("转到"))

    def __init__(self, kinds: Sequence[str] = (), **more: Any) -> None:
        """`kinds`: the codes of what the hall does."""
        super().__init__(**more)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (said above)
        field.choices = [(code, SERVICE_KINDS[code].name) for code in kinds]


class NoteForm(forms.Form):
    """A text for the display zone."""

    kind = forms.ChoiceField(label=_("类别"), choices=DisplayNote.Kind.choices)
    title = forms.CharField(label=_("标题"), max_length=60)
    text = forms.CharField(
        label=_("内容"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("五米外要能读，短一点。")
    )
    from_on = forms.DateField(label=_("从哪天起"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until_on = forms.DateField(label=_("到哪天前"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class SiteForm(forms.Form):
    """Where a new pay point would stand, in degrees (WGS 84)."""

    lon = forms.FloatField(label=_("经度"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=_("纬度"), min_value=-90, max_value=90)
