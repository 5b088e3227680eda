"""
Every address of the house is opened as everybody; what each gets follows from the table of permissions.

The utility with one of everything is made once for all of them, in a transaction that is never committed; each visit
and each test is undone to where it began.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from copy import copy
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone, translation

from cis.models import (
    BillComparison,
    Contact,
    OverchargeReport,
    PortalAccess,
    ReadingDoubt,
    TariffVersion,
)
from cis.operations import disputes, fee_control, outages
from cis.operations.bill_comparisons import thresholds_with
from cis.operations.billing import issue_bill_now, start_run
from cis.operations.overcharges import report_overcharge
from cis.operations.reading_photos import keep_photo, make_ready
from cis.operations.supply_terms import give_free_energy
from cis.operations.tariff_trials import TrialPopulation, start_trial
from config.shared import approvals, files, looks, role_changes
from config.shared.api.keys import issue_key
from config.shared.indicators import all_indicators
from config.shared.messaging import templates
from config.shared.models import (
    ApiKey,
    Approval,
    Job,
    LetterBatch,
    Look,
    LookQuestion,
    Message,
    OrgUnit,
    OutboxDelivery,
    OutboxEvent,
    Role,
    RoleGrant,
    StaffSession,
    User,
)
from config.shared.permission_table import (
    APP,
    CHANNEL,
    CUSTOMER,
    PERMISSION,
    PUBLIC,
    READ,
    SIGNED_IN,
    WRITE,
    AddressRule,
    as_markdown,
    list_rules,
    roles_with,
)
from config.shared.roles import ROLES
from config.shared.web.tables import Table
from crm.models import ProposedContact
from crm.operations import emergencies, key_accounts, profiles, tags, tiers
from dsm.models import LoadForecast, ShedList, ShedOrder
from grid_service.models import Assignment, Portrait
from grid_service.operations import care, notices, portraits, questions
from payments.models import PaymentOrder
from payments.operations import ask_refund
from payments.receipts import verification_token
from tests.factories.agents import sell_a_day
from tests.factories.arrears import Road
from tests.factories.channels import connect_bank
from tests.factories.corrections import add_corrections
from tests.factories.debits import debited_batch
from tests.factories.districts import make_district
from tests.factories.drawers import closed_drawer
from tests.factories.fee_control import PAPER
from tests.factories.halls import make_hall, take
from tests.factories.held_money import hold_money
from tests.factories.lived_in_shortages import add_shortages
from tests.factories.market import open_market
from tests.factories.metering import register_file, send
from tests.factories.pictures import photo
from tests.factories.receipts import signed_code
from tests.factories.reconciliation import add_difference
from tests.factories.solar import feed_in_a_month
from tests.factories.staff import prove
from tests.factories.transfers import add_cheque, add_transfer
from tests.factories.webhooks import told
from tests.factories.world import RESIDENTIAL_TARIFF, World, make_unit, make_user, small_world
from tests.integration.payments import pay

pytestmark = [pytest.mark.usefixtures("undone"), pytest.mark.acceptance("F165")]

# Parts of an address that choose an object which belongs to a unit: outside the grant it is not there. Other objects
# are customers', who are served everywhere.
MANAGED = {
    "run_id",
    "comparison_id",
    "trial_id",
    "job_id",
    "import_id",
    "doubt_id",
    "delivery_id",
    "question_id",
    "approval_id",
    "user_id",
    "hall_code",
    "outage_id",
    "district_id",
    "shortage_id",
    "list_id",
    "emergency_id",
    "order_id",
    "proposal_id",
    "case_id",
    "hold_id",
    "shift_id",
    "installation_id",
    "back_bill_id",
    "channel_code",
}
# Objects of one's own: somebody else's is simply not there, whoever asks.
OWN = {"place", "session_id", "passkey_id"}
# What of a customer is the manager's and not every counter's: telephones, generators, the way in.
MANAGED_PAGES = {"crm:plan", "crm:plan_edit", "crm:plan_pdf"}
METHODS = (READ, WRITE)
REFUSALS = {401, 403, 404}


@dataclass
class Walk:
    """The tiny utility with one of everything, all of county A, and what stands in addresses."""

    world: World
    values: dict[str, Any]
    of_name: dict[str, dict[str, Any]]
    """other objects for addresses whose names begin so: the keys of programs, what lies in one's own inbox"""

    def address(self, rule: AddressRule) -> str:
        """The address of the real object."""
        values = self.values | next((own for name, own in self.of_name.items() if rule.name.startswith(name)), {})
        path = rule.path
        for part, name in zip(path.split("<")[1:], rule.arguments, strict=True):
            assert name in values, f"{rule.name}: give the walk an object for <{name}>"
            path = path.replace(f"<{part.split('>')[0]}>", str(values[name]))
        return path


