"""
Data tables: one declaration of columns serves the page, sorting, the choice of columns, paging and the export.

    BILLS = Table(
        name="cis.bills",
        columns=(
            Column("cycle", _("月份"), lambda row: row.cycle, link=lambda row: reverse("cis:bill", args=[row.bill_no])),
            Column("total", _("电费（元）"), lambda row: row.total_fen, kind="money", sort="total"),
        ),
        orders=queries.ORDERS,
        first_order="-no",
    )

    def bill_list(request):
        return answer(request, BILLS, lambda ask: queries.page_of_bills(ask), page="cis/bills/all.html", context={})

The page includes `shared/_table.html`. Links carry everything, so it works without scripts; htmx exchanges the table
alone and keeps the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.shared import display_formats as formats
from config.shared import preferences
from config.shared.errors import NotAllowed
from config.shared.keysets import Ask, Order, Page
from config.shared.models import User
from config.shared.permissions import may
from config.shared.templatetags.display import chip
from config.shared.web.pages import render_part_or_page
from config.shared.web.table_exports import FORMATS, Sheet

Row = TypeVar("Row")

PAGE_ROWS = 50
_KIND_CLASSES = {
    "money": "num", "energy": "num", "count": "num", "number": "num", "day": "nowrap", "moment": "nowrap",
    "clock": "nowrap", "code": "nowrap", "text": "words",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in a word: kind is good, warn, bad, info or neutral."""

    kind: str
    word: str

    def __str__(self) -> str:
        return self.word


def job_state_kind(state: str) -> str:
    """The kind of chip for the state of a job or a shard, as `shared/operations/_state.html` has it."""
    return {"done": "good", "failed": "bad", "running": "info", "cancelling": "info"}.get(state, "neutral")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """
    One column: what it is called, what it takes from a row, how that is shown.

    `kind` is text, code, chips (the value is a tuple of `Chip`), money (fen), energy (10^-2 kWh), count, number (text
    that is a number), day, moment, clock or picture (a `DayPicture`). `sort` names the order its head switches to.
    `link` gives the address the value leads to, empty for none. `is_head` names the row; it cannot be put away.
    `is_extra` is not shown until somebody asks for it.
    """

    name: str
    label: str | Promise
    value: Callable[[Row], Any]
    kind: str = "text"
    sort: str = ""
    link: Callable[[Row], str] | None = None
    is_head: bool = False
    is_extra: bool = False


@dataclass(frozen=True)
class Table(Generic[Row]):
    """
    A table of the house. `name` is under which people's choices are kept; `orders` are those its rows can be sorted by,
    `first_order` the one it begins with, with a minus from its other end.
    """

    name: str
    columns: tuple[Column[Row], ...]
    orders: Mapping[str, Order]
    first_order: str
    page_rows: int = PAGE_ROWS
    export_permission: str = ""

    known: ClassVar[dict[str, Table[Any]]] = {}

    def __post_init__(self) -> None:
        if self.name in Table.known:
            raise ValueError(f"two tables are called {self.name}")
        if self.first_order.removeprefix("-") not in self.orders:
            raise ValueError(f"{self.name} has no order {self.first_order}")
        for column in self.columns:
            if column.sort and column.sort not in self.orders:
                raise ValueError(f"{self.name} has no order {column.sort}")
        Table.known[self.name] = self

    @property
    def dom_id(self) -> str:
        """Its id in the page."""
        return f"table-{self.name.replace('.', '-').replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Asked(Generic[Row]):
    """What a request wants to see of a table."""

    table: Table[Row]
    ask: Ask
    sort: str
    columns: tuple[Column[Row], ...]
    wants_count: bool
    export: str
    path: str
    query: QueryDict = field(repr=False)

    def address(self, **changed: str) -> str:
        """This list with some parts of its address changed; empty ones are left out."""
        kept = {name: values for name, values in self.query.lists() if name not in _OWN}
        own = {name: value for name, value in changed.items() if value}
        # Always said, for a key means nothing in another order, and what is remembered may change in another window.
        own.setdefault("sort", self.sort)
        text = urlencode([*((name, value) for name, values in kept.items() for value in values), *own.items()])
        return f"{self.path}?{text}"


