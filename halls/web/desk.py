"""The clerk's side: open a counter, call, serve; the bar that stands on every page of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.parts import render_part
from halls import operations
from halls.queries import desk
from halls.web.forms import PauseForm, TransferForm


@never_cache
@require_safe
@requires("halls.call_tickets")
def queue(request: HttpRequest) -> HttpResponse:
    """One's counter and who waits; without a counter, the counters one may open."""
    user = staff_of(request)
    own = desk.get_desk(user.pk, at=timezone.now())
    context: dict[str, Any] = {"desk": own, "transfer": TransferForm(own.kinds), "pause": PauseForm()}
    if own.counter is None:
        context["counters"] = desk.list_counters(within=scope_of(user, "halls.call_tickets"))
    return render_part_or_page(request, part="halls/_desk.html", page="halls/desk.html", context=context)


@never_cache
@require_safe
@requires("halls.call_tickets")
def bar(request: HttpRequest) -> HttpResponse:
    """Who is being served and the next one's key, in the head of every page of the console."""
    own = desk.get_desk(staff_of(request).pk, at=timezone.now())
    return render_part(request, "halls/_bar.html", {"desk": own}, title=_("叫号"))


@never_cache
@require_POST
@requires("halls.call_tickets")
def call(request: HttpRequest) -> HttpResponse:
    """Next: finish whom one serves, call the next, and open who that is where the house knows it."""
    try:
        called = operations.call_next(clerk_id=staff_of(request).pk, at=timezone.now())
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect("halls:queue")
    if called is None:
        messages.info(request, _("已办结。现在没有这个窗口能办的号。"))
        return redirect("halls:queue")
    messages.success(
        request, _("已叫 %(number)s 号到 %(counter)s 号窗口。") % {"number": called.number, "counter": called.counter}
    )
    account_no = desk.account_no_of(called.account_id)
    return redirect("cis:account", account_no=account_no) if account_no else redirect("halls:queue")


def _act(name: str, do: Callable[[HttpRequest], str]) -> Callable[[HttpRequest], HttpResponseBase]:
    """A page that does one act of the clerk's and leads back to the queue; a refusal is said there."""

    def view(request: HttpRequest) -> HttpResponse:
        try:
            said = do(request)
        except NotFound:
            raise
        except Refused as refused:
            messages.warning(request, refused.message)
        else:
            messages.success(request, said)
        return redirect("halls:queue")

    view.__name__ = name
    view.__doc__ = do.__doc__
    # Read by the walk of addresses like any other page's.
    return never_cache(require_POST(requires("halls.call_tickets")(view)))


def _recall(request: HttpRequest) -> str:
    """Call the same number again."""
    called = operations.recall(clerk_id=staff_of(request).pk, at=timezone.now())
    return _("已重呼 %(number)s 号。") % {"number": called.number}


def _miss(request: HttpRequest) -> str:
    """Nobody came."""
    operations.miss(clerk_id=staff_of(request).pk, at=timezone.now())
    return _("已过号。客户 %(minutes)s 分钟内回来可以重新排队。") % {"minutes": settings.HALLS_RETURN_WITHIN_S // 60}


def _start(request: HttpRequest) -> str:
    """The customer is here."""
    called = operations.start_serving(clerk_id=staff_of(request).pk, at=timezone.now())
    return _("开始办理 %(number)s 号。") % {"number": called.number}


def _finish(request: HttpRequest) -> str:
    """The service is over."""
    return _("%(number)s 号已办结。") % {"number": operations.finish(clerk_id=staff_of(request).pk, at=timezone.now())}


def _transfer(request: HttpRequest) -> str:
    """Send the customer on."""
    number = operations.transfer(clerk_id=staff_of(request).pk, kind=request.POST.get("kind", ""), at=timezone.now())
    return _("%(number)s 号已转办，等候时间接着算。") % {"number": number}


def _open(request: HttpRequest) -> str:
    """Open a counter, or end its break."""
    user = staff_of(request)
    counter_id = request.POST.get("counter_id", "")
    number = operations.open_counter(
        counter_id=int(counter_id) if counter_id.isdecimal() and len(counter_id) < 19 else None,
        clerk_id=user.pk,
        within=scope_of(user, "halls.call_tickets"),
        at=timezone.now(),
    )
    return _("%(number)s 号窗口已开放。") % {"number": number}


def _pause(request: HttpRequest) -> str:
    """Take a break."""
    operations.pause_counter(clerk_id=staff_of(request).pk, reason=request.POST.get("reason", ""), at=timezone.now())
    return _("窗口已暂停。")


def _close(request: HttpRequest) -> str:
    """Leave the counter."""
    operations.close_counter(clerk_id=staff_of(request).pk, at=timezone.now())
    return _("窗口已关闭。")


recall = _act("recall", _recall)
miss = _act("miss", _miss)
start = _act("start", _start)
finish = _act("finish", _finish)
transfer = _act("transfer", _transfer)
open_counter = _act("open_counter", _open)
pause = _act("pause", _pause)
close = _act("close", _close)


@never_cache
@require_safe
@requires("halls.call_tickets")
def to_do(request: HttpRequest) -> HttpResponse:
    """The queue as a part of the home page."""
    own = desk.get_desk(staff_of(request).pk, at=timezone.now())
    return render_part(request, "halls/_to_do.html", {"desk": own}, title=_("叫号"))
