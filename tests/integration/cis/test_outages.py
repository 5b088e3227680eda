"""An interruption of supply: drafted, approved by another, announced in time, changed, begun, over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from cis.models import Outage, OutageStep, TransformerDistrict
from cis.operations import outages
from cis.queries.outages import get_outage, known_to_account, list_outages
from config.shared.errors import Refused
from config.shared.models import OrgUnit, OutboxEvent
from tests.factories.portal import bind, signed_in
from tests.factories.world import World, make_user, small_world

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility."""
    return small_world()


def drafted(world: World, **more: Any) -> int:
    """Planned work in ten days, drafted by a clerk."""
    starts = timezone.now() + timedelta(days=10)
    return outages.draft_outage(
        **{
            "kind": "planned", "org_unit_id": world.county_a_id, "area": "桂苑小区", "reason": "更换变压器",
            "starts_at": starts, "ends_at": starts + 8 * HOUR, "by_id": world.clerk_a_id, "at": timezone.now(),
            "transformer_district_ids": [world.transformer_district_id], **more,
        }
    )  # fmt: skip


class TestTheWay:
    def test_from_a_draft_to_the_archive_with_every_step_kept(self, world: World) -> None:
        outage_id, at, by = drafted(world), timezone.now(), world.clerk_a_id

        with pytest.raises(outages.WrongState):
            outages.publish_outage(outage_id=outage_id, by_id=by, at=at)
        with pytest.raises(outages.OwnOutage):
            outages.approve_outage(outage_id=outage_id, by_id=by, at=at)
        outages.approve_outage(outage_id=outage_id, by_id=world.manager_id, at=at)
        assert known_to_account(world.residential.account_id, at=at) == []
        outages.publish_outage(outage_id=outage_id, by_id=by, at=at)
        outages.start_outage(outage_id=outage_id, by_id=by, at=at + 240 * HOUR)
        (row,) = known_to_account(world.residential.account_id, at=at + 241 * HOUR)
        assert row.is_now
        outages.restore_outage(outage_id=outage_id, by_id=by, at=at + 247 * HOUR)
        with pytest.raises(outages.WrongState):
            outages.cancel_outage(outage_id=outage_id, reason="改期", by_id=by, at=at)
        outages.close_outage(outage_id=outage_id, by_id=by, at=at + 248 * HOUR)

        states = list(OutageStep.objects.order_by("pk").values_list("state", flat=True))
        assert states == ["draft", "approved", "published", "started", "restored", "closed"]
        told = list(
            OutboxEvent.objects.filter(name__startswith="cis.outage").order_by("pk").values_list("payload", flat=True)
        )
        assert [(one["version"], one.get("what", "announced")) for one in told] == [(1, "announced"), (2, "restored")]

    def test_a_fault_is_known_and_under_way_at_once(self, world: World) -> None:
        now = timezone.now()

        outage_id = outages.report_fault(
            area="桂苑小区", reason="导线断落", org_unit_id=world.county_a_id, starts_at=now - HOUR, ends_at=now + HOUR,
            transformer_district_ids=[world.transformer_district_id], by_id=world.clerk_a_id, at=now,
        )  # fmt: skip

        assert get_outage(outage_id, at=now).outage.is_now

    def test_less_notice_than_the_rule_is_flagged_and_needs_a_reason(self, world: World) -> None:
        now = timezone.now()
        for kind, ahead, short in (("planned", 100, 68), ("temporary", 20, 4), ("temporary", 30, 0)):
            outage_id = drafted(world, kind=kind, starts_at=now + ahead * HOUR, ends_at=now + 200 * HOUR)
            outages.approve_outage(outage_id=outage_id, by_id=world.manager_id, at=now)
            assert get_outage(outage_id, at=now).outage.hours_short == short, "seen before it is published"
            if short:
                with pytest.raises(outages.ToldTooLate):
                    outages.publish_outage(outage_id=outage_id, by_id=world.clerk_a_id, at=now)
            outages.publish_outage(outage_id=outage_id, late_reason="设备缺陷", by_id=world.clerk_a_id, at=now)
            assert Outage.objects.get(pk=outage_id).late_reason == ("设备缺陷" if short else "")

    def test_what_makes_no_sense_is_refused(self, world: World) -> None:
        wrongs: tuple[dict[str, Any], ...] = (
            {"area": " "},
            {"reason": ""},
            {"transformer_district_ids": []},
            {"kind": "x"},
        )
        for wrong in wrongs:
            with pytest.raises(outages.OutageUnclear):
                drafted(world, **wrong)
        with pytest.raises(outages.OutageUnclear):
            drafted(world, ends_at=timezone.now())

    def test_outside_ones_units_is_not_found(self, world: World) -> None:
        elsewhere = [OrgUnit.objects.get(pk=world.county_b_id).path]

        with pytest.raises(Refused) as refused:
            outages.approve_outage(
                outage_id=drafted(world), by_id=world.manager_id, at=timezone.now(), within=elsewhere
            )

        assert refused.value.status == 404
        assert list_outages(within=elsewhere, at=timezone.now()) == []


