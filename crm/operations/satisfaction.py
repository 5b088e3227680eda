"""Ratings as they come in: once each, written and never changed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput
from crm.models import Rating

MAX_COMMENT = 500


class RatingRefused(BadInput):
    """The score is not one of five, or the rating does not say where it was given."""

    code = "rating-refused"


def record_rating(
    *,
    account_id: int | None,
    source: str,
    source_key: str,
    score: int,
    reason_code: str,
    comment: str,
    about_user_id: int | None,
    org_unit_id: int,
    at: datetime,
) -> int:
    """
    Keep what a customer says of how they were served; gives the rating's id.

    `source` and `source_key` name where it was given, such as `hall-ticket` and the ticket's id; a rating of the same
    source that came before stays, and is the one whose id is given. `score` is 1 (bad) to 5 (good).

    :raises RatingRefused: no such score, or no source
    """
    said = comment.strip()
    if not 1 <= score <= 5:
        detail = _("请选一到五分。")
        raise RatingRefused(detail, errors=[{"pointer": "/score", "detail": detail}])
    if not source or not source_key or len(said) > MAX_COMMENT:
        detail = _("评价要说明来自哪一次服务，文字不超过 500 个字。")
        raise RatingRefused(detail, errors=[{"pointer": "/comment", "detail": detail}])
    with transaction.atomic():
        rating, _is_new = Rating.objects.get_or_create(
            source=source,
            source_key=source_key,
            defaults={
                "account_id": account_id,
                "score": score,
                "reason_code": reason_code,
                "comment": said,
                "about_user_id": about_user_id,
                "org_unit_id": org_unit_id,
                "rated_at": at,
            },
        )
        return rating.pk
