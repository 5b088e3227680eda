"""Drafts of tariffs tried on what a small utility was billed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import translation

from cis.demo.tariffs import carry_tariffs_over
from cis.laboratory import list_figures
from cis.models import (
    Bill,
    ReadingRoute,
    TariffDraft,
    TariffTrial,
    TariffVersion,
    TransformerDistrict,
    TrialAccount,
    TrialGroupMember,
)
from cis.models.customers import SupplyContract
from cis.operations import billing, tariff_trials
from cis.operations.tariff_trials import TrialPopulation, start_trial
from cis.queries import tariff_trials as trials
from cis.rating import Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared import jobs
from config.shared.errors import NotFound
from config.shared.models import Job, OrgUnit, User
from tests.factories.world import COMMERCIAL_TOU_TARIFF, RESIDENTIAL_TARIFF, World, make_account, small_world

AT = datetime(2026, 2, 3, 2, tzinfo=UTC)
MINE = ("cis_tariff_draft", "cis_tariff_trial", "cis_trial_account", "cis_trial_group_member")
OF_JOBS = ("shared_job", "shared_job_shard", "shared_outbox_event", "shared_outbox_delivery")


pytestmark = pytest.mark.usefixtures("undone")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The small utility with three months billed, once for the whole module."""
    with django_db_blocker.unblock(), transaction.atomic():
        translation.activate(settings.LANGUAGE_CODE)
        yield billed_world()
        transaction.set_rollback(True)


@pytest.fixture
def undone(world: World) -> Iterator[None]:
    """Whatever a test does is undone after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def billed_world() -> World:
    """Every month billed."""
    world = small_world(at=AT)
    for cycle in world.cycles:
        billing.start_run(cycle=cycle, org_unit_id=None, created_by_id=None, at=AT)
        jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])
    assert Bill.objects.count() == len(world.accounts) * len(world.cycles)
    return world


def tried(
    world: World,
    changes: dict[str, str],
    *,
    tariff: str = RESIDENTIAL_TARIFF,
    own: bool = True,
    unit: int | None = None,
    groups: bytes | None = None,
    shard_size: int = 10_000,
) -> trials.TrialPage:
    """A trial done to its end."""
    version = TariffVersion.objects.filter(tariff__code=tariff, valid__contains=AT.date()).get()
    trial_id = start_trial(
        base_version_id=version.pk,
        name="试一试",
        changes=changes,
        population=TrialPopulation(unit, None, own, world.cycles[0], world.cycles[-1]),
        group_list=groups,
        created_by_id=world.accountant_id,
        at=AT,
        shard_size=shard_size,
    )
    jobs.work_on(job_id=TariffTrial.objects.values_list("job_id", flat=True).get(pk=trial_id) or 0)
    page = trials.get_trial(trial_id)
    assert page.trial.state == "done"
    return page


def everything() -> dict[str, tuple[int, str]]:
    """Rows and checksum of every table but those of trials and of the machinery of jobs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found = {}
        for (table,) in cursor.fetchall():
            if table not in (*MINE, *OF_JOBS):
                cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
                rows = [row[0] for row in cursor.fetchall()]
                found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return found


class TestADraftEqualToTheTariff:
    @pytest.mark.acceptance("F18")
    @pytest.mark.parametrize("tariff", [RESIDENTIAL_TARIFF, COMMERCIAL_TOU_TARIFF])
    def test_changes_nothing_for_any_account_and_touches_no_live_row(self, world: World, tariff: str) -> None:
        before = everything()
        assert before["cis_bill"][0] and before["cis_ledger_transfer"][0]

        page = tried(world, {}, tariff=tariff, shard_size=2)

        assert page.changes == () and page.left_out == ()
        assert page.whole is not None
        assert page.whole.billed_fen == page.whole.draft_fen > 0
        assert (page.whole.winners, page.whole.losers, page.whole.saved_fen, page.whole.added_fen) == (0, 0, 0, 0)
        assert [bar.accounts for bar in page.bars if bar.accounts] == [page.whole.accounts]
        assert not TrialAccount.objects.exists()
        assert everything() == before


