"""Anybody looks up the legal price of an address and reports an overcharge; nobody learns who lives there."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.test import Client

from cis.models import Account, Customer, OverchargeReport, Premise
from cis.operations import overcharges
from cis.queries.price_check import check_price
from config.shared.models import Message, User
from tests.factories.portal import signed_in
from tests.factories.world import RESIDENTIAL_TARIFF, World, small_world

pytestmark = pytest.mark.django_db

PAGE, REPORT = "/price-check/", "/price-check/report/"


@pytest.fixture
def world() -> World:
    cache.clear()
    return small_world()


def asked(where: str = "", energy: str = "", paid: str = "", client: Client | None = None) -> str:
    """What the page answers somebody who never signed in."""
    answer = (client or Client()).post(PAGE, {"where": where, "energy": energy, "paid": paid})
    assert answer.status_code == 200
    return answer.content.decode()


def without_forms(text: str) -> str:
    """What the page says, without what was typed and the keys of forms."""
    return re.sub(r"<form.*?</form>", "", text[text.index("<main") : text.index("</main>")], flags=re.DOTALL)


def report(world: World, **changed: object) -> overcharges.Taken:
    values: dict[str, object] = {
        "where": "东湖区桂苑路1号 1栋101室",
        "charged_by": "landlord",
        "text": "每度收 1.5 元",
        "energy_kwh_e2": 100_00,
        "paid_fen": 150_00,
        "telephone": "13800000044",
        "language": "zh-hans",
        "form_key": "f" * 32,
        "asked_from": "192.0.2.1",
        "at": world.at,
    }
    return overcharges.report_overcharge(**(values | changed))  # type: ignore[arg-type]


class TestThePriceOfAPlace:
    @pytest.mark.acceptance("001-26")
    def test_is_shown_for_an_account_number_and_for_an_address(self, world: World) -> None:
        tier, address = "0.5580", "桂苑路1号"

        by_number, by_address = asked(world.residential.account_no), asked(address)

        assert tier in by_number and tier in by_address
        assert "电力法第四十四条" in by_number and "举报多收电费" in by_number
        shop = check_price(where=world.commercial.account_no, today=world.at.date())
        assert "工商业" in shop.tariffs[0].board.name

    @pytest.mark.acceptance("001-26")
    def test_says_what_was_charged_too_much_however_it_was_used(self, world: World) -> None:
        rules = check_price(where=world.residential.account_no, energy_kwh_e2=100_00, today=world.at.date())
        most = max(one.legal.most_fen for one in rules.tariffs if one.legal)

        over = asked(world.residential.account_no, energy="100", paid=f"{(most + 1234) / 100:.2f}")
        fine = asked(world.residential.account_no, energy="100", paid=f"{most / 100:.2f}")

        assert "至少多收了 12.34 元" in over
        assert "多收了" not in without_forms(fine)

    @pytest.mark.acceptance("001-27")
    def test_tells_a_tenant_everything_and_nothing_of_the_holder(self, world: World) -> None:
        text = asked(world.residential.account_no, energy="100", paid="80")

        for needed in ("法定", "最少", "怎么看电费账单", "房东、物业可以收多少", "tel:12398", "tel:95598", "tel:12315"):
            assert needed in text, needed
        shown = without_forms(text)
        holder = Customer.objects.get(pk=world.residential.customer_id)
        for secret in (
            holder.name,
            holder.phone,
            holder.phone_last4,
            world.residential.account_no,
            world.residential.meter_no,
            "1栋101室",
        ):
            assert secret not in shown, secret

    @pytest.mark.acceptance("001-27")
    def test_does_not_say_whether_an_account_exists(self, world: World) -> None:
        Account.objects.filter(pk=world.residential_day_15.account_id).update(state="closed", closed_on=world.at.date())

        answers = {
            without_forms(asked(number))
            for number in (world.residential.account_no, world.residential_day_15.account_no, "9999999999")
        }

        assert len(answers) == 1

    def test_of_an_address_needs_several_accounts_there(self, world: World, settings: object) -> None:
        usual = check_price(today=world.at.date())
        shop = Premise.objects.get(pk=world.commercial.premise_id)

        alone = check_price(where=shop.address, today=world.at.date())
        settings.PRICE_CHECK_LEAST_ACCOUNTS = 1  # type: ignore[attr-defined]
        known = check_price(where=shop.address, today=world.at.date())

        assert [one.board.name for one in alone.tariffs] == [one.board.name for one in usual.tariffs]
        assert len(known.tariffs) == len(usual.tariffs) + 1

    def test_is_told_so_often_an_hour_only(self, world: World, settings: object) -> None:
        settings.PRICE_CHECKS_AN_HOUR = 2  # type: ignore[attr-defined]
        client = Client()
        asked(client=client)
        asked(client=client)

        answer = client.post(PAGE, {"where": ""})

        assert answer.status_code == 429
        assert "请过一会儿再查" in answer.content.decode()
        assert RESIDENTIAL_TARIFF not in answer.content.decode()


class TestAReport:
    @pytest.mark.acceptance("001-26")
    def test_goes_from_a_tenant_to_an_answer(self, world: World) -> None:
        tenant = Client()
        typed = {
            "form_key": "a" * 32,
            "charged_by": "landlord",
            "where": world.residential.account_no,
            "text": "每度收 1.5 元",
            "energy": "100",
            "paid": "150",
            "telephone": "13800000044",
        }

        sent = tenant.post(REPORT, typed)
        again = tenant.post(REPORT, typed)

        row = OverchargeReport.objects.get()
        assert (row.account_id, row.text, row.energy_kwh_e2, row.paid_fen) == (
            world.residential.account_id, "每度收 1.5 元", 100_00, 150_00,
        )  # fmt: skip
        assert row.most_fen is not None and 0 < row.most_fen < 150_00
        assert sent["Location"] == again["Location"], "the same form is one report"
        mine = Client().get(sent["Location"]).content.decode()
        assert str(row) in mine and "已受理" in mine
        clerk = signed_in(world.clerk_a_id)
        assert str(row) in clerk.get("/console/to-do/overcharges/").content.decode()
        clerk.post(f"/console/overcharges/{row.pk}/take/")
        assert "核实中" in Client().get(sent["Location"]).content.decode()
        clerk.post(f"/console/overcharges/{row.pk}/", {"answer": "已请房东按账单退还"})
        answered = Client().get(sent["Location"]).content.decode()
        assert "已答复" in answered and "已请房东按账单退还" in answered
        assert Message.objects.filter(template="overcharge-answered").count() == 1

    def test_keeps_every_word_when_it_cannot_be_taken(self, world: World, settings: object) -> None:
        settings.OVERCHARGE_REPORTS_A_DAY = 0  # type: ignore[attr-defined]
        typed = {"form_key": "b" * 32, "charged_by": "estate", "where": "桂苑", "text": "收了两次", "paid": "9.99"}

        refused = Client().post(REPORT, typed)
        wrong = Client().post(REPORT, typed | {"paid": "x"})

        assert (refused.status_code, wrong.status_code) == (429, 422)
        for answer in (refused, wrong):
            assert "收了两次" in answer.content.decode()

    def test_is_found_by_its_own_address_only(self, world: World) -> None:
        token = report(world).token

        assert Client().get(f"/price-check/reports/{token}/").status_code == 200
        for wrong in ("1", f"{token}x", f"9{token}"):
            assert Client().get(f"/price-check/reports/{wrong}/").status_code == 404

    def test_is_answered_once(self, world: World) -> None:
        report(world)
        row = OverchargeReport.objects.get()
        by = world.clerk_a_id
        overcharges.take_up(report_id=row.pk, taken_by_id=by, at=world.at)
        overcharges.take_up(report_id=row.pk, taken_by_id=by, at=world.at)
        with pytest.raises(overcharges.AlreadyTakenUp):
            overcharges.take_up(report_id=row.pk, taken_by_id=world.clerk_b_id, at=world.at)

        overcharges.answer_report(report_id=row.pk, text="已退还", answered_by_id=by, at=world.at)

        for again in (
            lambda: overcharges.answer_report(report_id=row.pk, text="又", answered_by_id=by, at=world.at),
            lambda: overcharges.take_up(report_id=row.pk, taken_by_id=by, at=world.at),
        ):
            with pytest.raises(overcharges.AlreadyAnswered):
                again()

    def test_is_never_rewritten(self, world: World) -> None:
        report(world)

        for change in ({"told_at": world.at}, {"text": "别的"}):
            with pytest.raises(DatabaseError), transaction.atomic():
                OverchargeReport.objects.update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            OverchargeReport.objects.all().delete()

    def test_is_no_strangers_to_read(self, world: World) -> None:
        report(world)
        row = OverchargeReport.objects.get()
        assert User.objects.get(username="stranger").pk == world.stranger_id

        for path in (f"/console/overcharges/{row.pk}/", "/console/overcharges/", "/console/to-do/overcharges/"):
            assert Client().get(path).status_code == 302
            assert signed_in(world.stranger_id).get(path).status_code == 403
            assert signed_in(world.clerk_b_id).get(path).status_code == 200
