"""
Parallel run: another system's bills of a month against ours, every difference with its cause, and a verdict.

The file is staged by COPY, then compared by ranges of accounts: each range is two reads and one COPY of what differs.
Nothing of ours is changed. The report is kept, so that the weeks before a cut-over can be laid side by side.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import BillComparison
from cis.opening_files import Fault, read_rows
from cis.operations.opening import OpeningRefused
from cis.operations.opening_faults import OpeningFault, in_words
from cis.parallel_run import (
    GROUPS,
    NOT_STATED,
    OTHER_BILLS,
    Cause,
    Figures,
    Side,
    Thresholds,
    Verdict,
    classify,
    group_differences,
    judge,
    read_thresholds,
)
from cis.queries.compared_bills import at_places, billed_side, joined, rated_side
from config.shared.bulk_copy import copy_rows, day_of, read_columns
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.periods import is_cycle

__all__ = ["Compared", "CycleUnknown", "OtherBillsRefused", "ThresholdRefused", "compare_bills", "thresholds_with"]

RANGE = 20_000
_THRESHOLDS = Path(__file__).resolve().parent.parent / "data" / "parallel_run.json"
_MOST_FAULTS = 200


class OtherBillsRefused(OpeningRefused):
    """The other system's file holds lines that cannot be read; nothing was compared."""

    code = "other-bills-refused"


class CycleUnknown(Refused):
    """The month is none."""

    code = "cycle-unknown"
    status = 422


class ThresholdRefused(Refused):
    """A threshold has no such name, or its figure cannot be read."""

    code = "threshold-refused"
    status = 422


def thresholds_with(changes: Mapping[str, str]) -> Thresholds:
    """
    The thresholds of `cis/data/parallel_run.json`, some of them replaced.

    :raises ThresholdRefused: an unknown name, or no figure
    """
    stated = json.loads(_THRESHOLDS.read_text(encoding="utf-8"))["thresholds"]
    try:
        return read_thresholds(stated | dict(changes))
    except ValueError as error:
        raise ThresholdRefused(_("门槛写法不对：%(what)s。比例写 0.999，金额写元。") % {"what": error}) from error


@dataclass(frozen=True)
class Compared:
    """The report that was kept."""

    comparison_id: int
    digest: str
    cycle: int
    verdict: Verdict
    by_cause: dict[str, Figures]
    ours_total_fen: int
    theirs_total_fen: int


@dataclass
class _Sums:
    """What the ranges came to so far."""

    by_cause: dict[Cause, Figures] = field(default_factory=dict)
    ours_fen: int = 0
    theirs_fen: int = 0

    def add(self, cause: NDArray[np.int16], difference: NDArray[np.int64]) -> None:
        """Count a range in."""
        for one in np.unique(cause).tolist():
            of = difference[cause == one]
            size = np.abs(of)
            before = self.by_cause.get(Cause(one), Figures(0, 0, 0, 0))
            self.by_cause[Cause(one)] = Figures(
                before.bills + len(of),
                before.more_fen + int(of.sum()),
                before.absolute_fen + int(size.sum()),
                max(before.largest_fen, int(size.max())),
            )


