"""What customer information says to people."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Kind, Template, declare
from config.shared.messaging.templates import Category


def _code_for(code: str, *, subject_zh: str, subject_en: str, what_for_zh: str, what_for_en: str) -> Template:
    """A one-time code; each act has a template of its own, for providers allow a code's no other parameter."""
    return declare(
        Template(
            code=code,
            channels=("sms",),
            kind=Kind.CODE,
            is_urgent=True,
            lasts=timedelta(minutes=5),
            secrets=frozenset({"code"}),
            subject_zh=subject_zh,
            subject_en=subject_en,
            zh=f"验证码 {{code}}，5 分钟内有效，用于{what_for_zh}。请勿告诉任何人。",
            en=f"Code {{code}} {what_for_en}. Valid 5 min. Tell nobody.",
            examples={"code": "123456"},
        )
    )


SIGN_IN_CODE = _code_for(
    "sign-in-code",
    subject_zh="登录验证码",
    subject_en="Sign-in code",
    what_for_zh="登录网上营业厅",
    what_for_en="signs you in",
)

BINDING_CODE = _code_for(
    "binding-code",
    subject_zh="绑定验证码",
    subject_en="Code to link your account",
    what_for_zh="让别的手机绑定您的户号",
    what_for_en="links your account",
)

OLD_TELEPHONE_CODE = _code_for(
    "old-telephone-code",
    subject_zh="更换手机号验证码",
    subject_en="Code to change your phone",
    what_for_zh="把网上营业厅换到另一个手机",
    what_for_en="moves your portal away",
)

NEW_TELEPHONE_CODE = _code_for(
    "new-telephone-code",
    subject_zh="更换手机号验证码",
    subject_en="Code to change your phone",
    what_for_zh="把网上营业厅换到这个手机",
    what_for_en="moves your portal here",
)

BILL_ISSUED = declare(
    Template(
        code="bill-issued",
        channels=("in_app", "sms", "email"),
        lasts=timedelta(days=7),
        subject_zh="{month} 电费账单已出",
        subject_en="Your bill for {month}",
        zh="户号尾号 {tail}：{month} 电费 {yuan} 元，请在 {due} 前交费。账单号 {bill}，可在网上营业厅查看明细。",
        en="Account ending {tail}: {yuan} yuan for {month}, due {due}. Bill {bill} is in the portal.",
        examples={
            "tail": "6789",
            "month": "2026-10",
            "yuan": "186.40",
            "due": "2026-11-16",
            "bill": "2026100000000123",
        },
    )
)

BINDING_NOTICE = declare(
    Template(
        code="binding-notice",
        never_held=True,
        channels=("sms", "in_app"),
        is_urgent=True,
        in_inbox=True,
        subject_zh="有人绑定了您的户号",
        subject_en="Somebody linked your account",
        zh="户号尾号 {tail} 刚刚被手机尾号 {phone} 绑定为{role}。不是您同意的，请拨打 95598 解除。",
        en="Phone ending {phone} linked account ending {tail} as {role}. Not you? Call 95598.",
        examples={"tail": "6789", "phone": "1234", "role": "代缴人"},
    )
)

BINDING_ENDED = declare(
    Template(
        code="binding-ended",
        channels=("sms", "in_app"),
        in_inbox=True,
        subject_zh="户号绑定已解除",
        subject_en="An account was unlinked",
        zh="您对户号尾号 {tail} 的绑定已解除。有疑问请拨打 95598。",
        en="Your link to account ending {tail} was ended. Questions: 95598.",
        examples={"tail": "6789"},
    )
)

CONTACT_ANSWERED = declare(
    Template(
        code="contact-answered",
        channels=("in_app", "sms"),
        subject_zh="您反映的问题有答复了",
        subject_en="An answer to what you reported",
        zh="您反映的问题已有答复，请在网上营业厅「停电报修」里查看。",
        en="What you reported was answered. See it under Report a fault in the portal.",
    )
)

OVERCHARGE_ANSWERED = declare(
    Template(
        code="overcharge-answered",
        channels=("sms",),
        subject_zh="您举报的电价问题有答复了",
        subject_en="An answer to your report of an overcharge",
        zh="您举报的多收电费（编号 {number}）已有答复，请用举报后得到的网址查看，或拨打 95598 报编号查询。",
        en="Your report {number} of an overcharge was answered. See it at the address you were given, or call 95598.",
        examples={"number": "JB260101000001"},
    )
)

