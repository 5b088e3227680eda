"""
Emergencies of key accounts: two clocks from receipt by any channel, warned of before they run out and noted when they
have, stopped by proof.

The clocks run on the wall: nights and holidays count. A proof says when the clock stopped; whether it was in time
follows from that, whoever looked at the clock in between. What was raised stays: alarms are never taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.queries import dues
from cis.queries import supply_places as places
from config.shared import messaging
from config.shared.display_formats import format_moment
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import User
from crm.distance import metres_between
from crm.messages import EMERGENCY_ALARM, EMERGENCY_RECEIVED
from crm.models import Emergency, EmergencyProof
from crm.models.emergencies import Clock
from crm.queries import escalation
from crm.queries.key_accounts import AccountManager, key_account_of, manager_of

MAX_TEXT = 500


class NotKeyAccount(Refused):
    """Emergencies with two clocks are for key accounts."""

    code = "not-a-key-account"


class EmergencyRefused(BadInput):
    """What is said is missing or does not fit."""

    code = "emergency-refused"


class AlreadyProven(Refused):
    """The clock has stopped."""

    code = "already-proven"


class EmergencyClosed(Refused):
    """The emergency is closed."""

    code = "emergency-closed"


class StillRunning(Refused):
    """A clock still runs: nobody replied, or nobody has come."""

    code = "clock-still-runs"


@dataclass(frozen=True)
class Taken:
    """An emergency as it was taken; the same for a repeated key."""

    emergency_id: int
    received_at: datetime
    reply_due_at: datetime
    arrive_due_at: datetime


def take_emergency(
    *, account_no: str, channel: str, request_key: str, what: str, caller: str, received_by_id: int, at: datetime
) -> Taken:
    """
    A key account asks for help at once: both clocks run from `at`, the manager and the deputy are told.

    `channel` is one of `Emergency.Channel`; the same `request_key` is the same emergency for ever.

    :raises NotFound: there is no such account
    :raises NotKeyAccount: it has no manager; the message says what to do instead
    :raises EmergencyRefused: nothing is said, or too much
    """
    said, who = what.strip(), caller.strip()
    if not said or len(said) > MAX_TEXT or len(who) > 100 or not 1 <= len(request_key) <= 80:
        detail = _("请写明出了什么情况，不超过 500 个字。")
        raise EmergencyRefused(detail, errors=[{"pointer": "/what", "detail": detail}])
    if channel not in Emergency.Channel.values:
        raise EmergencyRefused(_("不认识这个受理渠道。"), errors=[{"pointer": "/channel", "detail": channel}])
    account_id = dues.account_id_of(account_no)
    with transaction.atomic():
        manager = manager_of(account_id, at)
        if manager is None:
            ahead = key_account_of(account_id, at)
            if ahead is not None:
                raise NotKeyAccount(
                    _("这一户从 %(since)s 起才是大客户。停电和故障请登记报修，或拨打 95598。")
                    % {"since": format_moment(ahead.since, settings.BILLING_TIME_ZONE)}
                )
            raise NotKeyAccount(_("这一户不是大客户。停电和故障请登记报修，或拨打 95598。"))
        emergency, is_new = Emergency.objects.get_or_create(
            request_key=request_key,
            defaults={
                "key_account_id": manager.key_account_id,
                "channel": channel,
                "what": said,
                "caller": who,
                "received_by_id": received_by_id,
                "received_at": at,
                "reply_due_at": at + timedelta(minutes=settings.KEY_REPLY_MIN),
                "arrive_due_at": at + timedelta(minutes=settings.KEY_ARRIVE_MIN),
            },
        )
        if emergency.key_account_id != manager.key_account_id:
            raise EmergencyRefused(_("这个编号已经用于别的请求，请换一个。"))
        if is_new:
            _tell_of_receipt(emergency, account_no, manager, at)
        return Taken(emergency.pk, emergency.received_at, emergency.reply_due_at, emergency.arrive_due_at)


def reply(*, emergency_id: int, text: str, by_id: int, at: datetime) -> None:
    """
    Prove the reply: what was said to the customer, by whom, now.

    :raises NotFound: there is no such emergency
    :raises EmergencyRefused: nothing is said
    :raises AlreadyProven: somebody replied before
    :raises EmergencyClosed: it is closed
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写明怎样回复客户的，不超过 500 个字。")
        raise EmergencyRefused(detail, errors=[{"pointer": "/text", "detail": detail}])
    with transaction.atomic():
        emergency = _open(emergency_id, Clock.REPLY)
        EmergencyProof.objects.create(
            emergency=emergency, clock=Clock.REPLY, proven_at=at, text=said, written_by_id=by_id, written_at=at
        )
        _raise_alarms(at=at, only=emergency_id)


