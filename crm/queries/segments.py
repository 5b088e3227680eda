"""Accounts by tag and tier, of the part of the organisation somebody answers for; paged by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from cis.queries import supply_places
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language

ORDERS = {
    "billed": Order((SortKey("billed_12m_fen", int, "p.billed_12m_fen"), SortKey("account_id", int, "p.account_id"))),
    "energy": Order(
        (SortKey("energy_12m_kwh_e2", int, "p.energy_12m_kwh_e2"), SortKey("account_id", int, "p.account_id"))
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts: of organisation paths `within`, in a tier (empty: any), with a value of a tag (empty: any)."""

    within: Sequence[str]
    today: date
    tier: str = ""
    tag: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """An account in the list; a person's name is masked."""

    account_id: int
    account_no: str
    masked_name: str
    unit: str
    tier: str
    capacity_kva: int
    energy_12m_kwh_e2: int
    billed_12m_fen: int


_FROM = """
FROM crm_profile p
JOIN shared_org_unit u ON u.id = p.org_unit_id AND u.path LIKE ANY(%(paths)s)
LEFT JOIN crm_account_tier t ON t.account_id = p.account_id
WHERE (%(tier)s = '' OR coalesce(t.tier, 'normal') = %(tier)s)
  AND (%(tag)s = '' OR EXISTS (
        SELECT 1 FROM crm_account_tag g
        WHERE g.account_id = p.account_id AND g.code = %(tag)s AND g.value = %(value)s AND g.until_on >= %(today)s))
"""


def page_of_members(ask: Ask, *, wanted: Wanted) -> Page[Member]:
    """One page of the accounts that fit; two statements."""
    beyond, values = ask.where()
    named = {f"k{number}": value for number, value in enumerate(values)}
    for name in named:
        beyond = beyond.replace("%s", f"%({name})s", 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.account_id, u.name, u.name_en, coalesce(t.tier, 'normal'), p.capacity_kva, p.energy_12m_kwh_e2, "
            f"p.billed_12m_fen {_FROM} AND {beyond} {ask.tail()}",
            _asked(wanted) | named,
        )
        found = cursor.fetchall()
    return ask.page(found, _members)


def count_members(wanted: Wanted) -> int:
    """How many accounts fit."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_FROM}", _asked(wanted))
        return int(cursor.fetchone()[0])


def _asked(wanted: Wanted) -> dict[str, Any]:
    return {
        "paths": [path.replace("%", "") + "%" for path in wanted.within],
        "tier": wanted.tier,
        "tag": wanted.tag,
        "value": wanted.value,
        "today": wanted.today,
    }


def _members(rows: Sequence[tuple[Any, ...]]) -> list[Member]:
    where = supply_places.places_of([row[0] for row in rows])
    names = {account_id: (place.account_no, place.shown_name) for account_id, place in where.items()}
    return [
        Member(account_id, *names[account_id], in_language(unit, unit_en), tier, capacity, energy, billed)
        for account_id, unit, unit_en, tier, capacity, energy, billed in rows
    ]
