"""Notices reach all whom they concern and none else, each once, and again when something changes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from cis.models import Account, Customer, Feeder, PortalAccess, Premise, TransformerDistrict
from cis.operations import outages
from config.shared import events
from config.shared.models import Message, OrgUnit, OutboxDelivery, OutboxEvent, Role, RoleGrant
from config.shared.personal_data import blind_index
from grid_service.models import Notice, NoticeFollowUp, NoticeRecipient, NoticeVersion
from grid_service.operations import notices
from grid_service.operations.territory import cover
from grid_service.queries.notices import delivery_of, get_notice, notices_within
from tests.factories.districts import District, make_district
from tests.factories.portal import bind, person, signed_in
from tests.factories.world import World, make_user, small_world

DAY = timedelta(days=1)
PEOPLE_WHO_LIVE_THERE = ("owner", "tenant", "delegate", "agent")


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility."""
    return small_world()


@dataclass
class Network:
    """A made-up network, and what a reader of it expects: person to the places they are concerned by."""

    places: list[int]
    telephones: dict[str, set[int]] = field(default_factory=dict)
    """telephone to places"""
    users: dict[int, set[int]] = field(default_factory=dict)
    """user of the portal to places"""
    silent: set[int] = field(default_factory=set)
    """users who want no SMS"""
    telephone_of: dict[int, str] = field(default_factory=dict)

    def expected(self, places: set[int]) -> tuple[set[bytes], set[int]]:
        """Whose telephones ring and in whose inboxes it lies when these places are concerned."""
        concerned = {one for one, where in self.telephones.items() if where & places}
        concerned |= {self.telephone_of[one] for one, where in self.users.items() if where & places}
        inboxes = {one for one, telephone in self.telephone_of.items() if telephone in concerned}
        silent = {self.telephone_of[one] for one in self.silent}
        return {blind_index(one) for one in concerned - silent}, inboxes


def random_network(world: World, seed: int) -> Network:
    """Homes behind random transformers; telephones shared, absent, of tenants; closed accounts; who only pays."""
    chance = random.Random(seed)
    feeder = Feeder.objects.get(code="T-F1")
    made = TransformerDistrict.objects.bulk_create(
        TransformerDistrict(code=f"R{number}", name=f"{number}号公变", feeder=feeder, capacity_kva=100)
        for number in range(5)
    )
    net = Network([one.pk for one in made])
    telephones = [f"138000{number:05}" for number in range(12)]
    for number in range(24):
        place, state = chance.choice(net.places), "closed" if chance.random() < 0.15 else "open"
        telephone = chance.choice([*telephones, "", ""])
        customer = Customer.objects.create(
            kind="person", name=f"住户{number}", phone=telephone, phone_last4=telephone[-4:],
            phone_index=blind_index(telephone) if telephone else None,
        )  # fmt: skip
        premise = Premise.objects.create(
            org_unit_id=world.county_a_id, transformer_district_id=place, address=f"桂苑路{number}号"
        )
        account = Account.objects.create(
            account_no=f"99{seed:04}{number:04}", customer=customer, premise=premise, org_unit_id=world.county_a_id,
            route_id=world.route_day_0_id, opened_on=world.at.date(), state=state,
        )  # fmt: skip
        if telephone and state == "open":
            net.telephones.setdefault(telephone, set()).add(place)
        for role in chance.sample(PortalAccess.Role.values, chance.randrange(3)):
            # Some of the portal have the telephone of a customer, some one of their own.
            number_of = chance.choice([*telephones, f"139000{chance.randrange(8):05}"])
            user = person(number_of, at=world.at)
            if PortalAccess.objects.filter(user_id=user, account=account).exists():
                continue
            bind(user, account.pk, role)
            net.telephone_of[user] = number_of
            if role in PEOPLE_WHO_LIVE_THERE and state == "open":
                net.users.setdefault(user, set()).add(place)
            if chance.random() < 0.1:
                net.users.get(user, set()).clear()
                PortalAccess.objects.filter(user_id=user).update(ended_at=world.at, end_reason="x")
    for user in chance.sample(sorted(net.users), min(2, len(net.users))):
        net.silent.add(user)
        notices.choose(user_id=user, wants_sms=False)
    return net