class TestADraftWithOtherPrices:
    @pytest.mark.acceptance("F18")
    def test_says_who_pays_how_much_more_and_adds_up(self, world: World) -> None:
        on_it = SupplyContract.objects.filter(tariff__code=RESIDENTIAL_TARIFF).values_list("account_id", flat=True)
        bills = Bill.objects.filter(account_id__in=list(on_it))

        page = tried(world, {"0.price_yuan.0": "0.608"}, shard_size=1)

        # Five fen a kWh more in the first tier: all energy of these months lies in it or above it.
        assert page.whole is not None
        assert page.whole.accounts == len(on_it) == page.whole.losers
        assert page.whole.bills == bills.count()
        assert page.whole.billed_fen == sum(bill.total_fen for bill in bills)
        assert page.whole.energy_kwh_e2 == sum(bill.energy_kwh_e2 for bill in bills)
        accounts = list(TrialAccount.objects.filter(trial_id=page.trial.trial_id))
        assert sum(row.difference_fen for row in accounts) == page.whole.difference_fen > 0
        for row in accounts:
            own = [bill for bill in bills if bill.account_id == row.account_id]
            assert row.difference_fen == sum((bill.energy_kwh_e2 * 5 + 50) // 100 for bill in own)
        for grouping in {group.grouping for group in page.groups}:
            of_one = [group for group in page.groups if group.grouping == grouping]
            assert sum(group.difference_fen for group in of_one) == page.whole.difference_fen
            assert sum(group.accounts for group in of_one) == page.whole.accounts
        assert [(change.figure.value, change.drafted) for change in page.changes] == [("0.558", "0.608")]

    def test_is_tried_on_every_tariff_where_that_is_wanted_and_on_a_part_of_the_house_only(self, world: World) -> None:

        own = tried(world, {}, own=True)
        every = tried(world, {}, own=False)
        here = tried(world, {}, own=False, unit=world.county_a_id)

        assert own.whole and every.whole and here.whole
        assert own.whole.accounts < every.whole.accounts == len(world.accounts)
        assert here.whole.accounts < every.whole.accounts
        assert every.whole.billed_fen == sum(Bill.objects.values_list("total_fen", flat=True))

    def test_is_summed_by_the_groups_of_a_list_which_is_gone_afterwards(self, world: World) -> None:
        listed = (
            f"户号,收入\n{world.residential.account_no},低收入\n{world.residential_day_15.account_no},其他\n99,其他\n"
        )

        page = tried(world, {"0.price_yuan.0": "0.5"}, own=False, groups=listed.encode())

        named = {row.name: row.accounts for row in page.groups if row.grouping == "名单分组"}
        assert named == {"低收入": 1, "其他": 1, "不在名单里": len(world.accounts) - 2}
        assert page.unknown_in_list == 1
        assert not TrialGroupMember.objects.exists()

    def test_leaves_out_bills_that_are_not_what_their_version_gives(self, world: World) -> None:
        bill = Bill.objects.filter(account_id=world.residential.account_id).first()
        assert bill is not None
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cis_tariff_version SET rules = jsonb_set(rules, '{0,price_yuan,0}', '\"0.5\"') WHERE id = %s",
                [bill.tariff_version_id],
            )

        page = tried(world, {})

        assert dict(page.left_out) == {
            tariff_trials.NOT_RECOMPUTED: Bill.objects.filter(tariff_version_id=bill.tariff_version_id).count()
        }

    def test_that_cannot_price_a_bill_says_so(self, world: World) -> None:

        page = tried(world, {}, tariff=COMMERCIAL_TOU_TARIFF, own=False)

        # Meters without periods cannot be billed by time of use.
        assert page.whole is not None
        assert dict(page.left_out)[tariff_trials.NOT_PRICED] + page.whole.bills == Bill.objects.count()


