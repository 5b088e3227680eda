"""
A calculator other than ours as a process: runs in the environment of `benchmarks/peers.py` and imports nothing of ours.

It reads one question a line and answers one line. A tariff is two 12 x 24 tables of periods (from 0; workdays and
weekends) and, for each period, its tiers as [upper bound in kWh or null, yuan as text]; curves are a file of int64 in
0.01 kWh, 8,760 an account. What is timed is one calculation after the other by this process's CPU clock; reading the
file and turning its numbers into what the calculator takes is not.
"""

import json
import sys
import time
from array import array
from decimal import Decimal
from importlib.metadata import version

YEAR = 2029
HOURS = 8760
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NO_BOUND = 1e38


class PySam:
    """Utilityrate5 of NREL-PySAM: a year of hours at a time; always with and without a generator."""

    package = "nrel-pysam"

    def __init__(self):
        import PySAM.Utilityrate5

        self.new = PySAM.Utilityrate5.new

    def prepare(self, tariff):
        model = self.new()
        rows = [
            [number + 1, step + 1, NO_BOUND if upper is None else float(upper), 0, float(price), 0]
            for number, tiers in enumerate(tariff["periods"])
            for step, (upper, price) in enumerate(tiers)
        ]
        one_based = {
            name: [[period + 1 for period in month] for month in tariff[name]] for name in ("weekday", "weekend")
        }
        for name, value in {
            "analysis_period": 1, "inflation_rate": 0, "system_use_lifetime_output": 0,
            "degradation": [0], "gen": [0.0] * HOURS, "rate_escalation": [0], "en_electricity_rates": 1,
            "ur_metering_option": 2, "ur_nm_yearend_sell_rate": 0, "ur_monthly_fixed_charge": 0,
            "ur_monthly_min_charge": 0, "ur_annual_min_charge": 0, "ur_en_ts_sell_rate": 0, "ur_ts_sell_rate": [0],
            "ur_ec_sched_weekday": one_based["weekday"], "ur_ec_sched_weekend": one_based["weekend"],
            "ur_ec_tou_mat": rows, "ur_dc_enable": 0, "ur_sell_eq_buy": 0, "TOU_demand_single_peak": 0,
        }.items():  # fmt: skip
            model.value(name, value)
        return model

    def load(self, hours):
        return [value / 100 for value in hours]

    def bills(self, model, load):
        model.Load.load = load
        model.execute(0)
        return model.Outputs.utility_bill_wo_sys_ym[1]

    def lines(self, model, load):
        """Per month {"period.tier": yuan}; PySAM lays them out as tables with a heading row and column of numbers."""
        self.bills(model, load)
        found = []
        for name in MONTHS:
            heads, *rows = getattr(model.Outputs, f"charge_wo_sys_ec_{name}_tp")
            lines = {}
            for row in rows:
                if row[0] == 0:
                    continue  # the sums
                for head, value in zip(heads[1:], row[1:], strict=True):
                    if head and value:
                        lines[f"{int(row[0]) - 1}.{int(head) - 1}"] = value
            found.append(lines)
        return found


class Ratebook:
    """ratebook: a year of hours as twelve windows, in Decimal; a single total where one period holds all month."""

    package = "ratebook"

    def __init__(self):
        import ratebook

        self.api = ratebook

    def prepare(self, tariff):
        api = self.api
        periods = tuple(
            api.EnergyPeriod(
                tuple(
                    api.EnergyTier(rate=Decimal(price), max=None if upper is None else Decimal(upper))
                    for upper, price in tiers
                )
            )
            for tiers in tariff["periods"]
        )
        tables = [tuple(tuple(month) for month in tariff[name]) for name in ("weekday", "weekend")]
        return api.Tariff(energy=api.EnergyRateStructure(periods), schedule=api.Schedule(*tables))

    def load(self, hours):
        return tuple(Decimal(value) / 100 for value in hours)

    def _year(self, tariff, load):
        result = self.api.estimate_annual(tariff, load, YEAR)
        if not result.ok:
            raise SystemExit(f"ratebook refused: {result.refusal}")
        return result.windows

    def bills(self, tariff, load):
        return [float(window.total) for window in self._year(tariff, load)]

    def lines(self, tariff, load):
        return [
            {f"{line.period}.{line.tier}": float(line.subtotal) for line in window.line_items}
            for window in self._year(tariff, load)
        ]


def main(name):
    calculator = {"pysam": PySam, "ratebook": Ratebook}[name]()
    say({"version": version(calculator.package)})
    for line in sys.stdin:
        question = json.loads(line)
        tariff = calculator.prepare(question["tariff"])
        first, count = question["first"], question["accounts"]
        values = array("q")
        with open(question["curves"], "rb") as file:
            file.seek(first * HOURS * values.itemsize)
            values.fromfile(file, count * HOURS)
        loads = [calculator.load(values[at * HOURS : (at + 1) * HOURS]) for at in range(count)]
        began = time.process_time()
        bills = [list(calculator.bills(tariff, load)) for load in loads]
        spent = time.process_time() - began
        lines = [calculator.lines(tariff, load) for load in loads] if question["lines"] else None
        say({"cpu_s": spent, "bills_yuan": bills, "lines_yuan": lines})


def say(answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
