"""Who serves whom: one manager and one deputy at every moment, whatever is handed over when."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from psycopg2.extras import DateTimeTZRange

from cis.models import Feeder, MeteringPoint, Premise, Substation, TransformerDistrict
from config.shared.errors import Refused
from config.shared.models import OrgUnit
from grid_service.models import Assignment, Coverage
from grid_service.operations import newcomers, territory
from grid_service.queries.territory import who_serves, who_serves_account
from tests.factories.districts import District, make_district
from tests.factories.world import World, make_user, small_world

DAY = timedelta(days=1)

# Every point of supply at every one of these moments, and how many people of each post serve it then.
_SERVED = """
SELECT count(*), count(*) FILTER (WHERE managers <> 1 OR deputies <> 1 OR same)
FROM (
    SELECT m.id, t.at,
           count(DISTINCT a.id) FILTER (WHERE a.role = 'manager') AS managers,
           count(DISTINCT a.id) FILTER (WHERE a.role = 'deputy') AS deputies,
           count(DISTINCT a.user_id) < count(DISTINCT a.id) AS same
    FROM cis_metering_point m
    JOIN cis_premise p ON p.id = m.premise_id
    CROSS JOIN unnest(%s::timestamptz[]) AS t(at)
    LEFT JOIN grid_service_coverage c
        ON c.transformer_district_id = p.transformer_district_id AND c.valid @> t.at
    LEFT JOIN grid_service_assignment a ON a.service_district_id = c.service_district_id AND a.valid @> t.at
    GROUP BY 1, 2) AS served
"""


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility."""
    return small_world()


def hand_over(world: World, district: District, people: dict[str, int], from_at: datetime, **more: Any) -> None:
    """A hand-over with what does not matter filled in."""
    territory.hand_over(
        **{
            "district_id": district.district_id,
            "people": people,
            "from_at": from_at,
            "reason": "轮岗",
            "decided_by_id": world.administrator_id,
            "at": from_at,
            **more,
        }
    )


def colleague(world: World, name: str) -> int:
    """Somebody who may hold a post."""
    return make_user(name, OrgUnit.objects.get(pk=world.county_a_id), "district-manager", name).pk


