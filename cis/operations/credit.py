"""Credit grades: proposed from how accounts pay, changed by a person who has read why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.collecting.credit import GRADES, grade_of
from cis.models import CreditDecision, CreditGrade
from cis.queries.credit import accounts_to_grade, credit_rule, facts_of_accounts
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.permissions import is_within

_AT_ONCE = 5_000

_UPSERT = """
INSERT INTO cis_credit_grade (account_id, org_unit_id, grade, proposed, reasons, computed_on)
SELECT p.account_id, a.org_unit_id, '', p.grade, p.reasons::jsonb, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS p(account_id, grade, reasons)
JOIN cis_account a ON a.id = p.account_id ORDER BY 1
ON CONFLICT (account_id) DO UPDATE
SET proposed = excluded.proposed, reasons = excluded.reasons, computed_on = excluded.computed_on
"""


class ProposalChanged(Refused):
    """The proposal is another one than the page showed."""

    code = "proposal-changed"


class NoteMissing(BadInput):
    """A decision says why."""

    code = "note-missing"


def propose(*, at: datetime) -> int:
    """
    Look at everybody whose paying gives a reason to, and note what grade it proposes; how many were looked at.

    Three statements for some thousands. No grade is changed. Repeated, it writes the same.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    limits, ids = credit_rule(on=today).limits, accounts_to_grade(today=today)
    for start in range(0, len(ids), _AT_ONCE):
        facts = facts_of_accounts(ids[start : start + _AT_ONCE], today=today)
        found = {account_id: grade_of(one, limits) for account_id, one in facts.items()}
        reasons = [json.dumps([[r.fact, r.value, r.limit] for r in one.reasons]) for one in found.values()]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_UPSERT, [today, list(found), [one.grade for one in found.values()], reasons])
    return len(ids)


def decide(
    *,
    account_id: int,
    grade: str,
    proposed: str,
    note: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    Decide on an account's grade, as proposed or otherwise; `proposed` is what the decider was shown.

    :raises NotFound: nothing was ever proposed for it within the organisation paths
    :raises NoteMissing: no grade was chosen, or no reason given
    :raises ProposalChanged: something else is proposed by now
    """
    if grade not in GRADES or not note.strip():
        text = _("请选择等级，并写明理由；客户问起时要能说清楚。")
        raise NoteMissing(text, errors=[{"pointer": "/note", "detail": text}])
    with transaction.atomic():
        row = CreditGrade.objects.select_for_update(of=("self",)).select_related("org_unit")
        found = row.filter(account_id=account_id).first()
        if found is None or (within is not None and not is_within(found.org_unit.path, within)):
            raise NotFound(_("这个户号没有信用评价，按时交费的户不用评。"))
        if found.proposed != proposed:
            raise ProposalChanged(
                _("评价刚刚变了，现在建议 %(grade)s 级，请看过理由再决定。") % {"grade": found.proposed}
            )
        CreditDecision.objects.create(
            account_id=account_id,
            before=found.grade or GRADES[0],
            grade=grade,
            proposed=found.proposed,
            reasons=found.reasons,
            note=note.strip()[:300],
            by_id=by_id,
            at=at,
        )
        found.grade = grade
        found.save(update_fields=["grade"])