_OWN = frozenset({"sort", "after", "before", "count", "export"})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column."""

    label: str
    css: str
    sort_url: str
    sorted: str
    id: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that can be shown or put away."""

    name: str
    label: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with finished values: what `shared/_table.html` draws."""

    id: str
    name: str
    heads: tuple[Head, ...]
    body: SafeString
    has_rows: bool
    previous_url: str
    next_url: str
    first_url: str
    count: str
    count_url: str
    choices: tuple[Choice, ...]
    sorts: tuple[Head, ...]
    exports: tuple[tuple[str, str], ...]
    here: str
    is_filtered: bool


def answer(
    request: HttpRequest,
    table: Table[Row],
    fetch: Callable[[Ask], Page[Row]],
    *,
    page: str,
    context: Mapping[str, Any],
    part: str = "shared/_table.html",
    count: Callable[[], int] | None = None,
    file_name: str = "",
    filters: Sequence[str] = (),
) -> HttpResponseBase:
    """
    The list as a page, as the table alone for htmx, or as a file.

    `fetch` answers one question with one page; `count` counts all rows, and is only called when somebody asks.
    `filters` are the names in the address that narrow the list.

    :raises NotAllowed: a file is wanted, and the user may not take the list out of the house
    """
    asked = asked_of(request, table)
    may_export = not table.export_permission or may(request.user, table.export_permission)
    if asked.export:
        if not may_export:
            raise NotAllowed(_("您的岗位不能导出这张表。需要时请联系管理员。"))
        sheet = Sheet([(str(c.label), c.kind) for c in asked.columns], _values(asked, fetch))
        return sheet.answer(asked.export, file_name or table.name.replace(".", "-"))
    found = fetch(asked.ask)
    if asked.ask.before is not None and not found.has_earlier and len(found.rows) < asked.ask.limit:
        # The way back has reached the beginning: the first page, and not a short one.
        asked = replace(asked, ask=replace(asked.ask, before=None, after=None))
        found = fetch(asked.ask)
    view = show(asked, found, may_export=may_export, filters=filters, count=count)
    return render_part_or_page(request, part=part, page=page, context={**context, "table": view})


def asked_of(request: HttpRequest, table: Table[Row]) -> Asked[Row]:
    """What this request wants to see; an order that is asked for is remembered for the person."""
    user = request.user if isinstance(request.user, User) else None
    own = preferences.table_view_of(user_id=user.pk, table=table.name) if user else preferences.TableView()
    wanted = request.GET.get("sort", "")
    sort = next((one for one in (wanted, own.sort) if _is_order(table, one)), table.first_order)
    if user and sort == wanted and sort != (own.sort or table.first_order):
        preferences.keep_sort(user_id=user.pk, table=table.name, sort=sort)
    order = table.orders[sort.removeprefix("-")]
    if sort.startswith("-"):
        order = order.turned()
    export = request.GET.get("export", "")
    return Asked(
        table=table,
        ask=Ask(
            order=order,
            limit=table.page_rows,
            after=order.read(request.GET.get("after", "")),
            before=order.read(request.GET.get("before", "")),
        ),
        sort=sort,
        columns=_shown(table, own.columns),
        wants_count=request.GET.get("count") == "1",
        export=export if export in FORMATS else "",
        path=request.path,
        query=request.GET,
    )


def show(
    asked: Asked[Row],
    page: Page[Row],
    *,
    may_export: bool = True,
    filters: Sequence[str] = (),
    count: Callable[[], int] | None = None,
) -> TableView:
    """The page of a table with finished values."""
    table, order = asked.table, asked.ask.order
    first, last = (order.written(order.key_of(row)) for row in (page.rows[0], page.rows[-1])) if page.rows else ("", "")
    can_count = count is not None
    return TableView(
        id=table.dom_id,
        name=table.name,
        heads=tuple(_head(asked, column) for column in asked.columns),
        body=_body(asked, page.rows),
        has_rows=bool(page.rows),
        previous_url=asked.address(before=first) if page.has_earlier and first else "",
        next_url=asked.address(after=last) if page.has_later else "",
        first_url=asked.address() if asked.ask.after or asked.ask.before else "",
        count=formats.format_count(count()) if count and asked.wants_count else "",
        count_url=asked.address(count="1") if can_count and not asked.wants_count else "",
        choices=tuple(
            Choice(column.name, str(column.label), column in asked.columns)
            for column in table.columns
            if not column.is_head
        ),
        sorts=tuple(_head(asked, column) for column in asked.columns if column.sort),
        exports=tuple((str(word), asked.address(export=name)) for name, word in FORMATS.items()) if may_export else (),
        here=asked.address(),
        is_filtered=any(asked.query.get(name) for name in filters),
    )


def _is_order(table: Table[Any], sort: str) -> bool:
    return bool(sort) and sort.removeprefix("-") in table.orders


def _shown(table: Table[Row], chosen: tuple[str, ...]) -> tuple[Column[Row], ...]:
    if chosen:
        return tuple(column for column in table.columns if column.is_head or column.name in chosen)
    return tuple(column for column in table.columns if not column.is_extra)


def _values(asked: Asked[Row], fetch: Callable[[Ask], Page[Row]]) -> Any:
    """All rows of the list in its order, from the first, as the values of its columns."""
    ask = Ask(order=asked.ask.order, limit=2000)
    while True:
        page = fetch(ask)
        for row in page.rows:
            yield [column.value(row) for column in asked.columns]
        if not page.has_later or not page.rows:
            return
        ask = Ask(order=ask.order, limit=ask.limit, after=ask.order.key_of(page.rows[-1]))


def _head(asked: Asked[Any], column: Column[Any]) -> Head:
    is_sorted = bool(column.sort) and column.sort == asked.sort.removeprefix("-")
    falling = asked.sort.startswith("-")
    # A second press turns the order round; numbers and days begin with the greatest.
    turned = column.sort if is_sorted and falling else f"-{column.sort}"
    if not is_sorted and column.kind in ("text", "code", "chips"):
        turned = column.sort
    return Head(
        label=str(column.label),
        css=_KIND_CLASSES.get(column.kind, ""),
        sort_url=asked.address(sort=turned) if column.sort else "",
        sorted=("descending" if falling else "ascending") if is_sorted else "",
        id=f"{asked.table.dom_id}-by-{column.name}",
    )


# The body is written here and not by the template engine, which takes five times as long for the hundreds of cells of a
# page; see benchmarks/pages.py.
def _body(asked: Asked[Row], rows: Sequence[Row]) -> SafeString:
    table, order = asked.table, asked.ask.order
    plans = [
        (column, escape(column.label), f' class="{css}"' if (css := _KIND_CLASSES.get(column.kind, "")) else "")
        for column in asked.columns
    ]
    lines: list[str] = []
    for row in rows:
        lines.append("<tr>")
        for column, label, css in plans:
            text = _cell(column, row, f"{table.dom_id}-{order.written(order.key_of(row))}")
            if column.is_head:
                lines.append(f'<th scope="row"{css}>{text}</th>')
            else:
                lines.append(f'<td{css} data-label="{label}">{text}</td>')
        lines.append("</tr>\n")
    return mark_safe("".join(lines))  # noqa: S308 (every value went through `escape`)


def _cell(column: Column[Row], row: Row, row_id: str) -> str:
    text = as_text(column.kind, column.value(row))
    url = column.link(row) if column.link else ""
    if not url:
        return f"<span>{text}</span>" if column.kind == "text" else text
    own = f' id="{escape(row_id)}"' if column.is_head else ""
    return f'<a href="{escape(url)}"{own}>{text}</a>'


def as_text(kind: str, value: Any) -> str:
    """A value as the page shows it, escaped."""
    if value is None or value == "":
        return formats.ABSENT
    if kind == "picture":
        return str(value.svg())
    if kind == "chips":
        return '<span class="row">' + "".join(chip(one.kind, one.word) for one in value) + "</span>" if value else ""
    return escape(_READERS.get(kind, str)(value))


_READERS: dict[str, Callable[[Any], str]] = {
    "money": formats.format_money,
    "energy": formats.format_energy,
    "count": formats.format_count,
    "day": lambda value: formats.format_day(value, timezone.get_current_timezone()),
    "moment": lambda value: formats.format_moment(value, timezone.get_current_timezone()),
    "clock": lambda value: formats.format_clock(value, timezone.get_current_timezone()),
}
