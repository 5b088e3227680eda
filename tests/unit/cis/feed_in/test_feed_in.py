"""What is fed in and earned, cards, and the bank's files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.feed_in import (
    AnswerLine,
    BankFileRefused,
    PayoutOrder,
    Stretch,
    earned,
    exported_kwh_e2,
    is_card_no,
    read_answer,
    read_orders,
    write_answer,
    write_orders,
)
from cis.simulators import payout_bank

STRETCH = Stretch(1, date(2026, 2, 1), date(2026, 3, 1), 1_000_0000, 1_412_5000, 1, 6, False)
GOOD = "6222020200112233446"
ORDERS = [
    PayoutOrder(1, "SF1-7", "张三", "工行东湖支行", GOOD, 12_34),
    PayoutOrder(2, "SF1-8", "李,四", "某行停用", GOOD, 5_00),
    PayoutOrder(3, "SF1-9", "王五", "建行", "6222020200112233447", 99),
]


class TestEnergy:
    def test_is_rounded_to_whole_kwh_once_a_stretch(self) -> None:
        assert exported_kwh_e2([STRETCH, replace(STRETCH, multiplier=40)]) == [41_300, 1_650_000]

    def test_a_register_that_turned_goes_on(self) -> None:
        turned = replace(STRETCH, from_value_e4=999_990_0000, to_value_e4=15_0000, is_rollover=True)

        assert exported_kwh_e2([turned]) == [2_500]

    def test_a_register_that_went_back_is_refused(self) -> None:
        with pytest.raises(ValueError, match="went back"):
            exported_kwh_e2([replace(STRETCH, to_value_e4=999_0000)])

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 10**9), st.integers(0, 10**8), st.integers(0, 10**8))
    def test_money_is_the_decimal_answer(self, kwh: int, price_e8: int, subsidy_e8: int) -> None:
        def fen(price: int) -> int:
            yuan = (Decimal(kwh) * Decimal(price) / 10**8).quantize(Decimal("0.01"), ROUND_HALF_UP)
            return int(yuan * 100)

        found = earned(kwh * 100, price_e8=price_e8, subsidy_e8=subsidy_e8)

        assert (found.energy_fen, found.subsidy_fen) == (fen(price_e8), fen(subsidy_e8))
        assert found.total_fen == found.energy_fen + found.subsidy_fen


class TestCards:
    @pytest.mark.parametrize(
        "text",
        ["", "622202020011223344", GOOD[:-1] + str((int(GOOD[-1]) + 1) % 10), f"{GOOD[:4]} {GOOD[4:]}", "٦" * 16],
    )
    def test_a_wrong_number_is_seen(self, text: str) -> None:
        assert not is_card_no(text)

    def test_a_right_one_passes(self) -> None:
        assert is_card_no(GOOD)


class TestBankFiles:
    def test_the_bank_reads_what_was_written_and_answers_every_line(self) -> None:
        sent = write_orders("SF1", ORDERS)
        assert read_orders(sent) == ("SF1", ORDERS)

        answers = read_answer(payout_bank.answer(sent), batch_no="SF1", orders=ORDERS)

        assert [(a.seq, a.is_paid, a.reason) for a in answers] == [
            (1, True, ""),
            (2, False, "收款行停用"),
            (3, False, "账号有误"),
        ]

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_no_file_with_a_changed_or_missing_part_is_read(self, data: st.DataObject) -> None:
        sent = write_orders("SF1", ORDERS)
        place = data.draw(st.integers(0, len(sent) - 2))
        other = data.draw(st.sampled_from("0123456789,x\n").filter(lambda sign: sign != sent[place]))

        for wrong in (sent[:place], sent[:place] + other + sent[place + 1 :]):
            with pytest.raises(BankFileRefused):
                read_orders(wrong)

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            [AnswerLine(1, "SF1-7", 12_34, True, "")],
            [AnswerLine(n, o.reference, o.amount_fen + 1, True, "") for n, o in enumerate(ORDERS, 1)],
            [AnswerLine(n, "other", o.amount_fen, True, "") for n, o in enumerate(ORDERS, 1)],
            [AnswerLine(n, o.reference, o.amount_fen, False, "") for n, o in enumerate(ORDERS, 1)],
            [AnswerLine(n, o.reference, o.amount_fen, True, "") for n, o in enumerate([*ORDERS, ORDERS[0]], 1)],
        ],
    )
    def test_an_answer_that_is_not_to_every_order_is_refused_whole(self, lines: list[AnswerLine]) -> None:
        with pytest.raises(BankFileRefused):
            read_answer(write_answer("SF1", lines), batch_no="SF1", orders=ORDERS)

    def test_another_batchs_answer_is_refused(self) -> None:
        with pytest.raises(BankFileRefused, match="SF2"):
            read_answer(payout_bank.answer(write_orders("SF2", ORDERS)), batch_no="SF1", orders=ORDERS)
