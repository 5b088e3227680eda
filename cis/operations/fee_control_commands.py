"""
Commands on their way to meters: claimed in Postgres, sent outside any transaction, what came back written down.

Never twice: before the call the row says that an attempt runs. Whoever finds an attempt that never came to an end asks
the collection system for the number first, and repeats it under the same number only where it does not have it. A stop
is looked at again before every step: paid meanwhile, protected, too late or quiet, it is withdrawn instead.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.collecting.fee_control import Decision
from cis.collection_system import Answer, Order, Outcome, collection_system
from cis.messages import FEE_BACK, FEE_STOPPED
from cis.models import FeeControlCommand, FeeControlReceipt, QuietTime
from cis.operations import collecting
from cis.operations.fee_control_acts import ring_after_commit
from cis.operations.notices import tell_customer
from cis.operations.protections import set_quiet_time
from cis.queries import dues
from cis.queries.fee_control_facts import facts_of
from config.shared.errors import BadInput
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""longer than the collection system may take to answer"""
ASK_AFTER = timedelta(minutes=2)
_LATER = timedelta(seconds=30)
State = FeeControlCommand.State
_ENDS = {
    Outcome.EXECUTED: State.EXECUTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.TIMEOUT: State.TIMEOUT,
    Outcome.WITHDRAWN: State.WITHDRAWN,
}
_MOST_RECEIPTS = 1000


class NotReceipts(BadInput):
    """The body is not a list of receipts."""

    code = "not-receipts"
    status = 400


# Supply comes back before anything else.
_NEXT = """
SELECT id FROM cis_fee_control_command
WHERE state IN ('waiting', 'sending', 'unknown', 'accepted') AND look_at <= %s
ORDER BY kind = 'reconnect' DESC, look_at
LIMIT 1
FOR UPDATE SKIP LOCKED
"""


