"""
Profiles and tags of all accounts: a job each night, cut into shards by account range; one account alone is a shard of
one on the same path.

A shard is one transaction with a fixed number of statements: read the facts as columns, decide every tag on columns,
COPY the outcome and lay it over what stood there, take away what is proven no more, mark the shard done. `at` is read
before the facts are, and nothing computed later is overwritten: whoever began later has seen more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cis.queries.account_facts import AccountColumns
from config.shared import jobs
from config.shared.bulk_copy import copy_rows
from config.shared.errors import NotFound
from config.shared.periods import add_months, cycle_of
from crm.models import ProfileRun
from crm.queries.facts import read_facts
from crm.queries.profiles import account_ranges, newest_bounds, value_bounds
from crm.tagging import NONE, TAGS, Facts, Tag

JOB_KIND = "profiles"
RULE = "rule"


@dataclass(frozen=True)
class Computed:
    """What one range came to."""

    accounts: int
    tags: int


def start_profiles(*, created_by_id: int | None, at: datetime, shard_size: int | None = None) -> int | None:
    """Begin the profiles of all open accounts as a job; gives the run's id, None where there is no account."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        shards = [jobs.ShardSpec(*cut) for cut in account_ranges(shard_size or settings.CRM_PROFILE_SHARD)]
        if not shards:
            return None
        job_id = jobs.create_job(
            kind=JOB_KIND,
            parameters={"on_day": today.isoformat()},
            shards=shards,
            created_by_id=created_by_id,
            at=at,
        )
        run = ProfileRun.objects.create(
            job_id=job_id,
            on_day=today,
            value_bounds=value_bounds(since_cycle=add_months(cycle_of(today), -12)),
            created_by_id=created_by_id,
            created_at=at,
        )
        return run.pk


def work_shard(claim: jobs.Claim, *, at: datetime) -> Computed:
    """Do one shard of a run and mark it done, in one transaction."""
    run = ProfileRun.objects.get(job_id=claim.job_id)
    with transaction.atomic():
        done = _compute(low=claim.low, high=claim.high, on_day=run.on_day, bounds=run.value_bounds, at=at)
        claim.finish(result={"accounts": done.accounts, "tags": done.tags}, done_units=done.accounts, at=at)
    return done


def recompute_profile(*, account_id: int, at: datetime) -> None:
    """
    Compute one account's profile now, measured by the bounds of the newest run.

    :raises NotFound: there is no such open account
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        done = _compute(low=account_id, high=account_id + 1, on_day=today, bounds=newest_bounds(), at=at)
    if not done.accounts:
        raise NotFound(f"account {account_id}")


def _compute(*, low: int, high: int, on_day: date, bounds: Mapping[str, list[int]], at: datetime) -> Computed:
    accounts, facts = read_facts(low=low, high=high, on_day=on_day, value_bounds=bounds)
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ROOM)
        copy_rows(cursor, "computed_tag", _TAG_COLUMNS, _tags(facts, at))
        copy_rows(cursor, "computed_profile", _PROFILE_COLUMNS, _profiles(accounts, facts, at))
        cursor.execute(_LAY_OVER_PROFILES)
        cursor.execute(_LAY_OVER_TAGS)
        tags = int(cursor.rowcount)
        cursor.execute(_TAKE_AWAY, {"low": low, "high": high, "at": at})
        cursor.execute(_CLEAR)
    return Computed(len(facts), tags)


# --- From columns to rows --------------------------------------------------------------------

_TAG_COLUMNS = (
    "account_id", "code", "value", "evidence", "definition_version", "source", "since_on", "until_on", "computed_at",
)  # fmt: skip
_PROFILE_COLUMNS = (
    "account_id", "org_unit_id", "price_class", "capacity_kva", "is_dedicated", "energy_12m_kwh_e2", "billed_12m_fen",
    "on_day", "computed_at",
)  # fmt: skip


def limits_of(tag: Tag) -> dict[str, int]:
    """The limits of a definition, with what the utility sets otherwise."""
    return {**tag.limits, **settings.CRM_TAG_LIMITS.get(tag.code, {})}


def _tags(facts: Facts, at: datetime) -> Iterator[tuple[Any, ...]]:
    """Every tag that is proven, as rows of the table."""
    since = facts.on_day.isoformat()
    moment = at.isoformat()
    for tag in TAGS.values():
        found = tag.decide(facts, limits_of(tag))
        until = (facts.on_day + timedelta(days=tag.lasts_days)).isoformat()
        names, columns = list(found.evidence), [column.tolist() for column in found.evidence.values()]
        proofs = zip(*columns, strict=True) if columns else (() for _row in range(len(facts)))
        for account, place, proof in zip(facts.account.tolist(), found.value.tolist(), proofs, strict=True):
            if place != NONE:
                evidence = json.dumps(dict(zip(names, proof, strict=True)))
                yield (account, tag.code, tag.values[place].code, evidence, tag.version, RULE, since, until, moment)


def _profiles(accounts: AccountColumns, facts: Facts, at: datetime) -> Iterator[tuple[Any, ...]]:
    """The figures of each account, as rows of the table."""
    day, moment = facts.on_day.isoformat(), at.isoformat()
    columns = (
        facts.account, accounts.org_unit, facts.price_class, facts.capacity_kva, facts.is_dedicated,
        facts.energy_12m_kwh_e2, facts.billed_12m_fen,
    )  # fmt: skip
    for row in zip(*(column.tolist() for column in columns), strict=True):
        yield (*row, day, moment)


_MAKE_ROOM = """
CREATE TEMPORARY TABLE computed_tag (LIKE crm_account_tag) ON COMMIT DROP;
CREATE TEMPORARY TABLE computed_profile (LIKE crm_profile) ON COMMIT DROP;
"""
_CLEAR = "DROP TABLE computed_tag, computed_profile"

_LAY_OVER_PROFILES = """
INSERT INTO crm_profile AS p (account_id, org_unit_id, price_class, capacity_kva, is_dedicated, energy_12m_kwh_e2,
                              billed_12m_fen, on_day, computed_at)
