"""The demonstration's use after the bill: limits, a test of a meter, late readings, a photo, a pause, plants by day."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

from django.db import transaction
from PIL import Image, ImageDraw, ImageFont
from psycopg2.extras import DateRange

from cis.demo.sunshine import made_wh
from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillDispute,
    CapacityPause,
    IntervalDay,
    LateReading,
    Meter,
    MeteringPoint,
    MeterInstallation,
    PortalAccess,
    Reading,
    ReadingPhoto,
    SupplyContract,
    UseLimit,
)
from cis.operations import disputes, generation, reading_photos, use_limits
from cis.operations.capacity_pauses import agree_pause
from cis.operations.demo_market import PLACES
from cis.operations.demo_works import ACCOUNT_NO as WORKS_NO
from cis.operations.reading_imports import import_readings
from cis.operations.self_readings import report_reading
from cis.rating import Register
from config.shared.models import User

_PLANT_DAYS = 30
_KWH = 10_000


def load(*, today: date, at: datetime) -> None:
    """One of each, of accounts that nothing else of the demonstration tells of. Repeated, nothing is added."""
    people = dict(User.objects.filter(username__in=("accountant", "clerk1")).values_list("username", "pk"))
    newest = Bill.objects.order_by("-cycle").values_list("cycle", flat=True).first()
    if len(people) < 2 or newest is None:
        return
    homes = list(
        Bill.objects.filter(cycle=newest, open_fen=0, price_class=SupplyContract.PriceClass.RESIDENTIAL)
        .order_by("account_id")
        .values_list("account_id", flat=True)[210:216]
    )
    reads = [
        one
        for one in Reading.objects.filter(account_id__in=homes, cycle=newest, register=Register.TOTAL).order_by(
            "account_id"
        )
        if one.state == Reading.State.ACCEPTED
    ]
    if len(reads) >= 4:
        _homes(reads, people, at)
    if not CapacityPause.objects.exists():
        _pause(today)
    _plants(today, at)


def _homes(reads: list[Reading], people: dict[str, int], at: datetime) -> None:
    if not LateReading.objects.exists():
        _late(reads[:2], by_id=people["accountant"], at=at)
    if not BillDispute.objects.filter(kind=BillDispute.Kind.METER_TEST).exists():
        disputes.open_question(
            kind=BillDispute.Kind.METER_TEST,
            account_id=reads[2].account_id,
            installation_id=reads[2].installation_id,
            reason="全家外出半个月，表还走了一百多度，请校验电能表。",
            channel=BillDispute.Channel.COUNTER,
            opened_by_id=people["clerk1"],
            at=at,
        )
    if not ReadingPhoto.objects.exists():
        _photo(reads[3], by_id=people["clerk1"], at=at)
    if not UseLimit.objects.exists():
        _limits(reads[1].account_id, by_id=people["accountant"], at=at)


def _late(reads: list[Reading], *, by_id: int, at: datetime) -> None:
    """A file that says something else than what was billed: a little more, and much less than can be."""
    lines = ["meter_no,register,read_on,value"]
    of_meter = dict(
        MeterInstallation.objects.filter(pk__in=[one.installation_id for one in reads]).values_list(
            "pk", "meter__meter_no"
        )
    )
    for one, units in zip(reads, (12, -900), strict=False):
        value = max(0, one.value_e4 + units * _KWH)
        lines.append(f"{of_meter[one.installation_id]},total,{one.read_on},{value // _KWH}.{value % _KWH:04d}")
    import_readings(
        stream=io.BytesIO("\n".join([*lines, ""]).encode()), file_name="补抄示数.csv", all_or_nothing=False,
        created_by_id=by_id, at=at,
    )  # fmt: skip


def _photo(read: Reading, *, by_id: int, at: datetime) -> None:
    value_e4 = read.value_e4 + 96 * _KWH
    report_reading(
        account_id=read.account_id,
        installation_id=read.installation_id,
        values_e4={Register.TOTAL: value_e4},
        is_confirmed=True,
        reported_by_id=by_id,
        at=at,
        photo=reading_photos.make_ready(_face(f"{value_e4 // _KWH:06d}.{value_e4 % _KWH // 100:02d}")),
        by_staff=True,
    )


def _face(shown: str) -> io.BytesIO:
    """The face of a meter, drawn."""
    image = Image.new("RGB", (960, 640), (222, 226, 222))
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 60, 880, 580), outline=(90, 100, 95), width=6)
    pen.rectangle((160, 180, 800, 340), fill=(176, 196, 168), outline=(60, 70, 65), width=4)
    pen.text((210, 196), shown, fill=(24, 34, 28), font=ImageFont.load_default(size=112))
    pen.text((690, 380), "kWh", fill=(24, 34, 28), font=ImageFont.load_default(size=48))
    face = io.BytesIO()
    image.save(face, "PNG")
    face.seek(0)
    return face


def _limits(account_id: int, *, by_id: int, at: datetime) -> None:
    """One that the portal's first person set for themselves, one of the utility; the morning's look at both."""
    owner = PortalAccess.objects.filter(role=PortalAccess.Role.OWNER, ended_at=None).order_by("account_id").first()
    measure = UseLimit.Measure
    with transaction.atomic():
        if owner is not None and owner.user_id is not None:
            use_limits.set_limit(
                account_id=owner.account_id, measure=measure.KWH, amount=260_00, warn_percent=80, by_id=owner.user_id,
                by_utility=False, at=at,
            )  # fmt: skip
        use_limits.set_limit(
            account_id=account_id, measure=measure.YUAN, amount=150_00, warn_percent=80, by_id=by_id, by_utility=True,
            reason="租赁户，担保限额内用电", at=at,
        )  # fmt: skip
    use_limits.watch(at=at)


def _pause(today: date) -> None:
    """The works seal a part of their transformers over the quiet weeks."""
    works = Account.objects.filter(account_no=WORKS_NO).first()
    if works is not None:
        agree_pause(
            account_id=works.pk,
            kind=CapacityPause.Kind.SUSPENSION,
            off_kva=400,
            on_kva=0,
            is_new_install=False,
            from_on=today,
            until=today + timedelta(days=45),
            source="示范：暂停用电申请",
        )


def _plants(today: date, at: datetime) -> None:
    """A month of quarter-hours of the shops' plants: yesterday one made nothing, and one more than it can."""
    plants = [place for place in PLACES if place.fed_in][:2]
    accounts = Account.objects.in_bulk([place.account_no for place in plants], field_name="account_no")
    yesterday = today - timedelta(days=1)
    for number, place in enumerate(plants):
        meter_no = f"{place.account_no}901"
        account = accounts.get(place.account_no)
        if account is None or Meter.objects.filter(meter_no=meter_no).exists():
            continue
        own = AccountPoint.objects.get(account=account, valid__contains=today)
        with transaction.atomic():
            point = MeteringPoint.objects.create(
                point_no=f"G{place.account_no}",
                premise_id=account.premise_id,
            )
            MeterInstallation.objects.create(
                meter=Meter.objects.create(meter_no=meter_no), point=point,
                valid=DateRange(today - timedelta(days=_PLANT_DAYS), None),
            )  # fmt: skip
            generation.set_generation_meter(account_id=account.pk, meter_no=meter_no, today=today)
            IntervalDay.objects.bulk_create(
                IntervalDay(
                    point_id=point_id, register=register, day=day, energy_wh=energy, missing_slots=0,
                    state=IntervalDay.State.ACCEPTED,
                )
                for day in (today - timedelta(days=back) for back in range(_PLANT_DAYS, 0, -1))
                for point_id, register, energy in _of_day(point.pk, own.point_id, day, yesterday, number)
            )  # fmt: skip
    generation.watch(day=yesterday, at=at)


def _of_day(
    gross_point: int, own_point: int, day: date, yesterday: date, number: int
) -> list[tuple[int, int, list[int]]]:
    gross = made_wh(day.toordinal() + number * 7, peak_w=88_000 if number or day != yesterday else 0)
    if number and day == yesterday:
        gross[50] = 150_000 // 4
    fed_in = [max(0, wh - 11_000) for wh in gross]
    return [(gross_point, int(Register.TOTAL), gross), (own_point, int(Register.EXPORT_TOTAL), fed_in)]
