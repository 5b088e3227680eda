"""A member of staff's own account: password, second factors, where one is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared import lockout, passwords, proofs, second_factors, sessions
from config.shared.errors import NotFound, Refused
from config.shared.models import StaffSession, User
from config.shared.permissions import staff_of
from config.shared.web.sign_in_locked import locked_out
from config.shared.web.staff_sessions import current_id, key_renewed
from config.shared.web.step_up import opens_with_step_up, requires_step_up

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_APP_SECRET = "authenticator_secret"  # noqa: S105 (the name of a place)


def for_staff(view: View[P]) -> View[P]:
    """Let in staff; a customer finds nothing here. Nothing of it is kept by a browser."""

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if staff_of(request).kind != User.Kind.STAFF:
            raise NotFound(_("这里只有员工能看。"))
        return view(request, *args, **kwargs)

    return cast("View[P]", checked)


class PasswordForm(forms.Form):
    """The old password, and the new one twice."""

    old = forms.CharField(
        label=gettext_lazy("现在的密码"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("新密码"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("至少 8 位，不能全是数字，也不能是常见密码或与用户名相近。"),
    )
    again = forms.CharField(
        label=gettext_lazy("再输一遍新密码"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_new(self) -> str:
        """What the house asks of a password."""
        new = str(self.cleaned_data["new"])
        password_validation.validate_password(new, self.user)
        return new

    def clean(self) -> dict[str, Any]:
        """Both must be the same, and not the old one."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("new") and cleaned.get("again") and cleaned["new"] != cleaned["again"]:
            self.add_error("again", _("两次输入的新密码不一样，请重新输入。"))
        if cleaned.get("new") and cleaned["new"] == cleaned.get("old"):
            self.add_error("new", _("新密码要和现在的不一样。"))
        return cleaned


