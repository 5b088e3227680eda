"""
Tiers: the rules applied to all accounts by a job, and what a person decides otherwise for some time.

Whether by the rules or by a person, a change of tier leaves a row that is never changed. An override holds from its
first to its last day; the night after, the rules hold again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.queries import dues
from config.shared import jobs
from config.shared.bulk_copy import copy_rows
from config.shared.errors import BadInput, NotFound, Refused
from crm.models import Profile, TierChange, TierOverride, TierRun
from crm.operations import profiles
from crm.queries.profiles import account_ranges
from crm.queries.tiers import Standing, current_limits, read_standing
from crm.tiering import TIERS, Limits, Ruled
from crm.tiering.rules import REASONS

JOB_KIND = "tiers"
_SHARD = 20_000


class NothingToRule(Refused):
    """No account has a profile yet."""

    code = "nothing-to-rule"


class OverrideRefused(BadInput):
    """The override names no tier or reason, or runs too long or not at all."""

    code = "override-refused"


class OverrideRunning(Refused):
    """Another override holds in that time."""

    code = "override-running"


def apply_tiers(*, created_by_id: int | None, at: datetime) -> int:
    """
    Begin the application of the rules, with the limits of now, to all accounts as a job; gives the job's id.

    :raises NothingToRule: there is no account
    """
    limits = current_limits()
    with transaction.atomic():
        shards = [jobs.ShardSpec(*cut) for cut in account_ranges(_SHARD)]
        if not shards:
            raise NothingToRule(_("还没有在用的户，没有可以评定的客户。"))
        job_id = jobs.create_job(kind=JOB_KIND, parameters={}, shards=shards, created_by_id=created_by_id, at=at)
        TierRun.objects.create(job_id=job_id, limits=asdict(limits), created_by_id=created_by_id, created_at=at)
        return job_id


def work_shard(claim: jobs.Claim, *, at: datetime) -> int:
    """Rule on one shard and mark it done, in one transaction; gives how many accounts moved."""
    run = TierRun.objects.get(job_id=claim.job_id)
    with transaction.atomic():
        _lock(alone=False)
        accounts, moved = _rule(
            low=claim.low, high=claim.high, limits=Limits.parse(run.limits), run_id=run.pk,
            because=TierChange.Because.RULES, at=at,
        )  # fmt: skip
        claim.finish(result={"accounts": accounts, "moved": moved}, done_units=accounts, at=at)
    return moved


def _today(at: datetime) -> date:
    return at.astimezone(settings.BILLING_TIME_ZONE).date()


def _rule(
    *,
    low: int,
    high: int,
    limits: Limits,
    run_id: int | None,
    because: str,
    at: datetime,
    override_id: int | None = None,
) -> tuple[int, int]:
    """Write what holds for a range where it is another than before; accounts and how many moved."""
    standing = read_standing(low=low, high=high, on=_today(at))
    ruled = standing.ruled(limits)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE ruled (LIKE crm_account_tier) ON COMMIT DROP")
        copy_rows(cursor, "ruled", _COLUMNS, _rows(standing, ruled, at))
        cursor.execute(
            _NOTE_CHANGES, {"because": because, "run": run_id, "override": override_id, "at": at, "first": TIERS[0]}
        )
        moved = int(cursor.rowcount)
        cursor.execute(_LAY_OVER)
        cursor.execute("DROP TABLE ruled")
    return len(standing.account), moved


_COLUMNS = ("account_id", "tier", "rule_tier", "reason", "evidence", "decided_at")


def _rows(standing: Standing, ruled: Ruled, at: datetime) -> Iterator[tuple[Any, ...]]:
    columns = (
        standing.account, standing.holds(ruled), ruled.tier, ruled.reason, standing.capacity_kva,
        standing.energy_12m_kwh_e2, standing.is_dedicated.astype(np.int8),
    )  # fmt: skip
    moment = at.isoformat()
    for account, tier, rule_tier, reason, capacity, energy, dedicated in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        evidence = {"capacity_kva": capacity, "energy_12m_kwh_e2": energy, "is_dedicated": bool(dedicated)}
        yield account, TIERS[tier], TIERS[rule_tier], REASONS[reason], json.dumps(evidence), moment


# Being normal from the beginning is no move.
_NOTE_CHANGES = """
INSERT INTO crm_tier_change (account_id, from_tier, to_tier, because, run_id, override_id, changed_at)
SELECT n.account_id, coalesce(t.tier, ''), n.tier, %(because)s, %(run)s, %(override)s, %(at)s
FROM ruled n LEFT JOIN crm_account_tier t ON t.account_id = n.account_id
WHERE n.tier <> coalesce(t.tier, %(first)s)
ORDER BY n.account_id
"""
_LAY_OVER = """
INSERT INTO crm_account_tier AS t (account_id, tier, rule_tier, reason, evidence, decided_at)
SELECT account_id, tier, rule_tier, reason, evidence, decided_at FROM ruled ORDER BY account_id
ON CONFLICT (account_id) DO UPDATE SET
    tier = EXCLUDED.tier, rule_tier = EXCLUDED.rule_tier, reason = EXCLUDED.reason, evidence = EXCLUDED.evidence,
    decided_at = EXCLUDED.decided_at
