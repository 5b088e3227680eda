"""Telling customers what they asked to be told: of the bill that runs, and of prices before they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.messages import (
    BUDGET_ALERT,
    DEMAND_ALERT,
    ENERGY_ALERT,
    PRICE_ALERT,
    PRICE_ALERT_FIRST,
    SHOCK_ALERT,
    TIER_ALERT,
)
from cis.models import BillAlert
from cis.queries.bill_alerts import Watcher, watched_accounts, watchers_of
from cis.queries.portal import Right, my_account
from cis.queries.price_changes import PriceChange, changes_ahead, wanted_by
from cis.queries.running_bills import RunningBill, running_bills
from config.shared import messaging
from config.shared.display_formats import THIN_SPACE, format_energy, format_price
from config.shared.errors import BadInput
from config.shared.messaging import BulkMessage, Template
from config.shared.money import yuan_from_fen

_LIMITED = (BillAlert.Kind.SHOCK, BillAlert.Kind.BUDGET_YUAN, BillAlert.Kind.BUDGET_KWH)
_BATCH = 500
_MOST = 10**12


class WrongLimit(BadInput):
    """A limit is missing, zero or beyond all sense."""

    code = "wrong-alert-limit"


@dataclass(frozen=True, slots=True)
class Wish:
    """One kind a person wants to be told of, with their own limit where the kind has one."""

    kind: str
    least: int | None = None


def choose_alerts(*, user_id: int, account_no: str, wishes: Iterable[Wish], at: datetime) -> None:
    """
    What a person wants to be told about an account of their own from now on; everything else is ended.

    What stays as it was is left alone, so that the moment of consent is kept; another limit is a new consent.

    :raises WrongLimit: a limit is missing or not above zero
    :raises NotFound: the account is not theirs
    :raises NotForThisRole: they do not see its bills
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    account = my_account(user_id=user_id, account_no=account_no, today=today)
    account.require(Right.BILLS)
    wanted = {wish.kind: wish.least for wish in wishes}
    for kind, least in wanted.items():
        is_right = kind in BillAlert.Kind.values and (kind in _LIMITED) == (least is not None)
        if not is_right or (least is not None and not 0 < least < _MOST):
            detail = _("请填写大于 0 的数额，或者不勾选这一项。")
            raise WrongLimit(detail, errors=[{"pointer": f"/{kind.replace('-', '_')}_least", "detail": detail}])
    with transaction.atomic():
        running = BillAlert.objects.select_for_update().filter(
            user_id=user_id, account_id=account.account_id, ended_at=None
        )
        known = {alert.kind: alert for alert in running}
        ended = [alert.pk for kind, alert in known.items() if kind not in wanted or wanted[kind] != alert.least]
        BillAlert.objects.filter(pk__in=ended).update(ended_at=at)
        BillAlert.objects.bulk_create(
            BillAlert(user_id=user_id, account_id=account.account_id, kind=kind, least=least, agreed_at=at)
            for kind, least in wanted.items()
            if kind not in known or known[kind].pk in ended
        )


def watch_running_bills(*, at: datetime) -> int:
    """
    Tell everybody whose running bill passes a limit of their own; gives how many messages are new.

    Set-wise, some hundred accounts a transaction with a fixed number of statements. One message for each person,
    account, kind and period, by whatever way: repeated, the same messages are found.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    new, after = 0, 0
    while ids := watched_accounts(after=after, limit=_BATCH):
        after = ids[-1]
        with transaction.atomic():
            watchers = watchers_of(ids, today=today)
            bills = {bill.account_id: bill for bill in running_bills(ids, today=today)}
            told: list[tuple[Template, Watcher, str, Mapping[str, str]]] = []
            for watcher in watchers:
                bill = bills.get(watcher.account_id)
                if bill is None or not _may_know(watcher, bill):
                    continue
                said = _said(watcher, bill)
                if said is not None:
                    template, parameters = said
                    key = f"{watcher.kind}:{watcher.account_id}:{bill.period_start}:{watcher.user_id}"
                    told.append((template, watcher, key, {"tail": bill.account_no[-4:], **parameters}))
            new += _tell(told, at)
    return new


def tell_of_prices(*, at: datetime) -> int:
    """
    Tell those who asked that the price of their tariff changes, before it does; gives how many messages are new.

    One message for each person, account and version: repeated, the same messages are found.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    new, after = 0, 0
    changes = changes_ahead(today=today)
    if not changes:
        return 0
    while ids := wanted_by(changes, after=after, limit=_BATCH):
        after = ids[-1].account_id
        with transaction.atomic():
            watchers = {
                account_id: list(found)
                for account_id, found in groupby(
                    watchers_of([one.account_id for one in ids], today=today, kind=BillAlert.Kind.PRICE),
                    key=lambda watcher: watcher.account_id,
                )
            }
            told: list[tuple[Template, Watcher, str, Mapping[str, str]]] = []
            for change in ids:
                template, parameters = _of(change)
                for watcher in watchers.get(change.account_id, []):
                    key = f"price:{change.version_id}:{change.account_id}:{watcher.user_id}"
                    told.append((template, watcher, key, parameters))
            new += _tell(told, at)
    return new


