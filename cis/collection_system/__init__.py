"""
The meter data collection system (用电信息采集系统) as fee control needs it: commands out, what became of them back.

To add one: write its file beside `signed_json`, name it here; the setting COLLECTION_SYSTEM says which one is used.
"""

from __future__ import annotations

from django.conf import settings

from cis.collection_system.base import Answer, CollectionSystem, Order, Outcome
from cis.collection_system.signed_json import SignedJson

SYSTEMS: dict[str, CollectionSystem] = {"signed-json": SignedJson()}

__all__ = ["SYSTEMS", "Answer", "CollectionSystem", "Order", "Outcome", "collection_system", "is_simulated"]


def collection_system() -> CollectionSystem:
    """The one that is used."""
    return SYSTEMS[settings.COLLECTION_SYSTEM]


def is_simulated() -> bool:
    """Whether commands go to the simulated system, which has no meters; pages say so."""
    return bool(settings.SIMULATORS_URL) and settings.COLLECTION_SYSTEM_URL.startswith(settings.SIMULATORS_URL)