@pytest.fixture(scope="module")
def walk(django_db_setup: None, django_db_blocker: Any) -> Iterator[Walk]:
    """One of everything, for the whole module."""
    with django_db_blocker.unblock(), transaction.atomic():
        translation.activate(settings.LANGUAGE_CODE)
        yield one_of_everything()
        transaction.set_rollback(True)


@pytest.fixture
def undone(walk: Walk) -> Iterator[None]:
    """Whatever a test does is undone after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def one_of_everything() -> Walk:
    """The tiny utility, all the kinds of things that stand in addresses, and one of each in county A."""
    rules()  # every module of addresses is read now, and with it every table
    world, now = small_world(), timezone.now()
    county = OrgUnit.objects.get(pk=world.county_a_id)
    accountant = make_user("of_county_a", county, "accountant")
    read = [[meter_no, "total", "2026-03-01", 2900] for meter_no in (world.residential.meter_no, "NOBODY")]
    imported = send(register_file(read), at=now, by=accountant.pk)
    case_id = arrears_case(world)  # before anything is paid, which would stop it
    bill_id = issue_bill_now(
        account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=accountant.pk, at=now
    )
    paid = pay(world, fen=100, at=now)
    pay(world, fen=100, account=world.commercial, at=now)
    refund = approvals.approve(
        approval_id=ask_refund(
            account_id=world.commercial.account_id, amount_fen=50, payment_id=None, reason="多交了",
            org_unit_id=world.hall_a_id, asked_by_id=world.clerk_a_id, at=now,
        ),
        decided_by_id=world.manager_id,
        at=now,
    )  # fmt: skip
    run = start_run(cycle=world.cycle, org_unit_id=county.pk, created_by_id=accountant.pk, at=now, kind="preview")
    trial = start_trial(
        base_version_id=TariffVersion.objects.filter(tariff__code=RESIDENTIAL_TARIFF)[0].pk, name="方案", changes={},
        population=TrialPopulation(county.pk, None, True, world.cycle, world.cycle), group_list=None,
        created_by_id=accountant.pk, at=now,
    )  # fmt: skip
    event = OutboxEvent.objects.create(name="x.y", key="k:1", payload={}, published_at=now)
    letter = OutboxDelivery.objects.create(event=event, handler="h", key="k:1", state="dead", next_attempt_at=now)
    clerk = User.objects.get(pk=world.clerk_a_id)
    looks.note_look(
        user_id=clerk.pk, org_unit_id=county.pk, role="clerk", subject=f"account:{world.residential.account_id}",
        page="cis:account", came_from="", at=now,
    )  # fmt: skip
    question = looks.ask_about(
        record=f"account:{world.residential.account_id}", persons=(), about_user_id=clerk.pk, about_at=now,
        asked_by_id=world.portal_user_id, text="为什么看", at=now,
    )  # fmt: skip
    person = make_user("colleague", county, "agent")
    machine = make_user("a_bank", county, "bank-integrator")
    User.objects.filter(pk=machine.pk).update(kind=User.Kind.MACHINE)
    issue_key(user_id=machine.pk, name="k", at=now)
    asked = role_changes.ask_for_role(
        user_id=person.pk,
        role_id=Role.objects.get(code="clerk").pk,
        org_unit_id=county.pk,
        asked_by_id=make_user("asker", county, "administrator").pk,
        reason="新来的柜员",
        within=[county.path],
        at=now,
    )
    order = PaymentOrder.objects.create(
        out_trade_no="WALK0001", channel="wallet", account_id=world.residential.account_id, amount_fen=100,
        created_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    connected = connect_bank(world, "walk-bank")
    portal = User.objects.get(pk=world.portal_user_id)
    letter_key = files.keep(io.BytesIO(b"%PDF-1.7 of the walk"), folder="letters")
    agent = PortalAccess.objects.create(
        user=User.objects.create_user("an_agent", kind=User.Kind.CUSTOMER), account_id=world.residential.account_id,
        role=PortalAccess.Role.AGENT, until_on=date(2100, 1, 1), letter_key=letter_key, letter_type="application/pdf",
    )  # fmt: skip
    contact = Contact.objects.create(
        account_id=world.residential.account_id, user=portal, kind="question", channel="portal", text="为什么停电",
        form_key="w" * 32, told_at=now,
    )  # fmt: skip
    overcharged = report_overcharge(
        where=world.residential.account_no, charged_by="landlord", text="每度 1.5 元", energy_kwh_e2=None,
        paid_fen=None, telephone="", language="", form_key="walk", asked_from="192.0.2.7", at=now,
    )  # fmt: skip
    hall = make_hall(world.hall_a_id)
    district = make_district(world, begins_at=now)
    outage = outages.draft_outage(
        kind="planned", org_unit_id=county.pk, area="桂苑小区", reason="更换变压器", starts_at=now + timedelta(days=9),
        ends_at=now + timedelta(days=10), transformer_district_ids=[world.transformer_district_id],
        by_id=world.clerk_a_id, at=now,
    )  # fmt: skip
    notice = notices.draft_notice(
        district_id=district.district_id, transformer_district_ids=[world.transformer_district_id], text="周六检查",
        by_id=district.manager_id, at=now,
    )  # fmt: skip
    asked_question = questions.ask(
        user_id=portal.pk, account_id=world.residential.account_id, text="为什么停电", form_key="walk",
        channel="portal", at=now,
    )  # fmt: skip
    care.enter_care(
        account_no=world.residential.account_no, kind="elderly", basis="consent", basis_note="同意书 1", note="",
        until_on=now.date() + timedelta(days=9), by_id=district.manager_id, at=now, today=now.date(),
    )  # fmt: skip
    portraits.keep_portrait(user_id=district.manager_id, stream=photo(), at=now)
    values = {
        "digest": Portrait.objects.get().key[-64:],
        "hall_code": hall.org_unit.code,
        "ticket_token": take(hall, at=now).token,
        "outage_id": outage,
        "district_id": district.district_id,
        "assignment_id": Assignment.objects.get(user_id=district.manager_id).pk,
        "notice_id": notice,
        "asked_id": asked_question,
        "account_no": world.residential.account_no,
        "bill_no": f"{world.cycle}{bill_id:010d}",
        **add_corrections(world, by_id=accountant.pk, at=now),
        "receipt_no": paid.receipt_no,
        "refund_no": refund["refund_no"],
        "shift_id": closed_drawer(world, now),
        "debit_batch_id": debited_batch(world),
        "bank_code": "hanbank",
        "held_id": hold_money(world.residential.account_id, now),
        **add_difference(world, by_id=accountant.pk),
        **add_transfer(world, now),
        "cheque_id": add_cheque(world, now),
        "token": verification_token(paid.receipt_no),
        "signed": signed_code(paid.receipt_no),
        "paper": "a4",
        "day": "2026-01-07",
        "run_id": run,
        "comparison_id": BillComparison.objects.create(
            file_name="bills.csv",
            digest=b"d" * 32,
            cycle=world.cycle,
            org_unit_id=world.county_a_id,
            with_unbilled=False,
            thresholds=asdict(thresholds_with({})),
            figures={},
            ours_total_fen=0,
            theirs_total_fen=0,
            is_go=False,
            created_at=now,
        ).pk,
        "trial_id": trial,
        "import_id": imported.import_id,
        "doubt_id": ReadingDoubt.objects.get(resolved_at=None).pk,
        "job_id": Job.objects.get(kind="billing").pk,
        "delivery_id": letter.pk,
        "question_id": LookQuestion.objects.get(pk=question).pk,
        "approval_id": asked,
        "user_id": person.pk,
        "grant_id": RoleGrant.objects.get(user=person).pk,
        "key_id": ApiKey.objects.get(user=machine).pk,
        "role_id": Role.objects.get(code="clerk").pk,
        "session_id": StaffSession.objects.create(user=person, session_key="k" * 32, began_at=now, seen_at=now).pk,
        "passkey_id": 1,
        "place": 1,
        "channel": "wallet",
        "out_trade_no": order.out_trade_no,
        "serial": "WALK0001",
        "channel_code": connected.code,
        "client_key": connected.key_id,
        "endpoint_id": told(world, connected.code, at=now),
        "access_id": agent.pk,
        "contact_id": contact.pk,
        "photo_id": keep_photo(
            make_ready(photo()),
            installation_id=world.residential.installation_id,
            read_on=now.date(),
            taken_by_id=world.portal_user_id,
            at=now,
        ),
        # Of an account that nobody chases: a question stops that.
        "dispute_id": disputes.open_question(
            kind="meter-test",
            account_id=world.residential_tou.account_id,
            installation_id=world.residential_tou.installation_id,
            reason="走得快",
            channel="counter",
            opened_by_id=world.clerk_a_id,
            at=now,
        ),
        "overcharge_id": OverchargeReport.objects.get().pk,
        "overcharge_token": overcharged.token,
        **customer_relations(world, now),
        **shortage(world, now),
        **asdict(open_market(world, at=now)),
        **asdict(feed_in_a_month(world, at=now)),
        "case_id": case_id,
        "batch_id": LetterBatch.objects.create(created_by=accountant, created_at=now, letters=0).pk,
        "message_id": in_inbox(None, now),
        "name": next(iter(Table.known)),
    }
    of_name: dict[str, dict[str, Any]] = {
        "key_": {"user_id": machine.pk},
        "payments:agent": {"channel_code": "walk-shop", "settled_on": sell_a_day(world, "walk-shop", at=now)},
        "portal_message": {"message_id": in_inbox(portal, now)},
        "cis:supply": {"kind": "free", "term_id": free_energy(world)},
        "cockpit": {"code": next(iter(all_indicators()))},
        "cis:agreement_end": {"account_no": world.commercial.account_no},
        "cis:account_operating_cost": {"account_no": world.commercial.account_no},
        "cis:fee_control_paper": {"account_no": fee_controlled(world, now)},
        "dsm:shortage_cut": {"account_no": ShedOrder.objects.order_by("account_id")[0].account.account_no},
    }
    return Walk(world, values, of_name)


def fee_controlled(world: World, now: datetime) -> str:
    """An account with a signed agreement of fee control."""
    fee_control.agree(
        account_no=world.commercial.account_no, terms_code="SG-PREPAID", from_on=now.date() + timedelta(days=9),
        until_on=None, signed_by="李四", signed_on=now.date(), paper=PAPER, paper_name="协议.pdf",
        by_id=world.manager_id, at=now,
    )  # fmt: skip
    return world.commercial.account_no


def free_energy(world: World) -> int:
    """Something agreed for a home beside its tariff."""
    return give_free_energy(
        account_id=world.residential.account_id,
        kwh_per_month=15,
        document="低保证 0001",
        from_on=date(2026, 6, 1),
        until=None,
    )


def customer_relations(world: World, now: datetime) -> dict[str, Any]:
    """A profile with an objection, a tier that a person decided, a key account with an emergency."""
    account_id, account_no = world.residential.account_id, world.residential.account_no
    key_accounts.name_key_account(
        account_id=account_id,
        manager_id=world.manager_id,
        deputy_id=None,
        telephone="",
        reason="大客户",
        from_at=now,
        by_id=None,
        at=now,
    )
    profiles.recompute_profile(account_id=account_id, at=now)
    return {
        "objection_id": tags.note_objection(
            account_no=account_no, code="basic.class", reason="不是居民", noted_by_id=world.clerk_a_id, at=now
        ),
        "proposal_id": ProposedContact.objects.create(
            reason="bill-shock", source_key="walk", account_id=account_id, org_unit_id=world.county_a_id,
            evidence={"cycle": 202601, "total_fen": 9, "base_fen": 1, "against": "mean", "used_kwh_e2": 1},
            weight_fen=8, happened_at=now, proposed_at=now,
        ).pk,
        "emergency_id": emergencies.take_emergency(
            account_no=account_no, channel="console", request_key="walk", what="失电", caller="",
            received_by_id=world.clerk_a_id, at=now,
        ).emergency_id,
        "override_id": tiers.override_tier(
            account_no=account_no, tier="key", reason="重大项目", last_day=timezone.localdate(),
            set_by_id=world.manager_id, at=now,
        ),
    }  # fmt: skip


def arrears_case(world: World) -> int:
    """An account that has not paid, with a notice of disconnection made out."""
    road = Road(world, account=world.residential)
    for act in ("cause", "demand", "approve", "print"):
        getattr(road, act)()
    return road.case_id


def shortage(world: World, now: datetime) -> dict[str, Any]:
    """A shortage whose orders are out, one of them to the portal user."""
    province = OrgUnit.objects.get(pk=world.province_id)
    make_user("walk_planner", province, "dispatcher")
    make_user("walk_decider", province, "leader")
    add_shortages(world, now, planner="walk_planner", decider="walk_decider")
    order = ShedOrder.objects.order_by("account_id")[0]
    watts = [1_000_000] * 96
    LoadForecast.objects.create(
        scope="system", day=date(2026, 1, 7), forecaster="seasonal_naive", version="1", issued_at=now,
        p10_w=watts, p50_w=watts, p90_w=watts, data_state={}, made_at=now,
    )  # fmt: skip
    draft = ShedList.objects.get(state="draft")
    return {"shortage_id": order.shortage_id, "order_id": order.pk, "strategy": "tiers", "list_id": draft.pk}


def in_inbox(user: User | None, now: datetime) -> int:
    """A message to somebody, read in the house; to nobody, one that was lost on its way."""
    message = Message.objects.create(
        dedupe_key=f"walk:{user.pk if user else 0}", template="binding-ended", kind="notice", language="zh-hans",
        channel="in_app" if user else "sms", user=user, state="delivered" if user else "failed",
        parameters=json.dumps(templates.get("binding-ended").examples), created_at=now, not_before=now,
        expires_at=now + timedelta(days=1), failure="" if user else "refused", failed_at=None if user else now,
        recipient="" if user else "12000001234",
    )  # fmt: skip
    return message.pk


@cache
def rules() -> tuple[AddressRule, ...]:
    """Every address."""
    return tuple(list_rules())


def ask(client: Client, method: str, address: str, rule: AddressRule) -> int:
    """The status of an answer; whatever was done is undone, 401 stands for the way to a door."""
    cookies = copy(client.cookies)
    with transaction.atomic():
        if method == READ:
            answer = client.get(address)
        elif rule.is_api:
            answer = client.post(address, data="{}", content_type="application/json")
        else:
            answer = client.post(address)
        if answer.streaming:
            b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        to_door = answer.status_code == 302 and "sign-in/" in answer.get("Location", "")
        transaction.set_rollback(True)
    client.cookies = cookies
    return 401 if to_door else answer.status_code


def signed_in(user: User) -> Client:
    """Somebody's browser, who has just proved who they are."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    proven: Client = prove(client)
    return proven


