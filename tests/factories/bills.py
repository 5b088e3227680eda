"""Bills with what they book, without a billing run: for tests of what happens to bills afterwards."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction

from cis.models import Account, Bill, BillingRun, SupplyContract, TariffVersion
from cis.models.ledger import TransferKind
from cis.operations import ledger
from cis.operations.settlement import bill_number
from config.shared.periods import add_months, first_day
from tests.factories.world import AccountIds, World

# For tests by the real clock: no late fee runs, whenever they are run.
NOT_YET_DUE = date(2099, 1, 15)


def issue(
    world: World,
    fen: int,
    *,
    account: AccountIds | None = None,
    cycle: int = 0,
    revision: int = 0,
    months: int = 1,
    due_on: date | None = None,
    correction_fen: int = 0,
) -> str:
    """
    A bill of so many fen for the account (the first residential one) and cycle (the newest), booked; its number.

    Due on `due_on`, on day 15 of the month after the cycle where none is named. Its energy is 0.02 kWh a fen.
    """
    who, cycle = account or world.residential, cycle or world.cycle
    start = date(cycle // 100, cycle % 100, 1)
    with transaction.atomic():
        contract = SupplyContract.objects.get(account_id=who.account_id)
        version = TariffVersion.objects.filter(tariff_id=contract.tariff_id).first()
        assert version is not None
        run = BillingRun.objects.create(kind=BillingRun.Kind.SINGLE, cycle=cycle, created_at=world.at)
        owner = Account.objects.get(pk=who.account_id)
        bill = Bill.objects.create(
            account=owner,
            org_unit_id=owner.org_unit_id,
            run=run,
            contract=contract,
            tariff_version=version,
            price_class=contract.price_class,
            cycle=cycle,
            revision=revision,
            months=months,
            period_start=first_day(add_months(cycle, 1 - months)),
            period_end=(start + timedelta(days=32)).replace(day=1),
            energy_kwh_e2=fen * 2,
            total_fen=fen,
            open_fen=fen,
            correction_fen=correction_fen,
            due_on=due_on or (start + timedelta(days=32)).replace(day=15),
            issued_at=world.at,
        )
        ledger.post(
            [
                ledger.Posting(
                    kind=TransferKind.BILL_ISSUED,
                    document_id=bill.pk,
                    leg=1,
                    account_id=who.account_id,
                    debit_id=ledger.receivable_id(who.account_id),
                    credit_id=ledger.control_id("INCOME_RESIDENTIAL"),
                    amount_fen=fen,
                )
            ],
            booked_at=world.at,
            business_date=ledger.open_business_date(world.at),
        )
    return bill_number(cycle, bill.pk)
