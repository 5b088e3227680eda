"""Late fees against worked bills, against the oracle, and as properties."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis.collecting.late_fee_bill import late_fee_bill, terms_in_force
from cis.collecting.late_fees import (
    Debts,
    LateFeeTerms,
    Payments,
    Settled,
    Spans,
    Split,
    day_number,
    late_fee,
    late_fees,
    read_late_fee_terms,
    spans_of,
)
from cis.rating import CannotPrice
from tests.oracle.late_fees import fee_of

# A loaded machine is slow to draw and slow to compute; that says nothing about fees.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ROOT = Path(__file__).parents[4]
PUBLISHED = json.loads((ROOT / "cis/data/collection.json").read_text("utf-8"))["late_fees"]
GOLDEN = {
    bill["id"]: bill for bill in json.loads((ROOT / "tests/golden/bills-public.json").read_text("utf-8"))["bills"]
}
TERMS = read_late_fee_terms(terms_in_force(PUBLISHED, on=date(2026, 1, 1)))
NO_MINIMUM = replace(TERMS, min_fen=0)
A_DAY = st.dates(date(2019, 11, 1), date(2025, 3, 1))


def rate_golden(bill, **options):
    return late_fee_bill(
        bill["inputs"],
        bill["options"] | options,
        customer_class=bill["customer"]["class"],
        pay_on=date.fromisoformat(bill["period"]["pay_date"]),
        published=PUBLISHED,
    )


class TestGoldenBills:
    @pytest.mark.parametrize("name", ["A16", "A17"])
    def test_come_out_line_by_line(self, name):
        bill = GOLDEN[name]

        fees = rate_golden(bill)

        assert [
            (line.code, line.quantity, line.unit, line.unit_price, line.factor, line.amount_fen) for line in fees.lines
        ] == [
            (
                line["code"],
                Decimal(line["quantity"]),
                line["unit"],
                Decimal(line["unit_price"]),
                int(line["factor"]) if "factor" in line else None,
                int(Decimal(line["amount"]) * 100),
            )
            for line in bill["expected"]["lines"]
        ]
        assert fees.total_fen == int(Decimal(bill["expected"]["total"]) * 100)

    def test_quantities_of_the_minimum(self):
        fees = rate_golden(GOLDEN["A17"])

        assert (fees.raw_fen, fees.overdue_days) == (60, (5,))

    @pytest.mark.parametrize(
        ("split", "fen"),
        [
            ("by_calendar_year_of_each_day", 190_00),
            ("new_year_only", 126_00),
            ("all_days_cross_year_rate", 222_00),
        ],
    )
    def test_every_published_answer_is_a_switch_value(self, split, fen):
        assert rate_golden(GOLDEN["A16"], late_fee_split=split).total_fen == fen

    def test_the_minimum_is_a_switch(self):
        assert rate_golden(GOLDEN["A17"], late_fee_min_yuan="0").total_fen == 60

    def test_a_cap_is_a_switch(self):
        fees = rate_golden(GOLDEN["A16"], cap_percent_of_principal="1")

        assert [line.amount_fen for line in fees.lines] == [20_00, 18_00]

    def test_an_agreed_rate_stands_in_place_of_the_rule(self):
        fees = rate_golden(GOLDEN["A16"], contract_permille="1.5")

        assert [line.amount_fen for line in fees.lines] == [102_00, 13_50]

    @pytest.mark.parametrize(
        ("inputs", "options", "code"),
        [
            ({}, {"late_fee_split": "half"}, "unknown_switch_value"),
            ({}, {"late_fee_rate": "1"}, "unknown_option"),
            ({}, {"contract_permille": "3.1"}, "contract_rate_outside_regulation"),
            ({}, {"contract_permille": "0.9"}, "contract_rate_outside_regulation"),
            ({"interest": []}, {}, "unknown_field"),
            ({"debts": [{"bill": "x", "due": "2026-01-01"}]}, {}, "missing"),
            ({"debts": [{"amount": "1.234", "due": "2026-01-01"}]}, {}, "not_an_amount"),
            ({"debts": [{"amount": "1", "due": "2026-02-30"}]}, {}, "not_a_day"),
        ],
    )
    def test_what_is_unknown_is_refused_by_name(self, inputs, options, code):
        bill = GOLDEN["A16"]
        with pytest.raises(CannotPrice) as refused:
            rate_golden(bill | {"inputs": bill["inputs"] | inputs}, **options)

        assert refused.value.code == code

    def test_a_day_without_a_rule_is_refused(self):
        with pytest.raises(CannotPrice, match="no_rule_in_force"):
            terms_in_force(PUBLISHED, on=date(1990, 1, 1))


class TestDays:
    def test_the_day_of_payment_counts_and_the_due_date_does_not(self):
        def days(until):
            return late_fee(10_000, due_on=date(2026, 3, 15), until_on=until, terms=TERMS, residential=True).days

        assert [days(date(2026, 3, 14)), days(date(2026, 3, 15)), days(date(2026, 3, 16))] == [0, 0, 1]

    @pytest.mark.acceptance("F26")
    def test_leap_year_part_payment_and_year_end_in_one_debt(self):
        fee = late_fee(
            10_000_00,
            due_on=date(2023, 12, 15),
            until_on=date(2024, 3, 1),
            terms=TERMS,
            residential=False,
            paid=[(date(2023, 12, 20), 4_000_00), (date(2024, 2, 29), 1_000_00)],
        )

        # 5 days on 10000 at 2, 11 on 6000 at 2, then 60 days of January and a February of 29 on 6000 at 3, 1 on 5000.
        assert [(part.base_fen, part.days, part.ppm, part.fee_fen) for part in fee.parts] == [
            (10_000_00, 5, 2000, 100_00),
            (6_000_00, 11, 2000, 132_00),
            (6_000_00, 60, 3000, 1_080_00),
            (5_000_00, 1, 3000, 15_00),
        ]
        home = late_fee(10_000_00, due_on=date(2023, 12, 15), until_on=date(2024, 3, 1), terms=TERMS, residential=True)
        assert (home.days, home.fee_fen, len(home.parts)) == (77, 770_00, 1)
        short = late_fee(100, due_on=date(2024, 2, 28), until_on=date(2024, 3, 1), terms=TERMS, residential=True)
        assert (short.days, short.raw_fen, short.fee_fen, short.settled) == (2, 0, 1_00, Settled.MINIMUM)
        held = late_fee(
            10_000_00,
            due_on=date(2023, 12, 15),
            until_on=date(2024, 3, 1),
            terms=replace(TERMS, cap_ppm_of_principal=50_000),
            residential=True,
        )
        assert (held.fee_fen, held.settled) == (500_00, Settled.CAP)

    def test_more_paid_than_asked_for_is_refused(self):
        with pytest.raises(CannotPrice, match="overpaid"):
            late_fee(
                100,
                due_on=date(2026, 1, 1),
                until_on=date(2026, 2, 1),
                terms=TERMS,
                residential=True,
                paid=[(date(2026, 1, 5), 101)],
            )


@st.composite
def debts_with_payments(draw):
    principal = draw(st.integers(1, 10**9))
    due_on = draw(A_DAY)
    paid, left = [], principal
    for _ in range(draw(st.integers(0, 3))):
        if left == 0:
            break
        part = draw(st.integers(1, left))
        paid.append((due_on + timedelta(days=draw(st.integers(-5, 500))), part))
        left -= part
    return principal, due_on, due_on + timedelta(days=draw(st.integers(-3, 900))), paid


@st.composite
def terms_and_rates(draw):
    current = draw(st.integers(0, 3000))
    return LateFeeTerms(
        residential_ppm=draw(st.integers(0, 3000)),
        current_year_ppm=current,
        cross_year_ppm=draw(st.integers(0, 3000)),
        contract_min_ppm=1000,
        contract_max_ppm=3000,
        min_fen=draw(st.sampled_from([0, 100, 500])),
        cap_ppm_of_principal=draw(st.sampled_from([None, 0, 300_000, 1_000_000])),
        split=draw(st.sampled_from(list(Split))),
    )


class TestProperties:
    @PATIENT
    @given(st.lists(st.tuples(debts_with_payments(), st.booleans(), st.sampled_from([0, 1000, 1500])), max_size=6))
    def test_columns_equal_the_oracle_row_by_row(self, rows):
        terms = TERMS

        fees = late_fees(*_columns(rows), terms)

        assert [int(fen) for fen in fees.fee_fen] == [
            _oracle(debt, terms, residential, agreed) for debt, residential, agreed in rows
        ]

    @PATIENT
    @given(debts_with_payments(), terms_and_rates(), st.booleans())
    def test_every_version_of_the_rule_equals_the_oracle(self, debt, terms, residential):
        principal, due_on, until_on, paid = debt

        fee = late_fee(principal, due_on=due_on, until_on=until_on, terms=terms, residential=residential, paid=paid)

        assert fee.fee_fen == _oracle(debt, terms, residential, 0)

    @PATIENT
    @given(debts_with_payments())
    def test_parts_add_up_and_count_each_day_once(self, debt):
        principal, due_on, until_on, paid = debt

        fee = late_fee(principal, due_on=due_on, until_on=until_on, terms=NO_MINIMUM, residential=False, paid=paid)

        assert sum(part.fee_fen for part in fee.parts) == fee.raw_fen == fee.fee_fen
        assert sum(part.days for part in fee.parts) == fee.days
        assert all(part.last_on < later.first_on for part, later in zip(fee.parts, fee.parts[1:], strict=False))

    @PATIENT
    @given(
        debts_with_payments(),
        st.integers(1, 400),
        st.booleans(),
        st.sampled_from([Split.BY_CALENDAR_YEAR_OF_EACH_DAY, Split.ALL_DAYS_CROSS_YEAR_RATE]),
    )
    def test_paying_earlier_never_costs_more(self, debt, days, residential, split):
        # Not so where December is forgotten (new_year_only): there a debt grows cheaper at New Year.
        principal, due_on, until_on, paid = debt
        terms = replace(TERMS, split=split)

        def fee(until):
            return late_fee(
                principal, due_on=due_on, until_on=until, terms=terms, residential=residential, paid=paid
            ).fee_fen

        assert fee(until_on - timedelta(days=days)) <= fee(until_on)


def _columns(rows) -> tuple[Debts, Spans]:
    debts = [debt for debt, _residential, _agreed in rows]
    payments = [(at, *payment) for at, debt in enumerate(debts) for payment in debt[3]]
    columns = Debts(
        np.array([debt[0] for debt in debts], dtype=np.int64),
        np.array([day_number(debt[1]) for debt in debts], dtype=np.int64),
        np.array([day_number(debt[2]) for debt in debts], dtype=np.int64),
        np.array([residential for _debt, residential, _agreed in rows], dtype=bool),
        np.array([agreed for _debt, _residential, agreed in rows], dtype=np.int64),
    )
    paid = Payments(
        np.array([at for at, _day, _fen in payments], dtype=np.int64),
        np.array([day_number(day) for _at, day, _fen in payments], dtype=np.int64),
        np.array([fen for _at, _day, fen in payments], dtype=np.int64),
    )
    return columns, spans_of(columns, paid)


def _oracle(debt, terms, residential, agreed):
    principal, due_on, until_on, paid = debt
    current = agreed or (terms.residential_ppm if residential else terms.current_year_ppm)
    across = agreed or (terms.residential_ppm if residential else terms.cross_year_ppm)
    cap = terms.cap_ppm_of_principal
    fee = fee_of(
        Decimal(principal) / 100,
        due_on,
        until_on,
        [(day, Decimal(fen) / 100) for day, fen in paid],
        rate=Decimal(current) / 10**6,
        rate_across_years=Decimal(across) / 10**6,
        split=terms.split.value,
        minimum=Decimal(terms.min_fen) / 100,
        cap_share=None if cap is None else Decimal(cap) / 10**6,
    )
    return int(fee * 100)