def compare_bills(
    *,
    file: Path,
    cycle: int,
    at: datetime,
    org_unit_code: str = "",
    with_unbilled: bool = False,
    limits: Mapping[str, str] | None = None,
) -> Compared:
    """
    Compare a file of the other system with our bills of a cycle and keep the report.

    `with_unbilled` rates accounts that are due and have no bill yet, as a preview does, without writing.
    `org_unit_code` keeps our side to a part of the organisation. `limits` replace thresholds of `cis/data` by name.

    :raises ThresholdRefused: a threshold is unknown or no figure
    :raises OtherBillsRefused: a line cannot be read, or an account stands in two
    :raises CycleUnknown: not a month
    :raises NotFound: no such unit
    """
    if not is_cycle(cycle):
        raise CycleUnknown(_("请填年月六位数字，例如 202601。"))
    unit = OrgUnit.objects.filter(code=org_unit_code).first() if org_unit_code else None
    if org_unit_code and unit is None:
        raise NotFound(_("没有这个单位。"))
    held_to = thresholds_with(limits or {})
    path = unit.path if unit else ""
    with transaction.atomic():
        digest = _stage(file)
        comparison = BillComparison(
            file_name=file.name[:255], digest=digest, cycle=cycle, org_unit=unit, with_unbilled=with_unbilled,
            thresholds=asdict(held_to), created_at=at,
        )  # fmt: skip
        comparison.pk = _next_id()
        sums = _Sums()
        # The report's row comes last, when its figures are known: what names it is checked at the commit.
        for low, high in _ranges():
            ours = [billed_side(cycle=cycle, low=low, high=high, org_path=path)]
            if with_unbilled:
                ours.append(rated_side(cycle=cycle, low=low, high=high, org_path=path))
            _compare(comparison.pk, joined(ours), _theirs(low, high), sums)
        _compare_unknown(comparison.pk, sums)
        verdict = judge(sums.by_cause, theirs_total_fen=sums.theirs_fen, ours_total_fen=sums.ours_fen, limits=held_to)
        comparison.figures = {cause.name.lower(): asdict(figures) for cause, figures in sorted(sums.by_cause.items())}
        comparison.ours_total_fen, comparison.theirs_total_fen = sums.ours_fen, sums.theirs_fen
        comparison.is_go = verdict.is_go
        comparison.save(force_insert=True)
    return Compared(
        comparison_id=comparison.pk,
        digest=digest.hex(),
        cycle=cycle,
        verdict=verdict,
        by_cause={cause.name.lower(): figures for cause, figures in sorted(sums.by_cause.items())},
        ours_total_fen=sums.ours_fen,
        theirs_total_fen=sums.theirs_fen,
    )


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cis_bill_comparison_id_seq')")
        (number,) = cursor.fetchone()
    return int(number)


_NAMES = tuple(column.name for column in OTHER_BILLS.columns)


def _stage(file: Path) -> bytes:
    """The file into `compared_bills` with our ids; gives its digest."""
    faults: list[Fault] = []
    count = 0
    digest = hashlib.sha256()

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal count
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            for found in read_rows(OTHER_BILLS, _hashed(lines, digest)):
                if isinstance(found, Fault):
                    count += 1
                    if len(faults) < _MOST_FAULTS:
                        faults.append(found)
                    continue
                yield (found.line, *found.values)

    described = ", ".join(f"{column.name} {column.kind.postgres}" for column in OTHER_BILLS.columns)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.compared_file; DROP TABLE IF EXISTS pg_temp.compared_bills")
        cursor.execute(f"CREATE TEMPORARY TABLE compared_file (line int8, {described}) ON COMMIT DROP")
        copy_rows(cursor, "compared_file", ("line", *_NAMES), rows())
        cursor.execute(
            "SELECT line, account_no FROM (SELECT line, account_no, "
            "row_number() OVER (PARTITION BY account_no ORDER BY line) n FROM compared_file) t WHERE n > 1 "
            "ORDER BY 1 LIMIT %s",
            [_MOST_FAULTS],
        )
        twice = [Fault(OTHER_BILLS.file, line, "line-twice", "account_no", text) for line, text in cursor.fetchall()]
        if faults or twice:
            listed = [*faults, *twice][:_MOST_FAULTS]
            raise OtherBillsRefused(
                tuple(OpeningFault.of(fault, in_words(fault)) for fault in listed), count + len(twice)
            )
        cursor.execute(
            "CREATE TEMPORARY TABLE compared_bills ON COMMIT DROP AS SELECT coalesce(a.id, 0) AS account_id, f.* "
            "FROM compared_file f LEFT JOIN cis_account a USING (account_no)"
        )
        cursor.execute("CREATE INDEX ON compared_bills (account_id); ANALYZE compared_bills")
    return digest.digest()


def _hashed(lines: Any, digest: Any) -> Iterator[str]:
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape"))
        yield line


def _ranges() -> Iterator[tuple[int, int]]:
    """Ranges of account ids that hold about `RANGE` accounts each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (id - 1) / %s FROM cis_account GROUP BY 1 ORDER BY 1", [RANGE])
        places = [row[0] for row in cursor.fetchall()]
    for place in places:
        yield place * RANGE + 1, (place + 1) * RANGE + 1


_THEIRS = """
SELECT account_id, period_start, period_end, energy_kwh, total_yuan, energy_yuan, basic_yuan, power_factor_yuan,
       fund_yuan, tier2_kwh, tier3_kwh
