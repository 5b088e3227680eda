"""What people chose for their working place, kept per user: colours, size of letters, columns of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.shared.errors import Refused
from config.shared.models import TableChoice, User


class NotAChoice(Refused):
    """There is no such set of colours or size of letters."""

    code = "not-a-choice"
    status = 422


@dataclass(frozen=True, slots=True)
class Appearance:
    """Colours ("" as the system, "light", "dark") and letters ("" normal, "elder")."""

    theme: str = ""
    text_size: str = ""


@dataclass(frozen=True, slots=True)
class TableView:
    """Columns to show, in the order of the table (none: the usual ones), and the order of the rows ("" the usual)."""

    columns: tuple[str, ...] = ()
    sort: str = ""


def appearance_from(theme: str, text_size: str) -> Appearance:
    """
    The two words as an appearance.

    :raises NotAChoice: one of them is unknown
    """
    if theme not in User.Theme.values or text_size not in User.TextSize.values:
        raise NotAChoice(_("没有这种外观，请从给出的几种里选。"))
    return Appearance(theme, text_size)


def keep_appearance(*, user_id: int, theme: str, text_size: str) -> Appearance:
    """
    Remember the user's choice, the last one wins.

    :raises NotAChoice: there is no such choice
    """
    chosen = appearance_from(theme, text_size)
    User.objects.filter(pk=user_id).update(theme=chosen.theme, text_size=chosen.text_size)
    return chosen


def table_view_of(*, user_id: int, table: str) -> TableView:
    """How the user wants to see this table."""
    row = TableChoice.objects.filter(user_id=user_id, table=table).values_list("columns", "sort").first()
    return TableView(tuple(row[0]), row[1]) if row else TableView()


def keep_columns(*, user_id: int, table: str, columns: Sequence[str]) -> None:
    """Remember which columns of a table the user wants to see; none brings back the usual ones."""
    TableChoice.objects.update_or_create(user_id=user_id, table=table, defaults={"columns": list(columns)})


def keep_sort(*, user_id: int, table: str, sort: str) -> None:
    """Remember in which order the user wants the rows of a table."""
    TableChoice.objects.update_or_create(user_id=user_id, table=table, defaults={"sort": sort})
