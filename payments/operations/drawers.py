"""
The counter's drawer: opened with a float, counted blind, closed with every difference explained.

A hall works with drawers from the moment its first one was opened there; until then its cash goes as before. Whoever
books a cash act locks the account's money first and the drawer after it, so that a count holds all of an act or
nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from config.shared import approvals
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.languages import in_language
from config.shared.money import MAX_FEN
from payments.models import DrawerEntry, DrawerShift

CLOSE = "payments.close_drawer"
DENOMINATIONS: tuple[int, ...] = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 5, 2, 1)
"""Fen of the notes and coins that are counted."""
_MOST_PIECES = 100_000


class DrawerNotOpen(Refused):
    """The hall works with drawers, and this clerk has none that takes cash."""

    code = "drawer-not-open"


class DrawerOpenAlready(Refused):
    """The clerk has a drawer that is not closed."""

    code = "drawer-open-already"


class DrawerCounted(Refused):
    """The drawer was counted; a count stands."""

    code = "drawer-counted"


class NotCounted(Refused):
    """A drawer is counted before it is closed."""

    code = "drawer-not-counted"


class NotExplained(BadInput):
    """Cash is short or over, and nobody said why."""

    code = "drawer-not-explained"


class CountUnusable(BadInput):
    """Notes and coins that there are not, or an amount that is none."""

    code = "count-unusable"


class NoHall(Refused):
    """Whoever opens a drawer belongs to no hall."""

    code = "no-hall"


def open_drawer(*, user_id: int, org_unit_id: int | None, float_fen: int, at: datetime) -> int:
    """
    Open a drawer with the change that lies in it; the shift's id.

    :raises NoHall: the clerk belongs to no hall
    :raises CountUnusable: the float is negative or too large
    :raises DrawerOpenAlready: the clerk's last drawer is not closed
    """
    if org_unit_id is None:
        raise NoHall(_("您没有所属的营业厅，不能开钱箱。请联系管理员。"))
    if not 0 <= float_fen <= MAX_FEN:
        raise CountUnusable(_("备用金不能为负，也不能超过 %(yuan)s 元。") % {"yuan": format_money(MAX_FEN)})
    try:
        with transaction.atomic():
            shift = DrawerShift.objects.create(
                user_id=user_id, org_unit_id=org_unit_id, float_fen=float_fen, opened_at=at
            )
    except IntegrityError as error:
        if "one_open_drawer" not in str(error):
            raise
        raise DrawerOpenAlready(_("您的钱箱已经开着，请先清点交班再开新的。")) from error
    return shift.pk


def note_cash(
    kind: DrawerEntry.Kind,
    *,
    document_id: int,
    amount_fen: int,
    user_id: int | None,
    org_unit_id: int | None,
    at: datetime,
) -> None:
    """
    Put a cash act into the open drawer of whoever handles the cash, in the act's transaction; money out is negative.

    :raises DrawerNotOpen: the hall works with drawers and theirs is not open there, or is counted already
    """
    open_ones = DrawerShift.objects.select_for_update().filter(closed_at=None)
    shift = None if user_id is None else open_ones.filter(user_id=user_id).first()
    if shift is None or shift.counted_at is not None or shift.org_unit_id != org_unit_id:
        if shift is None and not DrawerShift.objects.filter(org_unit_id=org_unit_id).exists():
            return
        raise DrawerNotOpen(_("经手现金的人还没有开钱箱，或钱箱已经清点。请先到“钱箱”页交班并开新的钱箱，再办现金。"))
    DrawerEntry.objects.create(shift=shift, kind=kind, document_id=document_id, amount_fen=amount_fen, booked_at=at)


def count_drawer(*, shift_id: int, user_id: int, pieces: Mapping[int, int], at: datetime) -> int:
    """
    Count one's drawer: fen of each note or coin to how many; the difference in fen, counted less expected.

    The count stands from then on and the drawer takes no more cash. Without a difference it is closed at once.

    :raises NotFound: the user has no such drawer
    :raises DrawerCounted: it was counted
    :raises CountUnusable: no such notes, or an impossible number of them
    """
    if any(fen not in DENOMINATIONS or not 0 <= number <= _MOST_PIECES for fen, number in pieces.items()):
        raise CountUnusable(_("请填每种面额的张数，0 到 %(most)s。") % {"most": _MOST_PIECES})
    with transaction.atomic():
        shift = _lock(shift_id, user_id=user_id)
        if shift.counted_at is not None:
            raise DrawerCounted(_("这个钱箱已经清点过，清点结果不能再改。"))
        moved: int = shift.entries.aggregate(fen=Sum("amount_fen"))["fen"] or 0
        shift.counted_at = at
        shift.denominations = {str(fen): number for fen, number in sorted(pieces.items(), reverse=True) if number}
        shift.counted_fen = sum(fen * number for fen, number in pieces.items())
        shift.expected_fen = shift.float_fen + moved
        shift.difference_fen = shift.counted_fen - shift.expected_fen
        if shift.difference_fen == 0:
            shift.closed_at = at
        shift.save()
        return shift.difference_fen


def close_drawer(*, shift_id: int, user_id: int, explanation: str, at: datetime) -> int | None:
    """
    Close one's counted drawer with the difference explained; None, or the approval's id of a large difference.

    A difference above `settings.DRAWER_DIFFERENCE_FEN` closes the drawer when a second person has confirmed it.

    :raises NotFound: the user has no such drawer
    :raises NotCounted, DrawerCounted: it is not counted yet, or closed
    :raises NotExplained: nobody said why
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    with transaction.atomic():
        shift = _lock(shift_id, user_id=user_id)
        difference = _open_difference(shift)
        if not explanation.strip():
            raise NotExplained(_("有长短款，不写明原因不能交班。"))
        if abs(difference) <= settings.DRAWER_DIFFERENCE_FEN:
            _close(shift, explanation=explanation, confirmed_by_id=None, at=at)
            return None
        return approvals.request(
            kind=CLOSE,
            payload={
                "shift_id": shift.pk,
                "difference_fen": difference,
                "unit": shift.org_unit.name,
                "unit_en": shift.org_unit.name_en,
            },
            asked_by_id=user_id,
            reason=explanation,
            at=at,
            org_unit_id=shift.org_unit_id,
            subject=f"drawer:{shift.pk}",
            concerned_ids=[shift.user_id],
        )


