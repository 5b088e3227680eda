"""The indicators of customer information: energy sold, what it earned, what came in, what is overdue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cis.queries.bill_accuracy import accuracy_of
from cis.queries.indicators import Billed, billed_of, losses_of, overdue_of
from config.shared.indicators import Asked, Better, Figures, Indicator, Unit
from config.shared.periods import add_months, cycle_of

OLD_ARREARS_DAYS = 90


def _billed(asked: Asked) -> dict[tuple[int, int], Billed]:
    # Four figures rest on these sums over all bills of two months.
    return asked.once("cis.billed", billed_of)


def energy_sold(asked: Asked) -> Figures:
    """0.01 kWh billed."""
    return {key: billed.energy_kwh_e2 for key, billed in _billed(asked).items()}


def billed(asked: Asked) -> Figures:
    """Fen billed."""
    return {key: billed.billed_fen for key, billed in _billed(asked).items()}


def average_price(asked: Asked) -> Figures:
    """0.01 fen a kWh billed."""
    return {
        key: round(billed.billed_fen * 10_000 / billed.energy_kwh_e2) if billed.energy_kwh_e2 > 0 else None
        for key, billed in _billed(asked).items()
    }


def collection_rate(asked: Asked) -> Figures:
    """0.01 % of a month's bills that are paid by now."""
    return {
        key: round((billed.billed_fen - billed.open_fen) * 10_000 / billed.billed_fen) if billed.billed_fen else None
        for key, billed in _billed(asked).items()
    }


def overdue(asked: Asked) -> Figures:
    """Fen past their day today; other months than this one and the one before have no figure: it is a state."""
    return _today(asked, overdue_of(asked))


def long_overdue(asked: Asked) -> Figures:
    """Fen that are due for more than three months."""
    return _today(asked, overdue_of(asked, longer_than_days=OLD_ARREARS_DAYS))


def line_loss(asked: Asked) -> Figures:
    """0.01 % of the supply of transformer districts that was not billed behind them."""
    return {
        key: round((loss.supplied_kwh_e2 - loss.sold_kwh_e2) * 10_000 / loss.supplied_kwh_e2)
        for key, loss in losses_of(asked).items()
        if loss.supplied_kwh_e2
    }


def faulty_bills(asked: Asked) -> Figures:
    """0.01 % of a month's bills that were cancelled or corrected by now."""
    parts = [(part.org_unit_id, part.path) for part in asked.parts]
    return {key: found.faulty_e2 for key, found in accuracy_of(parts, asked.months).items()}


def _today(asked: Asked, sums: dict[int, int]) -> Figures:
    now = cycle_of(asked.today)
    months = [month for month in asked.months if month in (now, add_months(now, -1))]
    return {(part.org_unit_id, month): sums.get(part.org_unit_id, 0) for part in asked.parts for month in months}


_SEEN_BY = "cis.see_statistics"
_A_STATE = _("这是今天的状况，去年这一天的没有留存。")

INDICATORS = (
    Indicator(
        "cis.energy-sold",
        _("售电量"),
        Unit.KWH,
        "accountant",
        _("本月电费期内发行的账单电量之和。"),
        _SEEN_BY,
        energy_sold,
        Better.HIGHER,
        detail_url_name="cis:bills",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "cis.billed",
        _("应收电费"),
        Unit.YUAN,
        "accountant",
        _("本月发行的电费之和。"),
        _SEEN_BY,
        billed,
        detail_url_name="cis:bills",
        detail_permission=_SEEN_BY,
    ),
    Indicator(
        "cis.average-price",
        _("平均电价"),
        Unit.FEN_PER_KWH,
        "accountant",
        _("本月应收电费除以售电量。"),
        _SEEN_BY,
        average_price,
    ),
    Indicator(
        "cis.line-loss",
        _("台区线损率"),
        Unit.PERCENT,
        "accountant",
        _(
            "台区总表供电量与同期发行电量之差，占供电量的比例。双月抄表的台区，两个月合起来比，算在抄表的那个月。"
            "没有总表电量、本单位本月还没有发行、单月和双月都有双月抄表户的台区不计。"
        ),
        _SEEN_BY,
        line_loss,
        Better.LOWER,
        "LINE_LOSS_TARGET_E2",
    ),
    Indicator(
        "cis.faulty-bills",
        _("账单差错率"),
        Unit.PERCENT,
        "accountant",
        _("本月发行的账单中，到今天作废重开过或更正过金额的比例；一张账单只计一次。"),
        _SEEN_BY,
        faulty_bills,
        Better.LOWER,
        detail_url_name="cis:bill_accuracy",
        detail_permission=_SEEN_BY,
        not_compared=_("去年同月的账单多了一年可以发现差错，不能相比。"),
    ),
    Indicator(
        "cis.collection-rate",
        _("电费回收率"),
        Unit.PERCENT,
        "accountant",
        _("本月发行的电费中，到今天已经收回的比例。"),
        _SEEN_BY,
        collection_rate,
        Better.HIGHER,
        "COLLECTION_RATE_TARGET_E2",
        detail_url_name="cis:bills",
        detail_permission=_SEEN_BY,
        not_compared=_("去年同月的电费多收了一年，不能相比。"),
    ),
    Indicator(
        "cis.overdue",
        _("逾期欠费"),
        Unit.YUAN,
        "accountant",
        _("到今天已经过了交费期限、还没有交的电费。"),
        _SEEN_BY,
        overdue,
        Better.LOWER,
        detail_url_name="cis:bills",
        detail_permission=_SEEN_BY,
        not_compared=_A_STATE,
    ),
    Indicator(
        "cis.long-overdue",
        _("逾期三个月以上的欠费"),
        Unit.YUAN,
        "accountant",
        _("过了交费期限九十天以上、还没有交的电费。"),
        _SEEN_BY,
        long_overdue,
        Better.LOWER,
        detail_url_name="cis:bills",
        detail_permission=_SEEN_BY,
        not_compared=_A_STATE,
    ),
)
