"""What pages of the customer portal share: customers only, their own way in, nothing kept by a browser."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from config.navigation import PORTAL_OFFERS, Offer
from config.shared.errors import NotFound
from config.shared.models import User
from config.shared.web.parts import address_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

SIGN_IN = "cis:portal_sign_in"
# Which of their accounts a customer looks at; only a preference, checked at every use.
PREFERRED_ACCOUNT = "portal_account_no"


def for_customers(view: View[P]) -> View[P]:
    """Let in customers; who is not signed in goes to the portal's own door, anybody else finds nothing here."""

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not isinstance(request.user, User) or request.user.kind != User.Kind.CUSTOMER:
            raise NotFound(_("这里只有客户自己能看。"))
        return view(request, *args, **kwargs)

    setattr(checked, "login_url", SIGN_IN)  # noqa: B010 - a mark that LoginRequiredMiddleware reads
    setattr(checked, "is_for_customers", True)  # noqa: B010 - a mark that the table of permissions reads
    return cast("View[P]", checked)


def preferred_account(request: HttpRequest) -> str:
    """The account number the customer chose last; may be empty or no longer theirs."""
    return str(request.session.get(PREFERRED_ACCOUNT, ""))


def offered(rights: Collection[str], *, on_home: bool = False) -> list[tuple[Offer, str]]:
    """The pages of other apps that somebody with these rights is led to, with their addresses."""
    wanted = (
        one for one in PORTAL_OFFERS if (one.is_on_home or not on_home) and (not one.right or one.right in rights)
    )
    return [(one, url) for one in wanted if (url := address_of(one.url_name))]
