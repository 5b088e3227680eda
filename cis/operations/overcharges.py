"""Reports of an overcharge: taken from anybody, taken up by somebody, answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import Signer
from django.db import transaction
from django.utils.translation import gettext as _

from cis.messages import OVERCHARGE_ANSWERED
from cis.models import Account, OverchargeReport
from cis.queries.overcharges import REPORT_SALT
from cis.queries.price_check import check_price
from config.shared import messaging
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.personal_data import blind_index

MAX_TEXT = 1000
_A_DAY = timedelta(days=1)


class SaysNothing(BadInput):
    """A text is empty or too long."""

    code = "overcharge-says-nothing"


class TooManyReports(Refused):
    """One network address has reported so often today that we ask for a call."""

    code = "too-many-overcharge-reports"
    status = 429


class AlreadyAnswered(Refused):
    """Somebody has answered it."""

    code = "overcharge-already-answered"


class AlreadyTakenUp(Refused):
    """Somebody else works on it."""

    code = "overcharge-already-taken-up"


@dataclass(frozen=True, slots=True)
class Taken:
    """What whoever reported takes along: the number, and what leads back to their report."""

    number: str
    token: str


def report_overcharge(
    *,
    where: str,
    charged_by: str,
    text: str,
    energy_kwh_e2: int | None,
    paid_fen: int | None,
    telephone: str,
    language: str,
    form_key: str,
    asked_from: str,
    at: datetime,
) -> Taken:
    """
    Take a report by anybody; the same form sent twice is one report.

    `where` is an address or an account number. Energy in 0.01 kWh.

    :raises SaysNothing: no place or no text, or one too long
    :raises TooManyReports: this network address has reported too often
    """
    place, said = where.strip(), text.strip()
    if not place or len(place) > MAX_TEXT or charged_by not in OverchargeReport.ChargedBy.values:
        detail = _("请写下地址，例如「桂苑小区 3 栋 501」，或者户号。")
        raise SaysNothing(detail, errors=[{"pointer": "/where", "detail": detail}])
    if not said or len(said) > MAX_TEXT:
        detail = _("请写下怎么收的，例如「每度收 1.5 元，每月微信转给房东」，不超过 1000 个字。")
        raise SaysNothing(detail, errors=[{"pointer": "/text", "detail": detail}])
    asker = blind_index(asked_from)
    with transaction.atomic():
        known = OverchargeReport.objects.filter(form_key=form_key[:64]).first()
        if known is None:
            today = OverchargeReport.objects.filter(asked_from=asker, told_at__gt=at - _A_DAY).count()
            if today >= settings.OVERCHARGE_REPORTS_A_DAY:
                raise TooManyReports(
                    _("今天从这个网络提交的举报太多了。写下的内容还在，请明天再提交，或拨打 %(line)s。")
                    % {"line": settings.SUPERVISION_LINE}
                )
            known, _is_new = OverchargeReport.objects.get_or_create(
                form_key=form_key[:64],
                defaults={
                    "account": Account.objects.filter(account_no=place).first() if place.isdecimal() else None,
                    "where_said": place,
                    "charged_by": charged_by,
                    "text": said,
                    "energy_kwh_e2": energy_kwh_e2,
                    "paid_fen": paid_fen,
                    "most_fen": _most_fen(place, energy_kwh_e2, at),
                    "telephone": telephone.strip(),
                    "language": language[:8],
                    "asked_from": asker,
                    "told_at": at,
                },
            )
    return Taken(str(known), Signer(salt=REPORT_SALT).sign(str(known.pk)))


def _most_fen(place: str, energy_kwh_e2: int | None, at: datetime) -> int | None:
    """The most that the energy may cost under any tariff that may apply there; None where it cannot be said."""
    if not energy_kwh_e2:
        return None
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    checked = check_price(where=place, energy_kwh_e2=energy_kwh_e2, today=today)
    return max((one.legal.most_fen for one in checked.tariffs if one.legal is not None), default=None)


def take_up(*, report_id: int, taken_by_id: int, at: datetime) -> None:
    """
    Begin to look into a report; by the same person twice it is one act.

    :raises AlreadyTakenUp: somebody else works on it
    :raises AlreadyAnswered: it was answered
    :raises NotFound: there is no such report
    """
    with transaction.atomic():
        report = _locked(report_id)
        if report.state == OverchargeReport.State.ANSWERED:
            raise AlreadyAnswered(_("这件举报已经答复过了。"))
        if report.state == OverchargeReport.State.TAKEN_UP:
            if report.taken_by_id != taken_by_id:
                raise AlreadyTakenUp(_("这件举报已有人在核实，请先联系那位同事。"))
            return
        report.state = OverchargeReport.State.TAKEN_UP
        report.taken_by_id, report.taken_at = taken_by_id, at
        report.save(update_fields=["state", "taken_by", "taken_at"])


def answer_report(*, report_id: int, text: str, answered_by_id: int, at: datetime) -> None:
    """
    Close a report with what was found; whoever left a telephone is told by message.

    :raises SaysNothing: the answer is empty or too long
    :raises AlreadyAnswered: it was answered before
    :raises NotFound: there is no such report
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写下核实的结果和下一步，举报人会看到，不超过 1000 个字。")
        raise SaysNothing(detail, errors=[{"pointer": "/answer", "detail": detail}])
    with transaction.atomic():
        report = _locked(report_id)
        if report.state == OverchargeReport.State.ANSWERED:
            raise AlreadyAnswered(_("这件举报已经答复过了。"))
        if report.taken_by_id is None:
            report.taken_by_id, report.taken_at = answered_by_id, at
        report.state, report.answer = OverchargeReport.State.ANSWERED, said
        report.answered_by_id, report.answered_at = answered_by_id, at
        report.save(update_fields=["state", "taken_by", "taken_at", "answer", "answered_by", "answered_at"])
        to = messaging.Recipient(phone=report.telephone, language=report.language)
        if report.telephone and messaging.can_reach(template=OVERCHARGE_ANSWERED.code, to=to):
            messaging.send(
                template=OVERCHARGE_ANSWERED.code,
                to=to,
                parameters={"number": str(report)},
                dedupe_key=f"overcharge:{report.pk}",
                at=at,
            )


def _locked(report_id: int) -> OverchargeReport:
    report = OverchargeReport.objects.select_for_update().filter(pk=report_id).first()
    if report is None:
        raise NotFound(_("没有找到这件举报。"))
    return report
