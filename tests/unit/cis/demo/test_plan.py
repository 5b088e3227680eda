"""Who the demonstration's customers are and what their meters show."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from cis.demo.meter_year import PlannedReading, faulty, meter_years
from cis.demo.people import made_up_identity_no, made_up_phone, make_people
from cis.demo.plan import Fault, Plan, make_plan
from cis.demo.registers import values_e4
from cis.demo.weather import weather_of
from cis.queries.day_kinds import day_kind
from cis.rating.registers import Register, advance, energy_kwh_e2
from cis.rating.windows import WindowSet

PROJECT = Path(__file__).resolve().parents[4]
WINDOWS = WindowSet.parse(
    {"code": "W", "seasons": [{"months": list(range(1, 13)), "windows": {"peak": [[960, 1320]], "valley": [[0, 360]]}}]}
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(until=202610, yesterday=date(2026, 11, 20), accounts=400, seed=5)


@pytest.fixture(scope="module")
def chains(plan: Plan) -> dict[tuple[int, int, int], list[PlannedReading]]:
    """(account, installation, register) to its readings in order."""
    rng = np.random.default_rng(6)
    found: dict[tuple[int, int, int], list[PlannedReading]] = defaultdict(list)
    kinds = [day_kind(day) for day in plan.days]
    for year in meter_years(plan, weather_of(plan.days, rng), WINDOWS, kinds, rng):
        for reading in year.readings:
            found[reading.account, reading.installation, reading.register].append(reading)
    return found


class TestPlan:
    """The plan as a whole."""

    def test_it_has_what_real_life_has(self, plan: Plan) -> None:
        assert len(plan.accounts) == 400
        assert {account.price_class for account in plan.accounts} == {1, 2, 3}
        assert {account.fault for account in plan.accounts} == {None, *Fault}
        assert any(account.exchanged_on for account in plan.accounts)
        assert any(account.solar_kw for account in plan.accounts)
        assert any(account.is_new for account in plan.accounts)
        assert any(account.annual_kwh < 30 for account in plan.accounts)

    def test_the_same_seed_gives_the_same_plan(self, plan: Plan) -> None:
        again = make_plan(until=202610, yesterday=date(2026, 11, 20), accounts=400, seed=5)

        assert again.accounts == plan.accounts

    def test_another_process_makes_the_same_plan(self) -> None:
        program = (
            "from datetime import date; from cis.demo.plan import make_plan;"
            "print(make_plan(until=202610, yesterday=date(2026, 11, 20), accounts=200, seed=5).accounts)"
        )

        plans = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONHASHSEED": seed},
                cwd=PROJECT,
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2", "3")
        }

        assert len(plans) == 1

    @pytest.mark.parametrize("accounts", [60, 200, 2000])
    def test_small_and_large_plans_can_be_made(self, accounts: int) -> None:
        assert len(make_plan(until=202602, yesterday=date(2026, 3, 1), accounts=accounts, seed=1).accounts) == accounts


class TestReadings:
    """Readings agree with the arithmetic of billing."""

    def test_every_advance_is_the_difference_that_billing_computes(
        self, plan: Plan, chains: dict[tuple[int, int, int], list[PlannedReading]]
    ) -> None:
        for (number, _installation, _register), chain in chains.items():
            account = plan.accounts[number]
            for before, reading in itertools.pairwise(chain):
                units = advance(before.value_e4, reading.value_e4, account.digits, reading.is_rollover)
                assert reading.advance_kwh_e2 == energy_kwh_e2(units, account.multiplier) >= 0
                assert reading.days == (reading.read_on - before.read_on).days > 0

    def test_periods_add_up_to_the_total(
        self, plan: Plan, chains: dict[tuple[int, int, int], list[PlannedReading]]
    ) -> None:
        account = next(account for account in plan.accounts if account.has_periods)
        own = {key[2]: chain for key, chain in chains.items() if key[0] == account.number}

        periods = [register for register in own if register != Register.TOTAL]
        for place in range(1, len(own[Register.TOTAL])):
            parts = sum(own[register][place].advance_kwh_e2 for register in periods)
            assert abs(own[Register.TOTAL][place].advance_kwh_e2 - parts) <= len(periods) * 100 * account.multiplier

    def test_planned_rollovers_happen_in_their_cycle(
        self, plan: Plan, chains: dict[tuple[int, int, int], list[PlannedReading]]
    ) -> None:
        rolling = [account for account in plan.accounts if account.rolls_over_in]

        assert rolling
        for account in rolling:
            chain = chains[account.number, 0, Register.TOTAL]
            assert [reading.cycle for reading in chain if reading.is_rollover] == [account.rolls_over_in]

    def test_an_exchange_ends_one_chain_and_begins_another(
        self, plan: Plan, chains: dict[tuple[int, int, int], list[PlannedReading]]
    ) -> None:
        account = next(account for account in plan.accounts if account.exchanged_on)

        old, new = chains[account.number, 0, Register.TOTAL], chains[account.number, 1, Register.TOTAL]

        assert old[-1].read_on == new[0].read_on == account.exchanged_on
        assert (old[-1].kind, new[0].kind, new[0].value_e4) == (2, 1, 0)

    def test_faults_are_what_they_are_called(self) -> None:
        before = PlannedReading(0, 0, 1, date(2026, 9, 5), 202609, 0, 5_000_000, 0, 31, is_rollover=False)
        truth = PlannedReading(0, 0, 1, date(2026, 10, 5), 202610, 0, 7_000_000, 20_000, 30, is_rollover=False)

        negative, rise = faulty(truth, before, Fault.NEGATIVE), faulty(truth, before, Fault.RISE)
        assert negative is not None
        assert negative < before.value_e4
        assert faulty(truth, before, Fault.ZERO) == before.value_e4
        assert rise is not None
        assert rise > truth.value_e4 * 2
        assert faulty(truth, before, Fault.MISSING) is None
        assert faulty(truth, before, Fault.ROLLOVER) == faulty(truth, before, None) == truth.value_e4


class TestValues:
    """The registers' arithmetic on its own."""

    def test_a_register_turns_over_at_its_top(self) -> None:
        values, turned = values_e4(
            np.array([[5_000, 6_000]]), np.array([0, 1, 2]), opening_units=9_992, multiplier=1, digits=4
        )

        assert values.tolist() == [[99_920_000, 99_970_000, 30_000]]
        assert turned.tolist() == [[False, False, True]]


class TestPeople:
    """Nobody who exists."""

    def test_telephones_are_of_no_operator(self) -> None:
        assert all(made_up_phone(n).startswith("120") and len(made_up_phone(n)) == 11 for n in (0, 7, 12_345_678))

    def test_identity_numbers_carry_their_check_digit(self) -> None:
        number = made_up_identity_no(123, date(1980, 5, 17))
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1)

        assert len(number) == 18
        assert sum(w * (10 if c == "X" else int(c)) for w, c in zip(weights, number, strict=True)) % 11 == 1

    def test_rare_characters_occur(self) -> None:
        names = "".join(person.name for person in make_people(3000, np.random.default_rng(1)))

        assert set(names) & set("㐂𠮷龘喆堃燚")
