"""What a customer says of a service: once a ticket, about the clerk who served it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound, Refused
from crm.operations.satisfaction import record_rating
from halls.models import Rating, Ticket, TicketEvent

SOURCE = "hall-ticket"


class NotServedYet(Refused):
    """There is no service to rate."""

    code = "not-served-yet"


class AlreadyRated(Refused):
    """The service was rated."""

    code = "already-rated"


class RatingOver(Refused):
    """The service is too long ago."""

    code = "rating-over"


class NoScore(BadInput):
    """A rating needs one to five stars and a reason that is known."""

    code = "no-score"


def rate(*, token: str, score: int, reason: str, comment: str, at: datetime) -> None:
    """
    Rate the service of a ticket with one to five stars.

    :raises NotFound: there is no such ticket
    :raises NoScore: the score is none of one to five, or the reason unknown
    :raises NotServedYet: nobody was served on it
    :raises AlreadyRated: it was rated before
    :raises RatingOver: the service is longer ago than ratings are taken
    """
    if score not in range(1, 6) or reason not in Rating.Reason.values:
        detail = _("请选一到五颗星。")
        raise NoScore(detail, errors=[{"pointer": "/score", "detail": detail}])
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().filter(token=token).first()
        if ticket is None:
            raise NotFound(_("没有找到这张号票，请核对或重新取号。"))
        if ticket.state != Ticket.State.SERVED or ticket.clerk_id is None or ticket.ended_at is None:
            raise NotServedYet(_("业务办完以后才能评价。"))
        if Rating.objects.filter(ticket=ticket).exists():
            raise AlreadyRated(_("这次服务已经评价过了，谢谢。"))
        if at - ticket.ended_at > timedelta(days=settings.HALLS_RATING_DAYS):
            raise RatingOver(_("评价已经截止。有意见请拨打 95598。"))
        Rating.objects.create(
            ticket=ticket,
            clerk_id=ticket.clerk_id,
            hall_id=ticket.hall_id,
            score=score,
            reason=reason,
            comment=comment.strip()[:500],
            rated_at=at,
        )
        TicketEvent.objects.create(
            ticket=ticket, kind=TicketEvent.Kind.RATED, at=at, counter_id=ticket.counter_id, user_id=ticket.person_id
        )
        record_rating(
            account_id=ticket.account_id,
            source=SOURCE,
            source_key=str(ticket.pk),
            score=score,
            reason_code=reason,
            comment=comment.strip()[:500],
            about_user_id=ticket.clerk_id,
            org_unit_id=ticket.hall_id,
            at=at,
        )
