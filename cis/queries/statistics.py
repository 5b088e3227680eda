"""The utility's figures as a catalogue: energy sold, load curves of the network, tariff history of a customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils.translation import gettext as _

from cis.models import Account, Feeder, SupplyContract, TransformerDistrict
from cis.queries.billing import source_in_words
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.money import yuan_from_fen
from config.shared.permissions import in_scope

SLOTS = 96


@dataclass(frozen=True)
class SalesRow:
    """Energy sold in a cycle to one price class in one part of the organisation."""

    cycle: int
    org_code: str
    org_name: str
    price_class: int
    price_class_name: str
    bills: int
    energy_kwh_e2: int
    total_fen: int


@dataclass(frozen=True)
class LoadCurve:
    """
    The load of a part of the network on a day: 96 quarter-hours in Wh, summed over the points that have curves.

    `points` of `points_served` points had a curve; `missing` counts the quarter-hours that were missing in them.
    """

    name: str
    day: date
    energy_wh: tuple[int, ...]
    points: int
    points_served: int
    missing: int

    @property
    def load_w(self) -> tuple[int, ...]:
        """Mean power of each quarter-hour in W."""
        return tuple(4 * value for value in self.energy_wh)


@dataclass(frozen=True)
class TariffStretch:
    """
    A version of a tariff that an account had for some time; `ends_on` is None while it lasts.

    A new row begins where the contract changes or where its tariff gets a new version; `source` is empty where the
    tariff had no version.
    """

    account_no: str
    tariff_code: str
    tariff_name: str
    price_class_name: str
    is_demonstration: bool
    starts_on: date
    ends_on: date | None
    source: str


@dataclass(frozen=True)
class NetworkPlace:
    """A part of the network that a load curve can be asked for."""

    code: str
    name: str
    kind: str
    place_id: int


_SALES = """
SELECT b.cycle, o.code, o.name, o.name_en, b.price_class, count(*),
       sum(b.energy_kwh_e2)::bigint, sum(b.total_fen)::bigint
FROM cis_bill b
JOIN cis_account a ON a.id = b.account_id
JOIN shared_org_unit o ON o.id = a.org_unit_id
WHERE b.cycle BETWEEN %s AND %s AND o.path LIKE ANY(%s)
  AND NOT EXISTS (SELECT 1 FROM cis_bill_cancellation x WHERE x.bill_id = b.id)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 5
"""


def sales(*, from_cycle: int, to_cycle: int, within: Sequence[str] = ("/",)) -> list[SalesRow]:
    """
    Energy and money billed by cycle, part of the organisation and price class; both cycles are included.

    Only of accounts that belong to the organisation paths `within`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SALES, [from_cycle, to_cycle, [path.replace("%", "") + "%" for path in within]])
        rows = cursor.fetchall()
    return [
        SalesRow(
            cycle,
            code,
            in_language(name, name_en),
            kind,
            _(SupplyContract.PriceClass(kind).label),
            bills,
            energy,
            total,
        )
        for cycle, code, name, name_en, kind, bills, energy, total in rows
    ]


def sales_rows(*, from_cycle: int, to_cycle: int, within: Sequence[str] = ("/",)) -> Iterator[tuple[str, ...]]:
    """Rows of the sales export, the header first."""
    yield ("cycle", "org_code", "org_name", "price_class", "bills", "energy_kwh", "amount_yuan")
    for row in sales(from_cycle=from_cycle, to_cycle=to_cycle, within=within):
        energy = f"{row.energy_kwh_e2 // 100}.{row.energy_kwh_e2 % 100:02d}"
        yield (
            str(row.cycle),
            row.org_code,
            row.org_name,
            row.price_class_name,
            str(row.bills),
            energy,
            yuan_from_fen(row.total_fen),
        )


_LOAD = """
WITH served AS (
    SELECT p.id FROM cis_metering_point p
    JOIN cis_premise s ON s.id = p.premise_id
    JOIN cis_transformer_district t ON t.id = s.transformer_district_id
    WHERE {place} = %(place)s),
days AS (
    SELECT d.point_id, d.energy_wh FROM cis_interval_day d
    WHERE d.day = %(day)s AND d.register = 1 AND d.point_id IN (SELECT id FROM served))
SELECT u.slot, sum(GREATEST(u.wh, 0))::bigint, count(*) FILTER (WHERE u.wh < 0), count(*),
       (SELECT count(*) FROM served)
FROM days CROSS JOIN LATERAL unnest(days.energy_wh) WITH ORDINALITY AS u(wh, slot)
GROUP BY u.slot ORDER BY u.slot
"""


