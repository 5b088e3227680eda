"""The door: in, out, and in which language."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language
from django_htmx.http import HttpResponseClientRedirect

from config import navigation
from config.shared.models import User
from config.shared.permissions import may, staff_of


class SignInForm(AuthenticationForm):
    """User name and password, in our words."""

    error_messages = {
        "invalid_login": _("用户名或密码不对，请核对大小写后再试。连续错误会暂时锁定。"),
        "inactive": _("这个账号已停用，请联系管理员。"),
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["username"].label = _("用户名")
        self.fields["password"].label = _("密码")


class SignIn(auth_views.LoginView):
    """The page where everybody signs in; goes on to the page that was asked for."""

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


class SignOut(auth_views.LogoutView):
    """Out, and back to the door one came in by: customers to the portal's, everybody else to the house's."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """End the session."""
        user = request.user
        if isinstance(user, User) and user.kind == User.Kind.CUSTOMER:
            self.next_page = navigation.PORTAL_DOOR
        return super().post(request, *args, **kwargs)


def locked_out(request: HttpRequest, _response: HttpResponse | None = None, *_rest: object) -> HttpResponse:
    """What somebody sees who mistyped too often; called by django-axes."""
    return render(request, "registration/locked.html", {"minutes": 15}, status=429)


def home(request: HttpRequest) -> HttpResponse:
    """The first page each kind of person needs: their console, or the portal."""
    user = staff_of(request)
    is_customer = user.kind == User.Kind.CUSTOMER
    places = navigation.PORTAL if is_customer else navigation.CONSOLE
    wanted = [] if is_customer else list(navigation.FIRST)
    for url_name, permission in [*wanted, *((place.url_name, place.permission) for place in places)]:
        if permission and not may(user, permission):
            continue
        try:
            return redirect(reverse(url_name))
        except NoReverseMatch:
            continue
    return render(request, "shared/no_role.html", status=403)


urlpatterns = [
    path("", home, name="home"),
    path("sign-in/", login_not_required(SignIn.as_view()), name="login"),
    path("sign-out/", SignOut.as_view(), name="logout"),
    path("language/", login_not_required(set_language), name="set_language"),
]
# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "home": "sends each person to their own first page",
    "logout": "everybody may leave",
}
PUBLIC = {
    "login": "the door itself",
    "set_language": "a language is no secret",
}
