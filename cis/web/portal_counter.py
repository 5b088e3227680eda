"""Who is bound to an account, as the counter sees and changes it; what customers reported, and the answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import contacts as contact_operations
from cis.operations import portal_bindings, portal_counter
from cis.operations.portal_bindings import Terms
from cis.operations.portal_counter import SeenDocument
from cis.queries import contacts, customers, portal_people
from cis.queries.audit import record_of
from cis.web.letters import LETTER_HELP, LetterField, keep_letter
from cis.web.portal_sign_in import refuse
from cis.web.ways_back import back_to
from config.shared import files
from config.shared.display_formats import format_day
from config.shared.errors import Refused
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_part, render_todo

DOCUMENTS = (
    ("", gettext_lazy("这次没有核验证件")),
    ("identity-card", gettext_lazy("居民身份证")),
    ("household-book", gettext_lazy("户口簿")),
    ("passport", gettext_lazy("护照")),
    ("travel-permit", gettext_lazy("港澳台居民居住证或通行证")),
    ("residence-permit", gettext_lazy("外国人永久居留身份证")),
)
# As a clerk says it of the customer; the portal says it to them.
ROLES = (
    ("owner", gettext_lazy("户主：户名上的本人（要核验证件）")),
    ("payer", gettext_lazy("代缴人：只帮着交电费")),
    ("tenant", gettext_lazy("租户：租住在这里")),
    ("delegate", gettext_lazy("家人代管：替家里人看账单、办事")),
    ("agent", gettext_lazy("受托代理人：持授权委托书")),
)
_SHOWN = 5


def _date(label: Any, help_text: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, help_text=help_text, widget=forms.DateInput(attrs={"type": "date"})
    )


class PersonForm(forms.Form):
    """Who stands at the counter, in what quality, and which document was seen."""

    telephone = forms.CharField(
        label=gettext_lazy("客户手机号"),
        max_length=20,
        help_text=gettext_lazy("客户以后用它登录网上营业厅。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=gettext_lazy("身份"), choices=ROLES, widget=forms.RadioSelect, initial="owner")
    document = forms.ChoiceField(
        label=gettext_lazy("核验的证件"),
        choices=DOCUMENTS,
        required=False,
        help_text=gettext_lazy("核对证件和本人后登记，即为实名。户主必须实名。"),
    )
    document_end = forms.CharField(
        label=gettext_lazy("证件号码末 4 到 6 位"),
        max_length=6,
        required=False,
        help_text=gettext_lazy("只记末几位，不要录完整号码。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label=gettext_lazy("证件上的姓名"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    from_on = _date(gettext_lazy("租期第一天"), gettext_lazy("租户填，按租赁合同；租户只看得到租期内的账单。"))
    until_on = _date(gettext_lazy("最后一天"), gettext_lazy("租期或委托书的最后一天；委托书到期自动解除。"))
    letter = LetterField(label=gettext_lazy("授权委托书"), required=False, help_text=LETTER_HELP)


class EndForm(forms.Form):
    """Why a binding is ended."""

    reason = forms.CharField(
        label=gettext_lazy("原因"),
        max_length=200,
        help_text=gettext_lazy("例如「户主当面要求」「租约到期」。"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AnswerForm(forms.Form):
    """What was done about it."""

    answer = forms.CharField(
        label=gettext_lazy("答复"),
        max_length=contact_operations.MAX_TEXT,
        help_text=gettext_lazy("客户会看到这段话。"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@requires("cis.view_customer")
@require_safe
def account_people(request: HttpRequest, account_no: str) -> HttpResponse:
    """Who is bound to the account, running first, then what has ended."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    bindings = portal_people.bindings_of(head.account_id, today=timezone.localdate(), with_ended=True)
    context = {"head": head, "bindings": bindings, "may_bind": may(staff_of(request), "cis.bind_portal")}
    back = back_to(account_no)
    return render_part(
        request, "cis/parts/_people.html", context, title=_("网上绑定"), aside="cis/_aside.html", back=back
    )


