"""Pages for those who keep the house running: long work with its progress, and events nobody could take."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from config.shared import events, jobs, overview
from config.shared.display_formats import format_moment
from config.shared.errors import NotFound, Refused
from config.shared.permissions import holds_everywhere, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.parts import TodoRow, render_todo

_PAGE = 30
_TO_DO = 5


def _key(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


@requires("shared.see_jobs")
def job_list(request: HttpRequest) -> HttpResponse:
    """Long work, newest first."""
    rows = overview.list_jobs(
        limit=_PAGE + 1, before=_key(request), within=scope_of(staff_of(request), "shared.see_jobs")
    )
    return render_part_or_page(
        request,
        part="shared/operations/_jobs.html",
        page="shared/operations/jobs.html",
        context={"jobs": rows[:_PAGE], "next_url": f"?before={rows[_PAGE - 1].job_id}" if len(rows) > _PAGE else ""},
    )


@requires("shared.see_jobs")
def job_page(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job: how far it is, its parts, what failed."""
    return render_part_or_page(
        request,
        part="shared/operations/_job.html",
        page="shared/operations/job.html",
        context={
            "job": overview.get_job(job_id, within=scope_of(staff_of(request), "shared.see_jobs")),
            "shards": overview.list_shards(job_id),
        },
    )


@requires("shared.manage_jobs")
def job_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Stop a job."""
    overview.get_job(job_id, within=scope_of(staff_of(request), "shared.manage_jobs"))
    if request.method == "POST":
        try:
            jobs.cancel_job(job_id=job_id, at=timezone.now())
            messages.success(request, _("正在停下；已经做完的部分保留。"))
        except jobs.JobIsOver as refused:
            messages.warning(request, refused.message)
    return redirect("job", job_id=job_id)


@requires("shared.manage_jobs")
def job_resume(request: HttpRequest, job_id: int) -> HttpResponse:
    """Put what is left of a job back to work."""
    overview.get_job(job_id, within=scope_of(staff_of(request), "shared.manage_jobs"))
    if request.method == "POST":
        try:
            jobs.resume_job(job_id=job_id, at=timezone.now())
            messages.success(request, _("已经继续，只做剩下的部分。"))
        except jobs.JobIsOver as refused:
            messages.warning(request, refused.message)
    return redirect("job", job_id=job_id)


@requires("shared.see_jobs")
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Events that a handler refused too often."""
    rows = overview.list_dead_letters(
        limit=_PAGE + 1, before=_key(request), within=scope_of(staff_of(request), "shared.see_jobs")
    )
    return render_part_or_page(
        request,
        part="shared/operations/_dead_letters.html",
        page="shared/operations/dead_letters.html",
        context={
            "letters": rows[:_PAGE],
            "next_url": f"?before={rows[_PAGE - 1].delivery_id}" if len(rows) > _PAGE else "",
        },
    )


@requires("shared.manage_jobs")
def dead_letter_retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Give a delivery another round of attempts."""
    if not holds_everywhere(scope_of(staff_of(request), "shared.manage_jobs")):
        raise NotFound(_("没有这个未送达事件。"))
    if request.method == "POST":
        try:
            events.retry_dead(delivery_id=delivery_id, now=timezone.now())
            events.nudge()
            messages.success(request, _("已经重新排队，几秒内会再投一次。"))
        except Refused as refused:
            messages.warning(request, refused.message)
    return redirect("dead_letters")


@requires("shared.manage_jobs")
def failed_jobs(request: HttpRequest) -> HttpResponse:
    """Long work that stopped with a failure, newest first, as a part of a home page."""
    rows = overview.list_failed_jobs(limit=_TO_DO, within=scope_of(staff_of(request), "shared.manage_jobs"))
    return render_todo(
        request,
        title=_("失败的后台任务"),
        rows=[
            TodoRow(
                f"{row.name} #{row.job_id}",
                reverse("job", args=[row.job_id]),
                note=row.created_by,
                end=format_moment(row.created_at, timezone.get_current_timezone()),
                is_bad=True,
            )
            for row in rows
        ],
        nothing=_("没有失败的任务。"),
        all_url=reverse("jobs"),
        all_label=_("全部任务"),
    )


@requires("shared.manage_jobs")
def failed_deliveries(request: HttpRequest) -> HttpResponse:
    """Events that nobody could take, as a part of a home page."""
    rows = overview.list_dead_letters(limit=_TO_DO, within=scope_of(staff_of(request), "shared.manage_jobs"))
    return render_todo(
        request,
        title=_("没有送达的事件"),
        rows=[
            TodoRow(row.event, reverse("dead_letters"), note=row.error, end=row.handler, is_bad=True) for row in rows
        ],
        nothing=_("所有事件都送到了。"),
        all_url=reverse("dead_letters"),
        all_label=_("全部未送达事件"),
    )


urlpatterns = [
    path("to-do/jobs/", failed_jobs, name="failed_jobs"),
    path("to-do/deliveries/", failed_deliveries, name="failed_deliveries"),
    path("jobs/", job_list, name="jobs"),
    path("jobs/<int:job_id>/", job_page, name="job"),
    path("jobs/<int:job_id>/cancel/", job_cancel, name="job_cancel"),
    path("jobs/<int:job_id>/resume/", job_resume, name="job_resume"),
    path("dead-letters/", dead_letters, name="dead_letters"),
    path("dead-letters/<int:delivery_id>/retry/", dead_letter_retry, name="dead_letter_retry"),
]
