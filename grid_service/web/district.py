"""The district console, on a telephone: questions, outages and notices, arrears, customers, households in care."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import calls
from cis.queries import dues, network, outages, search
from cis.queries.customers import account_id_of, get_head
from config.shared.deadline_clock import deadline_clock
from config.shared.display_formats import format_clock, format_moment, format_yuan
from config.shared.errors import NotFound, Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.drafts import draft_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_todo
from grid_service.operations import care as care_operations
from grid_service.operations import questions as question_operations
from grid_service.queries import care as care_queries
from grid_service.queries import questions, territory
from grid_service.web.forms import AnswerForm, CareForm, ReasonForm, refuse

WORKS, OVERSEES = "grid_service.work_district", "grid_service.oversee_districts"
_SHOWN = 5
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Ground:
    """Where somebody works at this moment: districts, and the transformer districts they cover."""

    district_ids: tuple[int, ...]
    places: tuple[int, ...]


def ground_of(request: HttpRequest) -> Ground:
    """The districts of the signed-in member of staff: where they hold a post now, and those they oversee."""
    now, user = timezone.now(), staff_of(request)
    mine = territory.my_districts(user_id=user.pk, overseen=scope_of(user, OVERSEES), at=now)
    return Ground(mine, tuple(territory.transformers_of(mine, at=now)))


def account_of_mine(request: HttpRequest, account_no: str) -> int:
    """
    The id of an account in one's own districts.

    :raises NotFound: it is served by others, or there is none
    """
    account_id = account_id_of(account_no)
    if network.transformers_of_accounts([account_id])[account_id] not in ground_of(request).places:
        raise NotFound(_("这户不在您的片区。请用户号在营业台查找，或拨 95598。"))
    return account_id


# --- The home page: what is next, by deadline ------------------------------------------------


@requires(WORKS)
@require_safe
def questions_to_answer(request: HttpRequest) -> HttpResponse:
    """Open questions, soonest due first."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    rows, count = questions.open_questions(ground_of(request).district_ids, limit=_SHOWN)
    return render_todo(
        request,
        title=_("等我答复"),
        lead=_("还有 %(count)s 条，先看最急的。") % {"count": count} if count > _SHOWN else "",
        rows=[
            TodoRow(
                row.text[:60],
                reverse("grid_service:question", args=[row.question_id]),
                note=f"{row.masked_name} {row.address}",
                end=_("%(time)s 前") % {"time": format_clock(row.due_at, zone)},
                is_bad=row.due_at < now,
            )
            for row in rows
        ],
        nothing=_("没有等着答复的提问。"),
        all_url=reverse("grid_service:questions"),
        all_label=_("全部提问"),
    )


@requires(WORKS)
@require_safe
def outages_here(request: HttpRequest) -> HttpResponse:
    """Interruptions in one's districts: now, to come, lately over."""
    zone = timezone.get_current_timezone()
    rows = outages.known_outages(transformer_district_ids=ground_of(request).places, at=timezone.now(), limit=_SHOWN)
    return render_todo(
        request,
        title=_("片区停电"),
        rows=[
            TodoRow(
                f"{row.kind_word} · {row.area}",
                reverse("grid_service:notices"),
                note=f"{format_moment(row.starts_at, zone)} – {format_clock(row.ends_at, zone)} · {row.reason}",
                end=row.state_word,
                is_bad=row.is_now,
            )
            for row in rows
        ],
        nothing=_("现在没有停电，也没有安排停电。"),
        all_url=reverse("grid_service:notices"),
        all_label=_("停电和通知"),
    )


@requires(WORKS)
@require_safe
def arrears_here(request: HttpRequest) -> HttpResponse:
    """The largest overdue sums in one's districts, and what is overdue together."""
    rows, count, fen = network.arrears_behind(ground_of(request).places, today=timezone.localdate(), limit=_SHOWN)
    lead = ngettext("%(count)s 户逾期，共 %(yuan)s 元。", "%(count)s 户逾期，共 %(yuan)s 元。", count) % {
        "count": count,
        "yuan": format_yuan(fen),
    }
    return render_todo(
        request,
        title=_("欠费"),
        lead=lead if count else "",
        rows=[
            TodoRow(
                f"{row.masked_name} {row.address}",
                reverse("grid_service:call", args=[row.account_no]),
                end=format_yuan(row.open_fen),
                is_bad=True,
            )
            for row in rows
        ],
        nothing=_("片区里没有逾期的电费。"),
        all_url=reverse("grid_service:arrears"),
        all_label=_("全部欠费"),
    )


@requires("grid_service.see_care")
@require_safe
def care_here(request: HttpRequest) -> HttpResponse:
    """How many households in care one's districts have."""
    rows = care_queries.households_in_care(ground_of(request).places, today=timezone.localdate())
    return render_todo(
        request,
        title=_("特殊关照"),
        rows=[
            TodoRow(f"{row.masked_name} {row.address}", reverse("grid_service:care_of", args=[row.account_no]))
            for row in rows[:_SHOWN]
        ],
        nothing=_("名单里还没有人。征得本人同意后，可以登记。"),
        nothing_icon="heart-handshake",
        all_url=reverse("grid_service:care"),
        all_label=_("全部名单和登记"),
    )


# --- Questions -------------------------------------------------------------------------------


