"""Where a payment goes: nothing is lost, nothing is paid twice, the order is the rule's."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis.collecting.allocation import AllocationRule, OpenDebt, allocate
from cis.rating import CannotPrice

# A loaded machine is slow to draw and slow to compute; that says nothing about fees.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

OLD = OpenDebt(7, date(2026, 1, 15), 100_00, 5_00)
NEW = OpenDebt(3, date(2026, 2, 15), 60_00, 1_00)


@st.composite
def open_debts(draw):
    count = draw(st.integers(0, 6))
    return [
        OpenDebt(
            bill_id,
            draw(st.dates(date(2024, 1, 1), date(2026, 1, 1))),
            draw(st.integers(0, 10**6)),
            draw(st.integers(0, 10**4)),
        )
        for bill_id in draw(st.permutations(range(count)))
    ]


class TestAllocate:
    def test_oldest_first_and_its_fee_before_its_principal(self):
        given_out = allocate(104_00, [NEW, OLD], "fee_then_principal")

        assert [(s.bill_id, s.fee_fen, s.principal_fen) for s in given_out.shares] == [(7, 5_00, 99_00)]

    def test_principal_first_leaves_the_fees_to_the_end(self):
        given_out = allocate(163_00, [NEW, OLD], "principal_first")

        assert [(s.bill_id, s.fee_fen, s.principal_fen) for s in given_out.shares] == [
            (7, 3_00, 100_00),
            (3, 0, 60_00),
        ]

    def test_what_the_payer_names_comes_first(self):
        given_out = allocate(62_00, [NEW, OLD], "fee_then_principal", chosen=[3])

        assert [(s.bill_id, s.fee_fen, s.principal_fen) for s in given_out.shares] == [(3, 1_00, 60_00), (7, 1_00, 0)]

    @PATIENT
    @given(st.integers(0, 10**7), open_debts(), st.sampled_from(AllocationRule), st.data())
    def test_shares_and_prepayment_are_the_payment(self, amount, debts, rule, data):
        chosen = data.draw(st.lists(st.sampled_from([debt.bill_id for debt in debts]), unique=True)) if debts else []

        given_out = allocate(amount, debts, rule, chosen=chosen)

        assert sum(s.fee_fen + s.principal_fen for s in given_out.shares) + given_out.prepaid_fen == amount
        by_id = {debt.bill_id: debt for debt in debts}
        assert all(
            0 <= s.fee_fen <= by_id[s.bill_id].fee_fen and 0 <= s.principal_fen <= by_id[s.bill_id].principal_fen
            for s in given_out.shares
        )
        owed = sum(debt.fee_fen + debt.principal_fen for debt in debts)
        assert given_out.prepaid_fen == max(amount - owed, 0)

    @pytest.mark.parametrize(
        ("amount", "debts", "rule", "chosen", "code"),
        [
            (1, [OLD], "newest_first", [], "unknown_switch_value"),
            (-1, [OLD], "principal_first", [], "bad_amount"),
            (1, [OLD], "principal_first", [3], "bad_choice"),
            (1, [OLD], "principal_first", [7, 7], "bad_choice"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, amount, debts, rule, chosen, code):
        with pytest.raises(CannotPrice) as refused:
            allocate(amount, debts, rule, chosen=chosen)

        assert refused.value.code == code
