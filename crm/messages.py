"""What customer relations says to people."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Template, declare

EMERGENCY_RECEIVED = declare(
    Template(
        code="emergency-received",
        never_held=True,
        channels=("sms", "in_app"),
        is_urgent=True,
        in_inbox=True,
        lasts=timedelta(hours=2),
        subject_zh="大客户紧急服务 {number}",
        subject_en="Emergency {number} of a key account",
        zh="户号 {account} {time} 请求紧急服务：{what}。{reply_by} 前回复，{arrive_by} 前到场。",
        en="Account {account} asked for help at {time}: {what}. Reply by {reply_by}, be on site by {arrive_by}.",
        examples={
            "number": "12",
            "account": "0100000001",
            "time": "14:05",
            "what": "高压进线失电",
            "reply_by": "14:15",
            "arrive_by": "14:50",
        },
    )
)

EMERGENCY_ALARM = declare(
    Template(
        code="emergency-alarm",
        never_held=True,
        channels=("sms", "in_app"),
        is_urgent=True,
        in_inbox=True,
        lasts=timedelta(hours=2),
        subject_zh="紧急服务 {number}：{clock}{level}",
        subject_en="Emergency {number}: {clock} {level}",
        zh="户号 {account} 的紧急服务：{clock}{level}，时限 {due}，客户经理 {manager}。",
        en="Emergency of account {account}: {clock} {level}, due {due}, manager {manager}.",
        examples={
            "number": "12",
            "clock": "到场",
            "level": "超时",
            "account": "0100000001",
            "due": "14:50",
            "manager": "何敬业",
        },
    )
)

PRICE_AHEAD = declare(
    Template(
        code="key-account-price",
        channels=("in_app", "sms"),
        in_inbox=True,
        lasts=timedelta(days=30),
        subject_zh="{day} 起电价调整：户号 {account}",
        subject_en="Prices change on {day}: account {account}",
        zh="大客户 {account} 的电价 {day} 起调整，按最近 {months} 个月用电变化 {change} 元。请在生效前告知客户。",
        en="Prices of key account {account} change on {day}: {change} yuan over its last {months} months. Tell them.",
        examples={"account": "0100000001", "day": "2027-01-01", "months": "12", "change": "+86400.00"},
    )
)

BILL_SHOCK = declare(
    Template(
        code="bill-shock",
        channels=("in_app", "sms"),
        lasts=timedelta(days=30),
        subject_zh="{month} 电费比平时多",
        subject_en="Your bill for {month} is higher than usual",
        zh="户号尾号 {tail}：{month} 电费 {yuan} 元，比平时多 {more} 元。用电明细在网上营业厅，有疑问请拨打 95598。",
        en="Account ending {tail}: {yuan} yuan for {month}, {more} more than usual. See the portal or call 95598.",
        examples={"tail": "6789", "month": "2026-10", "yuan": "586.40", "more": "286.40"},
    )
)
