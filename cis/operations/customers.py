"""Customers and premises: edit them under a version, show what is hidden with a reason, move a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    CapacityPause,
    Customer,
    FreeEnergyRight,
    MeterInstallation,
    Premise,
    Reading,
    SupplyContract,
    SupplyLoss,
    SupplyPart,
)
from cis.models.metering import ReadingSource
from cis.operations import ledger, portal_bindings
from cis.queries.customers import customer_card, no_account, premise_card
from cis.rating.registers import Register, advance, energy_kwh_e2
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.looks import note_reveal
from config.shared.names import grams, name_keys
from config.shared.personal_data import blind_index


class StaleEdit(Refused):
    """Somebody saved a newer version since the form was opened; `facts["current"]` is what stands there now."""

    code = "stale-edit"


class AccountIsClosed(Refused):
    """The account was closed; nothing more can be done on it."""

    code = "account-is-closed"


class MoveRefused(Refused):
    """The day of the move or its final readings do not fit what is on record."""

    code = "move-refused"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is normally masked."""

    phone: str
    identity_no: str
    door: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move of tenants made."""

    account_id: int
    account_no: str
    customer_id: int


def edit_customer(
    *,
    customer_id: int,
    expected_version: int,
    kind: str,
    name: str,
    phone: str | None = None,
    identity_no: str | None = None,
) -> int:
    """
    Save a customer's particulars; a telephone or identity number of None stays as it is. Gives the new version.

    :raises StaleEdit: it was saved by somebody else since version `expected_version`
    :raises BadInput: the name is empty
    :raises NotFound: there is no such customer
    """
    if not name.strip():
        raise BadInput(_("请填写客户名称。"), errors=[{"pointer": "/name", "detail": _("请填写客户名称。")}])
    with transaction.atomic():
        customer = Customer.objects.select_for_update().filter(pk=customer_id).first()
        if customer is None:
            raise NotFound(_("没有找到这位客户。"))
        if customer.version != expected_version:
            raise StaleEdit(
                _("这份资料刚刚被别人改过。请对照两边的内容，改好后再保存；您填写的都还在。"),
                current=asdict(customer_card(customer)),
            )
        _name(customer, kind, name)
        if phone is not None:
            _phone(customer, phone)
        if identity_no is not None:
            _identity(customer, identity_no)
        customer.version += 1
        customer.save()
        return customer.version


def edit_premise(*, premise_id: int, expected_version: int, address: str, door: str | None = None) -> int:
    """
    Save a supply address; a door number of None stays as it is. Gives the new version.

    :raises StaleEdit: it was saved by somebody else since version `expected_version`
    :raises BadInput: the address is empty
    :raises NotFound: there is no such premise
    """
    if not address.strip():
        raise BadInput(_("请填写用电地址。"), errors=[{"pointer": "/address", "detail": _("请填写用电地址。")}])
    with transaction.atomic():
        premise = Premise.objects.select_for_update().filter(pk=premise_id).first()
        if premise is None:
            raise NotFound(_("没有找到这个用电地址。"))
        if premise.version != expected_version:
            raise StaleEdit(
                _("这份资料刚刚被别人改过。请对照两边的内容，改好后再保存；您填写的都还在。"),
                current=asdict(premise_card(premise)),
            )
        premise.address = address.strip()
        premise.address_grams = list(grams(premise.address))
        if door is not None:
            premise.door = door.strip()
        premise.version += 1
        premise.save()
        return premise.version


def reveal_personal_data(*, account_no: str, user_id: int, reason: str, at: datetime) -> PersonalData:
    """
    The unmasked telephone, identity number and door of an account's customer; who saw it and why is kept for ever.

    :raises ReasonMissing: no reason was given
    :raises NotFound: there is no such account
    """
    with transaction.atomic():
        account = Account.objects.select_related("customer", "premise").filter(account_no=account_no).first()
        if account is None:
            raise no_account()
        note_reveal(
            user_id=user_id,
            subject=f"customer:{account.customer_id}",
            fields=("phone", "identity_no", "door"),
            reason=reason,
            at=at,
        )
        return PersonalData(account.customer.phone, account.customer.identity_no, account.premise.door)


def new_account_no() -> str:
    """The next free account number of the utility's own format (`ACCOUNT_NO_LENGTH`, `ACCOUNT_NO_CHECK`)."""
    has_check = settings.ACCOUNT_NO_CHECK == "mod11"
    length = settings.ACCOUNT_NO_LENGTH - has_check
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('cis_account_no_seq')")
            number = f"{cursor.fetchone()[0]:0{length}d}"
        if has_check:
            digit = mod11_digit(number)
            if digit is None:
                continue
            number += digit
        if not Account.objects.filter(account_no=number).exists():
            return number


