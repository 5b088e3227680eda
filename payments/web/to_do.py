"""What was taken today, as parts of the counter's home page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.shared.display_formats import format_count, format_money
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo
from payments import queries


@requires("payments.take_payment")
@require_safe
def my_takings(request: HttpRequest) -> HttpResponse:
    """What one took today, with the last payments."""
    user = staff_of(request)
    taken = queries.my_takings(day=timezone.localdate(), user_id=user.pk, org_unit_id=user.org_unit_id)
    lead = _("今天收了 %(count)s 笔，共 %(yuan)s 元，冲正 %(reversed)s 笔。") % {
        "count": format_count(taken.count),
        "yuan": format_money(taken.fen),
        "reversed": format_count(taken.reversed_count),
    }
    return render_todo(
        request,
        title=_("我今天的收款"),
        lead=lead if taken.last else "",
        rows=[
            TodoRow(
                f"{row.masked_name} {row.account_no}",
                reverse("payments:payment", args=[row.receipt_no]),
                note=_("%(method)s · 已冲正") % {"method": row.method_word} if row.is_reversed else row.method_word,
                end=format_money(row.amount_fen),
                is_bad=row.is_reversed,
            )
            for row in taken.last
        ],
        nothing=_("今天还没有收款。"),
        nothing_icon="wallet",
        all_url=reverse("payments:desk"),
        all_label=_("去收费"),
    )


@requires("payments.oversee_takings")
@require_safe
def takings_by_clerk(request: HttpRequest) -> HttpResponse:
    """What each clerk of one's halls took today."""
    rows = queries.takings_by_clerk(
        day=timezone.localdate(), paths=scope_of(staff_of(request), "payments.oversee_takings")
    )
    total = format_money(sum(row.fen for row in rows))
    return render_todo(
        request,
        title=_("本厅今天各柜员的收款"),
        lead=_("一共 %(yuan)s 元。") % {"yuan": total} if rows else "",
        rows=[
            TodoRow(
                row.clerk,
                note=_("%(hall)s · %(count)s 笔，冲正 %(reversed)s 笔")
                % {"hall": row.hall, "count": format_count(row.count), "reversed": format_count(row.reversed_count)},
                end=format_money(row.fen),
            )
            for row in rows
        ],
        nothing=_("今天还没有收款。"),
        all_url=reverse("payments:day_list"),
        all_label=_("今天的每一笔"),
    )
