"""The console: where connected clients hear of their own payments, and what became of every message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import send_task
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.models.webhooks import OFFERED_KINDS
from payments.operations import webhooks
from payments.operations.channel_clients import MANAGE
from payments.queries.webhooks import get_endpoint, kind_choices, list_endpoints

_REPLAY_BACK = timedelta(days=1)


class EndpointForm(forms.Form):
    """Where to, and what of."""

    url = forms.CharField(
        label=gettext_lazy("推送地址"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "inputmode": "url"}),
        help_text=gettext_lazy("https 开头的公网地址，由对方提供。不跟随跳转，不发往内部网络。"),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("推送哪些事件"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("只推送这个接入方自己的缴费和对账，不含客户资料。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"].choices = kind_choices(OFFERED_KINDS)  # type: ignore[attr-defined]


class ReplayForm(forms.Form):
    """From when on what was given up is sent once more."""

    since = forms.DateTimeField(
        label=gettext_lazy("从什么时候起"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


def _scope(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), MANAGE)


@never_cache
@require_safe
@requires(MANAGE)
def webhook_list(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Every endpoint of a client."""
    page = list_endpoints(channel_code, within=_scope(request))
    return render(request, "payments/webhooks/list.html", {"page": page})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def webhook_new(request: HttpRequest, channel_code: str) -> HttpResponse:
    """A new endpoint; its secret is shown once."""
    scope = _scope(request)
    page = list_endpoints(channel_code, within=scope)
    form = EndpointForm(request.POST if request.method == "POST" else None, initial={"kinds": list(OFFERED_KINDS)})
    if form.is_bound and form.is_valid():
        try:
            made = webhooks.add_endpoint(
                code=channel_code,
                url=form.cleaned_data["url"],
                kinds=form.cleaned_data["kinds"],
                by_id=staff_of(request).pk,
                within=scope,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except (Refused, BadInput) as refused:
            form.add_error(None, refused.message)
        else:
            return _show_secret(request, channel_code, made.endpoint_id, made.secret)
    context = {"form": form, "page": page}
    return render(request, "payments/webhooks/new.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@requires(MANAGE)
def webhook(request: HttpRequest, channel_code: str, endpoint_id: int) -> HttpResponse:
    """One endpoint and what was sent to it."""
    return _draw(request, channel_code, endpoint_id)


def _draw(
    request: HttpRequest, channel_code: str, endpoint_id: int, *, fault: str = "", status: int = 200
) -> HttpResponse:
    now = timezone.now()
    page = get_endpoint(
        channel_code, endpoint_id, within=_scope(request), at=now, is_dead_only=request.GET.get("show") == "dead"
    )
    replay_form = ReplayForm(initial={"since": timezone.localtime(now - _REPLAY_BACK)})
    context = {"page": page, "row": page.row, "fault": fault, "replay_form": replay_form}
    return render(request, "payments/webhooks/endpoint.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def webhook_change(request: HttpRequest, channel_code: str, endpoint_id: int) -> HttpResponse:
    """Another address, or other kinds of events."""
    scope = _scope(request)
    page = get_endpoint(channel_code, endpoint_id, within=scope, at=timezone.now())
    initial = {"url": page.row.url, "kinds": list(page.kinds)}
    form = EndpointForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            webhooks.change_endpoint(
                code=channel_code,
                endpoint_id=endpoint_id,
                url=form.cleaned_data["url"],
                kinds=form.cleaned_data["kinds"],
                within=scope,
            )
        except NotFound:
            raise
        except (Refused, BadInput) as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("推送地址已更新。"))
            return redirect("payments:webhook", channel_code=channel_code, endpoint_id=endpoint_id)
    context = {"form": form, "page": page}
    return render(request, "payments/webhooks/change.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def webhook_secret(request: HttpRequest, channel_code: str, endpoint_id: int) -> HttpResponse:
    """Another secret beside the one in use; it is shown once."""
    try:
        secret = webhooks.rotate_secret(
            code=channel_code, endpoint_id=endpoint_id, within=_scope(request), at=timezone.now()
        )
    except NotFound:
        raise
    except Refused as refused:
        return _draw(request, channel_code, endpoint_id, fault=refused.message, status=422)
    return _show_secret(request, channel_code, endpoint_id, secret)


def _show_secret(request: HttpRequest, channel_code: str, endpoint_id: int, secret: str) -> HttpResponse:
    page = get_endpoint(channel_code, endpoint_id, within=_scope(request), at=timezone.now())
    return render(request, "payments/webhooks/secret.html", {"page": page, "row": page.row, "secret": secret})


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def webhook_act(request: HttpRequest, channel_code: str, endpoint_id: int) -> HttpResponse:
    """Switch on or off, drop the secret before, send a test, send again: `act` says which."""
    try:
        messages.success(request, _act(request, channel_code, endpoint_id))
    except NotFound:
        raise
    except (Refused, BadInput) as refused:
        return _draw(request, channel_code, endpoint_id, fault=refused.message, status=422)
    send_task("payments.tasks.send_webhooks", expires_s=60)
    return redirect("payments:webhook", channel_code=channel_code, endpoint_id=endpoint_id)


class _NoSuchAct(BadInput):
    """The form named no act of an endpoint."""

    code = "no-such-act"


def _act(request: HttpRequest, code: str, endpoint_id: int) -> str:
    """Do what the form asks; what to say of it."""
    act, scope, now = request.POST.get("act", ""), _scope(request), timezone.now()
    if act in ("on", "off"):
        webhooks.switch_endpoint(code=code, endpoint_id=endpoint_id, is_on=act == "on", within=scope, at=now)
        return _("已启用，新的事件从现在起推送。") if act == "on" else _("已停用，没送到的事件都留着，可以重发。")
    if act == "drop":
        webhooks.drop_old_secret(code=code, endpoint_id=endpoint_id, within=scope)
        return _("旧密钥已作废，从现在起只用新密钥签名。")
    if act == "test":
        webhooks.send_test(code=code, endpoint_id=endpoint_id, within=scope, at=now)
        return _("测试事件已发出，几秒后刷新看结果。")
    if act == "again" and request.POST.get("message", "").isdecimal():
        webhooks.replay(
            code=code, endpoint_id=endpoint_id, message_id=int(request.POST["message"][:18]), within=scope, at=now
        )
        return _("这条事件正在重发，事件编号不变。")
    form = ReplayForm(request.POST)
    if act == "dead" and form.is_valid():
        count = webhooks.replay_dead(
            code=code, endpoint_id=endpoint_id, since=form.cleaned_data["since"], within=scope, at=now
        )
        return ngettext("正在重发 %(count)s 条。", "正在重发 %(count)s 条。", count) % {"count": count}
    raise _NoSuchAct(_("请填写时间，例如 2026-11-23 09:00。"))
