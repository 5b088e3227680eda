"""What is to do in customer information, as parts of the counter's home page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from cis.queries import billing, disputes, readings, to_do
from config.shared.display_formats import format_count, format_day, format_month
from config.shared.keysets import Ask
from config.shared.periods import add_months, cycle_of
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, address_of, render_todo

_SHOWN = 5
# Whom a run left out is looked after in the months right behind it; what is older is in the runs themselves.
_CYCLES_BACK = 3


@requires("cis.dispute_bill")
@require_safe
def open_disputes(request: HttpRequest) -> HttpResponse:
    """Customers' questions of one's part that wait for an answer, the most urgent first."""
    within = scope_of(staff_of(request), "cis.dispute_bill")
    rows, count = disputes.list_waiting(within=within, at=timezone.now(), limit=_SHOWN)
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("还没答复的疑问和校表"),
        lead=_("还有 %(count)s 件没有答复，先看最急的。") % {"count": count} if count > _SHOWN else "",
        rows=[
            TodoRow(
                f"{row.customer_name} {row.account_no}",
                reverse("cis:dispute", args=[row.dispute_id]),
                note=f"{row.kind_word} · {row.reason}",
                end=row.clock.words if row.clock else format_day(row.opened_at, zone),
                is_bad=row.clock is not None and row.clock.state == "late",
            )
            for row in rows
        ],
        nothing=_("没有等待答复的疑问。"),
        all_url=reverse("cis:disputes"),
        all_label=_("全部疑问"),
    )


@requires("cis.run_billing")
@require_safe
def unfinished_runs(request: HttpRequest) -> HttpResponse:
    """Billing runs that work, and those that somebody must look at."""
    return render_todo(
        request,
        title=_("进行中和没做完的发行"),
        rows=[
            TodoRow(
                f"{format_month(row.cycle)} {row.kind_label} {row.org_name}",
                reverse("cis:run", args=[row.run_id]),
                note=_("完成 %(done)s / %(total)s 户")
                % {"done": format_count(row.done_units), "total": format_count(row.total_units)},
                end=_("核对不符") if row.agrees is False else row.state_label,
                is_bad=row.state == "failed" or row.agrees is False,
            )
            for row in billing.list_unfinished_runs(limit=_SHOWN, within=_runs_of(request))
        ],
        nothing=_("没有没做完的发行。"),
        all_url=reverse("cis:runs"),
        all_label=_("全部发行"),
    )


@requires("cis.run_billing")
@require_safe
def open_exceptions(request: HttpRequest) -> HttpResponse:
    """Accounts that runs left out and that still have no bill, by reason."""
    since = add_months(cycle_of(timezone.localdate()), -_CYCLES_BACK)
    return render_todo(
        request,
        title=_("没有出账的户"),
        rows=[
            TodoRow(
                row.reason,
                f"{reverse('cis:run_exceptions', args=[row.run_id])}?code={row.code}",
                note=_("%(cycle)s 发行 %(run)s") % {"cycle": format_month(row.cycle), "run": row.run_id},
                end=ngettext("%(number)s 户", "%(number)s 户", row.accounts) % {"number": format_count(row.accounts)},
            )
            for row in to_do.left_out(from_cycle=since, limit=_SHOWN, within=_runs_of(request))
        ],
        nothing=_("近三个月应出账的都出了。"),
        all_url=reverse("cis:runs"),
        all_label=_("全部发行"),
    )


@requires("cis.resolve_readings")
@require_safe
def waiting_doubts(request: HttpRequest) -> HttpResponse:
    """Doubtful readings that wait, oldest first."""
    user = staff_of(request)
    within = scope_of(user, "cis.resolve_readings")
    oldest_first = Ask(readings.DOUBT_ORDERS["waiting"].turned(), _SHOWN)
    page = readings.page_of_doubts(oldest_first, within=within, user_id=user.pk, at=timezone.now())
    count = readings.count_doubts(within=within)
    return render_todo(
        request,
        title=_("等待处理的存疑示数"),
        lead=_("共 %(count)s 条，先看最早的。") % {"count": format_count(count)} if count else "",
        rows=[
            TodoRow(
                f"{row.customer_name} {row.account_no}",
                reverse("cis:reading_doubt", args=[row.doubt_id]),
                note="、".join(doubt.name for doubt in row.doubts),
                end=_("等了 %(days)s 天") % {"days": row.age_days},
                is_bad=row.age_days > 1,
            )
            for row in page.rows
        ],
        nothing=_("没有存疑的示数。"),
        all_url=reverse("cis:reading_work_list"),
        all_label=_("全部存疑示数"),
    )


@requires("cis.close_day")
@require_safe
def days_to_close(request: HttpRequest) -> HttpResponse:
    """Business days that are over and not closed."""
    days = to_do.days_to_close(today=timezone.localdate(), limit=_SHOWN)
    zone = timezone.get_current_timezone()
    return render_todo(
        request,
        title=_("等待日结的营业日"),
        rows=[TodoRow(format_day(day, zone), _day_url(day.isoformat()), end=_("未日结")) for day in days],
        nothing=_("过去的营业日都已日结。"),
    )


def _runs_of(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), "cis.run_billing")


def _day_url(day: str) -> str:
    page = address_of("payments:day")
    return f"{page}?day={day}" if page else ""
