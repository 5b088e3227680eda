"""
Who looked at whose record: written with every page that shows one, read by auditors and by the customer.

A masked look needs no reason, for serving a customer is one; what is shown without its mask has a reason of its own
(`PersonalDataAccess`). Both are told to the customer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.shared import logs
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.languages import in_language
from config.shared.models import Look, LookQuestion, PersonalDataAccess, Role
from config.shared.permissions import in_scope
from config.shared.personal_data import mask_numbers_in

log = logging.getLogger(__name__)

# Looks of one person at one record within so long are one visit to whoever reads about them.
ONE_VISIT = timedelta(minutes=15)
_NOTE = "SELECT shared_note_look(%s, %s, %s, %s, %s, %s, %s, %s)"


class ReasonMissing(BadInput):
    """Personal data is shown for a reason only, and a question says something."""

    code = "reason-missing"


class AlreadyAsked(Refused):
    """There is a question about this look already."""

    code = "already-asked"


class OwnLook(Refused):
    """Nobody answers for what they looked at themselves."""

    code = "own-look"
    status = 403


@dataclass(frozen=True, slots=True)
class Visit:
    """
    Somebody looked at a record: pages opened one after another, or hidden values shown (`reason` is theirs).

    `pages` are names of addresses, `fields` what was shown without its mask.
    """

    user_id: int
    staff_number: str
    role: str
    hall: str
    first_at: datetime
    last_at: datetime
    pages: tuple[str, ...]
    fields: tuple[str, ...] = ()
    reason: str = ""
    question: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What a customer wants to know about a look."""

    question_id: int
    subject: str
    about_user_id: int
    about_user: str
    about_at: datetime
    text: str
    asked_at: datetime


def note_look(
    *, user_id: int, org_unit_id: int | None, role: str, subject: str, page: str, came_from: str, at: datetime
) -> bool:
    """
    Write down that somebody opened a record; one statement that neither waits long nor fails.

    False when it could not be written: the page is shown nevertheless, and the log says that a look is missing.
    """
    values = [user_id, org_unit_id, role[:64], subject, page[:64], came_from[:64], logs.request_id.get(), at]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)
        (fault,) = cursor.fetchone()
    if fault:
        log.error("a look was not recorded", extra={"user": user_id, "subject": subject, "page": page, "why": fault})
    return not fault


def note_reveal(*, user_id: int, subject: str, fields: Sequence[str], reason: str, at: datetime) -> None:
    """
    Write down, in the caller's transaction, that hidden values are shown to somebody, and why.

    :raises ReasonMissing: no reason was given
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(_("请写明查看的原因，例如「核对来电人身份」。"))
    PersonalDataAccess.objects.create(
        user_id=user_id,
        subject=subject,
        fields=",".join(fields),
        # A reason is read by others: a number typed into it is hidden there too.
        reason=mask_numbers_in(reason),
        request_id=logs.request_id.get(),
        seen_at=at,
    )


def prune_looks(*, before: datetime, batch: int = 20_000) -> int:
    """Forget looks older than a moment, in batches; half a year is kept whatever is asked. Gives how many went."""
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT shared_prune_looks(%s, %s)", [before, batch])
            now = int(cursor.fetchone()[0])
        gone += now
        if now < batch:
            return gone


_VISITS = """
SELECT l.looked_at, l.user_id, coalesce(o.name, ''), coalesce(o.name_en, ''), l.role, l.page, '' AS fields, '' AS reason
FROM shared_look l LEFT JOIN shared_org_unit o ON o.id = l.org_unit_id
WHERE l.subject = %(record)s AND l.looked_at < %(before)s
UNION ALL
SELECT a.seen_at, a.user_id, coalesce(o.name, ''), coalesce(o.name_en, ''), '', '', a.fields, a.reason
FROM shared_personal_data_access a
JOIN shared_user u ON u.id = a.user_id LEFT JOIN shared_org_unit o ON o.id = u.org_unit_id
WHERE a.subject = ANY(%(persons)s) AND a.seen_at < %(before)s
ORDER BY 1 DESC LIMIT %(limit)s
"""


def list_visits(
    record: str, *, persons: Sequence[str] = (), before: datetime, limit: int = 200
) -> tuple[list[Visit], datetime | None]:
    """
    Who looked at a record (`account:17`) and who saw hidden values of the persons behind it, newest first.

    Reads so many rows and folds those of one person within a quarter of an hour into one visit; gives the visits and
    the moment to go on `before`, None at the end.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VISITS, {"record": record, "persons": list(persons), "before": before, "limit": limit + 1})
        rows = cursor.fetchall()
    shown = rows[:limit]
    asked = {
        (row.about_user_id, row.about_at): row
        for row in LookQuestion.objects.filter(subject=record, about_at__lt=before)
    }
    names = {
        code: in_language(name, name_en) for code, name, name_en in Role.objects.values_list("code", "name", "name_en")
    }
    visits: list[Visit] = []
    for at, user_id, hall, hall_en, role, page, fields, reason in shown:
        last = visits[-1] if visits else None
        if last and not reason and not last.reason and last.user_id == user_id and last.first_at - at <= ONE_VISIT:
            pages = last.pages if page in last.pages else (*last.pages, page)
            visits[-1] = _with_question(
                Visit(user_id, last.staff_number, last.role, last.hall, at, last.last_at, pages), asked
            )
            continue
        visit = Visit(
            user_id=user_id,
            staff_number=staff_number(user_id),
            role=names.get(role.partition(",")[0], ""),
            hall=in_language(hall, hall_en),
            first_at=at,
            last_at=at,
            pages=(page,) if page else (),
            fields=tuple(fields.split(",")) if fields else (),
            reason=reason,
        )
        visits.append(_with_question(visit, asked))
    return visits, shown[-1][0] if len(rows) > limit else None


