"""What stands frozen for a bank's batch debit, and whoever would be paid the same at the same time: never both."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from config.shared.errors import Refused
from payments.models import DebitBatch, DebitRow


class BatchRunning(Refused):
    """A batch debit runs: what would be collected now might be debited twice."""

    code = "batch-running"


def make_way(*, account_id: int, money_is_here: bool = False) -> None:
    """
    A payment of the account comes; its balances are locked.

    What is frozen and not sent to the bank leaves its batch. What the bank has is not collected by anybody else, unless
    the money is here already: then it is booked, and what the bank debits becomes prepayment.

    :raises BatchRunning: the bank has the account's debt in its file and has not answered
    """
    with connection.cursor() as cursor:
        # Plainly: every payment asks. The batch is shared against the sending of its file, which takes it alone.
        cursor.execute(
            "SELECT r.id, b.state FROM payments_debit_row r JOIN payments_debit_batch b ON b.id = r.batch_id "
            "WHERE r.account_id = %s AND r.state = 'open' FOR SHARE OF b",
            [account_id],
        )
        found = cursor.fetchone()
    if found is None or found[1] == DebitBatch.State.CANCELLED:
        return
    if found[1] == DebitBatch.State.FROZEN:
        DebitRow.objects.filter(pk=found[0], state=DebitRow.State.OPEN).update(state=DebitRow.State.EXCLUDED)
    elif not money_is_here:
        raise BatchRunning(_("银行正在代扣这个户号的电费，现在不能再收，请等银行回盘以后再试。"))


def check_not_sent(account_id: int) -> None:
    """
    Whether the account's debt may be told to somebody who would collect it.

    :raises BatchRunning: as for `make_way`
    """
    if (
        DebitRow.objects.filter(account_id=account_id, state=DebitRow.State.OPEN)
        .exclude(batch__state=DebitBatch.State.FROZEN)
        .exists()
    ):
        raise BatchRunning(_("银行正在代扣这个户号的电费，现在不能再收，请等银行回盘以后再试。"))
