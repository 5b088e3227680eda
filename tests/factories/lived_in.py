"""A utility in which something of everything has happened, so that every page of it has something to show."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection, transaction
from django.utils import timezone

from cis.models import Bill, IntervalDay, Premise, TariffVersion
from cis.operations import billing, contacts, disputes
from cis.operations.bill_comparisons import compare_bills
from cis.operations.overcharges import report_overcharge
from cis.operations.portal_bindings import Terms
from cis.operations.portal_counter import SeenDocument, bind_at_counter
from cis.operations.supply_terms import give_free_energy
from cis.operations.tariff_trials import TrialPopulation, start_trial
from cis.queries.billing import list_bills
from config.shared import files, jobs, looks, role_changes
from config.shared.api.keys import issue_key
from config.shared.messaging import Recipient, letters, send
from config.shared.models import Job, Message, OrgUnit, OutboxDelivery, OutboxEvent, Role, User
from crm.emergency_plans import Load, PlanContent
from crm.models import ProposedContact
from crm.operations import emergencies, emergency_plans, key_accounts, profiles, tags, tiers
from halls.models import DisplayNote, PayPoint
from halls.operations import call_next, finish, rate, start_serving
from payments.models import PaymentOrder
from payments.operations import taking
from tests.factories.advances import ask_today
from tests.factories.agents import sell_a_day
from tests.factories.arrears import Road
from tests.factories.channels import connect_bank
from tests.factories.corrections import add_corrections
from tests.factories.debits import debited_batch
from tests.factories.drawers import closed_drawer
from tests.factories.halls import at_counter, make_hall, take
from tests.factories.held_money import hold_money
from tests.factories.lived_in_district import add_district
from tests.factories.lived_in_shortages import add_shortages
from tests.factories.market import open_market
from tests.factories.metering import register_file
from tests.factories.metering import send as send_readings
from tests.factories.reconciliation import add_difference
from tests.factories.solar import feed_in_a_month
from tests.factories.transfers import add_cheque, add_transfer
from tests.factories.webhooks import told
from tests.factories.world import RESIDENTIAL_TARIFF, World, make_user, small_world

CYCLE = 202602
AFTER = datetime.fromisoformat("2026-03-02T09:00+08:00")
TENANT_TELEPHONE, PAYER_TELEPHONE, AGENT_TELEPHONE = "13800000071", "13800000072", "13800000073"
_MISREAD = 9_770
_DAYS = 45

MORE_STAFF = {
    "agent": "agent",
    "district_manager": "district-manager",
    "key_account_manager": "key-account-manager",
    "dispatcher": "dispatcher",
    "district_supervisor": "district-supervisor",
    "leader": "leader",
    "it_operator": "it-operator",
    "audit_officer": "audit-officer",
}
"""Further staff of the whole utility: user name to role."""


def lived_in_world() -> World:
    """
    The small world after its February: everybody read, one reading doubtful, one row rejected, the rest billed.

    The clerk has taken a part of what the second household owes and noted that it disputes its bill. The shop has not
    paid, has a notice of disconnection, and pays half a month ahead by agreement. The portal
    user's account has a tenant, a payer and an agent, measured days up to yesterday, a report that waits for an
    answer and an order that waits for money; somebody asked who looked at it. A role is asked for, a job and a
    delivery failed, a message was lost, letters are written, a program has a key, the
    wallet says that it took money of which we know nothing. The staff of `MORE_STAFF` are there too; `tenant`,
    `payer` and `proxy` are the names of the portal users.
    """
    world = small_world()
    add_difference(world, by_id=world.accountant_id)
    connect_bank(world, "walked-bank")
    told(world, "walked-bank", at=timezone.now())
    sell_a_day(world, "walked-shop", at=timezone.now())
    _staff(world)
    _read_and_bill(world)
    _agreed_beside(world)
    _tariff_tried(world)
    _compared_with_another_system(world)
    _at_the_counter(world)
    now = timezone.now()
    _in_arrears(world)
    ask_today(world, now)
    add_corrections(world, by_id=world.accountant_id, at=AFTER)
    _in_the_portal(world, now)
    _measured_days(world, now.date())
    _behind_the_counter(world, now)
    _messages(world, now)
    _customer_relations(world, now)
    open_market(world, at=now)
    feed_in_a_month(world, at=now)
    _in_the_hall(world, now)
    add_shortages(world, now)
    add_district(world, now)
    return world


def _staff(world: World) -> None:
    province = OrgUnit.objects.get(pk=world.province_id)
    for username, role in MORE_STAFF.items():
        make_user(username, province, role, f"{username} 员工")


def _read_and_bill(world: World) -> None:
    send_readings(
        register_file(
            [
                [world.residential.meter_no, "total", "2026-03-01", _MISREAD],
                [world.residential_day_15.meter_no, "total", "2026-02-15", 1000 + 95 + 105 + 115 + 115],
                ["9999999999", "total", "2026-03-01", 1],
            ]
        ),
        at=AFTER,
        by=world.accountant_id,
    )
    for cycle in world.cycles:
        run_id = billing.start_run(
            cycle=cycle, org_unit_id=world.province_id, created_by_id=world.accountant_id, at=AFTER
        )
        jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])
        assert run_id


def _agreed_beside(world: World) -> None:
    """The household on minimum income has some energy free from the next period on."""
    last = Bill.objects.filter(account_id=world.residential.account_id).latest("period_end").period_end
    give_free_energy(
        account_id=world.residential.account_id,
        kwh_per_month=15,
        document="低保证 0001",
        from_on=max(last, timezone.localdate()),
        until=None,
    )


def _tariff_tried(world: World) -> None:
    start_trial(
        base_version_id=TariffVersion.objects.filter(tariff__code=RESIDENTIAL_TARIFF)[0].pk,
        name="第一档降一分",
        changes={"0.price_yuan.0": "0.548"},
        population=TrialPopulation(world.province_id, None, True, world.cycles[0], world.cycles[-1]),
        group_list=None,
        created_by_id=world.accountant_id,
        at=AFTER,
    )
    jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])


def _compared_with_another_system(world: World) -> None:
    """The newest month as another system billed it, but for one household."""
    head = "account_no,period_start,period_end,energy_kwh,total_yuan,energy_yuan,basic_yuan,power_factor_yuan,fund_yuan"
    lines = [f"{head},tier2_kwh,tier3_kwh"]
    for bill in Bill.objects.select_related("account").filter(cycle=world.cycle).order_by("pk"):
        more = 130 if bill.account_id == world.residential.account_id else 0
        figures = (bill.energy_kwh_e2, bill.total_fen + more)
        written = ",".join(f"{figure // 100}.{figure % 100:02d}" for figure in figures)
        lines.append(f"{bill.account.account_no},{bill.period_start},{bill.period_end},{written},,,,,,")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "bills.csv"
        file.write_text("\n".join(lines), encoding="utf-8")
        compare_bills(file=file, cycle=world.cycle, at=AFTER, org_unit_code="T42")


def _at_the_counter(world: World) -> None:
    household = world.residential_day_15
    for number, account in enumerate((household, world.residential)):
        taking.take_payment(
            account_id=account.account_id,
            amount_fen=1_000,
            method="cash",
            org_unit_id=world.hall_a_id,
            received_by_id=world.clerk_a_id,
            form_key=f"{number:032}",
            at=AFTER,
        )
    bill = list_bills(account_id=household.account_id, limit=1)[0]
    disputes.open_dispute(bill_no=bill.bill_no, reason="比上月多，请核对", opened_by_id=world.clerk_a_id, at=AFTER)


def _in_arrears(world: World) -> None:
    road = Road(world, later=100)
    for act in ("cause", "demand", "approve", "print"):
        getattr(road, act)()


def _in_the_portal(world: World, now: datetime) -> None:
    account = world.residential
    letter_key = files.keep(io.BytesIO(b"%PDF-1.4\n%%EOF\n"), folder="letters")
    for username, telephone, terms in (
        ("tenant", TENANT_TELEPHONE, Terms("tenant", from_on=date(2026, 1, 1))),
        ("payer", PAYER_TELEPHONE, Terms("payer")),
        ("proxy", AGENT_TELEPHONE, Terms("agent", None, date(2030, 1, 1), letter_key, "application/pdf")),
    ):
        bind_at_counter(
            account_no=account.account_no,
            telephone=telephone,
            terms=terms,
            document=SeenDocument("identity-card", "1234", "王五"),
            clerk_id=world.clerk_a_id,
            org_unit_id=world.hall_a_id,
            at=now,
        )
        newest = User.objects.filter(kind=User.Kind.CUSTOMER).latest("pk")
        User.objects.filter(pk=newest.pk).update(username=username)
    contacts.report(
        user_id=world.portal_user_id,
        account_id=account.account_id,
        kind="fault",
        text="整栋楼没电，已经半个小时",
        form_key="1" * 32,
        at=now,
    )
    report_overcharge(
        where=account.account_no,
        charged_by="landlord",
        text="每度收 1.5 元，每月微信转给房东",
        energy_kwh_e2=100_00,
        paid_fen=150_00,
        telephone="",
        language="",
        form_key="2" * 32,
        asked_from="192.0.2.7",
        at=now,
    )
    PaymentOrder.objects.create(
        out_trade_no="LIVED0001",
        channel="wallet",
        account_id=account.account_id,
        amount_fen=100,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    hold_money(account.account_id, now)
    closed_drawer(world, now)
    add_transfer(world, now)
    add_cheque(world, now)
    debited_batch(world)
    subject = f"account:{account.account_id}"
    looks.note_look(
        user_id=world.clerk_a_id,
        org_unit_id=world.hall_a_id,
        role="clerk",
        subject=subject,
        page="cis:account",
        came_from="cis:search",
        at=now,
    )
    looks.ask_about(
        record=subject,
        persons=(),
        about_user_id=world.clerk_a_id,
        about_at=now,
        asked_by_id=world.portal_user_id,
        text="我没有来过营业厅，为什么看我的资料",
        at=now,
    )


def _measured_days(world: World, today: date) -> None:
    """Quarter-hours of the portal user's point up to yesterday."""
    first = today - timedelta(days=_DAYS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, today])
    IntervalDay.objects.bulk_create(
        IntervalDay(
            point_id=world.residential.point_id,
            day=first + timedelta(days=number),
            energy_wh=[40 + 10 * (slot % 24) + number for slot in range(96)],
            missing_slots=0,
        )
        for number in range(_DAYS)
    )


