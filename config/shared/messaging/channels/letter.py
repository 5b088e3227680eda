"""Letters: they wait until somebody makes a batch, prints it and says that it was posted."""

from __future__ import annotations

import json

from django.utils.translation import gettext_lazy as _

from config.shared.messaging.channels.base import Channel, PostalAddress, Recipient
from config.shared.personal_data import mask_name


class Letter(Channel):
    """On paper, in a window envelope; see `config.shared.messaging.letters`."""

    name = "letter"
    label = _("信函")
    is_by_hand = True

    def address(self, to: Recipient) -> str:
        """Name, lines and postcode, as JSON."""
        return written(to.postal) if to.postal is not None and to.postal.lines else ""

    def masked(self, address: str) -> str:
        """The first character of the name."""
        return mask_name(read(address).name)


def written(postal: PostalAddress) -> str:
    """A postal address as one text."""
    return json.dumps(
        {"name": postal.name, "lines": list(postal.lines), "postcode": postal.postcode}, ensure_ascii=False
    )


def read(address: str) -> PostalAddress:
    """The postal address of its text."""
    known = json.loads(address)
    return PostalAddress(known["name"], tuple(known["lines"]), known["postcode"])
