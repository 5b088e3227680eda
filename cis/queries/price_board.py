"""The prices that hang on a wall: the tariffs that most customers of an area are on, as published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from cis.models import Tariff, TariffVersion
from cis.queries.billing import source_in_words
from cis.queries.prices import PriceRow, rows_of_version
from cis.rating import CannotPrice
from config.shared.languages import in_language


@dataclass(frozen=True, slots=True)
class BoardTariff:
    """One tariff as it is in force, with every price that its rules charge."""

    name: str
    valid_from: date | None
    rows: tuple[PriceRow, ...]
    version_id: int
    source: str
    is_demonstration: bool


_MOST_USED = """
SELECT c.tariff_id FROM cis_supply_contract c
JOIN cis_account a ON a.id = c.account_id
JOIN shared_org_unit u ON u.id = a.org_unit_id
WHERE c.valid @> %s AND a.state = 'open' AND u.path LIKE %s
GROUP BY c.tariff_id ORDER BY count(*) DESC, c.tariff_id LIMIT %s
"""


def price_board(*, path: str, today: date, limit: int = 3) -> tuple[BoardTariff, ...]:
    """The tariffs that most open accounts under a path are on; what cannot be shown as prices is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_MOST_USED, [today, f"{path}%", limit])
        ids = [row[0] for row in cursor.fetchall()]
    return board_of(ids, today=today)


def board_of(tariff_ids: Sequence[int], *, today: date) -> tuple[BoardTariff, ...]:
    """These tariffs as they are in force, in their order; what cannot be shown as prices is left out."""
    tariffs = Tariff.objects.in_bulk(tariff_ids)
    versions = {
        row.tariff_id: row for row in TariffVersion.objects.filter(tariff_id__in=tariff_ids, valid__contains=today)
    }
    found = []
    for tariff_id in tariff_ids:
        version = versions.get(tariff_id)
        if version is None:
            continue
        try:
            rows = rows_of_version(version, month=today.month)
        except CannotPrice:
            continue
        tariff = tariffs[tariff_id]
        name = in_language(tariff.name, tariff.name_en)
        found.append(
            BoardTariff(
                name, version.valid.lower, rows, version.pk, source_in_words(version.source), version.is_demonstration
            )
        )
    return tuple(found)