def _behind_the_counter(world: World, now: datetime) -> None:
    hall = OrgUnit.objects.get(pk=world.hall_a_id)
    newcomer = make_user("newcomer", hall, "agent", "新来的")
    role_changes.ask_for_role(
        user_id=newcomer.pk,
        role_id=Role.objects.get(code="clerk").pk,
        org_unit_id=hall.pk,
        asked_by_id=world.administrator_id,
        reason="新来的柜员",
        within=[hall.path],
        at=now,
    )
    program = make_user("a_bank", hall, "bank-integrator", "农行代收")
    User.objects.filter(pk=program.pk).update(kind=User.Kind.MACHINE)
    issue_key(user_id=program.pk, name="生产", at=now)
    billing.start_run(
        cycle=world.cycle, org_unit_id=world.province_id, created_by_id=world.accountant_id, at=now, kind="preview"
    )
    Job.objects.filter(pk=Job.objects.latest("pk").pk).update(state=Job.State.FAILED, finished_at=now)
    event = OutboxEvent.objects.create(name="cis.bill-issued", key="lived:1", payload={}, published_at=now)
    OutboxDelivery.objects.create(event=event, handler="tell_customers", key="1", state="dead", next_attempt_at=now)


def _messages(world: World, now: datetime) -> None:
    notice = {"tail": "0001", "phone": "0071", "role": "租户"}
    for user_id in (world.clerk_a_id, world.portal_user_id):
        with transaction.atomic():
            send(
                template="binding-notice",
                to=Recipient(user_id=user_id),
                parameters=notice,
                dedupe_key=f"lived-to:{user_id}",
                at=now,
            )
    for number, (channel, state) in enumerate((("sms", "failed"), ("letter", "waiting"), ("letter", "waiting"))):
        Message.objects.create(
            dedupe_key=f"lived-by-hand:{number}",
            template="binding-ended",
            kind="notice",
            language="zh-hans",
            channel=channel,
            recipient="",
            user_id=world.portal_user_id,
            account_id=world.residential.account_id,
            parameters=json.dumps({"tail": "0001"}),
            state=state,
            failure="no-such-number" if state == "failed" else "",
            failed_at=now if state == "failed" else None,
            created_at=now,
            not_before=now,
            expires_at=now + timedelta(days=7),
        )
        if number == 1:
            letters.make_batch(made_by_id=world.manager_id, at=now)


