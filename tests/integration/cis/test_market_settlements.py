"""The trading centre's settlements: taken whole, held against bills, cleared on the next one and on no other."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client

from cis.market_settlement import Cause, classify
from cis.models import (
    Bill,
    BillCorrection,
    BillLine,
    MarketSettlement,
    MarketSettlementRow,
    Reading,
    SettlementCheck,
    SettlementClearing,
    SettlementDifference,
)
from cis.operations import bill_cancellations, bill_corrections, market_settlements, retail
from cis.operations.billing import issue_bill_now
from cis.operations.integrity import check_integrity
from cis.operations.settlement_files import Imported, SettlementRefused, import_settlement
from cis.queries.billing import get_bill
from cis.queries.market_settlements import get_settlement
from cis.rating import ChargeCode
from config.shared import approvals
from config.shared.models import User
from tests.factories.market import FIXED, leader_of, publish_month
from tests.factories.settlements import as_csv, as_xlsx, line
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-04-03T09:00+08:00")
MONTH = 202602


@pytest.fixture
def world(settings: Any) -> World:
    """The tiny utility in April, its cycles up to March read; bills of its own year never come due."""
    settings.BILL_DUE_DAYS = 20_000
    return small_world(at=AT)


def buy(world: World, **terms: Any) -> int:
    """Publish February and March and let the shop buy by a package from then on; the agreement."""
    for month in (MONTH, 202603):
        publish_month(world, month, at=AT)
    seller = retail.add_retailer(code="SD001", name="江汉售电有限公司", name_en="Jianghan Retail")
    package = retail.add_package(
        retailer_id=seller, code="F1", name="固定价一年", kind="fixed", terms=FIXED, source="零售平台备案", **terms
    )
    return retail.sign_agreement(
        account_id=world.commercial.account_id, package_id=package, from_month=MONTH, until_month=None,
        document="零售合同 2026-0117", signed_by_id=world.accountant_id, at=AT,
    )  # fmt: skip


def bill(world: World, cycle: int = MONTH) -> Bill:
    """The shop's bill of a cycle, with those before it."""
    for one in (*(earlier for earlier in world.cycles if earlier < cycle), cycle):
        if not Bill.objects.filter(account_id=world.commercial.account_id, cycle=one).exists():
            issue_bill_now(account_id=world.commercial.account_id, cycle=one, issued_by_id=None, at=AT)
    return Bill.objects.filter(account_id=world.commercial.account_id, cycle=cycle).latest("revision")


def market_of(issued: Bill) -> tuple[int, int]:
    """(0.01 kWh, fen) of a bill's retail lines, added up here."""
    lines = BillLine.objects.filter(bill_id=issued.pk, code__gte=100, code__lte=105).values_list(
        "quantity", "amount_fen"
    )
    return sum(quantity for quantity, _fen in lines), sum(fen for _quantity, fen in lines)


def text(hundredths: int) -> str:
    return f"{Decimal(hundredths) / 100:.2f}"


def settled(world: World, issued: Bill, *, more_fen: int = 0, **changed: str) -> bytes:
    """A file with the shop alone, as it was billed or for so much more."""
    kwh, fen = market_of(issued)
    row = line(world.commercial.account_no, month=MONTH, kwh=text(kwh), energy=text(fen + more_fen))
    return as_csv([row | changed])


def bring(world: World, data: bytes, at: datetime = AT) -> Imported:
    return import_settlement(
        data=data, file_name="零售结算_202602.csv", province="湖北", month=MONTH, by_id=world.accountant_id, at=at
    )


def differences(settlement_id: int) -> dict[int, SettlementDifference]:
    """Of the newest check, by account."""
    check = SettlementCheck.objects.filter(settlement_id=settlement_id).latest("pk")
    return {row.account_id: row for row in check.differences.all()}


def clear(world: World, settlement_id: int) -> market_settlements.Cleared:
    return market_settlements.clear_settlement(
        settlement_id=settlement_id, reason="按月结算依据", by_id=world.accountant_id, at=AT
    )


