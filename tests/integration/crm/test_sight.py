"""Lists, alarm pages and plans follow the tree; serving a customer who was found does not."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.shared.models import OrgUnit, User
from config.shared.periods import add_months, cycle_of
from crm.models import Emergency, KeyAccount
from crm.operations import emergencies, key_accounts
from crm.operations.satisfaction import record_rating
from tests.factories.staff import prove
from tests.factories.world import AccountIds, World, make_user, small_world

pytestmark = pytest.mark.django_db


class TwoCounties:
    """A key account in each county, and a manager of the province for both."""

    def __init__(self) -> None:
        self.now: datetime = timezone.now()
        self.world: World = small_world()
        self.near, self.far = self.world.commercial, self.world.residential_day_15
        self.keeper = make_user("keeper", self.unit(self.world.province_id), "key-account-manager", "何敬业")
        for account in (self.near, self.far):
            key_accounts.name_key_account(
                account_id=account.account_id, manager_id=self.keeper.pk, deputy_id=None, telephone="", reason="容量",
                from_at=self.now - timedelta(days=40), by_id=None, at=self.now,
            )  # fmt: skip

    def unit(self, unit_id: int) -> OrgUnit:
        return OrgUnit.objects.get(pk=unit_id)

    def call(self, account: AccountIds, *, ago: timedelta, by: int | None = None) -> int:
        """Somebody asked for help some time ago."""
        return emergencies.take_emergency(
            account_no=account.account_no, channel="telephone", request_key=f"{account.account_no}:{ago}", what="失电",
            caller="", received_by_id=by or self.keeper.pk, at=self.now - ago,
        ).emergency_id  # fmt: skip

    def browser(self, username: str, unit_id: int, role: str) -> Client:
        return browser_of(make_user(username, self.unit(unit_id), role))


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    prove(client)
    return client


@pytest.fixture
def counties() -> TwoCounties:
    return TwoCounties()


class TestACounty:
    def test_sees_its_own_key_accounts_emergencies_and_plans_and_no_others(self, counties: TwoCounties) -> None:
        near, far = (counties.call(one, ago=timedelta(minutes=2)) for one in (counties.near, counties.far))
        browser = counties.browser("leader_a", counties.world.county_a_id, "leader")

        for page in ("crm:key_accounts", "crm:emergencies", "crm:open_emergencies"):
            text = browser.get(reverse(page)).content.decode()
            assert counties.near.account_no in text and counties.far.account_no not in text, page
        assert browser.get(reverse("crm:emergency", args=[near])).status_code == 200
        assert browser.get(reverse("crm:emergency", args=[far])).status_code == 404
        for page in ("crm:plan", "crm:plan_pdf"):
            assert browser.get(reverse(page, args=[counties.near.account_no])).status_code == 200
            assert browser.get(reverse(page, args=[counties.far.account_no])).status_code == 404

    def test_acts_on_none_that_it_does_not_see(self, counties: TwoCounties) -> None:
        far = counties.call(counties.far, ago=timedelta(minutes=2))
        browser = counties.browser("keeper_a", counties.world.county_a_id, "key-account-manager")

        reply = browser.post(reverse("crm:emergency_reply", args=[far]), {"text": "已派人"})

        assert reply.status_code == 404
        assert browser.get(reverse("crm:plan_edit", args=[counties.far.account_no])).status_code == 404
        assert not Emergency.objects.filter(proofs__isnull=False).exists()

    def test_who_looks_after_an_account_elsewhere_sees_it(self, counties: TwoCounties) -> None:
        far = counties.call(counties.far, ago=timedelta(minutes=2))
        manager = make_user("keeper_a", counties.unit(counties.world.county_a_id), "key-account-manager")
        state = KeyAccount.objects.get(account_id=counties.far.account_id)
        key_accounts.hand_over(
            key_account_id=state.pk, manager_id=counties.keeper.pk, deputy_id=manager.pk, telephone="", reason="代理",
            from_at=counties.now, by_id=counties.keeper.pk, at=counties.now,
        )  # fmt: skip

        assert browser_of(manager).get(reverse("crm:emergency", args=[far])).status_code == 200

    def test_its_new_alarm_stands_before_older_ones_whose_time_is_long_over(self, counties: TwoCounties) -> None:
        for hours in range(1, 10):
            counties.call(counties.far, ago=timedelta(hours=hours))
            counties.call(counties.near, ago=timedelta(hours=hours))
        new = counties.call(counties.near, ago=timedelta(minutes=1))
        own = counties.browser("leader_a", counties.world.county_a_id, "leader")

        for browser in (own, browser_of(counties.keeper)):
            text = browser.get(reverse("crm:open_emergencies")).content.decode()
            assert re.findall(r'"/console/emergencies/(\d+)/"', text)[0] == str(new)

    def test_a_stopped_clock_presses_nobody(self, counties: TwoCounties) -> None:
        stopped = counties.call(counties.near, ago=timedelta(minutes=9))
        running = counties.call(counties.far, ago=timedelta(minutes=5))
        emergencies.reply(emergency_id=stopped, text="已派", by_id=counties.keeper.pk, at=counties.now)

        text = browser_of(counties.keeper).get(reverse("crm:open_emergencies")).content.decode()

        by_place = [text.index(reverse("crm:emergency", args=[one])) for one in (running, stopped)]
        assert by_place == sorted(by_place)


class TestACounter:
    """Any hall takes an emergency for any customer, and lists nobody's."""

    def test_takes_one_for_a_customer_of_another_county_and_sees_its_clocks_there(self, counties: TwoCounties) -> None:
        clerk = browser_of(User.objects.get(pk=counties.world.clerk_a_id))
        address = reverse("crm:take_emergency", args=[counties.far.account_no])
        key = clerk.get(address).context["form"]["request_key"].value()

        taken = clerk.post(address, {"request_key": key, "channel": "console", "what": "二号炉停电", "caller": ""})
        part = clerk.get(reverse("crm:account_key", args=[counties.far.account_no])).content.decode()

        assert (taken.status_code, taken["Location"]) == (302, f"/console/accounts/{counties.far.account_no}/")
        assert "二号炉停电" in part and "回复客户" in part and 'href="/console/emergencies/' not in part
        for page in ("crm:key_accounts", "crm:emergencies"):
            assert clerk.get(reverse(page)).status_code == 403

    def test_an_agent_of_one_county_sees_the_alarm_they_took_and_no_plan(self, counties: TwoCounties) -> None:
        agent = make_user("agent_a", counties.unit(counties.world.county_a_id), "agent")
        taken = counties.call(counties.far, ago=timedelta(minutes=2), by=agent.pk)
        other = counties.call(counties.far, ago=timedelta(minutes=3))
        browser = browser_of(agent)

        page = browser.get(reverse("crm:emergency", args=[taken]))

        assert page.status_code == 200 and "/plan/" not in page.content.decode()
        assert browser.get(reverse("crm:emergency", args=[other])).status_code == 404
        assert browser.get(reverse("crm:plan", args=[counties.far.account_no])).status_code == 404