FROM compared_bills WHERE account_id >= %(low)s AND account_id < %(high)s ORDER BY account_id
"""
_THEIR_TYPES = {
    "account": "int8", "start": "date", "end": "date", "energy": "int8", "total": "int8", "energy_fen": "int8",
    "basic_fen": "int8", "power_factor_fen": "int8", "fund_fen": "int8", "tier2": "int8", "tier3": "int8",
}  # fmt: skip


def _theirs(low: int, high: int) -> tuple[NDArray[np.int64], Side]:
    with connection.cursor() as cursor:
        found = read_columns(cursor, _THEIRS, {"low": low, "high": high}, _THEIR_TYPES)
    rows = len(found["account"])
    groups = np.stack([found[f"{name}_fen"] for name in GROUPS[:-1]], axis=1)
    stated = (groups != NOT_STATED).all(axis=1)
    rest = np.where(stated, found["total"] - np.where(groups != NOT_STATED, groups, 0).sum(axis=1), NOT_STATED)
    return found["account"], Side(
        np.ones(rows, np.bool_),
        found["start"].astype(np.int64),
        found["end"].astype(np.int64),
        found["energy"],
        found["total"],
        np.concatenate([groups, rest[:, np.newaxis]], axis=1),
        np.stack([found["tier2"], found["tier3"]], axis=1),
        np.zeros(rows, np.bool_),
        np.zeros((rows, len(GROUPS)), np.int64),
    )


def _compare(
    comparison_id: int,
    ours_of: tuple[NDArray[np.int64], Side],
    theirs_of: tuple[NDArray[np.int64], Side],
    sums: _Sums,
) -> None:
    """One range: pair the accounts, classify, note what differs."""
    accounts = np.union1d(ours_of[0], theirs_of[0])
    if not len(accounts):
        return
    ours, theirs = (
        at_places(side, np.searchsorted(accounts, ids), len(accounts)) for ids, side in (ours_of, theirs_of)
    )
    cause = classify(ours, theirs)
    difference = ours.total_fen - theirs.total_fen
    sums.add(cause, difference)
    sums.ours_fen += int(ours.total_fen.sum())
    sums.theirs_fen += int(theirs.total_fen.sum())
    differing = np.flatnonzero(cause != Cause.EQUAL)
    numbers = _numbers(accounts[differing])
    groups = np.where((ours.has & theirs.has)[:, np.newaxis], group_differences(ours, theirs), 0)
    _note(
        comparison_id,
        (
            (
                numbers[int(accounts[at])], int(accounts[at]), int(cause[at]), *_days(ours, at), *_days(theirs, at),
                int(ours.energy_kwh_e2[at]), int(theirs.energy_kwh_e2[at]), int(ours.total_fen[at]),
                int(theirs.total_fen[at]), *groups[at].tolist(),
            )
            for at in differing.tolist()
        ),
    )  # fmt: skip


def _days(side: Side, at: int) -> tuple[Any, Any]:
    return (day_of(int(side.start[at])), day_of(int(side.end[at]))) if side.has[at] else (None, None)


def _numbers(accounts: NDArray[np.int64]) -> Mapping[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, account_no FROM cis_account WHERE id = ANY(%s)", [accounts.tolist()])
        return dict(cursor.fetchall())


_COLUMNS = (
    "comparison_id", "account_no", "account_id", "cause", "ours_from", "ours_to", "theirs_from", "theirs_to",
    "ours_kwh_e2", "theirs_kwh_e2", "ours_fen", "theirs_fen", "energy_fen", "basic_fen", "power_factor_fen", "fund_fen",
    "rest_fen",
)  # fmt: skip


def _note(comparison_id: int, rows: Iterator[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        copy_rows(cursor, "cis_bill_difference", _COLUMNS, ((comparison_id, *row) for row in rows))


_UNKNOWN = """
INSERT INTO cis_bill_difference (comparison_id, account_no, account_id, cause, theirs_from, theirs_to, ours_kwh_e2,
                                 theirs_kwh_e2, ours_fen, theirs_fen, energy_fen, basic_fen, power_factor_fen, fund_fen,
                                 rest_fen)
SELECT %(comparison)s, account_no, 0, %(cause)s, period_start, period_end, 0, energy_kwh, 0, total_yuan, 0, 0, 0, 0, 0
FROM compared_bills WHERE account_id = 0
RETURNING theirs_fen
"""


def _compare_unknown(comparison_id: int, sums: _Sums) -> None:
    """Bills of accounts that we do not have at all."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN, {"comparison": comparison_id, "cause": int(Cause.MISSING_HERE)})
        amounts = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    if len(amounts):
        sums.add(np.full(len(amounts), int(Cause.MISSING_HERE), np.int16), -amounts)
        sums.theirs_fen += int(amounts.sum())
