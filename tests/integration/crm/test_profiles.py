"""Profiles: every account its tags, in shards that may be killed, at a fixed number of statements."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from psycopg2.extensions import cursor as PlainCursor

from cis.models import IntervalDay, ReadingRoute, TransformerDistrict
from cis.operations import contracts
from config.shared import events, jobs
from config.shared.models import Job, JobShard, OrgUnit
from crm.models import AccountTag, Profile, ProfileRun
from crm.operations import profiles, tags
from crm.queries.profiles import get_profile
from crm.tagging import TAGS
from tests.factories import bills
from tests.factories.metering import make_curve_accounts
from tests.factories.world import RESIDENTIAL_TARIFF, World, small_world

AT = datetime.fromisoformat("2026-03-10T02:10+08:00")
TODAY = AT.date()


@dataclass
class Counted:
    """Statements of every kind, COPY included."""

    statements: int = 0


@contextmanager
def counted() -> Iterator[Counted]:
    """Count what goes to the database, also what Django's own log does not see."""
    seen = Counted()

    class Counting(PlainCursor):
        def execute(self, *arguments: Any) -> None:
            seen.statements += 1
            super().execute(*arguments)

        def copy_expert(self, *arguments: Any, **named: Any) -> None:
            seen.statements += 1
            super().copy_expert(*arguments, **named)

    connection.ensure_connection()
    plain = connection.connection.cursor_factory
    connection.connection.cursor_factory = Counting
    try:
        yield seen
    finally:
        connection.connection.cursor_factory = plain


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility with a bill for each of three cycles, and four weeks of quarter-hours of one household."""
    world = small_world()
    for number, account in enumerate(world.accounts, start=1):
        for cycle in world.cycles:
            bills.issue(world, 10_000 * number, account=account, cycle=cycle)
    first = TODAY - timedelta(days=28)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, TODAY])
    IntervalDay.objects.bulk_create(
        IntervalDay(
            point_id=world.residential.point_id,
            register=register,
            day=first + timedelta(days=number),
            energy_wh=[wh * (4 if 36 <= slot < 68 else 1) for slot in range(96)],
        )
        for number in range(28)
        for register, wh in ((1, 40), (11, 5))
    )
    return world


def everything() -> list[tuple[Any, ...]]:
    """All tags, as they would be read."""
    return sorted(AccountTag.objects.values_list("account_id", "code", "value", "since_on", "until_on"))


def run_all(at: datetime = AT, **asked: Any) -> int:
    """A whole run, done here; the job's id."""
    run_id = profiles.start_profiles(created_by_id=None, at=at, **asked)
    job_id = ProfileRun.objects.get(pk=run_id or 0).job_id
    jobs.work_on(job_id=job_id)
    assert Job.objects.get(pk=job_id).state == Job.State.DONE
    return job_id


class TestTheNight:
    def test_gives_every_account_what_can_be_proven(self, world: World) -> None:
        run_all()

        of = {(row.account_id, row.code): row for row in AccountTag.objects.all()}
        home, shop = world.residential.account_id, world.commercial.account_id
        assert of[home, "basic.class"].value == "residential" and of[shop, "basic.class"].value == "commercial"
        assert of[shop, "basic.capacity_band"].evidence == {"capacity_kva": 100}
        assert of[home, "use.load_shape"].value == "day" and of[home, "use.load_shape"].evidence["curve_days"] == 28
        assert of[home, "use.pv"].evidence["fed_in_days"] == 28
        assert (shop, "use.load_shape") not in of, "nothing is said of an account without a curve"
        assert of[home, "pay.arrears_risk"].evidence["overdue_fen"] == 30_000
        assert Profile.objects.get(pk=shop).billed_12m_fen == 120_000
        assert Profile.objects.count() == 4 and all(row.until_on > TODAY for row in of.values())

    def test_costs_the_same_statements_however_many_accounts(self, world: World) -> None:
        costs = []
        for more in (300, 0):
            with counted() as seen, transaction.atomic():
                profiles._compute(low=0, high=2**40, on_day=TODAY, bounds={}, at=AT)
            costs.append(seen.statements)
            make_curve_accounts(
                [f"88{number:08d}" for number in range(more)],
                unit=OrgUnit.objects.get(pk=world.county_a_id),
                route=ReadingRoute.objects.get(pk=world.route_day_0_id),
                district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
                tariff_code=RESIDENTIAL_TARIFF,
                since=TODAY,
                capacity_kva=8,
            )

        assert costs[0] == costs[1] and costs[0] < 25
        assert Profile.objects.count() == 304

    def test_killed_in_the_middle_is_finished_by_the_next(self, world: World) -> None:
        run_all()
        whole = everything()
        AccountTag.objects.all().delete()
        run_id = profiles.start_profiles(created_by_id=None, at=AT, shard_size=1)
        job_id = ProfileRun.objects.get(pk=run_id or 0).job_id
        assert JobShard.objects.filter(job_id=job_id).count() == 4
        claim = jobs.claim_shard(job_id=job_id, now=AT)
        assert claim is not None

        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            profiles._compute(low=claim.low, high=claim.high, on_day=TODAY, bounds={}, at=AT)
            raise KeyboardInterrupt
        assert everything() == []
        jobs.work_on(job_id=job_id)

        assert everything() == whole and Job.objects.get(pk=job_id).state == Job.State.DONE

    def test_a_second_night_keeps_since_and_moves_until(self, world: World) -> None:
        run_all()
        with transaction.atomic():
            bills.issue(world, 500_000, cycle=202602)

        run_all(AT + timedelta(days=3))

        rows = {row.code: row for row in AccountTag.objects.filter(account_id=world.residential.account_id)}
        assert rows["basic.class"].since_on == TODAY
        assert rows["basic.class"].until_on == TODAY + timedelta(days=3 + TAGS["basic.class"].lasts_days)
        assert "use.pv" in rows and rows["use.pv"].evidence["fed_in_days"] == 25


