"""Whom a question of a customer is told to: those who answer for its time, and the customer when it is answered."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import override

from cis.messages import DISPUTE_ANSWERED, DISPUTE_LATE, DISPUTE_SOON
from cis.models import BillDispute
from cis.operations.notices import tell_customer
from config.shared.messaging import Recipient, send
from config.shared.models import RoleGrant, User
from config.shared.permissions import is_within

OVERSEES = "cis.see_statistics"


def tell_overseers(*, dispute_id: int, stage: str, at: datetime) -> int:
    """Put a warning or a breach into the inbox of those who answer for the account's unit; once each; how many."""
    dispute = BillDispute.objects.select_related("account__org_unit").get(pk=dispute_id)
    if dispute.closed_at is not None or dispute.due_at is None:
        return 0
    path = dispute.account.org_unit.path
    grants = RoleGrant.objects.filter(role__permissions__contains=[OVERSEES], user__is_active=True)
    users = {user_id for user_id, root in grants.values_list("user_id", "org_unit__path") if is_within(path, [root])}
    template = DISPUTE_LATE if stage == "breach" else DISPUTE_SOON
    with transaction.atomic():
        for user in User.objects.filter(pk__in=users).order_by("pk"):
            language = "en" if user.language == "en" else "zh-hans"
            with override(language):
                kind = str(dispute.get_kind_display())
            send(
                template=template.code,
                to=Recipient(user_id=user.pk, language=language),
                parameters={
                    "no": dispute.account.account_no,
                    "kind": kind,
                    "days": str(dispute.limit_days),
                    "asked": dispute.opened_at.date().isoformat(),
                },
                dedupe_key=f"dispute-{stage}:{dispute.pk}:{user.pk}",
                at=at,
            )
    return len(users)


def tell_answer(*, dispute_id: int, at: datetime) -> int | None:
    """Tell the customer that there is an answer, once; the message's id, None where no way leads to them."""
    dispute = BillDispute.objects.select_related("account").get(pk=dispute_id)
    if dispute.closed_at is None:
        return None
    return tell_customer(
        account_id=dispute.account_id,
        template=DISPUTE_ANSWERED.code,
        parameters={"tail": dispute.account.account_no[-4:], "asked": dispute.opened_at.date().isoformat()},
        dedupe_key=f"dispute-answered:{dispute.pk}",
        happened_at=dispute.closed_at,
        at=at,
    )
