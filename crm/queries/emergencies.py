"""Emergencies and their clocks, as people see them; plans of key accounts; the list of key accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext as _

from cis.queries import supply_places as places
from config.shared.errors import NotFound
from config.shared.models import RoleGrant, User
from crm.emergency_plans import PlanContent
from crm.models import Emergency, EmergencyPlan, EmergencyProof, ManagerAssignment
from crm.models.emergencies import Clock
from crm.queries.key_accounts import AccountManager, key_account_of, managers_of, name_of
from crm.queries.sight import Sight, emergencies_in, key_accounts_in


@dataclass(frozen=True, slots=True)
class ClockState:
    """
    One clock: when it runs out, when and by what it was stopped. `state` is running, warned, breached, kept or
    kept-late, as of the moment that was asked for.
    """

    clock: str
    started_at: datetime
    due_at: datetime
    proven_at: datetime | None
    state: str
    text: str
    paper: str
    longitude: Decimal | None
    latitude: Decimal | None
    distance_m: int | None
    written_by: str
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """A warning or a breach."""

    clock: str
    level: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class ShownEmergency:
    """One emergency; a person's name is masked."""

    emergency_id: int
    account_id: int
    account_no: str
    name: str
    address: str
    channel: str
    channel_word: str
    what: str
    caller: str
    received_by: str
    received_at: datetime
    reply: ClockState
    arrival: ClockState
    alarms: tuple[RaisedAlarm, ...]
    manager_name: str
    manager_telephone: str
    deputy_name: str
    outcome: str
    closed_by: str
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is not closed yet."""
        return self.closed_at is None


def get_emergency(emergency_id: int, *, sight: Sight, now: datetime) -> ShownEmergency:
    """
    One emergency with its clocks at a moment.

    :raises NotFound: there is none of this number, or it is out of sight
    """
    found = _shown(_rows(emergencies_in(sight, now=now).filter(pk=emergency_id)), now)
    if not found:
        raise NotFound(_("没有找到这次紧急服务。"))
    return found[0]


def open_emergencies(*, sight: Sight, now: datetime, limit: int = 50) -> tuple[ShownEmergency, ...]:
    """
    The emergencies that are not closed, the most pressing first: whose unstopped clock is nearest to its end.

    A clock that ran out a minute ago presses as much as one that runs out in a minute, and more than one that ran out
    last week; where both have stopped nothing presses.
    """
    nearest = Least(_distance("reply", now), _distance("arrival", now))
    rows = emergencies_in(sight, now=now).filter(closed_at=None).order_by(nearest.asc(nulls_last=True), "received_at")
    return _shown(_rows(rows)[:limit], now)


def closed_emergencies(*, sight: Sight, now: datetime, limit: int = 50) -> tuple[ShownEmergency, ...]:
    """The emergencies closed last, newest first."""
    rows = emergencies_in(sight, now=now).exclude(closed_at=None).order_by("-closed_at")
    return _shown(_rows(rows)[:limit], now)


def received_emergencies(
    *, within: str, since: datetime, until: datetime, now: datetime, limit: int = 500
) -> tuple[ShownEmergency, ...]:
    """The emergencies of the accounts under an organisation path that came in this stretch, newest first."""
    rows = Emergency.objects.filter(
        key_account__account__org_unit__path__startswith=within, received_at__gte=since, received_at__lt=until
    )
    return _shown(_rows(rows.order_by("-received_at"))[:limit], now)


def _distance(clock: str, now: datetime) -> Case:
    """How far an unstopped clock's end lies ahead or behind; nothing for one that stopped."""
    due = F("reply_due_at" if clock == "reply" else "arrive_due_at")
    proofs = EmergencyProof.objects.filter(emergency=OuterRef("pk"), clock=clock)
    away = Greatest(
        ExpressionWrapper(due - Value(now), DurationField()), ExpressionWrapper(Value(now) - due, DurationField())
    )
    return Case(When(~Exists(proofs), then=away), output_field=DurationField())


