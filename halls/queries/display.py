"""What the display zone of a hall shows: prices, planned outages, how to save energy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.queries.outages import OutageRow, list_outages
from cis.queries.price_board import BoardTariff, price_board
from config.shared.languages import in_language
from halls.models import DisplayNote
from halls.queries.halls import HallCard

_NOTES_SHOWN = 6
_OUTAGES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A text of the display zone."""

    note_id: int
    kind: str
    kind_word: str
    title: str
    text: str
    from_on: date
    until_on: date
    is_everywhere: bool


@dataclass(frozen=True, slots=True)
class Swap:
    """An appliance and its thrifty successor: watts, hours a day, what a year saves at today's price."""

    name: str | Promise
    old_w: int
    new_w: int
    hours: int
    kwh_a_year: int
    fen_a_year: int


@dataclass(frozen=True, slots=True)
class HallDisplay:
    """The whole display."""

    hall: HallCard
    tariffs: tuple[BoardTariff, ...]
    outages: tuple[OutageRow, ...]
    swaps: tuple[Swap, ...]
    notes: tuple[NoteRow, ...]
    home_price_e8: int


# Powers on the label of usual appliances: an old bulb and its successor of the same light, and so on (convention).
_SWAPS: tuple[tuple[str | Promise, int, int, int], ...] = (
    (gettext_lazy("60 瓦白炽灯换成 9 瓦 LED 灯"), 60, 9, 4),
    (gettext_lazy("五级能效空调换成一级"), 1_050, 700, 5),
    (gettext_lazy("电视机顶盒不用时断电"), 12, 0, 18),
)


def get_display(hall: HallCard, *, county_path: str, at: datetime) -> HallDisplay:
    """The display of a hall; `county_path` is the part of the organisation whose tariffs and outages are shown."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    tariffs = price_board(path=county_path, today=today)
    price_e8 = tariffs[0].rows[0].price_e8 if tariffs and tariffs[0].rows else 0
    return HallDisplay(
        hall=hall,
        tariffs=tariffs,
        outages=_outages(county_path, at),
        swaps=tuple(_swap(name, old_w, new_w, hours, price_e8) for name, old_w, new_w, hours in _SWAPS),
        notes=list_notes(hall_id=hall.hall_id, today=today),
        home_price_e8=price_e8,
    )


def _outages(county_path: str, at: datetime) -> tuple[OutageRow, ...]:
    """What is away or told of under a path and not over yet, the soonest first."""
    rows = list_outages(within=[county_path], states=("published", "changed", "started"), at=at)
    return tuple(sorted(rows, key=lambda row: row.starts_at)[:_OUTAGES_SHOWN])


def _swap(name: str | Promise, old_w: int, new_w: int, hours: int, price_e8: int) -> Swap:
    watt_hours = (old_w - new_w) * hours * 365
    return Swap(name, old_w, new_w, hours, round(watt_hours / 1000), round(watt_hours * price_e8 / 1000 / 10**6))


def list_notes(*, hall_id: int, today: date, with_coming: bool = False) -> tuple[NoteRow, ...]:
    """The texts of a hall and of all halls that hold today; `with_coming`: those of later days too."""
    rows = DisplayNote.objects.filter(Q(hall_id=hall_id) | Q(hall=None), until_on__gt=today)
    if not with_coming:
        rows = rows.filter(from_on__lte=today)
    return tuple(
        NoteRow(
            note_id=row.pk,
            kind=str(row.kind),
            kind_word=_(DisplayNote.Kind(row.kind).label),
            title=in_language(row.title, row.title_en),
            text=in_language(row.text, row.text_en),
            from_on=row.from_on,
            until_on=row.until_on,
            is_everywhere=row.hall_id is None,
        )
        for row in rows.order_by("-from_on", "-pk")[:_NOTES_SHOWN]
    )
