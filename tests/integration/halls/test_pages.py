"""Pages of halls: the kiosk and the ticket, the portal, the clerk's counter, the manager's view, walls, the circle."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.models import Account, Customer, Premise
from cis.operations.outages import approve_outage, draft_outage, publish_outage
from config.shared.models import OrgUnit
from halls.models import DisplayNote, Hall, PayPoint, Rating, Ticket, TicketEvent
from halls.operations import call_next, finish, start_serving
from halls.queries.guide import SeveralAccounts, account_said
from tests.factories.halls import at_counter, make_hall, take
from tests.factories.portal import signed_in
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db

CODE = "T42990101"


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def hall(world: World) -> Hall:
    """Hall A; clerk A stands at its first counter."""
    made = make_hall(world.hall_a_id)
    at_counter(made, 1, world.clerk_a_id, at=timezone.now())
    return made


def text_of(answer: Any) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestTheWayOfACustomer:
    def test_from_the_kiosk_over_the_call_to_the_rating(self, hall: Hall, world: World) -> None:
        customer, clerk = Client(), signed_in(world.clerk_a_id)
        first = take(hall, at=timezone.now())

        taken = customer.post(
            reverse("halls:kiosk", args=[CODE]),
            {"form_key": "one", "kind": "pay", "account_no": world.residential.account_no},
        )
        page = customer.get(taken["Location"])
        assert "A002" in text_of(page) and "前面还有 1 人" in text_of(page)
        assert "大约" in text_of(page) and "十次里九次不超过" in text_of(page)

        clerk.post(reverse("halls:next"))
        assert Ticket.objects.get(pk=first.ticket_id).state == "called"
        clerk.post(reverse("halls:start"))
        opened = clerk.post(reverse("halls:next"))
        # The number is known to be of an account: its 360 opens.
        assert opened["Location"] == reverse("cis:account", args=[world.residential.account_no])
        assert "请到 1 号窗口" in text_of(customer.get(taken["Location"]))

        clerk.post(reverse("halls:start"))
        clerk.post(reverse("halls:finish"))
        assert "这次办得怎么样" in text_of(customer.get(taken["Location"]))
        customer.post(taken["Location"] + "rate/", {"score": "2", "reason": "wait", "comment": "等得久"})
        assert Rating.objects.get().clerk_id == world.clerk_a_id

        shown = text_of(signed_in(world.manager_id).get(reverse("halls:hall", args=[CODE])))
        assert "等得久" in shown and "等候太久" in shown

    def test_the_kiosk_takes_one_at_their_word_and_does_not_say_which_accounts_there_are(
        self, hall: Hall, world: World
    ) -> None:
        answers = [
            Client().post(
                reverse("halls:kiosk", args=[CODE]),
                {"form_key": number, "kind": "pay", "is_green": "on", "account_no": number},
            )
            for number in (world.residential.account_no, "9999999999")
        ]

        assert [answer.status_code for answer in answers] == [302, 302]
        tickets = list(Ticket.objects.order_by("pk"))
        assert [ticket.priority for ticket in tickets] == ["green", "green"]
        assert [ticket.account_id for ticket in tickets] == [world.residential.account_id, None]

    def test_enter_in_the_field_takes_no_number_and_what_was_typed_stays(self, hall: Hall, world: World) -> None:
        kiosk = reverse("halls:kiosk", args=[CODE])
        page = Client().get(kiosk).content.decode()
        first = re.findall(r"<button[^>]*>", page)[0]
        assert "name=" not in first and "kind" not in first, "what Enter presses is no kind of service"

        answer = Client().post(kiosk, {"form_key": "one", "account_no": "4290000001", "is_green": "on"})

        assert answer.status_code == 422 and not Ticket.objects.exists()
        again = answer.content.decode()
        assert "请选择要办的业务" in again and 'value="4290000001"' in again
        assert re.search(r'name="is_green" checked', again)

    def test_a_rating_without_stars_keeps_the_words(self, hall: Hall, world: World) -> None:
        taken, now = take(hall, at=timezone.now()), timezone.now()
        call_next(clerk_id=world.clerk_a_id, at=now)
        start_serving(clerk_id=world.clerk_a_id, at=now)
        finish(clerk_id=world.clerk_a_id, at=now)
        rate = reverse("halls:ticket_rate", args=[taken.token])

        answer = Client().post(rate, {"reason": "wait", "comment": "等得久"})

        assert answer.status_code == 422 and not Rating.objects.exists()
        assert "请选一到五颗星" in text_of(answer) and "等得久" in text_of(answer)

    def test_a_closed_hall_gives_no_number(self, world: World) -> None:
        make_hall(world.hall_a_id, weekdays=[])

        page = Client().get(reverse("halls:kiosk", args=[CODE]))
        answer = Client().post(reverse("halls:kiosk", args=[CODE]), {"form_key": "one", "kind": "pay"})

        assert "现在不营业" in text_of(page)
        assert answer.status_code == 422 and not Ticket.objects.exists()


class TestThePortal:
    def test_puts_the_quickest_hall_first_and_takes_a_ticket_there(self, hall: Hall, world: World) -> None:
        """The near hall has a queue, the far one has none: way and wait together decide."""
        Premise.objects.update(longitude="112.860000", latitude="30.621000")
        far = make_hall(world.hall_b_id, longitude="112.890000", latitude="30.640000")
        at_counter(far, 1, world.clerk_b_id, at=timezone.now())
        customer = signed_in(world.portal_user_id)

        before = customer.get(reverse("halls:portal_halls"))
        for _ in range(40):
            take(hall, at=timezone.now())
        after = customer.get(reverse("halls:portal_halls"))

        def order(answer: Any) -> list[str]:
            return [choice.hall.code for choice in answer.context["choices"]]

        assert order(before) == [CODE, "T42990201"]
        assert order(after) == ["T42990201", CODE]
        forms = re.findall(r'name="form_key" value="([^"]+)"', after.content.decode())
        customer.post(reverse("halls:portal_halls"), {"form_key": forms[0], "hall": "T42990201", "kind": "pay"})
        ticket = Ticket.objects.get(person_id=world.portal_user_id)
        assert (ticket.hall_id, ticket.account_id) == (far.pk, world.residential.account_id)
        page = text_of(customer.get(reverse("halls:portal_ticket")))
        assert ticket.number in page and "下一个就是您" in page and "为什么要等" in page

    def test_a_second_ticket_leads_to_the_first(self, hall: Hall, world: World) -> None:
        customer = signed_in(world.portal_user_id)
        for key in ("one", "two"):
            answer = customer.post(reverse("halls:portal_halls"), {"form_key": key, "hall": CODE, "kind": "pay"})
            assert answer["Location"] == reverse("halls:portal_ticket")

        assert Ticket.objects.count() == 1


class TestTheCounter:
    def test_the_bar_says_who_is_served_on_every_page(self, hall: Hall, world: World) -> None:
        take(hall, at=timezone.now())
        clerk = signed_in(world.clerk_a_id)
        assert reverse("halls:bar") in clerk.get(reverse("counter_home")).content.decode()

        assert "下一位（1）" in text_of(clerk.get(reverse("halls:bar"), headers={"HX-Request": "true"}))
        clerk.post(reverse("halls:next"))
        assert "A001" in text_of(clerk.get(reverse("halls:bar"), headers={"HX-Request": "true"}))

    def test_a_counter_of_another_hall_is_not_there_for_a_clerk(self, hall: Hall, world: World) -> None:
        other = make_hall(world.hall_b_id)
        clerk = signed_in(world.clerk_a_id)
        clerk.post(reverse("halls:close"))

        page = clerk.get(reverse("halls:queue"))
        answer = clerk.post(reverse("halls:open"), {"counter_id": other.counters.all()[0].pk})

        assert "临江" not in text_of(page)
        assert answer.status_code == 404

    def test_a_break_needs_its_reason_and_shows_it_to_the_manager(self, hall: Hall, world: World) -> None:
        clerk = signed_in(world.clerk_a_id)

        assert "请写明暂停的原因" in text_of(clerk.post(reverse("halls:pause"), {"reason": ""}, follow=True))
        clerk.post(reverse("halls:pause"), {"reason": "核对票据"})

        assert "核对票据" in text_of(signed_in(world.manager_id).get(reverse("halls:hall", args=[CODE])))


class TestTheGuideDesk:
    """The kiosk sends whoever needs help there."""

    def form(self, **changed: str) -> dict[str, str]:
        """What the page sends."""
        return {"form_key": "one", "hall": CODE, "kind": "pay", "who": "", **changed}

    def test_takes_a_ticket_for_somebody_with_or_without_an_account(self, hall: Hall, world: World) -> None:
        clerk, guide = signed_in(world.clerk_a_id), reverse("halls:guide")

        taken = clerk.post(guide, self.form(who=world.residential.account_no, is_green="on"), follow=True)
        again = clerk.post(guide, self.form(who=world.residential.account_no, is_green="on"), follow=True)
        clerk.post(guide, self.form(form_key="two"))

        assert "A001" in text_of(taken) and "A001" in text_of(again)
        first, second = Ticket.objects.order_by("pk")
        assert (first.channel, first.priority, first.account_id) == ("counter", "green", world.residential.account_id)
        assert (second.priority, second.account_id) == ("normal", None)
        assert set(TicketEvent.objects.values_list("user_id", flat=True)) == {world.clerk_a_id}

    def test_says_what_is_wrong_and_keeps_what_was_typed(self, hall: Hall, world: World) -> None:
        make_hall(world.hall_b_id, skills=("pay",))
        clerk, guide = signed_in(world.clerk_a_id), reverse("halls:guide")

        unknown = clerk.post(guide, self.form(who="9999999999"))
        abroad = clerk.post(guide, self.form(hall="T42990201"))

        assert unknown.status_code == abroad.status_code == 422
        assert "没有这个户号或电话" in text_of(unknown) and "9999999999" in unknown.content.decode()
        assert not Ticket.objects.exists()

    def test_finds_an_account_by_its_telephone_unless_there_are_several(self, world: World) -> None:
        mine, other = (Account.objects.get(pk=one.account_id).customer for one in world.accounts[:2])
        phone = mine.phone

        assert account_said(phone) == world.accounts[0].account_id
        Customer.objects.filter(pk=other.pk).update(phone_index=mine.phone_index)
        with pytest.raises(SeveralAccounts):
            account_said(phone)


class TestTheManager:
    def test_comes_from_the_cockpit_to_the_part_and_month_asked_for(self, hall: Hall, world: World) -> None:
        other = make_hall(world.hall_b_id)
        leader = signed_in(make_user("a_leader", OrgUnit.objects.get(pk=world.province_id), "leader").pk)
        ticket = take(hall, at=timezone.now())
        Ticket.objects.filter(pk=ticket.ticket_id).update(day=date(2026, 1, 15), waited_s=600)

        def rows(asked: str, who: Client = leader) -> list[tuple[int, int]]:
            page = who.get(reverse("halls:halls") + asked)
            return [(row.hall.hall_id, row.served) for row in page.context["rows"]]

        assert rows("") == [(hall.pk, 0), (other.pk, 0)]
        assert rows(f"?unit={world.hall_a_id}&cycle=202601") == [(hall.pk, 1)]
        assert rows(f"?unit={world.county_a_id}") == [(hall.pk, 0)]
        assert rows("?unit=x&cycle=999999") == [(hall.pk, 0), (other.pk, 0)]
        # Nothing beyond one's own scope.
        assert rows(f"?unit={world.hall_b_id}", signed_in(world.manager_id)) == [(hall.pk, 0)]

    def test_is_told_to_open_another_counter_where_that_helps(self, hall: Hall, world: World) -> None:
        for _ in range(12):
            take(hall, at=timezone.now(), kind="change")

        page = text_of(signed_in(world.manager_id).get(reverse("halls:hall", args=[CODE])))

        assert re.search(r"变更用电预计要等 \d+ 分钟，超过目标。再开一个窗口，约 \d+ 分钟", page)

    def test_closes_a_counter_whose_clerk_has_gone(self, hall: Hall, world: World) -> None:
        manager, clerk = signed_in(world.manager_id), signed_in(world.clerk_a_id)
        counter = hall.counters.get(number=1)
        close = reverse("halls:close_counter", args=[CODE])
        assert clerk.post(close, {"counter_id": counter.pk}).status_code == 403

        take(hall, at=timezone.now())
        clerk.post(reverse("halls:next"))
        said = text_of(manager.post(close, {"counter_id": counter.pk}, follow=True))

        assert "1 号窗口已关闭。A001 号回到队列" in said
        assert "现在没有人值守" in text_of(manager.post(close, {"counter_id": counter.pk}, follow=True))
        assert "没有找到这个窗口" in text_of(manager.post(close, {"counter_id": "x"}, follow=True))

    def test_finds_no_hall_of_somebody_else(self, world: World) -> None:
        make_hall(world.hall_b_id)
        manager = signed_in(world.manager_id)

        assert manager.get(reverse("halls:hall", args=["T42990201"])).status_code == 404
        assert "临江" not in text_of(manager.get(reverse("halls:halls")))


class TestTheWall:
    def test_shows_number_and_counter_and_where_to_listen(self, hall: Hall, world: World, settings: Any) -> None:
        settings.WEBSOCKET_URL = "ws://*:9"
        take(hall, at=timezone.now(), account_id=world.residential.account_id, taken_by_id=world.clerk_a_id)
        call_next(clerk_id=world.clerk_a_id, at=timezone.now())

        page = Client().get(reverse("halls:screen", args=[CODE]))
        state = Client().get(reverse("halls:screen_state", args=[CODE])).json()

        assert "A001 1 号窗口" in text_of(page)
        assert "张三" not in page.content.decode()
        assert f'data-socket="ws://*:9/live/hall-screen/{CODE}/"' in page.content.decode()
        assert (state["calls"][0]["number"], state["calls"][0]["counter"]) == ("A001", 1)
        start_serving(clerk_id=world.clerk_a_id, at=timezone.now())
        assert Client().get(reverse("halls:screen_state", args=[CODE])).json()["calls"][0]["is_serving"]


class TestTheDisplay:
    @pytest.mark.acceptance("000-60")
    def test_shows_prices_outages_and_how_to_save(self, hall: Hall, world: World) -> None:
        """Tariffs in force, interruptions made known (no drafts), texts of today, savings at today's price."""
        today, now = timezone.localdate(), timezone.now()
        starts_at = now + timedelta(days=8)
        for area, is_known in (("桂花路一带", True), ("只是草稿", False)):
            outage_id = draft_outage(
                kind="planned",
                org_unit_id=world.county_a_id,
                area=area,
                reason="检修",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=4),
                transformer_district_ids=[world.transformer_district_id],
                by_id=world.manager_id,
                at=now,
            )
            if is_known:
                approve_outage(outage_id=outage_id, by_id=world.administrator_id, at=now)
                publish_outage(outage_id=outage_id, by_id=world.manager_id, at=now)
        for title, hall_id, days in (("随手关灯", None, 1), ("本厅周六讲座", hall.pk, 1), ("过期的", hall.pk, 0)):
            DisplayNote.objects.create(
                hall_id=hall_id,
                kind="saving",
                title=title,
                text="说明",
                from_on=date(2020, 1, 1),
                until_on=date.fromordinal(today.toordinal() + days),
            )

        page = text_of(Client().get(reverse("halls:display", args=[CODE])))

        assert "随手关灯" in page and "本厅周六讲座" in page and "过期的" not in page
        # 51 W for 4 hours a day are 74 kWh a year.
        assert "每天 4 小时，一年省 74 度" in page
        assert "桂花路一带" in page and "检修" in page and "只是草稿" not in page
        assert re.search(r"第一档|一档|居民", page) and re.search(r"0\.\d{3,}", page)

    def test_a_text_is_put_up_and_taken_down(self, hall: Hall, world: World) -> None:
        manager = signed_in(world.manager_id)
        typed = {"kind": "notice", "title": "春节营业", "text": "初一到初三休息", "from_on": "2026-01-01"}
        address = reverse("halls:notes", args=[CODE])

        assert manager.post(address, {**typed, "until_on": "2025-01-01"}).status_code == 422
        manager.post(address, {**typed, "until_on": "2100-01-01"})
        assert "春节营业" in text_of(Client().get(reverse("halls:display", args=[CODE])))
        manager.post(address, {"remove": str(DisplayNote.objects.get().pk)})

        assert not DisplayNote.objects.exists()