def _may_know(watcher: Watcher, bill: RunningBill) -> bool:
    """Whether the whole period is the person's own time; a tenant's begins with the tenancy."""
    return watcher.first_day is None or watcher.first_day <= bill.period_start


def _said(watcher: Watcher, bill: RunningBill) -> tuple[Template, dict[str, str]] | None:
    """What to say, if there is anything to say; a limit already passed is as good as one that will be."""
    if watcher.kind == BillAlert.Kind.DEMAND:
        return _of_demand(bill)
    if bill.middle_fen is None or bill.so_far_fen is None:
        return None
    until = {"last": str(bill.last_day)}
    yuan = {"yuan": yuan_from_fen(bill.middle_fen)}
    # Nothing is foretold from the first days of a period.
    is_early = bill.days_known < settings.ALERT_LEAST_DAYS
    match watcher.kind:
        case BillAlert.Kind.TIER if bill.crosses_on is not None:
            return TIER_ALERT, {"day": str(bill.crosses_on), "tier": str(bill.crosses_into)}
        case BillAlert.Kind.SHOCK if bill.usual_fen and not is_early:
            more = bill.middle_fen - bill.usual_fen
            if more >= settings.ALERT_LEAST_RISE_FEN and more * 100 >= bill.usual_fen * (watcher.least or 0):
                return SHOCK_ALERT, until | yuan | {"usual": yuan_from_fen(bill.usual_fen)}
        case BillAlert.Kind.BUDGET_YUAN if bill.middle_fen > (watcher.least or 0):
            if not is_early or bill.so_far_fen > (watcher.least or 0):
                return BUDGET_ALERT, until | yuan | {"budget": yuan_from_fen(watcher.least or 0)}
        case BillAlert.Kind.BUDGET_KWH if bill.middle_kwh_e2 > (watcher.least or 0):
            if not is_early or bill.so_far_kwh_e2 > (watcher.least or 0):
                kwh = {"kwh": _kwh(bill.middle_kwh_e2), "budget": _kwh(watcher.least or 0)}
                return ENERGY_ALERT, until | kwh
    return None


def _of_demand(bill: RunningBill) -> tuple[Template, dict[str, str]] | None:
    """The agreed demand is reached: what goes beyond the excess is charged double (发改办价格〔2016〕1583号)."""
    reached = bill.peak_w * 100 >= bill.contract_demand_kw * 1000 * settings.DEMAND_WARN_PERCENT
    if not bill.contract_demand_kw or not reached:
        return None
    return DEMAND_ALERT, {
        "peak": f"{bill.peak_w // 1000}.{bill.peak_w % 1000 // 100}",
        "contract": str(bill.contract_demand_kw),
        "percent": str(settings.DEMAND_EXCESS_PERCENT),
    }


def _of(change: PriceChange) -> tuple[Template, dict[str, str]]:
    said = {
        "tail": change.account_no[-4:],
        "day": str(change.from_day),
        "old": _plain(format_price(change.old_price_e8)),
        "new": _plain(format_price(change.new_price_e8)),
    }
    moves = change.last_bill_moves_fen
    if moves is None:
        return PRICE_ALERT_FIRST, said
    return PRICE_ALERT, said | {"change": f"{'+' if moves > 0 else ''}{yuan_from_fen(moves)}"}


def _tell(told: Iterable[tuple[Template, Watcher, str, Mapping[str, str]]], at: datetime) -> int:
    """Ask for the messages: into everybody's inbox, and to the telephones there are; two statements a template."""
    new = 0
    by_template: dict[str, list[tuple[Watcher, str, Mapping[str, str]]]] = {}
    for template, watcher, key, parameters in told:
        by_template.setdefault(template.code, []).append((watcher, key, parameters))
    for code, some in by_template.items():
        for channel in ("in_app", "sms"):
            messages = [
                BulkMessage(
                    to=messaging.Recipient(
                        phone=watcher.telephone if channel == "sms" else "",
                        user_id=watcher.user_id,
                        language=watcher.language,
                    ),
                    parameters=parameters,
                    dedupe_key=f"bill-alert:{key}:{channel}",
                    account_id=watcher.account_id,
                )
                for watcher, key, parameters in some
            ]
            new += messaging.send_many(template=code, channel=channel, messages=messages, at=at)
    return new


def _kwh(kwh_e2: int) -> str:
    return _plain(format_energy((kwh_e2 + 50) // 100 * 100))


def _plain(number: str) -> str:
    """Without the thin spaces between thousands: a text message has none."""
    return number.replace(THIN_SPACE, "")
