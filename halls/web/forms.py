"""Forms of halls: taking a ticket, rating, a counter's break, a text for the display, a place for a new pay point."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from halls.models import DisplayNote, Rating
from halls.service_kinds import SERVICE_KINDS

SCORES = ((5, _("很满意")), (4, _("满意")), (3, _("一般")), (2, _("不满意")), (1, _("很不满意")))


class TakeForm(forms.Form):
    """What one comes for; the key makes it one ticket however often it is sent."""

    form_key = forms.CharField(max_length=50, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=[(code, kind.name) for code, kind in SERVICE_KINDS.items()])
    is_green = forms.BooleanField(required=False)
    account_no = forms.CharField(required=False, max_length=32)


class RatingForm(forms.Form):
    """One to five stars, what a low one is about, a few words."""

    score = forms.TypedChoiceField(label=_("这次服务"), choices=SCORES, coerce=int, widget=forms.RadioSelect)
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

    kind = forms.ChoiceField(label=_("转到"), choices=[(code, kind.name) for code, kind in SERVICE_KINDS.items()])


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
