"""Forms of grid service, and where a refusal stands in one."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from config.shared.errors import Refused
from grid_service.models.care import CareCase
from grid_service.operations import notices, questions


def refuse(form: forms.Form, refused: Refused) -> None:
    """Put a refusal where it belongs: beside the field it points to, else on top."""
    for error in getattr(refused, "errors", ()):
        name = str(error.get("pointer", "")).lstrip("/")
        if name in form.fields:
            form.add_error(name, str(error.get("detail", refused.message)))
            return
    form.add_error(None, refused.message)


class QuestionForm(forms.Form):
    """What the customer wants to know."""

    form_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("想问什么"),
        max_length=questions.MAX_TEXT,
        help_text=_("例如「我家电压晚上偏低，能来看看吗」。不用写户号。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class AnswerForm(forms.Form):
    """What the customer is told."""

    text = forms.CharField(label=_("答复"), max_length=questions.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}))


class NoticeForm(forms.Form):
    """A notice of one's own words, and whom it concerns."""

    text = forms.CharField(
        label=_("通知内容"),
        max_length=notices.MAX_TEXT,
        help_text=_("写清什么事、什么时候、要客户做什么。不写户号、姓名、欠费；您的姓名和电话会自动附上。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    places = forms.MultipleChoiceField(label=_("发给哪些台区的客户"), widget=forms.CheckboxSelectMultiple)


class NewTextForm(forms.Form):
    """What a notice says from now on."""

    text = forms.CharField(label=_("改成"), max_length=notices.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}))


class ReasonForm(forms.Form):
    """Why somebody looks."""

    reason = forms.CharField(
        label=_("查看原因"), max_length=200, help_text=_("会记下来，客户能看到。"), widget=forms.TextInput
    )


class CareForm(forms.Form):
    """A household that needs more care, and on what ground we may know it."""

    account_no = forms.CharField(label=_("户号"), max_length=32, widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    kind = forms.ChoiceField(label=_("什么情况"), choices=CareCase.Kind.choices)
    basis = forms.ChoiceField(label=_("依据"), choices=CareCase.Basis.choices, widget=forms.RadioSelect)
    basis_note = forms.CharField(label=_("同意书编号或法律条款"), max_length=200)
    note = forms.CharField(label=_("停电时怎么做"), required=False, max_length=300)
    until_on = forms.DateField(label=_("有效到"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class MomentField(forms.DateTimeField):
    """A day and a time of the billing time zone, as the browser's own field."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class HandOverForm(forms.Form):
    """Who takes which post when, and why."""

    manager = forms.ChoiceField(label=_("片区经理"))
    deputy = forms.ChoiceField(label=_("副经理"))
    from_at = MomentField(
        label=_("什么时候生效"), required=False, help_text=_("空着就是马上生效。到点自动切换，客户看到的名片一起变。")
    )
    reason = forms.CharField(label=_("原因"), max_length=500, help_text=_("例如「轮岗」「休假代班」。"))


class CoverForm(forms.Form):
    """Which transformer districts come to this district when, and why."""

    places = forms.MultipleChoiceField(label=_("划入的台区"), widget=forms.CheckboxSelectMultiple)
    from_at = MomentField(label=_("什么时候生效"), required=False, help_text=_("空着就是马上生效。"))
    reason = forms.CharField(label=_("原因"), max_length=500)


class PortraitForm(forms.Form):
    """One's own photo, with one's own consent."""

    photo = forms.FileField(
        label=_("照片"),
        help_text=_("JPG 或 PNG，不超过 5 MB，短的一边至少 200 像素。取中间的方形；拍摄地点等附带信息不保留。"),
        widget=forms.FileInput(attrs={"accept": ".jpg,.jpeg,.png,image/jpeg,image/png"}),
    )
    agrees = forms.BooleanField(label=_("这是我本人的照片，我同意所服务片区的客户在名片上看到它。"))
