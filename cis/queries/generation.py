"""Metering of plants by day: gross generation, what was fed in, what was used on the spot; set-wise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

from cis.feed_in import PlantDay
from cis.models import MeterInstallation, PlantAlert, SolarPlant
from cis.rating.registers import Register
from config.shared.permissions import in_scope


@dataclass(frozen=True, slots=True)
class GenerationDay:
    """One day of a plant; energies in Wh, power in W, None where it was not metered."""

    plant_id: int
    day: date
    gross_wh: int | None
    export_wh: int | None
    peak_gross_w: int | None
    peak_export_w: int | None

    @property
    def self_use_wh(self) -> int | None:
        """Generated and not fed in (billing-rules.md 3.4)."""
        if self.gross_wh is None or self.export_wh is None:
            return None
        return self.gross_wh - self.export_wh

    @property
    def gross_kwh_e2(self) -> int | None:
        """0.01 kWh."""
        return None if self.gross_wh is None else self.gross_wh // 10

    @property
    def export_kwh_e2(self) -> int | None:
        """0.01 kWh."""
        return None if self.export_wh is None else self.export_wh // 10

    @property
    def self_use_kwh_e2(self) -> int | None:
        """0.01 kWh."""
        return None if self.self_use_wh is None else self.self_use_wh // 10

    @property
    def peak_gross_kw_e2(self) -> int | None:
        """0.01 kW."""
        return None if self.peak_gross_w is None else self.peak_gross_w // 10

    def as_judged(self) -> PlantDay:
        """For the kernel."""
        return PlantDay(self.gross_wh, self.export_wh, self.peak_gross_w, self.peak_export_w)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Something wrong with a plant's day; measured and bound in W, or in Wh where nothing was made."""

    account_no: str
    payee: str
    unit: str
    capacity_kw_e2: int
    day: date
    kind: str
    kind_word: str
    measured: int
    bound: int
    noted_at: datetime

    @property
    def measured_e2(self) -> int:
        """0.01 kW or kWh."""
        return self.measured // 10

    @property
    def bound_e2(self) -> int:
        """0.01 kW or kWh."""
        return self.bound // 10

    @property
    def is_power(self) -> bool:
        """Whether the figures are power."""
        return self.kind != PlantAlert.Kind.NOTHING


# Gross: the forward register of the plant's own meter. Fed in: the export register of the account's other meters. The
# curve of the day where it is whole, else what the register moved between two daily freezes.
_DAYS = """
WITH wanted AS (
    SELECT p.id AS plant_id, g.point_id, g.register, g.what, d::date AS day
    FROM cis_solar_plant p
    CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
    JOIN LATERAL (
        SELECT p.generation_point_id AS point_id, %(forward)s::int AS register, 'gross' AS what
        WHERE p.generation_point_id IS NOT NULL
        UNION ALL
        SELECT ap.point_id, %(export)s::int, 'export' FROM cis_account_point ap
        WHERE ap.account_id = p.account_id AND ap.valid @> d::date
          AND ap.point_id IS DISTINCT FROM p.generation_point_id) g ON true
    WHERE p.connected_on <= d::date AND (p.closed_on IS NULL OR p.closed_on > d::date)
      AND (%(plants)s::bigint[] IS NULL OR p.id = ANY(%(plants)s::bigint[]))
), measured AS (
    SELECT w.plant_id, w.day, w.what, coalesce(c.wh, f.wh) AS wh, c.peak_w
    FROM wanted w
    LEFT JOIN LATERAL (
        SELECT (SELECT sum(v) FROM unnest(i.energy_wh) v)::bigint AS wh,
               4 * (SELECT max(v) FROM unnest(i.energy_wh) v)::bigint AS peak_w
        FROM cis_interval_day i
        WHERE i.point_id = w.point_id AND i.register = w.register AND i.day = w.day AND i.missing_slots = 0
          AND i.state = 1) c ON true
    LEFT JOIN LATERAL (
        SELECT ((b.value_e4 - a.value_e4) * m.ct_ratio * m.pt_ratio / 10)::bigint AS wh
        FROM cis_meter_installation m
        JOIN cis_reading a ON a.installation_id = m.id AND a.register = w.register AND a.read_on = w.day
             AND a.state = 1
        JOIN cis_reading b ON b.installation_id = m.id AND b.register = w.register AND b.read_on = w.day + 1
             AND b.state = 1 AND b.value_e4 >= a.value_e4
        WHERE m.point_id = w.point_id AND m.valid @> w.day) f ON c.wh IS NULL
)
SELECT plant_id, day, sum(wh) FILTER (WHERE what = 'gross')::bigint, sum(wh) FILTER (WHERE what = 'export')::bigint,
       sum(peak_w) FILTER (WHERE what = 'gross')::bigint, sum(peak_w) FILTER (WHERE what = 'export')::bigint
FROM measured GROUP BY 1, 2 ORDER BY 1, 2
"""


