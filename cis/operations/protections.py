"""What keeps an account from being cut off, set by one person and ended by two; times in which nobody is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2.extras import DateTimeTZRange

from cis.models import Account, Protection, QuietTime
from cis.operations import collecting
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused

END_PROTECTION = "cis.end-protection"


class IsProtected(Refused):
    """The account has this protection already."""

    code = "is-protected"


def protect(
    *,
    account_id: int,
    kind: str,
    basis: str,
    from_on: date,
    until_on: date | None,
    by_id: int,
    at: datetime,
) -> int:
    """
    Protect an account from being cut off (or mark it as important); its id. A case under way is stopped.

    :raises BadInput: the kind is unknown, the basis is missing, or it ends before it begins
    :raises IsProtected: it has this protection
    """
    if kind not in Protection.Kind.values or not basis.strip() or (until_on is not None and until_on < from_on):
        text = _("请选择保护种类，写明依据，并检查起止日期。")
        raise BadInput(text, errors=[{"pointer": "/basis", "detail": text}])
    try:
        with transaction.atomic():
            row = Protection.objects.create(
                account_id=account_id,
                kind=kind,
                basis=basis.strip()[:200],
                from_on=from_on,
                until_on=until_on,
                set_by_id=by_id,
                set_at=at,
            )
            # An important customer may be cut off, but what was done before the authority knew does not count.
            collecting.stop(
                account_id=account_id,
                why=_("登记%(kind)s") % {"kind": _(Protection.Kind(kind).label)},
                source_key=f"protection:{row.pk}",
                by_id=by_id,
                at=at,
            )
    except IntegrityError as error:
        if "one_protection_of_a_kind" not in str(error):
            raise
        raise IsProtected(_("这个户已经登记了同样的保护，不用再登。")) from error
    return row.pk


def ask_end_protection(*, account_id: int, protection_id: int, reason: str, asked_by_id: int, at: datetime) -> int:
    """
    Ask the head of the unit that a protection of an account ends; the approval's id. Both stay on record.

    :raises NotFound: the account has no such one, or it has ended
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        row = _locked(protection_id)
        if row.account_id != account_id:
            raise NotFound(_("没有这项保护，或已经解除。"))
        account = Account.objects.get(pk=row.account_id)
        return approvals.request(
            kind=END_PROTECTION,
            payload={"protection_id": row.pk, "account_no": account.account_no, "kind": row.kind},
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=account.org_unit_id,
            subject=f"protection:{row.pk}",
        )


def _words(payload: Mapping[str, Any]) -> str:
    return _("解除户号 %(no)s 的停电保护：%(kind)s。解除后这个户可以按程序停电。") % {
        "no": payload["account_no"],
        "kind": _(Protection.Kind(payload["kind"]).label),
    }


@approvals.carries_out(
    END_PROTECTION,
    label=gettext_lazy("解除停电保护"),
    ask="cis.collect_arrears",
    decide="cis.approve_disconnection",
    consequence=_words,
)
def _end(act: approvals.Act) -> None:
    row = _locked(int(act.payload["protection_id"]))
    row.ended_at, row.ended_by_id, row.end_reason, row.approval_id = (
        act.at,
        act.decided_by_id,
        act.reason[:200],
        act.approval_id,
    )
    row.save(update_fields=["ended_at", "ended_by", "end_reason", "approval"])
    collecting.lift(
        account_id=row.account_id,
        why=_("解除%(kind)s：%(why)s") % {"kind": _(Protection.Kind(row.kind).label), "why": act.reason},
        source_key=f"protection:{row.pk}",
        by_id=act.decided_by_id,
        at=act.at,
    )


def set_quiet_time(
    *, org_unit_id: int, kind: str, from_at: datetime, until_at: datetime, reason: str, by_id: int, at: datetime
) -> int:
    """
    A time in which nobody under a unit is cut off, such as extreme weather; its id.

    :raises BadInput: the kind is unknown, the reason is missing, or it ends before it begins
    """
    if kind not in QuietTime.Kind.values or not reason.strip() or until_at <= from_at:
        text = _("请选择种类，写明原因，并检查起止时间。")
        raise BadInput(text, errors=[{"pointer": "/reason", "detail": text}])
    row = QuietTime.objects.create(
        org_unit_id=org_unit_id,
        kind=kind,
        lasts=DateTimeTZRange(from_at, until_at),
        reason=reason.strip()[:200],
        set_by_id=by_id,
        set_at=at,
    )
    return row.pk


def _locked(protection_id: int) -> Protection:
    row = Protection.objects.select_for_update().filter(pk=protection_id, ended_at=None).first()
    if row is None:
        raise NotFound(_("没有这项保护，或已经解除。"))
    return row
