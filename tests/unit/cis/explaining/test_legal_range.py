"""Between what and what energy may cost when nobody knows how it was used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.explaining import LegalRange, legal_range
from cis.rating import CannotPrice, compile_rules, rate
from tests.unit.cis.rating.strategies import tariffs, usages

TIERS = {"kind": "tier", "period": "year", "price_yuan": ["0.50", "0.60", "0.90"], "upper_kwh": ["1200", "2400"]}
PERIODS = {"kind": "time_of_use", "price_yuan": {"peak": "1.00", "valley": "0.30"}}
FUNDS = {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]}


class TestTheRange:
    def test_is_from_the_first_tier_to_the_last(self) -> None:
        assert legal_range(compile_rules([TIERS]), energy_kwh_e2=100_00, bill_month=7) == LegalRange(5000, 9000)

    def test_is_from_the_cheapest_period_to_the_dearest_with_what_is_collected(self) -> None:
        found = legal_range(compile_rules([PERIODS, FUNDS]), energy_kwh_e2=100_00, bill_month=7)

        assert found == LegalRange(3200, 10200)

    def test_of_no_energy_is_not_told(self) -> None:
        with pytest.raises(CannotPrice):
            legal_range(compile_rules([TIERS]), energy_kwh_e2=0, bill_month=7)

    @given(data=st.data())
    def test_holds_every_bill_of_that_energy(self, data: st.DataObject) -> None:
        rules = data.draw(tariffs)
        usage = data.draw(usages(rules, rows=1))
        tariff = compile_rules(rules)
        used = int(usage.import_energy()[0])
        rated = rate(tariff, usage)
        if rated.refused[0] or not 0 < used <= 10**8:
            return
        try:
            found = legal_range(tariff, energy_kwh_e2=used, bill_month=usage.bill_month)
        except CannotPrice:
            return

        # Each line is rounded once: lines of several tiers or periods may stray by half a fen each.
        slack = len(rated.lines)
        assert found.least_fen - slack <= int(rated.total_fen[0]) <= found.most_fen + slack
