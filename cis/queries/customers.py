"""Everything the house knows about one account and its customer, for the counter, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BigIntegerField, F, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.utils.translation import gettext as _

from cis.models import Account, Customer, Premise, Reading, SupplyContract, TariffVersion
from cis.models.ledger import LedgerBalance, LedgerKind
from cis.models.metering import ReadingSource
from cis.rating.registers import REGISTER_NAMES, Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import OrgUnit
from config.shared.personal_data import mask_door, mask_identity_no, mask_phone

_VERSIONS_SHOWN = 6
_READINGS_SHOWN = 13
_BILLS_SHOWN = 13
_EVENTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class AccountHead:
    """Who and where: what stands beside every page of the same customer."""

    account_id: int
    account_no: str
    is_open: bool
    state: str
    opened_on: date
    closed_on: date | None
    version: int
    customer_id: int
    customer_name: str
    customer_kind: str
    is_enterprise: bool
    phone_masked: str
    identity_masked: str
    customer_version: int
    premise_id: int
    address: str
    door_masked: str
    premise_version: int
    area: str
    area_path: tuple[str, ...]
    route: str
    transformer_district: str
    feeder: str
    substation: str
    receivable_fen: int
    prepayment_fen: int


@dataclass(frozen=True, slots=True)
class SiblingAccount:
    """An account of the same customer; `is_this` marks the one on the page."""

    account_no: str
    address: str
    is_open: bool
    receivable_fen: int
    prepayment_fen: int
    is_this: bool


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One stretch of the tariff history; `until_on` is the first day it no longer holds."""

    tariff_code: str
    tariff_name: str
    is_demonstration: bool
    """some of its prices are for demonstration only"""
    price_class: str
    voltage: str
    capacity_kva: int
    demand_mode: int
    contract_demand_kw: int
    pf_standard_e2: int
    """hundredths; 0: not subject"""
    charged_by: str
    """how the basic charge is paid, in words; empty where there is none"""
    people: int
    from_on: date | None
    until_on: date | None
    is_current: bool
    versions: tuple[tuple[date | None, date | None], ...] = ()
    """from when to when each version of the tariff held under this contract, newest first, the last ones"""


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """A meter that hangs or hung at a point of the account."""

    installation_id: int
    meter_no: str
    model: str
    point_no: str
    multiplier: int
    from_on: date | None
    until_on: date | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """All registers of one meter on one day; `values_e4` and `advances_kwh_e2` follow `Account360.registers`."""

    read_on: date
    meter_no: str
    values_e4: tuple[int | None, ...]
    advance_kwh_e2: int | None
    kind: str
    source: str
    quality: str
    """measured, estimated or corrected"""
    actor: str
    """who took, sent or last changed it"""
    photos: tuple[int, ...]
    state: str
    is_doubtful: bool
    is_rollover: bool


@dataclass(frozen=True, slots=True)
class BillRow:
    """A bill in a list; `is_replaced` when a later revision of the same period exists."""

    bill_no: str
    cycle: int
    period_start: date
    period_end: date
    energy_kwh_e2: int
    total_fen: int
    open_fen: int
    due_on: date
    is_overdue: bool
    is_replaced: bool
    is_disputed: bool

    @property
    def last_day(self) -> date:
        """The last day of the period, as people write it."""
        return self.period_end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HappenedRow:
    """Something that was done about the customer, in whichever hall."""

    at: datetime
    what: str
    detail: str
    who: str
    hall: str


@dataclass(frozen=True, slots=True)
class Account360:
    """One account: who, what is owed on all accounts of the customer, the newest bills. The rest are parts."""

    head: AccountHead
    accounts: tuple[SiblingAccount, ...]
    receivable_fen: int
    prepayment_fen: int
    bills: tuple[BillRow, ...]


@dataclass(frozen=True, slots=True)
class MetersAndReadings:
    """The meters of an account, and on which days they showed what."""

    installations: tuple[InstallationRow, ...]
    registers: tuple[str, ...]
    readings: tuple[ReadingRow, ...]


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """A customer as a form shows it: what may be edited, the sealed parts masked, the version it was read at."""

    customer_id: int
    version: int
    kind: str
    name: str
    phone_masked: str
    identity_masked: str


