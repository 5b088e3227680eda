"""What a day brought in, as a table."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.web.tables import Chip, Column, Table
from payments import queries
from payments.queries import PaymentRow


def _state(row: PaymentRow) -> tuple[Chip, ...]:
    return (Chip("bad", _("已冲正")) if row.is_reversed else Chip("good", _("已入账")),)


PAYMENTS: Table[PaymentRow] = Table(
    name="payments.day",
    columns=(
        Column("time", gettext_lazy("时间"), lambda row: row.received_at, "clock"),
        Column(
            "no", gettext_lazy("收据号"), lambda row: row.receipt_no, "code", sort="no", is_head=True,
            link=lambda row: reverse("payments:payment", args=[row.receipt_no]),
        ),
        Column("account", gettext_lazy("户号"), lambda row: row.account_no, "code"),
        Column("name", gettext_lazy("户名"), lambda row: row.masked_name),
        Column("method", gettext_lazy("收款方式"), lambda row: row.method_word),
        Column("amount", gettext_lazy("金额（元）"), lambda row: row.amount_fen, "money", sort="amount"),
        Column("hall", gettext_lazy("地点"), lambda row: row.hall, is_extra=True),
        Column("clerk", gettext_lazy("收款人"), lambda row: row.clerk),
        Column("prepaid", gettext_lazy("转入预存（元）"), lambda row: row.prepaid_fen, "money", is_extra=True),
        Column("reference", gettext_lazy("参考号"), lambda row: row.reference, is_extra=True),
        Column("state", gettext_lazy("状态"), _state, "chips"),
    ),
    orders=queries.PAYMENT_ORDERS,
    first_order="-no",
)  # fmt: skip
