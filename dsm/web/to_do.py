"""What is to do about shortages, for the home page of the analysis console."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.shared.display_formats import format_count, format_day
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo
from dsm.queries import shortages
from dsm.web.shortages import within_of
from dsm.words import LEVELS


@require_safe
@requires("dsm.view_plans")
def open_shortages(request: HttpRequest) -> HttpResponse:
    """Shortages on their way to orders, and which step is next."""
    rows = shortages.open_shortages(within=within_of(request), today=timezone.localdate())
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("等待处理的缺电"),
        rows=[
            TodoRow(
                text=_("%(day)s 缺电，%(level)s") % {"day": format_day(row.on_day, zone), "level": LEVELS[row.level]},
                url=reverse("dsm:shortage", args=[row.shortage_id]),
                note=_("最大缺口 %(kw)s 千瓦") % {"kw": format_count(row.peak_gap_kw)},
                end=row.state_word,
                is_bad=row.level in ("I", "II"),
            )
            for row in rows
        ],
        nothing=_("没有等待处理的缺电。"),
        all_url=reverse("dsm:shortages"),
        all_label=_("全部缺电"),
    )
