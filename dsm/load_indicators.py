"""The indicators of load: how high it went, and how well it was foretold."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.shared.indicators import Better, Indicator, Unit
from dsm.queries.load_figures import accuracy_of, peaks_of

_SEEN_BY = "dsm.view_load"

INDICATORS = (
    Indicator(
        "dsm.peak-load",
        _("最高负荷"),
        Unit.KW,
        "dispatcher",
        _("本月 15 分钟平均负荷的最大值；下级单位是所辖馈线之和的最大值。"),
        _SEEN_BY,
        peaks_of,
    ),
    Indicator(
        "dsm.forecast-accuracy",
        _("日前负荷预测准确率"),
        Unit.PERCENT,
        "dispatcher",
        _("前一天所作预测的日准确率（1 减均方根相对误差）在本月的平均；下级单位是所辖馈线的平均。"),
        _SEEN_BY,
        accuracy_of,
        Better.HIGHER,
        "FORECAST_ACCURACY_TARGET_E2",
    ),
)