class TestATwoPartTariff:
    TARIFF = "HB-2026-01-2P-10"

    def test_is_tried_with_what_the_basic_charge_was_computed_from(self, world: World) -> None:
        carry_tariffs_over(from_day=date(2025, 9, 1), to_day=date(2027, 3, 1), prefix=self.TARIFF)
        energy = {
            Register.TOTAL: (1750,) * 3, Register.SHARP: (200,) * 3, Register.PEAK: (450,) * 3,
            Register.FLAT: (800,) * 3, Register.VALLEY: (300,) * 3,
        }  # fmt: skip
        for number, capacity in (("4290000771", 1630), ("4290000772", 400)):
            works = make_account(
                number, "东湖纺织", OrgUnit.objects.get(pk=world.county_a_id),
                ReadingRoute.objects.get(pk=world.route_day_0_id),
                TransformerDistrict.objects.get(pk=world.transformer_district_id), self.TARIFF, world.cycles, energy,
                price_class=SupplyContract.PriceClass.INDUSTRIAL, ct_ratio=40, capacity_kva=capacity,
            )  # fmt: skip
            SupplyContract.objects.filter(pk=works.contract_id).update(demand_mode=DemandMode.CAPACITY)
            billing.issue_bill_now(account_id=works.account_id, cycle=world.cycles[0], issued_by_id=None, at=AT)
        version = TariffVersion.objects.filter(tariff__code=self.TARIFF, valid__contains=AT.date()).get()
        (price,) = [f for f in list_figures(version.rules) if f.unit == "yuan_per_kva_month"]

        same = tried(world, {}, tariff=self.TARIFF)
        dearer = tried(world, {price.key: str(Decimal(price.value) + 1)}, tariff=self.TARIFF)

        assert same.left_out == dearer.left_out == ()
        assert same.whole is not None and dearer.whole is not None
        assert (same.whole.accounts, same.whole.difference_fen) == (2, 0)
        assert dearer.whole.difference_fen == (1630 + 400) * 100


class TestRefusals:
    def test_rules_that_cannot_be_priced_months_and_lists_are_refused_before_anything_is_kept(
        self, world: World
    ) -> None:
        version = TariffVersion.objects.filter(tariff__code=RESIDENTIAL_TARIFF, valid__contains=AT.date()).get()

        def start(
            changes: dict[str, str], months: tuple[int, int] = (202511, 202601), groups: bytes | None = None
        ) -> int:
            return start_trial(
                base_version_id=version.pk, name="x", changes=changes,
                population=TrialPopulation(None, None, True, *months), group_list=groups,
                created_by_id=world.accountant_id, at=AT,
            )  # fmt: skip

        for changes, reason in (
            ({"0.price_yuan.0": "abc"}, "ill_typed"),
            ({"0.price_yuan.0": "-1"}, "negative_price"),
            ({"0.upper_kwh.0": "9999"}, "bounds_not_rising"),
        ):
            with pytest.raises(tariff_trials.DraftRefused) as refused:
                start(changes)
            assert refused.value.facts["reason"] == reason
        with pytest.raises(tariff_trials.DraftRefused, match=r"0\.kind"):
            start({"0.kind": "funds"})
        for months in ((202513, 202601), (202601, 202512), (202001, 202601)):
            with pytest.raises(tariff_trials.TrialMonthsRefused):
                start({}, months)
        with pytest.raises(tariff_trials.GroupListRefused, match="2"):
            start({}, groups=b"1,a\n1,b\n")
        assert not TariffDraft.objects.exists() and not TariffTrial.objects.exists()

    def test_a_part_of_the_house_that_is_not_ones_own_is_refused_and_not_seen(self, world: World) -> None:
        version = TariffVersion.objects.filter(tariff__code=RESIDENTIAL_TARIFF, valid__contains=AT.date()).get()
        mine = [OrgUnit.objects.get(pk=world.county_a_id).path]

        def start(unit: int | None) -> int:
            return start_trial(
                base_version_id=version.pk, name="x", changes={},
                population=TrialPopulation(unit, None, True, 202511, 202601), group_list=None,
                created_by_id=world.accountant_id, at=AT, within=mine,
            )  # fmt: skip

        for unit in (world.county_b_id, world.province_id, None):
            with pytest.raises(tariff_trials.TrialOutsideScope):
                start(unit)
        trial_id = start(world.county_a_id)
        assert trials.get_trial(trial_id, within=mine).trial.trial_id == trial_id
        theirs = [OrgUnit.objects.get(pk=world.county_b_id).path]
        with pytest.raises(NotFound):
            trials.get_trial(trial_id, within=theirs)
        with pytest.raises(NotFound):
            tariff_trials.cancel_trial(trial_id=trial_id, at=AT, within=theirs)
        tariff_trials.cancel_trial(trial_id=trial_id, at=AT, within=mine)
        assert trials.get_trial(trial_id).trial.state == "cancelled"

    def test_a_draft_is_never_changed_and_a_difference_is_what_it_says(self, world: World) -> None:
        page = tried(world, {"0.price_yuan.0": "0.6"})

        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            TariffDraft.objects.update(name="y")
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            TariffDraft.objects.all().delete()
        with pytest.raises(IntegrityError), transaction.atomic():
            TrialAccount.objects.filter(trial_id=page.trial.trial_id).update(difference_fen=1)


