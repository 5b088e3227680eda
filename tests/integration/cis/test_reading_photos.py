"""However a meter is read, its reading carries source, quality and who; photographs stand beside it; bills say so."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image

from cis.models import Bill, IntervalDay, MeteringPoint, Reading, ReadingDoubt, ReadingPhoto
from cis.models.metering import ReadingSource
from cis.operations.billing import issue_bill_now
from cis.operations.reading_photos import UnusablePhoto, let_go, make_ready
from cis.operations.self_readings import report_reading
from cis.queries import customers
from cis.queries.billing import get_bill
from config.shared import files
from config.shared.models import User
from tests.factories.metering import HEADER, register_file, send
from tests.factories.pictures import drawing, photo
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db
MARCH = datetime.fromisoformat("2026-03-01T09:00+08:00")


@pytest.fixture
def world(settings: Any, tmp_path: Any) -> World:
    settings.MEDIA_ROOT, settings.BILL_HOLDS = tmp_path, {}
    return small_world()


def report(world: World, who: AccountIds, value: int, by_id: int, **more: Any) -> None:
    told: dict[str, Any] = {"is_confirmed": True, "at": MARCH, **more}
    report_reading(
        account_id=who.account_id, installation_id=who.installation_id, values_e4={1: value * 10_000},
        reported_by_id=by_id, **told,
    )  # fmt: skip


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(who: AccountIds) -> customers.ReadingRow:
    """The newest reading as the customer's page shows it."""
    return customers.get_meters(who.account_id, today=MARCH.date()).readings[0]


class TestEachReading:
    @pytest.mark.acceptance("F7")
    def test_carries_source_quality_and_actor_however_it_came_and_bills_say_estimated(self, world: World) -> None:
        home, clerk = world.residential, world.clerk_a_id
        taken: list[tuple[str, str, str, int]] = []

        def look() -> None:
            row = shown(home)
            assert row.read_on == MARCH.date()
            taken.append((row.source, row.quality, row.actor, len(row.photos)))
            Reading.objects.filter(installation_id=home.installation_id, read_on=MARCH.date()).delete()
            ReadingDoubt.objects.all().delete()

        report(world, home, 1760, clerk, by_staff=True)
        look()
        report(world, home, 1760, clerk, by_staff=True, photo=make_ready(photo()))
        look()
        report(world, home, 1760, world.portal_user_id)
        look()
        for source in ("remote", "estimated"):
            rows = register_file([[home.meter_no, "total", "2026-03-01", 1760, source]], header=f"{HEADER},source")
            send(rows, at=MARCH, by=world.auditor_id)
            look()

        assert taken == [
            ("现场抄录", "实测值", "陈静", 0),
            ("拍照抄录", "实测值", "陈静", 1),
            ("客户自报", "实测值", "portal", 1),
            ("远程采集", "实测值", "周抄核", 1),
            ("估算", "估算值", "周抄核", 1),
        ]
        # An estimate on the bill: the page, the paper, the portal and the interface say so.
        Reading.objects.filter(installation_id=home.installation_id, cycle=world.cycle).update(
            source=ReadingSource.ESTIMATED
        )
        bill = Bill.objects.get(
            pk=issue_bill_now(account_id=home.account_id, cycle=world.cycle, issued_by_id=None, at=world.at)
        )
        staff, mine = signed_in(world.accountant_id), signed_in(world.portal_user_id)
        for browser, name in ((staff, "cis:bill"), (staff, "cis:bill_print"), (mine, "cis:portal_bill")):
            assert "含估算" in browser.get(reverse(name, args=[str(bill)])).content.decode(), name
        assert staff.get(reverse("api_bill", args=[str(bill)])).json()["is_estimated"] is True

    def test_bill_from_a_curve_with_an_estimated_quarter_hour_says_so(self, world: World) -> None:
        home = world.residential
        MeteringPoint.objects.filter(pk=home.point_id).update(basis="curve")
        first, days = date(2026, 1, 1), 31
        with connection.cursor() as cursor:
            cursor.execute("SELECT cis_make_interval_partitions('2026-01-01', '2026-02-01')")
        for number in range(days):
            IntervalDay.objects.create(point_id=home.point_id, day=first + timedelta(days=number), energy_wh=[50] * 96)
        IntervalDay.objects.filter(day=date(2026, 1, 9)).update(quality=[1] * 95 + [2])

        bill_id = issue_bill_now(account_id=home.account_id, cycle=202601, issued_by_id=None, at=world.at)

        page = get_bill(str(Bill.objects.get(pk=bill_id)))
        assert [row.is_estimated for row in page.usage] == [True]
        assert page.bill.is_estimated