def _words(payload: Mapping[str, Any]) -> str:
    words = {
        "unit": in_language(payload["unit"], payload["unit_en"]),
        "yuan": format_money(abs(payload["difference_fen"])),
    }
    if payload["difference_fen"] < 0:
        return _("%(unit)s的一个钱箱短款 %(yuan)s 元，按说明的原因交班，短款挂账。") % words
    return _("%(unit)s的一个钱箱长款 %(yuan)s 元，按说明的原因交班，长款挂账。") % words


@approvals.carries_out(
    CLOSE,
    label=gettext_lazy("钱箱长短款交班"),
    ask="payments.take_payment",
    decide="payments.approve_drawer",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    shift = _lock(int(act.payload["shift_id"]), user_id=act.asked_by_id)
    _open_difference(shift)
    _close(shift, explanation=act.reason, confirmed_by_id=act.decided_by_id, at=act.at)
    return {"url": reverse("payments:drawer_report", args=[shift.pk])}


def _lock(shift_id: int, *, user_id: int) -> DrawerShift:
    shift = (
        DrawerShift.objects.select_for_update(of=("self",))
        .select_related("org_unit")
        .filter(pk=shift_id, user_id=user_id)
        .first()
    )
    if shift is None:
        raise NotFound(_("没有找到您的这个钱箱。"))
    return shift


def _open_difference(shift: DrawerShift) -> int:
    if shift.closed_at is not None:
        raise DrawerCounted(_("这个钱箱已经交班。"))
    if shift.difference_fen is None:
        raise NotCounted(_("请先清点钱箱，再交班。"))
    return shift.difference_fen


def _close(shift: DrawerShift, *, explanation: str, confirmed_by_id: int | None, at: datetime) -> None:
    """Close the locked drawer and put its difference aside in the ledger."""
    shift.explanation, shift.confirmed_by_id, shift.closed_at = explanation.strip()[:500], confirmed_by_id, at
    shift.save(update_fields=["explanation", "confirmed_by", "closed_at"])
    difference = shift.difference_fen or 0
    is_short = difference < 0
    ledger.post(
        [
            ledger.Posting(
                kind=ledger.TransferKind.DRAWER_DIFFERENCE,
                document_id=shift.pk,
                leg=1,
                account_id=0,
                debit_id=ledger.control_id("CASH_SHORT" if is_short else "CASH"),
                credit_id=ledger.control_id("CASH" if is_short else "CASH_OVER"),
                amount_fen=abs(difference),
            )
        ],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=confirmed_by_id or shift.user_id,
    )
