"""
What follows from a balance: told to the customer, ordered to the meter. Every decision is the kernel's.

`act_on` takes any number of accounts under the lock of their agreements: a fixed number of statements, plus some for
each stop and reconnection, which are few and judged one by one by the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.collecting.fee_control import Decision, Happened, Mode
from cis.messages import FEE_LAST_WARNING, FEE_LOW, FEE_SHORT
from cis.models import FeeControlAgreement, FeeControlCommand, FeeControlStep
from cis.operations.bulk_notices import Notice, tell_customers
from cis.queries.fee_control_facts import FeeFacts, facts_of
from config.shared import messaging
from config.shared.display_formats import format_moment
from config.shared.events import send_task
from config.shared.money import yuan_from_fen

SEND_TASK = "cis.tasks.send_meter_commands"
STOP_LASTS = timedelta(minutes=60)
RECONNECT_LASTS = timedelta(hours=2)
WARN_LASTS = timedelta(hours=12)
_STEPS = {
    Decision.WARN: (Happened.WARNED, FEE_LOW),
    Decision.ANNOUNCE: (Happened.ANNOUNCED, FEE_SHORT),
    Decision.LAST_WARNING: (Happened.LAST_WARNED, FEE_LAST_WARNING),
}


def act_on(account_ids: Iterable[int], *, at: datetime, paid_at: datetime | None = None) -> dict[str, int]:
    """
    Do what is due for these accounts now; gives how many of each decision there were. Repeated, nothing is done twice.

    `paid_at`: when a payment came in that led here; the promise to reconnect counts from it.
    """
    done: dict[str, int] = {}
    with transaction.atomic():
        ids = list(account_ids)
        # The lock of an account's fee control: who acts on it takes turns.
        list(
            FeeControlAgreement.objects.select_for_update()
            .filter(account_id__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        facts = facts_of(ids, at=at)
        _note_healed(facts.values(), at=at)
        decided: dict[Decision, list[FeeFacts]] = {}
        for one in facts.values():
            decided.setdefault(one.decide(at).decision, []).append(one)
        for decision, (happened, template) in _STEPS.items():
            _tell(decided.get(decision, ()), happened, template, at=at)
        _warn_meters(decided.get(Decision.WARN, ()), at=at)
        for one in decided.get(Decision.STOP, ()):
            _order_stop(one, at=at)
        for one in decided.get(Decision.RECONNECT, ()):
            _order_back(one, paid_at=paid_at or at, at=at)
        for decision, some in decided.items():
            if decision is not Decision.NOTHING:
                done[decision.value] = len(some)
        if set(done) & {Decision.WARN, Decision.STOP, Decision.RECONNECT}:
            ring_after_commit()
    return done


_NEAR = """
SELECT g.account_id FROM cis_fee_control_agreement g
JOIN LATERAL (SELECT balance_fen FROM cis_fee_control_estimate
              WHERE account_id = g.account_id AND day >= %(today)s::date - 1 ORDER BY day DESC LIMIT 1) e ON true
JOIN cis_fee_control_terms t ON t.code = g.terms_code AND t.valid @> %(today)s::date
WHERE g.valid @> %(today)s::date AND e.balance_fen < t.stop_below_fen
UNION
SELECT c.account_id FROM cis_fee_control_command c
WHERE c.kind = 'stop' AND c.state NOT IN ('refused', 'withdrawn')
  AND NOT EXISTS (SELECT 1 FROM cis_fee_control_command r WHERE r.account_id = c.account_id AND r.kind = 'reconnect'
                  AND r.state = 'executed' AND greatest(r.ended_at, r.ordered_at) >= coalesce(c.ended_at, c.ordered_at))
UNION
SELECT g.account_id FROM cis_fee_control_agreement g
JOIN cis_arrears_case c ON c.account_id = g.account_id AND c.closed_at IS NULL AND c.stage = 'cut'
WHERE g.valid @> %(today)s::date
ORDER BY 1
"""


def watch(*, at: datetime, batch: int = 500) -> dict[str, int]:
    """Look at everybody whose balance is below the threshold or whose supply is away; some hundred a transaction."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, {"today": today})
        ids = [row[0] for row in cursor.fetchall()]
    done: dict[str, int] = {}
    for first in range(0, len(ids), batch):
        for word, count in act_on(ids[first : first + batch], at=at).items():
            done[word] = done.get(word, 0) + count
    return done


def note_payment(*, account_id: int, paid_at: datetime, at: datetime) -> None:
    """A payment came in: supply that is away is ordered back at once where the balance allows it."""
    if FeeControlAgreement.objects.filter(account_id=account_id).exists():
        act_on([account_id], at=at, paid_at=paid_at)


def ring_after_commit() -> None:
    """Tell the workers once that there are commands to send; the sweep finds what nobody heard of."""
    if not any(hook[1] is _ring for hook in connection.run_on_commit):
        transaction.on_commit(_ring)


def _ring() -> None:
    send_task(SEND_TASK)


def _note_healed(facts: Iterable[FeeFacts], *, at: datetime) -> None:
    FeeControlStep.objects.bulk_create(
        FeeControlStep(
            agreement_id=one.agreement_id,
            account_id=one.account_id,
            what=healed.value,
            at=at,
            balance_fen=one.balance_fen or 0,
            channel="system",
            key=_key(one, healed),
            evidence=_("系统按账本和当日估算"),
        )
        for one in facts
        if (healed := one.healed()) is not None
    )


