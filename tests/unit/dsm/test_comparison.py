"""Plans beside each other: what is marked as best, and what is not."""

from __future__ import annotations

from django.utils.translation import override

from dsm.queries.shortages import PlanRow
from dsm.web.comparison import METRICS, compare

_FIGURES = (
    "covered_energy_e4", "covered_peak_e4", "residual_kwh", "margin_kw", "disturbed", "disturbed_residential",
    "disturbed_key", "customer_quarters", "cut_kwh", "lost_output_fen", "compensation_fen", "max_quarters", "jain_e4",
    "gini_e4", "tier_violations", "notice_kept_e4", "orders",
)  # fmt: skip


def plan(name: str, **figures: int) -> PlanRow:
    known = {**dict.fromkeys(_FIGURES, 5), "residual_kwh": 0, **figures}
    return PlanRow(
        1, name, name, "", "complete", "计算完成", True, False, known, (0,) * 96, None, None, None, 0, "", False
    )


def best(plans: list[PlanRow]) -> dict[str, list[str]]:
    """Label to the names of the plans that are marked."""
    with override("zh-hans"):
        return {
            line.label: [one.name for one, cell in zip(plans, line.cells, strict=True) if cell.is_best]
            for line in compare(plans)
        }


class TestComparison:
    def test_the_least_is_best_of_costs_and_the_most_of_what_is_covered(self):
        marked = best([plan("a", disturbed=9, covered_peak_e4=9_000), plan("b", disturbed=7, covered_peak_e4=8_000)])

        assert marked["受影响客户（户）"] == ["b"]
        assert marked["最紧的时段补上（%）"] == ["a"]
        assert marked["补偿（元）"] == []

    def test_doing_nothing_is_best_at_nothing_while_others_cover_the_gap(self):
        nothing = plan("nothing", disturbed=0, lost_output_fen=0, residual_kwh=800, covered_energy_e4=0)

        marked = best([nothing, plan("a", disturbed=7), plan("b", disturbed=9)])

        assert marked["受影响客户（户）"] == ["a"]
        assert marked["产值损失（元）"] == []
        assert marked["没补上的电量（度）"] == ["a", "b"]

    def test_there_is_no_score_over_all_rows(self):
        lines = compare([plan("a"), plan("b")])

        assert len(lines) == len(METRICS) + 3
        assert not any("总分" in line.label or "score" in line.label for line in lines)
