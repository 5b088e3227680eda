"""
People read a meter, customers their own, staff on the spot: the same checks as a batch, and an answer at once.

What is plausible is stored as read by the customer. What is not comes back with the reason; once the customer has
looked again and stands by it, it is stored as doubtful, and a person decides before it is billed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import ReadingDoubt, ReadingReject
from cis.models.metering import Reading
from cis.operations.reading_imports import FileUnusable, import_readings
from cis.operations.reading_photos import Photo, keep_photo
from cis.queries.own_meters import OwnMeter, own_meters
from cis.validation import DOUBTS, Doubt, doubts_in
from config.shared.display_formats import format_register
from config.shared.errors import NotFound, Refused


class SelfReadingRefused(Refused):
    """The reading cannot be stored: one of this day is there already, or the meter's record does not fit."""

    code: ClassVar[str] = "self-reading-refused"
    status: ClassVar[int] = 422


class ValueMissing(Refused):
    """A register of the meter has no value."""

    code: ClassVar[str] = "value-missing"
    status: ClassVar[int] = 422


class NotPlausible(Refused):
    """The checks doubt what was read; nothing is stored until the customer has confirmed it."""

    code: ClassVar[str] = "not-plausible"
    status: ClassVar[int] = 422


@dataclass(frozen=True)
class SelfReading:
    """What became of it: energy since the reading before (10^-2 kWh) where it is accepted, else it waits."""

    read_on: date
    is_accepted: bool
    energy_kwh_e2: int | None


def report_reading(
    *,
    account_id: int,
    installation_id: int,
    values_e4: Mapping[int, int],
    is_confirmed: bool,
    reported_by_id: int,
    at: datetime,
    photo: Photo | None = None,
    by_staff: bool = False,
) -> SelfReading:
    """
    Take in what somebody read today, register by register (10^-4 of a unit), with a photograph where they took one.

    What staff read is a reading on the spot, with a photograph one by photo; a customer's is their own either way.

    :raises NotFound: the account has no such meter
    :raises NotPlausible: the checks doubt it and the customer has not confirmed it; nothing was stored
    :raises SelfReadingRefused: a reading of today is stored already, or this one cannot be
    :raises ValueMissing: a register of the meter has no value
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    meters = own_meters(account_id=account_id, day=today)
    meter = next((one for one in meters if one.installation_id == installation_id), None)
    if meter is None:
        raise NotFound(_("您的户号下没有这只电能表。"))
    missing = [one.name for one in meter.registers if one.register not in values_e4]
    if missing:
        raise ValueMissing(_("请把表上的每个示数都填上：%(names)s。") % {"names": "、".join(missing)})
    if Reading.objects.filter(installation_id=installation_id, read_on=today).exists():
        raise SelfReadingRefused(_("这只表今天已经有示数了，明天可以再报。"))
    with transaction.atomic():
        try:
            result = import_readings(
                stream=io.BytesIO(_file(meter, values_e4, today, _source(photo, by_staff=by_staff))),
                file_name=f"{_source(photo, by_staff=by_staff)}-{meter.meter_no}-{today}.csv",
                all_or_nothing=False,
                created_by_id=reported_by_id,
                at=at,
            )
        except FileUnusable as fault:
            raise SelfReadingRefused(_("示数写法不对，请只填数字。")) from fault
        rejected = ReadingReject.objects.filter(reading_import_id=result.import_id).first()
        if rejected is not None:
            raise SelfReadingRefused(rejected.reason)
        if photo is not None:
            keep_photo(photo, installation_id=installation_id, read_on=today, taken_by_id=reported_by_id, at=at)
        doubts = list(
            ReadingDoubt.objects.filter(
                subject=ReadingDoubt.Subject.REGISTER,
                installation_id=installation_id,
                read_on=today,
                resolved_at=None,
            ).order_by("register")
        )
        if doubts and not is_confirmed:
            raise NotPlausible(_in_words(doubts), doubts=sorted({_code(one) for one in _all(doubts)}))
        if doubts:
            return SelfReading(today, is_accepted=False, energy_kwh_e2=None)
        total = Reading.objects.filter(installation_id=installation_id, read_on=today).order_by("register")[0]
    return SelfReading(today, is_accepted=True, energy_kwh_e2=total.advance_kwh_e2 if total.days > 0 else None)


def _source(photo: Photo | None, *, by_staff: bool) -> str:
    if not by_staff:
        return "self"
    return "manual" if photo is None else "photo"


def _file(meter: OwnMeter, values_e4: Mapping[int, int], day: date, source: str) -> bytes:
    """The readings as a file of one meter, as a collection system would send it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["meter_no", "register", "read_on", "value", "source"])
    for one in meter.registers:
        whole, rest = divmod(values_e4[one.register], 10_000)
        writer.writerow([meter.meter_no, one.code, day.isoformat(), f"{whole}.{rest:04d}", source])
    return out.getvalue().encode()


def _all(doubts: list[ReadingDoubt]) -> set[Doubt]:
    return {found for doubt in doubts for found in doubts_in(doubt.doubts)}


def _code(doubt: Doubt) -> str:
    return DOUBTS[doubt].code


def _in_words(doubts: list[ReadingDoubt]) -> str:
    """What the customer should look at again; no word of tampering, which is a matter of inspection."""
    facts: dict[str, Any] = doubts[0].facts
    found = _all(doubts)
    if found & {Doubt.NEGATIVE, Doubt.ROLLOVER_IMPLAUSIBLE, Doubt.BACKWARD_ROLLOVER} and facts.get("previous_e4"):
        return _("比上次的示数 %(previous)s 还小。请再看一次表上的数字。") % {
            "previous": format_register(facts["previous_e4"])
        }
    if Doubt.REGISTERS_DISAGREE in found:
        return _("各时段示数加起来和总示数对不上。请再核对每一个数。")
    if found & {Doubt.OUT_OF_RANGE, Doubt.OVERFLOW, Doubt.OVER_CAPACITY, Doubt.SUDDEN_RISE}:
        return _("比平时用得多很多。请再看一次表上的数字，注意小数点。")
    if found & {Doubt.ZERO, Doubt.SUDDEN_FALL}:
        return _("比平时用得少很多。请再看一次表上的数字。")
    return _("和以往的示数对不上。请再看一次表上的数字。")
