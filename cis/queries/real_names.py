"""Whether somebody's name was checked: when, by whom, on what document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cis.models import RealNameCheck
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class RealName:
    """The newest check of a person's name; of the document's number only the last places are known."""

    name: str
    by: str
    by_word: str
    document_word: str
    document_end: str
    checked_at: datetime
    checked_by: str
    hall: str

    @property
    def masked_name(self) -> str:
        """The name for places where others look on."""
        return mask_name(self.name)

    @property
    def masked_document(self) -> str:
        """The document's number with all but its last places hidden."""
        return f"{'*' * 6}{self.document_end}"


def real_name_of(user_id: int) -> RealName | None:
    """The newest check of a person; None where there was none."""
    return real_names_of([user_id]).get(user_id)


def real_names_of(user_ids: list[int]) -> dict[int, RealName]:
    """User id to their newest check, for those who have one; one statement."""
    rows = (
        RealNameCheck.objects.filter(user_id__in=user_ids)
        .select_related("checked_by", "org_unit")
        .order_by("user_id", "-checked_at", "-pk")
        .distinct("user_id")
    )
    return {
        row.user_id: RealName(
            name=row.name,
            by=row.by,
            by_word=_(RealNameCheck.By(row.by).label),
            document_word=_(RealNameCheck.Document(row.document).label),
            document_end=row.document_end,
            checked_at=row.checked_at,
            checked_by=(row.checked_by.display_name or row.checked_by.username) if row.checked_by else "",
            hall=row.org_unit.shown_name if row.org_unit else "",
        )
        for row in rows
    }
