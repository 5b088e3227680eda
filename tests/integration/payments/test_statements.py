"""The statement of a month says what the ledger says, to the fen, at both ends and in between."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cis.models import PortalAccess
from cis.operations import ledger
from cis.operations.settlement import PrepaymentSpent
from cis.queries.account_statements import LedgerDisagrees
from cis.queries.ledger import balance_as_of
from config.shared.errors import NotFound
from config.shared.models import User
from payments import operations
from payments.queries.statements import Statement, get_statement
from tests.factories.bills import issue
from tests.factories.ledger import lawless
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_counter_pages import signed_in
from tests.integration.payments.test_refunds import approve, ask

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = date(2026, 4, 20)


def moment(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 3, tzinfo=UTC)


def statement(world: World, cycle: int | None, today: date = TODAY) -> Statement:
    return get_statement(account_id=world.residential.account_id, cycle=cycle, today=today)


def groups(of: Statement) -> dict[str, tuple[int, int]]:
    return {group.name: (group.count, group.fen) for group in of.groups if group.count}


def agrees_with_the_ledger(of: Statement) -> bool:
    before = balance_as_of(of.account_id, of.first_day - timedelta(days=1))
    after = balance_as_of(of.account_id, of.last_day)
    return (
        (of.opening_owed_fen, of.opening_prepaid_fen) == (before.receivable_fen, before.prepayment_fen)
        and (of.closing_owed_fen, of.closing_prepaid_fen) == (after.receivable_fen, after.prepayment_fen)
        and of.opening_fen + sum(group.fen for group in of.groups) == of.closing_fen
        and of.opening_owed_fen + sum(line.owed_fen for line in of.lines) == of.closing_owed_fen
        and of.opening_prepaid_fen + sum(line.prepaid_fen for line in of.lines) == of.closing_prepaid_fen
        and (of.lines[-1].balance_fen if of.lines else of.opening_fen) == of.closing_fen
    )


def later(world: World, at: datetime) -> World:
    """The same utility, at another moment."""
    return replace(world, at=at)


@pytest.fixture
def world() -> World:
    """
    February: a bill of 186.40 paid late, with its late fee, and 50 ahead; a payment of 30 taken back.

    March: 20 of what is ahead given back, a bill of 100. April: nothing.
    """
    made = small_world()
    issue(made, 18_640, due_on=date(2026, 2, 5))
    pay(made, fen=30_00, at=moment(2, 4), key="taken-back")
    operations.reverse_payment(
        payment_id=operations.take_payment(
            account_id=made.residential.account_id, amount_fen=30_00, method="cash", org_unit_id=made.hall_a_id,
            received_by_id=made.clerk_a_id, form_key="taken-back", at=moment(2, 4),
        ).payment_id,
        reason="录错", reversed_by_id=made.clerk_a_id, at=moment(2, 4),
    )  # fmt: skip
    pay(made, fen=25_000, at=moment(2, 20), method="card", reference="0001")
    march = later(made, moment(3, 3))
    approve(march, ask(march, fen=2_000, at=march.at), at=march.at)
    issue(march, 10_000, cycle=202602, due_on=date(2026, 3, 25))
    return made


class TestAMonth:
    def test_leads_from_the_balance_before_to_the_balance_after(self, world: World) -> None:
        february = statement(world, 202602)

        counted = groups(february)
        fee = counted["late-fees"][1]
        assert counted == {
            "billed": (1, 18_640),
            "late-fees": (1, fee),
            "paid": (2, -28_000),
            "reversed": (1, 3_000),
        }
        assert fee > 0 and february.opening_fen == 0 and february.closing_fen == 18_640 + fee - 25_000
        assert (february.closing_owed_fen, february.closing_prepaid_fen) == (0, 25_000 - 18_640 - fee)
        assert agrees_with_the_ledger(february)

    def test_names_what_each_line_is_of(self, world: World) -> None:
        february = statement(world, 202602)

        lines = [(line.act, line.note, bool(line.receipt_no), bool(line.bill_no)) for line in february.lines]
        assert lines == [
            ("电费账单", "", False, True),
            ("交费", "现金", True, False),
            ("交费冲正", "现金", True, False),
            ("违约金", "", False, True),
            ("交费", "刷卡", True, False),
        ]
        assert february.lines[1].receipt_no == february.lines[2].receipt_no != february.lines[4].receipt_no

    def test_begins_where_the_month_before_ended(self, world: World) -> None:
        february, march, april = (statement(world, cycle) for cycle in (202602, 202603, 202604))

        assert march.opening_fen == february.closing_fen and april.opening_fen == march.closing_fen
        assert groups(march)["billed"] == (1, 10_000) and groups(march)["refunded"] == (1, 2_000)
        assert "TF202603" in " ".join(line.document_no for line in march.lines)
        assert not april.lines and not april.is_over and april.last_day == TODAY
        assert all(agrees_with_the_ledger(one) for one in (february, march, april))

    def test_says_the_same_once_its_days_are_closed(self, world: World) -> None:
        before = statement(world, 202602)

        ledger.close_days(closed_by_id=world.accountant_id, at=moment(4, 20))

        assert statement(world, 202602) == before and agrees_with_the_ledger(statement(world, 202603))

    def test_is_the_last_whole_one_where_none_is_named(self, world: World) -> None:
        assert statement(world, None).cycle == 202603
        assert statement(world, None).months == (202604, 202603, 202602)
        assert statement(world, 202602).previous is None and statement(world, 202602).next == 202603

    @pytest.mark.parametrize("cycle", [202601, 202605, 190001])
    def test_before_the_first_act_or_not_begun_is_not_found(self, world: World, cycle: int) -> None:
        with pytest.raises(NotFound):
            statement(world, cycle)

    def test_of_an_account_that_never_moved_is_empty(self, world: World) -> None:
        empty = get_statement(account_id=world.commercial.account_id, cycle=None, today=TODAY)

        assert not empty.lines and empty.opening_fen == empty.closing_fen == 0 and agrees_with_the_ledger(empty)

    def test_is_of_one_account_alone_and_costs_the_same_whatever_it_holds(
        self, world: World, django_assert_max_num_queries: Any
    ) -> None:
        before = statement(world, 202602)
        for day in range(5, 20):
            pay(world, fen=100, at=moment(2, day))
            pay(world, fen=100, at=moment(2, day), account=world.commercial)

        with django_assert_max_num_queries(20):
            after = statement(world, 202602)

        assert len(after.lines) >= len(before.lines) + 15 and agrees_with_the_ledger(after)

    def test_is_refused_where_the_ledger_is_damaged(self, world: World) -> None:
        ledger.close_days(closed_by_id=world.accountant_id, at=moment(4, 20))
        with lawless() as cursor:
            cursor.execute(
                "UPDATE cis_ledger_day_balance SET debit_fen_to_date = debit_fen_to_date + 1"
                " WHERE ledger_account_id = %s AND business_date >= '2026-02-10'",
                [ledger.receivable_id(world.residential.account_id)],
            )

        with pytest.raises(LedgerDisagrees):
            statement(world, 202602)

    @hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(1, 30_000), st.integers(5, 28), st.booleans()), max_size=6))
    def test_whatever_is_paid_or_taken_back_equals_the_ledger(
        self, world: World, acts: list[tuple[int, int, bool]]
    ) -> None:
        for fen, day, is_taken_back in acts:
            taken = pay(world, fen=fen, at=moment(3, day))
            if is_taken_back:
                with suppress(PrepaymentSpent):
                    operations.reverse_payment(
                        payment_id=taken.payment_id, reason="录错", reversed_by_id=world.clerk_a_id, at=moment(3, day)
                    )

        assert agrees_with_the_ledger(statement(world, 202603)) and agrees_with_the_ledger(statement(world, 202604))


class TestThePages:
    def test_at_the_counter_and_on_paper_say_the_same(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        here = f"/console/accounts/{world.residential.account_no}/statement"

        page = client.get(f"{here}/?month=202602").content.decode()
        pdf = client.get(f"{here}.pdf?month=202602")

        assert pdf["Content-Type"] == "application/pdf"
        paper = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
        for line in statement(world, 202602).lines:
            assert line.document_no in page and line.document_no in paper
        assert "186.40" in page and "186.40" in paper and "张*" in paper and "张三" not in paper
        assert client.get(f"{here}/?month=2026-02").status_code == 404

    def test_in_the_portal_are_the_owners_and_the_tenant_s_not(self, world: World) -> None:
        owner = signed_in(world.portal_user_id)

        assert "186.40" in owner.get("/my/statement/?month=202602").content.decode()
        assert owner.get("/my/statement.pdf?month=202602").content.startswith(b"%PDF")
        assert "/my/statement/" in owner.get("/my/receipts/").content.decode()
        other = User.objects.create_user("lodger", kind=User.Kind.CUSTOMER)
        PortalAccess.objects.create(
            user=other,
            account_id=world.residential.account_id,
            role=PortalAccess.Role.TENANT,
            from_on=date(2026, 1, 1),
        )
        lodger = signed_in(other.pk)
        for address in ("/my/statement/", "/my/statement.pdf"):
            assert lodger.get(address).status_code in (403, 404)
        assert "/my/statement/" not in lodger.get("/my/receipts/").content.decode()

    def test_of_an_account_are_closed_to_strangers(self, world: World) -> None:
        here = f"/console/accounts/{world.residential.account_no}/statement/"

        assert signed_in(world.stranger_id).get(here).status_code == 403
        assert Client().get(here)["Location"].startswith("/sign-in/")