def _with_question(visit: Visit, asked: dict[tuple[int, datetime], LookQuestion]) -> Visit:
    """The visit with what was asked about it: about its last moment, by which it is known."""
    row = asked.get((visit.user_id, visit.last_at))
    if row is None:
        return visit
    return Visit(
        visit.user_id,
        visit.staff_number,
        visit.role,
        visit.hall,
        visit.first_at,
        visit.last_at,
        visit.pages,
        visit.fields,
        visit.reason,
        row.text,
        row.answer,
    )


def staff_number(user_id: int) -> str:
    """What a customer knows a member of staff by."""
    return f"{user_id:06d}"


def ask_about(
    *,
    record: str,
    persons: Sequence[str],
    about_user_id: int,
    about_at: datetime,
    asked_by_id: int,
    text: str,
    at: datetime,
) -> int:
    """
    A customer asks why somebody looked; the question's id.

    :raises NotFound: nobody looked at that moment
    :raises ReasonMissing: the question is empty
    :raises AlreadyAsked: there is a question about this look
    """
    text = text.strip()
    if not text:
        raise ReasonMissing(_("请写下您想问什么。"))
    looked = Look.objects.filter(subject=record, user_id=about_user_id, looked_at=about_at).exists()
    if not looked:
        looked = PersonalDataAccess.objects.filter(
            subject__in=persons, user_id=about_user_id, seen_at=about_at
        ).exists()
    if not looked:
        raise NotFound(_("没有找到这次查看记录。"))
    row, is_new = LookQuestion.objects.get_or_create(
        subject=record,
        about_user_id=about_user_id,
        about_at=about_at,
        defaults={"asked_by_id": asked_by_id, "text": text[:500], "asked_at": at},
    )
    if not is_new:
        raise AlreadyAsked(_("这次查看已经有人问过，答复会显示在这里。"))
    return row.pk


def list_open_questions(*, within: Sequence[str], limit: int = 50) -> list[OpenQuestion]:
    """Questions about people of the organisation paths `within` that nobody answered yet, oldest first."""
    rows = LookQuestion.objects.filter(in_scope("about_user__org_unit", within), answer="")
    rows = rows.select_related("about_user").order_by("asked_at")[:limit]
    return [
        OpenQuestion(
            question_id=row.pk,
            subject=row.subject,
            about_user_id=row.about_user_id,
            about_user=row.about_user.display_name or row.about_user.username,
            about_at=row.about_at,
            text=row.text,
            asked_at=row.asked_at,
        )
        for row in rows
    ]


def answer_question(
    *, question_id: int, text: str, answered_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Tell the customer why it was looked at; once.

    :raises NotFound: there is no such open question about people of the organisation paths `within`
    :raises OwnLook: the answer would come from who looked
    :raises ReasonMissing: the answer is empty
    """
    text = text.strip()
    with transaction.atomic():
        open_ones = LookQuestion.objects.select_for_update(of=("self",))
        row = open_ones.filter(in_scope("about_user__org_unit", within), pk=question_id, answer="").first()
        if row is None:
            raise NotFound(_("没有找到这条待答复的疑问。"))
        if row.about_user_id == answered_by_id:
            raise OwnLook(_("问的是您自己的查看，请由别人核实后答复。"))
        if not text:
            raise ReasonMissing(_("请写明答复，客户会看到。"))
        row.answer, row.answered_by_id, row.answered_at = text[:1000], answered_by_id, at
        row.save(update_fields=["answer", "answered_by", "answered_at"])