class TestTheWayDownFromTheCockpit:
    """`?unit=&cycle=` shows what the figure counted: that part, that month."""

    def test_shows_the_emergencies_of_the_part_and_the_month(self, counties: TwoCounties) -> None:
        month_ago = timedelta(days=counties.now.astimezone(settings.BILLING_TIME_ZONE).day)
        for account in (counties.near, counties.far):
            counties.call(account, ago=timedelta(0))
            counties.call(account, ago=month_ago)
        browser = browser_of(counties.keeper)
        this_month = cycle_of(counties.now.astimezone(settings.BILLING_TIME_ZONE).date())
        asked = {"unit": counties.world.county_a_id, "cycle": add_months(this_month, -1)}

        page = browser.get(reverse("crm:emergencies"), asked).content.decode()

        shown = re.findall(r'"/console/emergencies/(\d+)/"', page)
        old = Emergency.objects.get(key_account__account_id=counties.near.account_id, received_at__lt=counties.now)
        assert shown == [str(old.pk)] and "东湖区供电公司" in page
        own = counties.browser("leader_a", counties.world.county_a_id, "leader")
        assert own.get(reverse("crm:emergencies"), {**asked, "unit": counties.world.county_b_id}).status_code == 404

    def test_shows_the_ratings_of_the_part_and_the_month(self, counties: TwoCounties) -> None:
        world, now = counties.world, counties.now
        month_ago = now - timedelta(days=now.astimezone(settings.BILLING_TIME_ZONE).day)
        for unit, at, said in (
            (world.county_a_id, month_ago, "上月东湖"), (world.county_a_id, now, "本月东湖"),
            (world.county_b_id, month_ago, "上月临江"),
        ):  # fmt: skip
            record_rating(
                account_id=None, source="counter", source_key=said, score=4, reason_code="", comment=said,
                about_user_id=None, org_unit_id=unit, at=at,
            )  # fmt: skip
        browser = counties.browser("leader_a", world.county_a_id, "leader")
        cycle = add_months(cycle_of(now.astimezone(settings.BILLING_TIME_ZONE).date()), -1)

        page = browser.get(reverse("crm:satisfaction"), {"unit": world.county_a_id, "cycle": cycle}).content.decode()
        beside = browser.get(reverse("crm:satisfaction"), {"unit": world.county_b_id, "cycle": cycle})

        assert "上月东湖" in page and "本月东湖" not in page and "上月临江" not in page
        assert beside.status_code == 404

    def test_the_promised_minutes_are_the_settings(self, counties: TwoCounties, settings: Any) -> None:
        settings.KEY_REPLY_MIN, settings.KEY_ARRIVE_MIN = 7, 38
        clerk = browser_of(User.objects.get(pk=counties.world.clerk_a_id))

        page = clerk.get(reverse("crm:take_emergency", args=[counties.near.account_no])).content.decode()

        assert "7 分钟内回复客户，38 分钟内赶到现场" in page
