"""The profile beside the customer, what they object to, and the same in the portal."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import customers, portal
from cis.queries.audit import record_of
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part
from config.shared.web.portal_pages import for_customers, preferred_account
from crm.operations import tags as operations
from crm.queries import key_accounts, profiles, tiers
from crm.web.words import TIER_KINDS, TIER_WORDS, limits_in_words, why_in_words


class ObjectionForm(forms.Form):
    """Which tag is wrong, and why."""

    code = forms.ChoiceField(label=gettext_lazy("哪一个标签"))
    reason = forms.CharField(
        label=gettext_lazy("客户为什么不认可"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


class AnswerForm(forms.Form):
    """What was found."""

    outcome = forms.CharField(
        label=gettext_lazy("核实结果"),
        max_length=500,
        help_text=gettext_lazy("客户问起时照此答复。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@requires("crm.view_profile")
@require_safe
def account_profile(request: HttpRequest, account_no: str) -> HttpResponse:
    """The part of the 360: tier and tags, each with why, of which definition and until when."""
    head = customers.get_head(account_no)
    user, today = staff_of(request), timezone.localdate()
    saw(request, record_of(head.account_id))
    why = tiers.why_tier(account_id=head.account_id, today=today)
    context = {
        "head": head,
        "profile": profiles.get_profile(
            account_id=head.account_id, today=today, sees_sensitive=may(user, "crm.see_sensitive_tags")
        ),
        "why": why,
        "tier_word": TIER_WORDS[why.tier],
        "rule_tier_word": TIER_WORDS[why.rule_tier],
        "tier_kind": TIER_KINDS[why.tier],
        "tier_why": why_in_words(why),
        "may_object": may(user, "crm.note_objection"),
        "may_answer": may(user, "crm.answer_objection"),
        "may_override": may(user, "crm.override_tier"),
    }
    return render_part(request, "crm/parts/_profile.html", context, title=_("画像与标签"), aside="cis/_aside.html")


@requires("crm.note_objection")
@require_http_methods(["GET", "HEAD", "POST"])
def object_to_tag(request: HttpRequest, account_no: str) -> HttpResponse:
    """Note that the customer says a tag is wrong."""
    head = customers.get_head(account_no)
    user, today = staff_of(request), timezone.localdate()
    saw(request, record_of(head.account_id))
    shown = profiles.get_profile(
        account_id=head.account_id, today=today, sees_sensitive=may(user, "crm.see_sensitive_tags")
    )
    form = ObjectionForm(request.POST or None, initial={"code": request.GET.get("tag", "")})
    form.fields["code"].choices = [  # type: ignore[attr-defined]
        (tag.code, f"{tag.name} · {tag.value_word}") for tag in shown.tags if not tag.is_hidden and not tag.is_objected
    ]
    if request.method == "POST" and form.is_valid():
        try:
            operations.note_objection(
                account_no=account_no,
                code=form.cleaned_data["code"],
                reason=form.cleaned_data["reason"],
                noted_by_id=user.pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("异议已登记。答复之前，标签旁边会注明有异议。"))
            return redirect("cis:account", account_no=account_no)
    context = {"head": head, "form": form, "has_tags": bool(form.fields["code"].choices)}  # type: ignore[attr-defined]
    return render(request, "crm/objection.html", context, status=422 if form.errors else 200)


@requires("crm.answer_objection")
@require_http_methods(["GET", "HEAD", "POST"])
def answer_objection(request: HttpRequest, account_no: str, objection_id: int) -> HttpResponse:
    """Close an objection with what was found."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    found = [one for one in profiles.list_objections(account_id=head.account_id) if one.objection_id == objection_id]
    if not found:
        raise NotFound(_("没有找到这条异议。"))
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        operations.answer_objection(
            objection_id=objection_id,
            outcome=form.cleaned_data["outcome"],
            closed_by_id=staff_of(request).pk,
            at=timezone.now(),
        )
        messages.success(request, _("异议已答复。"))
        return redirect("cis:account", account_no=account_no)
    context = {"head": head, "form": form, "objection": found[0]}
    return render(request, "crm/objection_answer.html", context, status=422 if form.errors else 200)


@for_customers
@require_safe
def my_profile(request: HttpRequest) -> HttpResponse:
    """The customer's own tier and tags, with why; only for those who see the holder's affairs."""
    today = timezone.localdate()
    mine = portal.my_accounts(user_id=staff_of(request).pk, preferred=preferred_account(request), today=today)
    mine.current.require(portal.Right.RECEIPTS)
    account_id = mine.current.account_id
    why = tiers.why_tier(account_id=account_id, today=today)
    context = {
        "mine": mine,
        "why": why,
        "tier_word": TIER_WORDS[why.tier],
        "tier_kind": TIER_KINDS[why.tier],
        "tier_why": why_in_words(why),
        "limits": limits_in_words(why.limits),
        "profile": profiles.get_profile(account_id=account_id, today=today, sees_sensitive=True),
        "manager": key_accounts.manager_of(account_id, timezone.now()),
    }
    return render(request, "crm/portal/profile.html", context)