def with_key(user: User) -> Client:
    """A program."""
    return Client(headers={"authorization": f"Key {issue_key(user_id=user.pk, name='walk', at=timezone.now())}"})


def every(walk: Walk, *, public: bool = True) -> Iterator[tuple[AddressRule, str, str]]:
    """Every address with both methods; without what is `public`, which nobody's role changes."""
    for rule in rules():
        if public or rule.audience != PUBLIC:
            for method in METHODS:
                yield rule, method, walk.address(rule)


def word_for(rule: AddressRule, method: str) -> str:
    """The permission of an address for a method; an API view has not every method."""
    return rule.permissions.get(method) or next(iter(rule.permissions.values()))


class TestTheTable:
    def test_is_the_one_in_the_documents(self) -> None:
        written = (Path(settings.BASE_DIR) / "docs" / "permissions.md").read_text(encoding="utf-8")

        assert written == as_markdown(list_rules()), "run `manage.py permission_table`"

    def test_every_permission_that_an_address_asks_for_is_held_by_a_role(self) -> None:
        words = {word for rule in rules() for word in rule.permissions.values()}

        assert [word for word in words if not roles_with(word)] == []


class TestAnonymous:
    def test_is_sent_to_the_door_from_everywhere_but_what_is_public(self, walk: Walk) -> None:
        nobody, wrong = Client(), []
        for rule, method, address in every(walk):
            status = ask(nobody, method, address, rule)
            is_right = status < 500 and status != 401 if rule.audience == PUBLIC else status == 401
            if rule.is_api and rule.audience == PERMISSION:
                is_right = status in (401, 403)
            if not is_right and not (rule.audience == PUBLIC and status in (401, 403)):
                wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))