@dataclass(frozen=True, slots=True)
class PremiseCard:
    """A premise as a form shows it."""

    premise_id: int
    version: int
    address: str
    door_masked: str


def account_id_of(account_no: str) -> int:
    """
    The id behind an account number.

    :raises NotFound: there is no such account
    """
    found = Account.objects.filter(account_no=account_no).values_list("pk", flat=True).first()
    if found is None:
        raise no_account()
    return found


def no_account() -> NotFound:
    """The refusal for an account number that nobody has."""
    return NotFound(_("没有找到这个户号。请核对数字，或用手机号、姓名查找。"))


def get_head(account_no: str) -> AccountHead:
    """
    Who and where, in two statements.

    :raises NotFound: there is no such account
    """
    return _head(
        Account.objects.select_related(
            "customer", "premise__transformer_district__feeder__substation", "org_unit", "route"
        )
        .annotate(
            receivable_fen=_balance(LedgerKind.RECEIVABLE, F("debit_fen") - F("credit_fen")),
            prepayment_fen=_balance(LedgerKind.PREPAYMENT, F("credit_fen") - F("debit_fen")),
        )
        .filter(account_no=account_no)
        .first()
    )


def get_360(account_no: str, *, today: date) -> Account360:
    """
    The account's own page as of `today`, in four statements whatever it holds.

    :raises NotFound: there is no such account
    """
    head = get_head(account_no)
    siblings = _siblings(head)
    this = next(row for row in siblings if row.is_this)
    return Account360(
        head=head,
        accounts=siblings,
        receivable_fen=this.receivable_fen,
        prepayment_fen=this.prepayment_fen,
        bills=list_bills(head.account_id, today=today, limit=_BILLS_SHOWN),
    )


def get_meters(account_id: int, *, today: date) -> MetersAndReadings:
    """The meters of an account and the last days on which they were read, in two statements."""
    installations = _installations(account_id, today)
    registers, readings = _readings(installations)
    return MetersAndReadings(installations, registers, readings)


def list_contracts(account_id: int, *, today: date) -> tuple[ContractRow, ...]:
    """The tariff history of an account, newest first, in one statement."""
    return _contracts(account_id, today)


def list_happened(head: AccountHead) -> tuple[HappenedRow, ...]:
    """What was done about the customer and the account, newest first, in one statement."""
    return _happened(head)


def get_customer_card(account_no: str) -> CustomerCard:
    """
    The customer of an account, for a form.

    :raises NotFound: there is no such account
    """
    customer = Customer.objects.filter(accounts__account_no=account_no).first()
    if customer is None:
        raise no_account()
    return customer_card(customer)


def get_premise_card(account_no: str) -> PremiseCard:
    """
    The premise of an account, for a form.

    :raises NotFound: there is no such account
    """
    account = Account.objects.select_related("premise").filter(account_no=account_no).first()
    if account is None:
        raise no_account()
    return premise_card(account.premise)


def customer_card(customer: Customer) -> CustomerCard:
    """A customer row as a form shows it."""
    return CustomerCard(
        customer_id=customer.pk,
        version=customer.version,
        kind=customer.kind,
        name=customer.name,
        phone_masked=mask_phone(customer.phone) if customer.phone else "",
        identity_masked=mask_identity_no(customer.identity_no) if customer.identity_no else "",
    )


def premise_card(premise: Premise) -> PremiseCard:
    """A premise row as a form shows it."""
    return PremiseCard(
        premise_id=premise.pk, version=premise.version, address=premise.address, door_masked=mask_door(premise.door)
    )


def list_bills(account_id: int, *, today: date, limit: int) -> tuple[BillRow, ...]:
    """The account's newest bills, at most `limit`; the whole list is `cis.queries.bill_list`."""
    with connection.cursor() as cursor:
        cursor.execute(_BILLS, {"account": account_id, "limit": limit})
        rows = cursor.fetchall()
    return tuple(_bill(row, today) for row in rows)


