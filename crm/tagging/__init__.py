"""
Pure: tags by rules. To add one: write its file in `crm.tagging.tags`, name it in MODULES.
"""

from __future__ import annotations

from importlib import import_module

from crm.tagging.facts import Facts
from crm.tagging.tag import NONE, Limits, Tag, Tagged, Value

# Read top to bottom: the order in which a profile shows them.
MODULES: tuple[str, ...] = ("crm.tagging.tags.basic_class",)

TAGS: dict[str, Tag] = {tag.code: tag for tag in (import_module(name).TAG for name in MODULES)}

__all__ = ["MODULES", "NONE", "TAGS", "Facts", "Limits", "Tag", "Tagged", "Value"]