class TestPages:
    def test_lead_from_a_tariff_to_who_pays_less_and_out_of_the_house(self, world: World) -> None:
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id), "django.contrib.auth.backends.ModelBackend")
        tariff_id = TariffVersion.objects.filter(tariff__code=RESIDENTIAL_TARIFF)[0].tariff_id
        new = reverse("cis:tariff_trial_new")
        assert f'value="{tariff_id}"' in client.get(new).content.decode()
        form = client.get(f"{new}?tariff={tariff_id}").content.decode()
        assert "阶梯电价 · 第 1 档" in form and 'name="figure-0-price_yuan-0" value="0.558"' in form
        typed = {
            "name": "第一档降一角", "first_cycle": world.cycles[0], "last_cycle": world.cycles[-1], "org_unit": "",
            "price_class": "", "figure-0-price_yuan-0": "0.458", "figure-0-price_yuan-1": "0.608",
            "figure-0-price_yuan-2": "0.858", "figure-0-upper_kwh-0": "2160", "figure-0-upper_kwh-1": "4800",
        }  # fmt: skip

        wrong = client.post(f"{new}?tariff={tariff_id}", typed | {"figure-0-price_yuan-0": "0.9"})
        begun = client.post(f"{new}?tariff={tariff_id}", typed)

        assert (wrong.status_code, begun.status_code) == (409, 302)
        assert "高档的电价不能低于低档" in wrong.content.decode()
        assert 'value="0.9"' in wrong.content.decode()
        trial = TariffTrial.objects.get()
        running = client.get(begun["Location"]).content.decode()
        assert "every 2s" in running and "停下" in running
        jobs.work_on(job_id=trial.job_id or 0)
        done = client.get(begun["Location"]).content.decode()
        whole = trials.get_trial(trial.pk).whole
        assert whole is not None and whole.winners == whole.accounts > 0
        assert f"{whole.winners} 户少交，0 户多交，0 户不变" in done and "0.558 → 0.458" in done
        assert "every 2s" not in done
        groups = reverse("cis:tariff_trial_groups", args=[trial.pk])
        lines = client.get(f"{groups}?export=csv").getvalue().decode("utf-8-sig").splitlines()
        assert len(lines) == 1 + len(trials.get_trial(trial.pk).groups) + 1
        assert client.get(f"{groups}?export=xlsx").status_code == 200
        accounts = client.get(reverse("cis:tariff_trial_accounts", args=[trial.pk]) + "?side=less").content.decode()
        assert world.residential.account_no in accounts
        nobody = client.get(reverse("cis:tariff_trial_accounts", args=[trial.pk]) + "?side=more").content.decode()
        assert world.residential.account_no not in nobody
