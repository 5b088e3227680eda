"""What a price that is to change means for each key account is worked out before it does, and its manager is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2.extras import DateRange

from cis.models import Bill, Tariff, TariffVersion
from cis.operations.billing import issue_bill_now
from config.shared.models import Message, User
from crm.models import PriceEffect
from crm.operations import key_accounts
from crm.operations.price_effects import foresee_price_changes
from tests.factories.portal import signed_in
from tests.factories.world import COMMERCIAL_TOU_TARIFF, AccountIds, World, make_user, small_world
from tests.oracle import two_part as oracle

pytestmark = pytest.mark.django_db

AT = datetime(2026, 2, 3, 1, 0, tzinfo=UTC)
# Two fen more a kWh in peak hours, from the month after next on.
MORE, FROM = Decimal("0.02"), datetime(2026, 4, 1, tzinfo=UTC).date()


@pytest.fixture
def world() -> World:
    """The tiny utility with a year of bills of its shop and of a home, each a key account of the same manager."""
    world = small_world(cycles=12)
    manager = make_user("keys", _province(world), "key-account-manager", "何敬业")
    for account in (world.commercial, world.residential):
        for cycle in world.cycles:
            issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=world.at)
        key_accounts.name_key_account(
            account_id=account.account_id, manager_id=manager.pk, deputy_id=None, telephone="12000000077",
            reason="用电量大", from_at=AT, by_id=world.administrator_id, at=AT,
        )  # fmt: skip
    return world


def _province(world: World) -> Any:
    return User.objects.get(pk=world.accountant_id).org_unit


def dearer(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rules with dearer peak hours."""
    first = dict(rules[0])
    first.pop("composition", None)
    peak = Decimal(first["price_yuan"]["peak"]) + MORE
    first["price_yuan"] = first["price_yuan"] | {"peak": str(peak)}
    return [first, *rules[1:]]


def announce(code: str = COMMERCIAL_TOU_TARIFF) -> TariffVersion:
    """A version of the shop's tariff from April on, known in February."""
    tariff = Tariff.objects.get(code=code)
    old = TariffVersion.objects.get(tariff=tariff, valid__contains=FROM)
    TariffVersion.objects.filter(pk=old.pk).update(valid=DateRange(old.valid.lower, FROM))
    return TariffVersion.objects.create(
        tariff=tariff, valid=DateRange(FROM, old.valid.upper), rules=dearer(old.rules), windows=old.windows,
        source="made for a test", confidence="", is_demonstration=True,
    )  # fmt: skip


def slow_change(account: AccountIds) -> int:
    """What two fen more on every peak kWh do to twelve bills, line by line, by the printed price."""
    peak = [45 + 10 * number for number in range(12)]
    old = Decimal(TariffVersion.objects.filter(tariff__code=COMMERCIAL_TOU_TARIFF)[0].rules[0]["price_yuan"]["peak"])
    return sum(
        int((oracle.fen(Decimal(units * 40) * (old + MORE)) - oracle.fen(Decimal(units * 40) * old)) * 100)
        for units in peak
    )


class TestAPriceAhead:
    @pytest.mark.acceptance("003-59")
    def test_is_worked_out_for_the_key_accounts_on_it_and_told_once(self, world: World) -> None:
        version = announce()

        first = foresee_price_changes(at=AT)
        again = foresee_price_changes(at=AT + timedelta(days=1))

        effect = PriceEffect.objects.get()
        billed = sum(Bill.objects.filter(account_id=world.commercial.account_id).values_list("total_fen", flat=True))
        assert (effect.account_id, effect.version_id) == (world.commercial.account_id, version.pk)
        assert effect.from_day == FROM > AT.date()
        assert (effect.before_fen, effect.after_fen - effect.before_fen) == (billed, slow_change(world.commercial))
        assert (effect.months, effect.left_out) == (12, 0)
        assert first == {"effects": 1, "messages": 2} and again == {"effects": 1, "messages": 0}
        told = Message.objects.filter(template="key-account-price")
        assert {message.channel for message in told} == {"in_app", "sms"}
        assert told.get(channel="in_app").user_id == User.objects.get(username="keys").pk
        effect.refresh_from_db()
        assert (effect.first_known_at, effect.computed_at) == (AT, AT + timedelta(days=1))

    def test_is_shown_to_the_manager_and_to_nobody_who_sees_no_key_accounts(self, world: World) -> None:
        announce()
        foresee_price_changes(at=AT)
        effect = PriceEffect.objects.get()
        # The page asks the clock; what is shown must still be ahead of it.
        PriceEffect.objects.update(from_day=datetime(2100, 1, 1, tzinfo=UTC).date())
        manager = User.objects.get(username="keys")

        page = signed_in(manager.pk).get("/console/key-accounts/prices/")
        part = signed_in(manager.pk).get(f"/console/accounts/{world.commercial.account_no}/key-account/")
        stranger = signed_in(world.stranger_id).get("/console/key-accounts/prices/")

        change = f"{(effect.after_fen - effect.before_fen) / 100:.2f}"
        assert page.status_code == 200 and world.commercial.account_no in page.content.decode()
        assert change in page.content.decode() and change in part.content.decode()
        assert stranger.status_code in (403, 404)

    def test_that_is_in_force_is_news_no_more(self, world: World) -> None:
        announce()

        assert foresee_price_changes(at=datetime(2026, 4, 2, tzinfo=UTC)) == {"effects": 0, "messages": 0}

    def test_costs_as_many_statements_for_two_as_for_one(self, world: World) -> None:
        announce()
        with CaptureQueriesContext(connection) as one:
            foresee_price_changes(at=AT)
        for account in (world.residential_day_15, world.residential_tou):
            key_accounts.name_key_account(
                account_id=account.account_id, manager_id=User.objects.get(username="keys").pk, deputy_id=None,
                telephone="", reason="重要", from_at=AT, by_id=world.administrator_id, at=AT,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as more:
            foresee_price_changes(at=AT + timedelta(hours=1))

        assert len(more) <= len(one)

    def test_speaks_of_bills_or_of_nothing(self, world: World) -> None:
        announce()
        foresee_price_changes(at=AT)

        with pytest.raises(IntegrityError), transaction.atomic():
            PriceEffect.objects.update(months=0)