def emergencies_of(*, account_id: int, now: datetime, limit: int = 5) -> tuple[ShownEmergency, ...]:
    """The newest emergencies of an account, for whoever serves this customer."""
    rows = Emergency.objects.filter(key_account__account_id=account_id).order_by("-received_at")
    return _shown(_rows(rows)[:limit], now)


def _rows(rows: QuerySet[Emergency]) -> QuerySet[Emergency]:
    return rows.select_related("key_account", "received_by", "closed_by").prefetch_related(
        "proofs__written_by", "alarms"
    )


def _shown(rows: Sequence[Emergency] | QuerySet[Emergency], now: datetime) -> tuple[ShownEmergency, ...]:
    found = list(rows)
    ids = [row.key_account.account_id for row in found]
    where, managers = places.places_of(ids), managers_of(ids, now)
    return tuple(
        _one(row, where[row.key_account.account_id], managers.get(row.key_account.account_id), now) for row in found
    )


def _one(row: Emergency, place: places.SupplyPlace, manager: AccountManager | None, now: datetime) -> ShownEmergency:
    proofs = {proof.clock: proof for proof in row.proofs.all()}
    alarms = tuple(
        RaisedAlarm(alarm.clock, alarm.level, alarm.raised_at)
        for alarm in sorted(row.alarms.all(), key=lambda alarm: alarm.pk)
    )
    return ShownEmergency(
        emergency_id=row.pk,
        account_id=place.account_id,
        account_no=place.account_no,
        name=place.shown_name,
        address=place.address,
        channel=row.channel,
        channel_word=_(Emergency.Channel(row.channel).label),
        what=row.what,
        caller=row.caller,
        received_by=name_of(row.received_by),
        received_at=row.received_at,
        reply=_clock(row, Clock.REPLY, row.reply_due_at, proofs.get(Clock.REPLY), alarms, now),
        arrival=_clock(row, Clock.ARRIVAL, row.arrive_due_at, proofs.get(Clock.ARRIVAL), alarms, now),
        alarms=alarms,
        manager_name=manager.name if manager else "",
        manager_telephone=manager.telephone if manager else "",
        deputy_name=manager.deputy_name if manager else "",
        outcome=row.outcome,
        closed_by=name_of(row.closed_by),
        closed_at=row.closed_at,
    )


def _clock(
    row: Emergency,
    clock: Clock,
    due_at: datetime,
    proof: EmergencyProof | None,
    alarms: tuple[RaisedAlarm, ...],
    now: datetime,
) -> ClockState:
    if proof is not None:
        state = "kept" if proof.proven_at <= due_at else "kept-late"
    elif now > due_at:
        state = "breached"
    elif any(alarm.clock == clock and alarm.level == "warning" for alarm in alarms):
        state = "warned"
    else:
        state = "running"
    return ClockState(
        clock=str(clock),
        started_at=row.received_at,
        due_at=due_at,
        proven_at=proof.proven_at if proof else None,
        state=state,
        text=proof.text if proof else "",
        paper=proof.paper if proof else "",
        longitude=proof.longitude if proof else None,
        latitude=proof.latitude if proof else None,
        distance_m=proof.distance_m if proof else None,
        written_by=name_of(proof.written_by) if proof else "",
        written_at=proof.written_at if proof else None,
    )


