"""The analysis console's pages about money and energy: a question, its chart, one sentence, the table, the export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.queries import collection
from cis.web.data import download
from config.shared.display_formats import format_energy, format_moment, format_money, format_yuan
from config.shared.periods import add_months, cycle_of
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import render_part

_MONTHS = 12
# Sums over millions of bills are made once for everybody who answers for the same part, and say of when they are.
_KEPT_S = 600


def _months() -> list[int]:
    now = cycle_of(timezone.localdate())
    return [add_months(now, -back) for back in range(_MONTHS - 1, -1, -1)]


def _kept(request: HttpRequest, name: str, compute: Callable[[list[str], list[int]], Any]) -> tuple[Any, str]:
    """What `compute` gives for the part one answers for and the months shown, and the moment it is of."""
    within, months = sorted(scope_of(staff_of(request), "cis.see_statistics")), _months()

    def fresh() -> tuple[Any, str]:
        return compute(within, months), timezone.now().isoformat()

    key = f"analysis:{name}:{months[-1]}:{','.join(within)}"
    kept: tuple[Any, str] | None = cache.get(key)
    if kept is None:
        kept = fresh()
        cache.set(key, kept, _KEPT_S)
    rows, at = kept
    return rows, format_moment(datetime.fromisoformat(at), timezone.get_current_timezone())


def _billed(request: HttpRequest) -> tuple[list[collection.MonthOfClass], str]:
    today = timezone.localdate()
    return _kept(
        request,
        "billed",
        lambda within, months: collection.billed_by_month(within=within, first=months[0], last=months[-1], today=today),
    )


def _received(request: HttpRequest) -> list[collection.ReceivedInMonth]:
    rows: list[collection.ReceivedInMonth] = _kept(
        request,
        "received",
        lambda within, months: collection.received_by_month(within=within, first=months[0], last=months[-1]),
    )[0]
    return rows


def _by_month(months: Iterable[int], pairs: Iterable[tuple[int, int]]) -> list[int]:
    sums = dict.fromkeys(months, 0)
    for month, value in pairs:
        sums[month] += value
    return list(sums.values())


def _axis() -> dict[str, Any]:
    return {"x": [f"{month // 100}-{month % 100:02d}" for month in _months()], "x_name": _("月份"), "scale": 100}


@requires("cis.see_statistics")
@require_safe
def energy_sold(request: HttpRequest) -> HttpResponse:
    """How much energy was sold, month by month, to whom."""
    (rows, at), months = _billed(request), _months()
    classes = collection.class_names()
    series = [
        {
            "name": name,
            "stack": "sold",
            "values": _by_month(months, ((r.cycle, r.energy_kwh_e2) for r in rows if r.price_class == kind)),
        }
        for kind, name in classes.items()
        if any(row.price_class == kind for row in rows)
    ]
    energy, fen = sum(row.energy_kwh_e2 for row in rows), sum(row.billed_fen for row in rows)
    answer = _("十二个月卖了 %(energy)s 度，应收 %(yuan)s 元。") % {
        "energy": format_energy(energy),
        "yuan": format_money(fen),
    }
    chart = {**_axis(), "unit": _("度"), "kind": "bar", "series": series}
    question = _("每个月卖了多少电，卖给了谁？")
    return _draw(request, chart, title=_("售电"), question=question, answer=answer, at=at, has_rows=bool(rows))


@requires("cis.see_statistics")
@require_safe
def collection_page(request: HttpRequest) -> HttpResponse:
    """What was billed and what was received, beside each other, with the difference written out."""
    (rows, at), months = _billed(request), _months()
    billed = _by_month(months, ((row.cycle, row.billed_fen) for row in rows))
    received = _by_month(months, ((row.cycle, row.received_fen) for row in _received(request)))
    differences = [got - due for got, due in zip(received, billed, strict=True)]
    chart = {
        **_axis(),
        "unit": _("元"),
        "digits": 2,
        "kind": "bar",
        "series": [{"name": _("应收"), "values": billed}, {"name": _("实收"), "values": received}],
        "columns": [
            {"name": _("实收减应收"), "values": differences, "unit": _("元"), "scale": 100, "digits": 2},
        ],
    }
    difference = sum(differences)
    words = {
        "billed": format_money(sum(billed)),
        "received": format_money(sum(received)),
        "difference": format_money(abs(difference)),
    }
    # Which way it differs is said: what came in may be for bills of the months before.
    if difference < 0:
        answer = _("十二个月应收 %(billed)s 元，实收 %(received)s 元，少收 %(difference)s 元。") % words
    else:
        answer = (
            _("十二个月应收 %(billed)s 元，实收 %(received)s 元，多收 %(difference)s 元（含更早的账单和预存）。")
            % words
        )
    question = _("应收的电费收回来了吗？")
    has_rows = bool(rows) or any(received)
    return _draw(request, chart, title=_("电费回收"), question=question, answer=answer, at=at, has_rows=has_rows)


@requires("cis.see_statistics")
@require_safe
def arrears(request: HttpRequest) -> HttpResponse:
    """What is still owed, by the month it was billed for and by class."""
    (rows, at), months = _billed(request), _months()
    classes = collection.class_names()
    series = [
        {
            "name": name,
            "stack": "open",
            "values": _by_month(months, ((r.cycle, r.open_fen) for r in rows if r.price_class == kind)),
        }
        for kind, name in classes.items()
        if any(row.price_class == kind and row.open_fen for row in rows)
    ]
    still_open, overdue = sum(row.open_fen for row in rows), sum(row.overdue_fen for row in rows)
    answer = _("还欠 %(open)s 元，其中过了交费期限的 %(overdue)s 元。") % {
        "open": format_money(still_open),
        "overdue": format_money(overdue),
    }
    overdue_column = {
        "name": _("其中逾期"),
        "values": _by_month(months, ((row.cycle, row.overdue_fen) for row in rows)),
        "unit": _("元"),
        "scale": 100,
        "digits": 2,
    }
    chart = {**_axis(), "unit": _("元"), "digits": 2, "kind": "bar", "series": series, "columns": [overdue_column]}
    question = _("还欠多少，是哪个月的，谁欠的？")
    return _draw(request, chart, title=_("欠费"), question=question, answer=answer, at=at, has_rows=still_open > 0)


def _draw(
    request: HttpRequest, chart: dict[str, Any], *, title: str, question: str, answer: str, at: str, has_rows: bool
) -> HttpResponse:
    context = {
        "chart": chart if has_rows else None,
        "question": question,
        "answer": answer,
        "at": at,
        "export_url": reverse("cis:analysis_export"),
    }
    return render_part(request, "cis/analysis/_chart.html", context, title=title)


@requires("cis.see_statistics")
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything the three charts are drawn from, as a file."""
    names = collection.class_names()
    billed, received = _billed(request)[0], _received(request)
    received_of = {(row.cycle, row.price_class): row.received_fen for row in received}

    def lines() -> Iterator[tuple[str, ...]]:
        yield (
            "month",
            "price_class",
            "bills",
            "energy_kwh",
            "billed_yuan",
            "received_yuan",
            "open_yuan",
            "overdue_yuan",
        )
        known = {(row.cycle, row.price_class): row for row in billed}
        for month, kind in sorted(known.keys() | received_of.keys()):
            row = known.get((month, kind)) or collection.MonthOfClass(month, kind, 0, 0, 0, 0, 0)
            energy = f"{row.energy_kwh_e2 // 100}.{row.energy_kwh_e2 % 100:02d}"
            money = (row.billed_fen, received_of.get((month, kind), 0), row.open_fen, row.overdue_fen)
            yield (str(month), names[kind], str(row.bills), energy, *map(format_yuan, money))

    return download("analysis.csv", lines())
