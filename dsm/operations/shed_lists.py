"""The yearly list: drawn from what was measured and surveyed, approved, kept in step with contract capacities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.queries.account_curves import mean_curves
from cis.queries.contract_facts import contracts_on, numbers_of
from config.shared.bulk_copy import copy_rows
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.systems import load_installed
from dsm.models import FeederCut, ShedEntry, ShedEntryChange, ShedList
from dsm.shedding.entries import EntryPower, power_of
from dsm.shedding.groups import equal_groups
from dsm.shedding.problem import PROTECTED_TIER

_ENTRY_COLUMNS = (
    "shed_list_id", "account_id", "tier", "protected_because", "group_no", "measured_peak_kw", "peak_kw",
    "measured_capacity_kva", "capacity_kva", "capacity_from_on", "security_kw", "security_source", "process_pct",
    "sheddable_kw", "lead_h", "is_key", "compensation_fen_kwh", "lost_output_fen_kwh", "burden_before_h", "computed_at",
)  # fmt: skip


# So many account numbers a refusal names.
_NAMED = 5


class ListNotOpen(Refused):
    """The list is approved, replaced or discarded already."""

    code = "list-not-open"


class HomeListed(BadInput):
    """A list names accounts that are billed as homes."""

    code = "home-listed"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """
    What is known of an account before the list is drawn. Money in fen a kWh, an estimate.

    `security_kw` None: nobody surveyed it, the default share counts. `protected_because` makes it tier 9.
    """

    account_id: int
    capacity_kva: int
    tier: int
    protected_because: str
    security_kw: int | None
    process_pct: int
    lead_h: int
    compensation_fen_kwh: int
    lost_output_fen_kwh: int
    burden_before_h: int = 0


@dataclass(frozen=True, slots=True)
class FeederPlace:
    """A feeder's place in the approved order of feeders."""

    feeder_id: int
    expected_kw: int
    households: int


