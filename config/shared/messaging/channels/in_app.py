"""The inbox in the portal and in the consoles: what is written is delivered, and reading it is known."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.shared.messaging.channels.base import Channel, Recipient


class InApp(Channel):
    """Messages to users of this house; needs no provider."""

    name = "in_app"
    label = _("站内消息")
    is_immediate = True

    def address(self, to: Recipient) -> str:
        """The user, by id."""
        return f"user:{to.user_id}" if to.user_id is not None else ""

    def masked(self, address: str) -> str:
        """Nothing personal in it."""
        return address