def generation_days(*, first: date, last: date, plant_ids: Sequence[int] | None = None) -> list[GenerationDay]:
    """The days from `first` to `last` of these plants, or of all, by plant and day; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            {
                "first": first,
                "last": last,
                "forward": int(Register.TOTAL),
                "export": int(Register.EXPORT_TOTAL),
                "plants": None if plant_ids is None else list(plant_ids),
            },
        )
        return [GenerationDay(*row) for row in cursor.fetchall()]


def days_of_account(account_id: int, *, today: date, days: int = 31) -> list[GenerationDay]:
    """The last days of an account's plant, newest first; nothing where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cis_solar_plant WHERE account_id = %s AND closed_on IS NULL", [account_id])
        plants = [row[0] for row in cursor.fetchall()]
    if not plants:
        return []
    found = generation_days(first=today - timedelta(days=days), last=today - timedelta(days=1), plant_ids=plants)
    return [row for row in reversed(found) if row.gross_wh is not None or row.export_wh is not None]


def generation_meter_of(account_id: int, *, today: date) -> str:
    """Number of the meter that measures what the account's plant makes; "" where none does."""
    of_plant = SolarPlant.objects.filter(account_id=account_id, closed_on=None).values("generation_point_id")
    found = MeterInstallation.objects.filter(point_id__in=of_plant, valid__contains=today)
    return found.values_list("meter__meter_no", flat=True).first() or ""


def list_alerts(
    *, within: Sequence[str] | None = None, account_id: int | None = None, since: date, limit: int = 200
) -> list[AlertRow]:
    """What was found of plants, newest first: of an account, or of the accounts within these organisation paths."""
    rows = PlantAlert.objects.select_related("plant__account__org_unit").filter(
        in_scope("plant__account__org_unit", within), day__gte=since
    )
    if account_id is not None:
        rows = rows.filter(plant__account_id=account_id)
    return [
        AlertRow(
            row.plant.account.account_no,
            row.plant.payee,
            row.plant.account.org_unit.shown_name,
            row.plant.capacity_kw_e2,
            row.day,
            row.kind,
            _(PlantAlert.Kind(row.kind).label),
            row.measured,
            row.bound,
            row.noted_at,
        )
        for row in rows.order_by("-day", "-pk")[:limit]
    ]


def days_for_export(rows: Sequence[GenerationDay]) -> Iterator[tuple[str, ...]]:
    """Days as rows of a file, the header first; kWh and kW."""
    yield ("day", "gross_kwh", "export_kwh", "self_use_kwh", "peak_output_kw", "peak_export_kw")
    for row in rows:
        values = (row.gross_wh, row.export_wh, row.self_use_wh, row.peak_gross_w, row.peak_export_w)
        yield (
            row.day.isoformat(),
            *("" if value is None else f"{value // 1000}.{value % 1000:03d}" for value in values),
        )
