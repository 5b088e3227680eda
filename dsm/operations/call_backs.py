"""Orders that should not stand: called back for a reason, and the customers told to go on as usual."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.operations.bulk_notices import Notice, tell_customers
from cis.queries.dues import names_of
from config.shared.errors import BadInput, NotFound, Refused
from dsm.messages import SHED_ORDER_CALLED_BACK
from dsm.models import Shortage, ShortageStep
from dsm.operations.shortages import OutOfTurn
from dsm.shedding.stretches import clock


class NothingToCallBack(Refused):
    """The orders are called back already, or over."""

    code = "nothing-to-call-back"


def call_back_orders(*, shortage_id: int, reasons: str, by_id: int, at: datetime, order_id: int | None = None) -> int:
    """
    Call back the orders of a shortage that are not over, or one of them, and tell the customers; gives how many.

    Once none of its orders stands the shortage is called back as well, and its day can be planned anew.

    :raises NotFound, OutOfTurn: there is no such shortage, or its orders are not out
    :raises NothingToCallBack: called back already, or over
    :raises BadInput: no reasons
    """
    reasons = reasons.strip()
    if not reasons:
        raise BadInput(_("请写明收回的理由。"))
    with transaction.atomic():
        shortage = Shortage.objects.select_for_update().filter(pk=shortage_id).first()
        if shortage is None:
            raise NotFound(_("没有这次缺电。"))
        if shortage.state != Shortage.State.ISSUED:
            raise OutOfTurn(_("指令还没有下达，或已经全部收回。请刷新页面。"))
        standing = shortage.orders.filter(called_back_at__isnull=True, ends_at__gt=at)
        if order_id is not None:
            standing = standing.filter(pk=order_id)
        orders = list(standing.select_related("cut").defer("cut__load_kw").order_by("account_id"))
        if not orders:
            raise NothingToCallBack(_("没有可以收回的指令：时段已经过去，或已经收回。"))
        standing.update(called_back_at=at, called_back_by_id=by_id, call_back_reason=reasons)
        names = names_of([order.account_id for order in orders])
        notices = [
            Notice(
                account_id=order.account_id,
                parameters={
                    "tail": names[order.account_id][0][-4:],
                    "day": f"{shortage.on_day:%m-%d}",
                    "start": clock(order.cut.start_slot),
                    "end": clock(order.cut.end_slot),
                },
                key=f"shed-order-back:{shortage.pk}:{order.account_id}",
            )
            for order in orders
        ]
        tell_customers(template=SHED_ORDER_CALLED_BACK.code, notices=notices, at=at)
        if not shortage.orders.filter(called_back_at__isnull=True).exists():
            ShortageStep.objects.create(
                shortage=shortage, kind=ShortageStep.Kind.CALLED_BACK, by_id=by_id, at=at, reasons=reasons
            )
            shortage.state = Shortage.State.CALLED_BACK
            shortage.save(update_fields=["state"])
        return len(orders)
