"""Grades are proposed from what happened, decided by people, and reminders follow the behaviour."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import Error, transaction
from django.test import Client

from cis.messages import BILL_DUE
from cis.models import Bill, CreditDecision, CreditGrade
from cis.operations import collecting, credit, reminders
from cis.queries import collecting as collecting_queries
from cis.queries import credit as queries
from config.shared.errors import Refused
from config.shared.models import Message, OrgUnit, User
from tests.factories.arrears import at
from tests.factories.bills import issue
from tests.factories.world import World, small_world
from tests.integration.payments import pay_all

pytestmark = pytest.mark.django_db

MONTHS = (202508, 202509, 202510, 202511)


@pytest.fixture
def world() -> World:
    """Four months of bills: the household always pays on the due date, the shop each a month late."""
    made = small_world()
    for cycle in MONTHS:
        home, shop = issue(made, 100_00, cycle=cycle), issue(made, 500_00, cycle=cycle, account=made.commercial)
        due_on = Bill.objects.get(pk=int(home[6:])).due_on
        pay_all(made, at=_at(due_on))
        del shop
        pay_all(made, account=made.commercial, at=_at(due_on, days=20))
    return made


def _at(day: date, days: int = 0) -> Any:
    return at(1, 1).replace(year=day.year, month=day.month, day=day.day) + (at(1, 2) - at(1, 1)) * days


class TestGrades:
    def test_are_proposed_with_reasons_and_change_by_a_decision_only(self, world: World) -> None:
        account = world.commercial.account_id
        credit.propose(at=at(1, 20))
        credit.propose(at=at(1, 20))

        row = CreditGrade.objects.get(account_id=account)
        assert (row.grade, row.proposed) == ("", "C")
        assert row.reasons == [["late_percent", 100, 50]]
        assert not CreditGrade.objects.filter(account_id=world.residential.account_id).exists()
        with pytest.raises(Error), transaction.atomic():
            CreditGrade.objects.filter(account_id=account).update(grade="D")
        path = [OrgUnit.objects.get(pk=world.province_id).path]
        [shown], _more = queries.list_proposals(within=path)
        assert (shown.grade, shown.proposed) == ("A", "C") and "100%" in shown.reasons[0]

        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id))
        address = f"/console/accounts/{world.commercial.account_no}/debts/"
        typed = {"act": "grade", "grade-grade": "B", "grade-proposed": "C", "grade-note": "搬家期间晚交，已改自动扣款"}
        assert client.post(address, {**typed, "grade-note": ""}).status_code == 422
        assert client.post(address, typed).status_code == 302

        page = queries.credit_page(account, on=date(2026, 1, 21))
        assert (page.grade, page.proposed) == ("B", "C")
        assert CreditDecision.objects.get().reasons == [["late_percent", 100, 50]]
        assert "搬家期间晚交" in client.get(address).content.decode()

    def test_a_proposal_that_changed_is_read_again(self, world: World) -> None:
        credit.propose(at=at(1, 20))
        with pytest.raises(credit.ProposalChanged):
            credit.decide(
                account_id=world.commercial.account_id, grade="D", proposed="D", note="看错", by_id=1, at=at(1, 20)
            )
        with pytest.raises(Refused):
            credit.decide(
                account_id=world.residential.account_id, grade="A", proposed="A", note="x", by_id=1, at=at(1, 20)
            )


class TestReminders:
    def test_who_always_pays_late_is_told_earlier_who_pays_on_time_never(
        self, world: World, settings: Any, django_assert_max_num_queries: Any
    ) -> None:
        settings.BILL_NOTICES = ["in_app", "sms"]
        issue(world, 100_00, cycle=202512)
        shop = issue(world, 500_00, cycle=202512, account=world.commercial)

        told = []
        for day in range(1, 15):
            with django_assert_max_num_queries(30):
                told.append(reminders.remind_of_bills(at=at(1, day)))
            assert reminders.remind_of_bills(at=at(1, day, 11)) == 0

        assert [day for day, new in enumerate(told, start=1) if new] == [8], "seven days before 15 January"
        message = Message.objects.get(template=BILL_DUE.code)
        assert message.account_id == world.commercial.account_id and shop.endswith(message.dedupe_key.split(":")[1])


class TestAgeing:
    def test_by_band_and_cause_on_the_page_and_in_the_file(self, world: World) -> None:
        issue(world, 300_00, cycle=202511, revision=1)
        issue(world, 200_00, cycle=202512, account=world.commercial)
        collecting.open_cases(at=at(1, 20))
        shop = collecting_queries.case_of_account(world.commercial.account_id, at=at(1, 20))
        assert shop is not None
        collecting.record_cause(
            case_id=shop.row.case_id, cause="cash", evidence="电话", by_id=world.accountant_id, at=at(1, 20)
        )
        path = [OrgUnit.objects.get(pk=world.province_id).path]

        rows = collecting_queries.ageing_by_cause(within=path, today=date(2026, 1, 20))
        lines = list(collecting_queries.cases_for_export(within=path, today=date(2026, 1, 20)))

        assert [(row.cause, row.cases[:3], row.all_fen) for row in rows] == [
            ("", (0, 1, 0), 300_00), ("cash", (1, 0, 0), 200_00)
        ]  # fmt: skip
        assert [(line[0], line[4], line[5], line[6], line[8]) for line in lines[1:]] == [
            (world.residential.account_no, "36", "31-60", "", "300.00"),
            (world.commercial.account_no, "5", "1-30", "cash", "200.00"),
        ]
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id))
        assert "资金周转困难" in client.get("/console/arrears/ageing/").content.decode()
        sent = client.get("/console/arrears/ageing/export.csv").getvalue().decode()
        assert world.commercial.account_no in sent
        assert client.get("/console/arrears/credit/").status_code == 200