class TestOneAccount:
    def test_a_change_of_capacity_is_seen_when_its_event_is_delivered_once_or_twice(self, world: World) -> None:
        run_all()
        account_id = world.commercial.account_id
        others = [row for row in everything() if row[0] != account_id]
        contracts.change_capacity(
            account_id=account_id,
            capacity_kva=1250,
            from_on=datetime.now(AT.tzinfo).date(),
            reason="增容",
            changed_by_id=world.accountant_id,
            at=datetime.now(AT.tzinfo),
        )

        for _time in range(2):
            events.deliver_waiting(now=datetime.now(AT.tzinfo))

            tag = AccountTag.objects.get(account_id=account_id, code="basic.capacity_band")
            assert (tag.value, tag.evidence) == ("key", {"capacity_kva": 1250})
            assert Profile.objects.get(pk=account_id).capacity_kva == 1250
        assert [row for row in everything() if row[0] != account_id] == others

    def test_what_was_begun_earlier_does_not_overwrite_what_was_seen_later(self, world: World) -> None:
        account_id = world.commercial.account_id
        profiles.recompute_profile(account_id=account_id, at=AT + timedelta(minutes=1))
        AccountTag.objects.filter(account_id=account_id, code="basic.class").update(value="industrial")

        profiles.recompute_profile(account_id=account_id, at=AT)

        assert AccountTag.objects.get(account_id=account_id, code="basic.class").value == "industrial"


SCRATCH = """
from crm.tagging.tag import Tag, Tagged, Value, where

def decide(facts, limits):
    return Tagged(where(facts.capacity_kva >= 50, 0), {"capacity_kva": facts.capacity_kva})

TAG = Tag(code="scratch.big", version=3, owner="试验", name="试验标签", name_en="Scratch",
          values=(Value("big", "够大", "Big enough"),),
          why="容量 {capacity_kva}。", why_en="{capacity_kva}.", decide=decide)
"""


class TestANewTag:
    def test_is_one_file_and_one_line(self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "scratch_tag.py").write_text(SCRATCH, "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        module = __import__("scratch_tag")
        monkeypatch.setitem(TAGS, "scratch.big", module.TAG)

        run_all()

        shown = {
            account.account_id: {
                tag.code: tag
                for tag in get_profile(account_id=account.account_id, today=TODAY, sees_sensitive=True).tags
            }
            for account in world.accounts
        }
        tag = shown[world.commercial.account_id]["scratch.big"]
        assert (tag.value_word, tag.why, tag.definition_version) == ("够大", "容量 100 kVA。", 3)
        assert "scratch.big" not in shown[world.residential.account_id]
        sys.modules.pop("scratch_tag")


class TestAssertedTags:
    def test_stand_beside_the_rules_and_outlive_the_night(self, world: World) -> None:
        account_id = world.commercial.account_id
        for value in ("40", "60"):
            tags.assert_tag(
                account_id=account_id,
                code="dsm.security_load",
                value=value,
                evidence={"surveyed_by": "现场"},
                until=TODAY + timedelta(days=10),
                at=AT,
            )
        run_all()

        with pytest.raises(tags.TagRefused):
            tags.assert_tag(account_id=account_id, code="basic.class", value="x", evidence={}, until=TODAY, at=AT)
        shown = {tag.code: tag for tag in get_profile(account_id=account_id, today=TODAY, sees_sensitive=True).tags}
        assert shown["dsm.security_load"].value == "60" and shown["dsm.security_load"].is_asserted
        later = get_profile(account_id=account_id, today=TODAY + timedelta(days=11), sees_sensitive=True)
        assert later.tags == (), "a tag that has run out is not shown"
