"""Questions to the district's manager: for who asked, and for whoever has them in hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.shared.errors import NotFound
from config.shared.personal_data import mask_name
from grid_service.models import Question


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question; `answer` is empty while it is open."""

    question_id: int
    account_id: int
    account_no: str
    masked_name: str
    address: str
    district_name: str
    text: str
    channel_word: str
    asked_at: datetime
    due_at: datetime
    holder: str
    holder_word: str
    answer: str
    answered_at: datetime | None
    answered_by: str
    score: int | None

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.answered_at is None

    @property
    def is_with_hotline(self) -> bool:
        """Whether it went on to 95598."""
        return self.holder == Question.Holder.HOTLINE

    @property
    def may_be_rated(self) -> bool:
        """Whether the customer may still say how good the answer was."""
        return self.answered_at is not None and self.score is None


def questions_of_user(user_id: int, *, limit: int = 10) -> tuple[QuestionRow, ...]:
    """What somebody asked, newest first."""
    return _rows(Question.objects.filter(user_id=user_id).order_by("-asked_at", "-pk"), limit)


def open_questions(district_ids: Iterable[int], *, limit: int = 50) -> tuple[tuple[QuestionRow, ...], int]:
    """Questions of these districts that wait for the manager or the deputy, soonest due first; how many there are."""
    rows = Question.objects.filter(service_district_id__in=list(district_ids), answered_at=None)
    waiting = rows.exclude(holder=Question.Holder.HOTLINE)
    return _rows(waiting.order_by("due_at", "pk"), limit), waiting.count()


def other_questions(district_ids: Iterable[int], *, limit: int = 20) -> tuple[QuestionRow, ...]:
    """Questions of these districts that were answered or went on to 95598, newest first."""
    rows = Question.objects.filter(service_district_id__in=list(district_ids))
    done = rows.exclude(pk__in=rows.filter(answered_at=None).exclude(holder=Question.Holder.HOTLINE))
    return _rows(done.order_by("-asked_at", "-pk"), limit)


def get_question(question_id: int, *, district_ids: Iterable[int]) -> QuestionRow:
    """
    One question of these districts.

    :raises NotFound: it is none of them
    """
    found = _rows(Question.objects.filter(pk=question_id, service_district_id__in=list(district_ids)), 1)
    if not found:
        raise NotFound(_("没有找到这个问题。"))
    return found[0]


def _rows(questions: QuerySet[Question], limit: int) -> tuple[QuestionRow, ...]:
    rows = questions.select_related(
        "account__customer", "account__premise", "service_district__org_unit", "answered_by"
    )
    return tuple(
        QuestionRow(
            question_id=row.pk,
            account_id=row.account_id,
            account_no=row.account.account_no,
            masked_name=mask_name(row.account.customer.name),
            address=row.account.premise.address,
            district_name=row.service_district.org_unit.shown_name,
            text=row.text,
            channel_word=_(Question.Channel(row.channel).label),
            asked_at=row.asked_at,
            due_at=row.due_at,
            holder=row.holder,
            holder_word=_(Question.Holder(row.holder).label),
            answer=row.answer,
            answered_at=row.answered_at,
            answered_by=(row.answered_by.display_name or row.answered_by.username) if row.answered_by else "",
            score=row.score,
        )
        for row in rows[:limit]
    )
