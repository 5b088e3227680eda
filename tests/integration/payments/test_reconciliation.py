"""A channel's day against our books: what must hold by the invariants' numbers, files refused whole, the day's cut."""

from __future__ import annotations

import io
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from cis.models import LedgerTransfer
from cis.operations import ledger
from config.shared import approvals
from config.shared.models import OrgUnit
from payments.matching.channel_file import FileRow, write_file
from payments.models import ChannelClient, ChannelFile, ChannelFileRow, Difference, Payment, Reconciliation
from payments.operations import differences
from payments.operations.differences import SettledOtherwise, ask_to_resolve, settle_day
from payments.operations.reconciling import DayStillOpen, FileChanged, FileRefused, is_closed, keep_file, reconcile
from payments.operations.reversing import TakenBack, book_reversal
from payments.operations.taking import CameIn, book_new, lock_serial
from tests.factories.channels import connect_bank
from tests.factories.held_money import hold_money
from tests.factories.world import World, make_user, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)
D1, D2 = date(2026, 2, 2), date(2026, 2, 3)
NOON = datetime(2026, 2, 2, 4, 0, tzinfo=UTC)
AFTER = datetime(2026, 2, 5, 4, 0, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    world = small_world()
    connect_bank(world)
    return world


def clearing() -> int:
    return ChannelClient.objects.get(code="icbc").clearing_id


def pay(world: World, serial: str, fen: int, day: date = D1) -> Payment:
    """What the bank told us, booked."""
    with transaction.atomic():
        lock_serial("icbc", serial)
        taken = book_new(
            channel="icbc", serial=serial, account_id=world.residential.account_id, amount_fen=fen, method="bank",
            came=CameIn(clearing(), business_date=day), org_unit_id=None, received_by_id=None, reference=serial,
            chosen=(), is_wish=False, at=NOON,
        )  # fmt: skip
    return Payment.objects.get(pk=taken.payment_id)


def take_back(payment: Payment, day: date = D1) -> None:
    with transaction.atomic():
        ledger.lock_balances([payment.account_id])
        back = TakenBack(clearing(), day, channel="icbc", serial=f"R{payment.serial}")
        book_reversal(payment, back, reason="超时", reversed_by_id=None, at=NOON)


def row(serial: str, fen: int, *, status: str = "OK", at: datetime = NOON) -> FileRow:
    return FileRow(serial, "", fen, "P" if fen > 0 else "R", at, status, f"B{serial}")


def close_days() -> None:
    """Both days, whether or not anything was booked on them."""
    for day in (D1, D2):
        if not is_closed(day):
            ledger.close_day(business_date=day, closed_by_id=None, at=AFTER)


def run(world: World, rows: list[FileRow], day: date = D1) -> Reconciliation:
    close_days()
    file = keep_file(
        name=f"icbc-{day}.txt", file=io.BytesIO(write_file("icbc", day, rows)), by_id=world.accountant_id, at=AFTER
    )
    outcome = reconcile(file_id=file.pk, by_id=world.accountant_id, at=AFTER)
    return Reconciliation.objects.get(pk=outcome.reconciliation_id)


def lies_on(account_id: int) -> int:
    """Credits less debits of one of the utility's own accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(CASE WHEN credit_id = %(id)s THEN amount_fen ELSE -amount_fen END), 0)::bigint "
            "FROM cis_ledger_transfer WHERE %(id)s IN (debit_id, credit_id)",
            {"id": account_id},
        )
        return int(cursor.fetchone()[0])


def on(name: str) -> int:
    return lies_on(ledger.control_id(name))


def found() -> dict[str, tuple[str, int]]:
    return {one.serial: (one.outcome, one.theirs_fen - one.ours_fen) for one in Difference.objects.all()}


def resolve(world: World, difference: Difference, way: str, *, account_no: str = "") -> None:
    province = OrgUnit.objects.get(pk=world.province_id)
    number = Difference.objects.exclude(resolution="").count()
    asks = make_user(f"asks-{number}", province, "accountant")
    decides = make_user(f"decides-{number}", province, "leader")
    asked = ask_to_resolve(
        difference_id=difference.pk, way=way, account_no=account_no, reason="和银行核对过", asked_by_id=asks.pk,
        at=AFTER,
    )  # fmt: skip
    approvals.approve(approval_id=asked, decided_by_id=decides.pk, at=AFTER)


class TestOneDay:
    def test_every_kind_of_difference_is_told_from_the_others(self, world: World) -> None:
        for serial in ("same", "short", "amount", "twice", "failed"):
            pay(world, serial, 1_000)
        for serial in ("back-unsaid", "back-said", "back-lost"):
            take_back(pay(world, serial, 2_000))

        made = run(
            world,
            [
                row("same", 1_000), row("long", 500), row("amount", 1_200), row("twice", 1_000), row("twice", 1_000),
                row("failed", 1_000, status="FAIL"), row("back-said", 2_000), row("back-said", -2_000),
                row("back-lost", 2_000),
            ],
        )  # fmt: skip

        assert found() == {
            "long": ("LONG", 500),
            "short": ("SHORT", -1_000),
            "amount": ("AMOUNT_DIFF", 200),
            "twice": ("DUPLICATE", 1_000),
            "failed": ("STATUS_DIFF", -1_000),
            "back-lost": ("STATUS_DIFF", 2_000),
        }
        assert made.matched == 3
        assert (on("LONG_SUSPENSE"), on("SHORT_SUSPENSE")) == (3_700, -2_000)
        assert {one.owner_id for one in Difference.objects.all()} == {world.accountant_id}
        assert ledger.verify().faults == ()

    @pytest.mark.parametrize("seed", range(3))
    def test_invariant_20_the_bill_is_what_is_booked_and_the_differences_exactly(self, world: World, seed: int) -> None:
        draw = random.Random(seed)
        rows: list[FileRow] = []
        for number in range(25):
            serial, fen = f"S{number}", draw.randint(1, 10**6)
            if draw.random() < 0.8:
                payment = pay(world, serial, fen)
                if draw.random() < 0.2:
                    take_back(payment)
            for _copy in range(draw.choice((0, 1, 1, 1, 2))):
                rows.append(row(serial, draw.choice((fen, fen, fen + 7)), status=draw.choice(("OK", "OK", "FAIL"))))
            if draw.random() < 0.2:
                rows.append(row(serial, -fen))
        draw.shuffle(rows)
        before = -lies_on(clearing())

        made = run(world, rows)

        told = sum(one.amount_fen for one in rows if one.status == "OK")
        assert (made.theirs_fen, made.ours_fen) == (told, before)
        assert made.theirs_fen == made.ours_fen + sum(fen for _outcome, fen in found().values())
        assert -lies_on(clearing()) == told
        assert on("LONG_SUSPENSE") == sum(fen for _outcome, fen in found().values() if fen > 0)

    def test_invariant_21_again_and_at_once_changes_nothing(self, world: World) -> None:
        pay(world, "short", 1_000)
        made = run(world, [row("long", 500)])
        before = LedgerTransfer.objects.count()

        run(world, [row("long", 500)])
        together([lambda: reconcile(file_id=made.file_id, by_id=world.accountant_id, at=AFTER)] * 4)

        assert (Reconciliation.objects.count(), Difference.objects.count()) == (1, 2)
        assert (ChannelFile.objects.count(), ChannelFileRow.objects.count()) == (1, 1)
        assert LedgerTransfer.objects.count() == before

    def test_invariant_21_four_first_runs_at_once_put_aside_once(self, world: World) -> None:
        pay(world, "short", 1_000)
        close_days()
        raw = write_file("icbc", D1, [row("long", 500)])

        def act() -> Any:
            file = keep_file(name="a.txt", file=io.BytesIO(raw), by_id=world.accountant_id, at=AFTER)
            return reconcile(file_id=file.pk, by_id=world.accountant_id, at=AFTER)

        results = together([act] * 4)

        assert not [one for one in results if isinstance(one, Exception)], results
        assert (on("LONG_SUSPENSE"), on("SHORT_SUSPENSE")) == (500, -1_000)

    def test_invariant_21_a_changed_file_of_the_day_is_refused(self, world: World) -> None:
        run(world, [row("long", 500)])

        with pytest.raises(FileChanged):
            run(world, [row("long", 501)])

        assert ChannelFileRow.objects.count() == 1

    def test_a_day_that_is_still_open_is_not_compared(self, world: World) -> None:
        pay(world, "S1", 1_000)
        raw = write_file("icbc", D1, [row("S1", 1_000)])
        file = keep_file(name="a.txt", file=io.BytesIO(raw), by_id=world.accountant_id, at=AFTER)

        with pytest.raises(DayStillOpen):
            reconcile(file_id=file.pk, by_id=world.accountant_id, at=AFTER)

        assert not Reconciliation.objects.exists()


class TestFile:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"|2|1500\n", b"|3|1500\n"),
            (b"|2|1500\n", b"|2|1501\n"),
            (b"|500|P", b"|600|P"),
            (b"S1", b"S3"),
            (b"|OK|", b"|FAIL|"),
            (b"T|", b""),
        ],
    )
    def test_a_wrong_count_total_hash_or_line_refuses_the_whole_file(
        self, world: World, old: bytes, new: bytes
    ) -> None:
        raw = write_file("icbc", D1, [row("S1", 500), row("S2", 1_000)])
        assert old in raw

        with pytest.raises(FileRefused):
            keep_file(name="a", file=io.BytesIO(raw.replace(old, new, 1)), by_id=world.accountant_id, at=AFTER)

        assert not ChannelFile.objects.exists() and not ChannelFileRow.objects.exists()

    def test_a_file_without_its_end_is_refused(self, world: World) -> None:
        raw = write_file("icbc", D1, [row("S1", 500)])

        for cut in range(0, len(raw), 19):
            with pytest.raises(FileRefused):
                keep_file(name="a", file=io.BytesIO(raw[:cut]), by_id=world.accountant_id, at=AFTER)

        assert not ChannelFile.objects.exists()


class TestDayShift:
    @pytest.mark.parametrize("is_later_first", [False, True])
    def test_a_payment_at_the_cut_that_the_bank_counts_on_another_day_clears_itself(
        self, world: World, is_later_first: bool
    ) -> None:
        last, first = datetime(2026, 2, 2, 15, 59, 59, tzinfo=UTC), datetime(2026, 2, 2, 16, 0, tzinfo=UTC)
        pay(world, "at-235959", 1_000, D1)
        pay(world, "at-000000", 2_000, D2)
        pay(world, "shifted", 3_000, D2)
        days = [(D1, [row("at-235959", 1_000, at=last), row("shifted", 3_000, at=last)]),
                (D2, [row("at-000000", 2_000, at=first)])]  # fmt: skip

        for day, rows in reversed(days) if is_later_first else days:
            run(world, rows, day)

        one, other = Difference.objects.order_by("day")
        assert found().keys() == {"shifted"}
        assert (one.outcome, other.outcome) == ("LONG", "SHORT")
        assert (one.resolution, other.resolution) == ("DAY_SHIFT", "DAY_SHIFT")
        assert (one.other_id, other.other_id) == (other.pk, one.pk)
        assert (on("LONG_SUSPENSE"), on("SHORT_SUSPENSE")) == (0, 0)
        assert -lies_on(clearing()) == 6_000

    def test_other_amounts_do_not_clear_each_other(self, world: World) -> None:
        pay(world, "S1", 3_000, D2)

        run(world, [row("S1", 2_999)], D1)
        run(world, [], D2)

        assert Difference.objects.filter(resolution="").count() == 2


class TestResolving:
    def test_invariant_22_the_clearing_account_is_empty_when_all_is_closed(self, world: World) -> None:
        pay(world, "same", 9_000)
        pay(world, "short", 1_000)
        pay(world, "gone", 300)
        made = run(world, [row("same", 9_000), row("long", 500), row("gift", 40)])
        by_serial = {one.serial: one for one in Difference.objects.all()}

        resolve(world, by_serial["long"], "BOOKED", account_no=world.residential.account_no)
        resolve(world, by_serial["short"], "BANK")
        resolve(world, by_serial["gone"], "WRITTEN_OFF")
        resolve(world, by_serial["gift"], "WRITTEN_OFF")
        settle_day(
            reconciliation_id=made.pk, received_fen=9_500, fee_fen=40, by_id=world.accountant_id, at=AFTER
        )  # fmt: skip
        settle_day(
            reconciliation_id=made.pk, received_fen=9_500, fee_fen=40, by_id=world.accountant_id, at=AFTER
        )  # fmt: skip

        assert (lies_on(clearing()), on("LONG_SUSPENSE"), on("SHORT_SUSPENSE")) == (0, 0, 0)
        assert (on("BANK_DEPOSIT"), on("CHANNEL_FEES"), on("OTHER_LOSSES"), on("OTHER_GAINS")) == (
            -10_500, -40, -300, 40,
        )  # fmt: skip
        assert Payment.objects.get(serial="long").account_id == world.residential.account_id
        assert ledger.verify().faults == ()
        with pytest.raises(SettledOtherwise):
            settle_day(reconciliation_id=made.pk, received_fen=9_540, fee_fen=0, by_id=1, at=AFTER)

    def test_invariant_22_what_does_not_come_to_the_bill_settles_nothing(self, world: World) -> None:
        made = run(world, [row("long", 500)])

        with pytest.raises(SettledOtherwise):
            settle_day(reconciliation_id=made.pk, received_fen=490, fee_fen=9, by_id=world.accountant_id, at=AFTER)

        assert lies_on(clearing()) == -500

    def test_invariant_23_a_difference_ends_with_exactly_one_entry(self, world: World) -> None:
        run(world, [row("long", 500)])
        difference = Difference.objects.get()
        resolve(world, difference, "WRITTEN_OFF")

        with pytest.raises(differences.AlreadyResolved):
            ask_to_resolve(
                difference_id=difference.pk, way="BANK", account_no="", reason="再来", asked_by_id=world.accountant_id,
                at=AFTER,
            )  # fmt: skip
        assert LedgerTransfer.objects.filter(kind=ledger.TransferKind.DIFFERENCE_RESOLVED).count() == 1

    def test_invariant_23_the_database_lets_none_vanish_or_end_twice(self, world: World) -> None:
        run(world, [row("long", 500)])
        resolve(world, Difference.objects.get(), "WRITTEN_OFF")

        for sql in (
            "DELETE FROM payments_difference",
            "UPDATE payments_difference SET resolution = 'BANK'",
            "UPDATE payments_channel_file_row SET amount_fen = 1",
            "DELETE FROM payments_channel_file",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

        assert Difference.objects.get().resolution == "WRITTEN_OFF"

    def test_short_money_is_nobodys_payment(self, world: World) -> None:
        pay(world, "short", 1_000)
        run(world, [])

        with pytest.raises(differences.WayNotPossible):
            resolve(world, Difference.objects.get(), "BOOKED", account_no=world.residential.account_no)

    def test_money_booked_from_a_difference_is_not_short_the_day_it_is_booked(self, world: World) -> None:
        run(world, [row("long", 500)])
        resolve(world, Difference.objects.get(), "BOOKED", account_no=world.residential.account_no)
        booked_on = Payment.objects.get(serial="long").business_date
        later = AFTER + timedelta(days=2)
        ledger.close_day(business_date=booked_on, closed_by_id=None, at=later)
        raw = write_file("icbc", booked_on, [])
        file = keep_file(name="b", file=io.BytesIO(raw), by_id=world.accountant_id, at=later)

        reconcile(file_id=file.pk, by_id=world.accountant_id, at=later)

        assert Difference.objects.count() == 1


class TestHeldMoney:
    def test_money_of_a_provider_that_was_put_aside_is_not_put_aside_twice(self, world: World) -> None:
        hold_money(world.residential.account_id, NOON, number="HELD0001")
        close_days()
        raw = write_file("wallet", D1, [row("HELD0001", 200)])
        file = keep_file(name="w", file=io.BytesIO(raw), by_id=world.accountant_id, at=AFTER)

        reconcile(file_id=file.pk, by_id=world.accountant_id, at=AFTER)

        assert (on("UNIDENTIFIED"), on("LONG_SUSPENSE")) == (200, 0)
        assert not Difference.objects.exists()
