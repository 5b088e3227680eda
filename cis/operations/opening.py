"""
Cut-over: take a folder of another system's accounts, open bills, balances and registers, whole or not at all.

Everything is staged, checked against its control totals and against itself, and written in one transaction. The same
folder again changes nothing. A corrected folder of the same batch replaces it while nothing has happened to its
accounts: what was booked is booked back, bills are followed by their next revision, meters are hung anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from cis.models import BillingRun, OpeningImport
from cis.opening_files import (
    BY_NAME,
    CONTROL_FILE,
    LAYOUTS,
    Control,
    ControlFault,
    Totals,
    control_template,
    differences,
    header_of,
    read_control,
    read_me,
)
from cis.operations import ledger
from cis.operations.opening_faults import OpeningFault, in_words
from cis.operations.opening_staging import MOST_FAULTS, Staged, digest_of, stage
from cis.operations.opening_writing import BatchInUse, release, withdraw, write
from cis.queries.opening_checks import cross_faults, prepare
from config.shared.errors import BadInput

__all__ = [
    "BatchInUse",
    "ControlRefused",
    "OpeningFault",
    "OpeningRefused",
    "OpeningTaken",
    "import_opening",
    "write_templates",
]

# Two imports at once would each find the other's accounts missing.
_IMPORT_LOCK = 20_051
# Of one rule so many lines are listed.
_MOST_OF_A_RULE = 50


class OpeningRefused(BadInput):
    """Lines or totals are wrong; nothing was taken. `faults` names places, `fault_count` how many there are."""

    code = "opening-refused"

    def __init__(self, faults: tuple[OpeningFault, ...], fault_count: int) -> None:
        first = faults[0]
        super().__init__(
            _("文件里有 %(count)s 处问题，整批没有导入。第一处：%(file)s %(what)s")
            % {"count": fault_count, "file": first.place, "what": first.message},
            errors=[asdict(fault) for fault in faults],
        )
        self.faults = faults
        self.fault_count = fault_count


class ControlRefused(BadInput):
    """The control file is missing or cannot be read."""

    code = "control-refused"


@dataclass(frozen=True)
class OpeningTaken:
    """What was taken over, or would have been: `outcome` is new, corrected, unchanged or checked."""

    outcome: str
    batch: str
    revision: int
    totals: dict[str, dict[str, int | str]]


def write_templates(folder: Path) -> tuple[str, ...]:
    """Empty files with their heads, an empty control file and the description of the format; gives their names."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {layout.file: header_of(layout) for layout in LAYOUTS}
    texts |= {CONTROL_FILE: control_template(), "README.md": read_me()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(texts)


def import_opening(
    *, folder: Path, at: datetime, check_only: bool = False, on_progress: Callable[[int, int], object] | None = None
) -> OpeningTaken:
    """
    Take a folder over, or only check it; `on_progress` is told how much is done, and of how much.

    :raises ControlRefused: the control file
    :raises OpeningRefused: a line or a total is wrong
    :raises BatchInUse: it corrects a batch whose accounts have been billed, paid or changed since
    """
    control = _control(folder)
    digest = digest_of(folder)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_IMPORT_LOCK])
            # References are checked statement by statement: checks that wait for the commit are walked through once for
            # every row whose history is written, and what still hangs on a meter must be found here.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        before = OpeningImport.objects.filter(batch=control.batch).order_by("-revision").first()
        if before is not None and bytes(before.digest) == digest:
            return OpeningTaken("unchanged", control.batch, before.revision, before.totals)
        progress = _Progress(control, on_progress)
        staged = stage(folder, progress.row)
        if staged.fault_count:
            raise _refused(staged)
        release(before)
        prepare()
        _check(control, staged)
        totals = _as_json(staged.totals)
        revision = before.revision + 1 if before else 0
        if check_only:
            transaction.set_rollback(True)
            return OpeningTaken("checked", control.batch, revision, totals)
        taken = _keep(control, digest, revision, totals, at)
        if before is not None:
            try:
                withdraw(before, at=at, business_date=ledger.open_business_date(at))
            except IntegrityError as error:
                raise _in_use() from error
        write(
            taken,
            at=at,
            business_date=ledger.open_business_date(at),
            is_correction=before is not None,
            on_step=progress.step,
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return OpeningTaken("corrected" if before else "new", control.batch, revision, totals)


class _Progress:
    """Rows read are one half of the work, statements written the other; told a thousand rows at a time."""

    def __init__(self, control: Control, tell: Callable[[int, int], object] | None) -> None:
        self._rows = sum(int(totals.get("rows", 0)) for totals in control.files.values())
        self._read, self._tell = 0, tell

    def row(self) -> None:
        """One more line was read."""
        self._read += 1
        if self._tell is not None and self._read % 1000 == 0:
            self._tell(min(self._read, self._rows), 2 * self._rows)

    def step(self, done: int, of: int) -> None:
        """So many statements were written."""
        if self._tell is not None:
            self._tell(self._rows + self._rows * done // of, 2 * self._rows)


def _control(folder: Path) -> Control:
    try:
        return read_control((folder / CONTROL_FILE).read_bytes())
    except FileNotFoundError as error:
        raise ControlRefused(
            _("文件夹里没有 %(file)s。用 --template 可以写出空白的一份。") % {"file": CONTROL_FILE}
        ) from error
    except ControlFault as fault:
        words = {
            "not-json": _("%(file)s 不是 JSON，请按模板填写。"),
            "missing": _("%(file)s 缺少 %(place)s。"),
            "unreadable": _("%(file)s 的 %(place)s 写法不对，请按模板填写。"),
        }
        raise ControlRefused(words[fault.code] % {"file": CONTROL_FILE, "place": fault.place}) from fault


def _check(control: Control, staged: Staged) -> None:
    """:raises OpeningRefused: totals differ, or lines do not fit each other"""
    for fault in differences(control, staged.totals):
        staged.note(fault)
    for fault in cross_faults(cut_over_on=control.cut_over_on, limit=_MOST_OF_A_RULE):
        staged.note(fault)
    if staged.fault_count:
        raise _refused(staged)


def _refused(staged: Staged) -> OpeningRefused:
    listed = staged.faults[:MOST_FAULTS]
    return OpeningRefused(tuple(OpeningFault.of(fault, in_words(fault)) for fault in listed), staged.fault_count)


def _in_use() -> BatchInUse:
    return BatchInUse(_("这一批的户号导入之后已经有变更，不能再整批替换。请在系统里逐户更正。"))


def _as_json(totals: dict[str, Totals]) -> dict[str, dict[str, int | str]]:
    return {name: held.as_json(BY_NAME[name]) for name, held in totals.items()}


def _keep(control: Control, digest: bytes, revision: int, totals: dict[str, Any], at: datetime) -> OpeningImport:
    run = BillingRun.objects.create(
        kind=BillingRun.Kind.OPENING,
        cycle=control.cut_over_on.year * 100 + control.cut_over_on.month,
        created_at=at,
        closed_at=at,
    )
    return OpeningImport.objects.create(
        batch=control.batch,
        revision=revision,
        digest=digest,
        cut_over_on=control.cut_over_on,
        totals=totals,
        run=run,
        created_at=at,
    )
