"""What is agreed beside tariff and capacity, and what a utility chose: by whom, from when, on which pages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cis.models import Bill, FreeEnergyRight, RatingSwitches, SupplyLoss, SupplyPart, Tariff
from cis.operations import billing, supply_terms
from cis.operations.dated_sets import SetLiesBack, SourceMissing
from cis.operations.rating_switches import SwitchNotPossible, choose
from cis.queries.rating_switches import SwitchSets
from cis.queries.running_bills import running_bill
from cis.queries.supply_terms import list_terms
from config.shared.errors import BadInput, Refused
from config.shared.models import User
from tests.factories.world import World, small_world

AT = datetime(2026, 2, 16, 2, tzinfo=UTC)
ON = date(2026, 2, 1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world(at=AT)


def client_of(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def loss(world: World, **more: Any) -> int:
    asked: dict[str, Any] = {
        "account_id": world.commercial.account_id, "method": "table", "month_kwh": Decimal("1037"),
        "month_kvarh": Decimal("7200"), "iron_kw": Decimal(), "iron_kvar": Decimal(), "coefficient": Decimal(),
        "coefficient_k": Decimal(), "line_loss_pct": Decimal(3), "source": "合同第 5 条", "from_on": ON,
    }  # fmt: skip
    return supply_terms.agree_loss(**asked | more)


def part(world: World, **more: Any) -> int:
    asked: dict[str, Any] = {
        "account_id": world.commercial.account_id, "kind": 3, "point_no": "", "month_kwh": 800, "ratio_pct": Decimal(),
        "tariff_id": Tariff.objects.get(code="GD-GZ-RES").pk, "price_class": 1, "source": "合同第 6 条", "from_on": ON,
    }  # fmt: skip
    return supply_terms.agree_part(**asked | more)


class TestAgreeing:
    def test_another_loss_takes_the_place_of_the_one_before(self, world: World):
        first = loss(world)
        second = loss(world, line_loss_pct=Decimal("2.5"), from_on=date(2026, 3, 1))

        held = {row.pk: (row.valid.lower, row.valid.upper) for row in SupplyLoss.objects.all()}
        assert held == {first: (ON, date(2026, 3, 1)), second: (date(2026, 3, 1), None)}
        assert SupplyLoss.objects.get(pk=first).line_loss_e6 == 30_000

    def test_not_for_days_that_are_billed(self, world: World):
        billing.issue_bill_now(account_id=world.commercial.account_id, cycle=world.cycles[-1], issued_by_id=None, at=AT)
        end = Bill.objects.get(account_id=world.commercial.account_id).period_end

        with pytest.raises(supply_terms.SupplyTermsRefused, match="已经发行"):
            loss(world, from_on=date(2026, 1, 15))
        assert loss(world, from_on=end)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"source": " "},
            {"method": "guess"},
            {"month_kwh": Decimal("-1")},
            {"month_kwh": Decimal(0)},
            {"line_loss_pct": Decimal(100)},
            {"method": "formula"},
            {"method": "none", "line_loss_pct": Decimal(0)},
        ],
    )
    def test_a_loss_that_cannot_be_is_refused(self, world: World, wrong: dict[str, Any]):
        with pytest.raises(BadInput):
            loss(world, **wrong)
        assert not SupplyLoss.objects.exists()

    def test_a_part_has_a_price_of_energy_alone(self, world: World):
        with pytest.raises(supply_terms.SupplyTermsRefused, match="电度电价"):
            part(world, tariff_id=Tariff.objects.get(code="HB-RES").pk)
        with pytest.raises(Refused, match="计量点"):
            part(world, kind=2, point_no="NONE")
        assert part(world)

    def test_what_is_agreed_ends_on_a_day_and_stays_on_record(self, world: World):
        term = part(world)

        supply_terms.end_term(
            account_id=world.commercial.account_id, kind="part", term_id=term, from_on=date(2026, 4, 1)
        )

        assert SupplyPart.objects.get(pk=term).valid.upper == date(2026, 4, 1)
        assert [one.is_current for one in list_terms(world.commercial.account_id, today=date(2026, 5, 1))] == [False]
        with pytest.raises(supply_terms.SupplyTermsRefused):
            supply_terms.end_term(
                account_id=world.commercial.account_id, kind="part", term_id=term, from_on=date(2026, 5, 1)
            )


class TestWhatIsForetold:
    def test_waits_for_the_bill_where_more_than_a_price_is_agreed(self, world: World):
        part(world)

        found = running_bill(world.commercial.account_id, today=date(2026, 2, 16))

        assert found is not None
        assert found.middle_fen is None
        assert "损耗、分表、免费电量" in found.why_not


class TestPages:
    def test_agree_look_and_end(self, world: World):
        accountant, no = client_of("accountant"), world.residential.account_no
        asked = {"kwh_per_month": "15", "from_on": "2026-06-01", "until": "", "source": "低保证 0001"}

        assert accountant.post(reverse("cis:supply_agree", args=[no, "free"]), asked).status_code == 302
        page = accountant.get(reverse("cis:supply", args=[no])).content.decode()
        term = FreeEnergyRight.objects.get()
        ended = accountant.post(reverse("cis:supply_end", args=[no, "free", term.pk]), {"from_on": "2026-07-01"})

        assert "低保证 0001" in page and "每月 15 度" in page
        assert ended.status_code == 302
        term.refresh_from_db()
        assert term.valid.upper == date(2026, 7, 1)

    def test_says_what_is_wrong_and_keeps_what_was_typed(self, world: World):
        address = reverse("cis:supply_agree", args=[world.commercial.account_no, "loss"])

        answer = client_of("accountant").post(
            address, {"method": "table", "from_on": "2026-06-01", "source": "合同第 5 条", "line_loss_pct": "3"}
        )

        assert answer.status_code == 422
        assert "每月的有功损耗" in answer.content.decode() and "合同第 5 条" in answer.content.decode()


class TestChoosing:
    def test_takes_the_place_of_what_was_chosen_and_leaves_days_that_are_over(self, world: World):
        choose(values={"tier_year_start": 12}, source="文 1", from_on=date(2026, 3, 1), org_unit_id=world.county_a_id,
               set_by_id=world.administrator_id, at=AT)  # fmt: skip
        choose(values={"proration": "by_days"}, source="文 2", from_on=date(2026, 4, 1), org_unit_id=world.county_a_id,
               set_by_id=world.administrator_id, at=AT)  # fmt: skip

        sets = SwitchSets()
        assert sets.of_unit(world.county_a_id, date(2026, 3, 31))["tier_year_start"] == 12
        assert sets.of_unit(world.county_a_id, date(2026, 4, 1))["tier_year_start"] == 1
        assert sets.of_unit(world.county_b_id, date(2026, 4, 1))["proration"] == "by_frozen_reading"
        with pytest.raises(SetLiesBack):
            choose(values={}, source="文 3", from_on=date(2026, 2, 1), org_unit_id=world.county_a_id,
                   set_by_id=world.administrator_id, at=AT)  # fmt: skip

    @pytest.mark.parametrize(
        "wrong",
        [{"rounding": "down"}, {"proration": "by_moon"}, {"tier_year_start": 13}, {"allocation": "principal_first"}],
    )
    def test_what_is_unknown_is_refused(self, world: World, wrong: dict[str, Any]):
        with pytest.raises(SwitchNotPossible):
            choose(values=wrong, source="文", from_on=date(2026, 3, 1), org_unit_id=None,
                   set_by_id=world.administrator_id, at=AT)  # fmt: skip
        with pytest.raises(SourceMissing):
            choose(values={}, source=" ", from_on=date(2026, 3, 1), org_unit_id=None,
                   set_by_id=world.administrator_id, at=AT)  # fmt: skip
        assert not RatingSwitches.objects.exists()

    def test_on_the_page_only_what_differs_is_kept(self, world: World):
        administrator = client_of("administrator")
        form = administrator.get(reverse("cis:switches_change"), {"unit": world.county_a_id})
        fields = {field.name: field.value() for field in form.context["form"]}

        answer = administrator.post(
            f"{reverse('cis:switches_change')}?unit={world.county_a_id}",
            fields | {"from_on": "2099-01-01", "source": "会议纪要", "free_kwh_method": "deduct_before_tiering"},
        )

        assert answer.status_code == 302
        kept = RatingSwitches.objects.get()
        assert (kept.values, kept.org_unit_id) == ({"free_kwh_method": "deduct_before_tiering"}, world.county_a_id)
        page = administrator.get(reverse("cis:switches"), {"unit": world.county_a_id}).content.decode()
        assert "会议纪要" in page and "分档以前先减去" in page
