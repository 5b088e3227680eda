"""Whether every place has somebody who answers for it, and whether addresses and transformer districts agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from cis.queries import network
from config.shared.languages import in_language
from config.shared.models import OrgUnit
from config.shared.permissions import in_scope, is_within
from grid_service.models import Assignment, Coverage, ReceivingDistrict, ServiceDistrict
from grid_service.queries.territory import Holder, districts_at, districts_of_transformers, no_district


@dataclass(frozen=True, slots=True)
class DistrictRow:
    """A district in a list: who answers for it now, and for how much."""

    district_id: int
    name: str
    org_unit_id: int
    area: str
    manager: Holder | None
    deputy: Holder | None
    transformer_districts: int
    accounts: int
    communities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostRow:
    """Somebody held or will hold a post; `is_planned` while it can be taken back."""

    assignment_id: int
    role: str
    role_word: str
    name: str
    from_at: datetime
    until_at: datetime | None
    reason: str
    decided_by: str
    is_now: bool
    is_planned: bool


@dataclass(frozen=True, slots=True)
class DistrictPage:
    """One district: now, before, what it covers."""

    row: DistrictRow
    begins_at: datetime
    receives_new: bool
    """Whether transformer districts that are added to the county come here."""
    posts: tuple[PostRow, ...]
    places: tuple[network.TransformerDistrictRow, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Homes whose address lies in one community and whose transformer district another district covers."""

    transformer_district_id: int
    transformer_name: str
    covered_by: str
    community: str
    community_of: str
    homes: int


@dataclass(frozen=True, slots=True)
class CoverageCheck:
    """
    What the check found: transformer districts that nobody covers, and homes told by the wrong district.

    `without_receiver`: counties where what is added would be covered by nobody.
    """

    without_receiver: tuple[str, ...]
    uncovered: tuple[network.TransformerDistrictRow, ...]
    homes_uncovered: int
    disagreements: tuple[Disagreement, ...]
    transformer_districts: int
    homes: int

    @property
    def is_whole(self) -> bool:
        """Whether every transformer district has a district."""
        return not self.uncovered


def list_districts(*, within: Sequence[str], at: datetime, district_id: int | None = None) -> list[DistrictRow]:
    """The districts of these organisation paths, or one of them, in the order of their units."""
    wanted = ServiceDistrict.objects.filter(in_scope("org_unit", within))
    if district_id is not None:
        wanted = wanted.filter(pk=district_id)
    rows = list(wanted.select_related("org_unit__parent__parent").order_by("org_unit__code"))
    served = districts_at([row.pk for row in rows], at=at)
    covered: dict[int, list[int]] = {}
    for district, place in Coverage.objects.filter(
        service_district_id__in=[row.pk for row in rows], valid__contains=at
    ).values_list("service_district_id", "transformer_district_id"):
        covered.setdefault(district, []).append(place)
    accounts = network.accounts_behind([place for places in covered.values() for place in places])
    communities: dict[int, list[str]] = {}
    for row in rows:
        communities[row.pk] = []
    from_table = ServiceDistrict.objects.filter(pk__in=communities).values_list("pk", "communities__name")
    for district, name in from_table.order_by("communities__name"):
        if name:
            communities[district].append(name)
    return [
        DistrictRow(
            district_id=row.pk,
            name=row.org_unit.shown_name,
            org_unit_id=row.org_unit_id,
            area=row.org_unit.parent.shown_name if row.org_unit.parent else "",
            manager=served[row.pk].manager if row.pk in served else None,
            deputy=served[row.pk].deputy if row.pk in served else None,
            transformer_districts=len(covered.get(row.pk, [])),
            accounts=sum(accounts.get(place, 0) for place in covered.get(row.pk, [])),
            communities=tuple(communities[row.pk]),
        )
        for row in rows
    ]


def get_district(district_id: int, *, within: Sequence[str], at: datetime) -> DistrictPage:
    """
    One district with its history.

    :raises NotFound: there is none within the organisation paths
    """
    found = list_districts(within=within, at=at, district_id=district_id)
    if not found:
        raise no_district()
    begins_at = ServiceDistrict.objects.values_list("begins_at", flat=True).get(pk=district_id)
    posts = Assignment.objects.filter(service_district_id=district_id).select_related("user", "decided_by")
    places = Coverage.objects.filter(service_district_id=district_id, valid__contains=at)
    return DistrictPage(
        row=found[0],
        begins_at=begins_at,
        receives_new=ReceivingDistrict.objects.filter(service_district_id=district_id).exists(),
        posts=tuple(_post(one, at) for one in posts.order_by("-valid", "role")),
        places=tuple(network.list_transformer_districts(ids=places.values_list("transformer_district_id", flat=True))),
    )