def told(template: str = "") -> tuple[set[bytes], set[int], int]:
    """The telephones that ring and the inboxes it lies in, and how many messages that are."""
    rows = Message.objects.filter(dedupe_key__startswith="notice:")
    if template:
        rows = rows.filter(template=template)
    rings = {bytes(row.recipient_index or b"") for row in rows if row.channel == "sms"}
    inboxes = {row.user_id or 0 for row in rows if row.channel == "in_app"}
    return rings, inboxes, len(rows)


def deliver() -> None:
    """What the workers do with facts, twice."""
    for again in (False, True):
        if again:
            OutboxDelivery.objects.update(state="waiting")
        events.deliver_waiting(now=datetime.now(tz=settings.BILLING_TIME_ZONE) + DAY)
    assert not OutboxDelivery.objects.exclude(error="").exists()
    OutboxEvent.objects.all().delete()


def planned(world: World, places: list[int], **more: Any) -> int:
    """An approved planned outage in ten days."""
    starts = datetime.now(tz=settings.BILLING_TIME_ZONE) + 10 * DAY
    outage_id = outages.draft_outage(
        **{
            "kind": "planned", "org_unit_id": world.county_a_id, "area": "桂苑小区", "reason": "更换变压器",
            "starts_at": starts, "ends_at": starts + timedelta(hours=8), "transformer_district_ids": places,
            "by_id": world.clerk_a_id, "at": starts - 10 * DAY, **more,
        }
    )  # fmt: skip
    outages.approve_outage(outage_id=outage_id, by_id=world.manager_id, at=starts - 10 * DAY)
    return outage_id


class TestReachesAllAffectedAndNoneElse:
    @pytest.mark.parametrize("seed", range(4))
    def test_over_random_networks(self, world: World, seed: int) -> None:
        net = random_network(world, seed)
        district = make_district(world, transformers=net.places)
        places = set(random.Random(seed).sample(net.places, 2))

        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=places, text="周六检查线路，请留意。",
            by_id=district.manager_id, at=world.at,
        )  # fmt: skip
        concerned = notices.publish_notice(notice_id=notice_id, at=world.at)

        rings, inboxes, messages = told()
        assert (rings, inboxes) == net.expected(places)
        assert messages == len(rings) + len(inboxes), "nobody gets one message twice"
        homes = Account.objects.filter(premise__transformer_district_id__in=places, state="open")
        assert set(NoticeRecipient.objects.values_list("account_id", flat=True)) == set(
            homes.values_list("pk", flat=True)
        )
        assert concerned >= len(rings)

    @pytest.mark.parametrize("seed", range(2))
    def test_a_changed_time_reaches_all_who_heard_of_the_first_and_the_dropped_hear_that(
        self, world: World, seed: int
    ) -> None:
        net = random_network(world, seed)
        make_district(world, transformers=net.places)
        one, two, three = net.places[:3]
        outage_id = planned(world, [one, two])
        now = datetime.now(tz=settings.BILLING_TIME_ZONE)
        outages.publish_outage(outage_id=outage_id, by_id=world.clerk_a_id, at=now)
        deliver()
        first = told("outage-announced")

        outages.change_outage(
            outage_id=outage_id, starts_at=now + 11 * DAY, ends_at=now + 12 * DAY, reason="更换变压器", area="桂苑小区",
            transformer_district_ids=[two, three], by_id=world.clerk_a_id, at=now,
        )  # fmt: skip
        deliver()

        assert first[:2] == net.expected({one, two})
        changed, off = told("outage-changed"), told("outage-off")
        assert changed[:2] == net.expected({two, three})
        assert first[0] <= changed[0] | off[0] and first[1] <= changed[1] | off[1]
        assert not changed[0] & off[0] and not changed[1] & off[1]

        outages.cancel_outage(outage_id=outage_id, reason="改期", by_id=world.clerk_a_id, at=now)
        deliver()

        assert told("outage-off")[0] >= changed[0]
        assert Notice.objects.get().versions.count() == 3

    def test_in_as_many_statements_however_many_homes(self, world: World, django_assert_max_num_queries: Any) -> None:
        net = random_network(world, 9)
        district = make_district(world, transformers=net.places)
        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=net.places, text="周六检查线路。",
            by_id=district.manager_id, at=world.at,
        )  # fmt: skip

        with django_assert_max_num_queries(45):
            notices.publish_notice(notice_id=notice_id, at=world.at)


