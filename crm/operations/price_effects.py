"""What tariff versions ahead mean for key accounts: worked out and kept before they take effect, told to managers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from cis.queries.price_changes import changes_ahead
from cis.queries.price_effects import YearlyEffect, yearly_effects
from cis.queries.supply_places import places_of
from config.shared import messaging
from config.shared.models import User
from config.shared.money import yuan_from_fen
from crm.messages import PRICE_AHEAD
from crm.models import KeyAccount
from crm.queries.key_accounts import managers_of

_BATCH = 200

# Once the version is in force the row stays: it says what was known before.
_KEEP = """
INSERT INTO crm_price_effect (account_id, version_id, from_day, before_fen, after_fen, months, left_out,
                              has_other_windows, first_known_at, computed_at)
SELECT k.*, %(at)s, %(at)s
FROM unnest(%(accounts)s::bigint[], %(versions)s::bigint[], %(days)s::date[], %(before)s::bigint[], %(after)s::bigint[],
            %(months)s::smallint[], %(left_out)s::smallint[], %(windows)s::boolean[]) AS k
ON CONFLICT (account_id, version_id) DO UPDATE SET
    from_day = excluded.from_day, before_fen = excluded.before_fen, after_fen = excluded.after_fen,
    months = excluded.months, left_out = excluded.left_out, has_other_windows = excluded.has_other_windows,
    computed_at = excluded.computed_at
WHERE crm_price_effect.computed_at <= excluded.computed_at
"""


def foresee_price_changes(*, at: datetime) -> dict[str, int]:
    """
    Work out what every tariff version ahead means for every key account on it, keep it, and tell its manager once.

    Set-wise, some hundred accounts a transaction with a fixed number of statements. Repeated, the numbers are those of
    the newest bills and nobody is told again. Gives how many `effects` were kept and how many `messages` are new.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    changes = changes_ahead(today=today)
    kept, told, after = 0, 0, 0
    while changes and (ids := _key_accounts(after=after, at=at)):
        after = ids[-1]
        with transaction.atomic():
            effects = yearly_effects(ids, changes)
            if effects:
                _keep(effects, at)
                told += _tell([effect for effect in effects if effect.months], at)
            kept += len(effects)
    return {"effects": kept, "messages": told}


def _key_accounts(*, after: int, at: datetime) -> list[int]:
    """The next accounts that are key accounts at a moment, by id."""
    lasting = KeyAccount.objects.filter(since__lte=at, account_id__gt=after).exclude(ended_at__lte=at)
    return list(lasting.order_by("account_id").values_list("account_id", flat=True)[:_BATCH])


def _keep(effects: Sequence[YearlyEffect], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "at": at,
                "accounts": [effect.account_id for effect in effects],
                "versions": [effect.version_id for effect in effects],
                "days": [effect.from_day for effect in effects],
                "before": [effect.before_fen for effect in effects],
                "after": [effect.after_fen for effect in effects],
                "months": [effect.months for effect in effects],
                "left_out": [effect.left_out for effect in effects],
                "windows": [effect.has_other_windows for effect in effects],
            },
        )


def _tell(effects: Sequence[YearlyEffect], at: datetime) -> int:
    """One message an account and version, into the manager's inbox and to the telephone there is; four statements."""
    if not effects:
        return 0
    ids = [effect.account_id for effect in effects]
    managers, places = managers_of(ids, at), places_of(ids)
    people = {manager.user_id for manager in managers.values()}
    languages = dict(User.objects.filter(pk__in=people).values_list("pk", "language"))
    new = 0
    for channel in ("in_app", "sms"):
        messages = [
            messaging.BulkMessage(
                to=messaging.Recipient(
                    phone=manager.telephone if channel == "sms" else "",
                    user_id=manager.user_id,
                    language=languages.get(manager.user_id) or settings.LANGUAGE_CODE,
                ),
                parameters={
                    "account": places[effect.account_id].account_no,
                    "day": effect.from_day.isoformat(),
                    "months": str(effect.months),
                    "change": _signed(effect.after_fen - effect.before_fen),
                },
                dedupe_key=f"price-effect:{effect.version_id}:{effect.account_id}:{channel}",
            )
            for effect in effects
            if (manager := managers.get(effect.account_id)) is not None and (channel == "in_app" or manager.telephone)
        ]
        if messages:
            new += messaging.send_many(template=PRICE_AHEAD.code, channel=channel, messages=messages, at=at)
    return new


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else ''}{yuan_from_fen(fen)}"
