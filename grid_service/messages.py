"""What grid service says to people. No account number, name or debt stands in any of it."""

from __future__ import annotations

from datetime import timedelta

from config.shared.messaging import Template, declare

_CARD = {"manager": "王建国", "phone": "0728-8100001"}
_WHERE = {"area": "桂苑小区 1 至 6 栋", "starts": "11-30 08:00", "ends": "11-30 17:00"}

OUTAGE_ANNOUNCED = declare(
    Template(
        code="outage-announced",
        never_held=True,
        channels=("in_app", "sms"),
        lasts=timedelta(days=8),
        subject_zh="{kind}：{starts} 至 {ends}",
        subject_en="Supply off from {starts} to {ends} ({kind})",
        zh="{area} {starts} 至 {ends} {kind}，原因：{reason}。不便之处请谅解。片区经理{manager} {phone}，或拨 95598。",
        en="{area}: {kind}, {starts} to {ends}. Reason: {reason}. Ask {manager} {phone} or 95598.",
        examples={**_WHERE, **_CARD, "kind": "计划停电", "reason": "更换变压器"},
    )
)

OUTAGE_CHANGED = declare(
    Template(
        code="outage-changed",
        never_held=True,
        channels=("in_app", "sms"),
        lasts=timedelta(days=8),
        subject_zh="停电时间有变：{starts} 至 {ends}",
        subject_en="New times: supply off from {starts} to {ends}",
        zh="停电有变：{area} 改为 {starts} 至 {ends}，原因：{reason}。片区经理{manager} {phone}，或拨 95598。",
        en="Changed: {area} now off {starts} to {ends}. Reason: {reason}. Ask {manager} {phone} or 95598.",
        examples={**_WHERE, **_CARD, "reason": "更换变压器"},
    )
)

OUTAGE_OFF = declare(
    Template(
        code="outage-off",
        never_held=True,
        channels=("in_app", "sms"),
        lasts=timedelta(days=8),
        subject_zh="原定 {starts} 的停电取消",
        subject_en="No interruption on {starts}",
        zh="原定 {starts} 至 {ends} 的停电不影响您家了，照常供电。片区经理{manager} {phone}，或拨 95598。",
        en="The interruption of {starts} to {ends} does not concern you any more. Ask {manager} {phone} or 95598.",
        examples={"starts": "11-30 08:00", "ends": "11-30 17:00", **_CARD},
    )
)

OUTAGE_RESTORED = declare(
    Template(
        code="outage-restored",
        never_held=True,
        channels=("in_app", "sms"),
        lasts=timedelta(hours=12),
        subject_zh="已恢复供电",
        subject_en="Supply is back",
        zh="{area} 已于 {restored} 恢复供电。家中仍没电，请联系片区经理{manager} {phone}，或拨 95598。",
        en="{area}: supply is back since {restored}. Still off? Ask {manager} {phone} or 95598.",
        examples={"area": "桂苑小区 1 至 6 栋", "restored": "11-30 16:20", **_CARD},
    )
)

DISTRICT_NOTICE = declare(
    Template(
        code="district-notice",
        channels=("in_app", "sms"),
        lasts=timedelta(days=3),
        subject_zh="片区通知",
        subject_en="From your district manager",
        zh="{text} 片区经理{manager} {phone}，或拨 95598。",
        en="{text} Ask {manager} {phone} or 95598.",
        examples={"text": "本周六上午在小区门口检查用电安全，欢迎来问。", **_CARD},
    )
)

DISTRICT_NOTICE_CANCELLED = declare(
    Template(
        code="district-notice-cancelled",
        channels=("in_app", "sms"),
        lasts=timedelta(days=3),
        subject_zh="片区通知已取消",
        subject_en="A notice was withdrawn",
        zh="之前通知的事取消了：{text} 片区经理{manager} {phone}，或拨 95598。",
        en="Withdrawn: {text} Ask {manager} {phone} or 95598.",
        examples={"text": "本周六上午在小区门口检查用电安全。", **_CARD},
    )
)

QUESTION_ANSWERED = declare(
    Template(
        code="district-question-answered",
        channels=("sms", "in_app"),
        in_inbox=True,
        subject_zh="片区经理答复了您的提问",
        subject_en="Your district manager answered",
        zh="您问片区经理的事有答复了，请在网上营业厅「我的片区经理」里查看。",
        en="Your question to the district manager was answered. See it in the portal.",
    )
)

QUESTION_WAITS = declare(
    Template(
        code="district-question-waits",
        channels=("in_app",),
        lasts=timedelta(days=1),
        subject_zh="有客户提问，请在 {due} 前答复",
        subject_en="A question waits for you until {due}",
        zh="片区有一条客户提问，请在 {due} 前到片区台答复；到时没有答复会转给下一位。",
        en="A customer's question waits in the district console. Answer by {due}, or it passes on.",
        examples={"due": "14:20"},
    )
)