def draw_list(
    *,
    year: int,
    org_unit_id: int,
    rows: Sequence[Surveyed],
    feeders: Sequence[FeederPlace],
    made_by_id: int | None,
    at: datetime,
    source_digest: str = "",
) -> int:
    """
    Draw the list of a year from surveyed accounts; gives its id. Peaks come from their curves, groups are made equal.

    `source_digest` is of the file it was drawn from, if there was one.

    :raises BadInput: no rows, or an account twice
    :raises HomeListed: somebody lives there
    """
    ids = [row.account_id for row in rows]
    if not rows or len(set(ids)) != len(ids):
        raise BadInput(_("名单不能是空的，同一户号只能出现一次。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    homes = np.array(ids, np.int64)[contracts_on(ids, day=today).is_residential].tolist()
    if homes:
        numbers = sorted(numbers_of(homes).values())
        raise HomeListed(
            _("居民不能列入有序用电名单，请删去：%(nos)s（共 %(count)s 户）。")
            % {"nos": "、".join(numbers[:_NAMED]), "count": len(homes)}
        )
    curves = mean_curves(ids, to=today, days=settings.DSM_CUSTOMER_BASE_DAYS, as_on=today)
    key_accounts = set().union(*(among(ids) for among in load_installed([settings.KEY_ACCOUNTS_FROM])))
    powers = [_power(row, int(peak_w) // 1000) for row, peak_w in zip(rows, curves.peak_w, strict=True)]
    groups = equal_groups(
        np.array([power.sheddable_kw for power in powers], np.int64), groups=settings.DSM_ROTATION_GROUPS
    )
    with transaction.atomic():
        made = ShedList.objects.create(
            year=year, org_unit_id=org_unit_id, made_by_id=made_by_id, made_at=at, source_digest=source_digest
        )
        with connection.cursor() as cursor:
            copy_rows(
                cursor,
                "dsm_shed_entry",
                _ENTRY_COLUMNS,
                (
                    (
                        made.pk, row.account_id, PROTECTED_TIER if row.protected_because else row.tier,
                        row.protected_because, int(group), power.peak_kw, power.peak_kw, row.capacity_kva,
                        row.capacity_kva, None, power.security_kw, _source(power), row.process_pct, power.sheddable_kw,
                        row.lead_h, row.account_id in key_accounts, row.compensation_fen_kwh,
                        row.lost_output_fen_kwh, row.burden_before_h, at.isoformat(),
                    )
                    for row, power, group in zip(rows, powers, groups, strict=True)
                ),
            )  # fmt: skip
        FeederCut.objects.bulk_create(
            FeederCut(
                shed_list=made,
                order_no=number,
                feeder_id=place.feeder_id,
                expected_kw=place.expected_kw,
                households=place.households,
            )
            for number, place in enumerate(feeders, start=1)
        )
        return made.pk


def approve_list(
    *, list_id: int, authority: str, document_no: str, approved_on: date, by_id: int | None, at: datetime
) -> None:
    """
    Put down that the authority approved a list; the one it replaces is planned with no longer.

    :raises NotFound: there is no such list
    :raises ListNotOpen: it is approved, replaced or discarded already
    :raises BadInput: nobody approved it, or by no document, or by one of a later day
    """
    if not authority.strip() or not document_no.strip():
        raise BadInput(_("请写明批准机关和文号。"))
    if approved_on > at.astimezone(settings.BILLING_TIME_ZONE).date():
        raise BadInput(_("批文日期不能晚于今天。"))
    with transaction.atomic():
        found = ShedList.objects.select_for_update().filter(pk=list_id).first()
        if found is None:
            raise NotFound(_("没有这份名单。"))
        if found.state != ShedList.State.DRAFT:
            raise ListNotOpen(
                _("这份名单现在是「%(state)s」，不能再登记批文。请刷新页面。")
                % {"state": _(ShedList.State(found.state).label)}
            )
        ShedList.objects.filter(year=found.year, org_unit_id=found.org_unit_id, state=ShedList.State.APPROVED).update(
            state=ShedList.State.REPLACED
        )
        found.state = ShedList.State.APPROVED
        found.authority, found.document_no, found.approved_on = authority.strip(), document_no.strip(), approved_on
        found.approved_by_id = by_id
        found.save(update_fields=["state", "authority", "document_no", "approved_on", "approved_by"])


def follow_capacity(*, account_id: int, capacity_kva: int, from_on: date, at: datetime, change_id: int = 0) -> int:
    """
    Let an account's entries on lists in force show a change of its capacity; gives how many were changed.

    `change_id` is the change's own (`cis.CapacityChange`): repeated, it finds its rows and changes nothing, and the
    same capacity agreed a second time is another change. 0: not known, then capacity and day stand for it.
    """
    seen: dict[str, object] = {"change_id": change_id}
    if not change_id:
        seen = {"change_id": None, "capacity_kva": capacity_kva, "from_on": from_on}
    with transaction.atomic():
        changed = 0
        entries = ShedEntry.objects.select_for_update().filter(
            account_id=account_id, shed_list__state__in=(ShedList.State.DRAFT, ShedList.State.APPROVED)
        )
        for entry in entries.order_by("pk"):
            if ShedEntryChange.objects.filter(entry=entry, **seen).exists():
                continue
            before = entry.sheddable_kw
            is_surveyed = entry.security_source == ShedEntry.SecuritySource.SURVEYED
            power = power_of(
                measured_peak_kw=entry.measured_peak_kw,
                measured_capacity_kva=entry.measured_capacity_kva,
                capacity_kva=capacity_kva,
                surveyed_security_kw=entry.security_kw if is_surveyed else None,
                default_security_pct=settings.DSM_SECURITY_DEFAULT_PCT,
                process_pct=entry.process_pct,
                is_protected=entry.tier == PROTECTED_TIER,
            )
            entry.capacity_kva, entry.capacity_from_on, entry.computed_at = capacity_kva, from_on, at
            entry.peak_kw, entry.security_kw = power.peak_kw, power.security_kw
            entry.sheddable_kw = power.sheddable_kw
            entry.save()
            ShedEntryChange.objects.create(
                entry=entry,
                change_id=change_id or None,
                capacity_kva=capacity_kva,
                from_on=from_on,
                sheddable_before_kw=before,
                sheddable_kw=power.sheddable_kw,
                computed_at=at,
            )
            changed += 1
        return changed


def _power(row: Surveyed, measured_peak_kw: int) -> EntryPower:
    return power_of(
        measured_peak_kw=measured_peak_kw,
        measured_capacity_kva=row.capacity_kva,
        capacity_kva=row.capacity_kva,
        surveyed_security_kw=row.security_kw,
        default_security_pct=settings.DSM_SECURITY_DEFAULT_PCT,
        process_pct=row.process_pct,
        is_protected=bool(row.protected_because),
    )


def _source(power: EntryPower) -> str:
    return ShedEntry.SecuritySource.SURVEYED if power.is_surveyed else ShedEntry.SecuritySource.DEFAULT
