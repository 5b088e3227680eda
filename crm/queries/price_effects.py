"""Effects of tariff versions ahead on key accounts, as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F
from django.db.models.functions import Abs

from cis.queries.supply_places import places_of
from config.shared.languages import in_language
from crm.models import PriceEffect
from crm.queries.key_accounts import managers_of
from crm.queries.sight import Sight, key_accounts_in

_MOST = 500


@dataclass(frozen=True, slots=True)
class ShownEffect:
    """What a version means for an account over its last `months` months; a person's name is masked."""

    account_no: str
    name: str
    manager: str
    tariff_name: str
    is_demonstration: bool
    from_day: date
    before_fen: int
    after_fen: int
    months: int
    left_out: int
    has_other_windows: bool
    computed_at: datetime

    @property
    def change_fen(self) -> int:
        """How much more, or less."""
        return self.after_fen - self.before_fen


def effects_ahead(*, sight: Sight, today: date, now: datetime) -> tuple[ShownEffect, ...]:
    """The effects of versions that are not in force yet on the key accounts one sees, the largest first."""
    seen = key_accounts_in(sight, now=now).exclude(ended_at__lte=now)
    rows = (
        PriceEffect.objects.filter(from_day__gt=today, account__in=seen.values("account_id"))
        .select_related("version__tariff")
        .order_by(Abs(F("after_fen") - F("before_fen")).desc(), "pk")[:_MOST]
    )
    return _shown(list(rows), now)


def effects_on(*, account_id: int, today: date, now: datetime) -> tuple[ShownEffect, ...]:
    """The effects of versions that are not in force yet on one account, the nearest first."""
    rows = PriceEffect.objects.filter(account_id=account_id, from_day__gt=today).select_related("version__tariff")
    return _shown(list(rows.order_by("from_day")), now)


def _shown(rows: Sequence[PriceEffect], now: datetime) -> tuple[ShownEffect, ...]:
    ids = [row.account_id for row in rows]
    places, managers = places_of(ids), managers_of(ids, now)
    return tuple(
        ShownEffect(
            account_no=places[row.account_id].account_no,
            name=places[row.account_id].shown_name,
            manager=managers[row.account_id].name if row.account_id in managers else "",
            tariff_name=in_language(row.version.tariff.name, row.version.tariff.name_en),
            is_demonstration=row.version.is_demonstration,
            from_day=row.from_day,
            before_fen=row.before_fen,
            after_fen=row.after_fen,
            months=row.months,
            left_out=row.left_out,
            has_other_windows=row.has_other_windows,
            computed_at=row.computed_at,
        )
        for row in rows
    )
