"""The portal's door: by telephone, by account number for those who know theirs, by WeChat where it is set up."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cis.operations import portal as operations
from cis.operations import portal_sessions as sessions
from cis.operations import portal_wechat
from config.shared.errors import Refused
from config.shared.web.own_addresses import own_address
from config.shared.web.portal_pages import PREFERRED_ACCOUNT

_SIGNING_IN = "portal_signing_in"
_GOES_TO = "portal_goes_to"
# A WeChat identity that waits for its person to prove a telephone.
WECHAT_WAITING = "portal_wechat_waiting"


class TelephoneForm(forms.Form):
    """Whose telephone."""

    telephone = forms.CharField(
        label=gettext_lazy("手机号"),
        max_length=20,
        help_text=gettext_lazy("第一次来也用手机号，不用注册，不用密码。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel", "autofocus": True}),
    )


class AccountNoForm(forms.Form):
    """Whose account."""

    account_no = forms.CharField(
        label=gettext_lazy("户号"),
        max_length=32,
        help_text=gettext_lazy("印在电费账单和短信里，一般是 10 位数字。"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "autofocus": True}),
    )


class CodeForm(forms.Form):
    """The code that came by message."""

    code = forms.CharField(
        label=gettext_lazy("验证码"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}),
    )


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step one: the telephone. What follows looks the same whether or not anybody known has it."""
    form = TelephoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            number = operations.send_sign_in_code(
                telephone=form.cleaned_data["telephone"], asked_from=address_of(request), at=timezone.now()
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            return _to_code(request, {"telephone": number})
    return _draw_door(request, "cis/portal/sign_in.html", form)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_account(request: HttpRequest) -> HttpResponse:
    """The other step one: the account number, whose registered telephone gets the code."""
    form = AccountNoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account_no = "".join(form.cleaned_data["account_no"].split())
        try:
            operations.send_account_code(account_no=account_no, asked_from=address_of(request), at=timezone.now())
        except Refused as refused:
            refuse(form, refused)
        else:
            return _to_code(request, {"account_no": account_no})
    return _draw_door(request, "cis/portal/sign_in_account.html", form)


def _draw_door(request: HttpRequest, template: str, form: forms.Form) -> HttpResponse:
    goes_to = request.POST.get("next", "") if request.method == "POST" else request.GET.get("next", "")
    context = {
        "form": form,
        "next": goes_to,
        "has_wechat": bool(settings.WECHAT_APP_ID),
        "wechat_is_waiting": WECHAT_WAITING in request.session,
    }
    return render(request, template, context, status=422 if form.errors else 200)


def _to_code(request: HttpRequest, what: dict[str, str]) -> HttpResponse:
    request.session[_SIGNING_IN] = what
    request.session[_GOES_TO] = request.POST.get("next", "")
    return redirect("cis:portal_code")


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Step two: the code."""
    asked: dict[str, str] = request.session.get(_SIGNING_IN) or {}
    if not asked:
        return redirect("cis:portal_sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now, given = timezone.now(), form.cleaned_data["code"]
        try:
            if "telephone" in asked:
                user_id = operations.sign_in(telephone=asked["telephone"], code=given, at=now)
            else:
                user_id = operations.sign_in_by_account(account_no=asked["account_no"], code=given, at=now)
        except Refused as refused:
            refuse(form, refused)
        else:
            goes_to = request.session.get(_GOES_TO, "")
            waiting = request.session.get(WECHAT_WAITING)
            let_in(request, user_id, account_no=asked.get("account_no", ""))
            if waiting:
                _join_wechat(request, user_id, waiting)
            return redirect(own_address(request, goes_to, otherwise=reverse("cis:portal_home")))
    context = {"form": form, "asked": asked, "messages_url": messages_page()}
    return render(request, "cis/portal/code.html", context, status=422 if form.errors else 200)


def _join_wechat(request: HttpRequest, user_id: int, waiting: str) -> None:
    """The person came from WeChat and has now proved a telephone; that they are in stays true if joining is refused."""
    try:
        if portal_wechat.join(user_id=user_id, sealed=waiting, at=timezone.now()):
            messages.success(request, _("以后可以直接用微信登录。"))
    except Refused as refused:
        messages.warning(request, refused.message)


def let_in(request: HttpRequest, user_id: int, *, account_no: str = "") -> None:
    """Begin the person's session under a new key; whatever another person or a clerk left in this browser is gone."""
    request.session.flush()
    # No password was checked, so the backend is named.
    user = get_user_model().objects.get(pk=user_id)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    sessions.begin(
        user_id=user_id,
        session_key=str(request.session.session_key),
        user_agent=request.headers.get("User-Agent", ""),
        at=timezone.now(),
    )
    if account_no:
        request.session[PREFERRED_ACCOUNT] = account_no


def address_of(request: HttpRequest) -> str:
    """The network address that asks."""
    return str(request.META.get("REMOTE_ADDR", ""))


def messages_page() -> str:
    """Where the demonstration shows the messages it sent; empty where real messages are sent."""
    try:
        return reverse("sim_messages")
    except NoReverseMatch:
        return ""


def refuse(form: forms.Form, refused: Refused) -> None:
    """Put a refusal where it belongs: beside the field it points to, else on top."""
    for error in getattr(refused, "errors", ()):
        name = str(error.get("pointer", "")).lstrip("/")
        if name in form.fields:
            form.add_error(name, str(error.get("detail", refused.message)))
            return
    form.add_error(None, refused.message)