_BILLS = """
SELECT b.cycle, b.id, b.period_start, b.period_end, b.energy_kwh_e2, b.total_fen, b.open_fen, b.due_on,
       EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
               AND n.revision > b.revision),
       EXISTS (SELECT 1 FROM cis_bill_dispute d WHERE d.bill_id = b.id AND d.closed_at IS NULL)
FROM cis_bill b
WHERE b.account_id = %(account)s
ORDER BY b.period_start DESC, b.revision DESC LIMIT %(limit)s
"""


def _bill(row: tuple[Any, ...], today: date) -> BillRow:
    cycle, bill_id, start, end, energy, total, still_open, due_on, is_replaced, is_disputed = row
    return BillRow(
        bill_no=f"{cycle}{bill_id:010d}",
        cycle=cycle,
        period_start=start,
        period_end=end,
        energy_kwh_e2=energy,
        total_fen=total,
        open_fen=still_open,
        due_on=due_on,
        is_overdue=still_open > 0 and due_on < today,
        is_replaced=is_replaced,
        is_disputed=is_disputed,
    )


def _head(account: Account | None) -> AccountHead:
    if account is None:
        raise no_account()
    customer, premise = account.customer, account.premise
    district = premise.transformer_district
    ids = [int(part) for part in account.org_unit.path.strip("/").split("/") if part.isdigit()]
    names = {unit.pk: unit.shown_name for unit in OrgUnit.objects.filter(pk__in=ids)}
    return AccountHead(
        account_id=account.pk,
        account_no=account.account_no,
        is_open=account.state == Account.State.OPEN,
        state=_(Account.State(account.state).label),
        opened_on=account.opened_on,
        closed_on=account.closed_on,
        version=account.version,
        customer_id=customer.pk,
        customer_name=customer.name,
        customer_kind=_(Customer.Kind(customer.kind).label),
        is_enterprise=customer.kind == Customer.Kind.ENTERPRISE,
        phone_masked=mask_phone(customer.phone) if customer.phone else "",
        identity_masked=mask_identity_no(customer.identity_no) if customer.identity_no else "",
        customer_version=customer.version,
        premise_id=premise.pk,
        address=premise.address,
        door_masked=mask_door(premise.door),
        premise_version=premise.version,
        area=account.org_unit.shown_name,
        area_path=tuple(names[pk] for pk in ids if pk in names),
        route=f"{account.route.code} {account.route.name}",
        transformer_district=district.name,
        feeder=district.feeder.name,
        substation=district.feeder.substation.name,
        receivable_fen=getattr(account, "receivable_fen", 0),
        prepayment_fen=getattr(account, "prepayment_fen", 0),
    )


def _balance(kind: LedgerKind, amount: Any) -> Any:
    """What a ledger account of the account row outside holds; nought where there is none."""
    row = LedgerBalance.objects.filter(ledger_account_id=OuterRef("pk") * 10 + int(kind))
    return Coalesce(Subquery(row.values(amount=amount)), 0, output_field=BigIntegerField())


