"""Pure: the whitelist of charges that may stand on a bill, and of the components a price may be made of.

Only a charge named here can be billed (电力法第四十四条 forbids charging what no law or competent authority allows).
To add a charge: one member of `ChargeCode` and one entry in `CHARGES`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from cis.rating.registers import Register

__all__ = ["CHARGES", "CORRECTED_AS", "PRICE_COMPONENTS", "RIDING", "Charge", "ChargeCode"]


class ChargeCode(IntEnum):
    """A kind of bill line. Stored with every line: never renumber, only add."""

    ENERGY = 1
    ENERGY_SHARED = 2
    ENERGY_T1 = 11
    ENERGY_T2 = 12
    ENERGY_T3 = 13
    ENERGY_SHARP = 21
    ENERGY_PEAK = 22
    ENERGY_FLAT = 23
    ENERGY_VALLEY = 24
    ENERGY_DEEP_VALLEY = 25
    TIER2_ADD = 32
    TIER3_ADD = 33
    FUND_RURAL = 41
    FUND_RESERVOIR = 42
    FUND_RENEWABLE = 43
    CAPACITY = 51
    CAPACITY_HALF = 52
    DEMAND = 53
    DEMAND_OVER = 54
    PF_ADJ = 61
    FREE_KWH = 71
    CORRECTION_MORE = 81
    CORRECTION_LESS = 82
    CORRECTION_FUND_MORE = 83
    CORRECTION_FUND_LESS = 84
    CREDIT_KEPT = 85
    BACK_BILLED = 86
    BREACH_PENALTY = 87
    CORRECTION_FUND_RURAL = 88
    CORRECTION_FUND_RESERVOIR = 89
    CORRECTION_FUND_RENEWABLE = 90
    OPENING = 91
    CORRECTION_FREE_KWH = 92
    MARKET_SETTLED_MORE = 93
    MARKET_SETTLED_LESS = 94
    # What a market customer's energy price is made of, a line each; whole, or by period in the order of the registers.
    ENERGY_RETAIL = 100
    ENERGY_RETAIL_SHARP = 101
    ENERGY_RETAIL_PEAK = 102
    ENERGY_RETAIL_FLAT = 103
    ENERGY_RETAIL_VALLEY = 104
    ENERGY_RETAIL_DEEP_VALLEY = 105
    PURCHASE_LOSS = 110
    PURCHASE_LOSS_SHARP = 111
    PURCHASE_LOSS_PEAK = 112
    PURCHASE_LOSS_FLAT = 113
    PURCHASE_LOSS_VALLEY = 114
    PURCHASE_LOSS_DEEP_VALLEY = 115
    NETWORK = 120
    NETWORK_SHARP = 121
    NETWORK_PEAK = 122
    NETWORK_FLAT = 123
    NETWORK_VALLEY = 124
    NETWORK_DEEP_VALLEY = 125
    SYSTEM_OPERATION = 130
    SYSTEM_OPERATION_SHARP = 131
    SYSTEM_OPERATION_PEAK = 132
    SYSTEM_OPERATION_FLAT = 133
    SYSTEM_OPERATION_VALLEY = 134
    SYSTEM_OPERATION_DEEP_VALLEY = 135


Unit = Literal["kWh", "kVA", "kW", "yuan"]

UNIT_PLACES: dict[Unit, int] = {"kWh": 2, "kVA": 2, "kW": 4, "yuan": 2}
"""Places a quantity is kept to. Demand keeps what a register shows times its ratio: nothing is rounded there."""


@dataclass(frozen=True)
class Charge:
    """What a charge is called, where its money belongs and which paper allows it."""

    text: str
    name_zh: str
    name_en: str
    ledger: Literal["energy", "fund", "penalty", "prepayment"]
    legal_basis: str
    unit: Unit = "kWh"

    @property
    def places(self) -> int:
        """Decimal places of the line's quantity: an int64 in 10**-places of the unit."""
        return UNIT_PLACES[self.unit]


