"""The texts of every doubt, and the thresholds."""

import subprocess
import sys

import pytest

from cis.validation import DOUBTS, HOLDS_BILL, Doubt, Thresholds, doubts_in


class TestDoubts:
    def test_every_doubt_has_words_and_a_code_of_its_own(self) -> None:
        assert set(DOUBTS) == set(Doubt)
        assert len({text.code for text in DOUBTS.values()}) == len(Doubt)
        for text in DOUBTS.values():
            assert all((text.name_zh, text.name_en, text.next_zh, text.next_en))

    def test_all_fit_sixteen_bits(self) -> None:
        assert sum(Doubt) == 0xFFFF

    def test_only_the_refund_does_not_hold_the_bill(self) -> None:
        assert set(doubts_in(0xFFFF & ~int(HOLDS_BILL))) == {Doubt.AFTER_ESTIMATE_REFUND}

    def test_a_mask_is_taken_apart(self) -> None:
        assert doubts_in(0b101) == (Doubt.NEGATIVE, Doubt.ZERO)
        with pytest.raises(ValueError, match="65535"):
            doubts_in(1 << 16)


class TestThresholds:
    @pytest.mark.parametrize(
        "wrong",
        [{"rollover_zone_permille": 501}, {"change_floor_kwh_large": -1}, {"rise_permille_large": 10_001}],
    )
    def test_senseless_numbers_are_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Thresholds(**wrong)


class TestPurity:
    @pytest.mark.parametrize("package", ["cis.validation", "cis.reading_files"])
    def test_loads_no_framework(self, package: str) -> None:
        program = f"import sys, {package}; print(sorted({{'django', 'celery', 'rest_framework'}} & set(sys.modules)))"

        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert ran.stdout.strip() == "[]"