def _customer_relations(world: World, now: datetime) -> None:
    """Profiles of everybody; the portal user objects to a tag, somebody decided the tier of the shop."""
    run = profiles.start_profiles(created_by_id=None, at=now)
    assert run
    jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])
    tags.note_objection(
        account_no=world.residential.account_no,
        code="basic.tenure",
        reason="我 2010 年就住在这里",
        noted_by_id=world.clerk_a_id,
        at=now,
    )
    tiers.override_tier(
        account_no=world.residential.account_no,
        tier="key",
        reason="市属重大项目",
        last_day=now.date() + timedelta(days=90),
        set_by_id=world.manager_id,
        at=now,
    )
    key_accounts.name_key_account(
        account_id=world.residential.account_id,
        manager_id=User.objects.get(username="key_account_manager").pk,
        deputy_id=None,
        telephone="027-80000000",
        reason="市属重大项目",
        from_at=now,
        by_id=None,
        at=now,
    )
    emergency_plans.write_plan(
        account_id=world.residential.account_id,
        content=PlanContent(loads=(Load("水泵", 45, 15, "2#柜 205", 10),), steps="先保水泵"),
        from_version=0,
        changed_what="第一版",
        by_id=None,
        at=now,
    )
    ProposedContact.objects.create(
        reason="bill-shock",
        source_key="lived-in",
        account_id=world.residential.account_id,
        org_unit_id=world.county_a_id,
        evidence={
            "cycle": 202602,
            "total_fen": 38_640,
            "base_fen": 18_000,
            "against": "year-ago",
            "used_kwh_e2": 66_000,
        },
        weight_fen=20_640,
        happened_at=now,
        proposed_at=now,
    )
    emergencies.take_emergency(
        account_no=world.residential.account_no,
        channel="telephone",
        request_key="lived-in",
        what="整栋楼没电，水泵停了",
        caller="物业值班",
        received_by_id=world.clerk_a_id,
        at=now,
    )


