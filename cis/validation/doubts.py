"""Pure: the doubts validation can have about a reading or a curve, and what a person does about each."""

from dataclasses import dataclass
from enum import IntFlag

__all__ = ["DOUBTS", "HOLDS_BILL", "Doubt", "DoubtText", "doubts_in"]


class Doubt(IntFlag):
    """Bits of a uint16 column. Values are stored with readings: never renumber. All sixteen bits are in use."""

    NEGATIVE = 1 << 0
    ROLLOVER_IMPLAUSIBLE = 1 << 1
    ZERO = 1 << 2
    SUDDEN_RISE = 1 << 3
    SUDDEN_FALL = 1 << 4
    OVER_CAPACITY = 1 << 5
    AFTER_ESTIMATE_REFUND = 1 << 6
    REGISTERS_DISAGREE = 1 << 7
    OUT_OF_RANGE = 1 << 8
    OVERFLOW = 1 << 9
    DATES_OUT_OF_ORDER = 1 << 10
    MASTER_DATA = 1 << 11
    BACKWARD_ROLLOVER = 1 << 12
    CURVE_GAP = 1 << 13
    CURVE_FREEZE_DISAGREE = 1 << 14
    SLOT_OVER_CAPACITY = 1 << 15


@dataclass(frozen=True, slots=True)
class DoubtText:
    """What a doubt is called and what to do next; `code` is stable. `holds_bill`: no bill until a person decides."""

    code: str
    name_zh: str
    name_en: str
    next_zh: str
    next_en: str
    holds_bill: bool = True


DOUBTS: dict[Doubt, DoubtText] = {
    Doubt.NEGATIVE: DoubtText(
        "negative",
        "示数倒走",
        "Reading below the previous one",
        "核对本次和上次示数；如已换表，请补录换表记录；否则安排现场复抄。",
        "Compare both readings. Enter the meter exchange if there was one, otherwise send someone to read again.",
    ),
    Doubt.ROLLOVER_IMPLAUSIBLE: DoubtText(
        "rollover-implausible",
        "疑似翻转但电量不合理",
        "Roll-over would give too much energy",
        "上次示数接近满量程，但按翻转计算的电量过大；请现场复抄并核对表位数。",
        "The previous value was near the top, yet a roll-over gives too much energy. Read again and check the digits.",
    ),
    Doubt.ZERO: DoubtText(
        "zero",
        "零电量",
        "No energy used",
        "该户以往有用电；请核实是否空置、停用、表计故障或窃电。",
        "The account normally uses energy. Find out whether it is empty, suspended, its meter dead, or tampered with.",
    ),
    Doubt.SUDDEN_RISE: DoubtText(
        "sudden-rise",
        "电量突增",
        "Sudden rise",
        "与历史和去年同期比较；核对示数和倍率，必要时复抄或联系客户。",
        "Compare with history and last year. Check reading and ratio; read again or call the customer if unexplained.",
    ),
    Doubt.SUDDEN_FALL: DoubtText(
        "sudden-fall",
        "电量突减",
        "Sudden fall",
        "与历史和去年同期比较；核对示数、倍率和计量装置，必要时现场检查。",
        "Compare with history and last year. Check reading, ratio and metering equipment; inspect if unexplained.",
    ),
    Doubt.OVER_CAPACITY: DoubtText(
        "over-capacity",
        "电量超过容量可能值",
        "More energy than the capacity allows",
        "核对示数、倍率、表位数和合同容量；确属超容的转用电检查。",
        "Check reading, ratio, digits and contract capacity. If the customer really exceeds it, pass on to inspection.",
    ),
    Doubt.AFTER_ESTIMATE_REFUND: DoubtText(
        "after-estimate-refund",
        "估抄后退电量",
        "Refund after an estimate",
        "上次为估抄且估高；差额在本次退还，一般无需处理。",
        "The previous reading was an estimate that was too high. The difference is paid back; nothing to do.",
        holds_bill=False,
    ),
    Doubt.REGISTERS_DISAGREE: DoubtText(
        "registers-disagree",
        "分时之和与总不符",
        "Rates do not add up to the total",
        "核对各费率示数；确认总示数正确后可由总减尖、峰、谷推出平。",
        "Check each rate register. Once the total is confirmed, flat may be derived from it.",
    ),
    Doubt.OUT_OF_RANGE: DoubtText(
        "out-of-range",
        "示数超出表位数",
        "Value does not fit the register",
        "核对表位数档案和示数，改正后重新校验。",
        "Check the digits in the meter's record and the value, correct the wrong one and validate again.",
    ),
    Doubt.OVERFLOW: DoubtText(
        "overflow",
        "电量超出可计算范围",
        "Energy too large to compute",
        "核对倍率、表位数和示数，改正后重新校验。",
        "Check ratio, digits and value, correct the wrong one and validate again.",
    ),
    Doubt.DATES_OUT_OF_ORDER: DoubtText(
        "dates-out-of-order",
        "抄表日期次序错误",
        "Reading dates out of order",
        "本次抄表日期须晚于上次；请改正日期。",
        "This reading must be later than the previous one. Correct the dates.",
    ),
    Doubt.MASTER_DATA: DoubtText(
        "master-data",
        "表计档案有误",
        "Meter record is wrong",
        "表位数、倍率、容量或历史电量不合理；请改正档案后重新校验。",
        "Digits, ratio, capacity or history make no sense. Correct the record and validate again.",
    ),
    Doubt.BACKWARD_ROLLOVER: DoubtText(
        "backward-rollover",
        "疑似倒转过零",
        "Register seems to have run back through zero",
        "电量几乎为满量程，可能反接或倒转；请现场检查接线。",
        "The advance is almost a full turn: the meter may be wired in reverse. Inspect the wiring.",
    ),
    Doubt.CURVE_GAP: DoubtText(
        "curve-gap",
        "曲线缺点",
        "Curve has gaps",
        "先补采；2小时以内可线性补齐，更长的按相似日曲线补齐并注明。",
        "Collect again first. Fill up to 2 hours by a straight line, longer gaps by a similar day, and mark them.",
    ),
    Doubt.CURVE_FREEZE_DISAGREE: DoubtText(
        "curve-freeze-disagree",
        "曲线电量与冻结差不符",
        "Curve and daily freeze disagree",
        "重新采集曲线和日冻结；结算以实际冻结示数为准。",
        "Collect curve and freeze again. Billing follows the actual freeze.",
    ),
    Doubt.SLOT_OVER_CAPACITY: DoubtText(
        "slot-over-capacity",
        "曲线点超过容量可能值",
        "A quarter-hour above what the capacity allows",
        "核对曲线单位、倍率和合同容量；异常点补采或修正并注明。",
        "Check the unit of the curve, ratio and capacity. Collect the point again or edit it, and mark it.",
    ),
}
"""Every doubt, with its stable code, its name and what to do next in Chinese and English."""

HOLDS_BILL = Doubt(sum(doubt for doubt, text in DOUBTS.items() if text.holds_bill))
"""Mask of the doubts that keep a reading from being billed until a person decides."""


def doubts_in(flags: int) -> tuple[Doubt, ...]:
    """Return the single doubts that a bit mask holds, lowest bit first. Raises ValueError on bits nobody defined."""
    if flags < 0 or flags >= 1 << 16:
        raise ValueError(f"flags must be 0 to 65535, not {flags}")
    return tuple(doubt for doubt in Doubt if flags & doubt)
