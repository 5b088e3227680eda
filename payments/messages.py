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