def send_next(*, now: datetime) -> bool:
    """Look at the next command that is due: send it, ask for it or withdraw it; False when nothing is due."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [now])
            row = cursor.fetchone()
        if row is None:
            return False
        command = FeeControlCommand.objects.get(pk=row[0])
        is_new = command.state == State.WAITING
        is_wanted = now < command.not_after and (
            command.kind != FeeControlCommand.Kind.STOP or _is_still_lawful(command, now=now)
        )
        if is_new and not is_wanted:
            _end(command, State.WITHDRAWN, code="not-sent", at=now)
            return True
        command.look_at = now + LEASE
        if is_new:
            _begin(command, now=now)
        command.save(update_fields=["state", "attempts", "look_at"])
    system = collection_system()
    if is_new:
        if command.undoes_id is not None:
            _withdraw_if_open(command.undoes_id, now=now)
        settle(command.number, system.send(_order(command), at=now), at=now)
    elif not is_wanted and command.kind == FeeControlCommand.Kind.STOP:
        settle(command.number, _withdrawn(command.number, now=now), at=now)
    else:
        _ask(command, now=now)
    return True


def settle(number: str, answer: Answer, *, at: datetime) -> bool:
    """
    Write down what the collection system said of a command; False where it is none of ours. Repeated, nothing changes.

    A command that has ended stays as it ended; what comes later is kept as a receipt.
    """
    log.info("meter command", extra={"command": number, "outcome": answer.outcome, "code": answer.code})
    with transaction.atomic():
        command = FeeControlCommand.objects.select_for_update().filter(number=number).first()
        if command is None:
            return False
        if answer.outcome in _ENDS or answer.outcome is Outcome.ACCEPTED:
            _keep(command, answer.outcome.value, answer.code, at=answer.at or at)
        is_over = command.state not in FeeControlCommand.OPEN
        # A meter that was silent until the time was over and did it all the same.
        has_done_it = answer.outcome is Outcome.EXECUTED and command.state in (State.TIMEOUT, State.WITHDRAWN)
        if is_over and not has_done_it:
            return True
        end = _ENDS.get(answer.outcome)
        if end is not None:
            # By our clock: what follows must not hang on the far side's, whose moment stands on the receipt.
            _end(command, end, code=answer.code, at=max(at, command.ordered_at))
            _tell(command, at=at)
            if end is State.EXECUTED and command.undoes is not None and command.undoes.arrears_cut_id is not None:
                collecting.note_restored(
                    account_id=command.account_id, evidence=_("远程复电指令 %(no)s") % {"no": command.number}, at=at
                )
            return True
        if answer.outcome is Outcome.ACCEPTED:
            command.state, command.look_at = State.ACCEPTED, at + ASK_AFTER
        elif answer.outcome is Outcome.LATER:
            # Nothing was sent; what was taken before stays taken.
            command.state = State.WAITING if command.state == State.SENDING else command.state
            command.look_at = at + _LATER
        else:
            command.state, command.look_at = State.UNKNOWN, at + _LATER
        command.answer = answer.code[:80]
        command.save(update_fields=["state", "look_at", "answer"])
    return True


def take_receipts(body: bytes, *, at: datetime) -> int:
    """
    Take a list of receipts that the collection system pushed; gives how many were of commands of ours.

    :raises NotReceipts: the body is not such a list
    """
    try:
        rows = json.loads(body)
        if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_RECEIPTS:
            raise TypeError("no list")
        told = [(str(row["command_no"]), _answer(row)) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise NotReceipts("not a list of receipts") from error
    return sum(settle(number, answer, at=at) for number, answer in sorted(told, key=lambda one: one[0]))


def halt_stops(*, org_unit_id: int, until_at: datetime, reason: str, by_id: int, at: datetime) -> int:
    """
    Emergency: from now on nobody under a unit is stopped until a moment, and stops on their way are called back.

    Gives how many were under way. What was not sent is withdrawn at once, what was is withdrawn at the meter's system.

    :raises BadInput: no reason, or the end does not lie ahead
    """
    with transaction.atomic():
        set_quiet_time(
            org_unit_id=org_unit_id,
            kind=QuietTime.Kind.OTHER,
            from_at=at,
            until_at=until_at,
            reason=reason,
            by_id=by_id,
            at=at,
        )
        path = OrgUnit.objects.values_list("path", flat=True).get(pk=org_unit_id)
        under_way = FeeControlCommand.objects.filter(
            kind=FeeControlCommand.Kind.STOP, state__in=FeeControlCommand.OPEN, org_unit__path__startswith=path
        )
        count = under_way.update(look_at=at)
        under_way.filter(state=State.WAITING).update(
            state=State.WITHDRAWN, look_at=None, ended_at=at, answer=_("紧急停发")
        )
        ring_after_commit()
    return count


def _answer(row: dict[str, Any]) -> Answer:
    moment = datetime.fromisoformat(str(row["at"]))
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return Answer(Outcome(row["state"]), str(row.get("code", ""))[:80], moment)


def _is_still_lawful(command: FeeControlCommand, *, now: datetime) -> bool:
    facts = facts_of([command.account_id], at=now)[command.account_id]
    return facts.decide(now).decision is not Decision.RECONNECT and not facts.hindrances_of_hour(now)


def _begin(command: FeeControlCommand, *, now: datetime) -> None:
    command.state = State.SENDING
    command.attempts += 1
    _keep(command, "sent", f"{command.attempts}", at=now)


def _ask(command: FeeControlCommand, *, now: datetime) -> None:
    """An attempt that never came to an end, or a command the meter has not carried out yet."""
    answer = collection_system().ask(command.number, at=now)
    if answer.outcome is not Outcome.NOT_FOUND:
        if answer.outcome is Outcome.ACCEPTED and now >= command.not_after:
            # Its time is over and the meter never said anything: it may have done it.
            answer = Answer(Outcome.TIMEOUT, "no-receipt", now)
        settle(command.number, answer, at=now)
        return
    if now >= command.not_after:
        settle(command.number, Answer(Outcome.WITHDRAWN, "never-taken", now), at=now)
        return
    with transaction.atomic():
        held = FeeControlCommand.objects.select_for_update().get(pk=command.pk)
        if held.state not in FeeControlCommand.OPEN:
            return
        _begin(held, now=now)
        held.look_at = now + LEASE
        held.save(update_fields=["state", "attempts", "look_at"])
    settle(command.number, collection_system().send(_order(held), at=now), at=now)


def _withdraw_if_open(stop_id: int, *, now: datetime) -> None:
    """A stop may still be on its way: call it back first, so that it cannot overtake the reconnection."""
    stop = FeeControlCommand.objects.get(pk=stop_id)
    if stop.state in FeeControlCommand.OPEN:
        settle(stop.number, _withdrawn(stop.number, now=now), at=now)


def _withdrawn(number: str, *, now: datetime) -> Answer:
    answer = collection_system().withdraw(number, at=now)
    return Answer(Outcome.WITHDRAWN, "never-taken", now) if answer.outcome is Outcome.NOT_FOUND else answer


def _order(command: FeeControlCommand) -> Order:
    return Order(
        number=command.number,
        kind=command.kind,
        meter_no=command.meter_no,
        ordered_at=command.ordered_at,
        not_after=command.not_after,
        balance_fen=command.balance_fen,
    )


def _keep(command: FeeControlCommand, what: str, code: str, *, at: datetime) -> None:
    FeeControlReceipt.objects.bulk_create(
        [FeeControlReceipt(command=command, what=what, code=code[:80], at=at)], ignore_conflicts=True
    )


def _end(command: FeeControlCommand, state: FeeControlCommand.State, *, code: str, at: datetime) -> None:
    command.state, command.answer, command.look_at, command.ended_at = state, code[:80], None, at
    command.save(update_fields=["state", "answer", "look_at", "ended_at"])


def _tell(command: FeeControlCommand, *, at: datetime) -> None:
    """The customer hears that supply is away and what brings it back, and that it is back."""
    if command.state != State.EXECUTED or command.kind == FeeControlCommand.Kind.WARN:
        return
    template, said = FEE_BACK, {"tail": command.account.account_no[-4:]}
    if command.kind == FeeControlCommand.Kind.STOP:
        facts = facts_of([command.account_id], at=at)[command.account_id]
        today = at.astimezone(settings.BILLING_TIME_ZONE).date()
        owed = facts.brings_back_fen or dues.to_pay_fen(account_id=command.account_id, on=today)
        template, said = FEE_STOPPED, said | {"yuan": yuan_from_fen(owed)}
    tell_customer(
        account_id=command.account_id,
        template=template.code,
        parameters=said,
        dedupe_key=f"fee-control-command:{command.number}",
        happened_at=at,
        at=at,
    )
