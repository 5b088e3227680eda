"""What the pages of billing runs need beside the run: where one can be started, and what its preview said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from cis.models import BillingRun
from config.shared.models import JobShard, OrgUnit


@dataclass(frozen=True, slots=True)
class BillingUnit:
    """A part of the organisation that a run can cover."""

    org_unit_id: int
    name: str
    depth: int


@dataclass(frozen=True, slots=True)
class RunComparison:
    """A run beside the last finished preview of the same scope; `is_identical`: to the fen, account by account."""

    preview_run_id: int
    preview_bills: int
    preview_total_fen: int
    bills: int
    total_fen: int
    is_identical: bool

    @property
    def difference_fen(self) -> int:
        """How much more than the preview."""
        return self.total_fen - self.preview_total_fen


@dataclass(frozen=True, slots=True)
class RunScope:
    """What a run covers: enough to start the same again."""

    cycle: int
    org_unit_id: int | None
    is_preview: bool


def list_billing_units(*, within: Sequence[str] | None = None) -> list[BillingUnit]:
    """Provinces, cities and counties of the organisation paths `within`, in the order of the tree."""
    kinds = (OrgUnit.Kind.PROVINCE, OrgUnit.Kind.CITY, OrgUnit.Kind.COUNTY)
    units = OrgUnit.objects.filter(kind__in=kinds)
    if within is not None:
        units = units.filter(reduce(or_, (Q(path__startswith=path) for path in within), Q(pk__in=())))
    ordered = sorted(units, key=lambda unit: [int(part) for part in unit.path.strip("/").split("/") if part.isdigit()])
    return [BillingUnit(unit.pk, unit.shown_name, unit.path.strip("/").count("/")) for unit in ordered]


def get_scope(run_id: int) -> RunScope | None:
    """What a run covers; None when there is no such run."""
    run = BillingRun.objects.filter(pk=run_id).first()
    if run is None:
        return None
    return RunScope(run.cycle, run.org_unit_id, run.kind == BillingRun.Kind.PREVIEW)


def compare_with_preview(run_id: int) -> RunComparison | None:
    """A finished run beside its preview; None for a preview, an unfinished run, or one that had no preview."""
    run = BillingRun.objects.filter(pk=run_id, closing__isnull=False, kind=BillingRun.Kind.REGULAR).first()
    if run is None:
        return None
    preview = (
        BillingRun.objects.filter(
            kind=BillingRun.Kind.PREVIEW,
            cycle=run.cycle,
            org_unit_id=run.org_unit_id,
            pk__lt=run.pk,
            closing__isnull=False,
        )
        .order_by("-pk")
        .first()
    )
    if preview is None:
        return None
    before, after = preview.closing or {}, run.closing or {}
    return RunComparison(
        preview_run_id=preview.pk,
        preview_bills=before["bills"],
        preview_total_fen=before["total_fen"],
        bills=after["bills"],
        total_fen=after["total_fen"],
        is_identical=_digests(run) == _digests(preview),
    )


def _digests(run: BillingRun) -> list[object]:
    """The fingerprint of each shard of a run: who pays how much."""
    if run.job_id is None:
        return []
    shards = JobShard.objects.filter(job_id=run.job_id, stage=0).order_by("number")
    return [result.get("digest") for result in shards.values_list("result", flat=True)]