def _siblings(head: AccountHead) -> tuple[SiblingAccount, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.account_no, p.address, a.state = 'open',
                   coalesce(r.debit_fen - r.credit_fen, 0), coalesce(f.credit_fen - f.debit_fen, 0), a.id = %(this)s
            FROM cis_account a JOIN cis_premise p ON p.id = a.premise_id
            LEFT JOIN cis_ledger_balance r ON r.ledger_account_id = a.id * 10 + 1
            LEFT JOIN cis_ledger_balance f ON f.ledger_account_id = a.id * 10 + 2
            WHERE a.customer_id = %(customer)s
            ORDER BY a.id = %(this)s DESC, a.state DESC, a.account_no LIMIT 50
            """,
            {"customer": head.customer_id, "this": head.account_id},
        )
        return tuple(SiblingAccount(*row) for row in cursor.fetchall())


def _contracts(account_id: int, today: date) -> tuple[ContractRow, ...]:
    versions = TariffVersion.objects.filter(tariff_id=OuterRef("tariff_id")).order_by("-valid")
    known = JSONObject(start="valid__startswith", end="valid__endswith", is_demonstration="is_demonstration")
    rows = (
        SupplyContract.objects.filter(account_id=account_id)
        .select_related("tariff")
        .annotate(known_versions=ArraySubquery(versions.values(known=known)))
        .order_by("-valid")
    )
    return tuple(
        ContractRow(
            tariff_code=row.tariff.code,
            tariff_name=in_language(row.tariff.name, row.tariff.name_en),
            is_demonstration=any(version["is_demonstration"] for version in row.known_versions),
            price_class=_(SupplyContract.PriceClass(row.price_class).label),
            voltage=row.voltage,
            capacity_kva=row.capacity_kva,
            demand_mode=row.demand_mode,
            contract_demand_kw=row.contract_demand_kw,
            pf_standard_e2=row.pf_standard_e2,
            charged_by=_charged_by(row),
            people=row.people,
            from_on=row.valid.lower,
            until_on=row.valid.upper,
            is_current=_holds(row.valid.lower, row.valid.upper, today),
            versions=_within(_stretches(row.known_versions), row.valid.lower, row.valid.upper)[:_VERSIONS_SHOWN],
        )
        for row in rows
    )


def _charged_by(row: SupplyContract) -> str:
    words = {
        DemandMode.CAPACITY: _("按容量"),
        DemandMode.CONTRACT: _("按合同需量 %(kw)s kW") % {"kw": row.contract_demand_kw},
        DemandMode.ACTUAL: _("按实际需量"),
        DemandMode.EXEMPT: _("免收基本电费"),
    }
    said = [words[DemandMode(row.demand_mode)]] if DemandMode(row.demand_mode) in words else []
    if row.pf_standard_e2:
        said.append(_("功率因数标准 %(standard)s") % {"standard": f"{row.pf_standard_e2 / 100:.2f}"})
    return _("，").join(said)


def _stretches(versions: Sequence[dict[str, Any]]) -> list[tuple[date | None, date | None]]:
    days = ((version["start"], version["end"]) for version in versions)
    return [(start and date.fromisoformat(start), end and date.fromisoformat(end)) for start, end in days]


def _within(
    stretches: Sequence[tuple[date | None, date | None]], start: date | None, end: date | None
) -> tuple[tuple[date | None, date | None], ...]:
    """What of each stretch lies in [start, end), None for without end; what lies outside is left out."""
    cut = (
        (max(filter(None, (lower, start)), default=None), min(filter(None, (upper, end)), default=None))
        for lower, upper in stretches
    )
    return tuple((lower, upper) for lower, upper in cut if lower is None or upper is None or lower < upper)


def _installations(account_id: int, today: date) -> tuple[InstallationRow, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.id, m.meter_no, m.model, p.point_no, i.ct_ratio * i.pt_ratio,
                   lower(i.valid * ap.valid), upper(i.valid * ap.valid)
            FROM cis_account_point ap
            JOIN cis_metering_point p ON p.id = ap.point_id
            JOIN cis_meter_installation i ON i.point_id = p.id AND i.valid && ap.valid
            JOIN cis_meter m ON m.id = i.meter_id
            WHERE ap.account_id = %s ORDER BY lower(i.valid) DESC, i.id DESC
            """,
            [account_id],
        )
        rows = cursor.fetchall()
    return tuple(
        InstallationRow(
            installation, meter_no, model, point_no, multiplier, from_on, until_on, _holds(from_on, until_on, today)
        )
        for installation, meter_no, model, point_no, multiplier, from_on, until_on in rows
    )