WHERE (t.tier, t.rule_tier, t.reason, t.evidence)
      IS DISTINCT FROM (EXCLUDED.tier, EXCLUDED.rule_tier, EXCLUDED.reason, EXCLUDED.evidence)
"""


def override_tier(*, account_no: str, tier: str, reason: str, last_day: date, set_by_id: int, at: datetime) -> int:
    """
    Put an account into a tier from today to a last day, whatever the rules say; gives the override's id.

    :raises NotFound: there is no such account
    :raises OverrideRefused: no such tier, no reason, a last day that is over or too far
    :raises OverrideRunning: another one holds already
    """
    account_id, today = dues.account_id_of(account_no), _today(at)
    latest = today + timedelta(days=settings.CRM_OVERRIDE_MAX_DAYS)
    wrong = []
    if tier not in TIERS:
        wrong.append({"pointer": "/tier", "detail": _("请选一个等级。")})
    if not reason.strip():
        wrong.append({"pointer": "/reason", "detail": _("请写明调整的依据，客户问起时要能说清楚。")})
    if not today <= last_day <= latest:
        wrong.append(
            {"pointer": "/last_day", "detail": _("有效期要在今天到 %(day)s 之间。") % {"day": latest.isoformat()}}
        )
    if wrong:
        raise OverrideRefused(wrong[0]["detail"], errors=wrong)
    with transaction.atomic():
        _lock(alone=True)
        if not Profile.objects.filter(pk=account_id).exists():
            # What the rules would say stands beside what the person says.
            profiles.recompute_profile(account_id=account_id, at=at)
        if TierOverride.objects.filter(account_id=account_id, ended_at=None, valid__endswith__gt=today).exists():
            raise OverrideRunning(_("这一户已经有人工调整在生效。请先结束它，再重新调整。"))
        override = TierOverride.objects.create(
            account_id=account_id,
            tier=tier,
            reason=reason.strip(),
            valid=DateRange(today, last_day + timedelta(days=1)),
            set_by_id=set_by_id,
            set_at=at,
        )
        _settle_one(account_id, because=TierChange.Because.OVERRIDE, override_id=override.pk, at=at)
        return override.pk


def end_override(*, override_id: int, ended_by_id: int, at: datetime) -> None:
    """
    End an override before its last day; the rules hold again at once.

    :raises NotFound: there is no such override, or it has ended
    """
    with transaction.atomic():
        override = TierOverride.objects.filter(pk=override_id, ended_at=None).first()
        if override is None:
            raise NotFound(_("没有正在生效的人工调整。"))
        _lock(alone=True)
        TierOverride.objects.filter(pk=override_id, ended_at=None).update(ended_at=at, ended_by_id=ended_by_id)
        _settle_one(override.account_id, because=TierChange.Because.OVERRIDE_ENDED, override_id=override_id, at=at)


def end_overrides_run_out(*, at: datetime) -> int:
    """End the overrides whose last day is over, and let the rules hold again; gives how many. May be repeated."""
    today, ended = _today(at), 0
    waiting = TierOverride.objects.filter(ended_at=None, valid__endswith__lte=today).order_by("account_id")
    for override_id, account_id in waiting.values_list("pk", "account_id"):
        with transaction.atomic():
            _lock(alone=True)
            if TierOverride.objects.filter(pk=override_id, ended_at=None).update(ended_at=at):
                _settle_one(account_id, because=TierChange.Because.OVERRIDE_ENDED, override_id=override_id, at=at)
                ended += 1
    return ended


def _lock(*, alone: bool) -> None:
    """Shards of the rules go side by side; a person's decision waits for them and they for it: neither is lost."""
    with connection.cursor() as cursor:
        kind = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        cursor.execute(f"SELECT {kind}(hashtextextended('crm-tiers', 0))")


def _settle_one(account_id: int, *, because: str, override_id: int, at: datetime) -> None:
    _rule(
        low=account_id,
        high=account_id + 1,
        limits=current_limits(),
        run_id=None,
        because=because,
        at=at,
        override_id=override_id,
    )
