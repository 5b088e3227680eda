"""Notices: what was said in which version, to whom, whether it reached them, and who still has to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from cis.queries import network
from config.shared.errors import NotFound
from grid_service.models import Notice, NoticeChoice, NoticeVersion

# What became of a household: a message arrived or was read; one lies in the portal unread; one is under way; none of
# them arrived; there was no way to send one; somebody saw to it.
REACHED, IN_INBOX, UNDER_WAY, LOST, NO_WAY, SEEN_TO = "reached", "inbox", "waiting", "lost", "no-way", "seen-to"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as it was said."""

    version_id: int
    number: int
    what: str
    what_word: str
    text: str
    written_at: datetime
    written_by: str
    published_at: datetime | None
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice in a list, by its newest version; `is_draft` while nobody was told."""

    notice_id: int
    outage_id: int | None
    version: VersionRow
    is_draft: bool
    is_cancelled: bool
    households: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a version came: households by what became of them, and messages by channel."""

    households: int
    reached: int
    in_inbox: int
    under_way: int
    not_reached: int
    by_channel: tuple[tuple[str, int, int, int], ...]
    """channel, sent or delivered, under way, lost"""


@dataclass(frozen=True, slots=True)
class NotReached:
    """A household that no message reached, and why."""

    account_id: int
    account_no: str
    masked_name: str
    address: str
    phone_masked: str
    why: str
    seen_to: str


@dataclass(frozen=True, slots=True)
class NoticePage:
    """A notice with all its versions, newest first, and how far the newest published one came."""

    row: NoticeRow
    versions: tuple[VersionRow, ...]
    places: tuple[str, ...]
    delivery: Delivery | None
    not_reached: tuple[NotReached, ...]
    said_number: int
    """The number of the newest published version, 0 while it is a draft: a form about the notice is opened with it."""
    service_district_id: int | None


def message_key(version_id: int, channel: str, person_key: str) -> str:
    """What a message of a version to a person by a channel is called; the same is never sent twice."""
    return f"notice:{version_id}:{channel}:{person_key}"


# The households of a version behind some transformer districts.
_BEHIND = """EXISTS (SELECT 1 FROM cis_account a JOIN cis_premise h ON h.id = a.premise_id
              WHERE a.id = r.account_id AND h.transformer_district_id = ANY(%(places)s))"""