BILL_DUE = declare(
    Template(
        code="bill-due",
        channels=("in_app", "sms"),
        lasts=timedelta(days=2),
        subject_zh="电费快到交费期限了",
        subject_en="A bill will fall due",
        zh="户号尾号 {tail}：电费 {yuan} 元将于 {due} 到期，按时交就没有违约金。已交请忽略。",
        en="Account ending {tail}: {yuan} yuan fall due on {due}. Paid by then, there is no late fee.",
        examples={"tail": "6789", "yuan": "186.40", "due": "2026-11-16"},
    )
)

ADVANCE_DUE = declare(
    Template(
        code="advance-due",
        channels=("in_app", "sms"),
        lasts=timedelta(days=5),
        in_inbox=True,
        subject_zh="分次结算款快到交款日",
        subject_en="An advance will fall due",
        zh="户号尾号 {tail}：{month} 第 {number} 次结算 {yuan} 元，请在 {due} 前交。月度账单会全部扣除。已交请忽略。",
        en="Account ending {tail}: advance {number} of {month}, {yuan} yuan, due {due}. The monthly bill nets it. "
        "Ignore this if it is paid.",
        examples={"tail": "6789", "month": "2026-11", "number": "1", "yuan": "186400.00", "due": "2026-11-10"},
    )
)

DEBT_DEMANDED = declare(
    Template(
        code="debt-demanded",
        channels=("sms", "in_app"),
        lasts=timedelta(days=3),
        in_inbox=True,
        subject_zh="电费已过交费期限",
        subject_en="Your bill is overdue",
        zh="户号尾号 {tail}：电费 {yuan} 元已过交费期限（{due}），请尽快交费。有困难或有疑问请拨打 95598。",
        en="Account ending {tail}: {yuan} yuan has been overdue since {due}. Trouble or questions: 95598.",
        examples={"tail": "6789", "yuan": "186.40", "due": "2026-11-16"},
    )
)

DISCONNECTION_NEAR = declare(
    Template(
        code="disconnection-near",
        channels=("sms", "in_app"),
        is_urgent=True,
        lasts=timedelta(hours=4),
        in_inbox=True,
        subject_zh="即将停电",
        subject_en="Supply will be stopped shortly",
        zh="户号尾号 {tail}：因欠费 {yuan} 元，将于 {moment} 停电。现在交费就不停。有疑问请拨打 95598。",
        en="Account ending {tail}: supply stops at {moment}, {yuan} yuan unpaid. Pay now and it stays. 95598.",
        examples={"tail": "6789", "yuan": "186.40", "moment": "2026-11-16 10:00"},
    )
)


def _fee_control(
    code: str,
    *,
    subject_zh: str,
    subject_en: str,
    zh: str,
    en: str,
    is_urgent: bool = False,
    lasts: timedelta = timedelta(days=1),
    **examples: str,
) -> Template:
    """What a customer under fee control is told of the balance and of supply."""
    return declare(
        Template(
            code=code,
            channels=("sms", "in_app"),
            is_urgent=is_urgent,
            in_inbox=True,
            lasts=lasts,
            subject_zh=subject_zh,
            subject_en=subject_en,
            zh=zh,
            en=en,
            examples={"tail": "6789", **examples},
        )
    )