def _in_the_hall(world: World, now: datetime) -> None:
    """Clerk A at a counter, one served who was not pleased, one waiting who came by the portal, a pay point, a text."""
    hall = make_hall(world.hall_a_id)
    at_counter(hall, 1, world.clerk_a_id, at=now)
    pleased_not = take(hall, at=now, account_id=world.commercial.account_id)
    call_next(clerk_id=world.clerk_a_id, at=now)
    start_serving(clerk_id=world.clerk_a_id, at=now)
    finish(clerk_id=world.clerk_a_id, at=now)
    rate(token=pleased_not.token, score=2, reason="wait", comment="等得久", at=now)
    take(hall, at=now, person_id=world.portal_user_id, account_id=world.residential.account_id)
    PayPoint.objects.create(
        code="LIVED-H1",
        kind="hall",
        name="东湖营业厅",
        longitude="112.860000",
        latitude="30.620000",
        org_unit_id=world.county_a_id,
        hall=hall,
    )
    Premise.objects.filter(pk=world.residential.premise_id).update(longitude="112.861000", latitude="30.621000")
    Premise.objects.filter(pk=world.commercial.premise_id).update(longitude="112.900000", latitude="30.640000")
    today = now.date()
    DisplayNote.objects.create(
        hall=hall,
        kind="notice",
        title="春节营业",
        text="初一到初三休息",
        from_on=today,
        until_on=today + timedelta(days=9),
    )
