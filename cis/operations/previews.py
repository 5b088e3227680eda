"""Rating previews under the utility's own tariffs; nothing is written."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from cis.previews import preview
from cis.previews.document import read_json
from cis.queries.published import own_tariffs
from cis.rating import CannotPrice
from config.shared.errors import BadInput

__all__ = ["CannotBeRated", "preview_rating", "read_document"]


class CannotBeRated(BadInput):
    """The document names what is unknown, or leaves out what a rule needs."""

    code = "cannot-be-rated"


def read_document(text: str | bytes) -> Any:
    """
    A document as it was written: numbers keep every digit, and no name stands twice in one object.

    :raises CannotBeRated: a name stands twice
    :raises ValueError: it is no JSON, or nested too deeply
    """
    try:
        return read_json(text)
    except CannotPrice as refused:
        raise _cannot(refused) from refused
    except RecursionError as wrong:
        raise ValueError("nested too deeply") from wrong


def preview_rating(*, document: Any, today: date) -> dict[str, Any]:
    """
    The lines of one document, by the tariffs in force on its first day, or today; `reason` in a refusal is the
    kernel's stable code.

    :raises CannotBeRated: something is missing, unknown or impossible
    """
    try:
        return preview(document, own_tariffs(today=today))
    except CannotPrice as refused:
        raise _cannot(refused) from refused


def _cannot(refused: CannotPrice) -> CannotBeRated:
    return CannotBeRated(
        _("这份数据算不出电费：%(detail)s。请补全或更正后再试。") % {"detail": str(refused)}, reason=refused.code
    )
