"""The yearly lists as their pages show them: the one in force, and those that wait for approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from cis.queries.dues import names_of
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.permissions import in_scope
from dsm.models import ShedEntry, ShedList
from dsm.queries.shortages import FeederRow, feeders_of

ORDERS = {
    "tier": Order((SortKey("tier", int), SortKey("account_no", str, "account__account_no"))),
    "kw": Order((SortKey("sheddable_kw", int), SortKey("account_no", str, "account__account_no"))),
}


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list: who approved it if it is in force, how much it can give, and its feeders of last resort."""

    list_id: int
    year: int
    state: str
    state_word: str
    unit: str
    made_at: datetime
    authority: str
    document_no: str
    approved_on: date | None
    accounts: int
    protected: int
    not_surveyed: int
    sheddable_kw: int
    feeders: tuple[FeederRow, ...]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One account on the list; power in kW, money in fen a kWh."""

    account_no: str
    masked_name: str
    tier: int
    protected_because: str
    group_no: int
    capacity_kva: int
    capacity_from_on: date | None
    """from when it holds, where it changed after the list was drawn"""
    peak_kw: int
    security_kw: int
    is_surveyed: bool
    process_pct: int
    sheddable_kw: int
    compensation_fen_kwh: int
    lost_output_fen_kwh: int
    burden_before_h: int


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A list that waits for approval."""

    list_id: int
    year: int
    unit: str
    made_at: datetime


def list_in_force(*, year: int, within: Sequence[str]) -> ListPage | None:
    """The approved list of a year, None where there is none."""
    found = _lists(within).filter(year=year, state=ShedList.State.APPROVED).first()
    return _page(found) if found else None


def get_list(*, list_id: int, within: Sequence[str]) -> ListPage:
    """
    One list, whatever its state.

    :raises NotFound: there is none within these organisation paths
    """
    found = _lists(within).filter(pk=list_id).first()
    if found is None:
        raise NotFound(_("没有这份名单。"))
    return _page(found)


def drafts(*, within: Sequence[str]) -> tuple[DraftRow, ...]:
    """The lists that wait for approval, the newest first."""
    rows = _lists(within).filter(state=ShedList.State.DRAFT).order_by("-pk")
    return tuple(DraftRow(one.pk, one.year, one.org_unit.name, one.made_at) for one in rows)


def _lists(within: Sequence[str]) -> QuerySet[ShedList]:
    return ShedList.objects.filter(in_scope("org_unit", within)).select_related("org_unit")


def _page(found: ShedList) -> ListPage:
    sums = found.entries.aggregate(
        accounts=Count("pk"),
        protected=Count("pk", filter=~Q(protected_because="")),
        not_surveyed=Count("pk", filter=Q(security_source=ShedEntry.SecuritySource.DEFAULT)),
        kw=Sum("sheddable_kw"),
    )
    return ListPage(
        list_id=found.pk,
        year=found.year,
        state=found.state,
        state_word=_(ShedList.State(found.state).label),
        unit=found.org_unit.name,
        made_at=found.made_at,
        authority=found.authority,
        document_no=found.document_no,
        approved_on=found.approved_on,
        accounts=sums["accounts"],
        protected=sums["protected"],
        not_surveyed=sums["not_surveyed"],
        sheddable_kw=sums["kw"] or 0,
        feeders=feeders_of(found.pk),
    )


def page_of_entries(ask: Ask, *, list_id: int) -> Page[EntryRow]:
    """The accounts of a list; two statements."""
    rows = ShedEntry.objects.filter(shed_list_id=list_id).annotate(account_no=F("account__account_no"))
    return ask.page(ask.of(rows), lambda found: _rows(list(found)))


def _rows(found: list[ShedEntry]) -> list[EntryRow]:
    names = names_of([entry.account_id for entry in found]) if found else {}
    return [
        EntryRow(
            account_no=names[entry.account_id][0],
            masked_name=names[entry.account_id][1],
            tier=entry.tier,
            protected_because=entry.protected_because,
            group_no=entry.group_no,
            capacity_kva=entry.capacity_kva,
            capacity_from_on=entry.capacity_from_on,
            peak_kw=entry.peak_kw,
            security_kw=entry.security_kw,
            is_surveyed=entry.security_source == ShedEntry.SecuritySource.SURVEYED,
            process_pct=entry.process_pct,
            sheddable_kw=entry.sheddable_kw,
            compensation_fen_kwh=entry.compensation_fen_kwh,
            lost_output_fen_kwh=entry.lost_output_fen_kwh,
            burden_before_h=entry.burden_before_h,
        )
        for entry in found
    ]