class TestCustomers:
    def test_the_owner_opens_the_portal_and_finds_nothing_else(self, walk: Walk) -> None:
        client, wrong = signed_in(User.objects.get(pk=walk.world.portal_user_id)), []
        for rule, method, address in every(walk):
            status = ask(client, method, address, rule)
            if rule.audience == CUSTOMER:
                # An address of acts alone may find that there is nothing to do; it opens to its owner all the same.
                is_right = status < 500 and (
                    status not in REFUSALS
                    or method == WRITE
                    or rule.name in SAY_NO_THEMSELVES
                    or bool(set(rule.arguments) & OWN)
                )
            elif rule.audience == PERMISSION:
                is_right = status in ({403, 405} if rule.is_api else {404, 405})
            else:
                is_right = status < 500
            if not is_right:
                wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))

    def test_another_customer_does_not_find_what_is_the_owners(self, walk: Walk) -> None:
        other = User.objects.create_user("another", kind=User.Kind.CUSTOMER)
        PortalAccess.objects.create(user=other, account_id=walk.world.commercial.account_id)
        client, wrong = signed_in(other), []
        for rule in rules():
            if rule.audience == CUSTOMER and {"bill_no", "receipt_no", "out_trade_no"} & set(rule.arguments):
                for method in METHODS:
                    status = ask(client, method, walk.address(rule), rule)
                    if status not in ({404} if method == READ else {404, 405}):
                        wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))


