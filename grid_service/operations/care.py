"""The register of households in care: entered with a ground, opened with a reason."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.queries.customers import account_id_of
from config.shared.errors import BadInput
from config.shared.looks import note_reveal
from grid_service.models import CareCase
from grid_service.queries.care import CareDetail, details_of


class NoGround(BadInput):
    """Sensitive data is kept with consent or on a ground in law that is named, and for a time."""

    code = "no-ground"


def enter_care(
    *,
    account_no: str,
    kind: str,
    basis: str,
    basis_note: str,
    note: str,
    until_on: date,
    by_id: int,
    at: datetime,
    today: date,
) -> int:
    """
    Enter a household into the register; entered for the same again, the entry is renewed. Gives its id.

    :raises NotFound: there is no such account
    :raises NoGround: no ground, none that is named, or no day until which it holds
    """
    ground = basis_note.strip()
    if basis not in CareCase.Basis.values or kind not in CareCase.Kind.values or not ground:
        raise NoGround(_("请写明依据：同意书编号，或法律条款。"))
    if until_on <= today:
        raise NoGround(_("请填以后的日期，到期要重新征得同意。"))
    with transaction.atomic():
        case, _is_new = CareCase.objects.update_or_create(
            account_id=account_id_of(account_no),
            kind=kind,
            ended_at=None,
            defaults={
                "basis": basis,
                "basis_note": ground,
                "note": note.strip(),
                "noted_by_id": by_id,
                "noted_at": at,
                "until_on": until_on,
            },
        )
    return case.pk


def open_care(*, account_id: int, user_id: int, reason: str, at: datetime, today: date) -> list[CareDetail]:
    """
    What a household needs, for a reason that is written down and that the customer may read.

    :raises NotFound: it is not in the register
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        found = details_of(account_id, today=today)
        note_reveal(user_id=user_id, subject=f"account:{account_id}", fields=["care"], reason=reason, at=at)
    return found