class TestTheDatabase:
    @pytest.mark.parametrize(
        "wrong", [{"area": ""}, {"state": "published"}, {"restored_at": "2026-01-01T00:00Z"}, {"state": "restored"}]
    )
    def test_refuses_an_outage_that_cannot_be(self, world: World, wrong: dict[str, str]) -> None:
        outage_id = drafted(world)

        with pytest.raises(IntegrityError), transaction.atomic():
            Outage.objects.filter(pk=outage_id).update(**wrong)

    def test_refuses_an_approval_of_ones_own_and_a_changed_step(self, world: World) -> None:
        outage_id = drafted(world)

        with pytest.raises(IntegrityError), transaction.atomic():
            Outage.objects.filter(pk=outage_id).update(approved_by_id=world.clerk_a_id)
        with pytest.raises(Error), transaction.atomic():
            OutageStep.objects.update(note="x")


class TestPages:
    def test_is_my_home_out_is_answered_to_who_lives_there(self, world: World) -> None:
        now = timezone.now()
        outages.report_fault(
            area="桂苑小区东区", reason="导线断落", org_unit_id=world.county_a_id, starts_at=now, ends_at=now + HOUR,
            transformer_district_ids=[world.transformer_district_id], by_id=world.clerk_a_id, at=now,
        )  # fmt: skip
        other = TransformerDistrict.objects.get(pk=world.transformer_district_id)
        other.pk, other.code = None, "T-D2"
        other.save(force_insert=True)
        outages.report_fault(
            area="别处", reason="导线断落", org_unit_id=world.county_a_id, starts_at=now, ends_at=now + HOUR,
            transformer_district_ids=[other.pk], by_id=world.clerk_a_id, at=now,
        )  # fmt: skip

        for name in ("cis:portal_home", "cis:portal_outages"):
            page = signed_in(world.portal_user_id).get(reverse(name)).content.decode()
            assert "桂苑小区东区" in page and "别处" not in page
        payer = make_user("payer", OrgUnit.objects.get(pk=world.county_a_id), None)
        type(payer).objects.filter(pk=payer.pk).update(kind="customer")
        bind(payer.pk, world.residential.account_id, "payer")
        assert "桂苑小区东区" not in signed_in(payer.pk).get(reverse("cis:portal_home")).content.decode()
        clerk = signed_in(world.clerk_a_id)
        part = clerk.get(reverse("cis:account_outages", args=[world.residential.account_no])).content.decode()
        assert "桂苑小区东区" in part

    def test_planned_approved_and_announced_by_two_people(self, world: World) -> None:
        province = OrgUnit.objects.get(pk=world.province_id)
        dispatcher = signed_in(make_user("dispatcher", province, "dispatcher").pk)
        leader = signed_in(make_user("leader", province, "leader").pk)
        starts = timezone.localtime() + timedelta(days=8)
        typed = {
            "kind": "planned", "area": "桂苑小区", "reason": "换变压器", "starts_at": starts.strftime("%Y-%m-%dT%H:%M"),
            "ends_at": (starts + 8 * HOUR).strftime("%Y-%m-%dT%H:%M"), "places": [str(world.transformer_district_id)],
        }  # fmt: skip

        assert dispatcher.post(reverse("cis:outage_new"), {**typed, "places": []}).status_code == 422
        address = dispatcher.post(reverse("cis:outage_new"), typed).headers["Location"]
        dispatcher.post(address, {"act": "approve"})
        assert Outage.objects.get().state == "draft"
        leader.post(address, {"act": "approve"})
        dispatcher.post(address, {"act": "publish"})
        assert dispatcher.get(address).status_code == 200
        dispatcher.post(f"{address}change/", {**typed, "area": "桂苑小区东区"})
        dispatcher.post(address, {"act": "cancel", "reason": "改期"})

        row = Outage.objects.get()
        assert (row.state, row.version, row.area) == ("cancelled", 3, "桂苑小区东区")