@pytest.mark.parametrize("code", [role.code for role in ROLES])
class TestStaff:
    def test_in_scope_opens_what_the_role_holds_and_no_more(self, walk: Walk, code: str) -> None:
        unit = OrgUnit.objects.get(pk=walk.world.province_id)
        user = make_user(f"walks_{code}", unit, code)
        pages, programs, wrong = signed_in(user), with_key(user), []
        for rule, method, address in every(walk, public=False):
            status = ask(programs if rule.is_api and rule.audience == PERMISSION else pages, method, address, rule)
            if rule.audience == PERMISSION and code in roles_with(word_for(rule, method)):
                # An empty form may be refused for what is missing, never for who sent it.
                is_right = status < 500 and status not in REFUSALS
                is_right = is_right or (method == WRITE and status == 404 and bool(set(rule.arguments) & OWN))
                is_right = is_right or (rule.name in SAY_NO_THEMSELVES and status in (403, 404))
            elif rule.audience == PERMISSION:
                is_right = status in (403, 405)
            elif rule.audience == CUSTOMER:
                is_right = status in (404, 405)
            else:
                is_right = status < 500
            if not is_right:
                wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))

    def test_outside_scope_finds_no_object_of_another_unit_and_serves_every_customer(
        self, walk: Walk, code: str
    ) -> None:
        province = make_unit(None, OrgUnit.Kind.PROVINCE, "WALK", "湖南省电力公司")
        user = make_user(f"far_{code}", make_unit(province, OrgUnit.Kind.COUNTY, "WALK1", "岳麓"), code)
        pages, programs, wrong = signed_in(user), with_key(user), []
        for rule, method, address in every(walk):
            if rule.audience != PERMISSION or code not in roles_with(word_for(rule, method)):
                continue
            status = ask(programs if rule.is_api else pages, method, address, rule)
            if set(rule.arguments) & MANAGED or rule.name in MANAGED_PAGES:
                is_right = status in (404, 405)
            else:
                is_right = status < 500 and (
                    status not in REFUSALS or rule.name in SAY_NO_THEMSELVES or bool(set(rule.arguments) & OWN)
                )
            if not is_right:
                wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))