def _readings(installations: Sequence[InstallationRow]) -> tuple[tuple[str, ...], tuple[ReadingRow, ...]]:
    """Names of the registers that have values, and the last days on which any of these meters was read."""
    meters = {row.installation_id: row.meter_no for row in installations}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH shown AS (
                SELECT d.installation_id, d.read_on FROM cis_reading d
                JOIN unnest(%(ids)s::bigint[], %(starts)s::date[], %(ends)s::date[]) AS s(id, start, stop)
                  ON d.installation_id = s.id AND d.read_on BETWEEN s.start AND s.stop
                WHERE d.register = 1 ORDER BY d.read_on DESC LIMIT %(limit)s)
            SELECT r.read_on, r.installation_id, r.register, r.value_e4, r.advance_kwh_e2, r.kind, r.source, r.state,
                   r.is_rollover, coalesce(edit.name, nullif(u.display_name, ''), u.username, ''), photo.ids
            FROM shown JOIN cis_reading r ON r.installation_id = shown.installation_id AND r.read_on = shown.read_on
            LEFT JOIN cis_reading_import b ON b.id = r.batch_id
            LEFT JOIN shared_user u ON u.id = b.created_by_id
            LEFT JOIN LATERAL (
                SELECT coalesce(nullif(w.display_name, ''), w.username) AS name FROM cis_reading_edit e
                LEFT JOIN shared_user w ON w.id = e.edited_by_id
                WHERE e.installation_id = r.installation_id AND e.read_on = r.read_on AND e.register = r.register
                ORDER BY e.id DESC LIMIT 1) edit ON true
            LEFT JOIN LATERAL (
                SELECT array_agg(p.id ORDER BY p.id) AS ids FROM cis_reading_photo p
                WHERE p.installation_id = r.installation_id AND p.read_on = r.read_on) photo ON true
            ORDER BY r.read_on DESC, r.installation_id DESC, r.register
            """,
            {
                "ids": list(meters),
                "starts": [row.from_on or date.min for row in installations],
                "ends": [row.until_on or date.max for row in installations],
                "limit": _READINGS_SHOWN,
            },
        )
        rows = cursor.fetchall()
    present = sorted({row[2] for row in rows})
    days: dict[tuple[date, int], list[tuple[Any, ...]]] = {}
    for row in rows:
        days.setdefault((row[0], row[1]), []).append(row)
    names = tuple(register_name(code) for code in present)
    return names, tuple(_reading_row(present, meters, cells) for cells in days.values())


def _reading_row(present: Sequence[int], meters: dict[int, str], cells: list[tuple[Any, ...]]) -> ReadingRow:
    by_register = {cell[2]: cell for cell in cells}
    first = by_register.get(Register.TOTAL, cells[0])
    worst = max(cells, key=lambda cell: int(cell[7] != Reading.State.ACCEPTED) * (cell[7] + 1))
    return ReadingRow(
        read_on=first[0],
        meter_no=meters[first[1]],
        values_e4=tuple(by_register[code][3] if code in by_register else None for code in present),
        advance_kwh_e2=first[4] if first[4] >= 0 else None,
        kind=_(Reading.Kind(first[5]).label),
        source=_(ReadingSource(first[6]).label),
        quality=reading_quality(max((cell[6] for cell in cells), key=_how_far_from_measured)),
        actor=first[9] or _("系统"),
        photos=tuple(first[10] or ()),
        state=_(Reading.State(worst[7]).label),
        is_doubtful=worst[7] == Reading.State.DOUBTFUL,
        is_rollover=any(cell[8] for cell in cells),
    )


def _how_far_from_measured(source: int) -> int:
    return {int(ReadingSource.ESTIMATED): 2, int(ReadingSource.CORRECTED): 1}.get(source, 0)


def reading_quality(source: int) -> str:
    """What a reading of a source is worth: measured, estimated or corrected by hand."""
    if source == ReadingSource.ESTIMATED:
        return _("估算值")
    return _("更正值") if source == ReadingSource.CORRECTED else _("实测值")


def register_name(code: int) -> str:
    """What a register is called in the language of the request."""
    chinese, english = REGISTER_NAMES[Register(code)]
    return in_language(chinese, english)


def _holds(start: date | None, end: date | None, today: date) -> bool:
    return (start is None or start <= today) and (end is None or today < end)


_HAPPENED = """
SELECT h.at, h.what, h.detail, coalesce(nullif(u.display_name, ''), u.username, ''), coalesce(o.name, ''),
       coalesce(o.name_en, '')
