"""The pages of grid service: the card that changes with the post, two presses to answer, what stays hidden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.models import Account, Customer, Feeder, Premise, TransformerDistrict
from cis.operations.billing import issue_bill_now
from config.shared.models import Message, OrgUnit, PersonalDataAccess, User
from grid_service.models import Assignment, Community, Notice, Question
from grid_service.operations import care, questions, territory
from tests.factories.districts import District, make_district
from tests.factories.portal import bind, signed_in
from tests.factories.world import World, make_user, small_world


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def district(world: World) -> District:
    """A district over it that began an hour ago."""
    return make_district(world, begins_at=timezone.now() - timedelta(hours=1))


def said(client: Client, name: str, *arguments: Any) -> str:
    """The words of a page."""
    answer = client.get(reverse(name, args=arguments))
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


class TestTheCard:
    @pytest.mark.acceptance("001-53")
    def test_stands_in_the_portal_on_the_bill_and_on_paper_and_changes_with_the_post(
        self, world: World, district: District
    ) -> None:
        now = timezone.now()
        account = world.residential
        bill_id = issue_bill_now(
            account_id=account.account_id, cycle=world.cycle, issued_by_id=world.accountant_id, at=now
        )
        bill_no = f"{world.cycle}{bill_id:010d}"
        customer, clerk = signed_in(world.portal_user_id), signed_in(world.clerk_a_id)

        def everywhere() -> list[str]:
            return [
                said(customer, "cis:portal_home"),
                said(customer, "cis:portal_bill", bill_no),
                said(customer, "grid_service:portal_district"),
                said(clerk, "cis:bill_print", bill_no),
                said(clerk, "grid_service:account_card", account.account_no),
            ]

        assert all("桂苑经理" in page and "0728-8100001" in page for page in everywhere())
        assert all("95598" in page and "12398" in page for page in everywhere()[:4])

        unit = OrgUnit.objects.get(pk=world.county_a_id)
        new = make_user("new", unit, "district-manager", "新经理")
        territory.hand_over(
            district_id=district.district_id, people={"manager": new.pk}, from_at=now, reason="轮岗",
            decided_by_id=world.administrator_id, at=now,
        )  # fmt: skip

        assert all("新经理" in page and "桂苑经理" not in page for page in everywhere())

    def test_whoever_only_pays_does_not_see_where_somebody_lives(self, world: World, district: District) -> None:
        payer = User.objects.create_user("payer", kind=User.Kind.CUSTOMER)
        bind(payer.pk, world.residential.account_id, "payer")
        from_portal = signed_in(payer.pk)

        assert "桂苑经理" not in said(from_portal, "cis:portal_home")
        assert from_portal.get(reverse("grid_service:portal_district")).status_code == 403


class TestTheTelephone:
    def test_a_question_is_two_presses_from_the_home_page(self, world: World, district: District) -> None:
        question_id = questions.ask(
            user_id=world.portal_user_id, account_id=world.residential.account_id, text="电压低怎么办", form_key="1",
            channel="portal", at=timezone.now(),
        )  # fmt: skip
        client = signed_in(district.manager_id)
        first = reverse("grid_service:question", args=[question_id])

        assert client.get("/").headers["Location"] == reverse("district_home")
        assert first in said(client, "grid_service:questions_to_answer")
        ready = client.get(first).context["ready"][0]
        answer = client.post(first, {"text": ready})

        assert answer.status_code == 302 and Question.objects.get().answer == ready

    def test_a_number_is_shown_for_a_reason_only_and_only_of_ones_own(self, world: World, district: District) -> None:
        client, address = (
            signed_in(district.manager_id),
            reverse("grid_service:call", args=[world.residential.account_no]),
        )

        assert "10000000001" not in client.get(address).content.decode()
        assert "tel:10000000001" in client.post(address, {"reason": "电费提醒"}).content.decode()

        row = PersonalDataAccess.objects.get()
        assert (row.reason, row.fields, row.user_id) == ("电费提醒", "phone", district.manager_id)
        other = make_district(world, "楚风片区", transformers=[])
        assert signed_in(other.manager_id).get(address).status_code == 404

    def test_ones_own_customer_is_found_among_hundreds_of_that_name_elsewhere(
        self, world: World, district: District
    ) -> None:
        own = world.residential
        other = TransformerDistrict.objects.create(
            code="T-FAR", name="远方公变", feeder=Feeder.objects.get(code="T-F1"), capacity_kva=100
        )
        name = Customer.objects.get(pk=own.customer_id)
        premises = Premise.objects.bulk_create(
            Premise(org_unit_id=world.county_a_id, transformer_district=other, address=f"远方路{number}号")
            for number in range(405)
        )
        Account.objects.bulk_create(
            Account(
                pk=-1 - number, account_no=f"41{number:08}", customer=name, premise=premise,
                org_unit_id=world.county_a_id, route_id=world.route_day_0_id, opened_on=world.at.date(),
            )
            for number, premise in enumerate(premises)
        )  # fmt: skip
        client = signed_in(district.manager_id)

        for typed in (name.name, "410", "4290"):
            found = client.post(reverse("grid_service:customers"), {"q": typed}).context["found"]
            assert all(not row.account_no.startswith("41") for row in found)
        by_name = client.post(reverse("grid_service:customers"), {"q": name.name}).context["found"]
        assert [row.account_no for row in by_name] == [own.account_no]

    def test_what_a_household_needs_is_shown_for_a_reason_only(self, world: World, district: District) -> None:
        now = timezone.now()
        care.enter_care(
            account_no=world.residential.account_no, kind="medical", basis="consent", basis_note="同意", note="制氧机",
            until_on=now.date() + timedelta(days=9), by_id=district.manager_id, at=now, today=now.date(),
        )  # fmt: skip
        client = signed_in(district.manager_id)
        address = reverse("grid_service:care_of", args=[world.residential.account_no])

        for page in (
            said(client, "grid_service:care_here"),
            said(client, "grid_service:care_of", *address.split("/")[-2:-1]),
        ):
            assert "制氧机" not in page and "居家医疗设备" not in page
        assert client.post(address, {"reason": ""}).status_code == 422
        assert "制氧机" in client.post(address, {"reason": "停电前备氧"}).content.decode()
        assert PersonalDataAccess.objects.get().fields == "care"

    def test_a_notice_is_written_looked_at_sent_and_taken_back(self, world: World, district: District) -> None:
        client = signed_in(district.manager_id)
        typed = {"text": "周六检查用电安全。", "places": [str(world.transformer_district_id)]}

        assert client.post(reverse("grid_service:notice_new"), {**typed, "text": "张三家欠费"}).status_code == 422
        client.post(reverse("grid_service:notice_new"), typed)
        address = reverse("grid_service:notice", args=[Notice.objects.get().pk])
        assert Message.objects.filter(template="district-notice").count() == 0
        client.post(address, {"act": "publish"})
        first = Message.objects.filter(template="district-notice").count()
        assert first == 6, "four customers, a telephone of the portal, one inbox"
        client.post(address, {"act": "change", "text": "改到周日检查。", "from_version": 1})
        client.post(address, {"act": "cancel", "from_version": 2})

        assert Message.objects.filter(template="district-notice").count() == 2 * first
        assert Message.objects.filter(template="district-notice-cancelled").count() == first
        stranger = make_district(world, "楚风片区", transformers=[])
        assert signed_in(stranger.manager_id).get(address).status_code == 404


class TestTheCockpit:
    def test_shows_whom_districts_cover_before_one_chooses_a_month(self, world: World, district: District) -> None:
        leader = make_user("head", OrgUnit.objects.get(pk=world.county_a_id), "leader")

        lines = signed_in(leader.pk).get(reverse("cockpit")).context["lines"]

        assert {line.figure for line in lines if str(line.label).startswith("片区覆盖")} == {"100.00"}


class TestOverseers:
    def test_hand_over_at_once_by_the_form(self, world: World, district: District) -> None:
        county = OrgUnit.objects.get(pk=world.county_a_id)
        boss = make_user("boss", county, "district-supervisor")
        new = make_user("new", county, "district-manager", "新经理")
        client, address = signed_in(boss.pk), reverse("grid_service:hand_over", args=[district.district_id])

        answer = client.post(
            address, {"manager": new.pk, "deputy": district.deputy_id, "from_at": "", "reason": "轮岗"}
        )

        assert answer.status_code == 302
        assert "新经理" in said(client, "grid_service:districts")
        assert client.post(address, {"manager": new.pk, "deputy": new.pk, "reason": "x"}).status_code == 422

    def test_a_hand_over_that_cannot_be_cancelled_says_why(self, world: World, district: District) -> None:
        county, now = OrgUnit.objects.get(pk=world.county_a_id), timezone.now()
        boss, new = make_user("boss", county, "district-supervisor"), make_user("new", county, "district-manager")
        for days, people in ((5, {"manager": new.pk}), (9, {"deputy": district.manager_id})):
            territory.hand_over(
                district_id=district.district_id, people=people, from_at=now + timedelta(days=days), reason="轮岗",
                decided_by_id=boss.pk, at=now,
            )  # fmt: skip
        planned = Assignment.objects.get(user_id=new.pk).pk

        answer = signed_in(boss.pk).post(
            reverse("grid_service:cancel_hand_over", args=[district.district_id, planned]), follow=True
        )

        assert "请先取消那一次交接" in answer.content.decode()

    def test_what_nobody_would_cover_is_to_do_until_a_district_receives_it(self, world: World) -> None:
        county = OrgUnit.objects.get(pk=world.county_a_id)
        boss = make_user("boss", county, "district-supervisor")
        client = signed_in(boss.pk)
        assert "桂苑公变" in said(client, "grid_service:uncovered_here")
        district = make_district(world, begins_at=timezone.now() - timedelta(hours=1))
        for page in ("grid_service:uncovered_here", "grid_service:check"):
            assert "新建的台区会没有人管" in said(client, page)
        assert "新台区先归这里</button>" in said(client, "grid_service:district", district.district_id)

        pressed = client.post(reverse("grid_service:receive", args=[district.district_id]), follow=True)

        assert "以后新建的台区先归这里" in pressed.content.decode()
        assert "</button>" not in pressed.content.decode().partition("新台区先归这里")[2][:20]
        for page in ("grid_service:uncovered_here", "grid_service:check"):
            assert "新建的台区会没有人管" not in said(client, page)

    def test_the_check_finds_what_nobody_covers_and_addresses_that_disagree(self, world: World) -> None:
        county = OrgUnit.objects.get(pk=world.county_a_id)
        client = signed_in(make_user("boss", county, "district-supervisor").pk)
        assert "桂苑公变" in said(client, "grid_service:check")

        here = make_district(world, begins_at=timezone.now() - timedelta(hours=1))
        there = make_district(world, "楚风片区", transformers=[])
        assert "每个台区都有片区" in said(client, "grid_service:check")
        here_row = said(client, "grid_service:check")
        assert "桂苑社区" not in here_row
        Community.objects.create(
            county=county,
            kind="community",
            name="桂苑社区",
            address_words=["桂苑路"],
            service_district_id=there.district_id,
        )

        assert "桂苑社区" in said(client, "grid_service:check")
        assert here.district_id != there.district_id