class TestWhatItSays:
    @pytest.fixture
    def district(self, world: World) -> District:
        """A district over the tiny utility."""
        return make_district(world)

    @pytest.mark.parametrize(
        "text",
        ["户号 4290000001 请来", "请打 13800000000", "张三家请交费", "有欠费的请尽快交", "", "长" * 71],
    )
    def test_no_number_no_name_no_debt(self, world: World, district: District, text: str) -> None:
        with pytest.raises(notices.SaysTooMuch):
            notices.draft_notice(
                district_id=district.district_id, transformer_district_ids=[world.transformer_district_id], text=text,
                by_id=district.manager_id, at=world.at,
            )  # fmt: skip

    def test_places_of_another_district_are_refused(self, world: World, district: District) -> None:
        other = make_district(world, "楚风片区", transformers=[])

        with pytest.raises(notices.NotMine):
            notices.draft_notice(
                district_id=other.district_id, transformer_district_ids=[world.transformer_district_id], text="停电",
                by_id=other.manager_id, at=world.at,
            )  # fmt: skip

    @pytest.mark.acceptance("001-53")
    def test_every_notice_carries_the_manager_of_the_moment(self, world: World, district: District) -> None:
        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=[world.transformer_district_id], text="周六检查",
            by_id=district.manager_id, at=world.at,
        )  # fmt: skip
        notices.publish_notice(notice_id=notice_id, at=world.at)

        said = {row.parameters for row in Message.objects.filter(dedupe_key__startswith="notice:")}
        assert said and all("桂苑经理" in one and "0728-8100001" in one for one in said)


class TestWhoWasNotReached:
    def test_is_listed_with_the_reason_until_somebody_saw_to_it(self, world: World) -> None:
        district = make_district(world)
        silent = world.residential_day_15
        Customer.objects.filter(pk=silent.customer_id).update(phone="", phone_index=None, phone_last4="")
        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=[world.transformer_district_id], text="周六检查",
            by_id=district.manager_id, at=world.at,
        )  # fmt: skip
        notices.publish_notice(notice_id=notice_id, at=world.at)
        rows = Message.objects.filter(dedupe_key__startswith="notice:", channel="sms")
        rows.update(state="delivered")
        lost = rows.filter(recipient_index=blind_index("10000000003"))
        assert lost.update(state="failed", failure="no-such-number") == 1

        behind = [world.transformer_district_id]
        page = get_notice(
            notices_within(district_ids=[district.district_id]), notice_id, transformer_district_ids=behind
        )

        whom = {row.account_no: row.why for row in page.not_reached}
        assert whom == {silent.account_no: "no-way", world.residential_tou.account_no: "lost"}
        assert page.delivery is not None and page.delivery.not_reached == 2
        version_id = page.versions[0].version_id
        for _again in (1, 2):
            notices.follow_up(
                version_id=version_id, account_id=silent.account_id, way="visit", by_id=district.manager_id, at=world.at
            )
        assert delivery_of(version_id, behind).not_reached == 1