# Addresses that ask for more than their permission, and why; each is tested where it stands.
SAY_NO_THEMSELVES: dict[str, str] = {
    "cockpit_indicator": "an indicator asks for its own permission besides",
    **dict.fromkeys(
        ("dsm:loads", "dsm:loads_export", "dsm:forecasts", "dsm:forecasts_export", "dsm:forecast_make"),
        "of the network of one's own unit; where there is none, there is no load",
    ),
    "api_load_forecast": "of the network of one's own unit",
    **dict.fromkeys(("cis:fund_sums", "cis:fund_sums_export"), "the books are one: only who answers for all of them"),
    "cis:portal_operating_cost": "of businesses: a home has no such page",
    **dict.fromkeys(
        ("cis:market_settlement_new", "cis:settlement_act"),
        "a settlement is the whole utility's, which takes a grant for it",
    ),
    "cis:settlement_account": "an account that differs, of one's own units",
    "cis:settlement_answer": "an account that differs, of one's own units",
    "cis:switches_change": "without a unit the choices are the whole utility's, which takes a grant for all of it",
    "cis:reading_limits_change": "without a unit the limits are the whole utility's, which takes a grant for all of it",
    "grid_service:question": "only who holds a post of the district now",
    "grid_service:notice": "only who holds a post of the district now",
    "grid_service:call": "only who holds a post of the district now",
    "grid_service:care_of": "only who holds a post of the district now",
    "approval": "who neither asked nor may decide sees nothing",
    "approval_approve": "a second person is needed",
    "approval_refuse": "a second person is needed",
    "approval_withdraw": "only who asked",
    "api_payment_reversal": "staff prove anew who they are, which a key cannot",
    "people_unlock": "there is nothing to unlock",
    "people_role": "a role is the whole utility's: changing it takes a grant for all of it",
}


