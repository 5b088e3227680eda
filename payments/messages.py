"""What taking money says to people."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Template, declare

PAYMENT_RECEIVED = declare(
    Template(
        code="payment-received",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="已收到电费 {yuan} 元",
        subject_en="Payment of {yuan} yuan received",
        zh="已收到电费 {yuan} 元，收据号 {receipt}，可在网上营业厅查看和下载。",
        en="We received {yuan} yuan. Receipt {receipt} is in the portal.",
        examples={"yuan": "186.40", "receipt": "R2026112200000123"},
    )
)

PAYMENT_RECEIVED_LINK = declare(
    Template(
        code="payment-received-link",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="已收到电费 {yuan} 元",
        subject_en="Payment of {yuan} yuan received",
        zh="已收到电费 {yuan} 元，收据号 {receipt}，收据和核验码：{address}",
        en="We received {yuan} yuan, receipt {receipt}: {address}",
        examples={
            "yuan": "186.40",
            "receipt": "202611220000000123",
            "address": "https://95598.example.cn/receipts/202611220000000123:signed/",
        },
    )
)
"""where the house has a public address: the receipt is one touch away, for whoever holds the telephone"""

PREPAYMENT_REFUNDED = declare(
    Template(
        code="prepayment-refunded",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="已退预存电费 {yuan} 元",
        subject_en="{yuan} yuan of prepayment refunded",
        zh="已退预存电费 {yuan} 元，退费单号 {refund}。不是您要求退的，请拨打 95598。",
        en="We refunded {yuan} yuan of prepayment, refund {refund}. If you did not ask for it, call 95598.",
        examples={"yuan": "50.00", "refund": "TF202611220000000042"},
    )
)

NOTICE_REFUSED = declare(
    Template(
        code="notice-refused",
        channels=("in_app",),
        subject_zh="收到不可信的{channel}通知",
        subject_en="A notice said to be of {channel} was not believed",
        zh="{moment} 收到自称{channel}的通知，验签或内容不符，已拒收，没有入账。请到“代收渠道”查看次数，核对密钥和时钟"
        "；次数多时请联系安全人员。",
        en="A notice said to be of {channel} came at {moment} and was refused: signature or content is wrong, nothing "
        "was booked. See how many under Collection channels, check keys and clocks; if they are many, tell security.",
        examples={"channel": "微信支付", "moment": "2026-11-22 09:30"},
    )
)

WEBHOOK_SWITCHED_OFF = declare(
    Template(
        code="webhook-switched-off",
        channels=("in_app",),
        subject_zh="{client} 的事件推送已停",
        subject_en="Webhooks to {client} are switched off",
        zh="{client} 的推送地址 {url} 已停用：{why}。没送到的事件都留着，联系对方修好后，在“事件推送”里启用并重发。",
        en="{url} of {client} is switched off: {why}. What did not arrive is kept; once it is mended, switch it on "
        "and send again under Webhooks.",
        examples={"client": "工商银行", "url": "https://hooks.icbc.example/events", "why": "连续多天送不到"},
    )
)

PREPAYMENT_GOES_BACK = declare(
    Template(
        code="prepayment-goes-back",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="正在退回预存电费 {yuan} 元",
        subject_en="{yuan} yuan of prepayment is on its way back",
        zh="正在把预存电费 {yuan} 元退回付款的{way}，退费单号 {refund}。零钱一般几分钟到账，银行卡 1 到 3 个工作日。"
        "不是您要求退的，请拨打 95598。",
        en="{yuan} yuan is going back by {way}, refund {refund}: minutes to a wallet, 1-3 working days to a card. "
        "Not you? 95598.",
        examples={"yuan": "50.00", "refund": "TF202611220000000042", "way": "微信支付"},
    )
)

REFUND_FAILED = declare(
    Template(
        code="refund-failed",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=7),
        subject_zh="{yuan} 元没有退成，已回到预存电费",
        subject_en="{yuan} yuan could not be refunded and is prepayment again",
        zh="退费单 {refund} 的 {yuan} 元没能退回{way}，已回到您的预存电费，一分不少。可到营业厅改用别的方式退。",
        en="Refund {refund} by {way} failed: {yuan} yuan is prepayment again. A hall can refund it another way.",
        examples={"yuan": "50.00", "refund": "TF202611220000000042", "way": "微信支付"},
    )
)

CHEQUE_RETURNED = declare(
    Template(
        code="cheque-returned",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="支票退票，电费重新变为未交清",
        subject_en="Your cheque came back; the bill is open again",
        zh="您交电费的支票 {cheque}（{yuan} 元）已退票，对应电费重新变为未交清，请尽快用其他方式交费。",
        en="Cheque {cheque} for {yuan} yuan was returned. What it had paid is owed again; please pay another way soon.",
        examples={"yuan": "186.40", "cheque": "30504420"},
    )
)

DEBIT_SIGNED = declare(
    Template(
        code="debit-signed",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="电费代扣已签约",
        subject_en="Direct debit agreed",
        zh="户号 {account} 已签约代扣，{bank} 尾号 {card}，单笔最多 {yuan} 元。不是您本人办的，请拨打 95598。",
        en="Account {account} is paid by debit: {bank}, card ending {card}, up to {yuan} yuan. Not you? Call 95598.",
        examples={"account": "4290000001", "bank": "江汉银行", "card": "7662", "yuan": "2000.00"},
    )
)

DEBIT_ENDED = declare(
    Template(
        code="debit-ended",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=2),
        subject_zh="电费代扣已解约",
        subject_en="Direct debit ended",
        zh="户号 {account} 的代扣（{bank} 尾号 {card}）已解约，以后请自行交费，或重新签约。",
        en="Debit of account {account} ({bank}, card ending {card}) has ended. Please pay yourself or sign anew.",
        examples={"account": "4290000001", "bank": "江汉银行", "card": "7662"},
    )
)

DEBIT_FAILED = declare(
    Template(
        code="debit-failed",
        channels=("sms", "email", "in_app"),
        in_inbox=True,
        lasts=timedelta(days=3),
        subject_zh="电费代扣没有成功",
        subject_en="Direct debit failed",
        zh="户号 {account} 的电费 {yuan} 元没有扣成（尾号 {card}），不再重扣，请尽快自行交费。",
        en="{yuan} yuan of account {account} could not be debited (card ending {card}). Please pay it yourself soon.",
        examples={"account": "4290000001", "yuan": "186.40", "card": "7662"},
    )
)
