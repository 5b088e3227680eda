"""
What electricity may cost at an address or for an account number, told to anybody: prices and nothing about people.

Everybody gets what most households of the utility are on. An account number, whose account's tariff is another one,
gets that one too; an address does where several accounts there are on it. A number that is none is answered like one
on the usual tariff: so the answer says no more about who is there than the price itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cis.explaining import LegalRange, legal_range
from cis.models import SupplyContract, TariffVersion
from cis.queries.price_board import BoardTariff, board_of
from cis.rating import CannotPrice, compile_rules
from config.shared.names import grams_to_find, normal_text

_SHOWN = 3
# Shorter texts stand in addresses everywhere.
_LEAST_PLACE = 4


@dataclass(frozen=True, slots=True)
class CheckedTariff:
    """A tariff with its prices, and between what and what the energy asked about may cost under it."""

    board: BoardTariff
    legal: LegalRange | None
    too_much_fen: int
    """what was charged beyond the most that is legal; 0 where nothing was or nothing can be said"""


@dataclass(frozen=True, slots=True)
class PriceCheck:
    """The tariffs that may apply."""

    tariffs: tuple[CheckedTariff, ...]

    @property
    def least_too_much_fen(self) -> int:
        """What was charged too much under the tariff that is kindest to whoever charged it; 0 where none was broken."""
        judged = [one.too_much_fen for one in self.tariffs if one.legal is not None]
        return min(judged, default=0)


_AT_PLACE = """
SELECT c.tariff_id FROM cis_premise p
JOIN cis_account a ON a.premise_id = p.id AND a.state = 'open'
JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> %(today)s
WHERE p.address_grams @> %(grams)s::varchar[]
GROUP BY c.tariff_id HAVING count(*) >= %(least)s ORDER BY count(*) DESC, c.tariff_id LIMIT %(shown)s
"""
_OF_HOUSEHOLDS = """
SELECT c.tariff_id FROM cis_supply_contract c
JOIN cis_account a ON a.id = c.account_id AND a.state = 'open'
WHERE c.valid @> %(today)s AND c.price_class = %(class)s
GROUP BY c.tariff_id ORDER BY count(*) DESC, c.tariff_id LIMIT %(shown)s
"""


def check_price(
    *, where: str = "", energy_kwh_e2: int | None = None, paid_fen: int | None = None, today: date
) -> PriceCheck:
    """
    The tariffs for households, and those for `where`: an account number or a part of an address.

    With energy in 0.01 kWh the range of what it may cost, with what was paid for it whether that is above.
    """
    usual = _ask(_OF_HOUSEHOLDS, today=today, **{"class": SupplyContract.PriceClass.RESIDENTIAL})
    # A place's tariff that is one of the usual ones moves nothing: its answer is everybody's.
    boards = board_of([*(one for one in _tariffs_of(where, today) if one not in usual), *usual], today=today)
    rules = dict(TariffVersion.objects.filter(pk__in=[one.version_id for one in boards]).values_list("pk", "rules"))
    checked = []
    for board in boards:
        legal = None
        if energy_kwh_e2:
            try:
                legal = legal_range(
                    compile_rules(rules[board.version_id]), energy_kwh_e2=energy_kwh_e2, bill_month=today.month
                )
            except CannotPrice:
                legal = None
        beyond = max((paid_fen or 0) - legal.most_fen, 0) if legal is not None else 0
        checked.append(CheckedTariff(board, legal, beyond))
    return PriceCheck(tuple(checked))


def _tariffs_of(where: str, today: date) -> Sequence[int]:
    text = where.strip()
    if text.isdecimal():
        contracts = SupplyContract.objects.filter(
            account__account_no=text, account__state="open", valid__contains=today
        )
        return list(contracts.values_list("tariff_id", flat=True)[:1])
    if len(normal_text(text)) < _LEAST_PLACE:
        return []
    return _ask(_AT_PLACE, today=today, grams=list(grams_to_find(text)))


def _ask(statement: str, **parameters: date | int | list[str]) -> list[int]:
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"least": settings.PRICE_CHECK_LEAST_ACCOUNTS, "shown": _SHOWN, **parameters}
        cursor.execute(statement, asked)
        return [row[0] for row in cursor.fetchall()]
