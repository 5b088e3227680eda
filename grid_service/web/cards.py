"""The manager's card: who answers for a place now; a part of the portal, the 360, bills on screen and paper."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.queries import portal
from cis.queries.customers import account_id_of
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import render_part
from config.shared.web.portal_pages import for_customers
from grid_service.queries.territory import who_serves_account
from grid_service.queries.working_hours import is_working_time


def card_of(account_id: int) -> dict[str, Any]:
    """What `_card.html` shows: who serves the account at this moment, when, and who else answers."""
    now = timezone.now()
    return {
        "served": who_serves_account(account_id, at=now),
        "duty_hours": " – ".join(settings.GRID_DUTY_HOURS),
        "is_on_duty": is_working_time(now),
        "hotline": settings.SERVICE_HOTLINE,
        "supervision": settings.SUPERVISION_LINE,
    }


@for_customers
@require_safe
def portal_card(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card of an account of one's own; empty for somebody who only pays for it."""
    account = portal.my_account(user_id=staff_of(request).pk, account_no=account_no, today=timezone.localdate())
    context = {**card_of(account.account_id), "lives_there": account.lives_there}
    return render_part(request, "grid_service/portal/_card_part.html", context, title=_("我的片区经理"))


@requires("cis.view_customer")
@require_safe
def account_card(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card beside a customer and a bill."""
    account_id = account_id_of(account_no)
    saw(request, f"account:{account_id}")
    return render_part(request, "grid_service/parts/_card.html", card_of(account_id), title=_("片区经理"))


@requires("cis.view_customer")
@require_safe
def card_on_paper(request: HttpRequest, account_no: str) -> HttpResponse:
    """The card at the foot of a printed bill."""
    account_id = account_id_of(account_no)
    saw(request, f"account:{account_id}")
    return render(request, "grid_service/parts/_card_on_paper.html", card_of(account_id))
