"""Which tariff a customer had when: every contract and every version of its tariff, with the days they held."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from django.test import Client
from psycopg2.extras import DateRange

from cis.models import SupplyContract, Tariff, TariffVersion
from config.shared.models import User
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

CHANGE, NEW_PRICES = date(2026, 1, 10), date(2026, 2, 1)


@pytest.fixture
def world() -> World:
    """The household changes from tiers to time of use; the time-of-use tariff gets new prices later."""
    made = small_world()
    contract = SupplyContract.objects.get(pk=made.residential.contract_id)
    start = contract.valid.lower
    contract.valid = DateRange(start, CHANGE)
    contract.save()
    tou = Tariff.objects.get(code="JS-RES-TOU")
    SupplyContract.objects.create(
        account_id=contract.account_id,
        tariff=tou,
        price_class=contract.price_class,
        voltage=contract.voltage,
        capacity_kva=8,
        valid=DateRange(CHANGE, None),
    )
    version = TariffVersion.objects.get(tariff=tou, valid__contains=NEW_PRICES)
    version.valid = DateRange(version.valid.lower, NEW_PRICES)
    version.save()
    TariffVersion.objects.create(
        tariff=tou,
        valid=DateRange(NEW_PRICES, None),
        rules=version.rules,
        windows=version.windows,
        source="调价通知〔2026〕1号",
        confidence=version.confidence,
    )
    return made


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.acceptance("000-19")
class TestTariffHistory:
    def test_is_exported_by_contract_and_version_without_gap_or_overlap(self, world: World) -> None:
        number = world.residential.account_no

        answer = signed_in("accountant").get(f"/console/data/tariffs.csv?account_no={number}")

        rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
        start = SupplyContract.objects.get(pk=world.residential.contract_id).valid.lower
        assert start is not None
        assert [(row["tariff_code"], row["starts_on"], row["ends_on"]) for row in rows] == [
            ("HB-RES", start.isoformat(), "2026-01-10"),
            ("JS-RES-TOU", "2026-01-10", "2026-02-01"),
            ("JS-RES-TOU", "2026-02-01", ""),
        ]
        assert rows[2]["source"] == "调价通知〔2026〕1号" != rows[1]["source"]

    def test_is_browsed_in_the_catalogue(self, world: World) -> None:
        page = signed_in("accountant").get(f"/console/data/tariffs/?account_no={world.residential.account_no}")

        body = page.content.decode().split("<tbody>")[1].split("</tbody>")[0]
        assert body.count("<tr>") == 3 and "调价通知〔2026〕1号" in body and "2026-01-10" in body

    def test_stands_on_the_360(self, world: World) -> None:
        page = signed_in("clerk_b").get(f"/console/accounts/{world.residential.account_no}/?plain=1").content.decode()

        section = page[page.index("合同与电价变更</h2>") : page.index("疑问和校表</h2>")]
        text = re.sub(r"<[^>]+>", "", section)
        assert "HB-RES" in text and "JS-RES-TOU" in text
        assert "2026-01-10 – 2026-02-01" in text and "2026-02-01 – 至今" in text

    def test_is_in_the_catalogue_for_those_who_may_export_only(self, world: World) -> None:
        address = f"/console/data/tariffs.csv?account_no={world.residential.account_no}"

        assert signed_in("stranger").get(address).status_code == 403
        assert "用户历次电价" in signed_in("accountant").get("/console/data/").content.decode()