class TestFile:
    def test_a_clean_file_has_no_difference_and_the_same_bytes_bring_nothing_new(self, world: World) -> None:
        buy(world)
        data = settled(world, bill(world))

        first, again = bring(world, data), bring(world, data)

        assert (first.is_new, again.is_new, again.settlement_id) == (True, False, first.settlement_id)
        assert MarketSettlement.objects.count() == 1
        assert MarketSettlementRow.objects.count() == 1
        assert not differences(first.settlement_id)
        figures = SettlementCheck.objects.get().figures
        assert figures["causes"] == {"equal": {"accounts": 1, "left_fen": 0, "absolute_fen": 0}}
        (sums,) = figures["retailers"].values()
        assert (sums["ours_kwh_e2"], sums["ours_fen"]) == (sums["theirs_kwh_e2"], sums["theirs_fen"])

    def test_one_bad_row_refuses_all_and_names_it(self, world: World) -> None:
        buy(world)
        shop, home = world.commercial, world.residential
        good = line(shop.account_no, month=MONTH, kwh="1", energy="0.39", point_no=f"P{shop.account_no}")
        bad = [
            line("nobody", month=MONTH, kwh="1", energy="0.39"),
            line(home.account_no, month=MONTH, kwh="1", energy="0.39", retailer_code="SD999"),
            good | {"point_no": "P-of-others"},
            line(shop.account_no, month=MONTH, kwh="1", energy="0.39"),
        ]

        with pytest.raises(SettlementRefused) as refused:
            bring(world, as_csv([good, *bad]))

        assert {(one.line, one.code) for one in refused.value.faults} >= {
            (3, "unknown-account"),
            (4, "unknown-retailer"),
            (5, "unknown-point"),
            (6, "account-and-points"),
        }
        assert not MarketSettlement.objects.exists()
        assert not MarketSettlementRow.objects.exists()

    def test_a_month_that_is_not_over_has_no_settlement(self, world: World) -> None:
        with pytest.raises(SettlementRefused):
            import_settlement(
                data=as_xlsx([]), file_name="x.xlsx", province="湖北", month=202604, by_id=world.accountant_id, at=AT
            )

    def test_what_was_taken_never_changes(self, world: World) -> None:
        buy(world)
        kept = bring(world, settled(world, bill(world), more_fen=500)).settlement_id

        for rows, values in (
            (MarketSettlement.objects.filter(pk=kept), {"month": 202601}),
            (MarketSettlementRow.objects.filter(settlement_id=kept), {"total_fen": 1}),
            (SettlementDifference.objects.all(), {"cause": 0}),
            (SettlementCheck.objects.all(), {"figures": {}}),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.update(**values)


class TestCauses:
    def test_who_was_billed_otherwise_is_found_in_one_file(self, world: World) -> None:
        """A home billed by the utility, a flat that is not billed, the shop with a rounding and then without a row."""
        buy(world)
        other = retail.add_retailer(code="SD002", name="楚能售电")
        issued = bill(world)
        home, flat, shop = world.residential, world.residential_tou, world.commercial
        issue_bill_now(account_id=home.account_id, cycle=202601, issued_by_id=None, at=AT)
        issue_bill_now(account_id=home.account_id, cycle=MONTH, issued_by_id=None, at=AT)
        kwh, fen = market_of(issued)
        rows = [line(one.account_no, month=MONTH, kwh="1.00", energy="0.39") for one in (home, flat)]
        own = line(shop.account_no, month=MONTH, kwh=text(kwh), energy=text(fen + 1))

        found = {}
        for name, sent in (
            ("rounding", [*rows, own]),
            ("other", [*rows, own | {"retailer_code": "SD002"}]),
            ("missing", rows),
        ):
            found[name] = {
                pk: Cause(row.cause) for pk, row in differences(bring(world, as_csv(sent)).settlement_id).items()
            }

        same = {home.account_id: Cause.NO_AGREEMENT, flat.account_id: Cause.NOT_BILLED}
        assert found["rounding"] == same | {shop.account_id: Cause.ROUNDING}
        assert found["other"] == same | {shop.account_id: Cause.OTHER_RETAILER}
        assert found["missing"] == same | {shop.account_id: Cause.MISSING_THERE}
        sums = SettlementCheck.objects.order_by("pk")[1].figures["retailers"]
        assert (sums[str(other)]["ours"], sums[str(other)]["theirs_fen"]) == (0, fen + 1)


class TestKilled:
    @pytest.mark.parametrize("killed_at", [1, 2])
    def test_half_an_act_leaves_nothing_and_can_be_done_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch, killed_at: int
    ) -> None:
        """The act ends inside its transaction: at the import's check, or at the check after what was cleared."""
        buy(world)
        data = settled(world, bill(world), more_fen=500)
        if killed_at == 2:
            kept = bring(world, data).settlement_id
        whole, calls = classify, iter(range(1, 10))

        def ends(*sides: Any) -> Any:
            if next(calls) == killed_at:
                raise SystemExit
            return whole(*sides)

        monkeypatch.setattr("cis.operations.market_settlements.classify", ends)
        with pytest.raises(SystemExit):
            bring(world, data) if killed_at == 1 else clear(world, kept)
        assert not SettlementClearing.objects.exists()
        assert not BillCorrection.objects.exists()
        assert MarketSettlementRow.objects.count() == killed_at - 1
        monkeypatch.undo()

        again = bring(world, data).settlement_id
        assert clear(world, again).more_fen == 500
        assert SettlementClearing.objects.count() == 1


