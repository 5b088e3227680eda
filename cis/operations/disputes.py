"""A customer disagrees with a bill: note it, look into it, close it with what came out."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import Bill, BillDispute
from cis.operations import collecting
from cis.queries.billing import bill_id_of
from config.shared.errors import BadInput, NotFound, Refused


class DisputeIsOpen(Refused):
    """The bill is being looked into already."""

    code = "dispute-is-open"


class NoOpenDispute(Refused):
    """Nothing about the bill is open."""

    code = "no-open-dispute"


def open_dispute(*, bill_no: str, reason: str, opened_by_id: int | None, at: datetime) -> int:
    """
    Note that a customer disagrees with a bill; it is not chased until the dispute is closed. Gives the dispute's id.

    :raises BadInput: no reason was given
    :raises DisputeIsOpen: one is open already
    :raises NotFound: there is no such bill
    """
    if not reason.strip():
        text = _("请写明客户不认可的地方，例如「本月电量比往月多一倍」。")
        raise BadInput(text, errors=[{"pointer": "/reason", "detail": text}])
    with transaction.atomic():
        bill = _lock(bill_no)
        if BillDispute.objects.filter(bill=bill, closed_at=None).exists():
            raise DisputeIsOpen(_("这张账单已经登记了异议，正在核实；有新的情况请补充到原来的异议里。"))
        dispute = BillDispute.objects.create(
            bill=bill, account_id=bill.account_id, reason=reason.strip(), opened_by_id=opened_by_id, opened_at=at
        )
        collecting.stop(
            account_id=bill.account_id,
            why=_("客户对账单 %(no)s 有异议") % {"no": bill_no.strip()},
            source_key=f"dispute:{dispute.pk}",
            by_id=opened_by_id,
            at=at,
        )
        return dispute.pk


def close_dispute(*, bill_no: str, outcome: str, closed_by_id: int | None, at: datetime) -> None:
    """
    End the open dispute of a bill with what was found.

    :raises BadInput: no outcome was given
    :raises NoOpenDispute: none is open
    :raises NotFound: there is no such bill
    """
    if not outcome.strip():
        text = _("请写明核实的结果和已经告诉客户的话。")
        raise BadInput(text, errors=[{"pointer": "/outcome", "detail": text}])
    with transaction.atomic():
        bill = _lock(bill_no)
        dispute = BillDispute.objects.filter(bill=bill, closed_at=None).first()
        if dispute is None:
            raise NoOpenDispute(_("这张账单没有办理中的异议，无需办结。"))
        dispute.outcome, dispute.closed_by_id, dispute.closed_at = outcome.strip(), closed_by_id, at
        dispute.save(update_fields=["outcome", "closed_by", "closed_at"])
        collecting.lift(
            account_id=bill.account_id,
            why=_("账单 %(no)s 的异议已办结") % {"no": bill_no.strip()},
            source_key=f"dispute:{dispute.pk}",
            by_id=closed_by_id,
            at=at,
        )


def _lock(bill_no: str) -> Bill:
    bill = Bill.objects.select_for_update().filter(pk=bill_id_of(bill_no)).first()
    if bill is None or str(bill) != bill_no.strip():
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return bill