def arrive(
    *,
    emergency_id: int,
    arrived_at: datetime,
    longitude: Decimal | None,
    latitude: Decimal | None,
    paper: str,
    text: str,
    by_id: int,
    at: datetime,
) -> int | None:
    """
    Prove the arrival: when, and where (coordinates) or by which photograph or paper; gives the distance to the premise
    in metres, None where one of the two places is not known.

    :raises NotFound: there is no such emergency
    :raises EmergencyRefused: neither place nor paper, half a place, or a time before the receipt or after now
    :raises AlreadyProven: somebody came before
    :raises EmergencyClosed: it is closed
    """
    has_place = longitude is not None and latitude is not None
    if (longitude is None) != (latitude is None) or not (has_place or paper.strip()):
        detail = _("到场要有位置，或者写明照片、签字单等凭证。")
        raise EmergencyRefused(detail, errors=[{"pointer": "/paper", "detail": detail}])
    with transaction.atomic():
        emergency = _open(emergency_id, Clock.ARRIVAL)
        # Arrivals are put down to the minute.
        if not emergency.received_at.replace(second=0, microsecond=0) <= arrived_at <= at:
            detail = _("到场时间要在受理之后、现在之前。")
            raise EmergencyRefused(detail, errors=[{"pointer": "/arrived_at", "detail": detail}])
        premise = places.place_of(emergency.key_account.account_id)
        distance = None
        if longitude is not None and latitude is not None:
            if premise.longitude is not None and premise.latitude is not None:
                distance = metres_between(longitude, latitude, premise.longitude, premise.latitude)
        EmergencyProof.objects.create(
            emergency=emergency,
            clock=Clock.ARRIVAL,
            proven_at=arrived_at,
            text=text.strip()[:MAX_TEXT],
            longitude=longitude,
            latitude=latitude,
            distance_m=distance,
            paper=paper.strip()[:200],
            written_by_id=by_id,
            written_at=at,
        )
        _raise_alarms(at=at, only=emergency_id)
        return distance


def close_emergency(*, emergency_id: int, outcome: str, by_id: int, at: datetime) -> None:
    """
    Close an emergency with what was done.

    :raises NotFound: there is no such emergency
    :raises EmergencyRefused: nothing is said
    :raises StillRunning: a clock has not been stopped by a proof
    :raises EmergencyClosed: it is closed
    """
    said = outcome.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写明处理结果，不超过 500 个字。")
        raise EmergencyRefused(detail, errors=[{"pointer": "/outcome", "detail": detail}])
    with transaction.atomic():
        emergency = _open(emergency_id, None)
        if emergency.proofs.count() < len(Clock.choices):
            raise StillRunning(_("先登记回复和到场，再办结。"))
        emergency.outcome, emergency.closed_by_id, emergency.closed_at = said, by_id, at
        emergency.save(update_fields=["outcome", "closed_by", "closed_at"])


def check_clocks(*, at: datetime) -> int:
    """
    Look at every open emergency: raise what is to be warned of and what has run out, and tell those who must know;
    gives how many alarms are new. One statement for all; repeated, nothing is raised or told twice.
    """
    with transaction.atomic():
        return _raise_alarms(at=at, only=None)


def _open(emergency_id: int, clock: Clock | None) -> Emergency:
    """The emergency under a lock, if it is open and the clock still runs."""
    emergency = (
        Emergency.objects.select_for_update(of=("self",)).select_related("key_account").filter(pk=emergency_id).first()
    )
    if emergency is None:
        raise NotFound(_("没有找到这次紧急服务。"))
    if emergency.closed_at is not None:
        raise EmergencyClosed(_("这次紧急服务已经办结。"))
    if clock is not None and emergency.proofs.filter(clock=clock).exists():
        raise AlreadyProven(_("已经登记过了，不能再改。补充情况请写在处理结果里。"))
    return emergency


