"""The preview over the API: the utility's own tariffs, refusals that say what is missing, nothing written."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from psycopg2.extras import DateRange

from cis.models import Bill, Tariff, TariffVersion
from config.shared.models import User
from tests.factories.world import World, small_world
from tests.unit.cis.previews.documents import asked

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/rating/preview"


@pytest.fixture
def world() -> World:
    return small_world()


def as_user(user_id: int) -> Client:
    """Signed in to the API's session."""
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


def table_counts() -> list[tuple[int, ...]]:
    """Rows written or changed in any table of ours, as the server counts them in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE relname LIKE 'cis%' ORDER BY 1"
        )
        return list(cursor.fetchall())


class TestPreview:
    def test_answers_as_the_command_does_and_writes_nothing(self, world: World) -> None:
        client = as_user(world.clerk_a_id)
        before = table_counts()

        answer = client.post(ADDRESS, asked("A09"), content_type="application/json")

        assert (answer.status_code, answer.json()["total"]) == (200, "21673.60")
        assert table_counts() == before and not Bill.objects.exists()

    def test_takes_the_version_in_force_on_the_first_day(self, world: World) -> None:
        tariff = Tariff.objects.get(code="JS-RES")
        version = TariffVersion.objects.get(tariff=tariff)
        version.valid = DateRange(version.valid.lower, date(2026, 4, 1))
        version.save()
        dearer = [rule | {"price_yuan": ["1", "2", "3"]} for rule in version.rules]
        TariffVersion.objects.create(
            tariff=tariff, valid=DateRange(date(2026, 4, 1), None), rules=dearer, source="test", confidence="test"
        )
        inputs = {"tier_year_kwh_before": "0", "billed_kwh": "100"}
        document = {"tariff_ref": "JS-RES", "customer": {"class": "residential"}, "inputs": inputs}

        totals = [
            as_user(world.clerk_a_id)
            .post(ADDRESS, {**document, "period": {"start": start, "end": end}}, content_type="application/json")
            .json()["total"]
            for start, end in (("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01"))
        ]

        assert totals == ["52.83", "100.00"]

    def test_says_what_is_missing(self, world: World) -> None:
        answer = as_user(world.clerk_a_id).post(ADDRESS, asked("A26", tariff_ref="XX"), content_type="application/json")

        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["reason"]) == (422, "cannot-be-rated", "unknown_tariff")
        assert "XX" in problem["title"]

    @pytest.mark.parametrize(
        ("body", "status", "reason"),
        [
            ('{"inputs": {"billed_kwh": "5", "billed_kwh": "500"}}', 422, "field_twice"),
            ('{"inputs": {"\\ud800": "1"}}', 422, "ill_typed"),
            ('{"inputs": {"billed_kwh": NaN}}', 422, "ill_typed"),
            ("[" * 100_000, 400, None),
            ("{", 400, None),
        ],
    )
    def test_refuses_what_it_cannot_read(self, world: World, body: str, status: int, reason: str | None) -> None:
        answer = as_user(world.clerk_a_id).post(ADDRESS, body, content_type="application/json")

        assert (answer.status_code, answer.json().get("reason")) == (status, reason)

    def test_keeps_every_digit_of_a_number(self, world: World) -> None:
        body = (
            '{"customer": {"class": "industry"}, "tariff_inline": {"energy_price": 1}, "inputs": {"billed_kwh": 1.01}}'
        )

        answer = as_user(world.clerk_a_id).post(ADDRESS, body, content_type="application/json")

        assert answer.json()["total"] == "1.01"

    def test_a_stranger_gets_nothing(self, world: World) -> None:
        assert as_user(world.stranger_id).post(ADDRESS, asked("A01"), content_type="application/json").status_code in (
            403,
            404,
        )
        assert Client().post(ADDRESS, asked("A01"), content_type="application/json").status_code in (401, 403)