def commit_check() -> None:
    """What a commit would look at."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def new_places(first: int, world: World, *, count: int) -> list[int]:
    """Transformer districts that are added in one statement, with a point of supply behind each."""
    feeder = Feeder.objects.get(code="T-F1")
    made = TransformerDistrict.objects.bulk_create(
        TransformerDistrict(code=f"T-Y{number}", name=f"{number}号公变", feeder=feeder, capacity_kva=200)
        for number in range(first, first + count)
    )
    for place in made:
        premise = Premise.objects.create(
            org_unit_id=world.county_a_id, transformer_district=place, address=f"东湖区楚风路{place.name}"
        )
        MeteringPoint.objects.create(point_no=f"Y{place.code}", premise=premise)
    return [place.pk for place in made]


def receive(world: World, district: District, *, at: datetime, **more: Any) -> int:
    """New transformer districts of the county come to this district."""
    return newcomers.receive_new_places(
        district_id=district.district_id, reason="新台区", decided_by_id=world.administrator_id, at=at, **more
    )


def a_random_year(world: World, seed: int) -> list[datetime]:
    """Hand-overs and moved transformer districts through the operations, some refused; the moments that matter."""
    chance = random.Random(seed)
    transformers = [world.transformer_district_id, *new_places(1, world, count=7)]
    districts = [
        make_district(world, f"{number}号片区", transformers=transformers[number::4], begins_at=world.at)
        for number in range(4)
    ]
    people = [colleague(world, f"p{number}") for number in range(5)]
    people += [one for district in districts for one in (district.manager_id, district.deputy_id)]
    receive(world, districts[0], at=world.at)
    done, moments = 0, [world.at]
    at = world.at
    while at < world.at + 365 * DAY:
        at += timedelta(minutes=chance.randrange(1, 8 * 24 * 60))
        from_at = at + chance.choice([timedelta(0), timedelta(0), timedelta(hours=7), chance.randrange(30) * DAY])
        district = chance.choice(districts)
        with suppress(Refused), transaction.atomic():
            match chance.randrange(6):
                case 0:
                    territory.cover(
                        district_id=district.district_id,
                        transformer_district_ids=chance.sample(transformers, 3),
                        from_at=from_at,
                        reason="调整",
                        decided_by_id=world.administrator_id,
                        at=at,
                    )
                case 1:
                    planned = Assignment.objects.filter(valid__startswith__gt=at).order_by("?").first()
                    territory.cancel_hand_over(assignment_id=planned.pk if planned else 0, at=at)
                case 2:
                    made = new_places(len(transformers), world, count=chance.randrange(1, 4))
                    transformers += made
                case 3:
                    receive(world, district, at=at)
                case _:
                    roles = chance.choice([["manager"], ["deputy"], ["manager", "deputy"]])
                    chosen = dict(zip(roles, chance.sample(people, len(roles)), strict=True))
                    hand_over(world, district, chosen, from_at, at=at)
            done += 1
            commit_check()
        moments += [at, from_at]
    assert done > 25, "a year in which too little happened shows nothing"
    return moments


class TestARandomYear:
    @pytest.mark.acceptance("001-52", "F122")
    @pytest.mark.parametrize("seed", [1, 2])
    def test_every_point_has_one_manager_and_one_deputy_at_every_moment(self, world: World, seed: int) -> None:
        moments = a_random_year(world, seed)
        edges = [
            edge
            for model in (Assignment, Coverage)
            for valid in model.objects.values_list("valid", flat=True)
            for edge in (valid.lower, valid.upper)
            if edge is not None
        ]
        chance = random.Random(seed)
        asked = [*moments, *edges, *(world.at + chance.random() * 400 * DAY for _ in range(300))]
        # The instant before a boundary counts as much as the boundary.
        asked += [edge - timedelta(microseconds=1) for edge in edges if edge > world.at]
        asked = sorted(set(asked))

        with connection.cursor() as cursor:
            cursor.execute(_SERVED, [asked])
            looked_at, wrong = cursor.fetchone()

        assert MeteringPoint.objects.count() > 15, "a year in which little was built shows little"
        assert looked_at == len(asked) * MeteringPoint.objects.count() and looked_at > 5000
        assert wrong == 0


class TestHandOver:
    def test_changes_who_serves_at_its_moment_and_not_before(self, world: World) -> None:
        district = make_district(world)
        new, at = colleague(world, "new"), world.at + 5 * DAY

        hand_over(world, district, {"manager": new}, at, at=world.at)

        account = world.residential.account_id
        before, after = (who_serves_account(account, at=moment) for moment in (at - timedelta(seconds=1), at))
        assert before is not None and before.manager.user_id == district.manager_id
        assert after is not None and after.manager.user_id == new
        assert after.deputy.user_id == district.deputy_id
        assert after.manager.phone == before.manager.phone, "the number belongs to the post"

    def test_two_people_may_change_places_in_one_act(self, world: World) -> None:
        district = make_district(world)

        hand_over(world, district, {"manager": district.deputy_id, "deputy": district.manager_id}, world.at + DAY)

        served = who_serves_account(world.residential.account_id, at=world.at + DAY)
        assert served is not None
        assert (served.manager.user_id, served.deputy.user_id) == (district.deputy_id, district.manager_id)
        commit_check()

    def test_to_who_holds_the_other_post_is_refused(self, world: World) -> None:
        district = make_district(world)

        with pytest.raises(territory.SamePerson):
            hand_over(world, district, {"manager": district.deputy_id}, world.at + DAY)

    def test_before_a_planned_one_is_refused_until_that_is_cancelled(self, world: World) -> None:
        district, at = make_district(world), world.at + DAY
        one, two = colleague(world, "one"), colleague(world, "two")
        hand_over(world, district, {"manager": one}, at + 9 * DAY, at=at)

        with pytest.raises(territory.LaterChangePlanned):
            hand_over(world, district, {"manager": two}, at)
        territory.cancel_hand_over(assignment_id=Assignment.objects.get(user_id=one).pk, at=at)
        hand_over(world, district, {"manager": two}, at)

        served = who_serves_account(world.residential.account_id, at=at + 20 * DAY)
        assert served is not None and served.manager.user_id == two
        commit_check()

    def test_that_is_cancelled_while_who_would_go_on_is_planned_for_the_other_post_is_refused(
        self, world: World
    ) -> None:
        district, at, new = make_district(world, begins_at=world.at), world.at + DAY, colleague(world, "new")
        hand_over(world, district, {"manager": new}, at + 5 * DAY, at=at)
        hand_over(world, district, {"deputy": district.manager_id}, at + 9 * DAY, at=at)
        planned = Assignment.objects.get(user_id=new).pk

        with pytest.raises(territory.SamePerson, match="另一个岗位"):
            territory.cancel_hand_over(assignment_id=planned, at=at)
        later = Assignment.objects.get(user_id=district.manager_id, role="deputy").pk
        territory.cancel_hand_over(assignment_id=later, at=at)
        territory.cancel_hand_over(assignment_id=planned, at=at)

        commit_check()
        assert Assignment.objects.count() == 2

    def test_in_the_past_to_nobody_fit_or_without_a_reason_is_refused(self, world: World) -> None:
        district, at = make_district(world), world.at + DAY
        new = colleague(world, "new")

        with pytest.raises(territory.EffectiveInThePast):
            hand_over(world, district, {"manager": new}, at - timedelta(minutes=1), at=at)
        with pytest.raises(territory.CannotHoldPost):
            hand_over(world, district, {"manager": world.clerk_a_id}, at)
        with pytest.raises(territory.ReasonMissing):
            hand_over(world, district, {"manager": new}, at, reason=" ")
        with pytest.raises(territory.NothingChanges):
            hand_over(world, district, {"manager": district.manager_id}, at)

    def test_outside_ones_units_is_not_found(self, world: World) -> None:
        district = make_district(world)
        elsewhere = OrgUnit.objects.get(pk=world.county_b_id).path

        with pytest.raises(Refused) as refused:
            hand_over(world, district, {"manager": colleague(world, "x")}, world.at + DAY, within=[elsewhere])

        assert refused.value.status == 404


class TestNewPlaces:
    def test_belong_to_the_district_that_receives_them_from_the_statement_on_that_adds_them(self, world: World) -> None:
        here, there = make_district(world), make_district(world, "楚风片区", transformers=[])
        (uncovered,) = new_places(1, world, count=1)

        assert receive(world, there, at=world.at + DAY) == 1, "what nobody covers comes at once"
        made = new_places(2, world, count=3)

        rows = Coverage.objects.filter(transformer_district_id__in=[uncovered, *made])
        assert {row.service_district_id for row in rows} == {there.district_id} and len(rows) == 4
        assert {row.valid for row in rows} == {DateTimeTZRange(world.at, None)}
        commit_check()
        with pytest.raises(territory.NothingChanges):
            receive(world, there, at=world.at + DAY)
        receive(world, here, at=world.at + DAY)
        (last,) = new_places(5, world, count=1)
        assert Coverage.objects.get(transformer_district_id=last).service_district_id == here.district_id
        other = Feeder.objects.create(
            code="T-F9", name="别县线",
            substation=Substation.objects.create(code="T-S9", name="别县变", org_unit_id=world.county_b_id),
        )  # fmt: skip
        far = TransformerDistrict.objects.create(code="T-FAR", name="别县公变", feeder=other, capacity_kva=200)
        assert not Coverage.objects.filter(transformer_district=far).exists(), "another county's"

    def test_planned_for_a_district_are_received_until_then(self, world: World) -> None:
        here, there = make_district(world), make_district(world, "楚风片区", transformers=[])
        places = new_places(1, world, count=1)
        territory.cover(
            district_id=here.district_id, transformer_district_ids=places, from_at=world.at + 30 * DAY, reason="投运",
            decided_by_id=world.administrator_id, at=world.at,
        )  # fmt: skip

        receive(world, there, at=world.at + DAY)

        rows = Coverage.objects.filter(transformer_district_id=places[0]).order_by("valid")
        assert [(row.service_district_id, row.valid.lower) for row in rows] == [
            (there.district_id, world.at), (here.district_id, world.at + 30 * DAY),
        ]  # fmt: skip
        commit_check()

    def test_do_not_go_to_a_district_that_has_not_begun_while_another_receives_them(self, world: World) -> None:
        later = make_district(world, "楚风片区", transformers=[], begins_at=world.at + 9 * DAY)
        receive(world, make_district(world), at=world.at)

        with pytest.raises(newcomers.NotBegunYet):
            receive(world, later, at=world.at)
        with pytest.raises(Refused) as refused:
            receive(world, later, at=world.at + 10 * DAY, within=[OrgUnit.objects.get(pk=later.unit_id).path])
        assert refused.value.status == 404, "who answers for one district does not decide for the county"


class TestTheDatabase:
    """Around the operations: the rules hold all the same."""

    def refuses(self, change: Any) -> str:
        """What a commit says to a change."""
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            change()
            commit_check()
        return str(refused.value)

    @pytest.mark.acceptance("001-52")
    def test_refuses_a_gap_a_second_holder_and_one_person_in_both_posts(self, world: World) -> None:
        district = make_district(world)
        rows = Assignment.objects.filter(service_district_id=district.district_id)
        ends = DateTimeTZRange(world.at, world.at + DAY)
        more = {
            "service_district_id": district.district_id, "reason": "x", "decided_by_id": district.manager_id,
            "decided_at": world.at, "valid": DateTimeTZRange(world.at, None),
        }  # fmt: skip

        assert "without: manager" in self.refuses(lambda: rows.filter(role="manager").update(valid=ends))
        assert "without: deputy" in self.refuses(lambda: rows.filter(role="deputy").delete())
        second = {"role": "manager", "user_id": world.clerk_a_id, **more}
        assert "one_holder_of_a_post" in self.refuses(lambda: Assignment.objects.create(**second))
        both = DateTimeTZRange(world.at + DAY, None)

        def one_person() -> None:
            rows.filter(role="deputy").update(valid=ends)
            Assignment.objects.create(**{**more, "role": "deputy", "user_id": district.manager_id, "valid": both})

        assert "manager_and_deputy_are_two_people" in self.refuses(one_person)

    def test_refuses_two_districts_at_once_and_none_after_one(self, world: World) -> None:
        make_district(world)
        other = make_district(world, "楚风片区", transformers=[])
        rows = Coverage.objects.filter(transformer_district_id=world.transformer_district_id)
        row = rows.get()

        def again() -> None:
            row.pk, row.service_district_id = None, other.district_id
            row.save(force_insert=True)

        assert "one_service_district_at_a_time" in self.refuses(again)
        ends = DateTimeTZRange(world.at, world.at + DAY)
        assert "would belong to no service district" in self.refuses(lambda: rows.update(valid=ends))
        assert "would belong to no service district" in self.refuses(rows.delete)


class TestWhoServes:
    def test_accounts_and_points_in_as_many_statements_however_many(
        self, world: World, django_assert_num_queries: Any
    ) -> None:
        make_district(world)

        with django_assert_num_queries(4):
            accounts, points = who_serves(
                at=world.at,
                account_ids=[one.account_id for one in world.accounts],
                point_ids=[one.point_id for one in world.accounts],
            )

        assert set(accounts) == {one.account_id for one in world.accounts}
        assert set(points) == {one.point_id for one in world.accounts}


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_one_hands_over_and_the_other_is_refused(self) -> None:
        with transaction.atomic():
            world = small_world()
            district = make_district(world)
            people = [colleague(world, "left"), colleague(world, "right")]
        start, refused = Barrier(2), []

        def act(user_id: int) -> None:
            start.wait()
            try:
                hand_over(world, district, {"manager": user_id}, world.at + DAY)
            except territory.LaterChangePlanned as said:
                refused.append(said)
            finally:
                connections.close_all()

        threads = [Thread(target=act, args=[one]) for one in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(refused) == 1
        assert Assignment.objects.filter(role="manager").count() == 2