def _tell(facts: Sequence[FeeFacts], what: Happened, template: messaging.Template, *, at: datetime) -> None:
    """Write down what is told, and ask for the messages; whoever no message reaches is called by telephone."""
    if not facts:
        return
    FeeControlStep.objects.bulk_create(
        FeeControlStep(
            agreement_id=one.agreement_id,
            account_id=one.account_id,
            what=what.value,
            at=at,
            balance_fen=one.balance_fen or 0,
            channel="message",
            key=_key(one, what),
            evidence=_("系统消息，以送达回执为准"),
        )
        for one in facts
    )
    tell_customers(
        template=template.code,
        notices=[
            Notice(one.account_id, _said(one, what, at), _key(one, what), is_outlier=one.is_outlier) for one in facts
        ],
        at=at,
    )


def _said(one: FeeFacts, what: Happened, at: datetime) -> dict[str, str]:
    said = {"tail": one.account_no[-4:], "yuan": yuan_from_fen(one.available_fen or 0)}
    terms = one.agreement.terms
    if what is Happened.WARNED:
        return said | {"limit": yuan_from_fen(one.agreement.warn_below_fen)}
    if what is Happened.ANNOUNCED:
        return said | {"day": str(at.astimezone(terms.zone).date() + timedelta(days=terms.grace_days))}
    return said | {"moment": format_moment(at + timedelta(minutes=terms.last_warning_minutes), terms.zone)}


def _key(one: FeeFacts, what: Happened) -> str:
    return f"fee-control:{one.account_id}:{what.value}:{one.told.get(what.value, 0) + 1}"


def _number(one: FeeFacts) -> str:
    return f"FC{one.account_id:010d}-{one.commands + 1:05d}"


def _warn_meters(facts: Sequence[FeeFacts], *, at: datetime) -> None:
    """The meter shows it too (S55: a message and a command to the meter); one that waits already is enough."""
    FeeControlCommand.objects.bulk_create(
        [
            FeeControlCommand(
                number=_number(one),
                agreement_id=one.agreement_id,
                account_id=one.account_id,
                org_unit_id=one.org_unit_id,
                kind=FeeControlCommand.Kind.WARN,
                meter_no=one.meter_no,
                balance_fen=one.available_fen,
                ordered_at=at,
                not_after=at + WARN_LASTS,
                look_at=at,
                why=_("余额低于预警值"),
            )
            for one in facts
            if one.meter_no
        ],
        ignore_conflicts=True,
    )


def _order_stop(one: FeeFacts, *, at: datetime) -> None:
    """Order the stop with its evidence; the database judges it once more. Without one single meter nobody can."""
    if not one.meter_no:
        return
    terms = one.agreement.terms
    ends = datetime.combine(at.astimezone(terms.zone).date(), terms.stop_until, tzinfo=terms.zone)
    is_postpaid = terms.mode is Mode.POSTPAID
    quiet_from = min((start for start, _end, _code in one.situation.quiet if start > at), default=ends)
    FeeControlCommand.objects.create(
        number=_number(one),
        agreement_id=one.agreement_id,
        account_id=one.account_id,
        org_unit_id=one.org_unit_id,
        kind=FeeControlCommand.Kind.STOP,
        meter_no=one.meter_no,
        balance_fen=one.available_fen,
        ordered_at=at,
        not_after=min(at + STOP_LASTS, ends, quiet_from),
        look_at=at,
        estimate_id=one.estimate_id,
        announced_id=None if is_postpaid else one.announced_id,
        last_warned_id=None if is_postpaid else one.last_warned_id,
        arrears_cut_id=one.arrears_cut_id if is_postpaid else None,
        why=_("欠费停电程序已批准停电") if is_postpaid else _("余额低于停电值，预告和再次通知已送达"),
    )


def _order_back(one: FeeFacts, *, paid_at: datetime, at: datetime) -> None:
    """Order supply back at once; a stop that was not sent yet is withdrawn instead."""
    if one.stop_id is None:
        return
    if one.is_stop_unsent:
        FeeControlCommand.objects.filter(pk=one.stop_id, state=FeeControlCommand.State.WAITING).update(
            state=FeeControlCommand.State.WITHDRAWN, look_at=None, ended_at=at, answer="not-sent"
        )
        return
    earlier = FeeControlCommand.objects.filter(undoes_id=one.stop_id).order_by("pk").first()
    due_at = earlier.due_at if earlier is not None else paid_at + timedelta(hours=one.agreement.terms.reconnect_hours)
    FeeControlCommand.objects.create(
        number=_number(one),
        agreement_id=one.agreement_id,
        account_id=one.account_id,
        org_unit_id=one.org_unit_id,
        kind=FeeControlCommand.Kind.RECONNECT,
        meter_no=FeeControlCommand.objects.values_list("meter_no", flat=True).get(pk=one.stop_id),
        balance_fen=one.available_fen,
        ordered_at=at,
        not_after=at + RECONNECT_LASTS,
        look_at=at,
        undoes_id=one.stop_id,
        due_at=due_at,
        why=_("余额已恢复，或停电的依据已不在"),
    )
