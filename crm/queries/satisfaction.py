"""What customers say of how they were served: by unit, with how many said it; of one person only where many did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from config.shared.models import OrgUnit
from config.shared.permissions import in_scope
from crm.models import Rating
from crm.satisfaction_figures import shrunk_mean

SATISFIED = 4


@dataclass(frozen=True, slots=True)
class UnitSatisfaction:
    """Ratings of a unit and everything below it: how many, the mean (0.01 of a point, shrunk), the share of 4 and 5."""

    name: str
    ratings: int
    score_e2: int | None
    is_shrunk: bool
    satisfied_permille: int | None


@dataclass(frozen=True, slots=True)
class PersonSatisfaction:
    """Ratings about one person; the mean is None where too few said anything to stay unknown."""

    name: str
    ratings: int
    score_e2: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote, without who and about whom."""

    score: int
    reason_code: str
    comment: str
    unit: str
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Ratings since a moment of the parts somebody answers for."""

    whole: UnitSatisfaction
    units: tuple[UnitSatisfaction, ...]
    people: tuple[PersonSatisfaction, ...]
    said: tuple[Said, ...]
    min_n: int
    anonymous_below: int


def get_satisfaction(*, within: Sequence[str], since: datetime, until: datetime) -> Satisfaction:
    """How customers rated what these parts of the organisation did; four statements."""
    rows = Rating.objects.filter(in_scope("org_unit", within), rated_at__gte=since, rated_at__lt=until)
    sums = {
        row["org_unit_id"]: row
        for row in rows.values("org_unit_id").annotate(
            n=Count("pk"), points=Sum("score"), good=Count("pk", filter=Q(score__gte=SATISFIED))
        )
    }
    units = OrgUnit.objects.filter(pk__in=sums).order_by("path")
    whole = {key: sum(row[key] for row in sums.values()) for key in ("n", "points", "good")}
    low = settings.SURVEY_ANONYMOUS_BELOW
    people = (
        rows.exclude(about_user=None)
        .values("about_user__display_name", "about_user__username")
        .annotate(n=Count("pk"), points=Sum("score"))
        .order_by("-n", "about_user__username")[:50]
    )
    said = rows.exclude(comment="").select_related("org_unit").order_by("-rated_at")[:20]
    return Satisfaction(
        whole=_unit(_("合计"), whole, whole),
        units=tuple(_unit(unit.shown_name, dict(sums[unit.pk]), whole) for unit in units),
        people=tuple(
            PersonSatisfaction(
                row["about_user__display_name"] or row["about_user__username"],
                row["n"],
                round(row["points"] * 100 / row["n"]) if row["n"] >= low else None,
            )
            for row in people
        ),
        said=tuple(
            Said(row.score, row.reason_code, row.comment, row.org_unit.shown_name, row.rated_at) for row in said
        ),
        min_n=settings.SURVEY_MIN_N,
        anonymous_below=low,
    )


def _unit(name: str, own: dict[str, Any], whole: dict[str, Any]) -> UnitSatisfaction:
    mean = shrunk_mean(
        ratings=own["n"],
        points=own["points"],
        above_ratings=whole["n"],
        above_points=whole["points"],
        min_n=settings.SURVEY_MIN_N,
    )
    share = own["good"] * 1000 // own["n"] if own["n"] else None
    return UnitSatisfaction(name, own["n"], mean.score_e2, mean.is_shrunk, share)


@dataclass(frozen=True, slots=True)
class OwnRatings:
    """What customers said of one member of staff, to themselves: figures only, and only where enough did."""

    ratings: int
    score_e2: int | None
    satisfied_permille: int | None


def my_ratings(*, user_id: int, since: datetime) -> OwnRatings:
    """One's own ratings since a moment; below the bound of anonymity only that there are some."""
    found = Rating.objects.filter(about_user_id=user_id, rated_at__gte=since).aggregate(
        n=Count("pk"), points=Sum("score"), good=Count("pk", filter=Q(score__gte=SATISFIED))
    )
    if found["n"] < settings.SURVEY_ANONYMOUS_BELOW:
        return OwnRatings(found["n"], None, None)
    return OwnRatings(found["n"], round(found["points"] * 100 / found["n"]), found["good"] * 1000 // found["n"])
