"""All that is agreed about an account's debts, for the page where it is agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cis.queries.agreements import AgreementRow, list_agreements
from cis.queries.bad_debts import WriteOffRow, list_write_offs
from cis.queries.budget_plans import PlanRow, list_plans, offered_amount
from cis.queries.credit import CreditPage, credit_page
from cis.queries.deposits import DepositRow, held_fen, list_deposits
from cis.queries.dues import Dues, account_id_of, get_dues
from cis.queries.protections import waiting_about


@dataclass(frozen=True, slots=True)
class DebtPage:
    """What the account owes, what was agreed, written off and held; requests that wait, by their subject's word."""

    dues: Dues
    agreements: tuple[AgreementRow, ...]
    write_offs: tuple[WriteOffRow, ...]
    deposits: tuple[DepositRow, ...]
    held_fen: int
    credit: CreditPage
    plans: tuple[PlanRow, ...]
    offered_fen: int | None
    """the equal monthly amount that could be agreed; None where there are not twelve bills"""
    write_off_waits: int | None
    return_waits: int | None

    @property
    def kept(self) -> AgreementRow | None:
        """The agreement that is being kept."""
        return next((row for row in self.agreements if row.state == "kept"), None)


def debt_page(account_no: str, *, on: date) -> DebtPage:
    """
    The page as of a day.

    :raises NotFound: there is no such account
    """
    account_id = account_id_of(account_no)
    waiting = waiting_about([f"write-off:{account_id}", f"deposit:{account_id}"])
    return DebtPage(
        dues=get_dues(account_id=account_id, on=on),
        agreements=list_agreements(account_id, on=on),
        write_offs=list_write_offs(account_id),
        deposits=list_deposits(account_id),
        held_fen=held_fen(account_id),
        plans=list_plans(account_id, on=on),
        offered_fen=offered_amount(account_id, on=on),
        credit=credit_page(account_id, on=on),
        write_off_waits=waiting.get(f"write-off:{account_id}"),
        return_waits=waiting.get(f"deposit:{account_id}"),
    )