def load_curve(
    *, day: date, feeder_id: int | None = None, district_id: int | None = None, within: Sequence[str] | None = None
) -> LoadCurve:
    """
    The load curve of a feeder or a transformer district on a day; exactly one of the two is named.

    :raises NotFound: there is no such feeder or district in the organisation paths `within`
    """
    place: Feeder | TransformerDistrict | None
    if feeder_id is not None and district_id is None:
        feeders = Feeder.objects.filter(in_scope("substation__org_unit", within))
        place, column = feeders.filter(pk=feeder_id).first(), "t.feeder_id"
    elif district_id is not None and feeder_id is None:
        districts = TransformerDistrict.objects.filter(in_scope("feeder__substation__org_unit", within))
        place, column = districts.filter(pk=district_id).first(), "t.id"
    else:
        raise ValueError("name a feeder or a district")
    if place is None:
        raise NotFound(_("没有这条馈线或这个台区。"))
    with connection.cursor() as cursor:
        cursor.execute(_LOAD.format(place=column), {"place": place.pk, "day": day})
        rows = cursor.fetchall()
    values = [0] * SLOTS
    for slot, energy, _missing, _points, _served in rows:
        values[slot - 1] = energy
    return LoadCurve(
        name=f"{place.code} {place.name}",
        day=day,
        energy_wh=tuple(values),
        points=rows[0][3] if rows else 0,
        points_served=rows[0][4] if rows else 0,
        missing=sum(row[2] for row in rows),
    )


def load_curve_rows(curve: LoadCurve) -> Iterator[tuple[str, ...]]:
    """Rows of the load curve export, the header first: the clock time at which each quarter-hour begins, kWh, kW."""
    yield ("place", "day", "from", "energy_kwh", "mean_load_kw")
    for slot, energy in enumerate(curve.energy_wh):
        clock = f"{slot // 4:02d}:{slot % 4 * 15:02d}"
        load = 4 * energy
        yield (
            curve.name,
            curve.day.isoformat(),
            clock,
            f"{energy // 1000}.{energy % 1000:03d}",
            f"{load // 1000}.{load % 1000:03d}",
        )


_TARIFF_HISTORY = """
SELECT t.code, t.name, t.name_en, c.price_class, lower(s.valid), upper(s.valid), coalesce(v.source, ''),
       coalesce(v.is_demonstration, false)
FROM cis_supply_contract c
JOIN cis_tariff t ON t.id = c.tariff_id
LEFT JOIN cis_tariff_version v ON v.tariff_id = t.id AND v.valid && c.valid
CROSS JOIN LATERAL (SELECT CASE WHEN v.id IS NULL THEN c.valid ELSE c.valid * v.valid END AS valid) s
WHERE c.account_id = %s ORDER BY lower(s.valid) NULLS FIRST
"""


def tariff_history(account_no: str) -> list[TariffStretch]:
    """
    Every tariff that an account has had, oldest first.

    :raises NotFound: there is no such account
    """
    account = Account.objects.filter(account_no=account_no).first()
    if account is None:
        raise NotFound(_("没有户号 %(number)s。请核对后再查。") % {"number": account_no})
    with connection.cursor() as cursor:
        cursor.execute(_TARIFF_HISTORY, [account.pk])
        rows = cursor.fetchall()
    return [
        TariffStretch(
            account_no=account_no,
            tariff_code=code,
            tariff_name=in_language(name, name_en),
            price_class_name=_(SupplyContract.PriceClass(price_class).label),
            is_demonstration=is_demonstration,
            starts_on=starts_on or date.min,
            ends_on=ends_on,
            source=source_in_words(source),
        )
        for code, name, name_en, price_class, starts_on, ends_on, source, is_demonstration in rows
    ]


def tariff_history_rows(account_no: str) -> Iterator[tuple[str, ...]]:
    """Rows of the tariff history export, the header first."""
    stretches = tariff_history(account_no)
    header = ("account_no", "tariff_code", "tariff_name", "price_class", "starts_on", "ends_on", "source")

    def rows() -> Iterator[tuple[str, ...]]:
        yield header
        for one in stretches:
            ends = one.ends_on.isoformat() if one.ends_on else ""
            yield (
                one.account_no,
                one.tariff_code,
                one.tariff_name,
                one.price_class_name,
                one.starts_on.isoformat(),
                ends,
                one.source,
            )

    return rows()


def list_places(*, limit: int = 200, within: Sequence[str] | None = None) -> list[NetworkPlace]:
    """Feeders and transformer districts of the organisation paths `within`, by code, the first so many of each."""
    own_feeders = Feeder.objects.filter(in_scope("substation__org_unit", within))
    own_districts = TransformerDistrict.objects.filter(in_scope("feeder__substation__org_unit", within))
    feeders = own_feeders.order_by("code").values_list("code", "name", "pk")[:limit]
    districts = own_districts.order_by("code").values_list("code", "name", "pk")[:limit]
    return [
        *(NetworkPlace(code, name, "feeder", pk) for code, name, pk in feeders),
        *(NetworkPlace(code, name, "district", pk) for code, name, pk in districts),
    ]
