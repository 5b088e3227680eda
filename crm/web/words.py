"""Tiers and why somebody is in one, in plain words."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.display_formats import format_count, format_energy
from crm.queries.tiers import WhyTier
from crm.tiering import Limits

TIER_WORDS: dict[str, str | Promise] = {
    "vip": gettext_lazy("VIP 客户"),
    "key": gettext_lazy("大客户"),
    "dedicated": gettext_lazy("专变客户"),
    "normal": gettext_lazy("普通客户"),
}
TIER_KINDS = {"vip": "good", "key": "info", "dedicated": "neutral", "normal": "neutral"}
BECAUSE_WORDS: dict[str, str | Promise] = {
    "rules": gettext_lazy("按规则"),
    "override": gettext_lazy("人工调整"),
    "override-ended": gettext_lazy("人工调整结束"),
}


def why_in_words(why: WhyTier) -> str:
    """One sentence: what decided, with the figures and the limit."""
    facts: dict[str, Any] = why.evidence
    limits = why.limits
    words = {
        "kva": format_count(facts.get("capacity_kva", 0)),
        "kwh": format_energy(int(facts.get("energy_12m_kwh_e2", 0)) // 100 * 100),
        "dedicated_kva": format_count(limits.dedicated_kva),
        "key_kva": format_count(limits.key_kva),
        "key_kwh": format_count(limits.key_kwh),
        "vip_kva": format_count(limits.vip_kva),
        "vip_kwh": format_count(limits.vip_kwh),
    }
    if not why.is_ruled:
        return _("还没有评定，先按普通客户。")
    said = {
        "vip-capacity": _("合同容量 %(kva)s kVA，达到 VIP 客户的 %(vip_kva)s kVA。"),
        "vip-energy": _("十二个月用电 %(kwh)s 度，达到 VIP 客户的 %(vip_kwh)s 度。"),
        "key-capacity": _("合同容量 %(kva)s kVA，达到大客户的 %(key_kva)s kVA。"),
        "key-energy": _("十二个月用电 %(kwh)s 度，达到大客户的 %(key_kwh)s 度。"),
        "dedicated-capacity": _("自己用一台变压器，合同容量 %(kva)s kVA，达到 %(dedicated_kva)s kVA。"),
        "below-all": _("合同容量 %(kva)s kVA，十二个月用电 %(kwh)s 度，没有达到大客户的标准。"),
    }
    return said[why.reason] % words


def limits_in_words(limits: Limits) -> list[tuple[str, str]]:
    """Each tier with what it takes, from the highest down."""
    return [
        (
            str(TIER_WORDS["vip"]),
            _("合同容量 %(kva)s kVA 起，或十二个月用电 %(kwh)s 度起")
            % {"kva": format_count(limits.vip_kva), "kwh": format_count(limits.vip_kwh)},
        ),
        (
            str(TIER_WORDS["key"]),
            _("合同容量 %(kva)s kVA 起，或十二个月用电 %(kwh)s 度起")
            % {"kva": format_count(limits.key_kva), "kwh": format_count(limits.key_kwh)},
        ),
        (
            str(TIER_WORDS["dedicated"]),
            _("自己用一台变压器，合同容量 %(kva)s kVA 起") % {"kva": format_count(limits.dedicated_kva)},
        ),
        (str(TIER_WORDS["normal"]), _("其他所有客户")),
    ]