# --- Key accounts and their plans ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A version of a plan: who wrote it, when, what it changed."""

    version: int
    changed_what: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A version of a plan with its content, and the versions there are, newest first; version 0: none yet."""

    account_id: int
    account_no: str
    name: str
    address: str
    manager: AccountManager | None
    version: int
    content: PlanContent
    written: PlanVersion | None
    versions: tuple[PlanVersion, ...]


def get_plan(*, account_id: int, sight: Sight, now: datetime, version: int | None = None) -> ShownPlan:
    """
    A key account's plan, the newest version or the one asked for.

    :raises NotFound: the account is no key account one sees, or there is no such version
    """
    key_account = key_accounts_in(sight, now=now).filter(account_id=account_id).order_by("-since").first()
    if key_account is None:
        raise NotFound(_("这一户不是大客户，没有一户一案。"))
    rows = list(EmergencyPlan.objects.filter(key_account=key_account).select_related("written_by").order_by("-version"))
    versions = tuple(
        PlanVersion(row.version, row.changed_what, name_of(row.written_by), row.written_at) for row in rows
    )
    chosen = rows[0] if rows and version is None else next((row for row in rows if row.version == version), None)
    if version is not None and chosen is None:
        raise NotFound(_("没有这一版一户一案。"))
    place = places.place_of(account_id)
    return ShownPlan(
        account_id=account_id,
        account_no=place.account_no,
        name=place.customer_name,
        address=place.address,
        manager=current.manager if (current := key_account_of(account_id, now)) else None,
        version=chosen.version if chosen else 0,
        content=PlanContent.parse(chosen.content) if chosen else PlanContent(),
        written=next((one for one in versions if chosen and one.version == chosen.version), None),
        versions=versions,
    )


@dataclass(frozen=True, slots=True)
class ListedKeyAccount:
    """A key account in the list."""

    account_id: int
    account_no: str
    name: str
    manager: str
    deputy: str
    since: datetime
    plan_version: int
    is_own: bool


def list_key_accounts(*, sight: Sight, now: datetime, limit: int = 500) -> list[ListedKeyAccount]:
    """
    The key accounts one sees with their managers, or their first managers where they begin later; three statements.

    One's own come first.
    """
    rows = ManagerAssignment.objects.filter(
        Q(valid__contains=now) | Q(key_account__since__gt=now, valid__startswith=F("key_account__since")),
        key_account__in=key_accounts_in(sight, now=now),
    ).select_related("key_account", "manager", "deputy")
    is_others = Case(When(manager_id=sight.user_id, then=Value(0)), default=Value(1))
    found = list(rows.order_by(is_others, "key_account__account__account_no")[:limit])
    where = places.places_of([row.key_account.account_id for row in found])
    plans: dict[int, int] = {}
    for key_account_id, version in (
        EmergencyPlan.objects.filter(key_account__in=[row.key_account_id for row in found])
        .order_by("version")
        .values_list("key_account_id", "version")
    ):
        plans[key_account_id] = version
    return [
        ListedKeyAccount(
            account_id=row.key_account.account_id,
            account_no=where[row.key_account.account_id].account_no,
            name=where[row.key_account.account_id].shown_name,
            manager=name_of(row.manager),
            deputy=name_of(row.deputy),
            since=row.valid.lower or row.assigned_at,
            plan_version=plans.get(row.key_account_id, 0),
            is_own=row.manager_id == sight.user_id,
        )
        for row in found
    ]


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One manager for some time; `until` is None while it lasts or ahead."""

    manager: str
    deputy: str
    reason: str
    from_at: datetime | None
    until: datetime | None


def list_assignments(account_id: int) -> tuple[AssignmentRow, ...]:
    """Everybody who looked, looks or will look after a key account, newest first."""
    rows = ManagerAssignment.objects.filter(key_account__account_id=account_id).select_related("manager", "deputy")
    return tuple(
        AssignmentRow(name_of(row.manager), name_of(row.deputy), row.reason, row.valid.lower, row.valid.upper)
        for row in rows.order_by("-valid")
    )


def staff_to_choose() -> list[tuple[int, str]]:
    """Who may look after key accounts: staff whose role lets them work on emergencies; (user id, name)."""
    return [
        (grant_user, name)
        for grant_user, name in sorted(
            {(grant.user_id, name_of(grant.user)) for grant in _workers()},
            key=lambda pair: pair[1],
        )
    ]


def _workers() -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(
        role__permissions__contains=["crm.work_emergency"], user__is_active=True, user__kind=User.Kind.STAFF
    ).select_related("user")