class TestTheCircle:
    @pytest.mark.acceptance("000-67")
    def test_shows_the_share_the_blocks_out_of_reach_and_what_a_point_would_add(self, hall: Hall, world: World) -> None:
        """Three of four accounts live 300 m from the hall, one 5 km away; a point beside it would bring it in."""
        accounts = [account.premise_id for account in world.accounts]
        Premise.objects.filter(pk__in=accounts[:3]).update(longitude="112.860000", latitude="30.622700")
        Premise.objects.filter(pk=accounts[3]).update(longitude="112.860000", latitude="30.665000")
        district = Premise.objects.get(pk=accounts[3]).transformer_district
        district.pk, district.code, district.name = None, "T-D2", "远郊公变"
        district.save()
        Premise.objects.filter(pk=accounts[3]).update(transformer_district=district)
        PayPoint.objects.create(
            code="H1", kind="hall", name="东湖营业厅", longitude="112.860000", latitude="30.620000",
            org_unit_id=world.county_a_id, hall=hall,
        )  # fmt: skip
        leader = signed_in(self.leader(world))

        page = leader.get(reverse("halls:circle"))
        asked = leader.get(reverse("halls:circle"), {"lon": "112.861", "lat": "30.6652"})

        circle = page.context["circle"]
        assert (circle.customers, circle.within, circle.percent) == (4, 3, "75.0 %")
        assert (circle.kinds[0].kind, circle.kinds[0].customers) == ("hall", 3)
        assert [block.name for block in circle.uncovered] == ["远郊公变"]
        assert circle.uncovered[0].nearest_m == pytest.approx(5_004 * 1.3, rel=0.01)
        assert [(site.gain, site.percent) for site in circle.sites] == [(1, "100.0 %")]
        assert "远郊公变" in text_of(page)
        assert "在选的位置设一处，多 1 户走得到，占比到 100.0 %" in text_of(asked)

    def test_a_place_that_is_none_is_refused_beside_its_field(self, hall: Hall, world: World) -> None:
        answer = signed_in(self.leader(world)).get(reverse("halls:circle"), {"lon": "abc", "lat": "30"})

        assert answer.status_code == 422

    @staticmethod
    def leader(world: World) -> int:
        """Somebody who may see the circle of the whole province."""
        return make_user("a_leader", OrgUnit.objects.get(pk=world.province_id), "leader").pk
