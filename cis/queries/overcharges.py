"""Reports of an overcharge: for whoever reported, by what they were given; and for whoever looks into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cis.models import OverchargeReport
from config.shared.errors import NotFound

REPORT_SALT = "cis.overcharge"


@dataclass(frozen=True, slots=True)
class ReportState:
    """What whoever reported sees: what they said and what came of it; nothing of anybody else."""

    number: str
    where_said: str
    text: str
    told_at: datetime
    state: str
    state_word: str
    answer: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as the house sees it; amounts in fen, None where nothing was said."""

    report_id: int
    number: str
    account_no: str
    account_id: int | None
    where_said: str
    charged_by_word: str
    text: str
    energy_kwh_e2: int | None
    paid_fen: int | None
    most_fen: int | None
    telephone: str
    told_at: datetime
    state: str
    state_word: str
    taken_by: str
    taken_by_id: int | None
    taken_at: datetime | None
    answer: str
    answered_by: str
    answered_at: datetime | None

    @property
    def too_much_fen(self) -> int:
        """What was charged beyond the most that is legal; 0 where that cannot be said."""
        return max((self.paid_fen or 0) - self.most_fen, 0) if self.most_fen is not None else 0


def report_state(token: str) -> ReportState:
    """
    The report that a token leads to.

    :raises NotFound: it is none of ours
    """
    try:
        report_id = int(Signer(salt=REPORT_SALT).unsign(token))
    except (BadSignature, ValueError) as error:
        raise NotFound(_("这个网址不对，可能抄写有误。也可以拨打 95598 报编号查询。")) from error
    row = OverchargeReport.objects.filter(pk=report_id).first()
    if row is None:
        raise NotFound(_("没有找到这件举报。"))
    return ReportState(
        number=str(row),
        where_said=row.where_said,
        text=row.text,
        told_at=row.told_at,
        state=row.state,
        state_word=_(OverchargeReport.State(row.state).label),
        answer=row.answer,
        answered_at=row.answered_at,
    )


def get_report(report_id: int) -> ReportRow:
    """
    One report.

    :raises NotFound: there is none
    """
    found = _rows(OverchargeReport.objects.filter(pk=report_id), 1)
    if not found:
        raise NotFound(_("没有找到这件举报。"))
    return found[0]


def reports_to_answer(*, limit: int) -> tuple[tuple[ReportRow, ...], int]:
    """The oldest reports that nobody has answered, and how many there are."""
    waiting = OverchargeReport.objects.exclude(state=OverchargeReport.State.ANSWERED)
    return _rows(waiting.order_by("told_at", "pk"), limit), waiting.count()


def list_reports(*, limit: int, before: int | None = None) -> tuple[ReportRow, ...]:
    """All reports, the newest first; `before` is the id to go on from."""
    rows = OverchargeReport.objects.order_by("-pk")
    return _rows(rows.filter(pk__lt=before) if before is not None else rows, limit)


def _rows(reports: QuerySet[OverchargeReport], limit: int) -> tuple[ReportRow, ...]:
    return tuple(
        ReportRow(
            report_id=row.pk,
            number=str(row),
            account_no=row.account.account_no if row.account else "",
            account_id=row.account_id,
            where_said=row.where_said,
            charged_by_word=_(OverchargeReport.ChargedBy(row.charged_by).label),
            text=row.text,
            energy_kwh_e2=row.energy_kwh_e2,
            paid_fen=row.paid_fen,
            most_fen=row.most_fen,
            telephone=row.telephone,
            told_at=row.told_at,
            state=row.state,
            state_word=_(OverchargeReport.State(row.state).label),
            taken_by=(row.taken_by.display_name or row.taken_by.username) if row.taken_by else "",
            taken_by_id=row.taken_by_id,
            taken_at=row.taken_at,
            answer=row.answer,
            answered_by=(row.answered_by.display_name or row.answered_by.username) if row.answered_by else "",
            answered_at=row.answered_at,
        )
        for row in reports.select_related("account", "taken_by", "answered_by")[:limit]
    )
