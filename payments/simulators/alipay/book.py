"""What the simulated Alipay keeps: merchants, trades, refunds, and the files of a day."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
FEE_PER_10_000 = 60
"""what it keeps of a payment, in ten-thousandths"""


@dataclass(frozen=True)
class Merchant:
    """Who may ask: the application, whose it is, and its public key."""

    app_id: str
    seller_id: str
    public_pem: str


@dataclass
class Refund:
    """So much of a trade went back under the merchant's own number."""

    out_request_no: str
    amount_fen: int
    reason: str
    at: datetime


@dataclass
class Trade:
    """A trade and what became of it."""

    app_id: str
    seller_id: str
    out_trade_no: str
    subject: str
    amount_fen: int
    notify_url: str
    return_url: str
    token: str
    created_at: datetime
    expires_at: datetime
    trade_no: str = ""
    state: str = "WAIT_BUYER_PAY"
    buyer_id: str = ""
    paid_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)
    notify_id: str = ""

    @property
    def refunded_fen(self) -> int:
        """What went back."""
        return sum(refund.amount_fen for refund in self.refunds.values())


def yuan(fen: int) -> str:
    """As its interface writes money: yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def moment(at: datetime) -> str:
    """As its interface writes a moment: Beijing time without an offset."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


COLUMNS = (
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称", "操作员",
    "终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）",
    "商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）", "卡消费金额（元）",
    "退款批次号/请求号", "服务费（元）", "分润（元）", "备注",
)  # fmt: skip


def day_file(trades: Iterable[Trade], day: date, seller_id: str) -> bytes | None:
    """The zip of a day's trades, texts in GB 18030; None where nothing was traded."""
    lines: list[tuple[datetime, list[str]]] = []
    paid = back = paid_count = back_count = 0
    for trade in trades:
        if trade.paid_at is not None and trade.paid_at.astimezone(BEIJING).date() == day:
            paid, paid_count = paid + trade.amount_fen, paid_count + 1
            lines.append((trade.paid_at, _line(trade, "交易", trade.paid_at, trade.amount_fen, "")))
        for refund in trade.refunds.values():
            if refund.at.astimezone(BEIJING).date() == day:
                back, back_count = back + refund.amount_fen, back_count + 1
                lines.append((refund.at, _line(trade, "退款", refund.at, -refund.amount_fen, refund.out_request_no)))
    if not lines:
        return None
    out = io.StringIO(newline="")
    out.write(f"#支付宝业务明细查询\r\n#账号：[{seller_id}0156]\r\n")
    out.write(
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]\r\n"
    )
    out.write("#-----------------------------------------业务明细列表----------------------------------------\r\n")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(row for _at, row in sorted(lines, key=lambda line: line[0]))
    out.write("#-----------------------------------------业务明细列表结束------------------------------------\r\n")
    out.write(f"#交易合计：{paid_count}笔，商家实收共{yuan(paid)}元，商家优惠共0.00元\r\n")
    out.write(f"#退款合计：{back_count}笔，商家实收退款共{yuan(back)}元，商家优惠退款共0.00元\r\n")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{seller_id}0156_{day:%Y%m%d}_业务明细.csv", out.getvalue().encode("gb18030"))
    return packed.getvalue()


def _line(trade: Trade, kind: str, at: datetime, fen: int, request: str) -> list[str]:
    fee = (abs(fen) * FEE_PER_10_000 + 5_000) // 10_000
    # Numbers end in a tab, so that a spreadsheet takes them for texts.
    return [
        f"{trade.trade_no}\t", f"{trade.out_trade_no}\t", kind, trade.subject, moment(trade.created_at), moment(at), "",
        "", "", "", "156******00", yuan(fen), yuan(fen), "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00",
        f"{request}\t" if request else "", yuan(-fee if fen > 0 else 0), "0.00", trade.subject,
    ]  # fmt: skip
