"""
What customers come for: the kinds of service, with the letter of their tickets.

To add one: one line here, and its usual time in the setting HALLS_SERVICE_S. Names of the field: 供电营业规则 (order 14
of 2024), domain glossary.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class ServiceKind:
    """One kind: its name, what it covers in plain words, the letter on tickets, the drawing on the kiosk's button."""

    name: str | Promise
    covers: str | Promise
    letter: str
    icon: str


SERVICE_KINDS: dict[str, ServiceKind] = {
    "pay": ServiceKind(_("交费"), _("交电费、预存、打印收据"), "A", "wallet"),
    "enquiry": ServiceKind(_("咨询查询"), _("问账单、电价、用电情况"), "B", "circle-help"),
    "change": ServiceKind(_("变更用电"), _("过户、更名、减容、暂停、销户"), "C", "file-pen"),
    "new-supply": ServiceKind(_("新装增容"), _("新装、增容、充电桩、光伏并网"), "D", "plug-zap"),
    "complaint": ServiceKind(_("投诉建议"), _("投诉、举报、意见、表扬"), "E", "message-square-warning"),
}

# Who is asked to go first says so themselves; nobody is asked to prove it (国务院办公厅 2020: 老年人 "绿色通道").
GREEN, BOOKED, KEY, NORMAL = "green", "booked", "key", "normal"
