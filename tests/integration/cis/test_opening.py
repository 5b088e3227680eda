"""Cut-over: a folder of another system's accounts taken over whole, billed on from there to the fen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from cis.models import (
    Account,
    ArrearsCase,
    Bill,
    BillCancellation,
    BillingRun,
    BillLine,
    Customer,
    LedgerTransfer,
    Meter,
    MeterInstallation,
    OpeningBill,
    OpeningImport,
    Protection,
    Reading,
    SupplyContract,
)
from cis.operations import billing, collecting, ledger
from cis.operations.bill_cancellations import OfFormerSystem, preview
from cis.operations.integrity import check_integrity
from cis.operations.opening import BatchInUse, OpeningRefused, import_opening
from cis.operations.opening_staging import stage
from cis.queries import billing as bills
from cis.queries.late_fees import late_fees_so_far
from cis.queries.ledger import balance
from cis.rating import Register
from config.embedded.places import PROJECT
from config.shared import jobs
from payments.models import Allocation
from payments.operations import reverse_payment, take_payment
from tests.factories.opening import NEW, SHOP, ZHAO, hand_over, write_folder
from tests.factories.world import small_world

AT = datetime(2026, 4, 3, 2, tzinfo=UTC)
NEXT = datetime(2026, 5, 3, 2, tzinfo=UTC)


def read_april(advances: dict[str, dict[Register, int]]) -> None:
    """The registers of 1 May 2026, so many units on."""
    for number, of_registers in advances.items():
        hung = MeterInstallation.objects.get(meter__meter_no=f"N{number}")
        for register, units in of_registers.items():
            before = Reading.objects.get(installation_id=hung.pk, register=register)
            Reading.objects.create(
                installation_id=hung.pk,
                register=register,
                read_on=date(2026, 5, 1),
                account_id=before.account_id,
                cycle=202604,
                value_e4=before.value_e4 + units * 10_000,
                advance_kwh_e2=units * 100 * hung.ct_ratio,
                days=(date(2026, 5, 1) - before.read_on).days,
                state=Reading.State.ACCEPTED,
            )


def bill_april() -> None:
    run_id = billing.start_run(cycle=202604, org_unit_id=None, created_by_id=None, at=NEXT)
    jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)


def total_of(number: str, cycle: int) -> int:
    return Bill.objects.get(account__account_no=number, cycle=cycle).total_fen


def money(number: str) -> tuple[int, int]:
    found = balance(Account.objects.get(account_no=number).pk)
    return found.receivable_fen, found.prepayment_fen


def is_sound() -> None:
    assert not ledger.verify().faults
    assert not [finding for finding in check_integrity() if finding.broken]


@pytest.mark.django_db
class TestOpening:
    def test_next_run_bills_on_from_the_folder_to_the_fen(self, tmp_path: Path):
        small_world(at=AT)

        taken = import_opening(folder=write_folder(tmp_path, hand_over()), at=AT)

        assert (taken.outcome, taken.totals["registers"]["value"]) == ("new", "7321.5000")
        assert [money(number) for number in (ZHAO, SHOP, NEW)] == [(0, 500), (86040, 0), (0, 0)]
        opening = ledger.control_id("OPENING")
        assert sum(LedgerTransfer.objects.filter(credit_id=opening).values_list("amount_fen", flat=True)) == 86040
        is_sound()
        page = bills.get_bill(str(Bill.objects.get(account__account_no=SHOP, cycle=202602)))
        assert page.recomputes
        assert [line.amount_fen for line in page.lines] == [64000]
        with pytest.raises(OfFormerSystem):
            preview(bill_no=page.bill.bill_no, at=AT)
        collecting.open_cases(at=AT + timedelta(days=20))
        assert list(ArrearsCase.objects.values_list("account__account_no", flat=True)) == [SHOP]

        read_april({ZHAO: {Register.TOTAL: 30}, NEW: {Register.TOTAL: 42}})
        bill_april()

        # 2150 kWh are used: 10 more at 0.558 yuan are of the first tier, 20 at 0.608 of the second.
        assert total_of(ZHAO, 202604) == 558 + 1216
        assert total_of(NEW, 202604) == 2344  # 42 x 0.558 = 23.436
        billed = Bill.objects.get(account__account_no=ZHAO, cycle=202604)
        assert (billed.period_start, billed.tier_kwh_e2_before) == (date(2026, 4, 1), 215_000)
        assert Bill.objects.get(account__account_no=NEW).period_start == date(2026, 4, 2)
        assert money(ZHAO) == (1774 - 500, 0)
        is_sound()

    def test_shop_with_periods_goes_on_from_each_register(self, tmp_path: Path):
        small_world(at=AT)
        import_opening(folder=write_folder(tmp_path, hand_over()), at=AT)

        of = {Register.TOTAL: 100, Register.SHARP: 10, Register.PEAK: 30, Register.FLAT: 40, Register.VALLEY: 20}
        read_april({SHOP: of})
        bill_april()

        billed = Bill.objects.get(account__account_no=SHOP, cycle=202604)
        assert (billed.energy_kwh_e2, billed.period_start) == (100 * 40 * 100, date(2026, 4, 1))
        lines = BillLine.objects.filter(bill_id=billed.pk)
        assert sum(line.amount_fen for line in lines) == billed.total_fen > 0
        assert money(SHOP)[0] == 86040 + billed.total_fen
        is_sound()

    def test_same_folder_again_changes_nothing_and_a_corrected_one_replaces_it(self, tmp_path: Path):
        small_world(at=AT)
        folder = write_folder(tmp_path, hand_over())
        import_opening(folder=folder, at=AT)
        rows = LedgerTransfer.objects.count(), Bill.objects.count(), Reading.objects.count()

        assert import_opening(folder=folder, at=AT).outcome == "unchanged"
        assert rows == (LedgerTransfer.objects.count(), Bill.objects.count(), Reading.objects.count())

        right = hand_over()
        right["bills"][1]["open_yuan"] = "120.00"
        right["prepayments"][0]["balance_yuan"] = "7.00"
        right["contracts"][0]["people"] = "5"
        right["meters"][0]["meter_no"] = right["registers"][0]["meter_no"] = "NEWER"
        again = import_opening(folder=write_folder(tmp_path, right), at=AT)

        assert (again.outcome, again.revision) == ("corrected", 1)
        assert money(SHOP) == (84040, 0)
        assert money(ZHAO) == (0, 700)
        assert SupplyContract.objects.get(account__account_no=ZHAO).people == 5
        assert Meter.objects.filter(meter_no="NEWER").exists()
        assert not Meter.objects.filter(meter_no=f"N{ZHAO}").exists()
        assert Account.objects.filter(account_no__in=(ZHAO, SHOP, NEW)).count() == 3
        assert BillCancellation.objects.count() == 3
        is_sound()

        read_april({NEW: {Register.TOTAL: 42}})
        bill_april()
        right["bills"][1]["open_yuan"] = "100.00"
        with pytest.raises(BatchInUse):
            import_opening(folder=write_folder(tmp_path, right), at=NEXT)
        assert OpeningImport.objects.count() == 2

    @pytest.mark.parametrize("what", ["phone", "protection"])
    def test_what_was_changed_since_is_not_written_over(self, tmp_path: Path, what: str):
        world = small_world(at=AT)
        import_opening(folder=write_folder(tmp_path, hand_over()), at=AT)
        account = Account.objects.get(account_no=ZHAO)
        if what == "phone":
            Customer.objects.filter(pk=account.customer_id).update(phone="", version=2)
        else:
            Protection.objects.create(
                account=account, kind="life-support", basis="诊断书", from_on=date(2026, 4, 1),
                set_by_id=world.accountant_id, set_at=AT,
            )  # fmt: skip
        right = hand_over()
        right["bills"][1]["open_yuan"] = "120.00"

        with pytest.raises(BatchInUse):
            import_opening(folder=write_folder(tmp_path, right), at=AT)
        assert OpeningImport.objects.count() == 1

    def test_late_fees_run_from_where_the_former_system_stopped(self, tmp_path: Path):
        small_world(at=AT)
        files = hand_over()
        for line, through in zip(files["bills"], ("", "2026-04-01", ""), strict=True):
            line |= {"due_on": "2026-03-15", "late_fee_through": through}
        told: list[tuple[int, int]] = []

        import_opening(
            folder=write_folder(tmp_path, files), at=AT, on_progress=lambda done, of: told.append((done, of))
        )

        shop = Account.objects.get(account_no=SHOP).pk
        fees = {fee.cycle: fee for fee in late_fees_so_far(shop, on=date(2026, 4, 11)).bills}
        assert (fees[202602].days, fees[202602].due_fen) == (10, 280)  # 140.00 x 10 x 2 permille
        assert fees[202603].days == 27
        assert told and told[-1][0] == told[-1][1]

    def test_a_bill_of_the_former_system_is_paid_with_its_late_fee_and_taken_back(self, tmp_path: Path):
        world = small_world(at=AT)
        files = hand_over()
        for line in files["bills"]:
            line |= {"due_on": "2026-03-15", "late_fee_through": "2026-04-01"}
        import_opening(folder=write_folder(tmp_path, files), at=AT)
        shop = Account.objects.get(account_no=SHOP).pk
        on = datetime(2026, 4, 11, 2, tzinfo=UTC)

        # Ten days since: 140.00 and 720.40 at two permille a day, rounded a bill: 2.80 and 14.41.
        taken = take_payment(
            account_id=shop, amount_fen=86040 + 280 + 1441 + 100, method="cash", org_unit_id=world.hall_a_id,
            received_by_id=world.clerk_a_id, form_key="opening-bills-1", at=on,
        )  # fmt: skip

        assert sorted(Allocation.objects.values_list("bill_no", "amount_fen", "fee_fen")) == sorted(
            (str(Bill.objects.get(account_id=shop, cycle=cycle)), *parts)
            for cycle, parts in ((202602, (14280, 280)), (202603, (73481, 1441)))
        )
        assert money(SHOP) == (0, 100)
        is_sound()

        reverse_payment(payment_id=taken.payment_id, reason="金额录错", reversed_by_id=world.clerk_a_id, at=on)

        assert money(SHOP)[1] == 0
        assert set(Bill.objects.filter(account_id=shop).values_list("open_fen", flat=True)) == {14000, 72040}
        is_sound()

    def test_every_wrong_line_is_named_and_nothing_is_taken(self, tmp_path: Path):
        small_world(at=AT)

        def refused(change: str) -> set[tuple[str, int, str]]:
            files = hand_over()
            exec(change, {"f": files})
            folder = write_folder(tmp_path / str(abs(hash(change))), files)
            with pytest.raises(OpeningRefused) as caught:
                import_opening(folder=folder, at=AT)
            assert all(fault.message and "%" not in fault.message for fault in caught.value.faults)
            return {(fault.file, fault.line, fault.code) for fault in caught.value.faults}

        for change, expected in WRONG.items():
            assert expected in refused(change), change
        assert not OpeningBill.objects.exists()
        assert not Account.objects.filter(account_no=ZHAO).exists()

    def test_each_control_total_is_held_against_the_files(self, tmp_path: Path):
        small_world(at=AT)
        folder = write_folder(tmp_path, hand_over(), {"balance_yuan": "855.41"})
        control = folder / "control.json"
        stated = control.read_text(encoding="utf-8")
        assert '"2000.50"' in stated
        control.write_text(stated.replace('"2000.50"', '"2000.51"').replace('"rows": 7', '"rows": 8'), encoding="utf-8")

        with pytest.raises(OpeningRefused) as caught:
            import_opening(folder=folder, at=AT, check_only=True)

        assert {fault.column for fault in caught.value.faults} == {
            "balance_yuan", "bills.energy_kwh", "registers.rows"
        }  # fmt: skip
        assert any("2000.51 ≠ 2000.50" in fault.message for fault in caught.value.faults)

    def test_broken_in_the_middle_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        small_world(at=AT)
        before = Account.objects.count()

        monkeypatch.setattr("cis.operations.opening_writing._BILLS", ("SELECT 1 / 0",))
        with pytest.raises(DatabaseError), transaction.atomic():
            import_opening(folder=write_folder(tmp_path, hand_over()), at=AT)

        assert Account.objects.count() == before
        assert not OpeningImport.objects.exists()

    def test_personal_data_is_never_staged_in_the_clear(self, tmp_path: Path):
        small_world(at=AT)
        with transaction.atomic():
            stage(write_folder(tmp_path, hand_over()))
            with connection.cursor() as cursor:
                cursor.execute("SELECT phone, phone_last4 FROM taken_customers ORDER BY line")
                phone, last_4 = cursor.fetchone()

        assert last_4 == "0001"
        assert "10000000001" not in phone


class TestKilled:
    def test_a_command_killed_while_it_writes_leaves_nothing_and_is_given_again(
        self, tmp_path: Path, owner_connection: Any
    ):
        small_world(at=AT)
        folder = write_folder(tmp_path, hand_over())
        words = [sys.executable, "manage.py", "import_opening", str(folder), "--json"]
        with owner_connection.cursor() as cursor:
            # Its last table is held, so that it is killed when nearly everything is written.
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE cis_opening_bill IN EXCLUSIVE MODE")
            process = subprocess.Popen(words, cwd=PROJECT, env=os.environ, stdout=subprocess.DEVNULL)
            until = time.monotonic() + 60
            waiting = None
            while waiting is None and time.monotonic() < until:
                cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'cis_opening_bill'::regclass")
                waiting = cursor.fetchone()
            assert waiting is not None, "the command never came to its last table"
            process.send_signal(signal.SIGKILL)
            process.wait()
            cursor.execute("COMMIT")
            gone = False
            while not gone and time.monotonic() < until:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", waiting)
                gone = cursor.fetchone() is None
        assert gone
        assert not Account.objects.filter(account_no=ZHAO).exists()
        assert not OpeningImport.objects.exists()

        again = subprocess.run(words, cwd=PROJECT, env=os.environ, capture_output=True, check=True)

        assert json.loads(again.stdout)["outcome"] == "new"
        assert money(SHOP) == (86040, 0)
        is_sound()


WRONG: dict[str, tuple[str, int, str]] = {
    "f['accounts'][0]['org_unit'] = 'NOWHERE'": ("accounts.csv", 2, "unknown-unit"),
    "f['accounts'][1]['route'] = 'NOWHERE'": ("accounts.csv", 3, "unknown-route"),
    "f['accounts'][1]['district'] = 'NOWHERE'": ("accounts.csv", 3, "unknown-district"),
    "f['accounts'][1]['customer_no'] = 'C9'": ("accounts.csv", 3, "unknown-customer"),
    "f['accounts'].append(dict(f['accounts'][0]))": ("accounts.csv", 5, "line-twice"),
    "f['accounts'][0]['account_no'] = '4290000001'": ("accounts.csv", 2, "account-is-there"),
    "f['contracts'].pop()": ("accounts.csv", 4, "account-without-contract"),
    "f['contracts'][0]['tariff'] = 'NONE'": ("contracts.csv", 2, "unknown-tariff"),
    "f['contracts'][0]['valid_from'] = '2026-04-02'": ("contracts.csv", 2, "contract-too-late"),
    "f['meters'][0]['point_no'] = f['meters'][1]['point_no']": ("meters.csv", 3, "point-twice"),
    "f['meters'][0]['meter_no'] = 'M4290000001'": ("meters.csv", 2, "meter-is-there"),
    "[b.update(late_fee_through='2026-04-02') for b in f['bills']]": ("bills.csv", 2, "late-fee-of-another-day"),
    "f['registers'][0]['read_on'] = '2026-03-31'": ("registers.csv", 2, "register-of-another-day"),
    "f['registers'][0]['value'] = '1000000'": ("registers.csv", 2, "register-too-large"),
    "f['registers'][0]['value'] = '-1'": ("registers.csv", 2, "negative"),
    "f['registers'].pop()": ("meters.csv", 4, "meter-without-register"),
    "f['bills'][1]['open_yuan'] = '640.01'": ("bills.csv", 3, "more-open-than-billed"),
    "f['bills'][2]['period_start'] = '2026-02-20'": ("bills.csv", 4, "periods-overlap"),
    "f['bills'][0]['period_end'] = '2026-03-31'": ("bills.csv", 2, "not-the-reading-day"),
    "f['bills'][0]['reference'] = 'A-2'": ("bills.csv", 3, "reference-twice"),
    "f['tier_energy'].clear()": ("accounts.csv", 2, "no-tier-energy"),
    "f['tier_energy'][0]['energy_kwh'] = '299.99'": ("tier_energy.csv", 2, "tier-less-than-bill"),
    "f['prepayments'][0]['account_no'] = '1'": ("prepayments.csv", 2, "unknown-account"),
    "f['customers'][0]['name'] = ''": ("customers.csv", 2, "empty"),
}
