"""Parallel run: a file with one difference of every kind, each found and rightly named."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from cis.models import (
    Bill,
    BillComparison,
    BillDifference,
    BillingRun,
    BillLine,
    LedgerTransfer,
    ReadingRoute,
    TransformerDistrict,
)
from cis.operations import billing
from cis.operations.bill_comparisons import OtherBillsRefused, ThresholdRefused, compare_bills
from cis.parallel_run import OTHER_BILLS, Cause
from cis.rating import ChargeCode, Register
from config.shared import jobs
from config.shared.models import OrgUnit, User
from tests.factories.world import RESIDENTIAL_TARIFF, World, make_account, small_world

AT = datetime(2026, 2, 3, 2, tzinfo=UTC)
CYCLE = 202601
HEAD = [column.name for column in OTHER_BILLS.columns]
FUNDS = (ChargeCode.FUND_RURAL, ChargeCode.FUND_RESERVOIR, ChargeCode.FUND_RENEWABLE)

# What is done to the other system's line, and what must come of it. The difference is ours less theirs, in fen.
SEEDS: tuple[tuple[dict[str, int | str], Cause, int], ...] = (
    ({}, Cause.EQUAL, 0),
    ({"period_start": "2025-12-31"}, Cause.OTHER_PERIOD, 0),
    ({"energy_kwh": 100, "energy_yuan": 56}, Cause.OTHER_ENERGY, -56),
    ({"energy_yuan": -1}, Cause.ROUNDING, 1),
    ({"tier2_kwh": 1000, "energy_yuan": 50}, Cause.OTHER_TIER, -50),
    ({"energy_yuan": 300}, Cause.OTHER_PRICE, -300),
    ({"basic_yuan": 500}, Cause.BASIC_CHARGE, -500),
    ({"power_factor_yuan": -250}, Cause.POWER_FACTOR, 250),
    ({"fund_yuan": 120}, Cause.FUNDS, -120),
    ({"energy_yuan": 300, "fund_yuan": -100}, Cause.UNKNOWN, -200),
    ({"account_no": "9999999999"}, Cause.MISSING_HERE, 0),
)


def more_accounts(world: World, count: int) -> list[str]:
    numbers = [f"42900001{number:02d}" for number in range(count)]
    county, district = OrgUnit.objects.get(pk=world.county_a_id), TransformerDistrict.objects.get(code="T-D1")
    route = ReadingRoute.objects.get(pk=world.route_day_0_id)
    energies = {Register.TOTAL: (180, 190, 200)}
    for number in numbers:
        make_account(number, "孙七", county, route, district, RESIDENTIAL_TARIFF, world.cycles, energies)
    return numbers


def bill_everybody() -> None:
    run_id = billing.start_run(cycle=CYCLE, org_unit_id=None, created_by_id=None, at=AT)
    jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)


def lines_of_theirs() -> dict[str, dict[str, Any]]:
    """Our bills as another system would state them; amounts in fen and 0.01 kWh."""
    found = {}
    for bill in Bill.objects.select_related("account"):
        lines = list(BillLine.objects.filter(bill_id=bill.pk))
        fund = sum(line.amount_fen for line in lines if line.code in FUNDS)
        found[bill.account.account_no] = {
            "account_no": bill.account.account_no,
            "period_start": bill.period_start.isoformat(),
            "period_end": bill.period_end.isoformat(),
            "energy_kwh": bill.energy_kwh_e2,
            "energy_yuan": bill.total_fen - fund,
            "basic_yuan": 0,
            "power_factor_yuan": 0,
            "fund_yuan": fund,
            "tier2_kwh": sum(line.quantity for line in lines if line.code == ChargeCode.ENERGY_T2),
            "tier3_kwh": sum(line.quantity for line in lines if line.code == ChargeCode.ENERGY_T3),
        }
    return found


def write(file: Path, lines: list[dict[str, Any]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, HEAD)
        writer.writeheader()
        for line in lines:
            whole = sum(line[name] for name in ("energy_yuan", "basic_yuan", "power_factor_yuan", "fund_yuan"))
            writer.writerow(
                {name: _decimal(value) if isinstance(value, int) else value for name, value in line.items()}
                | {"total_yuan": _decimal(whole)}
            )
    return file


def _decimal(value: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


def seeded(numbers: list[str], lines: dict[str, dict[str, Any]]) -> dict[str, tuple[Cause, int]]:
    """Change one line for each seed, leave one of ours out; account to the cause and the difference."""
    expected: dict[str, tuple[Cause, int]] = {}
    for number, (change, cause, difference) in zip(numbers, SEEDS, strict=False):
        line = lines[number]
        total = line["energy_yuan"] + line["fund_yuan"]
        for name, value in change.items():
            line[name] = value if isinstance(value, str) else line[name] + value
        if cause == Cause.MISSING_HERE:
            expected["9999999999"], expected[number] = (cause, -total), (Cause.MISSING_THERE, total)
        elif cause != Cause.EQUAL:
            expected[number] = (cause, difference)
    return expected


@pytest.mark.django_db
class TestCompareBills:
    @pytest.mark.acceptance("F38")
    def test_every_seeded_difference_is_found_with_its_cause_and_held_against_thresholds(self, tmp_path: Path):
        world = small_world(at=AT)
        numbers = more_accounts(world, len(SEEDS))
        undo = transaction.savepoint()
        bill_everybody()
        lines = lines_of_theirs()
        transaction.savepoint_rollback(undo)
        right = write(tmp_path / "right.csv", list(lines.values()))
        expected = seeded(numbers, lines)
        wrong = write(tmp_path / "wrong.csv", list(lines.values()))

        # Before anything is billed, our side is rated and not written.
        rated = compare_bills(file=wrong, cycle=CYCLE, at=AT, with_unbilled=True)

        assert not Bill.objects.exists()
        assert not LedgerTransfer.objects.exists()
        assert differences(rated.comparison_id) == expected
        assert set(rated.by_cause) == {cause.name.lower() for cause in Cause}
        assert rated.by_cause["equal"].bills == len(world.accounts) + 1
        assert rated.by_cause["unknown"].absolute_fen == 200
        assert not rated.verdict.is_go

        bill_everybody()
        billed = compare_bills(file=wrong, cycle=CYCLE, at=AT)
        assert (billed.by_cause, billed.digest) == (rated.by_cause, rated.digest)
        assert differences(billed.comparison_id) == expected
        good = compare_bills(file=right, cycle=CYCLE, at=AT)
        assert good.verdict.is_go
        assert set(good.by_cause) == {"equal"}
        assert BillComparison.objects.filter(is_go=True).count() == 1
        assert good.digest != billed.digest

        # The limits decide.
        loose = {"equal_share": "0.1", "missing_share": "0.5", "unexplained": "2.00", "total_share": "1"}
        assert compare_bills(file=wrong, cycle=CYCLE, at=AT, limits=loose).verdict.is_go
        assert not compare_bills(file=wrong, cycle=CYCLE, at=AT, limits=loose | {"unexplained": "1.99"}).verdict.is_go

        out = io.StringIO()
        call_command("compare_bills", str(right), cycle=CYCLE, json=True, stdout=out)
        assert json.loads(out.getvalue())["verdict"]["is_go"]
        with pytest.raises(CommandError) as stopped:
            call_command("compare_bills", str(wrong), cycle=CYCLE, stdout=io.StringIO())
        assert stopped.value.returncode == 3

    def test_a_file_with_a_wrong_line_is_not_compared(self, tmp_path: Path):
        file = tmp_path / "bills.csv"
        row = "1,2026-01-01,2026-02-01,10.00,5.58,,,,,,"
        file.write_text("\n".join([",".join(HEAD), row, row, "2,2026-01-01,2026-02-01,x,5.58,,,,,,"]), encoding="utf-8")

        with pytest.raises(OtherBillsRefused) as refused:
            compare_bills(file=file, cycle=CYCLE, at=AT)

        assert [(fault.line, fault.code) for fault in refused.value.faults] == [(4, "not-a-number"), (3, "line-twice")]
        assert not BillComparison.objects.exists()
        with pytest.raises(ThresholdRefused):
            compare_bills(file=file, cycle=CYCLE, at=AT, limits={"equal": "1"})

    def test_the_report_is_read_by_who_bills_and_exported_by_cause(self, client: Client, tmp_path: Path):
        world = small_world(at=AT)
        numbers = more_accounts(world, 6)
        bill_everybody()
        lines = lines_of_theirs()
        seeded(numbers, lines)
        file = write(tmp_path / "bills.csv", list(lines.values()))
        done = compare_bills(file=file, cycle=CYCLE, at=AT, org_unit_code="T42")
        address = f"/console/runs/comparisons/{done.comparison_id}/"

        client.force_login(User.objects.get(pk=world.clerk_a_id))
        assert client.get(address).status_code in (403, 404)
        client.force_login(User.objects.get(pk=world.accountant_id))
        assert "bills.csv" in client.get("/console/runs/comparisons/").content.decode()
        page = client.get(address).content.decode()
        assert all(number in page for number in numbers[1:])
        of_price = client.get(f"{address}?cause=other_price").content.decode()
        assert (numbers[5] in of_price, numbers[2] in of_price) == (True, False)
        export = client.get(f"{address}?cause=other_energy&export=csv")
        text = b"".join(export).decode("utf-8-sig")
        assert (numbers[2] in text, numbers[5] in text) == (True, False)


def differences(comparison_id: int) -> dict[str, tuple[Cause, int]]:
    return {
        row.account_no: (Cause(row.cause), row.ours_fen - row.theirs_fen)
        for row in BillDifference.objects.filter(comparison_id=comparison_id)
    }
