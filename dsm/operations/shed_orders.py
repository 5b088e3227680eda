"""Orders to the customers of the chosen plan, and what is known of their being received."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.operations.bulk_notices import Notice, tell_customers
from cis.queries.dues import names_of
from config.shared.bulk_copy import copy_rows
from config.shared.errors import BadInput, NotFound, Refused
from dsm.messages import SHED_ORDER
from dsm.models import OrderReceipt, PlanCut, ShedOrder, Shortage, ShortageStep
from dsm.operations.plan_standing import refuse_stale
from dsm.operations.shortages import OutOfTurn
from dsm.queries.shed_problem import day_starts_at
from dsm.shedding.stretches import clock
from dsm.words import MEASURES

_ORDER_COLUMNS = (
    "cut_id", "shortage_id", "account_id", "starts_at", "ends_at", "notice_due_at", "issued_at", "issued_by_id",
    "call_back_reason",
)  # fmt: skip


class TooLateToIssue(Refused):
    """The first cut of the plan has begun."""

    code = "too-late-to-issue"


class OrderCalledBack(Refused):
    """The order stands no longer."""

    code = "order-called-back"


def issue_orders(*, shortage_id: int, by_id: int, at: datetime) -> int:
    """
    Give every customer of the chosen plan their order and tell them; gives how many orders there are.

    Set-wise: a fixed number of statements, whatever the number of customers. Nothing goes out twice.

    :raises NotFound, OutOfTurn: there is no such shortage, no plan is chosen, or its orders are out
    :raises TooLateToIssue: the first cut has begun
    :raises PlansAreStale, AlreadyCut: the plan no longer holds
    """
    with transaction.atomic():
        shortage = _locked_with_its_day(shortage_id)
        if shortage.state != Shortage.State.CHOSEN or shortage.chosen is None:
            raise OutOfTurn(_("还没有选定方案，或指令已经下达。请刷新页面。"))
        cuts = list(PlanCut.objects.filter(plan_id=shortage.chosen_id).defer("load_kw").order_by("account_id"))
        midnight = day_starts_at(shortage.on_day)
        if cuts and midnight + timedelta(minutes=15 * min(cut.start_slot for cut in cuts)) <= at:
            raise TooLateToIssue(_("方案里最早的时段已经开始，不能再下达。请重新编方案。"))
        refuse_stale(shortage, [shortage.chosen])
        with connection.cursor() as cursor:
            copy_rows(
                cursor,
                "dsm_shed_order",
                _ORDER_COLUMNS,
                (
                    (
                        cut.pk,
                        shortage.pk,
                        cut.account_id,
                        midnight + timedelta(minutes=15 * cut.start_slot),
                        midnight + timedelta(minutes=15 * cut.end_slot),
                        midnight + timedelta(minutes=15 * cut.start_slot - cut.notice_min),
                        at,
                        by_id,
                        "",
                    )
                    for cut in cuts
                ),
            )
        names = names_of([cut.account_id for cut in cuts])
        notices = [
            Notice(
                account_id=cut.account_id,
                parameters={
                    "tail": names[cut.account_id][0][-4:],
                    "day": f"{shortage.on_day:%m-%d}",
                    "start": clock(cut.start_slot),
                    "end": clock(cut.end_slot),
                    "measure": str(MEASURES[cut.measure]),
                    "kw": str(cut.peak_cut_kw),
                    "security": str(cut.security_kw),
                },
                key=f"shed-order:{shortage.pk}:{cut.account_id}",
            )
            for cut in cuts
        ]
        tell_customers(template=SHED_ORDER.code, notices=notices, at=at)
        ShortageStep.objects.create(shortage=shortage, kind=ShortageStep.Kind.ISSUED, by_id=by_id, at=at)
        shortage.state = Shortage.State.ISSUED
        shortage.save(update_fields=["state"])
        return len(cuts)


def _locked_with_its_day(shortage_id: int) -> Shortage:
    """The shortage; all of its day are locked, so that two of them do not cut the same customer at the same moment."""
    of_day = Shortage.objects.select_for_update(of=("self",)).filter(
        on_day__in=Shortage.objects.filter(pk=shortage_id).values("on_day")
    )
    found = next((one for one in of_day.order_by("pk") if one.pk == shortage_id), None)
    if found is None:
        raise NotFound(_("没有这次缺电。"))
    return found


def acknowledge_order(*, order_id: int, account_ids: tuple[int, ...], by_id: int, at: datetime) -> bool:
    """
    Put down that a customer confirmed an order in the portal; False when it was confirmed before.

    :raises NotFound: there is no such order of these accounts
    :raises OrderCalledBack: it stands no longer
    """
    with transaction.atomic():
        order = ShedOrder.objects.filter(pk=order_id, account_id__in=account_ids).first()
        if order is None:
            raise NotFound(_("没有这条通知。"))
        return _received(order, OrderReceipt.How.PORTAL, by_id, at, "")


def note_telephone_receipt(*, order_id: int, who: str, by_id: int, at: datetime) -> bool:
    """
    Put down that a customer was told by telephone, and who answered; False when they had confirmed before.

    :raises NotFound: there is no such order
    :raises BadInput: nobody answered
    :raises OrderCalledBack: it stands no longer
    """
    if not who.strip():
        raise BadInput(_("请写明接电话的人，例如「王厂长」。"))
    with transaction.atomic():
        order = ShedOrder.objects.filter(pk=order_id).first()
        if order is None:
            raise NotFound(_("没有这条指令。"))
        return _received(order, OrderReceipt.How.TELEPHONE, by_id, at, who.strip())


def _received(order: ShedOrder, how: str, by_id: int, at: datetime, note: str) -> bool:
    if order.called_back_at is not None:
        raise OrderCalledBack(_("这条指令已经收回，客户不用压减，也不用确认。"))
    _row, is_new = OrderReceipt.objects.get_or_create(
        order=order, defaults={"how": how, "by_id": by_id, "at": at, "note": note}
    )
    return is_new
