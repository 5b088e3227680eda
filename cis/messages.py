"""What customer information says to people."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Kind, Template, declare

SIGN_IN_CODE = declare(
    Template(
        code="sign-in-code",
        channels=("sms",),
        kind=Kind.CODE,
        is_urgent=True,
        lasts=timedelta(minutes=5),
        secrets=frozenset({"code"}),
        subject_zh="登录验证码",
        subject_en="Sign-in code",
        zh="验证码 {code}，5 分钟内有效，用于登录网上营业厅。请勿告诉任何人。",
        en="Code {code} signs you in. It is good for 5 minutes. Tell nobody.",
        examples={"code": "123456"},
    )
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
