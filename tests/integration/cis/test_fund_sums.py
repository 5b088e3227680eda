"""Funds and subsidies of a month: bills, corrections, cancellations and refunds against the ledger, fund by fund."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from psycopg2.extras import DateRange

from cis.models import (
    Bill,
    BillingRun,
    BillLine,
    CorrectionShare,
    FreeEnergyRight,
    Reading,
    WriteOff,
    WrittenOffBill,
)
from cis.models.ledger import TransferKind
from cis.operations import back_billing, bad_debts, bill_cancellations, bill_corrections, ledger
from cis.operations.bill_corrections import Ratio, Values
from cis.operations.billing import issue_bill_now
from cis.operations.integrity import check_integrity
from cis.operations.ledger import Posting
from cis.queries.back_billing import known_of_account
from cis.queries.billing import get_bill
from cis.queries.fund_sums import BooksAreOne, FundMonth, sums_of_month
from cis.rating import ChargeCode, Register
from config.shared import approvals
from config.shared.display_formats import format_money
from config.shared.models import OrgUnit, User
from tests.factories.world import AccountIds, World, make_user, small_world

pytestmark = pytest.mark.django_db

APRIL = datetime(2026, 4, 3, 1, 0, tzinfo=UTC)
MAY = datetime(2026, 5, 6, 1, 0, tzinfo=UTC)
FUNDS = (ChargeCode.FUND_RURAL, ChargeCode.FUND_RESERVOIR, ChargeCode.FUND_RENEWABLE)


@pytest.fixture
def world(settings: Any) -> World:
    """Four months read; nothing is held, nothing waits for a second person but what always does."""
    settings.BILL_HOLDS = {}
    settings.CORRECTION_LIMIT_FEN = 10**12
    world = small_world(at=MAY, cycles=4)
    FreeEnergyRight.objects.create(
        account_id=world.residential.account_id,
        valid=DateRange(date(2025, 1, 1), None),
        kwh_per_month=15,
        document="民政局 2025 年低保名单",
    )
    return world


def issue(account: AccountIds, cycle: int, at: datetime) -> Bill:
    return Bill.objects.get(pk=issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=at))


def month(cycle: int) -> dict[int, FundMonth]:
    return {row.code: row for row in sums_of_month(cycle, within=None).rows}


def lines(bill: Bill) -> dict[int, tuple[int, int]]:
    """Charge to (quantity, fen)."""
    return {one.code: (one.quantity, one.amount_fen) for one in BillLine.objects.filter(bill_id=bill.pk)}


def all_agree(*cycles: int) -> bool:
    sums = [sums_of_month(cycle, within=None) for cycle in cycles]
    return all(one.agrees and all(row.difference_fen == 0 for row in one.rows) for one in sums) and not any(
        one.broken for one in check_integrity()
    )


class TestSumByFund:
    @pytest.mark.acceptance("F35")
    def test_reconciles_each_month_through_corrections_cancellations_refunds_and_write_offs(self, world: World) -> None:
        shop, home = world.commercial, world.residential
        first, second, third = world.cycles[:3]
        issued = [issue(shop, first, APRIL), issue(shop, second, APRIL), issue(home, first, APRIL)]
        april = month(202604)
        # Every fund is a line of its own, and its own row and account here; so is the free energy.
        for code in FUNDS:
            quantity, fen = (sum(column) for column in zip(*(lines(one)[code] for one in issued[:2]), strict=True))
            assert fen > 0
            assert (april[code].energy_kwh_e2, april[code].billed_fen, april[code].ledger_fen) == (quantity, fen, fen)
        assert len({april[code].ledger_fen for code in FUNDS}) == 3
        free = april[ChargeCode.FREE_KWH]
        assert (free.energy_kwh_e2, free.ledger_fen) == lines(issued[2])[ChargeCode.FREE_KWH]
        assert free.ledger_fen < 0
        assert all_agree(202604)

        # May: a wrong ratio rides on the next bill, a bill is cancelled, one is written off, a case gives back.
        bill_corrections.correct(
            change=Ratio(shop.installation_id, 80, 1), reason="铭牌 400/5", by_id=world.accountant_id, at=MAY
        )
        shares = CorrectionShare.objects.filter(correction__account_id=shop.account_id)
        taken = issue(shop, third, MAY)
        may = month(202605)
        for code in FUNDS:
            own = shares.filter(code=code).aggregate(fen=Sum("amount_fen"))["fen"]
            assert own == sum(lines(one)[code][1] for one in issued[:2]) > 0
            assert may[code].corrected_fen == own
            assert may[code].billed_fen == lines(taken)[code][1]
            assert may[code].ledger_fen == own + lines(taken)[code][1]
        assert all_agree(202604, 202605)
        assert get_bill(str(taken)).recomputes

        bill_cancellations.cancel_and_rebill(bill_no=str(taken), reason="重开", by_id=world.accountant_id, at=MAY)
        again = month(202605)
        for code in FUNDS:
            assert again[code].cancelled_fen == -may[code].ledger_fen
            assert again[code].ledger_fen == may[code].ledger_fen
        assert all_agree(202604, 202605)

        self.back_bill(world, read_kwh="1000", error_pct="25")
        refunded = month(202605)
        for code in FUNDS:
            assert refunded[code].corrected_fen < again[code].corrected_fen
        assert all_agree(202604, 202605)

        before = month(202605)
        self.write_off(world, shop, issued[:2])
        assert month(202605) == before
        assert all_agree(202604, 202605)

    def back_bill(self, world: World, **facts: str) -> None:
        """A case from notice to approval; its prices are the account's own, fund by fund."""
        known = known_of_account(world.commercial.account_id, today=MAY.date())
        assert set(known.funds) == {code.name for code in FUNDS}
        case_id = back_billing.open_case(
            account_id=world.commercial.account_id, kind=back_billing.Kind.ERROR, inputs=facts,
            prices={"energy_price": known.energy_price, **known.funds}, story="校验偏快",
            by_id=world.accountant_id, at=MAY,
        )  # fmt: skip
        back_billing.add_evidence(
            case_id=case_id, stream=io.BytesIO(b"%PDF-1.4 proof"), name="校验单.pdf", content_type="application/pdf",
            by_id=world.accountant_id, at=MAY,
        )  # fmt: skip
        back_billing.note_notice(case_id=case_id, proof="当面签收", by_id=world.accountant_id, at=MAY)
        approval = back_billing.ask_to_post(case_id=case_id, reason="请审", by_id=world.accountant_id, at=MAY)
        second = make_user(f"second-{case_id}", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=approval, decided_by_id=second.pk, at=MAY)

    def write_off(self, world: World, who: AccountIds, bills: list[Bill]) -> None:
        approval = bad_debts.ask_write_off(
            account_id=who.account_id,
            ground=WriteOff.Ground.BANKRUPT,
            evidence="破产裁定书",
            reason="终结破产程序",
            asked_by_id=world.accountant_id,
            at=MAY,
        )
        second = make_user("second-wo", OrgUnit.objects.get(pk=world.province_id), "leader")
        approvals.approve(approval_id=approval, decided_by_id=second.pk, at=MAY)
        written = WrittenOffBill.objects.filter(bill__in=[one.pk for one in bills])
        assert written.count() == len(bills)

    def test_charges_of_a_case_reach_their_funds_with_the_next_bill(self, world: World) -> None:
        shop, (first, second, *_rest) = world.commercial, world.cycles
        issue(shop, first, APRIL)
        self.back_bill(world, read_kwh="1000", error_pct="-20")

        taken = lines(issue(shop, second, MAY))

        assert taken[ChargeCode.BACK_BILLED][1] > 0
        rural, renewable = (
            taken[code][1] for code in (ChargeCode.CORRECTION_FUND_RURAL, ChargeCode.CORRECTION_FUND_RENEWABLE)
        )
        # 1000 / 0.8 less 1000, half of it: 125 kWh.
        assert (rural, renewable) == (250, 238)
        assert all_agree(202604, 202605)

    def test_what_was_given_free_too_much_comes_back_as_a_line_of_its_own(self, world: World) -> None:
        home, (first, second, *_rest) = world.residential, world.cycles
        opening = Reading.objects.filter(installation_id=home.installation_id, register=Register.TOTAL).earliest(
            "read_on"
        )
        one = Reading.objects.get(installation_id=home.installation_id, cycle=first, register=Register.TOTAL)
        issue(home, first, APRIL)

        # Hardly anything was used: less than what is free.
        bill_corrections.correct(
            change=Values(home.installation_id, one.read_on, {int(Register.TOTAL): opening.value_e4 + 50_000}),
            reason="误抄", by_id=world.accountant_id, at=MAY,
        )  # fmt: skip
        taken = lines(issue(home, second, MAY))

        assert taken[ChargeCode.CORRECTION_FREE_KWH][1] > 0 > taken[ChargeCode.CORRECTION_LESS][1]
        may = month(202605)[ChargeCode.FREE_KWH]
        assert may.corrected_fen == taken[ChargeCode.CORRECTION_FREE_KWH][1]
        assert all_agree(202604, 202605)

    def test_what_does_not_agree_is_named_and_alarms(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        bill = issue(world.commercial, world.cycles[0], APRIL)
        rural, renewable = ledger.control_id("FUND_RURAL"), ledger.control_id("FUND_RENEWABLE")
        stray = Posting(int(TransferKind.BILL_ISSUED), bill.pk, 99, world.commercial.account_id, rural, renewable, 77)
        ledger.post([stray], booked_at=APRIL, business_date=date(2026, 4, 3))

        found = sums_of_month(202604, within=None)

        assert not found.agrees
        assert [(one.bill_no, one.documents_fen - one.ledger_fen) for one in found.differences] == [
            (str(bill), 77),
            (str(bill), -77),
        ]
        broken = next(one for one in check_integrity() if one.check == "fund-ledger")
        assert broken.broken == 2
        assert any(record.message == "integrity broken" for record in caplog.records)

    def test_closing_check_of_a_run_holds_every_fund_against_the_ledger(self, world: World) -> None:
        bill = issue(world.commercial, world.cycles[0], APRIL)

        closing = BillingRun.objects.get(pk=bill.run_id).closing

        assert closing is not None and closing["agrees"]
        assert [row["lines_fen"] for row in closing["funds"]] == [lines(bill)[code][1] for code in FUNDS]
        assert all(row["lines_fen"] == row["booked_fen"] for row in closing["funds"])


class TestPage:
    def test_shows_the_month_and_its_file_to_who_keeps_the_books(self, world: World, client: Client) -> None:
        issue(world.commercial, world.cycles[0], APRIL)
        client.force_login(User.objects.get(pk=world.accountant_id))

        page = client.get(reverse("cis:fund_sums"), {"month": "202604"})
        file = client.get(reverse("cis:fund_sums_export"), {"month": "202604"})

        quantity, rural = lines(Bill.objects.get())[ChargeCode.FUND_RURAL]
        shown = f"{rural // 100}.{rural % 100:02d}"
        assert page.status_code == 200
        assert format_money(rural) in page.content.decode()
        assert '<option value="202604" selected>2026-04</option>' in page.content.decode()
        assert (
            f"202604,224101,农网还贷资金,{quantity // 100}.{quantity % 100:02d},{shown},0.00,0.00,{shown},0.00,"
            in b"".join(file).decode()
        )

    def test_is_refused_to_who_answers_for_a_part(self, world: World) -> None:
        with pytest.raises(BooksAreOne):
            sums_of_month(202604, within=[OrgUnit.objects.get(pk=world.county_a_id).path])