_TIERS = "电力法第四十四条；发改价格〔2011〕2617号"
_AGENT = "电力法第四十四条；发改价格〔2021〕1439号；发改价格〔2023〕526号"
_PERIOD = "电力法第四十四条；省级分时电价文件（居民另据发改价格〔2011〕2617号，工商业另据发改价格〔2023〕526号）"
_BASIC = "电力法第四十四条；发改价格〔2023〕526号；发改办价格〔2016〕1583号"
_FACTOR = "电力法第四十四条；（83）水电财字第215号"
_FREE = "电力法第四十四条；发改价格〔2011〕2617号（城乡低保户和五保户免费电量）"
_FUND = "电力法第四十四条；发改价格〔2023〕526号（政府性基金及附加）"

_CORRECTED = "电力法第四十四条；供电营业规则（1996）第八十条、第八十一条（多退少补）"
_SETTLED = "电力法第四十四条；发改价格〔2021〕1439号；交易中心结算依据（多退少补）"
_BREACH = "供电营业规则（1996）第一百条至第一百零三条"

CHARGES: dict[ChargeCode, Charge] = {
    ChargeCode.ENERGY: Charge("ENERGY", "电度电费（不含基金）", "Energy charge", "energy", _AGENT),
    ChargeCode.ENERGY_SHARED: Charge("ENERGY_SHARED", "合表居民电费", "Shared-meter energy", "energy", _TIERS),
    ChargeCode.ENERGY_T1: Charge("ENERGY_T1", "第1档电费", "Tier 1 energy", "energy", _TIERS),
    ChargeCode.ENERGY_T2: Charge("ENERGY_T2", "第2档电费", "Tier 2 energy", "energy", _TIERS),
    ChargeCode.ENERGY_T3: Charge("ENERGY_T3", "第3档电费", "Tier 3 energy", "energy", _TIERS),
    ChargeCode.ENERGY_SHARP: Charge("ENERGY_SHARP", "尖峰电费", "Sharp-peak energy", "energy", _PERIOD),
    ChargeCode.ENERGY_PEAK: Charge("ENERGY_PEAK", "高峰电费", "Peak energy", "energy", _PERIOD),
    ChargeCode.ENERGY_FLAT: Charge("ENERGY_FLAT", "平段电费", "Flat energy", "energy", _PERIOD),
    ChargeCode.ENERGY_VALLEY: Charge("ENERGY_VALLEY", "低谷电费", "Valley energy", "energy", _PERIOD),
    ChargeCode.ENERGY_DEEP_VALLEY: Charge("ENERGY_DEEP_VALLEY", "深谷电费", "Deep-valley energy", "energy", _PERIOD),
    ChargeCode.TIER2_ADD: Charge("TIER2_ADD", "第2档加价", "Tier 2 surcharge", "energy", _TIERS),
    ChargeCode.TIER3_ADD: Charge("TIER3_ADD", "第3档加价", "Tier 3 surcharge", "energy", _TIERS),
    ChargeCode.FUND_RURAL: Charge("FUND_RURAL", "农网还贷资金", "Rural grid repayment fund", "fund", _FUND),
    ChargeCode.FUND_RESERVOIR: Charge(
        "FUND_RESERVOIR", "大中型水库移民后期扶持资金", "Reservoir resettlement fund", "fund", _FUND
    ),
    ChargeCode.FUND_RENEWABLE: Charge(
        "FUND_RENEWABLE", "可再生能源电价附加", "Renewable energy surcharge", "fund", _FUND
    ),
    ChargeCode.CAPACITY: Charge("CAPACITY", "容量电费", "Capacity charge", "energy", _BASIC, "kVA"),
    ChargeCode.CAPACITY_HALF: Charge(
        "CAPACITY_HALF", "容量电费（暂停减半）", "Capacity charge, suspended at half", "energy", _BASIC, "kVA"
    ),
    ChargeCode.DEMAND: Charge("DEMAND", "需量电费", "Demand charge", "energy", _BASIC, "kW"),
    ChargeCode.DEMAND_OVER: Charge(
        "DEMAND_OVER", "需量电费（超出加倍）", "Demand charge, excess doubled", "energy", _BASIC, "kW"
    ),
    ChargeCode.PF_ADJ: Charge("PF_ADJ", "功率因数调整电费", "Power factor adjustment", "energy", _FACTOR, "yuan"),
    ChargeCode.FREE_KWH: Charge("FREE_KWH", "低保五保免费电量", "Free energy, low income", "energy", _FREE),
    ChargeCode.CORRECTION_MORE: Charge(
        "CORRECTION_MORE", "补收以前账单差额", "Earlier bill corrected, more", "energy", _CORRECTED, "yuan"
    ),
    ChargeCode.CORRECTION_LESS: Charge(
        "CORRECTION_LESS", "退还以前账单差额", "Earlier bill corrected, less", "energy", _CORRECTED, "yuan"
    ),
    ChargeCode.CORRECTION_FUND_MORE: Charge(
        "CORRECTION_FUND_MORE", "补收以前账单基金差额", "Earlier funds corrected, more", "fund", _CORRECTED, "yuan"
    ),
    ChargeCode.CORRECTION_FUND_LESS: Charge(
        "CORRECTION_FUND_LESS", "退还以前账单基金差额", "Earlier funds corrected, less", "fund", _CORRECTED, "yuan"
    ),
    ChargeCode.CORRECTION_FUND_RURAL: Charge(
        "CORRECTION_FUND_RURAL",
        "以前账单差额：农网还贷资金",
        "Earlier bill corrected: rural grid repayment fund",
        "fund",
        _CORRECTED,
        "yuan",
    ),
    ChargeCode.CORRECTION_FUND_RESERVOIR: Charge(
        "CORRECTION_FUND_RESERVOIR",
        "以前账单差额：大中型水库移民后期扶持资金",
        "Earlier bill corrected: reservoir resettlement fund",
        "fund",
        _CORRECTED,
        "yuan",
    ),
    ChargeCode.CORRECTION_FUND_RENEWABLE: Charge(
        "CORRECTION_FUND_RENEWABLE",
        "以前账单差额：可再生能源电价附加",
        "Earlier bill corrected: renewable energy surcharge",
        "fund",
        _CORRECTED,
        "yuan",
    ),
    ChargeCode.CORRECTION_FREE_KWH: Charge(
        "CORRECTION_FREE_KWH",
        "以前账单差额：低保五保免费电量",
        "Earlier bill corrected: free energy, low income",
        "energy",
        _CORRECTED,
        "yuan",
    ),
    ChargeCode.CREDIT_KEPT: Charge(
        "CREDIT_KEPT",
        "退还多于本期电费，余额转入预存",
        "Credit above this bill, kept as prepayment",
        "prepayment",
        _CORRECTED,
        "yuan",
    ),
    ChargeCode.BACK_BILLED: Charge("BACK_BILLED", "追补电费", "Back-billed energy", "energy", _CORRECTED, "yuan"),
    ChargeCode.BREACH_PENALTY: Charge(
        "BREACH_PENALTY", "违约使用电费", "Penalty for breach or theft", "penalty", _BREACH, "yuan"
    ),
    ChargeCode.MARKET_SETTLED_MORE: Charge(
        "MARKET_SETTLED_MORE", "补收市场化购电清算差额", "Market settlement cleared, more", "energy", _SETTLED, "yuan"
    ),
    ChargeCode.MARKET_SETTLED_LESS: Charge(
        "MARKET_SETTLED_LESS", "退还市场化购电清算差额", "Market settlement cleared, less", "energy", _SETTLED, "yuan"
    ),
    ChargeCode.OPENING: Charge(
        "OPENING",
        "原系统账单电费",
        "Bill of the former system",
        "energy",
        "电力法第三十三条（按用电计量装置的记录计收；原系统已发行的账单）",
        "yuan",
    ),
}
"""Every charge a bill may carry."""

