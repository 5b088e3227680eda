"""
The tariff laboratory: try a draft on what a population was billed. Bills, tariffs and the ledger are read only.

Each shard reads the bills of a range of accounts with what they were computed from, rates them once by the version they
were billed by (it must give the bill again, or the bill is left out) and once by the draft, and keeps sums by group and
the accounts with the largest changes. The closing stage adds the sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.laboratory import (
    Compared,
    GroupFile,
    GroupFileFault,
    UnknownFigure,
    add_up,
    draft_from,
    figures_of,
    furthest,
    read_group_file,
    with_figures,
)
from cis.models import TariffDraft, TariffTrial, TariffVersion, TrialAccount, TrialGroupMember
from cis.queries.billed_population import BilledColumns, Population, billed_columns
from cis.queries.billed_rating import own_totals, totals_under
from cis.rating import CannotPrice, compile_rules
from config.shared import jobs
from config.shared.bulk_copy import copy_rows, read_columns
from config.shared.errors import NotFound, Refused
from config.shared.models import JobShard, OrgUnit
from config.shared.periods import add_months, is_cycle
from config.shared.permissions import holds_everywhere, in_scope, is_within

JOB_KIND = "tariff-trial"
SHARD_SIZE = 10_000
# So many stretches of ids make a shard where ids lie close together.
_STRETCHES = 10

# Why a bill is not compared.
NOT_RECOMPUTED = "not-recomputed"
UNEVEN = "uneven-meters"
NOT_PRICED = "not-priced"
OWN_NOT_PRICED = "own-not-priced"
FORMER_SYSTEM = "former-system"


class DraftRefused(Refused):
    """The draft cannot be priced; the message says which figure is wrong."""

    code = "draft-refused"


class TrialMonthsRefused(Refused):
    """The months are not months, not in order, or too many."""

    code = "trial-months-refused"


class TrialOutsideScope(Refused):
    """The population is of a part of the organisation that the actor does not try tariffs for."""

    code = "outside-scope"
    status = 403


class NobodyToTry(Refused):
    """No account of this part of the organisation."""

    code = "nobody-to-try"


class GroupListRefused(Refused):
    """The list of groups cannot be used; the message says which line."""

    code = "group-list-refused"


@dataclass(frozen=True)
class TrialPopulation:
    """Whose bills of which months are tried; None: the whole utility, every class."""

    org_unit_id: int | None
    price_class: int | None
    own_tariff_only: bool
    first_cycle: int
    last_cycle: int


def start_trial(
    *,
    base_version_id: int,
    name: str,
    changes: Mapping[str, str],
    population: TrialPopulation,
    group_list: bytes | None,
    created_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
    shard_size: int = SHARD_SIZE,
) -> int:
    """
    Keep a draft made from a version with some figures changed, and begin to try it; gives the trial's id.

    `changes`: keys of `cis.laboratory.list_figures` of the version's draft to new figures. `group_list`: a CSV file of
    accounts and groups. `within`: the organisation paths that the actor may ask about; None where all.

    :raises NotFound: no such version or part of the organisation
    :raises DraftRefused: the changed rules cannot be priced
    :raises TrialMonthsRefused: the months
    :raises TrialOutsideScope: the population does not lie `within`
    :raises GroupListRefused: the list
    :raises NobodyToTry: no account there
    """
    version = TariffVersion.objects.filter(pk=base_version_id).first()
    if version is None:
        raise NotFound(_("没有这个电价版本。"))
    _check_months(population)
    path = _path_of(population.org_unit_id)
    if not (is_within(path, within or ()) if path else holds_everywhere(within)) and within is not None:
        raise TrialOutsideScope(_("您的岗位不能试算这个范围，请选择本单位。"))
    rules = _drafted(version, changes)
    groups = _groups_of(group_list)
    with transaction.atomic():
        shards = _cut(path, shard_size)
        if not shards:
            raise NobodyToTry(_("这个范围里没有户号，请换一个范围。"))
        draft = TariffDraft.objects.create(
            name=name, base_version=version, rules=rules, created_by_id=created_by_id, created_at=at
        )
        trial = TariffTrial.objects.create(
            draft=draft,
            org_unit_id=population.org_unit_id,
            price_class=population.price_class,
            own_tariff_only=population.own_tariff_only,
            first_cycle=population.first_cycle,
            last_cycle=population.last_cycle,
            usage_bands_kwh=list(settings.TRIAL_USAGE_BANDS_KWH),
            group_names=list(groups.names) if groups else [],
            created_by_id=created_by_id,
            created_at=at,
        )
        if groups:
            trial.unknown_in_list = len(groups.group_of) - _keep_groups(trial.pk, groups)
        trial.job_id = jobs.create_job(
            kind=JOB_KIND,
            parameters={"trial_id": trial.pk},
            shards=[*shards, jobs.ShardSpec(0, 0, 0, stage=jobs.CLOSING_STAGE)],
            created_by_id=created_by_id,
            at=at,
            org_unit_id=population.org_unit_id,
        )
        trial.save(update_fields=["job", "unknown_in_list"])
    return trial.pk


def _check_months(population: TrialPopulation) -> None:
    first, last = population.first_cycle, population.last_cycle
    if not is_cycle(first) or not is_cycle(last):
        raise TrialMonthsRefused(_("请填年月六位数字，例如 202601。"))
    if not first <= last <= add_months(first, settings.TRIAL_MONTHS_MOST - 1):
        raise TrialMonthsRefused(
            _("结束月份不能早于开始月份，一次最多试算 %(months)s 个月。") % {"months": settings.TRIAL_MONTHS_MOST}
        )


def _path_of(org_unit_id: int | None) -> str:
    if org_unit_id is None:
        return ""
    path = OrgUnit.objects.filter(pk=org_unit_id).values_list("path", flat=True).first()
    if path is None:
        raise NotFound(_("没有这个单位。"))
    return path


def _drafted(version: TariffVersion, changes: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        rules = with_figures(draft_from(version.rules), changes)
        compile_rules(rules)
    except UnknownFigure as error:
        raise DraftRefused(_("电价版本里没有“%(key)s”这一项，请刷新后重填。") % {"key": str(error)}) from error
    except CannotPrice as error:
        raise DraftRefused(_draft_fault(error), reason=error.code) from error
    return rules


def _draft_fault(error: CannotPrice) -> str:
    words = {
        "ill_typed": _("有一项不是数字：写成 0.5580 这样，最多八位小数；分档电量写整数。"),
        "inexact_price": _("有一项的小数位太多，请减少小数位。"),
        "negative_price": _("电价不能是负数。"),
        "prices_fall": _("高档的电价不能低于低档。"),
        "bounds_not_rising": _("分档电量要一档比一档大。"),
        "price_disagrees": _("电价与其组成之和不一致，请同时修改。"),
    }
    return words.get(error.code) or _("这个方案不能计价（%(code)s），请检查改动的数字。") % {"code": error.code}


def _groups_of(group_list: bytes | None) -> GroupFile | None:
    if not group_list:
        return None
    try:
        return read_group_file(group_list)
    except GroupFileFault as fault:
        words = {
            "encoding": _("分组名单的编码不认识，请另存为 CSV UTF-8。"),
            "columns": _("分组名单第 %(line)s 行不是两列，每行写：户号,分组。"),
            "empty": _("分组名单里没有户号。"),
            "account_no": _("分组名单第 %(line)s 行的户号不是数字。"),
            "group": _("分组名单第 %(line)s 行没有写分组，或分组名太长。"),
            "twice": _("分组名单第 %(line)s 行的户号前面已经有了。"),
            "too_many_groups": _("分组名单里的分组太多，最多 20 个。"),
        }
        raise GroupListRefused(words[fault.code] % {"line": fault.line}, reason=fault.code) from fault


_KEEP_GROUPS = """
INSERT INTO cis_trial_group_member (trial_id, account_id, "group")
SELECT %s, a.id, l.place FROM trial_list l JOIN cis_account a ON a.account_no = l.account_no
"""


def _keep_groups(trial_id: int, groups: GroupFile) -> int:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE trial_list (account_no text, place smallint) ON COMMIT DROP")
        copy_rows(cursor, "trial_list", ("account_no", "place"), groups.group_of.items())
        cursor.execute(_KEEP_GROUPS, [trial_id])
        kept: int = cursor.rowcount
        cursor.execute("DROP TABLE trial_list")
    return kept


def _cut(path: str, shard_size: int) -> list[jobs.ShardSpec]:
    """Cut the accounts of a part of the organisation into ranges of about `shard_size`; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(a.id), max(a.id) + 1, count(*) FROM cis_account a"
            " JOIN shared_org_unit o ON o.id = a.org_unit_id"
            " WHERE o.path LIKE %s GROUP BY (a.id - 1) / %s ORDER BY 1",
            [path.replace("%", "") + "%", max(shard_size // _STRETCHES, 1)],
        )
        stretches = cursor.fetchall()
    shards: list[jobs.ShardSpec] = []
    for low, high, count in stretches:
        if shards and shards[-1].units + count <= shard_size:
            shards[-1] = jobs.ShardSpec(shards[-1].low, high, shards[-1].units + count)
        else:
            shards.append(jobs.ShardSpec(low, high, count))
    return shards


def cancel_trial(*, trial_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Stop a trial; it will have no result.

    :raises NotFound: no such trial `within`
    :raises JobIsOver: it has ended
    """
    trial = TariffTrial.objects.filter(in_scope("org_unit", within), pk=trial_id).first()
    if trial is None or trial.job_id is None:
        raise NotFound(_("没有这次试算。"))
    with transaction.atomic():
        jobs.cancel_job(job_id=trial.job_id, at=at)
        # Should it be resumed, it goes on without the list.
        TrialGroupMember.objects.filter(trial=trial).delete()
        TariffTrial.objects.filter(pk=trial.pk).update(group_names=[], unknown_in_list=0)


# --- Shards --------------------------------------------------------------------------------


def work_shard(claim: jobs.Claim, *, at: datetime) -> None:
    """Do one shard of a trial, or add its shards up, and mark it done, in one transaction."""
    trial = TariffTrial.objects.select_related("draft__base_version").get(pk=claim.parameters["trial_id"])
    if claim.is_closing:
        with transaction.atomic():
            _close(trial, at)
            claim.finish(result={}, done_units=0, at=at)
        return
    with transaction.atomic():
        population = _population_of(trial)
        found = billed_columns(population, low=claim.low, high=claim.high)
        draft_fen, left_out = rate_twice(found, trial.draft.rules, of_tariff=trial.draft.base_version.tariff_id)
        compared = _by_account(found, draft_fen, left_out, _groups_in(trial, claim.low, claim.high))
        _keep_furthest(trial.pk, compared)
        claim.finish(
            result={
                "figures": figures_of(
                    compared, usage_bands_kwh=tuple(trial.usage_bands_kwh), has_list=bool(trial.group_names)
                ),
                "left_out": dict(Counter(left_out[left_out != ""].tolist())),
            },
            done_units=JobShard.objects.values_list("units", flat=True).get(pk=claim.shard_id),
            at=at,
        )


def _population_of(trial: TariffTrial) -> Population:
    versions = TariffVersion.objects.filter(tariff=trial.draft.base_version.tariff_id).order_by("pk")
    return Population(
        org_path=_path_of(trial.org_unit_id),
        price_class=trial.price_class,
        version_ids=tuple(versions.values_list("pk", flat=True)) if trial.own_tariff_only else None,
        first_cycle=trial.first_cycle,
        last_cycle=trial.last_cycle,
    )


def rate_twice(
    found: BilledColumns, draft: Sequence[Mapping[str, Any]], *, of_tariff: int
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """
    What each bill comes to under the draft, (n,) fen, and why a bill is left out ("" where it is compared), (n,).

    A bill that its own version does not give again to the fen is left out: its difference would not be the draft's.
    `of_tariff` is the tariff that the draft is of: parts of bills at its price take the draft too.
    """
    reasons = (NOT_RECOMPUTED, UNEVEN, NOT_PRICED, OWN_NOT_PRICED, FORMER_SYSTEM)
    left_out = np.full(len(found), "", dtype=f"<U{max(map(len, reasons))}")
    versions = TariffVersion.objects.filter(tariff=of_tariff).values_list("pk", flat=True)
    again, tried = own_totals(found), totals_under(found, draft, of_tariff=list(versions))
    left_out[tried < 0] = NOT_PRICED
    if any(rule.period_registers for rule in compile_rules(draft).rules):
        # Of bills with parts, what a sub-meter tells has been taken off already.
        left_out[found.is_uneven & ~found.has_parts()] = UNEVEN
    left_out[again != found.total_fen] = NOT_RECOMPUTED
    left_out[again < 0] = OWN_NOT_PRICED
    left_out[found.is_former] = FORMER_SYSTEM
    return tried, left_out


def _by_account(
    found: BilledColumns, draft_fen: NDArray[np.int64], left_out: NDArray[np.str_], groups: dict[int, int]
) -> Compared:
    rows = np.flatnonzero(left_out == "")
    account = found.account[rows]
    begins = np.flatnonzero(np.concatenate(([True], account[1:] != account[:-1]))) if len(rows) else rows
    newest = rows[np.append(begins[1:], len(rows)) - 1] if len(rows) else rows

    def summed(column: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.add.reduceat(column[rows], begins) if len(rows) else np.empty(0, dtype=np.int64)

    named = account[begins]
    return Compared(
        account=named,
        price_class=found.price_class[newest],
        area=found.area[newest],
        group=np.array([groups.get(one, -1) for one in named.tolist()] if groups else -1, dtype=np.int16)
        + np.zeros(len(named), dtype=np.int16),
        bills=summed(np.ones(len(found), dtype=np.int64)),
        energy_kwh_e2=summed(found.billed_kwh_e2),
        billed_fen=summed(found.total_fen),
        draft_fen=summed(draft_fen),
    )


def _groups_in(trial: TariffTrial, low: int, high: int) -> dict[int, int]:
    """Account to group of the trial's list, for a range of accounts."""
    if not trial.group_names:
        return {}
    with connection.cursor() as cursor:
        found = read_columns(
            cursor,
            'SELECT account_id, "group" FROM cis_trial_group_member'
            " WHERE trial_id = %s AND account_id >= %s AND account_id < %s",
            [trial.pk, low, high],
            {"account": "int8", "group": "int2"},
        )
    return dict(zip(found["account"].tolist(), found["group"].tolist(), strict=True))


def _keep_furthest(trial_id: int, compared: Compared) -> None:
    TrialAccount.objects.bulk_create(
        TrialAccount(
            trial_id=trial_id,
            account_id=int(compared.account[row]),
            price_class=int(compared.price_class[row]),
            bills=int(compared.bills[row]),
            energy_kwh_e2=int(compared.energy_kwh_e2[row]),
            billed_fen=int(compared.billed_fen[row]),
            draft_fen=int(compared.draft_fen[row]),
            difference_fen=int(compared.difference_fen[row]),
        )
        for row in furthest(compared.difference_fen, settings.TRIAL_ACCOUNTS_KEPT).tolist()
    )


_DROP_THE_NEARER = """
DELETE FROM cis_trial_account WHERE trial_id = %(trial)s AND id NOT IN (
    (SELECT id FROM cis_trial_account WHERE trial_id = %(trial)s AND difference_fen < 0
     ORDER BY difference_fen, id LIMIT %(kept)s)
    UNION ALL
    (SELECT id FROM cis_trial_account WHERE trial_id = %(trial)s AND difference_fen > 0
     ORDER BY difference_fen DESC, id DESC LIMIT %(kept)s))
"""


def _close(trial: TariffTrial, at: datetime) -> None:
    results = list(JobShard.objects.filter(job=trial.job_id, stage=0).values_list("result", flat=True))
    left_out: Counter[str] = Counter()
    for result in results:
        left_out.update(result["left_out"])
    figures = add_up(result["figures"] for result in results)
    if not trial.group_names:
        figures.pop("list", None)
    trial.result = {"figures": figures, "left_out": dict(left_out)}
    trial.finished_at = at
    trial.save(update_fields=["result", "finished_at"])
    with connection.cursor() as cursor:
        cursor.execute(_DROP_THE_NEARER, {"trial": trial.pk, "kept": settings.TRIAL_ACCOUNTS_KEPT})
    # Who belongs to which group is nobody's business once the sums are made.
    TrialGroupMember.objects.filter(trial=trial).delete()
