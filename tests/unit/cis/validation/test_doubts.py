"""The registry of checks: doubts, words, parameters; and the thresholds."""

import subprocess
import sys
from typing import Any

import pytest

from cis.validation import CHECKS, DOUBTS, HOLDS_BILL, Doubt, Thresholds, UnknownParameter, doubts_in


class TestRegistry:
    """Every check says for itself what it doubts and by which numbers; nothing is declared twice."""

    def test_every_doubt_has_one_check_one_bit_and_words_and_a_code_of_its_own(self) -> None:
        declared = [doubt for check in CHECKS for doubt in check.doubts]

        assert set(Doubt) <= set(declared)
        assert len(declared) == len(set(declared)) == len({text.code for text in DOUBTS.values()})
        assert all(int(doubt).bit_count() == 1 and int(doubt) < 1 << 31 for doubt in declared)
        for text in DOUBTS.values():
            assert all((text.name_zh, text.name_en, text.next_zh, text.next_en))

    def test_every_parameter_has_one_owner_a_default_in_its_bounds_a_meaning_and_a_source(self) -> None:
        declared = [parameter for check in CHECKS for parameter in check.parameters]

        assert len({one.name for one in declared}) == len(declared)
        for one in declared:
            assert one.low <= one.default <= one.high
            assert all((one.meaning_zh, one.meaning_en, one.source))

    def test_checks_have_names_of_their_own(self) -> None:
        assert len({check.name for check in CHECKS}) == len(CHECKS)
        assert all(check.looks_at_zh and check.looks_at_en for check in CHECKS)

    def test_what_calls_for_an_inspection_does_not_hold_the_bill(self) -> None:
        free = {DOUBTS[doubt].code for doubt in DOUBTS if not doubt & HOLDS_BILL}

        assert free == {"after-estimate-refund", "phase-lost", "lasting-drop"}

    def test_a_mask_is_taken_apart(self) -> None:
        assert doubts_in(0b101) == (Doubt.NEGATIVE, Doubt.ZERO)
        with pytest.raises(ValueError, match="bits"):
            doubts_in(1 << 30)


class TestThresholds:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"rollover_zone_permille": 501},
            {"change_floor_kwh_large": -1},
            {"rise_permille_large": 10_001},
            {"spike_times": 2.5},
            {"flat_slots": True},
        ],
    )
    def test_senseless_numbers_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Thresholds(**wrong)

    def test_a_name_that_no_check_declares_is_refused(self) -> None:
        with pytest.raises(UnknownParameter, match="spike_tims"):
            Thresholds(spike_tims=4)

    def test_they_never_change(self) -> None:
        with pytest.raises(AttributeError):
            Thresholds().spike_times = 9
        assert (Thresholds() == Thresholds(spike_times=4), Thresholds() == Thresholds(spike_times=5)) == (True, False)


class TestPurity:
    @pytest.mark.parametrize("package", ["cis.validation", "cis.reading_files"])
    def test_loads_no_framework(self, package: str) -> None:
        program = f"import sys, {package}; print(sorted({{'django', 'celery', 'rest_framework'}} & set(sys.modules)))"

        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert ran.stdout.strip() == "[]"