class TestClearing:
    def test_worked_by_hand(self, world: World) -> None:
        """The energy was billed as settled; the deviation of 12.34 yuan was not, and rides on March's bill."""
        buy(world)
        issued = bill(world)
        kwh, fen = market_of(issued)
        data = as_csv(
            [
                line(
                    world.commercial.account_no, month=MONTH, kwh=text(kwh), energy=text(fen),
                    deviation_yuan="12.34", total_yuan=text(fen + 1_234),
                )
            ]
        )  # fmt: skip
        kept = bring(world, data).settlement_id
        found = differences(kept)[world.commercial.account_id]
        assert (found.cause, found.left_fen, found.cleared_fen) == (Cause.DEVIATION, 1_234, 0)

        cleared = clear(world, kept)

        assert (cleared.accounts, cleared.more_fen, cleared.less_fen, cleared.approval_id) == (1, 1_234, 0, None)
        after = differences(kept)[world.commercial.account_id]
        assert (after.cause, after.left_fen, after.cleared_fen) == (Cause.CLEARED, 0, 1_234)
        with pytest.raises(market_settlements.NothingToClear):
            clear(world, kept)
        following = bill(world, 202603)
        line_of = BillLine.objects.get(bill_id=following.pk, code=ChargeCode.MARKET_SETTLED_MORE)
        assert (line_of.amount_fen, following.correction_fen) == (1_234, 1_234)
        page = get_bill(str(following))
        assert page.recomputes
        assert BillCorrection.objects.get().taken_by_id == following.pk
        assert BillLine.objects.filter(code=ChargeCode.MARKET_SETTLED_MORE).count() == 1
        assert not [one for one in check_integrity() if one.broken]

    def test_a_later_file_clears_only_what_is_new(self, world: World) -> None:
        buy(world)
        issued = bill(world)
        first = bring(world, settled(world, issued, more_fen=900)).settlement_id
        assert differences(first)[world.commercial.account_id].cause == Cause.OTHER_PRICE
        clear(world, first)

        second = bring(world, settled(world, issued, more_fen=-400))

        assert second.revision == 2
        row = differences(second.settlement_id)[world.commercial.account_id]
        assert (row.cause, row.cleared_fen, row.left_fen) == (Cause.OTHER_PRICE, 900, -1_300)
        with pytest.raises(market_settlements.Superseded):
            clear(world, first)
        assert clear(world, second.settlement_id).less_fen == 1_300
        following = bill(world, 202603)
        assert following.correction_fen == 900 - 1_300
        assert {one.taken_by_id for one in BillCorrection.objects.all()} == {following.pk}
        assert sum(one.amount_fen for one in SettlementClearing.objects.all()) == -400

    def test_a_package_settled_later_is_cleared_as_provisional(self, world: World) -> None:
        buy(world, settled_later=True)
        kept = bring(world, settled(world, bill(world), more_fen=77_700)).settlement_id

        assert differences(kept)[world.commercial.account_id].cause == Cause.PROVISIONAL
        assert clear(world, kept).more_fen == 77_700

    def test_other_energy_is_looked_at_and_never_cleared(self, world: World) -> None:
        buy(world)
        issued = bill(world)
        kwh, _fen = market_of(issued)
        kept = bring(world, settled(world, issued, more_fen=500, energy_kwh=text(kwh + 100))).settlement_id

        with pytest.raises(market_settlements.NothingToClear):
            clear(world, kept)
        assert differences(kept)[world.commercial.account_id].cause == Cause.OTHER_ENERGY
        assert not SettlementClearing.objects.exists()

    def test_a_corrected_reading_reconciles_what_a_check_then_finds(self, world: World) -> None:
        """Billed are the corrected lines: the energy that the centre settled is billed once the reading is right."""
        buy(world)
        issued = bill(world)
        before = market_of(issued)
        read = Reading.objects.get(
            installation_id=world.commercial.installation_id, cycle=MONTH, register=4, state=Reading.State.ACCEPTED
        )
        kwh = before[0] + 100 * 40
        flat = {4: read.value_e4 + 10_000, 1: Reading.objects.get(
            installation_id=world.commercial.installation_id, cycle=MONTH, register=1, state=Reading.State.ACCEPTED
        ).value_e4 + 10_000}  # fmt: skip
        kept = bring(world, settled(world, issued, more_fen=40 * 39 + 8, energy_kwh=text(kwh))).settlement_id
        assert differences(kept)[world.commercial.account_id].cause == Cause.OTHER_ENERGY
        change = bill_corrections.Values(world.commercial.installation_id, read.read_on, flat)
        bill_corrections.correct(change=change, reason="误抄", by_id=world.accountant_id, at=AT)

        market_settlements.check_settlement(settlement_id=kept, by_id=world.accountant_id, at=AT)

        row = differences(kept).get(world.commercial.account_id)
        assert row is None or row.cause == Cause.ROUNDING, (row.cause, row.left_fen)

    def test_above_the_limit_a_second_person_decides(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 100
        buy(world)
        kept = bring(world, settled(world, bill(world), more_fen=500)).settlement_id

        asked = clear(world, kept)

        assert asked.approval_id is not None
        assert not SettlementClearing.objects.exists()
        with pytest.raises(approvals.AlreadyAsked):
            clear(world, kept)
        approvals.approve(approval_id=asked.approval_id, decided_by_id=leader_of(world), at=AT)
        correction = BillCorrection.objects.get()
        assert (correction.amount_fen, correction.approved_by_id) == (500, leader_of(world))
        assert differences(kept)[world.commercial.account_id].cause == Cause.CLEARED

    def test_a_cancelled_bill_gives_its_clearing_to_the_one_in_its_place(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 100_000_000
        buy(world)
        kept = bring(world, settled(world, bill(world), more_fen=500)).settlement_id
        clear(world, kept)
        following = bill(world, 202603)

        done = bill_cancellations.cancel_and_rebill(
            bill_no=str(following), reason="重开", by_id=world.accountant_id, at=AT
        )

        taken = BillCorrection.objects.get().taken_by
        assert taken is not None
        assert (str(taken), taken.correction_fen) == (done.bill_no, 500)


class TestPages:
    def test_from_the_file_to_the_next_bill(self, world: World) -> None:
        buy(world)
        data = settled(world, bill(world), more_fen=500)
        client = Client()
        client.force_login(User.objects.get(username="accountant"))
        given = {"province": "湖北", "month": str(MONTH)}
        posted = client.post(
            "/console/market/settlements/new/", given | {"file": SimpleUploadedFile("零售结算.csv", data)}
        )
        assert posted.status_code == 302, posted.content.decode()
        address = posted["Location"]

        page = client.get(address).content.decode()
        assert "价格或金额不同" in page
        assert "江汉售电有限公司" in page
        assert client.get(f"{address}?cause=other_price&export=csv").status_code == 200
        assert world.commercial.account_no not in client.get(f"{address}?cause=deviation").content.decode()
        assert client.post(f"{address}act/", {"act": "clear", "reason": "按月结算依据"}).status_code == 302
        assert "清算后相符" in client.get(address).content.decode()
        following = bill(world, 202603)
        said = client.get(f"/console/bills/{following}/").content.decode()
        assert "零售结算.csv" in said
        assert "补收市场化购电清算差额" in said

    def test_a_refused_file_names_its_rows(self, world: World) -> None:
        buy(world)
        client = Client()
        client.force_login(User.objects.get(username="accountant"))
        data = as_csv([line("nobody", month=MONTH, kwh="1", energy="0.39")])

        posted = client.post(
            "/console/market/settlements/new/",
            {"province": "湖北", "month": str(MONTH), "file": SimpleUploadedFile("x.csv", data)},
        )

        assert posted.status_code == 422
        assert "没有户号 nobody" in posted.content.decode()

    def test_an_answer_settles_a_difference_until_it_changes(self, world: World) -> None:
        buy(world)
        issued = bill(world)
        kwh, _fen = market_of(issued)
        kept = bring(world, settled(world, issued, energy_kwh=text(kwh + 100))).settlement_id
        client = Client()
        client.force_login(User.objects.get(username="accountant"))
        address = f"/console/market/settlements/{kept}/accounts/{world.commercial.account_no}/"

        assert client.post(f"{address}answer/", {"note": "已请交易中心更正"}).status_code == 302

        assert get_settlement(kept, within=None).row.open == 0
        assert "已请交易中心更正" in client.get(address).content.decode()
        again = bring(world, settled(world, issued, energy_kwh=text(kwh + 200)))
        assert get_settlement(again.settlement_id, within=None).row.open == 1
