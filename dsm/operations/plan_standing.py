"""Whether plans still hold: made of one state of the list, of the list in force, of customers as they are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cis.queries.dues import names_of
from config.shared.errors import Refused
from dsm.models import PlanCut, ShedList, Shortage, ShortagePlan
from dsm.queries.listed_facts import facts_on
from dsm.queries.shed_problem import standing_on

_COMPARED = ("account_id", "security_kw", "process_pct", "tier", "capacity_kva")


class PlansAreStale(Refused):
    """The plans were made of another list, or of customers who have changed since."""

    code = "plans-are-stale"


class AlreadyCut(Refused):
    """Customers of the plan are cut on that day by the orders of another shortage."""

    code = "already-cut"


def refuse_stale(shortage: Shortage, plans: Sequence[ShortagePlan]) -> None:
    """
    Let these plans of a shortage go on, or say why they must be computed again; locks the list they rest on.

    A fixed number of statements, whatever the number of customers.

    :raises PlansAreStale: the list was replaced, the plans rest on different data, or one of their customers changed
    :raises AlreadyCut: one of their customers has a standing order of that day
    """
    listed = ShedList.objects.select_for_update().get(pk=shortage.shed_list_id)
    if listed.state != ShedList.State.APPROVED:
        raise PlansAreStale(_("编方案用的名单已经被新名单替换。请撤销这次缺电，再登记一次，方案会按新名单重新计算。"))
    if len({plan.digest for plan in plans}) > 1:
        raise PlansAreStale(
            _("计算期间名单或客户的数据变了，几个方案不能放在一起比。请撤销这次缺电，再登记一次，方案会重新计算。")
        )
    cuts = PlanCut.objects.filter(plan_id__in=[plan.pk for plan in plans])
    rows = np.array(list(cuts.values_list(*_COMPARED).distinct()), np.int64).reshape(-1, len(_COMPARED))
    ids = np.unique(rows[:, 0]).tolist()
    _refuse_cut_twice(shortage, ids)
    changed = _changed(shortage, rows, ids)
    if changed:
        number = names_of(changed[:1])[changed[0]][0]
        raise PlansAreStale(
            ngettext(
                "方案算好以后，有 %(count)s 户的名单或合同变了（如 %(no)s）。"
                "请撤销这次缺电，再登记一次，方案会重新计算。",
                "方案算好以后，有 %(count)s 户的名单或合同变了（如 %(no)s）。"
                "请撤销这次缺电，再登记一次，方案会重新计算。",
                len(changed),
            )
            % {"count": len(changed), "no": number}
        )


def _refuse_cut_twice(shortage: Shortage, account_ids: list[int]) -> None:
    standing = standing_on(shortage.on_day, account_ids).exclude(shortage_id=shortage.pk)
    others = Counter(standing.values_list("shortage__cause", flat=True))
    if others:
        which = "、".join(f"「{cause}」" for cause in others)
        raise AlreadyCut(
            ngettext(
                "有 %(count)s 户当天已经按%(which)s的指令压减，一天不能停两次。请先收回那次的指令；"
                "或撤销这次缺电，再登记一次，新方案会跳过这些户。",
                "有 %(count)s 户当天已经按%(which)s的指令压减，一天不能停两次。请先收回那次的指令；"
                "或撤销这次缺电，再登记一次，新方案会跳过这些户。",
                others.total(),
            )
            % {"count": others.total(), "which": which}
        )


def _changed(shortage: Shortage, rows: np.ndarray[tuple[int, int], np.dtype[np.int64]], ids: list[int]) -> list[int]:
    """The accounts, rising, whose cuts rest on something that is no longer so."""
    facts = facts_on(list_id=shortage.shed_list_id, day=shortage.on_day, account_ids=ids)
    now = np.column_stack([facts.account, facts.security_kw, facts.process_pct, facts.tier, facts.capacity_kva])
    known = {tuple(row) for row in now[~facts.is_residential].tolist()}
    return sorted({row[0] for row in rows.tolist() if tuple(row) not in known})