@requires("cis.bind_portal")
@require_http_methods(["GET", "HEAD", "POST"])
def bind(request: HttpRequest, account_no: str) -> HttpResponse:
    """Bind a person who stands at the counter; with a document their real name is noted too."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    form = PersonForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        typed, clerk = form.cleaned_data, staff_of(request)
        letter = keep_letter(typed["letter"]) if typed["letter"] and typed["role"] == "agent" else None
        seen = SeenDocument(typed["document"], typed["document_end"], typed["name"]) if typed["document"] else None
        try:
            portal_counter.bind_at_counter(
                account_no=account_no,
                telephone=typed["telephone"],
                terms=Terms(
                    role=typed["role"],
                    from_on=typed["from_on"] if typed["role"] == "tenant" else None,
                    until_on=typed["until_on"] if typed["role"] in ("tenant", "agent") else None,
                    letter_key=letter.key if letter else "",
                    letter_type=letter.media_type if letter else "",
                ),
                document=seen,
                clerk_id=clerk.pk,
                org_unit_id=clerk.org_unit_id,
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已绑定。客户用这个手机号登录网上营业厅就能看到。"))
            return redirect("cis:account_people", account_no=account_no)
    context = {"head": head, "form": form}
    return render(request, "cis/people_bind.html", context, status=422 if form.errors else 200)


@requires("cis.bind_portal")
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, account_no: str, access_id: int) -> HttpResponse:
    """End a binding for a reason."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    binding = portal_people.get_binding(account_no=account_no, access_id=access_id, today=timezone.localdate())
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            portal_bindings.end_at_counter(
                account_no=account_no,
                access_id=access_id,
                reason=form.cleaned_data["reason"],
                ended_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已解除，并已通知对方。"))
            return redirect("cis:account_people", account_no=account_no)
    context = {
        "head": head,
        "form": form,
        "facts": [
            (_("户号"), head.account_no),
            (_("身份"), binding.role_word),
            (_("手机号"), binding.phone_masked),
        ],
        "back_url": reverse("cis:account_people", args=[account_no]),
    }
    return render(request, "cis/people_end.html", context, status=422 if form.errors else 200)


@requires("cis.bind_portal")
@require_safe
def letter(request: HttpRequest, account_no: str, access_id: int) -> FileResponse:
    """The letter of authority behind a binding, to be downloaded."""
    key, media_type = portal_people.letter_of(account_no=account_no, access_id=access_id)
    saw(request, record_of(customers.get_head(account_no).account_id))
    ending = media_type.rpartition("/")[2]
    return FileResponse(
        files.open_kept(key), as_attachment=True, filename=f"{account_no}-{access_id}.{ending}", content_type=media_type
    )


@requires("cis.view_customer")
@require_safe
def account_reports(request: HttpRequest, account_no: str) -> HttpResponse:
    """What was reported about the account last."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "contacts": contacts.contacts_of_account(account_no),
        "may_answer": may(staff_of(request), "cis.answer_contact"),
    }
    back = back_to(account_no)
    return render_part(
        request, "cis/parts/_reports.html", context, title=_("客户反映"), aside="cis/_aside.html", back=back
    )


@requires("cis.answer_contact")
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """One contact, and its answer."""
    row = contacts.get_contact(contact_id)
    head = customers.get_head(row.account_no) if row.account_no else None
    if head is not None:
        saw(request, record_of(head.account_id))
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contact_operations.answer(
                contact_id=contact_id,
                text=form.cleaned_data["answer"],
                answered_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已答复，客户在网上营业厅能看到。"))
            return redirect("cis:contact", contact_id=contact_id)
    context = {"contact": row, "head": head, "form": form}
    return render(request, "cis/contact.html", context, status=422 if form.errors else 200)


@requires("cis.answer_contact")
@require_safe
def open_contacts(request: HttpRequest) -> HttpResponse:
    """What customers reported that nobody has answered, the oldest first; from wherever, as service has no areas."""
    rows, count = contacts.open_contacts(limit=_SHOWN)
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("等待答复的客户联系"),
        lead=_("还有 %(count)s 件没有答复，先看最早的。") % {"count": count} if count > _SHOWN else "",
        rows=[
            TodoRow(
                f"{row.kind_word} {row.account_no}",
                reverse("cis:contact", args=[row.contact_id]),
                note=row.text,
                end=format_day(row.told_at, zone),
            )
            for row in rows
        ],
        nothing=_("没有等待答复的联系。"),
    )