CORRECTED_AS: dict[ChargeCode, ChargeCode] = {
    ChargeCode.FUND_RURAL: ChargeCode.CORRECTION_FUND_RURAL,
    ChargeCode.FUND_RESERVOIR: ChargeCode.CORRECTION_FUND_RESERVOIR,
    ChargeCode.FUND_RENEWABLE: ChargeCode.CORRECTION_FUND_RENEWABLE,
    ChargeCode.FREE_KWH: ChargeCode.CORRECTION_FREE_KWH,
}
"""Funds and subsidies, each with a ledger account of its own name: the charge on which a later bill carries what they
were wrong by. CORRECTION_FUND_MORE and CORRECTION_FUND_LESS stand on bills of before only."""

RIDING: frozenset[ChargeCode] = (
    frozenset(CORRECTED_AS.values())
    | {ChargeCode.MARKET_SETTLED_MORE, ChargeCode.MARKET_SETTLED_LESS}
    | frozenset(code for code in ChargeCode if ChargeCode.CORRECTION_MORE <= code <= ChargeCode.BREACH_PENALTY)
)
"""What stands on a bill but comes from another bill or from a case: no rule of the tariff makes these lines."""
_MARKET = "电力法第四十四条；发改价格〔2021〕1439号；发改价格〔2023〕526号；零售合同"
_MARKET_PARTS: dict[ChargeCode, tuple[str, str]] = {
    ChargeCode.ENERGY_RETAIL: ("市场化购电电费", "Market purchase"),
    ChargeCode.PURCHASE_LOSS: ("上网环节线损费用", "Purchase-side line loss"),
    ChargeCode.NETWORK: ("输配电费", "Transmission and distribution"),
    ChargeCode.SYSTEM_OPERATION: ("系统运行费", "System operation"),
}
_PERIOD_NAMES = (
    ("尖峰", "sharp"),
    ("高峰", "peak"),
    ("平段", "flat"),
    ("低谷", "valley"),
    ("深谷", "deep valley"),
)
for _part, (_zh, _en) in _MARKET_PARTS.items():
    _basis = _MARKET if _part is ChargeCode.ENERGY_RETAIL else _AGENT
    CHARGES[_part] = Charge(_part.name, _zh, _en, "energy", _basis)
    for _place, (_period_zh, _period_en) in enumerate(_PERIOD_NAMES, start=1):
        _code = ChargeCode(_part + _place)
        CHARGES[_code] = Charge(_code.name, f"{_zh}（{_period_zh}）", f"{_en}, {_period_en}", "energy", _basis)

ENERGY_CHARGE_OF_REGISTER: dict[Register, ChargeCode] = {
    Register.SHARP: ChargeCode.ENERGY_SHARP,
    Register.PEAK: ChargeCode.ENERGY_PEAK,
    Register.FLAT: ChargeCode.ENERGY_FLAT,
    Register.VALLEY: ChargeCode.ENERGY_VALLEY,
    Register.DEEP_VALLEY: ChargeCode.ENERGY_DEEP_VALLEY,
}
"""Which charge the energy of a time-of-use register becomes."""

PRICE_COMPONENTS: dict[str, tuple[str, str]] = {
    "agent_purchase": ("代理购电价格", "Agent purchase price"),
    "line_loss": ("上网环节线损费用", "Purchase-side line loss"),
    "transmission_distribution_energy": ("电度输配电价", "Transmission and distribution energy price"),
    "system_operation": ("系统运行费用", "System operation"),
    "agent_purchase_multiple": ("按规定倍数执行的代理购电价格", "Agent purchase price times the multiple"),
    "retail_purchase": ("零售合同电价", "Retail contract price"),
    "green_premium": ("绿色电力环境价值", "Green attribute premium"),
}
"""What an energy price may be composed of (发改价格〔2023〕526号), with Chinese and English names."""
