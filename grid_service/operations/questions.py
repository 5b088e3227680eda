"""A customer asks the manager of their district; who does not answer in time passes it on; the answer is rated."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.operations import contacts
from cis.operations.notices import tell_customer
from cis.queries.contacts import get_contact
from config.shared import messaging
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import User
from crm.operations.satisfaction import record_rating
from grid_service import messages
from grid_service.models import Question, QuestionPass
from grid_service.queries.territory import districts_at, my_districts, who_serves_account
from grid_service.queries.working_hours import answer_due

MAX_TEXT = 500
_Holder = Question.Holder
_NEXT = {str(_Holder.MANAGER): _Holder.DEPUTY, str(_Holder.DEPUTY): _Holder.HOTLINE}


class SaysNothing(BadInput):
    """The text is empty or too long."""

    code = "says-nothing"


class NobodyServes(Refused):
    """No service district covers the place: the hotline answers."""

    code = "nobody-serves"


class AlreadyAnswered(Refused):
    """Somebody has answered it, or it lies with 95598."""

    code = "already-answered"


class NotYetAnswered(Refused):
    """There is no answer to rate, or it was rated before."""

    code = "not-yet-answered"


def ask(*, user_id: int, account_id: int, text: str, form_key: str, channel: str, at: datetime) -> int:
    """
    A customer asks the manager who serves the account; the same form sent twice is one question. Gives its id.

    :raises SaysNothing: the text is empty or too long
    :raises NobodyServes: no district covers the place
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写下想问什么，不超过 %(most)s 个字。") % {"most": MAX_TEXT}
        raise SaysNothing(detail, errors=[{"pointer": "/text", "detail": detail}])
    served = who_serves_account(account_id, at=at)
    if served is None:
        raise NobodyServes(
            _("您这里还没有片区经理，请拨 %(phone)s，24 小时有人接。") % {"phone": settings.SERVICE_HOTLINE}
        )
    due_at = answer_due(at)
    with transaction.atomic():
        question, is_new = Question.objects.get_or_create(
            form_key=f"{user_id}:{form_key}"[:80],
            defaults={
                "service_district_id": served.district_id,
                "account_id": account_id,
                "user_id": user_id,
                "channel": channel,
                "text": said,
                "asked_at": at,
                "due_at": due_at,
            },
        )
        if is_new:
            _tell_holder(question, served.manager.user_id, at)
    return question.pk


def answer(*, question_id: int, text: str, by_id: int, overseen: tuple[str, ...] = (), at: datetime) -> None:
    """
    Answer a question of one's own district; the customer reads it in the portal and is told by message.

    :raises SaysNothing: the answer is empty or too long
    :raises NotFound: the question is none of a district one works in
    :raises AlreadyAnswered: it was answered, or lies with 95598
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写下答复，客户会看到，不超过 %(most)s 个字。") % {"most": MAX_TEXT}
        raise SaysNothing(detail, errors=[{"pointer": "/text", "detail": detail}])
    with transaction.atomic():
        question = Question.objects.select_for_update().filter(pk=question_id).first()
        mine = my_districts(user_id=by_id, overseen=overseen, at=at)
        if question is None or question.service_district_id not in mine:
            raise no_question()
        if question.answered_at is not None:
            raise AlreadyAnswered(_("这个问题已经答复过了。"))
        if question.holder == _Holder.HOTLINE:
            raise AlreadyAnswered(_("这个问题已转 95598，由他们答复。"))
        _answered(question, said, by_id, at)
        tell_customer(
            account_id=question.account_id,
            template=messages.QUESTION_ANSWERED.code,
            parameters={},
            dedupe_key=f"district-question:{question.pk}",
            happened_at=at,
            at=at,
        )


def pass_on(*, at: datetime, limit: int = 200) -> int:
    """
    Pass every question that waited too long on to the next; gives how many went on. Repeated, nothing happens twice.

    From the manager to the deputy, from the deputy to 95598, where it becomes a contact of customer information.
    """
    passed = 0
    while passed < limit:
        with transaction.atomic():
            waiting = Question.objects.select_for_update(skip_locked=True).filter(answered_at=None, due_at__lte=at)
            question = waiting.exclude(holder=_Holder.HOTLINE).order_by("due_at", "pk").first()
            if question is None:
                return passed
            before, after = question.holder, _NEXT[question.holder]
            QuestionPass.objects.create(question=question, holder_before=before, holder=after, passed_at=at)
            question.holder, question.due_at = after, answer_due(at)
            if after == _Holder.HOTLINE:
                question.contact_id = contacts.report(
                    user_id=question.user_id,
                    account_id=question.account_id,
                    kind="question",
                    text=question.text,
                    form_key=f"district-{question.pk}",
                    at=at,
                )
            question.save(update_fields=["holder", "due_at", "contact"])
            if after == _Holder.DEPUTY:
                # The district it was asked of has it, also when another covers the place by now.
                served = districts_at([question.service_district_id], at=at)[question.service_district_id]
                _tell_holder(question, served.deputy.user_id, at)
        passed += 1
    return passed


def take_hotline_answer(*, contact_id: int, at: datetime) -> None:
    """What 95598 answered is the answer to the question it came from; repeated, nothing changes."""
    with transaction.atomic():
        question = Question.objects.select_for_update().filter(contact_id=contact_id, answered_at=None).first()
        if question is None:
            return
        found = get_contact(contact_id)
        if found.answered_by_id is not None:
            _answered(question, found.answer, found.answered_by_id, found.answered_at or at)


def rate(*, question_id: int, user_id: int, score: int, comment: str, at: datetime) -> None:
    """
    The customer says how good the answer was, once: 1 to 5.

    :raises NotFound: it is no question of theirs
    :raises NotYetAnswered: there is no answer yet, or it was rated before
    :raises SaysNothing: the score is none from 1 to 5
    """
    if score not in range(1, 6):
        raise SaysNothing(_("请选 1 到 5 分。"))
    with transaction.atomic():
        question = (
            Question.objects.select_for_update(of=("self",))
            .select_related("service_district")
            .filter(pk=question_id, user_id=user_id)
            .first()
        )
        if question is None:
            raise no_question()
        if question.answered_at is None or question.rated_at is not None:
            raise NotYetAnswered(_("答复以后可以评价一次。"))
        question.score, question.comment, question.rated_at = score, comment.strip()[:300], at
        question.save(update_fields=["score", "comment", "rated_at"])
        record_rating(
            account_id=question.account_id,
            source="district-question",
            source_key=str(question.pk),
            score=score,
            reason_code="",
            comment=question.comment,
            about_user_id=question.answered_by_id,
            org_unit_id=question.service_district.org_unit_id,
            at=at,
        )


def no_question() -> NotFound:
    """There is none, or it is not for the asker."""
    return NotFound(_("没有找到这个问题。"))


def _answered(question: Question, text: str, by_id: int, at: datetime) -> None:
    question.answer, question.answered_by_id, question.answered_at = text, by_id, at
    question.save(update_fields=["answer", "answered_by", "answered_at"])


def _tell_holder(question: Question, user_id: int, at: datetime) -> None:
    """Whoever has the question in hand finds it in the inbox of the house."""
    language = User.objects.values_list("language", flat=True).get(pk=user_id)
    messaging.send(
        template=messages.QUESTION_WAITS.code,
        to=messaging.Recipient(user_id=user_id, language=language or settings.LANGUAGE_CODE),
        parameters={"due": f"{question.due_at.astimezone(settings.BILLING_TIME_ZONE):%H:%M}"},
        dedupe_key=f"district-question-waits:{question.pk}:{question.holder}",
        at=at,
    )
