"""Contacts that a rule proposes: found set-wise, decided by a person, told by message."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.operations import notices
from cis.queries import bill_changes, dues
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from crm.bill_shock import YEAR_AGO, find_shocks
from crm.messages import BILL_SHOCK
from crm.models import ProposedContact


class ReasonMissing(BadInput):
    """Nobody is left alone without a reason."""

    code = "reason-missing"


class AlreadyDecided(Refused):
    """Somebody decided on it."""

    code = "already-decided"


class NoWayToCustomer(Refused):
    """No channel leads to the customer."""

    code = "no-way-to-customer"


_PROPOSE = """
INSERT INTO crm_proposed_contact (reason, source_key, account_id, org_unit_id, evidence, weight_fen, happened_at,
                                  proposed_at, state, note)
SELECT %(reason)s, k.source_key, k.account_id, k.org_unit_id, k.evidence::jsonb, k.weight_fen, %(at)s, %(at)s,
       'proposed', ''
FROM unnest(%(keys)s::text[], %(accounts)s::bigint[], %(units)s::bigint[], %(evidence)s::text[], %(weights)s::bigint[])
     AS k(source_key, account_id, org_unit_id, evidence, weight_fen)
ON CONFLICT (reason, source_key) DO NOTHING
"""


def propose_for_bill_shock(*, run_id: int, shard: int, at: datetime) -> int:
    """
    Propose a contact for every bill of a shard that comes as a shock; gives how many are new.

    Set-wise: a few statements, however many bills; a bill is proposed once for ever. Bills issued long ago, such as
    those carried over from elsewhere, are no news.

    :raises NotFound: there is no such run
    """
    beside = bill_changes.bills_beside_earlier(
        run_id=run_id, shard=shard, issued_since=at - timedelta(days=settings.CRM_BILL_SHOCK_FRESH_DAYS)
    )
    shocks = find_shocks(
        total_fen=beside.total_fen,
        months=beside.months,
        year_ago_fen=beside.year_ago_fen,
        year_ago_months=beside.year_ago_months,
        mean_fen=beside.mean_fen,
        mean_bills=beside.mean_bills,
        rise_permille=settings.CRM_BILL_SHOCK_RISE_PERMILLE,
        rise_fen=settings.CRM_BILL_SHOCK_RISE_FEN,
    )
    chosen = shocks.is_shock.nonzero()[0]
    if not len(chosen):
        return 0
    facts = zip(
        beside.cycle[chosen].tolist(),
        beside.total_fen[chosen].tolist(),
        shocks.base_fen[chosen].tolist(),
        shocks.against[chosen].tolist(),
        beside.energy_kwh_e2[chosen].tolist(),
        strict=True,
    )
    evidence = [
        json.dumps(
            {
                "cycle": cycle,
                "total_fen": total,
                "base_fen": base,
                "against": "year-ago" if against == YEAR_AGO else "mean",
                "used_kwh_e2": energy,
            }
        )
        for cycle, total, base, against, energy in facts
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _PROPOSE,
            {
                "reason": ProposedContact.Reason.BILL_SHOCK.value,
                "at": at,
                "keys": [f"bill:{bill}" for bill in beside.bill[chosen].tolist()],
                "accounts": beside.account[chosen].tolist(),
                "units": beside.org_unit[chosen].tolist(),
                "evidence": evidence,
                "weights": (beside.total_fen - shocks.base_fen)[chosen].tolist(),
            },
        )
        return int(cursor.rowcount)


def accept(*, proposal_id: int, by_id: int, at: datetime) -> None:
    """
    Tell the customer; the message goes by the way that leads to them.

    :raises NotFound: there is no such proposal
    :raises AlreadyDecided: somebody decided before
    :raises NoWayToCustomer: neither portal nor telephone, or the news is too old to be one
    """
    with transaction.atomic():
        proposal = _waiting(proposal_id)
        facts = proposal.evidence
        number = dues.names_of([proposal.account_id])[proposal.account_id][0]
        message_id = notices.tell_customer(
            account_id=proposal.account_id,
            template=BILL_SHOCK.code,
            parameters={
                "tail": number[-4:],
                "month": f"{str(facts['cycle'])[:4]}-{str(facts['cycle'])[4:]}",
                "yuan": yuan_from_fen(facts["total_fen"]),
                "more": yuan_from_fen(facts["total_fen"] - facts["base_fen"]),
            },
            dedupe_key=f"bill-shock:{proposal.source_key}",
            happened_at=proposal.happened_at,
            at=at,
        )
        if message_id is None:
            raise NoWayToCustomer(_("没有联系得上的方式，请打电话，然后写明原因选「不发消息」。"))
        proposal.message_id = message_id
        _decide(proposal, ProposedContact.State.ACCEPTED, by_id=by_id, at=at, note="")


def dismiss(*, proposal_id: int, reason: str, by_id: int, at: datetime) -> None:
    """
    Leave the customer alone, for a reason.

    :raises NotFound: there is no such proposal
    :raises AlreadyDecided: somebody decided before
    :raises ReasonMissing: no reason
    """
    if not reason.strip():
        detail = _("请写明为什么不联系。")
        raise ReasonMissing(detail, errors=[{"pointer": "/reason", "detail": detail}])
    with transaction.atomic():
        _decide(_waiting(proposal_id), ProposedContact.State.DISMISSED, by_id=by_id, at=at, note=reason.strip())


def _waiting(proposal_id: int) -> ProposedContact:
    proposal = ProposedContact.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound(_("没有找到这条建议。"))
    if proposal.state != ProposedContact.State.PROPOSED:
        raise AlreadyDecided(_("这条建议已经有人处理过了。"))
    return proposal


def _decide(proposal: ProposedContact, state: str, *, by_id: int, at: datetime, note: str) -> None:
    proposal.state, proposal.decided_by_id, proposal.decided_at, proposal.note = state, by_id, at, note[:500]
    proposal.save(update_fields=["state", "decided_by", "decided_at", "note", "message_id"])