# Every one of them with the best that became of its people: 1 reached, 2 in the inbox, 3 under way, 4 lost, 5 no way; a
# household somebody saw to is 0.
_HOUSEHOLDS = f"""
SELECT r.account_id, min(CASE
    WHEN f.id IS NOT NULL THEN 0
    WHEN s.state IN ('sent', 'delivered', 'read') OR p.state = 'read' THEN 1
    WHEN p.state = 'delivered' THEN 2
    WHEN s.state IN ('waiting', 'sending') THEN 3
    WHEN s.id IS NOT NULL THEN 4
    ELSE 5 END), max(f.way)
FROM grid_service_notice_recipient r
LEFT JOIN shared_message s ON s.dedupe_key = 'notice:' || r.version_id || ':sms:' || r.person_key
LEFT JOIN shared_message p ON p.dedupe_key = 'notice:' || r.version_id || ':in_app:' || r.person_key
LEFT JOIN grid_service_notice_follow_up f ON f.version_id = r.version_id AND f.account_id = r.account_id
WHERE r.version_id = %(version)s AND {_BEHIND}
GROUP BY 1
"""  # noqa: S608 - our own text
_BY_CHANNEL = f"""
SELECT m.channel, count(*) FILTER (WHERE m.state IN ('sent', 'delivered', 'read')),
       count(*) FILTER (WHERE m.state IN ('waiting', 'sending')),
       count(*) FILTER (WHERE m.state IN ('failed', 'given-up'))
FROM (SELECT DISTINCT r.person_key FROM grid_service_notice_recipient r
      WHERE r.version_id = %(version)s AND {_BEHIND}) r
JOIN shared_message m ON m.dedupe_key IN ('notice:' || %(version)s || ':sms:' || r.person_key,
                                          'notice:' || %(version)s || ':in_app:' || r.person_key)
GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - our own text


def notices_within(
    *, district_ids: Iterable[int] = (), transformer_district_ids: Iterable[int] = (), within: Sequence[str] = ()
) -> QuerySet[Notice]:
    """Notices of these districts, those that went to one of the transformer districts, those of the units."""
    wanted = Q(service_district_id__in=list(district_ids))
    places = list(transformer_district_ids)
    if places:
        wanted |= Q(versions__places__overlap=places, versions__published_at__isnull=False)
    for path in within:
        wanted |= Q(org_unit__path__startswith=path)
    return Notice.objects.filter(wanted).distinct()


def list_notices(notices: QuerySet[Notice], *, limit: int = 30) -> list[NoticeRow]:
    """The newest of these notices."""
    rows = notices.prefetch_related("versions__written_by").order_by("-created_at", "-pk")[:limit]
    return [_row(row) for row in rows]


def get_notice(notices: QuerySet[Notice], notice_id: int, *, transformer_district_ids: Iterable[int]) -> NoticePage:
    """
    One of these notices with everything about it that concerns the households behind these transformer districts.

    A notice may go to a whole county: whom it reached is told to each only of the households they answer for.

    :raises NotFound: it is none of them
    """
    row = notices.prefetch_related("versions__written_by").filter(pk=notice_id).first()
    if row is None:
        raise no_notice()
    versions = [_version(one) for one in sorted(row.versions.all(), key=lambda one: -one.number)]
    published = next((one for one in versions if one.published_at is not None), None)
    names = tuple(place.name for place in network.list_transformer_districts(ids=versions[0].places))
    behind = list(transformer_district_ids)
    return NoticePage(
        row=_row(row),
        versions=tuple(versions),
        places=names,
        delivery=delivery_of(published.version_id, behind) if published else None,
        not_reached=not_reached(published.version_id, behind) if published else (),
        said_number=published.number if published else 0,
        service_district_id=row.service_district_id,
    )


def delivery_of(version_id: int, transformer_district_ids: Iterable[int]) -> Delivery:
    """How far a published version came with the households behind these transformer districts."""
    places = list(transformer_district_ids)
    states = _states(version_id, places)
    counts = [state for state, _way in states.values()]
    with connection.cursor() as cursor:
        cursor.execute(_BY_CHANNEL, {"version": version_id, "places": places})
        by_channel = tuple(cursor.fetchall())
    return Delivery(
        households=len(counts),
        reached=sum(state in (0, 1) for state in counts),
        in_inbox=counts.count(2),
        under_way=counts.count(3),
        not_reached=sum(state > 3 for state in counts),
        by_channel=by_channel,
    )


def not_reached(
    version_id: int, transformer_district_ids: Iterable[int], *, limit: int = 200
) -> tuple[NotReached, ...]:
    """
    The households behind these transformer districts that no message reached.

    Those without any way come first, those somebody saw to last.
    """
    found_states = _states(version_id, list(transformer_district_ids))
    states = {one: state for one, state in found_states.items() if state[0] > 3 or state[1]}
    briefs = network.briefs_of(states)
    found = [
        NotReached(
            account_id=one,
            account_no=brief.account_no,
            masked_name=brief.masked_name,
            address=brief.address,
            phone_masked=brief.phone_masked,
            why=LOST if state == 4 else NO_WAY,
            seen_to=way or "",
        )
        for one, (state, way) in states.items()
        if (brief := briefs.get(one)) is not None
    ]
    return tuple(sorted(found, key=lambda row: (bool(row.seen_to), row.why != NO_WAY, row.account_no)))[:limit]


def _states(version_id: int, places: list[int]) -> dict[int, tuple[int, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_HOUSEHOLDS, {"version": version_id, "places": places})
        return {account: (state, way) for account, state, way in cursor.fetchall()}


def no_notice() -> NotFound:
    """There is none, or it is not for the asker."""
    return NotFound(_("没有找到这条通知。"))


def _row(row: Notice) -> NoticeRow:
    versions = sorted(row.versions.all(), key=lambda one: one.number)
    last = versions[-1]
    return NoticeRow(
        notice_id=row.pk,
        outage_id=row.outage_id,
        version=_version(last),
        is_draft=all(one.published_at is None for one in versions),
        is_cancelled=last.what == NoticeVersion.What.CANCELLED,
        households=0,
    )


def _version(row: NoticeVersion) -> VersionRow:
    by = row.written_by
    return VersionRow(
        version_id=row.pk,
        number=row.number,
        what=row.what,
        what_word=_(NoticeVersion.What(row.what).label),
        text=row.text,
        written_at=row.written_at,
        written_by=(by.display_name or by.username) if by is not None else "",
        published_at=row.published_at,
        places=tuple(row.places),
    )


def wants_sms(user_id: int) -> bool:
    """Whether somebody of the portal hears of notices by SMS too; everybody does who has not said no."""
    return not NoticeChoice.objects.filter(pk=user_id, wants_sms=False).exists()