FROM (
    SELECT * FROM (
        SELECT e.pgh_created_at AS at, 'customer-' || e.pgh_label AS what, '' AS detail,
               (x.metadata ->> 'user')::bigint AS user_id
        FROM cis_customerevent e LEFT JOIN pghistory_context x ON x.id = e.pgh_context_id
        WHERE e.pgh_obj_id = %(customer)s ORDER BY e.pgh_id DESC LIMIT %(limit)s) c
    UNION ALL SELECT * FROM (
        SELECT e.pgh_created_at, 'premise-' || e.pgh_label, e.address, (x.metadata ->> 'user')::bigint
        FROM cis_premiseevent e LEFT JOIN pghistory_context x ON x.id = e.pgh_context_id
        WHERE e.pgh_obj_id = %(premise)s ORDER BY e.pgh_id DESC LIMIT %(limit)s) p
    UNION ALL SELECT * FROM (
        SELECT e.pgh_created_at, 'account-' || e.pgh_label, '', (x.metadata ->> 'user')::bigint
        FROM cis_accountevent e LEFT JOIN pghistory_context x ON x.id = e.pgh_context_id
        WHERE e.pgh_obj_id = %(account)s ORDER BY e.pgh_id DESC LIMIT %(limit)s) a
    UNION ALL SELECT opened_at, 'dispute-opened', reason, opened_by_id
        FROM cis_bill_dispute WHERE account_id = %(account)s
    UNION ALL SELECT closed_at, 'dispute-closed', outcome, closed_by_id
        FROM cis_bill_dispute WHERE account_id = %(account)s AND closed_at IS NOT NULL
    UNION ALL SELECT opened_at, 'doubt-opened', '', NULL FROM cis_reading_doubt WHERE account_id = %(account)s
    UNION ALL SELECT resolved_at, 'doubt-resolved', reason, resolved_by_id
        FROM cis_reading_doubt WHERE account_id = %(account)s AND resolved_at IS NOT NULL
    UNION ALL SELECT changed_at, 'capacity-changed', from_kva || ' → ' || to_kva || ' kVA · ' || reason, changed_by_id
        FROM cis_capacity_change WHERE account_id = %(account)s
    UNION ALL SELECT changed_at, 'terms-changed', reason, changed_by_id
        FROM cis_terms_change WHERE account_id = %(account)s
    UNION ALL SELECT seen_at, 'personal-data-seen', reason, user_id
        FROM shared_personal_data_access WHERE subject = 'customer:' || %(customer)s) h
LEFT JOIN shared_user u ON u.id = h.user_id
LEFT JOIN shared_org_unit o ON o.id = u.org_unit_id
ORDER BY h.at DESC LIMIT %(limit)s
"""


def _happened(head: AccountHead) -> tuple[HappenedRow, ...]:
    words = {
        "customer-insert": _("客户建档"),
        "customer-update": _("客户资料修改"),
        "premise-insert": _("用电地址建档"),
        "premise-update": _("用电地址修改"),
        "account-insert": _("立户"),
        "account-update": _("户的资料变更"),
        "capacity-changed": _("变更合同容量"),
        "terms-changed": _("变更计费方式"),
        "dispute-opened": _("登记账单异议"),
        "dispute-closed": _("账单异议办结"),
        "doubt-opened": _("示数存疑"),
        "doubt-resolved": _("存疑示数处理完毕"),
        "personal-data-seen": _("查看未遮盖的个人信息"),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _HAPPENED,
            {
                "customer": head.customer_id,
                "premise": head.premise_id,
                "account": head.account_id,
                "limit": _EVENTS_SHOWN,
            },
        )
        return tuple(
            HappenedRow(at, words.get(what, what), detail, who, in_language(hall, hall_en))
            for at, what, detail, who, hall, hall_en in cursor.fetchall()
        )