FEE_LOW = _fee_control(
    "fee-control-low",
    subject_zh="电费余额不多了",
    subject_en="Your balance is low",
    zh="户号尾号 {tail}：电费余额约 {yuan} 元，低于 {limit} 元，请及时充值。",
    en="Account ending {tail}: about {yuan} yuan left, below {limit}. Please top up.",
    yuan="38.20",
    limit="50.00",
)
FEE_SHORT = _fee_control(
    "fee-control-short",
    subject_zh="电费余额不足",
    subject_en="Your balance is used up",
    zh="户号尾号 {tail}：电费余额约 {yuan} 元，已用完。{day} 起将按协议停电，充值后不停。有困难请拨打 95598。",
    en="Account ending {tail}: balance {yuan} yuan. Supply stops from {day} unless you top up. Trouble: 95598.",
    yuan="-3.10",
    day="2026-11-30",
)
FEE_LAST_WARNING = _fee_control(
    "fee-control-last-warning",
    subject_zh="即将停电",
    subject_en="Supply will be stopped shortly",
    zh="户号尾号 {tail}：电费余额约 {yuan} 元，将于 {moment} 后停电。现在充值就不停。有疑问请拨打 95598。",
    en="Account ending {tail}: balance {yuan} yuan. Supply stops after {moment}; top up now and it stays. 95598.",
    is_urgent=True,
    lasts=timedelta(hours=2),
    yuan="-12.40",
    moment="2026-11-30 10:30",
)
FEE_STOPPED = _fee_control(
    "fee-control-stopped",
    subject_zh="已停电",
    subject_en="Supply was stopped",
    zh="户号尾号 {tail}：因电费余额不足已停电。充值满 {yuan} 元马上安排复电。有疑问请拨打 95598。",
    en="Account ending {tail}: supply was stopped. Pay at least {yuan} yuan and it comes back. 95598.",
    is_urgent=True,
    lasts=timedelta(hours=6),
    yuan="12.41",
)
FEE_BACK = _fee_control(
    "fee-control-back",
    subject_zh="已复电",
    subject_en="Supply is back",
    zh="户号尾号 {tail}：已远程复电。没有来电请检查表后开关，或拨打 95598。",
    en="Account ending {tail}: supply is back. If not, check your main switch or call 95598.",
    is_urgent=True,
    lasts=timedelta(hours=6),
)


def _alert(code: str, *, subject_zh: str, subject_en: str, zh: str, en: str, **examples: str) -> Template:
    """What somebody asked to be told of their running bill or of prices; to nobody else."""
    return declare(
        Template(
            code=code,
            channels=("in_app", "sms"),
            category=Category.CONSENT,
            subject_zh=subject_zh,
            subject_en=subject_en,
            zh=zh,
            en=en,
            examples={"tail": "6789", **examples},
        )
    )


SHOCK_ALERT = _alert(
    "bill-shock-alert",
    subject_zh="这一期电费可能比平时多",
    subject_en="This bill may be higher than usual",
    zh="户号尾号 {tail}：照现在用电，到 {last} 约 {yuan} 元，平时约 {usual} 元。",
    en="Account ending {tail}: by {last} your bill may be {yuan} yuan; usually it is {usual}.",
    last="2026-11-30",
    yuan="260.00",
    usual="170.00",
)
TIER_ALERT = _alert(
    "tier-alert",
    subject_zh="快要进入更高一档",
    subject_en="A higher tier is near",
    zh="户号尾号 {tail}：照现在用电，约 {day} 进入第 {tier} 档，之后每度更贵。",
    en="Account ending {tail}: about {day} you will reach tier {tier}, where a kWh costs more.",
    day="2026-11-26",
    tier="2",
)
BUDGET_ALERT = _alert(
    "budget-alert",
    subject_zh="这一期电费可能超过预算",
    subject_en="This bill may exceed your budget",
    zh="户号尾号 {tail}：照现在用电，到 {last} 约 {yuan} 元，超过您设的 {budget} 元。",
    en="Account ending {tail}: by {last} your bill may be {yuan} yuan, above your limit of {budget}.",
    last="2026-11-30",
    yuan="260.00",
    budget="200.00",
)
ENERGY_ALERT = _alert(
    "energy-alert",
    subject_zh="这一期用电可能超过预算",
    subject_en="Your use may exceed your budget",
    zh="户号尾号 {tail}：照现在用电，到 {last} 约 {kwh} 度，超过您设的 {budget} 度。",
    en="Account ending {tail}: by {last} you may use {kwh} kWh, above your limit of {budget}.",
    last="2026-11-30",
    kwh="420",
    budget="400",
)
DEMAND_ALERT = _alert(
    "demand-alert",
    subject_zh="最大需量快要超出合同",
    subject_en="Demand is near your contract",
    zh="户号尾号 {tail}：本期最大 15 分钟负荷 {peak} kW，合同需量 {contract} kW，超过 {percent}% 的部分加倍计费。",
    en="Account ending {tail}: highest demand {peak} kW, contract {contract} kW; above {percent}% it costs double.",
    peak="412.5",
    contract="400",
    percent="105",
)
PRICE_ALERT = _alert(
    "price-alert",
    subject_zh="您的电价要变",
    subject_en="Your price will change",
    zh="户号尾号 {tail}：{day} 起电价由 {old} 变为 {new} 元/度（首行）。照上期用电，电费变动 {change} 元。",
    en="Account ending {tail}: from {day} {new} yuan/kWh, not {old} (first line). Your last bill: {change} yuan.",
    day="2026-12-01",
    old="0.5580",
    new="0.5680",
    change="+3.20",
)
PRICE_ALERT_FIRST = _alert(
    "price-alert-first",
    subject_zh="您的电价要变",
    subject_en="Your price will change",
    zh="户号尾号 {tail}：{day} 起电价由 {old} 变为 {new} 元/度（首行）。",
    en="Account ending {tail}: from {day} {new} yuan/kWh instead of {old} (first line).",
    day="2026-12-01",
    old="0.5580",
    new="0.5680",
)

