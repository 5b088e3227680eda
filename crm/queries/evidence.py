"""Evidence of tags and tiers in words: numbers with the unit that their name carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.shared.display_formats import format_count, format_energy, format_money


def in_words(sentence: str, evidence: Mapping[str, Any]) -> str:
    """
    A sentence with `{name}` filled in; without a sentence, the evidence itself.

    What an older definition left behind and the sentence does not name is passed over; what it names and is not there
    reads as a dash.
    """
    said = {name: with_unit(name, value) for name, value in evidence.items()}
    if not sentence:
        return "；".join(f"{name} {value}" for name, value in said.items())
    return sentence.format_map(_Known(said))


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"


def with_unit(name: str, value: Any) -> str:
    """A value with its unit: `…_fen` in yuan, `…_kwh_e2` and `…_wh` in kWh, `…_permille` in per cent, and so on."""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    if name.endswith("_fen"):
        return _("%(number)s 元") % {"number": format_money(value)}
    if name.endswith("_kwh_e2"):
        return _("%(number)s 度") % {"number": format_energy(value)}
    if name.endswith("_wh"):
        return _("%(number)s 度") % {"number": format_energy(value // 10)}
    if name.endswith("_kva"):
        return f"{format_count(value)} kVA"
    if name.endswith("_permille"):
        sign, size = ("-" if value < 0 else ""), abs(value)
        return f"{sign}{size // 10}.{size % 10}%"
    if name.endswith("_days"):
        return ngettext("%(number)s 天", "%(number)s 天", value) % {"number": format_count(value)}
    return format_count(value)
