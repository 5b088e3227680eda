"""The register of households in care: who is in it hidden, what for only to who says why they look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.personal_data import mask_name
from grid_service.models import CareCase


@dataclass(frozen=True, slots=True)
class CareRow:
    """A household in care, without what for."""

    account_id: int
    account_no: str
    masked_name: str
    address: str
    until_on: date


@dataclass(frozen=True, slots=True)
class CareDetail:
    """What a household needs, and on what ground we know."""

    kind_word: str
    basis_word: str
    basis_note: str
    note: str
    until_on: date


def households_in_care(transformer_district_ids: Iterable[int], *, today: date, limit: int = 100) -> list[CareRow]:
    """Households in care behind these transformer districts on a day, once each."""
    rows = CareCase.objects.filter(
        account__premise__transformer_district_id__in=list(transformer_district_ids),
        ended_at=None,
        until_on__gte=today,
    ).select_related("account__customer", "account__premise")
    found: dict[int, CareRow] = {}
    for row in rows.order_by("account__premise__address", "account_id"):
        known = found.get(row.account_id)
        found[row.account_id] = CareRow(
            row.account_id,
            row.account.account_no,
            mask_name(row.account.customer.name),
            row.account.premise.address,
            max(row.until_on, known.until_on) if known else row.until_on,
        )
    return list(found.values())[:limit]


def details_of(account_id: int, *, today: date) -> list[CareDetail]:
    """
    What one household needs; whoever asks has said why.

    :raises NotFound: it is not in the register
    """
    rows = CareCase.objects.filter(account_id=account_id, ended_at=None, until_on__gte=today).order_by("pk")
    found = [
        CareDetail(
            _(CareCase.Kind(row.kind).label),
            _(CareCase.Basis(row.basis).label),
            row.basis_note,
            row.note,
            row.until_on,
        )
        for row in rows
    ]
    if not found:
        raise NotFound(_("这户不在特殊关照名单里。"))
    return found