def mod11_digit(number: str) -> str | None:
    """The check digit of a number (weights 2 to 7 from the right, modulo 11); None where it would be X."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(number)))
    check = -total % 11
    return None if check == 10 else str(check)


def move_tenant(
    *,
    account_id: int,
    on_date: date,
    kind: str,
    name: str,
    phone: str,
    identity_no: str,
    final_values_e4: Mapping[int, Mapping[int, int]],
    at: datetime,
    people: int = 1,
) -> Moved:
    """
    Close an account and open one for the next tenant at the same points; the meters and their history stay.

    `final_values_e4`: installation id to register to value at 00:00 of `on_date`; every register of every meter that
    hangs there must be given. They close the old account's readings (move-out) and are what the new one starts from.
    Contract, losses and parts go over as they stand; free energy ends, it is the household's.

    :raises AccountIsClosed: it was closed before
    :raises MoveRefused: the day is not after the last reading, or a final reading is missing or runs backwards
    :raises NotFound: there is no such account
    """
    if not name.strip():
        raise BadInput(_("请填写新客户的名称。"), errors=[{"pointer": "/name", "detail": _("请填写新客户的名称。")}])
    with transaction.atomic():
        old = Account.objects.select_for_update().filter(pk=account_id).first()
        if old is None:
            raise no_account()
        if old.state == Account.State.CLOSED:
            raise AccountIsClosed(_("户号 %(no)s 已经销户，不能再过户。") % {"no": old.account_no})
        served = list(
            AccountPoint.objects.select_for_update()
            .filter(account_id=account_id, valid__contains=on_date)
            .order_by("pk")
        )
        readings = _final_readings(account_id, [row.point_id for row in served], on_date, final_values_e4)
        customer = Customer(kind=kind)
        _name(customer, kind, name)
        _phone(customer, phone)
        _identity(customer, identity_no)
        customer.save()
        new = Account.objects.create(
            account_no=new_account_no(),
            customer=customer,
            premise_id=old.premise_id,
            org_unit_id=old.org_unit_id,
            route_id=old.route_id,
            opened_on=on_date,
        )
        _hand_over_contract(account_id, new.pk, on_date, people)
        _hand_over_supply(account_id, new.pk, on_date)
        for row in served:
            row.valid = DateRange(row.valid.lower, on_date)
            row.save(update_fields=["valid"])
        AccountPoint.objects.bulk_create(
            AccountPoint(account=new, point_id=row.point_id, valid=DateRange(on_date, None)) for row in served
        )
        Reading.objects.bulk_create(readings)
        old.state, old.closed_on = Account.State.CLOSED, on_date
        old.version += 1
        old.save(update_fields=["state", "closed_on", "version"])
        portal_bindings.end_after_move(account_id=account_id, at=at)
        ledger.create_balances([new.pk])
        return Moved(new.pk, new.account_no, customer.pk)


def _final_readings(
    account_id: int, points: list[int], on_date: date, values: Mapping[int, Mapping[int, int]]
) -> list[Reading]:
    installations = list(
        MeterInstallation.objects.select_related("meter").filter(point_id__in=points, valid__contains=on_date)
    )
    latest: dict[tuple[int, int], Reading] = {}
    for reading in Reading.objects.filter(installation_id__in=[i.pk for i in installations]).order_by("read_on"):
        latest[reading.installation_id, reading.register] = reading
    wanted = {key for key in latest} | {(i.pk, int(Register.TOTAL)) for i in installations}
    given = {(installation, register) for installation, row in values.items() for register in row}
    if not installations or wanted - given:
        raise MoveRefused(_("请抄齐过户当日每只表的每个示数后再办理。"))
    found = []
    for installation in installations:
        for register, value in values[installation.pk].items():
            last = latest.get((installation.pk, register))
            if last is not None and last.read_on >= on_date:
                raise MoveRefused(_("%(day)s 已经抄过表，过户日期须在此之后。") % {"day": last.read_on.isoformat()})
            # A maximum demand begins anew each month.
            only_grows = register != Register.DEMAND
            if value < 0 or (last is not None and only_grows and value < last.value_e4):
                raise MoveRefused(_("过户示数小于上次示数，请核对后再办理。"))
            ratio = installation.ct_ratio * installation.pt_ratio
            used = -1
            if last is not None and only_grows:
                moved = advance(last.value_e4, value, installation.meter.digits, rolled_over=False)
                used = int(energy_kwh_e2(moved, ratio))
            found.append(
                Reading(
                    installation_id=installation.pk,
                    register=register,
                    read_on=on_date,
                    account_id=account_id,
                    kind=Reading.Kind.MOVE_OUT,
                    value_e4=value,
                    advance_kwh_e2=used,
                    days=(on_date - last.read_on).days if last is not None else 0,
                    source=ReadingSource.MANUAL,
                    state=Reading.State.ACCEPTED,
                )
            )
    return found


def _hand_over_contract(old_id: int, new_id: int, on_date: date, people: int) -> None:
    contract = SupplyContract.objects.select_for_update().filter(account_id=old_id, valid__contains=on_date).first()
    if contract is None:
        raise MoveRefused(_("这个户在过户当日没有有效的供电合同，请先补录合同。"))
    contract.valid = DateRange(contract.valid.lower, on_date)
    contract.version += 1
    contract.save(update_fields=["valid", "version"])
    SupplyContract.objects.create(
        account_id=new_id,
        tariff_id=contract.tariff_id,
        price_class=contract.price_class,
        voltage=contract.voltage,
        capacity_kva=contract.capacity_kva,
        people=people,
        demand_mode=contract.demand_mode,
        contract_demand_kw=contract.contract_demand_kw,
        pf_standard_e2=contract.pf_standard_e2,
        valid=DateRange(on_date, None),
    )


def _hand_over_supply(old_id: int, new_id: int, on_date: date) -> None:
    """What belongs to transformer, line and meters goes with the place; free energy is the household's and ends."""
    for model in (SupplyLoss, SupplyPart, CapacityPause, FreeEnergyRight):
        rows = model.objects.select_for_update().filter(account_id=old_id, valid__overlap=DateRange(on_date, None))
        for row in rows.order_by("pk"):
            until, is_agreed_later = row.valid.upper, row.valid.lower is not None and row.valid.lower >= on_date
            begins = row.valid.lower if is_agreed_later else on_date
            if is_agreed_later:
                row.delete()
            else:
                row.valid = DateRange(row.valid.lower, on_date)
                row.save(update_fields=["valid"])
            if model is not FreeEnergyRight:
                row.pk, row.account_id, row.valid = None, new_id, DateRange(begins, until)
                row._state.adding = True
                row.save(force_insert=True)


def _name(customer: Customer, kind: str, name: str) -> None:
    keys = name_keys(name, is_person=kind == Customer.Kind.PERSON)
    customer.kind, customer.name = kind, name.strip()
    customer.name_pinyin, customer.name_initials, customer.name_grams = keys.pinyin, keys.initials, list(keys.grams)


def _phone(customer: Customer, phone: str) -> None:
    digits = "".join(c for c in phone if c.isdigit())
    customer.phone = digits
    customer.phone_index = blind_index(digits) if digits else None
    customer.phone_last4 = digits[-4:]


def _identity(customer: Customer, identity_no: str) -> None:
    number = "".join(identity_no.split()).upper()
    customer.identity_no = number
    customer.identity_index = blind_index(number) if number else None
