"""
Pure: tags by rules. To add one: write its file in `crm.tagging.tags`, name it in MODULES.
"""

from __future__ import annotations

from importlib import import_module

from crm.tagging.facts import Facts
from crm.tagging.tag import NONE, Limits, Tag, Tagged, Value

# Read top to bottom: the order in which a profile shows them.
MODULES: tuple[str, ...] = (
    "crm.tagging.tags.basic_class",
    "crm.tagging.tags.basic_voltage",
    "crm.tagging.tags.basic_capacity_band",
    "crm.tagging.tags.basic_tenure",
    "crm.tagging.tags.basic_multi_site",
    "crm.tagging.tags.basic_tenant",
    "crm.tagging.tags.svc_vip_tier",
    "crm.tagging.tags.value_current",
    "crm.tagging.tags.use_volume_band",
    "crm.tagging.tags.use_growth",
    "crm.tagging.tags.use_load_shape",
    "crm.tagging.tags.use_peak_share",
    "crm.tagging.tags.use_pv",
    "crm.tagging.tags.pay_channel",
    "crm.tagging.tags.pay_punctual",
    "crm.tagging.tags.pay_prepaid",
    "crm.tagging.tags.pay_arrears_risk",
    "crm.tagging.tags.svc_contacts_12m",
    "crm.tagging.tags.svc_channel_pref",
    "crm.tagging.tags.risk_closure",
)

TAGS: dict[str, Tag] = {tag.code: tag for tag in (import_module(name).TAG for name in MODULES)}

__all__ = ["MODULES", "NONE", "TAGS", "Facts", "Limits", "Tag", "Tagged", "Value"]