SELECT account_id, org_unit_id, price_class, capacity_kva, is_dedicated, energy_12m_kwh_e2, billed_12m_fen, on_day,
       computed_at
FROM computed_profile ORDER BY account_id
ON CONFLICT (account_id) DO UPDATE SET
    org_unit_id = EXCLUDED.org_unit_id, price_class = EXCLUDED.price_class, capacity_kva = EXCLUDED.capacity_kva,
    is_dedicated = EXCLUDED.is_dedicated, energy_12m_kwh_e2 = EXCLUDED.energy_12m_kwh_e2,
    billed_12m_fen = EXCLUDED.billed_12m_fen, on_day = EXCLUDED.on_day, computed_at = EXCLUDED.computed_at
WHERE p.computed_at <= EXCLUDED.computed_at
"""

# A value that stays keeps the day since which it holds; a tag that had run out begins anew.
_LAY_OVER_TAGS = """
INSERT INTO crm_account_tag AS t (account_id, code, value, evidence, definition_version, source, since_on, until_on,
                                  computed_at)
SELECT account_id, code, value, evidence, definition_version, source, since_on, until_on, computed_at
FROM computed_tag ORDER BY account_id, code
ON CONFLICT (account_id, code) DO UPDATE SET
    since_on = CASE WHEN t.value = EXCLUDED.value AND t.until_on >= EXCLUDED.since_on
                         AND t.since_on <= EXCLUDED.since_on
                    THEN t.since_on ELSE EXCLUDED.since_on END,
    value = EXCLUDED.value, evidence = EXCLUDED.evidence, definition_version = EXCLUDED.definition_version,
    source = EXCLUDED.source, until_on = EXCLUDED.until_on, computed_at = EXCLUDED.computed_at
WHERE t.computed_at <= EXCLUDED.computed_at
"""

_TAKE_AWAY = """
WITH gone AS (
    DELETE FROM crm_account_tag t
    WHERE t.account_id >= %(low)s AND t.account_id < %(high)s AND t.source = 'rule' AND t.computed_at <= %(at)s
      AND NOT EXISTS (SELECT 1 FROM computed_tag n WHERE n.account_id = t.account_id AND n.code = t.code))
DELETE FROM crm_profile p
WHERE p.account_id >= %(low)s AND p.account_id < %(high)s AND p.computed_at <= %(at)s
  AND NOT EXISTS (SELECT 1 FROM computed_profile n WHERE n.account_id = p.account_id)
"""
