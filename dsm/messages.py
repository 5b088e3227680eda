"""What the demand side says to people."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Template, declare

SHED_ORDER = declare(
    Template(
        code="shed-order",
        never_held=True,
        channels=("in_app", "sms"),
        is_urgent=True,
        lasts=timedelta(days=1),
        subject_zh="有序用电通知",
        subject_en="Order to lower your load",
        zh="户号尾号 {tail}：{day} {start}-{end} {measure} {kw} 千瓦，保安 {security} 千瓦不动。请在网上营业厅确认。",
        en="Account {tail}: {day} {start}-{end}, cut {kw} kW ({measure}), keep {security} kW. Confirm in the portal.",
        examples={
            "tail": "6789",
            "day": "08-15",
            "start": "13:00",
            "end": "22:00",
            "measure": "避峰",
            "kw": "1200",
            "security": "300",
        },
    )
)

SHED_ORDER_CALLED_BACK = declare(
    Template(
        code="shed-order-called-back",
        never_held=True,
        channels=("in_app", "sms"),
        is_urgent=True,
        lasts=timedelta(days=1),
        subject_zh="有序用电通知已收回",
        subject_en="Order to lower your load called back",
        zh="户号尾号 {tail}：{day} {start}-{end} 的有序用电通知已收回，不用压减，照常用电。",
        en="Account {tail}: the order for {day} {start}-{end} is called back. No cut; use power as usual.",
        examples={"tail": "6789", "day": "08-15", "start": "13:00", "end": "22:00"},
    )
)
