"""Agents: they sell against a deposit that is never overdrawn, within limits, and are settled once a day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from cis.models import LedgerTransfer
from cis.operations import ledger
from config.shared import approvals
from config.shared.models import User
from payments.models import AgentDay, AgentDeposit, AgentMove, AgentSettlement, ChannelClient, Payment
from payments.operations import agents, channel_clients
from payments.operations.channel_clients import Contract
from payments.operations.channel_payments import Collected, collect
from tests.factories.agents import caller, connect_agent, move_deposit
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.channels import connect_bank, today
from tests.factories.staff import prove
from tests.factories.world import World, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def no(world: World) -> str:
    return world.residential.account_no


def left() -> int:
    return AgentDeposit.objects.get().balance_fen


def owed_to_agent() -> int:
    """The credit of the agent's own clearing account, as the ledger has it."""
    clearing_id = ChannelClient.objects.get().clearing_id
    rows = LedgerTransfer.objects.filter(debit_id=clearing_id) | LedgerTransfer.objects.filter(credit_id=clearing_id)
    return sum(row.amount_fen if row.credit_id == clearing_id else -row.amount_fen for row in rows)


class TestADeposit:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.acceptance("F46")
    def test_is_never_overdrawn_by_a_hundred_sales_at_once(self, world: World) -> None:
        connect_agent(world, deposit_fen=36_500, at=timezone.now())
        shop, at, day = caller("shop"), timezone.now(), date.fromisoformat(today())
        numbers = [account.account_no for account in world.accounts]

        def sale(number: int) -> Any:
            collected = Collected(f"S{number}", day, numbers[number % len(numbers)], 1_000)
            return lambda: collect(caller=shop, collected=collected, at=at)

        outcomes: list[Any] = []
        for start in range(0, 100, 25):
            outcomes += together([sale(number) for number in range(start, start + 25)])

        kinds = Counter(type(outcome).__name__ for outcome in outcomes)
        assert kinds == {"TakenPayment": 36, "DepositShort": 64}
        assert Payment.objects.filter(channel="shop", method="agent").count() == 36
        assert left() == 500 == owed_to_agent()
        assert min(AgentMove.objects.values_list("balance_fen", flat=True)) >= 0
        assert ledger.verify().faults == ()

    def test_pays_a_bill_at_once_and_gets_a_reversal_back(self, world: World) -> None:
        bill_no = issue(world, 3_000, due_on=NOT_YET_DUE)
        shop = connect_agent(world, deposit_fen=10_000, at=timezone.now())

        paid = shop.pay(no(world), 3_000, serial="S1", bank_date=today())
        back = shop.reverse("S1", bank_date=today())
        again = shop.reverse("S1", bank_date=today())

        assert paid.status_code == 201 and paid.json()["allocations"][0]["bill_no"] == bill_no
        assert (back.status_code, again.json()) == (201, back.json())
        assert left() == 10_000 == owed_to_agent()
        assert AgentDay.objects.get().sold_fen == 0
        assert [move.kind for move in AgentMove.objects.order_by("pk")] == ["topped-up", "sale", "reversed"]

    def test_refuses_what_is_over_a_limit_or_the_deposit_by_its_code(self, world: World) -> None:
        terms = {"single_limit_fen": 5_000, "daily_limit_fen": 9_000}
        shop = connect_agent(world, deposit_fen=8_500, terms=terms, at=timezone.now())

        answers = [
            shop.pay(no(world), fen, serial=f"S{fen}", bank_date=today()) for fen in (5_001, 4_000, 5_000, 4_600, 4_500)
        ]

        told = [answer.json().get("code") for answer in answers]
        assert told == ["EP0120", None, "EP0121", "EP0121", None]
        assert left() == 0
        assert shop.get("/deposit").json() == {
            "balance_fen": 0, "single_limit_fen": 5_000, "daily_limit_fen": 9_000, "sold_fen": 8_500,
        }  # fmt: skip

    def test_holds_the_day_to_its_limit(self, world: World) -> None:
        terms = {"single_limit_fen": 5_000, "daily_limit_fen": 9_000}
        shop = connect_agent(world, deposit_fen=50_000, terms=terms, at=timezone.now())
        shop.pay(no(world), 5_000, serial="S1", bank_date=today())

        over = shop.pay(no(world), 4_001, serial="S2", bank_date=today())
        fits = shop.pay(no(world), 4_000, serial="S3", bank_date=today())

        assert (over.status_code, over.json()["code"], fits.status_code) == (409, "EP0120", 201)
        assert Payment.objects.count() == 2

    def test_sells_nothing_before_something_was_agreed(self, world: World) -> None:
        shop = connect_bank(world, "shop", kind="agent")

        answer = shop.pay(no(world), 100, serial="S1", bank_date=today())

        assert (answer.status_code, answer.json()["code"]) == (403, "EP0119")
        assert not Payment.objects.exists()

    def test_grows_only_when_somebody_else_approves_and_once_for_a_paper_of_the_bank(self, world: World) -> None:
        connect_agent(world, at=timezone.now())
        ask: dict[str, Any] = {
            "code": "shop", "kind": "topped-up", "amount_fen": 5_000, "reference": "HD1", "reason": "到账",
            "asked_by_id": world.administrator_id, "within": None, "at": timezone.now(),
        }  # fmt: skip
        approval_id = agents.ask_to_move(**ask)
        assert left() == 0
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=approval_id, decided_by_id=world.administrator_id, at=timezone.now())
        approvals.withdraw(approval_id=approval_id, asked_by_id=world.administrator_id, at=timezone.now())

        move_deposit(world, "shop", 5_000, reference="HD1", at=timezone.now())

        assert left() == 5_000 == owed_to_agent()
        with pytest.raises(agents.PaperUsed):
            agents.ask_to_move(**ask)
        move_deposit(world, "shop", 5_000, kind="paid-out", reference="HD2", at=timezone.now())
        assert left() == 0 == owed_to_agent()
        with pytest.raises(agents.DepositShort):
            agents.ask_to_move(**{**ask, "kind": "paid-out", "reference": "HD3"})
        assert ledger.verify().faults == ()

    def test_cannot_be_written_below_nothing_nor_its_moves_changed(self, world: World) -> None:
        connect_agent(world, deposit_fen=1_000, at=timezone.now())

        with pytest.raises(IntegrityError, match="agent_deposit_not_overdrawn"), transaction.atomic():
            AgentDeposit.objects.update(balance_fen=-1)
        for table in ("payments_agent_move", "payments_agent_settlement"):
            for change in ("UPDATE {} SET client_id = client_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
                with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(change.format(table))

    def test_low_is_told_once_when_the_line_is_crossed(self, world: World) -> None:
        shop = connect_agent(world, deposit_fen=5_000, terms={"low_deposit_fen": 3_000}, at=timezone.now())
        for number in range(4):
            shop.pay(no(world), 1_000, serial=f"S{number}", bank_date=today())

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shared_outbox_event WHERE name = 'payments.agent-deposit-low'")
            assert cursor.fetchone()[0] == 1

    def test_keeps_its_client_an_agent_that_reverses_on_the_same_day(self, world: World) -> None:
        connect_agent(world, at=timezone.now())
        agreed: dict[str, Any] = {"name": "店", "networks": ["127.0.0.0/8"], "area_ids": [world.province_id]}

        changes: tuple[dict[str, Any], ...] = ({"kind": "bank"}, {"kind": "agent", "reversal_days": 1})
        for changed in changes:
            with pytest.raises(channel_clients.KindIsFixed):
                channel_clients.change_contract(code="shop", contract=Contract(**agreed, **changed), within=None)


class TestASettlement:
    TERMS = {"commission_bp": 25, "commission_fen": 10}

    def sold(self, world: World) -> None:
        shop = connect_agent(world, deposit_fen=50_000, terms=self.TERMS, at=timezone.now())
        for serial, fen in (("S1", 18_640), ("S2", 9_999), ("S3", 700)):
            assert shop.pay(no(world), fen, serial=serial, bank_date=today()).status_code == 201
        assert shop.reverse("S3", bank_date=today()).status_code == 201

    @pytest.mark.acceptance("F46")
    def test_reckons_up_the_day_once_with_its_commission_to_the_fen(self, world: World) -> None:
        self.sold(world)
        day = date.fromisoformat(today())
        assert agents.settle_days(at=timezone.now()) == 0
        tomorrow = timezone.now() + timedelta(days=1)

        assert agents.settle_days(at=tomorrow) == 1
        assert agents.settle_days(at=tomorrow) == 0
        assert agents.settle_day(client_id=ChannelClient.objects.get().pk, business_date=day, at=tomorrow) is False

        settled = AgentSettlement.objects.get()
        # 286.39 yuan at 25 ten-thousandths are 71.5975 fen, 72; two sales kept at 10 fen are 20.
        assert (settled.sales, settled.sales_fen, settled.reversals, settled.reversals_fen) == (3, 29_339, 1, 700)
        assert settled.commission_fen == 92
        assert left() == settled.balance_fen == 50_000 - 28_639 + 92 == owed_to_agent()
        assert LedgerTransfer.objects.filter(kind=ledger.TransferKind.AGENT_COMMISSION).get().amount_fen == 92
        assert ledger.verify().faults == ()

    @pytest.mark.django_db(transaction=True)
    def test_eight_at_once_settle_once_and_then_nothing_is_sold_on_that_day(self, world: World) -> None:
        self.sold(world)
        client_id, day = ChannelClient.objects.get().pk, date.fromisoformat(today())

        outcomes = together([lambda: agents.settle_day(client_id=client_id, business_date=day, at=timezone.now())] * 8)

        assert sorted(outcomes) == [False] * 7 + [True]
        with pytest.raises(agents.DaySettled):
            collect(caller=caller("shop"), collected=Collected("S9", day, no(world), 100), at=timezone.now())
        assert AgentSettlement.objects.count() == 1


class TestThePages:
    @pytest.fixture
    def administrator(self, world: World) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=world.administrator_id), "django.contrib.auth.backends.ModelBackend")
        proven: Client = prove(client)
        return proven

    def test_agree_top_up_and_show_a_settled_day(self, world: World, administrator: Client) -> None:
        TestASettlement().sold(world)
        agents.settle_days(at=timezone.now() + timedelta(days=1))
        home = "/console/channels/shop/agent/"

        agreed = administrator.post(
            home + "terms/",
            {
                "outlet": "post", "contract_no": "YZ-1", "single_limit_fen": "300", "daily_limit_fen": "2000",
                "commission_bp": "30", "commission_fen": "0.10", "low_deposit_fen": "500.00",
            },
        )  # fmt: skip
        asked = administrator.post(
            home + "deposit/", {"kind": "topped-up", "amount": "88.80", "reference": "HD9", "reason": "到账"}
        )

        assert (agreed.status_code, asked.status_code) == (302, 302)
        shown = administrator.get(home).content.decode()
        assert all(words in shown for words in ("邮政", "YZ-1", "等另一人审批", "备付金不足", "214.53"))
        paper = administrator.get(f"{home}{today()}/").content.decode()
        assert "0.92" in paper and "286.39" in paper
        assert "shop" in administrator.get("/console/agents/").content.decode()
        assert administrator.get(f"{home}2026-13-45/").status_code == 404