class TestOfOnesOwnDistrictOnly:
    """A notice to several districts: each manager sees to their own households, and changes their own words."""

    @pytest.fixture
    def neighbours(self, world: World) -> tuple[District, District, int]:
        """Two districts with a transformer district each; the second's, behind which one of the accounts lives."""
        feeder = Feeder.objects.get(code="T-F1")
        place = TransformerDistrict.objects.create(code="T-N", name="楚风公变", feeder=feeder, capacity_kva=100)
        Premise.objects.filter(points=world.residential_tou.point_id).update(transformer_district=place)
        return make_district(world), make_district(world, "楚风片区", transformers=[place.pk]), place.pk

    def test_whom_it_did_not_reach(self, world: World, neighbours: tuple[District, District, int]) -> None:
        here, there, place = neighbours
        Customer.objects.update(phone="", phone_index=None, phone_last4="")
        outage_id = planned(world, [world.transformer_district_id, place])
        outages.publish_outage(outage_id=outage_id, by_id=world.clerk_a_id, at=datetime.now(tz=UTC))
        deliver()
        address = reverse("grid_service:notice", args=[Notice.objects.get().pk])
        foreign, own = world.residential_day_15, world.residential_tou
        client = signed_in(there.manager_id)

        page = client.get(address)

        shown = {row.account_no for row in page.context["page"].not_reached}
        assert shown == {own.account_no} and page.context["page"].delivery.households == 1
        assert client.post(address, {"act": "visit", "account": foreign.account_id}).status_code == 422
        assert client.post(address, {"act": "visit", "account": own.account_id}).status_code == 302
        assert NoticeFollowUp.objects.get().account_id == own.account_id
        ours = signed_in(here.manager_id).get(address).context["page"]
        assert foreign.account_no in {row.account_no for row in ours.not_reached}
        county = OrgUnit.objects.get(pk=world.county_a_id)
        boss = make_user("boss", county, "district-supervisor")
        RoleGrant.objects.create(user=boss, role=Role.objects.get(code="district-manager"), org_unit=county)
        whole = signed_in(boss.pk).get(address).context["page"]
        assert {foreign.account_no, own.account_no} <= {row.account_no for row in whole.not_reached}

    def test_the_words_are_those_of_the_district_that_wrote_them(
        self, world: World, neighbours: tuple[District, District, int]
    ) -> None:
        here, there, _place = neighbours
        places, now = [world.transformer_district_id], timezone.now()
        drafted, told = (
            notices.draft_notice(
                district_id=here.district_id, transformer_district_ids=places, text=text, by_id=here.manager_id, at=now
            )
            for text in ("周六检查", "周日检查")
        )
        notices.publish_notice(notice_id=told, at=now)
        sent = Message.objects.count()
        cover(
            district_id=there.district_id, transformer_district_ids=places, from_at=timezone.now(), reason="调整",
            decided_by_id=world.administrator_id, at=now,
        )  # fmt: skip
        client = signed_in(there.manager_id)
        draft, published = (reverse("grid_service:notice", args=[one]) for one in (drafted, told))

        assert client.get(draft).status_code == 404
        page = client.get(published)
        assert page.status_code == 200 and "改正并重发" not in page.content.decode()
        for act in ("change", "cancel"):
            answer = client.post(published, {"act": act, "text": "改到周一", "from_version": 1})
            assert answer.status_code == 422 and "别的片区" in answer.content.decode()
        # What was written for places that are somebody else's by now is not sent.
        answer = signed_in(here.manager_id).post(draft, {"act": "publish", "from_version": 0})
        assert answer.status_code == 422 and "划给了别的片区" in answer.content.decode()
        assert Message.objects.count() == sent and NoticeVersion.objects.count() == 2


class TestAChangeIsSentOnce:
    def test_a_second_press_a_stale_page_and_the_same_text_send_nothing(self, world: World) -> None:
        district = make_district(world, begins_at=timezone.now() - DAY)
        manager, deputy = signed_in(district.manager_id), signed_in(district.deputy_id)
        notice_id = notices.draft_notice(
            district_id=district.district_id, transformer_district_ids=[world.transformer_district_id], text="周六检查",
            by_id=district.manager_id, at=timezone.now(),
        )  # fmt: skip
        address = reverse("grid_service:notice", args=[notice_id])
        manager.post(address, {"act": "publish", "from_version": 0})
        # Somebody who still looks at the draft does not take back what went out.
        assert deputy.post(address, {"act": "cancel", "from_version": 0}).status_code == 422
        manager.post(address, {"act": "change", "text": "改到周日", "from_version": 1})
        sent = Message.objects.count()

        again = manager.post(address, {"act": "change", "text": "改到周日", "from_version": 1})
        stale = deputy.post(address, {"act": "change", "text": "改到周一", "from_version": 1})
        same = deputy.post(address, {"act": "change", "text": " 改到周日 ", "from_version": 2})
        taken_back = deputy.post(address, {"act": "cancel", "text": "改到周一", "from_version": 1})

        assert [one.status_code for one in (again, stale, same, taken_back)] == [422] * 4
        both = stale.content.decode()
        assert "<p>改到周日</p>" in both and "改到周一</textarea>" in both, "what stands there and what was typed"
        assert 'name="from_version" value="2"' in both, "pressed once more it is meant"
        assert Message.objects.count() == sent and NoticeVersion.objects.count() == 2
