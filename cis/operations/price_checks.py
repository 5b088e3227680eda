"""How often one network address may look up prices: counted in the cache, for there is nothing to remember for long."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from config.shared.errors import Refused
from config.shared.personal_data import blind_index

_HOUR_S = 3600


class TooManyChecks(Refused):
    """This network address has looked up too many prices within the hour."""

    code = "too-many-price-checks"
    status = 429


def count_check(*, asked_from: str, at: datetime) -> None:
    """
    Note that somebody looks up a price.

    :raises TooManyChecks: more often than PRICE_CHECKS_AN_HOUR in this hour
    """
    key = f"price-checks:{int(at.timestamp()) // _HOUR_S}:{blind_index(asked_from).hex()}"
    cache.add(key, 0, timeout=_HOUR_S)
    try:
        asked = cache.incr(key)
    except ValueError:
        # It ran out between the two: a new hour.
        asked = 1
    if asked > settings.PRICE_CHECKS_AN_HOUR:
        raise TooManyChecks(_("查得太频繁了，请过一会儿再查，或拨打 %(line)s。") % {"line": settings.SERVICE_HOTLINE})
