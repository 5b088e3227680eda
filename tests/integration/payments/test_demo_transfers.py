"""The demonstration's bank transfers can be loaded again, and show what each page is for."""

from __future__ import annotations

import pytest

from cis.models import Account, Customer
from cis.operations import ledger
from payments.models import BankLine, Claim
from payments.operations import demo_transfers
from payments.queries import transfers as pages
from tests.factories.world import small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db


def test_loaded_twice_it_is_the_same_and_the_pool_is_the_ledger() -> None:
    world = small_world()
    accounts = (world.residential, world.residential_day_15, world.residential_tou, world.commercial)
    for place, account in enumerate(accounts):
        customer = Customer.objects.create(kind="enterprise", name=f"荆江商贸{place}公司")
        Account.objects.filter(pk=account.account_id).update(customer=customer)
        pay(world, fen=1_000, account=account)

    demo_transfers.load(today=world.at.date(), at=world.at)
    demo_transfers.load(today=world.at.date(), at=world.at)

    page = pages.pool(at=world.at)
    assert page.count == 5 and page.fen == page.ledger_fen
    assert sorted(Claim.objects.values_list("way", flat=True)) == ["staff", "sub-account"]
    named = BankLine.objects.get(remark__contains="户号")
    assert "附言里写了户号" in pages.get_line(named.pk, at=world.at).proposals[0].reasons
    assert ledger.verify().faults == ()
