"""Why an account is left out of a billing run: stable codes, and the words for people."""

from __future__ import annotations

from django.utils.translation import gettext as _


class LeftOut:
    """The reasons; stored with every exception and never renamed."""

    NO_CONTRACT = "no-contract"
    NO_TARIFF = "no-tariff-version"
    NO_READING = "reading-missing"
    DOUBTFUL = "reading-doubtful"
    PENDING = "reading-pending"
    CURVE_INCOMPLETE = "curve-incomplete"
    CANNOT_PRICE = "cannot-price"
    REGISTERS_DISAGREE = "registers-disagree"
    REFUSED = "rating-refused"
    SUM_DISAGREES = "periods-exceed-total"


def reason_in_words(code: str, detail: str) -> str:
    """Why an account was left out, with what to do next."""
    words = {
        LeftOut.NO_CONTRACT: _("没有有效的供用电合同，请先补录合同。"),
        LeftOut.NO_TARIFF: _("合同电价在本期没有有效版本，请维护电价版本。"),
        LeftOut.NO_READING: _("缺少本期或上期示数，请补抄或估算。"),
        LeftOut.DOUBTFUL: _("示数存疑，正在复核；处理后自动补发行。"),
        LeftOut.PENDING: _("示数还没有审核，请先完成示数审核。"),
        LeftOut.CURVE_INCOMPLETE: _("负荷曲线不完整，请补采后再发行。"),
        LeftOut.CANNOT_PRICE: _("电价规则无法计价，请核对电价版本。"),
        LeftOut.REGISTERS_DISAGREE: _("电表示数类型与电价要求不符，请核对电表或电价。"),
        LeftOut.REFUSED: _("电量超出可计价范围，请核对示数。"),
        LeftOut.SUM_DISAGREES: _("各时段电量之和大于总电量，请核对示数。"),
    }
    text = words.get(code, code)
    return f"{text}（{detail}）" if detail else text
