"""The console: banks, agents and integrators that collect for us."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared import people_queries
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.models import ChannelClient
from payments.operations import channel_clients
from payments.operations.channel_clients import EVERYWHERE, MANAGE, Contract
from payments.queries.channel_clients import ClientPage, get_client, list_clients, refused_notices
from payments.signing.request_signature import ALGORITHMS, is_offered

_CLOCK = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class ContractForm(forms.Form):
    """What is agreed with a client; every number is the contract's, no public rule names one."""

    name = forms.CharField(label=gettext_lazy("名称"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("类型"), choices=ChannelClient.Kind.choices)
    networks = forms.CharField(
        label=gettext_lazy("来源网络"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "一行一个，例如 203.0.113.0/24。其他地址发来的请求一律拒绝。正式接入方 IPv4 不大于 /8，IPv6 不大于 /16。"
        ),
    )
    fingerprints = forms.CharField(
        label=gettext_lazy("客户端证书指纹"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("SHA-256，一行一个。不填就不核对证书。"),
    )
    cutoff_time = forms.TimeField(
        label=gettext_lazy("日切时间"),
        required=False,
        widget=_CLOCK,
        help_text=gettext_lazy("这个时间起算下一个账务日期，不填是零点。"),
    )
    days_apart = forms.IntegerField(label=gettext_lazy("账务日期最多相差几天"), min_value=0, max_value=7, initial=1)
    reversal_days = forms.IntegerField(
        label=gettext_lazy("几天内可以冲正"),
        min_value=0,
        max_value=7,
        initial=0,
        help_text=gettext_lazy("0 是只能当日冲正。"),
    )
    blackout_from = forms.TimeField(label=gettext_lazy("批量代扣开始"), required=False, widget=_CLOCK)
    blackout_until = forms.TimeField(
        label=gettext_lazy("批量代扣结束"),
        required=False,
        widget=_CLOCK,
        help_text=gettext_lazy("这段时间不能查询和缴费，避免重复扣款。"),
    )
    queries_per_minute = forms.IntegerField(label=gettext_lazy("每分钟最多查询"), min_value=1, initial=600)
    payments_per_minute = forms.IntegerField(label=gettext_lazy("每分钟最多缴费和冲正"), min_value=1, initial=1200)
    account_queries_per_hour = forms.IntegerField(label=gettext_lazy("同一户号每小时最多查询"), min_value=1, initial=60)

    def contract(self, area_ids: list[int]) -> Contract:
        """What was typed."""
        typed = dict(self.cleaned_data)
        return Contract(
            area_ids=area_ids,
            networks=typed.pop("networks").split(),
            fingerprints=typed.pop("fingerprints").split(),
            **{name: value for name, value in typed.items() if name in Contract.__slots__},
        )


class NewClientForm(ContractForm):
    """A client to be: what it is called in messages, for trying out or for real, where it collects."""

    code = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{1,15}$",
        label=gettext_lazy("代号"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        help_text=gettext_lazy("2 到 16 个小写字母、数字、横线，例如 icbc。以后不能改。"),
    )
    use = forms.ChoiceField(
        label=gettext_lazy("用途"),
        choices=(
            ("sandbox", gettext_lazy("沙箱：马上可用，密钥当场生成")),
            ("productive", gettext_lazy("正式：先停用，另一人审批后启用")),
        ),
        initial="sandbox",
        widget=forms.RadioSelect,
    )
    area = forms.TypedChoiceField(label=gettext_lazy("开通地区"), coerce=int)
    algorithm = forms.ChoiceField(
        label=gettext_lazy("签名算法"), choices=[(name, name) for name in ALGORITHMS if is_offered(name)]
    )
    field_order = ("code", "name", "kind", "use", "area", "algorithm", "networks")

    def __init__(self, *args: Any, units: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = units  # type: ignore[attr-defined]
        if settings.SIMULATORS:
            self.fields["networks"].initial = "\n".join(EVERYWHERE)
        else:
            # The operation refuses it as well; a choice that never works is not offered.
            use = self.fields["use"]
            use.choices, use.initial = use.choices[1:], "productive"  # type: ignore[attr-defined]
            use.help_text = _("沙箱在测试系统上建，正式系统里只有正式接入方。")


class ClientKeyForm(forms.Form):
    """A key to be."""

    algorithm = forms.ChoiceField(
        label=gettext_lazy("签名算法"), choices=[(name, name) for name in ALGORITHMS if is_offered(name)]
    )
    public_key = forms.CharField(
        label=gettext_lazy("对方的公钥"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("RSA 填 PEM，SM2 填 128 位十六进制。沙箱不填就当场生成；HMAC 只给沙箱，当场生成。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("申请原因"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("正式接入方要另一人审批，请写明原因。"),
    )


class AreaForm(forms.Form):
    """A part of the organisation, on or off."""

    area = forms.TypedChoiceField(label=gettext_lazy("地区"), coerce=int)
    reason = forms.CharField(
        label=gettext_lazy("申请原因"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("正式接入方要另一人审批，请写明原因。"),
    )
    is_on = forms.ChoiceField(choices=(("1", ""), ("0", "")), widget=forms.HiddenInput, initial="1")

    def __init__(self, *args: Any, units: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = units  # type: ignore[attr-defined]


def _scope(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), MANAGE)


@never_cache
@require_safe
@requires(MANAGE)
def channel_list(request: HttpRequest) -> HttpResponse:
    """Every connected client and what it collected today."""
    rows = list_clients(within=_scope(request), day=timezone.localdate())
    return render(request, "payments/channels/list.html", {"rows": rows, "refused": refused_notices(at=timezone.now())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def channel_new(request: HttpRequest) -> HttpResponse:
    """Open a client; a sandbox leaves this page with its key."""
    scope, staff, now = _scope(request), staff_of(request), timezone.now()
    units = people_queries.unit_choices(within=scope)
    form = NewClientForm(request.POST if request.method == "POST" else None, units=units)
    if form.is_bound and form.is_valid():
        typed, is_sandbox = form.cleaned_data, form.cleaned_data["use"] == "sandbox"
        try:
            made = channel_clients.connect(
                code=typed["code"],
                contract=form.contract([typed["area"]]),
                algorithm=typed["algorithm"] if is_sandbox else None,
                by_id=staff.pk,
                within=scope,
                at=now,
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            if made is not None:
                page = get_client(typed["code"], within=scope, day=timezone.localdate())
                return render(request, "payments/channels/key_made.html", {"page": page, "made": made})
            messages.success(request, _("接入方已建立，还没有启用。接着登记密钥，再申请启用。"))
            return redirect("payments:channel", channel_code=typed["code"])
    return render(request, "payments/channels/new.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_safe
@requires(MANAGE)
def channel(request: HttpRequest, channel_code: str) -> HttpResponse:
    """One client."""
    page = get_client(channel_code, within=_scope(request), day=timezone.localdate())
    return _draw(request, page)


def _draw(request: HttpRequest, page: ClientPage, *, fault: str = "", status: int = 200) -> HttpResponse:
    area_form = AreaForm(units=people_queries.unit_choices(within=_scope(request)))
    context = {
        "page": page,
        "row": page.row,
        "contract": page.contract,
        "area_form": area_form,
        "fault": fault,
        "is_area_approved": page.row.is_on and not page.row.is_sandbox,
    }
    return render(request, "payments/channels/client.html", context, status=status)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def channel_switch(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Switch the client off at once, or on (`to` is on or off): a productive one when somebody else approves."""
    scope = _scope(request)
    page = get_client(channel_code, within=scope, day=timezone.localdate())
    try:
        if request.POST.get("to") != "on":
            channel_clients.switch_off(code=channel_code, within=scope)
            messages.success(request, _("已停用，它的下一个请求起就进不来。"))
        else:
            approval_id = channel_clients.switch_on(
                code=channel_code,
                reason=request.POST.get("reason", ""),
                by_id=staff_of(request).pk,
                within=scope,
                at=timezone.now(),
            )
            if approval_id is not None:
                messages.success(request, _("启用申请已提交，另一人批准后生效。"))
                return redirect("approval", approval_id=approval_id)
            messages.success(request, _("已启用。"))
    except NotFound:
        raise
    except Refused as refused:
        return _draw(request, page, fault=refused.message, status=422)
    return redirect("payments:channel", channel_code=channel_code)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def channel_area(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Collect from the customers of a unit, or no more; a productive client that is in use when somebody approves."""
    scope = _scope(request)
    page = get_client(channel_code, within=scope, day=timezone.localdate())
    form = AreaForm(request.POST, units=people_queries.unit_choices(within=scope))
    if not form.is_valid():
        return _draw(request, page, fault=_("请选择一个地区。"), status=422)
    try:
        approval_id = channel_clients.switch_area(
            code=channel_code,
            org_unit_id=form.cleaned_data["area"],
            is_on=form.cleaned_data["is_on"] == "1",
            reason=form.cleaned_data["reason"],
            by_id=staff_of(request).pk,
            within=scope,
            at=timezone.now(),
        )
    except NotFound:
        raise
    except Refused as refused:
        return _draw(request, page, fault=refused.message, status=422)
    if approval_id is not None:
        messages.success(request, _("开通申请已提交，另一人批准后生效。"))
        return redirect("approval", approval_id=approval_id)
    messages.success(request, _("地区已更新。"))
    return redirect("payments:channel", channel_code=channel_code)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def channel_change(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Write down what was agreed anew."""
    scope = _scope(request)
    page = get_client(channel_code, within=scope, day=timezone.localdate())
    known = page.contract
    initial = {name: getattr(known, name, "") for name in ContractForm.base_fields} | {
        "networks": "\n".join(known.networks),
        "fingerprints": "\n".join(known.fingerprints),
    }
    form = ContractForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            areas = [area.org_unit_id for area in page.row.areas]
            channel_clients.change_contract(code=channel_code, contract=form.contract(areas), within=scope)
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("约定已更新。"))
            return redirect("payments:channel", channel_code=channel_code)
    context = {"form": form, "page": page}
    return render(request, "payments/channels/change.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def channel_key(request: HttpRequest, channel_code: str) -> HttpResponse:
    """A new key beside the one in use; its private half is shown once, if it was made here at all."""
    scope = _scope(request)
    page = get_client(channel_code, within=scope, day=timezone.localdate())
    form = ClientKeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = channel_clients.add_key(
                code=channel_code,
                algorithm=form.cleaned_data["algorithm"],
                public_key=form.cleaned_data["public_key"],
                reason=form.cleaned_data["reason"],
                by_id=staff_of(request).pk,
                within=scope,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            return render(request, "payments/channels/key_made.html", {"page": page, "made": made})
    context = {"form": form, "page": page}
    return render(request, "payments/channels/key.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def channel_key_revoke(request: HttpRequest, channel_code: str, client_key: str) -> HttpResponse:
    """The key opens nothing any more."""
    channel_clients.revoke_key(code=channel_code, key_id=client_key, within=_scope(request), at=timezone.now())
    messages.success(request, _("密钥已作废，用它签名的请求从现在起进不来。"))
    return redirect("payments:channel", channel_code=channel_code)
