"""Profiles of accounts: how they are cut into shards, by what they are measured, and what is shown of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cis.queries import account_facts
from config.shared.languages import in_language
from crm.models import AccountTag, ProfileRun, TagObjection
from crm.queries.evidence import in_words
from crm.queries.key_accounts import name_of
from crm.tagging import TAGS


def account_ranges(shard_size: int) -> list[tuple[int, int, int]]:
    """Ranges of about so many open accounts: (low, high, accounts); together they cover all."""
    return account_facts.account_ranges(shard_size)


def value_bounds(*, since_cycle: int) -> dict[str, list[int]]:
    """Price class to the four bounds of the quintiles of what its accounts were billed from a cycle on, in fen."""
    return {str(price_class): bounds for price_class, bounds in account_facts.billed_quintiles(since_cycle).items()}


def newest_bounds() -> dict[str, list[int]]:
    """The bounds of the newest run; none before the first."""
    run = ProfileRun.objects.order_by("-pk").first()
    bounds: dict[str, list[int]] = run.value_bounds if run is not None else {}
    return bounds


@dataclass(frozen=True, slots=True)
class Objection:
    """What the customer says against a tag; open until it is answered."""

    objection_id: int
    code: str
    tag_name: str
    value_word: str
    reason: str
    noted_by: str
    noted_at: datetime
    outcome: str
    closed_by: str
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class ShownTag:
    """
    A tag as people read it, in the language of the request; `is_objected` while an objection is open.

    `is_hidden`: it tells about life at home, and whoever asks may not see such tags; value and why are empty then.
    """

    code: str
    name: str
    value: str
    value_word: str
    kind: str
    why: str
    definition_version: int
    owner: str
    since_on: date
    until_on: date
    is_asserted: bool
    is_hidden: bool
    is_objected: bool


@dataclass(frozen=True, slots=True)
class ShownProfile:
    """The tags of an account that hold on a day, in the order of the registry, and the objections to them."""

    tags: tuple[ShownTag, ...]
    objections: tuple[Objection, ...]
    computed_at: datetime | None


def get_profile(*, account_id: int, today: date, sees_sensitive: bool) -> ShownProfile:
    """What is known of an account on a day; two statements."""
    rows = {row.code: row for row in AccountTag.objects.filter(account_id=account_id, until_on__gte=today)}
    objections = list_objections(account_id=account_id)
    objected = {one.code for one in objections if one.is_open}
    known = [code for code in TAGS if code in rows]
    others = sorted(code for code in rows if code not in TAGS)
    return ShownProfile(
        tags=tuple(_shown(rows[code], code in objected, sees_sensitive=sees_sensitive) for code in [*known, *others]),
        objections=objections,
        computed_at=max((row.computed_at for row in rows.values()), default=None),
    )


def _shown(row: AccountTag, is_objected: bool, *, sees_sensitive: bool) -> ShownTag:
    tag = TAGS.get(row.code)
    value = tag.value_of(row.value) if tag is not None else None
    is_hidden = tag is not None and tag.is_sensitive and not sees_sensitive
    why = in_words(in_language(tag.why, tag.why_en), row.evidence) if tag is not None else ""
    return ShownTag(
        code=row.code,
        name=in_language(tag.name, tag.name_en) if tag is not None else row.code,
        value="" if is_hidden else row.value,
        value_word="" if is_hidden else in_language(value.zh, value.en) if value is not None else row.value,
        kind="neutral" if value is None or is_hidden else value.kind,
        why="" if is_hidden else why or in_words("", row.evidence),
        definition_version=row.definition_version,
        owner=tag.owner if tag is not None else row.source,
        since_on=row.since_on,
        until_on=row.until_on,
        is_asserted=tag is None,
        is_hidden=is_hidden,
        is_objected=is_objected,
    )


def list_objections(*, account_id: int, limit: int = 20) -> tuple[Objection, ...]:
    """What the customer objected to, newest first."""
    rows = TagObjection.objects.filter(account_id=account_id).select_related("noted_by", "closed_by").order_by("-pk")
    return tuple(_objection(row) for row in rows[:limit])


def _objection(row: TagObjection) -> Objection:
    tag = TAGS.get(row.code)
    value = tag.value_of(row.value) if tag is not None else None
    return Objection(
        objection_id=row.pk,
        code=row.code,
        tag_name=in_language(tag.name, tag.name_en) if tag is not None else row.code,
        value_word=in_language(value.zh, value.en) if value is not None else row.value,
        reason=row.reason,
        noted_by=name_of(row.noted_by),
        noted_at=row.noted_at,
        outcome=row.outcome,
        closed_by=name_of(row.closed_by),
        closed_at=row.closed_at,
    )
