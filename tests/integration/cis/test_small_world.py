"""The tiny utility that other tests stand on."""

from __future__ import annotations

import pytest

from cis.models import LedgerBalance, Reading, TariffVersion
from config.shared.models import User
from config.shared.permissions import may
from tests.factories.world import COMMERCIAL_TOU_TARIFF, small_world

pytestmark = pytest.mark.django_db


class TestSmallWorld:
    """It must be consistent in itself."""

    def test_every_account_has_balances_and_a_reading_for_each_cycle(self) -> None:
        world = small_world()

        for account in world.accounts:
            assert LedgerBalance.objects.filter(ledger_account_id__startswith=f"{account.account_id}").exists()
            cycles = Reading.objects.filter(installation_id=account.installation_id, register=1, cycle__gt=0)
            assert (
                tuple(cycles.order_by("cycle").values_list("cycle", flat=True))
                == world.cycles
                == (
                    202511,
                    202512,
                    202601,
                )
            )

    def test_the_registers_of_the_commercial_account_add_up(self) -> None:
        world = small_world()

        rows = Reading.objects.filter(installation_id=world.commercial.installation_id, cycle=world.cycle)

        advances = dict(rows.values_list("register", "advance_kwh_e2"))
        assert advances[1] == sum(advances[register] for register in (2, 3, 4, 5)) == 40 * 255 * 100

    def test_carried_over_figures_are_marked_as_a_demonstration(self) -> None:
        small_world()

        versions = TariffVersion.objects.filter(tariff__code=COMMERCIAL_TOU_TARIFF).order_by("valid")

        assert [version.is_demonstration for version in versions] == [True, False, True]

    def test_clerks_may_take_payments_and_the_stranger_may_do_nothing(self) -> None:
        world = small_world()

        assert may(User.objects.get(pk=world.clerk_b_id), "payments.take_payment")
        assert not may(User.objects.get(pk=world.stranger_id), "cis.view_customer")