class TestConnectedClients:
    def test_nobody_calls_in_their_place(self, walk: Walk) -> None:
        """Neither staff nor keys nor customers: a client is let in by its signature alone, an app by its token."""
        unit = OrgUnit.objects.get(pk=walk.world.province_id)
        people = [
            Client(),
            signed_in(make_user("walks_leader", unit, "leader")),
            signed_in(User.objects.get(pk=walk.world.portal_user_id)),
            with_key(make_user("walks_bank", unit, "bank-integrator")),
        ]
        theirs = [rule for rule in rules() if rule.audience in (CHANNEL, APP)]

        answers = {
            ask(client, method, walk.address(rule), rule) for client in people for rule in theirs for method in METHODS
        }

        assert len(theirs) > 4 and answers == {401}


class TestPrograms:
    def test_a_key_opens_no_page(self, walk: Walk) -> None:
        unit = OrgUnit.objects.get(pk=walk.world.province_id)
        bank = make_user("bank", unit, "bank-integrator")
        User.objects.filter(pk=bank.pk).update(kind=User.Kind.MACHINE)
        client, wrong = with_key(bank), []
        for rule, method, address in every(walk):
            if rule.audience in (SIGNED_IN, CUSTOMER) or (rule.audience == PERMISSION and not rule.is_api):
                status = ask(client, method, address, rule)
                if status != 401:
                    wrong.append((rule.name, method, status))

        assert wrong == [], "\n".join(map(str, wrong))

    def test_a_revoked_key_opens_nothing(self, walk: Walk) -> None:
        bank = make_user("bank", OrgUnit.objects.get(pk=walk.world.province_id), "bank-integrator")
        client = with_key(bank)
        ApiKey.objects.filter(user=bank).update(revoked_at=timezone.now())

        answers = {ask(client, READ, walk.address(rule), rule) for rule in rules() if rule.is_api and rule.permissions}

        assert answers <= {401, 403} and answers


@pytest.mark.acceptance("F168")
class TestLooking:
    def test_every_page_about_one_customer_says_that_it_was_seen(self, walk: Walk) -> None:
        """A page that shows a record and forgets to say so is found here."""
        unit = OrgUnit.objects.get(pk=walk.world.province_id)
        user = make_user("sees_all", unit, None)
        words = sorted({word for role in ROLES for word in role.permissions})
        role = Role.objects.create(code="everything", name="全部", permissions=words)
        RoleGrant.objects.create(user=user, role=role, org_unit=unit)
        pages, programs, silent = signed_in(user), with_key(user), []
        for rule in rules():
            if not {"account_no", "bill_no", "receipt_no", "refund_no", "doubt_id"} & set(rule.arguments):
                continue
            if rule.audience != PERMISSION:
                continue
            before = Look.objects.count()
            with transaction.atomic():
                answer = (programs if rule.is_api else pages).get(walk.address(rule))
                seen = Look.objects.count() > before
                transaction.set_rollback(True)
            if answer.status_code == 200 and not seen:
                silent.append(rule.name)

        assert silent == []


class TestApprovalsExist:
    def test_the_walk_has_a_request_that_waits(self) -> None:
        assert Approval.objects.filter(state="waiting").exists()
