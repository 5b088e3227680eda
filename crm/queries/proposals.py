"""Contacts that rules propose: the work list of a part of the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.permissions import in_scope
from crm.models import ProposedContact
from crm.queries.key_accounts import name_of

ORDERS = {"more": Order((SortKey("weight_fen", int), SortKey("proposal_id", int, "id")))}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed contact: a bill, what it is held against, how much more it is; and what became of it."""

    proposal_id: int
    account_id: int
    account_no: str
    masked_name: str
    reason: str
    cycle: int
    total_fen: int
    base_fen: int
    against_year: bool
    weight_fen: int
    proposed_at: datetime
    state: str
    state_word: str
    note: str
    decided_by: str
    decided_at: datetime | None


def page_of_proposals(ask: Ask, *, within: Sequence[str]) -> Page[Proposal]:
    """One page of what waits, the largest rise first; two statements."""
    found = ask.of(_rows().filter(in_scope("org_unit", within), state=ProposedContact.State.PROPOSED))
    return ask.page(found, _shown)


def count_waiting(*, within: Sequence[str]) -> int:
    """How many wait."""
    return ProposedContact.objects.filter(in_scope("org_unit", within), state=ProposedContact.State.PROPOSED).count()


def get_proposal(proposal_id: int, *, within: Sequence[str]) -> Proposal:
    """
    One proposal.

    :raises NotFound: there is none, or it belongs to others
    """
    found = _shown(list(_rows().filter(in_scope("org_unit", within), pk=proposal_id)))
    if not found:
        raise NotFound(_("没有找到这条建议。"))
    return found[0]


def _rows() -> QuerySet[ProposedContact]:
    return ProposedContact.objects.select_related("decided_by")


def _shown(rows: Sequence[ProposedContact]) -> list[Proposal]:
    names = dues.names_of([row.account_id for row in rows])
    return [
        Proposal(
            proposal_id=row.pk,
            account_id=row.account_id,
            account_no=names[row.account_id][0],
            masked_name=names[row.account_id][1],
            reason=_(ProposedContact.Reason(row.reason).label),
            cycle=row.evidence["cycle"],
            total_fen=row.evidence["total_fen"],
            base_fen=row.evidence["base_fen"],
            against_year=row.evidence["against"] == "year-ago",
            weight_fen=row.weight_fen,
            proposed_at=row.proposed_at,
            state=row.state,
            state_word=_(ProposedContact.State(row.state).label),
            note=row.note,
            decided_by=name_of(row.decided_by),
            decided_at=row.decided_at,
        )
        for row in rows
    ]