def _post(row: Assignment, at: datetime) -> PostRow:
    begins: datetime = row.valid.lower  # type: ignore[assignment]  # never without a beginning
    return PostRow(
        assignment_id=row.pk,
        role=row.role,
        role_word=_(Assignment.Role(row.role).label),
        name=row.user.display_name or row.user.username,
        from_at=begins,
        until_at=row.valid.upper,
        reason=row.reason,
        decided_by=row.decided_by.display_name or row.decided_by.username,
        is_now=begins <= at and (row.valid.upper is None or at < row.valid.upper),
        is_planned=begins > at and row.valid.upper is None,
    )


def counties_without_receiver(*, within: Sequence[str]) -> tuple[str, ...]:
    """The counties of these organisation paths where a transformer district that is added would be nobody's."""
    receiving = set(ReceivingDistrict.objects.values_list("county_id", flat=True))
    counties = OrgUnit.objects.filter(kind=OrgUnit.Kind.COUNTY).order_by("code")
    return tuple(unit.shown_name for unit in counties if unit.pk not in receiving and is_within(unit.path, within))


_UNCOVERED = """
SELECT t.id FROM cis_transformer_district t
JOIN cis_feeder f ON f.id = t.feeder_id
JOIN cis_substation s ON s.id = f.substation_id
JOIN shared_org_unit u ON u.id = s.org_unit_id
WHERE EXISTS (SELECT 1 FROM unnest(%(within)s::text[]) AS path WHERE starts_with(u.path, path))
  AND NOT EXISTS (SELECT 1 FROM grid_service_coverage c WHERE c.transformer_district_id = t.id AND c.valid @> %(at)s)
ORDER BY t.code LIMIT %(limit)s
"""


def uncovered_places(*, within: Sequence[str], at: datetime, limit: int) -> list[network.TransformerDistrictRow]:
    """The first transformer districts of these organisation paths that no district covers at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_UNCOVERED, {"within": list(within), "at": at, "limit": limit})
        found = [row[0] for row in cursor.fetchall()]
    return network.list_transformer_districts(ids=found) if found else []


# An address goes from the large to the small: a home lies in the community whose word stands in it last.
_DISAGREEMENTS = """
SELECT t.id, t.name, here.name, here.name_en, told.community, there.name, there.name_en, count(*)
FROM cis_premise p
JOIN shared_org_unit u ON u.id = p.org_unit_id
JOIN LATERAL (
    SELECT m.name AS community, m.service_district_id
    FROM grid_service_community m, unnest(m.address_words) AS word
    WHERE m.county_id = p.org_unit_id AND position(word IN p.address) > 0
    ORDER BY position(word IN p.address) DESC, length(word) DESC, m.id LIMIT 1) told ON true
JOIN cis_transformer_district t ON t.id = p.transformer_district_id
JOIN grid_service_coverage c ON c.transformer_district_id = t.id AND c.valid @> %(at)s
JOIN grid_service_district dh ON dh.id = c.service_district_id
JOIN shared_org_unit here ON here.id = dh.org_unit_id
JOIN grid_service_district dt ON dt.id = told.service_district_id
JOIN shared_org_unit there ON there.id = dt.org_unit_id
WHERE told.service_district_id <> c.service_district_id
  AND EXISTS (SELECT 1 FROM unnest(%(within)s::text[]) AS path WHERE starts_with(u.path, path))
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY count(*) DESC, t.id LIMIT 100
"""


def check_coverage(*, within: Sequence[str], at: datetime) -> CoverageCheck:
    """
    What is covered by nobody, and where addresses tell of another district than the transformer district does.

    An address that names one community while its transformer district belongs to the district of another is how
    notices miss homes: transformers are named after roads, homes after estates.
    """
    places = network.list_transformer_districts(within=within)
    ids = [place.transformer_district_id for place in places]
    covered = districts_of_transformers(ids, at=at)
    homes = network.accounts_behind(ids)
    uncovered = [place for place in places if place.transformer_district_id not in covered]
    with connection.cursor() as cursor:
        cursor.execute(_DISAGREEMENTS, {"at": at, "within": list(within)})
        disagreements = tuple(
            Disagreement(row[0], row[1], in_language(row[2], row[3]), row[4], in_language(row[5], row[6]), row[7])
            for row in cursor.fetchall()
        )
    return CoverageCheck(
        without_receiver=counties_without_receiver(within=within),
        uncovered=tuple(uncovered),
        homes_uncovered=sum(homes.get(place.transformer_district_id, 0) for place in uncovered),
        disagreements=disagreements,
        transformer_districts=len(places),
        homes=sum(homes.values()),
    )
