"""
Fetch what a provider says of one of its days, and keep it as a channel's file.

Nobody has to carry the file over, and nothing is compared yet: differences belong to whoever compares (`reconciling`).
"""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from config.shared.errors import NotFound, Refused
from payments.channels import CHANNELS
from payments.channels.base import BillRefused, Declined, NoAnswer, NoStatement
from payments.matching.channel_file import write_file
from payments.models import ChannelFile
from payments.operations.paybacks import ProviderSilent
from payments.operations.reconciling import FileRefused, keep_file

LOOKED_BACK_DAYS = 7
"""a provider that was silent for some days is asked for all of them"""
SURE_AFTER_DAYS = 2
"""a file that is not there so long after its day will not come: nothing was traded"""


class DayNotOver(Refused):
    """The provider still takes money on that day."""

    code = "day-not-over"


class FileNotThere(Refused):
    """The provider has no file of the day for us."""

    code = "file-not-there"


def days_to_fetch(*, at: datetime) -> list[tuple[str, date]]:
    """Channels that tell their days, with each of the last seven days of which there is no file, oldest first."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    days = [today - timedelta(days=back) for back in range(LOOKED_BACK_DAYS, 0, -1)]
    kept = set(ChannelFile.objects.filter(day__in=days).values_list("channel", "day"))
    return [(code, day) for code in fetchable() for day in days if (code, day) not in kept]


def fetchable() -> list[str]:
    """The channels whose days can be fetched here."""
    return [code for code, channel in CHANNELS.items() if channel.tells_days and channel.is_available()]


def fetch_day(*, channel: str, day: date, by_id: int | None, at: datetime) -> int:
    """
    The id of the channel's file of the day; a kept one is not asked for again.

    The provider is asked outside any transaction; two at once keep one file. `by_id` None: the clock asks. That nothing
    was traded is kept only when a person asks, two days after: a file that is late must still find its place.

    :raises NotFound: there is no such channel here, or it does not tell its days
    :raises DayNotOver: the day is today or to come
    :raises FileNotThere: the provider has no file of it, or not yet
    :raises ProviderSilent: the provider did not answer
    :raises FileRefused: what the provider sent does not add up; nothing was kept
    """
    if channel not in fetchable():
        raise NotFound(_("这个渠道不能自动取对账文件。请把渠道给的文件在下面交来。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if day >= today:
        raise DayNotOver(_("%(day)s 还没有过完，渠道次日才给出文件。请选昨天或更早的一天。") % {"day": day})
    kept = ChannelFile.objects.filter(channel=channel, day=day).values_list("pk", flat=True).first()
    if kept is not None:
        return kept
    try:
        rows = CHANNELS[channel].day_rows(day, at=at)
    except NoAnswer as error:
        raise ProviderSilent(_("渠道没有回答。请过几分钟再取。")) from error
    except NoStatement as fault:
        if by_id is None or day > today - timedelta(days=SURE_AFTER_DAYS):
            raise FileNotThere(
                _("渠道没有 %(day)s 的文件：没做好，或当天没有交易。请次日 10 点后再取；两天后还没有，按没有交易对账。")
                % {"day": day}
            ) from fault
        rows = []
    except Declined as fault:
        raise FileNotThere(
            _("渠道不给 %(day)s 的文件（%(code)s）。请和渠道核实后再取。") % {"day": day, "code": fault.code}
        ) from fault
    except BillRefused as fault:
        raise FileRefused(_("渠道给的文件前后不符，没有收下：%(why)s。请和渠道核实。") % {"why": str(fault)}) from fault
    raw = write_file(channel, day, rows)
    return keep_file(name=f"{channel}-{day:%Y%m%d}", file=io.BytesIO(raw), by_id=by_id, at=at).pk
