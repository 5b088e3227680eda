"""
Asking again who somebody is, before an act that cannot be taken lightly.

The page that asks carries along what was typed, so that the act goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django_htmx.http import retarget

from config.shared import lockout, proofs, second_factors
from config.shared.errors import Refused
from config.shared.models import User
from config.shared.permissions import staff_of
from config.shared.web.sign_in_locked import locked_out

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_OWN = ("step_up", "step_up_password", "step_up_code", "step_up_credential", "csrfmiddlewaretoken")
_SAFE = ("GET", "HEAD", "OPTIONS")


class WrongPassword(Refused):
    """Not the password of whoever is signed in."""

    code = "wrong-password"
    status = 422


def requires_step_up(view: View[P]) -> View[P]:
    """
    Before an act (a request that changes something) the person proves again who they are, unless they just did.

    Stands below `requires`: only who may act at all is asked.
    """
    return _asking(view, on_opening=False)


def opens_with_step_up(view: View[P]) -> View[P]:
    """Like `requires_step_up`, and the page is not even shown before."""
    return _asking(view, on_opening=True)


def _asking(view: View[P], *, on_opening: bool) -> View[P]:
    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user, now = staff_of(request), timezone.now()
        is_answer = request.method == "POST" and "step_up" in request.POST
        if not is_answer:
            if request.method in _SAFE and not on_opening:
                return view(request, *args, **kwargs)
            factors = second_factors.factors_of(user_id=user.pk)
            if proofs.is_fresh(request, needs_second_factor=factors.any, at=now):
                return view(request, *args, **kwargs)
            return _ask(request, factors)
        refusal = _check(request, user)
        if refusal is not None:
            return refusal
        if request.POST["step_up"] in _SAFE:
            return redirect(request.get_full_path())
        return view(request, *args, **kwargs)

    setattr(checked, "asks_step_up", True)  # noqa: B010 - a mark that tests read
    return cast("View[P]", sensitive_post_parameters("step_up_password", "step_up_code")(checked))


def _check(request: HttpRequest, user: User) -> HttpResponse | None:
    """Note the proof; the page that asks again, or says that it is locked, when there is none."""
    now = timezone.now()
    if lockout.is_locked(request, user.username):
        return locked_out(request)
    factors = second_factors.factors_of(user_id=user.pk)
    try:
        if request.POST.get("step_up_credential"):
            second_factors.check_passkey(
                request=request, credential=request.POST["step_up_credential"], at=now, user=user
            )
            proof = proofs.Proof.PASSKEY
        elif factors.any:
            second_factors.check_code(user_id=user.pk, code=request.POST.get("step_up_code", ""), at=now)
            proof = proofs.Proof.CODE
        else:
            if not user.check_password(request.POST.get("step_up_password", "")):
                raise WrongPassword(_("密码不对，请再试。连续错误会暂时锁定。"))
            proof = proofs.Proof.PASSWORD
    except Refused as refused:
        lockout.count_mistake(request, user.username)
        if lockout.is_locked(request, user.username):
            return locked_out(request)
        return _ask(request, factors, refused.message)
    proofs.stamp(request, proof, at=now)
    return None


def _ask(request: HttpRequest, factors: second_factors.Factors, error: str = "") -> HttpResponse:
    carried = [(name, value) for name, values in request.POST.lists() if name not in _OWN for value in values]
    context: dict[str, Any] = {
        "factors": factors,
        "error": error,
        "carried": carried,
        "method": request.POST.get("step_up", request.method),
        "passkey_question": second_factors.passkey_question(user=staff_of(request)) if factors.passkeys else None,
    }
    # 422: the form came back because something is missing.
    answer = render(request, "registration/step_up.html", context, status=422)
    return retarget(answer, "body") if getattr(request, "htmx", None) else answer
