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
    ENERGY_DISAGREES = "accepted-energy-differs"
    EARLIER_UNBILLED = "earlier-unbilled"
    LATER_BILLED = "later-billed"
    BILLED_IN_PART = "billed-in-part"
    CONTRACT_CHANGES = "contract-changes"
    TARIFF_CHANGES = "tariff-changes"
    NO_LEDGER = "no-ledger"
    MAIN_BELOW_PARTS = "main-below-parts"
    HELD = "held"


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
        LeftOut.ENERGY_DISAGREES: _("示数审核时的电量与计费电量不一致，请重新审核示数。"),
        LeftOut.EARLIER_UNBILLED: _("之前的一期还没有发行，请先发行之前的电费。"),
        LeftOut.LATER_BILLED: _("之后的一期已经发行，不能再补发行本期，请走电费退补。"),
        LeftOut.BILLED_IN_PART: _("本期有几天已经在别的账单里，请核对抄表段的变更。"),
        LeftOut.CONTRACT_CHANGES: _("合同在本期中间变更，需要分段计费，请转电费核算处理。"),
        LeftOut.TARIFF_CHANGES: _("电价在本期中间调整，需要分段计费，请转电费核算处理。"),
        LeftOut.MAIN_BELOW_PARTS: _("总表电量小于分表、定量与定比之和，请核对示数或定量定比约定。"),
        LeftOut.HELD: _("电费远高于这个户平时，等待第二人复核后再发行。"),
        LeftOut.NO_LEDGER: _("这个户号还没有建账，请先建账再发行。"),
    }
    # What a two-part tariff or an adjustment misses has words of its own; the detail stays for programs.
    by_detail = {
        (LeftOut.NO_READING, "reactive"): _("缺少无功示数，算不出功率因数，请补抄或估算。"),
        (LeftOut.NO_READING, "demand"): _("缺少最大需量示数，请补抄。"),
        (LeftOut.REFUSED, "unpriced_mode"): _(
            "合同没有约定基本电费怎样计收，或电价没有这种计收方式的价格，请核对合同。"
        ),
        (LeftOut.REFUSED, "no_active"): _("本期没有有功电量，算不出功率因数；按本单位的计费口径要先查明原因。"),
        (LeftOut.REFUSED, "unknown_capacity"): _("停用的容量大于合同容量，请核对暂停、减容、暂换的登记。"),
        (LeftOut.REFUSED, "unknown_standard"): _("合同的功率因数标准不在公布的表里，请核对合同。"),
    }
    text = by_detail.get((code, detail)) or words.get(code, code)
    return f"{text}（{detail}）" if detail and (code, detail) not in by_detail else text
