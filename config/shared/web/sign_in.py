"""The staff's door: in, by one or two steps; out; and in which language."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django.views.i18n import set_language
from django_htmx.http import HttpResponseClientRedirect

from config import navigation
from config.shared import lockout, second_factors
from config.shared.errors import Refused
from config.shared.models import User
from config.shared.proofs import Proof
from config.shared.web.own_addresses import own_address
from config.shared.web.sign_in_locked import locked_out
from config.shared.web.staff_sessions import close_session, open_session

_HALFWAY = "second_factor_of"
_HALFWAY_LASTS = timedelta(minutes=5)


class SignInForm(AuthenticationForm):
    """User name and password, in our words; for staff only, and nobody learns whether a name exists."""

    error_messages = {
        "invalid_login": gettext_lazy("用户名或密码不对，请核对大小写后再试。连续错误会暂时锁定。"),
        "inactive": gettext_lazy("这个账号已停用，请联系管理员。"),
        "expired": gettext_lazy("临时密码已经过期，请管理员重新设一个。"),
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["username"].label = gettext_lazy("用户名")
        self.fields["password"].label = gettext_lazy("密码")

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """
        Customers have a door of their own; a temporary password lets in for a day.

        :raises ValidationError: not this way
        """
        super().confirm_login_allowed(user)  # type: ignore[arg-type]
        if not isinstance(user, User) or user.kind != User.Kind.STAFF:
            raise self.get_invalid_login_error()
        if user.password_until is not None and user.password_until <= timezone.now():
            raise forms.ValidationError(self.error_messages["expired"], code="expired")


class SignIn(auth_views.LoginView):
    """The page where staff sign in; goes on to the second factor, or to the page that was asked for."""

    form_class = SignInForm
    redirect_authenticated_user = True
    template_name = "registration/login.html"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """A part that found the session ended sends the whole page here, and back to where it was."""
        htmx = getattr(request, "htmx", None)
        if htmx and request.method == "GET":
            page = htmx.current_url_abs_path or request.GET.get("next", "/")
            return HttpResponseClientRedirect(f"{reverse('login')}?{urlencode({'next': page}, safe='/')}")
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs know a later signature
        """The page that was asked for; the door itself leads nowhere."""
        wanted: str = super().get_redirect_url()
        return "" if wanted.partition("?")[0] == self.request.path else wanted

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password is right: in, or on to the second factor."""
        user = form.get_user()
        assert isinstance(user, User)  # noqa: S101 - SignInForm lets in nobody else
        return after_first_step(self.request, user, next_url=self.get_success_url(), proof=Proof.PASSWORD)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Whether there is another door to offer."""
        return {**super().get_context_data(**kwargs), "single_sign_on": bool(settings.OIDC_ISSUER)}


class SignOut(auth_views.LogoutView):
    """Out, and back to the door one came in by: customers to the portal's, everybody else to the house's."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """End the session."""
        user = request.user
        if isinstance(user, User) and user.kind == User.Kind.CUSTOMER:
            self.next_page = navigation.PORTAL_DOOR
        close_session(request)
        return super().post(request, *args, **kwargs)


def after_first_step(request: HttpRequest, user: User, *, next_url: str, proof: Proof) -> HttpResponse:
    """In, or on to the second factor if the person has one."""
    if not second_factors.has_any(user_id=user.pk):
        open_session(request, user, proof=proof)
        return HttpResponseRedirect(next_url)
    request.session[_HALFWAY] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "next": next_url,
        "at": timezone.now().isoformat(),
    }
    return redirect("second_factor")


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The second step: a code, a recovery code or a passkey."""
    user, next_url = _halfway(request)
    if user is None:
        messages.warning(request, _("登录只等五分钟，请重新输入用户名和密码。"))
        return redirect("login")
    if lockout.is_locked(request, user.username):
        return locked_out(request)
    error = ""
    if request.method == "POST":
        now = timezone.now()
        try:
            if request.POST.get("credential"):
                second_factors.check_passkey(request=request, credential=request.POST["credential"], at=now, user=user)
                proof = Proof.PASSKEY
            else:
                second_factors.check_code(user_id=user.pk, code=request.POST.get("code", ""), at=now)
                proof = Proof.CODE
        except Refused as refused:
            lockout.count_mistake(request, user.username)
            if lockout.is_locked(request, user.username):
                return locked_out(request)
            error = refused.message
        else:
            del request.session[_HALFWAY]
            open_session(request, user, proof=proof)
            return HttpResponseRedirect(next_url)
    factors = second_factors.factors_of(user_id=user.pk)
    return render(
        request,
        "registration/second_factor.html",
        {
            "factors": factors,
            "error": error,
            "passkey_question": second_factors.passkey_question(user=user) if factors.passkeys else None,
        },
        status=422 if error else 200,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """A passkey alone: GET asks (JSON for the browser), POST answers. It is two factors: the device, and its owner."""
    if request.method != "POST":
        return JsonResponse(second_factors.passkey_question(user=None))
    wanted = request.POST.get("next", "")
    try:
        user = second_factors.check_passkey(
            request=request, credential=request.POST.get("credential", ""), at=timezone.now()
        )
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect(f"{reverse('login')}?{urlencode({'next': wanted}, safe='/')}" if wanted else "login")
    if user.kind != User.Kind.STAFF or lockout.is_locked(request, user.username):
        return locked_out(request)
    open_session(request, user, proof=Proof.PASSKEY)
    return HttpResponseRedirect(own_address(request, wanted))


def _halfway(request: HttpRequest) -> tuple[User | None, str]:
    kept: dict[str, Any] | None = request.session.get(_HALFWAY)
    if not kept or timezone.now() - datetime.fromisoformat(kept["at"]) > _HALFWAY_LASTS:
        return None, "/"
    user = User.objects.filter(pk=kept["user"], is_active=True, kind=User.Kind.STAFF).first()
    # A password that was changed meanwhile is no first step any more.
    is_valid = user is not None and constant_time_compare(user.get_session_auth_hash(), kept["hash"])
    return (user, kept["next"]) if is_valid else (None, "/")


urlpatterns = [
    path("sign-in/", login_not_required(SignIn.as_view()), name="login"),
    path("sign-in/second-factor/", login_not_required(second_factor), name="second_factor"),
    path("sign-in/passkey/", login_not_required(passkey_sign_in), name="passkey_sign_in"),
    path("sign-out/", SignOut.as_view(), name="logout"),
    path("language/", login_not_required(set_language), name="set_language"),
]
# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "logout": "everybody may leave",
}
PUBLIC = {
    "login": "the door itself",
    "second_factor": "the door's second step, for who has taken the first",
    "passkey_sign_in": "the door, opened with a passkey",
    "set_language": "a language is no secret",
}