class CodeForm(forms.Form):
    """What the authenticator app shows."""

    code = forms.CharField(
        label=gettext_lazy("应用里现在显示的六位数字"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input-code"}),
    )


class PasskeyForm(forms.Form):
    """What a new passkey is called."""

    name = forms.CharField(
        label=gettext_lazy("这把通行密钥的名字"),
        max_length=50,
        help_text=gettext_lazy("例如“办公室电脑”“蓝色 U 盾”，以后凭它认出是哪一把。"),
    )
    credential = forms.CharField(max_length=20_000, widget=forms.HiddenInput)


@require_safe
@for_staff
def account(request: HttpRequest) -> HttpResponse:
    """Everything about one's own sign-in on one page."""
    user = staff_of(request)
    return render(
        request,
        "registration/account.html",
        {
            "factors": second_factors.factors_of(user_id=user.pk),
            "sessions": sessions.list_sessions(user_id=user.pk, current_id=current_id(request)),
            "username": user.username,
            "must_set_up": second_factors.is_required_of(user) and not proofs.has_second_factor(request),
        },
    )


@sensitive_post_parameters("old", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
@for_staff
def password(request: HttpRequest) -> HttpResponse:
    """Another password; every other session of the person ends."""
    user = staff_of(request)
    form = PasswordForm(request.POST or None, user=user)
    if lockout.is_locked(request, user.username):
        return locked_out(request)
    if request.method == "POST" and form.is_valid():
        if not user.check_password(form.cleaned_data["old"]):
            lockout.count_mistake(request, user.username)
            form.add_error("old", _("现在的密码不对，请再试。连续错误会暂时锁定。"))
        else:
            changed = passwords.change_password(
                user_id=user.pk, new=form.cleaned_data["new"], but_session_id=current_id(request), at=timezone.now()
            )
            update_session_auth_hash(request, changed)
            key_renewed(request)
            messages.success(request, _("密码已更换，别处的登录都已退出。"))
            return redirect("own_account")
    return render(
        request,
        "registration/password.html",
        {"form": form, "must_change": user.must_change_password, "username": user.username},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_staff
@opens_with_step_up
def authenticator(request: HttpRequest) -> HttpResponse:
    """Tie an authenticator app: show its secret, and take the code that proves it has it."""
    user = staff_of(request)
    secret = request.session.get(_APP_SECRET) or second_factors.new_app_secret()
    request.session[_APP_SECRET] = secret
    form = CodeForm(request.POST if "code" in request.POST else None)
    if form.is_bound and form.is_valid():
        now = timezone.now()
        try:
            codes = second_factors.add_app(user_id=user.pk, secret=secret, code=form.cleaned_data["code"], at=now)
        except Refused as refused:
            form.add_error("code", refused.message)
        else:
            del request.session[_APP_SECRET]
            return _added(request, proofs.Proof.CODE, codes, _("动态码应用已绑定，下次登录时要填它显示的数字。"))
    return render(
        request,
        "registration/authenticator.html",
        {"form": form, "setup": second_factors.app_setup(username=user.username, secret=secret)},
        status=422 if form.errors else 200,
    )


@require_POST
@for_staff
@requires_step_up
def authenticator_remove(request: HttpRequest) -> HttpResponse:
    """Untie the authenticator app."""
    second_factors.remove_app(user_id=staff_of(request).pk)
    messages.success(request, _("动态码应用已移除。"))
    return redirect("own_account")


@require_http_methods(["GET", "HEAD", "POST"])
@for_staff
@opens_with_step_up
def passkeys(request: HttpRequest) -> HttpResponse:
    """Add a passkey: the browser makes it, the person names it."""
    user = staff_of(request)
    form = PasskeyForm(request.POST if "credential" in request.POST else None)
    if form.is_bound and form.is_valid():
        try:
            codes = second_factors.add_passkey(
                user_id=user.pk,
                name=form.cleaned_data["name"],
                credential=form.cleaned_data["credential"],
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            return _added(request, proofs.Proof.PASSKEY, codes, _("通行密钥已添加，下次可以直接用它登录。"))
    return render(
        request,
        "registration/passkey_add.html",
        {"form": form, "passkey_question": second_factors.passkey_offer(user=user)},
        status=422 if form.errors else 200,
    )


@require_POST
@for_staff
@requires_step_up
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Take a passkey away."""
    second_factors.remove_passkey(user_id=staff_of(request).pk, passkey_id=passkey_id)
    messages.success(request, _("通行密钥已移除。"))
    return redirect("own_account")


@require_POST
@for_staff
@requires_step_up
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes; shown this once."""
    codes = second_factors.renew_recovery_codes(user_id=staff_of(request).pk, at=timezone.now())
    return render(request, "registration/recovery_codes.html", {"codes": codes})


@require_POST
@for_staff
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out somewhere else."""
    user = staff_of(request)
    sessions.end_one(
        session_id=session_id,
        end=StaffSession.End.ENDED_ELSEWHERE,
        at=timezone.now(),
        by_id=user.pk,
        user_id=user.pk,
    )
    messages.success(request, _("那个登录已退出，那台设备再点任何一处都要重新登录。"))
    return redirect("own_account")


@require_POST
@for_staff
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    user = staff_of(request)
    ended = sessions.end_all(
        user_id=user.pk,
        end=StaffSession.End.ENDED_ELSEWHERE,
        at=timezone.now(),
        by_id=user.pk,
        but_id=current_id(request),
    )
    messages.success(request, _("已退出别处的 %(number)s 个登录。") % {"number": ended})
    return redirect("own_account")


def _added(request: HttpRequest, proof: proofs.Proof, codes: list[str], said: str) -> HttpResponse:
    # Having just used it is a proof, and the session is one with a second factor from now on.
    proofs.stamp(request, proof, at=timezone.now())
    messages.success(request, said)
    if not codes:
        return redirect("own_account")
    return render(request, "registration/recovery_codes.html", {"codes": codes})


urlpatterns = [
    path("account/", account, name="own_account"),
    path("account/password/", password, name="own_password"),
    path("account/authenticator/", authenticator, name="own_authenticator"),
    path("account/authenticator/remove/", authenticator_remove, name="own_authenticator_remove"),
    path("account/passkeys/", passkeys, name="own_passkeys"),
    path("account/passkeys/<int:passkey_id>/remove/", passkey_remove, name="own_passkey_remove"),
    path("account/recovery-codes/", recovery_codes, name="own_recovery_codes"),
    path("account/sessions/<int:session_id>/end/", session_end, name="own_session_end"),
    path("account/sessions/end/", sessions_end, name="own_sessions_end"),
]
# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    name: "one's own account, whatever one's role"
    for name in (
        "own_account",
        "own_password",
        "own_authenticator",
        "own_authenticator_remove",
        "own_passkeys",
        "own_passkey_remove",
        "own_recovery_codes",
        "own_session_end",
        "own_sessions_end",
    )
}
