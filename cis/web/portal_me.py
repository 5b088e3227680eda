"""The customer's own page: accounts and qualities, real name, telephone, ways to sign in, where one is signed in."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.operations import portal_bindings, portal_sessions, portal_telephone
from cis.queries import portal, portal_people
from cis.queries.portal import Right
from cis.web.portal_sign_in import address_of, messages_page, refuse
from config.shared.errors import Refused
from config.shared.permissions import staff_of
from config.shared.web.portal_pages import for_customers, offered

_NEW_TELEPHONE = "portal_new_telephone"


class NewTelephoneForm(forms.Form):
    """The telephone to move to."""

    telephone = forms.CharField(
        label=gettext_lazy("新手机号"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel", "autofocus": True}),
    )


class TwoCodesForm(forms.Form):
    """The codes that came to the old and to the new telephone."""

    old_code = forms.CharField(
        label=gettext_lazy("原手机收到的验证码"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "autofocus": True}),
    )
    new_code = forms.CharField(
        label=gettext_lazy("新手机收到的验证码"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


@for_customers
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """Everything about oneself."""
    user_id, now = staff_of(request).pk, timezone.now()
    accounts = portal.list_my_accounts(user_id=user_id, today=timezone.localdate())
    context = {
        "me": portal_people.get_me(user_id),
        "accounts": accounts,
        "offers": offered({right for one in accounts for right in one.rights}),
        "sessions": portal_people.sessions_of(user_id, session_key=str(request.session.session_key), at=now),
        "has_wechat": bool(settings.WECHAT_APP_ID),
    }
    return render(request, "cis/portal/me.html", context)


@for_customers
@require_safe
def my_account(request: HttpRequest, account_no: str) -> HttpResponse:
    """One binding of one's own; its owner sees all others too."""
    today = timezone.localdate()
    account = portal.my_account(user_id=staff_of(request).pk, account_no=account_no, today=today)
    others: tuple[portal_people.Binding, ...] = ()
    if account.may(Right.BINDINGS):
        bindings = portal_people.bindings_of(account.account_id, today=today)
        others = tuple(one for one in bindings if one.access_id != account.access_id)
    return render(request, "cis/portal/my_account.html", {"account": account, "others": others})


@for_customers
@require_POST
def unbind(request: HttpRequest, account_no: str) -> HttpResponse:
    """Give up one's own binding."""
    portal_bindings.unbind(user_id=staff_of(request).pk, account_no=account_no, at=timezone.now())
    messages.success(request, _("户号 %(no)s 已解除绑定。") % {"no": account_no})
    return redirect("cis:portal_me")


@for_customers
@require_POST
def end_other(request: HttpRequest, account_no: str, access_id: int) -> HttpResponse:
    """The owner ends somebody else's binding."""
    portal_bindings.end_as_owner(owner_id=staff_of(request).pk, access_id=access_id, at=timezone.now())
    messages.success(request, _("已解除，并已通知对方。"))
    return redirect("cis:portal_my_account", account_no=account_no)


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def telephone(request: HttpRequest) -> HttpResponse:
    """Step one of moving to another telephone: which."""
    form = NewTelephoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            number = portal_telephone.send_change_codes(
                user_id=staff_of(request).pk,
                new_telephone=form.cleaned_data["telephone"],
                asked_from=address_of(request),
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            request.session[_NEW_TELEPHONE] = number
            return redirect("cis:portal_telephone_codes")
    return render(request, "cis/portal/telephone.html", {"form": form}, status=422 if form.errors else 200)


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def telephone_codes(request: HttpRequest) -> HttpResponse:
    """Step two: both codes."""
    number = str(request.session.get(_NEW_TELEPHONE, ""))
    if not number:
        return redirect("cis:portal_telephone")
    form = TwoCodesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            portal_telephone.change_telephone(
                user_id=staff_of(request).pk, new_telephone=number, at=timezone.now(), **form.cleaned_data
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            request.session.pop(_NEW_TELEPHONE, None)
            messages.success(request, _("手机号已更换，以后用新手机号登录。"))
            return redirect("cis:portal_me")
    context = {"form": form, "number": number, "messages_url": messages_page()}
    return render(request, "cis/portal/telephone_codes.html", context, status=422 if form.errors else 200)


@for_customers
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out elsewhere."""
    portal_sessions.end_one(user_id=staff_of(request).pk, session_id=session_id, at=timezone.now())
    messages.success(request, _("那台设备已退出登录。"))
    return redirect("cis:portal_me")
