"""What customers were told, as a part of the customer's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cis.queries.audit import record_of
from cis.queries.customers import account_id_of, get_head
from cis.queries.notices import list_account_messages
from cis.web.ways_back import back_to
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part

_SHOWN = 10
_BESIDE = 3


@never_cache
@require_safe
@requires("cis.view_customer")
def account_messages(request: HttpRequest, account_no: str) -> HttpResponse:
    """The newest messages about an account: what, how, whether it arrived."""
    head = get_head(account_no)
    context = {"head": head, "rows": list_account_messages(account_no=account_no, limit=_SHOWN)}
    saw(request, record_of(head.account_id))
    return render_part(
        request,
        "cis/_account_messages.html",
        context,
        title=_("发给客户的消息"),
        aside="cis/_aside.html",
        back=back_to(account_no),
    )


@never_cache
@require_safe
@requires("cis.view_customer")
def account_contacts(request: HttpRequest, account_no: str) -> HttpResponse:
    """The last few messages, for the column beside every page of the customer."""
    rows = list_account_messages(account_no=account_no, limit=_BESIDE)
    saw(request, record_of(account_id_of(account_no)))
    return render_part(request, "cis/parts/_contacts.html", {"rows": rows}, title=_("最近联系"))
