"""Tiers for those who answer for them: what the rules would change, applying them, an account decided otherwise."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cis.queries import customers
from cis.queries.audit import record_of
from config.shared.errors import NotFound, Refused
from config.shared.languages import in_language
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.step_up import requires_step_up
from config.shared.web.tables import Chip, Column, Table, answer
from crm.operations import tiers as operations
from crm.queries import segments, tiers
from crm.queries.segments import Member
from crm.tagging import TAGS
from crm.web.words import BECAUSE_WORDS, TIER_KINDS, TIER_WORDS, limits_in_words, why_in_words

_USUAL_DAYS = 90


class OverrideForm(forms.Form):
    """Which tier, why, until when."""

    tier = forms.ChoiceField(label=gettext_lazy("调整为"), choices=tuple(TIER_WORDS.items()), widget=forms.RadioSelect)
    last_day = forms.DateField(
        label=gettext_lazy("有效到"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("过了这一天，自动恢复按规则评定。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=500,
        help_text=gettext_lazy("例如批文号、市属重大项目。客户问起时要能说清楚。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@requires("crm.apply_tiers")
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """What applying the rules would change; nothing is written."""
    found = tiers.preview_tiers(on=timezone.localdate())
    context = {
        "preview": found,
        "counts": [
            {
                "word": TIER_WORDS[row.tier],
                "now": row.now,
                "then": row.then,
                "change": row.then - row.now,
                "url": f"{reverse('crm:segments')}?tier={row.tier}",
            }
            for row in found.counts
        ],
        "moves": [
            {"move": move, "from": TIER_WORDS[move.from_tier], "to": TIER_WORDS[move.to_tier]} for move in found.moves
        ],
        "limits": limits_in_words(found.limits),
    }
    return render(request, "crm/tiers.html", context)


@requires("crm.apply_tiers")
@require_POST
@requires_step_up
def apply(request: HttpRequest) -> HttpResponse:
    """Apply the rules to everybody as a job."""
    try:
        operations.apply_tiers(created_by_id=staff_of(request).pk, at=timezone.now())
        messages.success(request, _("正在按规则评定所有客户。完成后，这里的数字会更新。"))
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("crm:tiers")


@requires("crm.override_tier")
@require_http_methods(["GET", "HEAD", "POST"])
@requires_step_up
def account_tier(request: HttpRequest, account_no: str) -> HttpResponse:
    """One account's tier: why, what was, and deciding otherwise for some time."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    today = timezone.localdate()
    why = tiers.why_tier(account_id=head.account_id, today=today)
    form = OverrideForm(
        request.POST or None, initial={"last_day": today + timedelta(days=_USUAL_DAYS), "tier": why.tier}
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.override_tier(
                account_no=account_no,
                tier=form.cleaned_data["tier"],
                reason=form.cleaned_data["reason"],
                last_day=form.cleaned_data["last_day"],
                set_by_id=staff_of(request).pk,
                at=timezone.now(),
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("等级已调整。"))
            return redirect("crm:account_tier", account_no=account_no)
    context = {
        "head": head,
        "why": why,
        "tier_word": TIER_WORDS[why.tier],
        "tier_kind": TIER_KINDS[why.tier],
        "tier_why": why_in_words(why),
        "rule_tier_word": TIER_WORDS[why.rule_tier],
        "form": form,
        "limits": limits_in_words(why.limits),
        "changes": [
            {
                "title": _("%(from)s → %(to)s")
                % {"from": TIER_WORDS.get(one.from_tier, _("未评定")), "to": TIER_WORDS[one.to_tier]},
                "at": one.at,
                "text": BECAUSE_WORDS[one.because],
            }
            for one in why.changes
        ],
    }
    return render(request, "crm/account_tier.html", context, status=422 if form.errors else 200)


@requires("crm.override_tier")
@require_POST
@requires_step_up
def end_override(request: HttpRequest, account_no: str, override_id: int) -> HttpResponse:
    """Let the rules hold again."""
    operations.end_override(override_id=override_id, ended_by_id=staff_of(request).pk, at=timezone.now())
    messages.success(request, _("人工调整已结束，恢复按规则评定。"))
    return redirect("crm:account_tier", account_no=account_no)


# --- Lists of accounts -----------------------------------------------------------------------


def _tier_chip(row: Member) -> tuple[Chip, ...]:
    return (Chip(TIER_KINDS[row.tier], str(TIER_WORDS[row.tier])),)


SEGMENTS: Table[Member] = Table(
    name="crm.segments",
    columns=(
        Column(
            "account", gettext_lazy("户号"), lambda row: row.account_no, "code",
            link=lambda row: reverse("cis:account", args=[row.account_no]), is_head=True,
        ),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("unit", gettext_lazy("单位"), lambda row: row.unit),
        Column("tier", gettext_lazy("等级"), _tier_chip, "chips"),
        Column("capacity", gettext_lazy("容量（kVA）"), lambda row: row.capacity_kva, "count"),
        Column("energy", gettext_lazy("年用电（度）"), lambda row: row.energy_12m_kwh_e2, "energy", sort="energy"),
        Column("billed", gettext_lazy("年电费（元）"), lambda row: row.billed_12m_fen, "money", sort="billed"),
    ),
    orders=segments.ORDERS,
    first_order="-billed",
    export_permission="cis.export_data",
)  # fmt: skip


class SegmentForm(forms.Form):
    """Which accounts to show; a tag's value is chosen together with the tag."""

    tier = forms.ChoiceField(label=gettext_lazy("等级"), required=False)
    tag = forms.ChoiceField(label=gettext_lazy("标签"), required=False)


@requires("crm.list_segments")
@require_safe
def segment_list(request: HttpRequest) -> HttpResponseBase:
    """The accounts one answers for, by tier and by a value of a tag."""
    user = staff_of(request)
    sees_sensitive = may(user, "crm.see_sensitive_tags")
    form = SegmentForm(request.GET)
    form.fields["tier"].choices = [("", _("全部")), *TIER_WORDS.items()]  # type: ignore[attr-defined]
    form.fields["tag"].choices = [("", _("全部"))] + [  # type: ignore[attr-defined]
        (
            in_language(tag.name, tag.name_en),
            [(f"{tag.code}={value.code}", in_language(value.zh, value.en)) for value in tag.values],
        )
        for tag in TAGS.values()
        if sees_sensitive or not tag.is_sensitive
    ]
    chosen = form.cleaned_data if form.is_valid() else {}
    tag, _sign, value = (chosen.get("tag") or "").partition("=")
    wanted = segments.Wanted(
        within=scope_of(user, "crm.list_segments"),
        today=timezone.localdate(),
        tier=chosen.get("tier") or "",
        tag=tag,
        value=value,
    )
    return answer(
        request,
        SEGMENTS,
        lambda ask: segments.page_of_members(ask, wanted=wanted),
        page="crm/segments.html",
        context={"form": form},
        count=lambda: segments.count_members(wanted),
        filters=("tier", "tag"),
    )
