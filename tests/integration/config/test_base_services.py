"""The first layer of the house: identity, organisation, data access, logs, message queue, calendar, files."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import numpy as np
import pytest
from django.db import connection, transaction

from config.shared import events, files, logs
from config.shared.bulk_copy import copy_in, days_of, read_columns
from config.shared.calendar import add_working_days, calendar_day
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.permissions import may, scope_of

pytestmark = [pytest.mark.django_db, pytest.mark.acceptance("000-42")]


@dataclass(frozen=True)
class SomethingHappened(events.Event):
    """An event of this test's own."""

    name: ClassVar[str] = "tests.something-happened"
    key_field: ClassVar[str] = "number"

    number: int


class TestIdentityAndOrganisation:
    def test_a_role_held_for_a_unit_holds_below_it_and_nowhere_else(self):
        top = OrgUnit.objects.create(kind="province", code="P", name="省", path="/p/")
        county = OrgUnit.objects.create(parent=top, kind="county", code="C", name="县", path="/p/c/")
        user = User.objects.create_user("somebody", password="a-long-password", org_unit=county)
        role = Role.objects.create(code="r", name="r", permissions=["cis.run_billing"])
        RoleGrant.objects.create(user=user, role=role, org_unit=county)

        assert may(user, "cis.run_billing") and not may(user, "cis.close_day")
        assert scope_of(user, "cis.run_billing") == ["/p/c/"]


class TestDataAccess:
    def test_columns_go_to_the_database_and_come_back(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE base_services (id bigint, day date)")
            copy_in(
                cursor,
                "base_services",
                {"id": ("int8", np.arange(3)), "day": ("date", days_of(date(2026, 1, 2)))},
            )
            back = read_columns(
                cursor, "SELECT id, day FROM base_services ORDER BY id", [], {"id": "int8", "day": "date"}
            )

        assert back["id"].tolist() == [0, 1, 2]
        assert set(back["day"].tolist()) == {days_of(date(2026, 1, 2))}


class TestLogs:
    def test_a_line_is_one_json_object_with_the_request_it_belongs_to(self):
        token = logs.request_id.set("request-1")
        record = logging.makeLogRecord({"msg": "shard done", "levelname": "INFO", "shard": 7})
        line = json.loads(logs.JsonFormatter().format(record))
        logs.request_id.reset(token)

        assert (line["message"], line["request_id"], line["shard"]) == ("shard done", "request-1", 7)


class TestMessageQueue:
    def test_a_fact_published_in_a_transaction_reaches_its_handler(self, monkeypatch: pytest.MonkeyPatch):
        seen: list[int] = []
        handler = (SomethingHappened, lambda event: seen.append(event.number))
        monkeypatch.setitem(events.HANDLERS, "tests.see", handler)

        with transaction.atomic():
            events.publish(SomethingHappened(number=5))
        events.deliver_waiting(now=datetime(2100, 1, 1, tzinfo=UTC))

        assert seen == [5]


class TestCalendar:
    def test_knows_holidays_and_the_weekends_worked_in_exchange(self):
        assert calendar_day(date(2025, 1, 28)).holiday == "Spring Festival"
        assert not calendar_day(date(2025, 1, 28)).is_workday
        assert calendar_day(date(2025, 1, 26)).is_workday, "a Sunday worked in exchange"
        assert calendar_day(date(2025, 1, 26)).holiday == ""
        assert calendar_day(date(2025, 1, 26)).arrangement == "Spring Festival"

    @pytest.mark.acceptance("F179")
    def test_knows_the_lunar_holidays_of_years_that_nobody_has_published(self):
        # 2033 is the year whose leap month many tables had wrong.
        lunar = {
            "Spring Festival": [date(2028, 1, 26), date(2033, 1, 31), date(2050, 1, 23)],
            "Dragon Boat Festival": [date(2028, 5, 28), date(2033, 6, 1), date(2050, 6, 23)],
            "Mid-autumn Festival": [date(2028, 10, 3), date(2033, 9, 8), date(2050, 9, 30)],
            "Tomb-sweeping Day": [date(2028, 4, 4), date(2033, 4, 4), date(2050, 4, 4)],
        }

        for name, days in lunar.items():
            for day in days:
                entry = calendar_day(day)
                assert (entry.festival, entry.is_workday, entry.is_published) == (name, False, False)
        assert not calendar_day(date(2028, 1, 27)).is_workday, "the Spring Festival's second day"
        assert not calendar_day(date(2105, 10, 1)).is_workday, "beyond every table the fixed days stand"
        assert calendar_day(date(2028, 1, 29)).holiday == "", "a weekend that nobody has said is worked"

    def test_tells_the_festival_itself_from_the_days_off_around_it(self):
        holiday = [date(2013, 4, 29) + timedelta(days=n) for n in range(3)]

        assert [calendar_day(day).holiday for day in holiday] == ["Labour Day"] * 3
        assert [calendar_day(day).festival for day in holiday] == ["", "", "Labour Day"]

    @pytest.mark.acceptance("F179")
    def test_working_days_pass_over_the_festival(self):
        assert add_working_days(date(2025, 1, 27), 1) == date(2025, 2, 5)


class TestFiles:
    def test_a_file_is_kept_as_it_came_and_once(self, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        first = files.keep(io.BytesIO("表号,示数\n".encode()), folder="readings")
        again = files.keep(io.BytesIO("表号,示数\n".encode()), folder="readings")

        assert first == again
        with files.open_kept(first) as kept:
            assert kept.read().decode() == "表号,示数\n"
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