# A warning is for a clock that still runs, a breach for one that ran out before it was stopped.
_RAISE = """
INSERT INTO crm_emergency_alarm (emergency_id, clock, level, due_at, raised_at)
SELECT e.id, c.clock, l.level, c.due_at, %(at)s
FROM crm_emergency e
CROSS JOIN LATERAL (VALUES
    ('reply', e.reply_due_at, e.reply_due_at - make_interval(mins => %(reply_warn)s)),
    ('arrival', e.arrive_due_at, e.arrive_due_at - make_interval(mins => %(arrive_warn)s))) AS c(clock, due_at, warn_at)
LEFT JOIN crm_emergency_proof p ON p.emergency_id = e.id AND p.clock = c.clock
CROSS JOIN (VALUES ('warning'), ('breach')) AS l(level)
WHERE e.closed_at IS NULL AND (%(only)s IS NULL OR e.id = %(only)s)
  AND (l.level = 'warning' AND p.id IS NULL AND c.warn_at <= %(at)s AND c.due_at >= %(at)s
       OR l.level = 'breach' AND c.due_at < coalesce(p.proven_at, %(at)s))
ORDER BY e.id
ON CONFLICT (emergency_id, clock, level) DO NOTHING
RETURNING emergency_id, clock, level, due_at
"""


def _raise_alarms(*, at: datetime, only: int | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _RAISE,
            {
                "at": at,
                "only": only,
                "reply_warn": settings.KEY_REPLY_WARN_MIN,
                "arrive_warn": settings.KEY_ARRIVE_WARN_MIN,
            },
        )
        raised = cursor.fetchall()
    for emergency_id, clock, level, due_at in raised:
        emergency = Emergency.objects.select_related("key_account").get(pk=emergency_id)
        _tell_of_alarm(emergency, clock=clock, level=level, due_at=due_at, at=at)
    return len(raised)


# --- Telling people --------------------------------------------------------------------------


def _clock_time(moment: datetime) -> str:
    return moment.astimezone(settings.BILLING_TIME_ZONE).strftime("%H:%M")


def _tell(told: Mapping[int, str], template: str, parameters: dict[str, str], key: str, at: datetime) -> None:
    """Tell members of staff (user id to telephone): in their inbox, and by SMS where a number is known."""
    languages = dict(User.objects.filter(pk__in=told).values_list("pk", "language"))

    def ask_for(channel: str, ending: str) -> None:
        messaging.send_many(
            template=template,
            channel=channel,
            messages=[
                messaging.BulkMessage(
                    to=messaging.Recipient(
                        phone=telephone, user_id=user_id, language=languages.get(user_id) or settings.LANGUAGE_CODE
                    ),
                    parameters=parameters,
                    dedupe_key=f"{key}:{user_id}{ending}",
                )
                for user_id, telephone in told.items()
            ],
            at=at,
        )

    ask_for("in_app", "")
    if any(told.values()):
        ask_for("sms", "/sms")


def _nearest(manager: AccountManager) -> dict[int, str]:
    return {manager.user_id: manager.telephone} | ({manager.deputy_id: ""} if manager.deputy_id else {})


def _tell_of_receipt(emergency: Emergency, account_no: str, manager: AccountManager, at: datetime) -> None:
    parameters = {
        "number": str(emergency.pk),
        "account": account_no,
        "time": _clock_time(emergency.received_at),
        "what": emergency.what[:60],
        "reply_by": _clock_time(emergency.reply_due_at),
        "arrive_by": _clock_time(emergency.arrive_due_at),
    }
    _tell(_nearest(manager), EMERGENCY_RECEIVED.code, parameters, f"emergency:{emergency.pk}", at)


def _tell_of_alarm(emergency: Emergency, *, clock: str, level: str, due_at: datetime, at: datetime) -> None:
    place = places.place_of(emergency.key_account.account_id)
    manager = manager_of(emergency.key_account.account_id, at)
    words = {"reply": _("回复"), "arrival": _("到场"), "warning": _("即将超时"), "breach": _("已超时")}
    told = _nearest(manager) if manager is not None else {}
    if level == "breach":
        # A manager who is also a leader keeps the telephone.
        told = {user_id: "" for user_id in escalation.leaders_of(place.org_path)} | told
    parameters = {
        "number": str(emergency.pk),
        "clock": words[clock],
        "level": words[level],
        "account": place.account_no,
        "due": _clock_time(due_at),
        "manager": manager.name if manager is not None else "",
    }
    key = f"emergency:{emergency.pk}:{clock}:{level}"
    _tell(told, EMERGENCY_ALARM.code, parameters, key, at)


def far_m() -> int:
    """From how many metres on an arrival is marked as far from the premise."""
    far: int = settings.KEY_ARRIVAL_FAR_M
    return far