@requires(WORKS)
@require_safe
def question_list(request: HttpRequest) -> HttpResponse:
    """What customers ask: open ones with their clocks, then what was answered."""
    ground, now = ground_of(request), timezone.now()
    rows, count = questions.open_questions(ground.district_ids)
    waiting = [
        (row, deadline_clock(started_at=row.asked_at, promised_at=None, legal_at=row.due_at, now=now)) for row in rows
    ]
    context = {
        "waiting": waiting,
        "count": count,
        "done": questions.other_questions(ground.district_ids),
        "minutes": settings.GRID_ANSWER_MIN,
    }
    return render(request, "grid_service/district/questions.html", context)


@requires(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, asked_id: int) -> HttpResponse:
    """One question; a ready answer is one press, one's own words are typed."""
    ground, user = ground_of(request), staff_of(request)
    row = questions.get_question(asked_id, district_ids=ground.district_ids)
    saw(request, f"account:{row.account_id}")
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            question_operations.answer(
                question_id=asked_id,
                text=form.cleaned_data["text"],
                by_id=user.pk,
                overseen=tuple(scope_of(user, OVERSEES)),
                at=timezone.now(),
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已答复，客户在网上能看到，也收到了消息。"))
            return redirect("grid_service:questions")
    context = {
        "row": row,
        "form": form,
        "draft": draft_of(request, form, name="answer-question", subject=str(asked_id)),
        "clock": deadline_clock(
            started_at=row.asked_at,
            promised_at=None,
            legal_at=row.due_at,
            now=timezone.now(),
            finished_at=row.answered_at,
        ),
        "ready": [_("收到，我马上给您回电话。"), _("收到，我今天上门看看。"), _("已经在处理，修好会告诉您。")],
    }
    return render(request, "grid_service/district/question.html", context, status=422 if form.errors else 200)


# --- Arrears, customers, calling -------------------------------------------------------------


@requires(WORKS)
@require_safe
def arrears(request: HttpRequest) -> HttpResponse:
    """Households with overdue bills, the largest first; who they are stays hidden."""
    rows, count, fen = network.arrears_behind(ground_of(request).places, today=timezone.localdate(), limit=_LONGEST)
    return render(request, "grid_service/district/arrears.html", {"rows": rows, "count": count, "fen": fen})


@requires(WORKS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def customers(request: HttpRequest) -> HttpResponse:
    """Find a customer of one's own districts; what is looked for never stands in an address."""
    text = request.POST.get("q", "").strip()[:_LONGEST]
    found: list[search.FoundAccount] = []
    if text:
        found = search.find(text, today=timezone.localdate(), behind=ground_of(request).places)
    return render(request, "grid_service/district/customers.html", {"found": found, "search_text": text})


@requires(WORKS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def call(request: HttpRequest, account_no: str) -> HttpResponse:
    """Call a customer of one's own: the reason is one press, is written down, and the number can be dialled."""
    account_id = account_of_mine(request, account_no)
    head = get_head(account_no)
    saw(request, f"account:{account_id}")
    phone = ""
    reason = request.POST.get("reason", "").strip()
    if request.method == "POST" and reason:
        try:
            phone = calls.telephone_to_call(
                account_no=account_no, user_id=staff_of(request).pk, reason=reason[:200], at=timezone.now()
            )
        except calls.NoTelephone as refused:
            messages.warning(request, refused.message)
    owed = dues.get_dues(account_id=account_id, on=timezone.localdate())
    context = {
        "head": head,
        "to_pay_fen": owed.to_pay_fen,
        "late_fee_fen": owed.late_fee_fen,
        "phone": phone,
        "reasons": [_("电费提醒"), _("停电告知"), _("回复提问"), _("走访关照")],
    }
    return render(request, "grid_service/district/call.html", context)


# --- Households in care ----------------------------------------------------------------------


@requires("grid_service.see_care")
@require_http_methods(["GET", "HEAD", "POST"])
def care(request: HttpRequest) -> HttpResponse:
    """The register of one's districts, and entering a household with the ground for it."""
    today = timezone.localdate()
    form = CareForm(request.POST or None, initial={"until_on": today + timedelta(days=365)})
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            account_of_mine(request, typed["account_no"])
            care_operations.enter_care(**typed, by_id=staff_of(request).pk, at=timezone.now(), today=today)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已登记。到期前请再征得同意。"))
            return redirect("grid_service:care")
    rows = care_queries.households_in_care(ground_of(request).places, today=today)
    return render(
        request, "grid_service/district/care.html", {"rows": rows, "form": form}, status=422 if form.errors else 200
    )


@requires("grid_service.see_care")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def care_of(request: HttpRequest, account_no: str) -> HttpResponse:
    """What one household needs, after saying why one looks."""
    account_id = account_of_mine(request, account_no)
    head, form = get_head(account_no), ReasonForm(request.POST or None)
    saw(request, f"account:{account_id}")
    shown: list[care_queries.CareDetail] = []
    if request.method == "POST" and form.is_valid():
        try:
            shown = care_operations.open_care(
                account_id=account_id,
                user_id=staff_of(request).pk,
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
                today=timezone.localdate(),
            )
        except Refused as refused:
            refuse(form, refused)
    context = {"head": head, "form": form, "shown": shown}
    return render(request, "grid_service/district/care_of.html", context, status=422 if form.errors else 200)
