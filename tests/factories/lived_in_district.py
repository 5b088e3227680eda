"""What happens in a service district of the lived-in world."""

from __future__ import annotations

from datetime import datetime, timedelta

from cis.models import Customer
from cis.operations import outages
from config.shared.models import User
from grid_service.models import Community
from grid_service.operations import care, notices, portraits, questions
from tests.factories.districts import make_district
from tests.factories.pictures import photo
from tests.factories.world import World


def add_district(world: World, now: datetime) -> None:
    """A district with its manager and their photo, an outage now and one to come, notices, questions, care."""
    manager = User.objects.get(username="district_manager")
    district = make_district(world, begins_at=now - timedelta(days=40), manager=manager)
    portraits.keep_portrait(user_id=manager.pk, stream=photo(), at=now)
    county, place = world.county_a_id, world.transformer_district_id
    dispatcher = User.objects.get(username="dispatcher")
    Community.objects.create(
        county_id=county,
        kind="community",
        name="桂苑社区",
        address_words=["桂苑路"],
        service_district_id=make_district(world, "楚风片区", transformers=[]).district_id,
    )
    starts = now + timedelta(days=9)
    planned = outages.draft_outage(
        kind="planned", org_unit_id=county, area="桂苑小区", reason="更换变压器", starts_at=starts,
        ends_at=starts + timedelta(hours=8), transformer_district_ids=[place], by_id=dispatcher.pk, at=now,
    )  # fmt: skip
    leader = User.objects.get(username="leader")
    outages.approve_outage(outage_id=planned, by_id=leader.pk, at=now)
    outages.publish_outage(outage_id=planned, by_id=dispatcher.pk, at=now)
    notices.tell_of_outage(outage_id=planned, version=1, what="announced", at=now)
    Customer.objects.filter(pk=world.residential_tou.customer_id).update(phone="", phone_index=None, phone_last4="")
    written = notices.draft_notice(
        district_id=district.district_id, transformer_district_ids=[place], text="周六检查用电安全。", by_id=manager.pk,
        at=now,
    )  # fmt: skip
    notices.publish_notice(notice_id=written, at=now)
    account = world.residential.account_id
    for number, text in enumerate(("电压低怎么办", "停电几点恢复")):
        asked = questions.ask(
            user_id=world.portal_user_id, account_id=account, text=text, form_key=f"lived-{number}", channel="portal",
            at=now,
        )  # fmt: skip
        if not number:
            questions.answer(question_id=asked, text="我明天来看。", by_id=manager.pk, at=now)
    care.enter_care(
        account_no=world.residential.account_no, kind="elderly", basis="consent", basis_note="同意书 1", note="敲门",
        until_on=now.date() + timedelta(days=90), by_id=manager.pk, at=now, today=now.date(),
    )  # fmt: skip