class TestPhotograph:
    def test_is_kept_without_place_and_device_under_its_digest(self, world: World) -> None:
        sent = photo(drawing((4000, 3000)), orientation=6)
        assert b"TELEPHONE" in sent.getvalue()

        report(world, world.residential, 1760, world.clerk_a_id, by_staff=True, photo=make_ready(sent))

        kept = ReadingPhoto.objects.get()
        content = files.open_kept(kept.key).read()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (kept.sha256, kept.size)
        assert (kept.taken_by_id, kept.read_on) == (world.clerk_a_id, MARCH.date())
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (1200, 1600)
            assert not image.getexif() and b"TELEPHONE" not in content
        with pytest.raises(DatabaseError), transaction.atomic():
            ReadingPhoto.objects.update(sha256="0" * 64)

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (io.BytesIO(b"%PDF-1.7"), "kind"),
            (photo(drawing((100, 900))), "small"),
            (io.BytesIO(photo().getvalue()[:2000]), "broken"),
            (io.BytesIO(b"\xff" * (10 * 1024 * 1024 + 1)), "heavy"),
        ],
    )
    def test_that_cannot_be_used_is_refused_with_a_way_on(self, sent: io.BytesIO, reason: str) -> None:
        with pytest.raises(UnusablePhoto) as refused:
            make_ready(sent)
        assert refused.value.facts["reason"] == reason

    def test_stands_beside_the_value_for_whoever_judges_it(self, world: World) -> None:
        home, mine = world.residential, signed_in(world.portal_user_id)
        now = datetime.now(tz=UTC)
        prefix = f"m{home.installation_id}-"
        sent = SimpleUploadedFile("m.jpg", photo().getvalue(), content_type="image/jpeg")
        typed = {
            "installation": home.installation_id, f"{prefix}total": "90000", f"{prefix}confirmed": "on",
            f"{prefix}photo": sent,
        }  # fmt: skip
        assert mine.post(reverse("cis:portal_reading"), typed).status_code == 302
        kept, doubt = ReadingPhoto.objects.get(), ReadingDoubt.objects.get(resolved_at=None)

        page = signed_in(world.auditor_id).get(reverse("cis:reading_doubt", args=[doubt.pk])).content.decode()

        address = reverse("cis:reading_photo", args=[kept.pk])
        assert f'src="{address}"' in page and kept.sha256 in page
        assert signed_in(world.clerk_b_id).get(address)["Content-Type"] == "image/jpeg"
        own = reverse("cis:portal_reading_photo", args=[kept.pk])
        assert mine.get(own).status_code == 200
        stranger = User.objects.create_user("other_customer", kind=User.Kind.CUSTOMER)
        assert signed_in(stranger.pk).get(own).status_code in (403, 404)
        assert signed_in(world.stranger_id).get(address).status_code in (403, 404)
        # While the doubt waits the photograph stays; afterwards it goes when its time is over.
        later = now + timedelta(days=2_000)
        assert let_go(at=later) == 0
        ReadingDoubt.objects.update(resolved_at=now, resolution="accepted", reason="照片清楚")
        assert let_go(at=later) == 1
        assert not ReadingPhoto.objects.exists()

    def test_changed_on_disk_is_not_shown(self, world: World) -> None:
        report(world, world.residential, 1760, world.clerk_a_id, by_staff=True, photo=make_ready(photo()))
        kept = ReadingPhoto.objects.get()
        files.delete(kept.key)

        assert signed_in(world.clerk_a_id).get(reverse("cis:reading_photo", args=[kept.pk])).status_code == 404

    def test_counter_reads_on_the_spot(self, world: World) -> None:
        home = world.residential
        prefix = f"m{home.installation_id}-"
        sent = SimpleUploadedFile("m.jpg", photo().getvalue(), content_type="image/jpeg")
        typed = {
            "installation": home.installation_id, f"{prefix}total": "90000", f"{prefix}confirmed": "on",
            f"{prefix}photo": sent,
        }  # fmt: skip
        address = reverse("cis:reading_take", args=[home.account_no])

        assert signed_in(world.clerk_a_id).post(address, typed).status_code == 302

        stored = Reading.objects.filter(installation_id=home.installation_id).latest("read_on")
        assert stored.source == ReadingSource.PHOTO
        assert ReadingPhoto.objects.get().taken_by_id == world.clerk_a_id
