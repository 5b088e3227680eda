"""The console: agents that sell against a deposit."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.shared.display_formats import format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from payments.models import AgentContract
from payments.models.agents import MOST_BP
from payments.operations import agents
from payments.operations.agents import WORK, AgentTerms
from payments.operations.channel_clients import MANAGE
from payments.queries.agents import get_agent, get_settlement, list_agents
from payments.web.forms import YuanField


class AgentTermsForm(forms.Form):
    """What is agreed with an agent; every number is the contract's."""

    outlet = forms.ChoiceField(label=gettext_lazy("网点类型"), choices=AgentContract.Outlet.choices)
    contract_no = forms.CharField(label=gettext_lazy("合同编号"), max_length=64)
    single_limit_fen = YuanField(label=gettext_lazy("单笔限额（元）"))
    daily_limit_fen = YuanField(label=gettext_lazy("每日限额（元）"))
    commission_bp = forms.IntegerField(
        label=gettext_lazy("手续费，万分之"), min_value=0, max_value=MOST_BP, initial=0,
        help_text=gettext_lazy("按当天代收净额计算，每天四舍五入一次。"),
    )  # fmt: skip
    commission_fen = YuanField(label=gettext_lazy("手续费，每笔（元）"), initial="0.00")
    low_deposit_fen = YuanField(
        label=gettext_lazy("备付金提醒线（元）"),
        initial="0.00",
        help_text=gettext_lazy("低于这个数就提醒代收点存入。"),
    )


class DepositForm(forms.Form):
    """What an agent paid in by bank, or is paid back."""

    kind = forms.ChoiceField(
        label=gettext_lazy("办理"),
        choices=(("topped-up", gettext_lazy("存入")), ("paid-out", gettext_lazy("退回"))),
        widget=forms.RadioSelect,
        initial="topped-up",
    )
    amount = YuanField(label=gettext_lazy("金额（元）"))
    reference = forms.CharField(
        label=gettext_lazy("银行回单号"),
        max_length=64,
        help_text=gettext_lazy("同一张回单只能记一次。"),
    )
    reason = forms.CharField(label=gettext_lazy("申请原因"), max_length=500)


def _scope(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), WORK)


@never_cache
@require_safe
@requires(WORK)
def agent_list(request: HttpRequest) -> HttpResponse:
    """Every agent: what is left of its deposit, what it sold today; those short of deposit first."""
    rows = list_agents(within=_scope(request), day=timezone.localdate())
    return render(request, "payments/agents/list.html", {"rows": rows, "low": [row for row in rows if row.is_low]})


@never_cache
@require_safe
@requires(WORK)
def agent(request: HttpRequest, channel_code: str) -> HttpResponse:
    """One agent: contract, deposit, moves, settled days."""
    page = get_agent(channel_code, within=_scope(request), day=timezone.localdate())
    return render(
        request,
        "payments/agents/agent.html",
        {"page": page, "row": page.row, "contract": page.row.contract, "may_agree": may(staff_of(request), MANAGE)},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def agent_terms(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Write down what is agreed with an agent."""
    scope = scope_of(staff_of(request), MANAGE)
    page = get_agent(channel_code, within=scope, day=timezone.localdate())
    form = AgentTermsForm(request.POST if request.method == "POST" else None, initial=_initial(page.row.contract))
    if form.is_bound and form.is_valid():
        try:
            agents.agree_terms(code=channel_code, terms=AgentTerms(**form.cleaned_data), within=scope)
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("代收点的约定已登记。"))
            return redirect("payments:agent", channel_code=channel_code)
    context = {"form": form, "page": page}
    return render(request, "payments/agents/terms.html", context, status=422 if form.errors else 200)


def _initial(contract: AgentContract | None) -> dict[str, Any]:
    if contract is None:
        return {}
    known: dict[str, Any] = {name: getattr(contract, name) for name in AgentTermsForm.base_fields}
    return {name: format_yuan(value) if name.endswith("_fen") else value for name, value in known.items()}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(WORK)
@requires_step_up
def agent_deposit(request: HttpRequest, channel_code: str) -> HttpResponse:
    """Ask that the deposit is topped up or paid back; somebody else approves it."""
    scope, staff = _scope(request), staff_of(request)
    page = get_agent(channel_code, within=scope, day=timezone.localdate())
    form = DepositForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            approval_id = agents.ask_to_move(
                code=channel_code,
                kind=form.cleaned_data["kind"],
                amount_fen=form.cleaned_data["amount"],
                reference=form.cleaned_data["reference"],
                reason=form.cleaned_data["reason"],
                asked_by_id=staff.pk,
                within=scope,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("申请已提交，另一人批准后备付金才会变动。"))
            return redirect("approval", approval_id=approval_id)
    context = {"form": form, "page": page}
    return render(request, "payments/agents/deposit.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@requires(WORK)
def agent_day(request: HttpRequest, channel_code: str, settled_on: str) -> HttpResponse:
    """The paper of one settled day, to print and sign."""
    try:
        day = date.fromisoformat(settled_on)
    except ValueError as error:
        raise NotFound(_("没有这一天的结算单，请从代收点页面打开。")) from error
    page = get_settlement(channel_code, day, within=_scope(request))
    return render(request, "payments/agents/day.html", {"page": page, "row": page.row, "day": page.day})
