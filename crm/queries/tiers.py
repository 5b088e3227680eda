"""Which tier accounts are in."""

from __future__ import annotations

from collections.abc import Iterable

from crm.models import AccountTier
from crm.tiering import NORMAL


def tiers_of(account_ids: Iterable[int]) -> dict[int, str]:
    """
    Account id to the code of its tier: "vip", "key", "dedicated" (a transformer of its own) or "normal"; one statement.

    Who has not been ruled on yet is "normal".
    """
    ids = list(account_ids)
    known = dict(AccountTier.objects.filter(account_id__in=ids).values_list("account_id", "tier"))
    return {account_id: known.get(account_id, NORMAL) for account_id in ids}