DISPUTE_SOON = declare(
    Template(
        code="dispute-soon",
        channels=("in_app",),
        lasts=timedelta(days=3),
        subject_zh="有一件客户疑问快到时限",
        subject_en="An answer is due soon",
        zh="户号 {no}：{asked} 的「{kind}」还没有答复，时限 {days} 个工作日，只剩一个工作日。",
        en="Account {no}: “{kind}” of {asked} is not answered. The limit is {days} working days; one is left.",
        examples={"no": "4290000001", "kind": "申请校表", "days": "5", "asked": "2026-11-16"},
    )
)
DISPUTE_LATE = declare(
    Template(
        code="dispute-late",
        channels=("in_app",),
        lasts=timedelta(days=14),
        subject_zh="有一件客户疑问超过时限",
        subject_en="An answer is overdue",
        zh="户号 {no}：{asked} 的「{kind}」超过 {days} 个工作日没有答复，请马上办。",
        en="Account {no}: “{kind}” of {asked} has passed {days} working days without an answer. Please act now.",
        examples={"no": "4290000001", "kind": "申请校表", "days": "5", "asked": "2026-11-16"},
    )
)
DISPUTE_ANSWERED = declare(
    Template(
        code="dispute-answered",
        channels=("in_app", "sms"),
        lasts=timedelta(days=7),
        subject_zh="您的疑问有答复了",
        subject_en="Your question is answered",
        zh="户号尾号 {tail}：您 {asked} 提出的疑问已有答复，请在网上营业厅“疑问和校表”查看。",
        en="Account ending {tail}: your question of {asked} is answered. See Questions in the portal.",
        examples={"tail": "6789", "asked": "2026-11-16"},
    )
)

LIMIT_NEAR = declare(
    Template(
        code="use-limit-near",
        channels=("in_app", "sms"),
        lasts=timedelta(days=2),
        subject_zh="用电快到限额",
        subject_en="Your use is near its limit",
        zh="户号尾号 {tail}：这一期已用 {used} {unit}，限额 {limit} {unit}。",
        en="Account ending {tail}: {used} {unit} used in this period; the limit is {limit} {unit}.",
        examples={"tail": "6789", "used": "165", "limit": "200", "unit": "度"},
    )
)
LIMIT_CROSSED = declare(
    Template(
        code="use-limit-crossed",
        channels=("in_app", "sms"),
        lasts=timedelta(days=2),
        subject_zh="用电超过限额",
        subject_en="Your use is above its limit",
        zh="户号尾号 {tail}：这一期已用 {used} {unit}，超过限额 {limit} {unit}。",
        en="Account ending {tail}: {used} {unit} used in this period, above the limit of {limit} {unit}.",
        examples={"tail": "6789", "used": "205", "limit": "200", "unit": "度"},
    )
)
PLANT_ALERT = declare(
    Template(
        code="plant-alert",
        channels=("in_app", "sms"),
        lasts=timedelta(days=3),
        subject_zh="光伏电站有异常",
        subject_en="Something is wrong with your plant",
        zh="户号尾号 {tail}：您的光伏 {day} {kind}，请在网上营业厅查看。",
        en="Account ending {tail}: your plant on {day}: {kind}. See the portal.",
        examples={"tail": "6789", "day": "2026-11-21", "kind": "该发电的日子没有发电"},
    )
)
