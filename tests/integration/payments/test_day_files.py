"""Days of WeChat Pay and Alipay, fetched from them and held against our books."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as house
from django.test import Client
from django.utils import timezone

from cis.operations import ledger
from config.shared.models import User
from payments import tasks
from payments.channels import CHANNELS
from payments.channels.base import BillRefused, NoAnswer
from payments.models import ChannelFile, Difference, Payback, Reconciliation
from payments.operations.day_files import DayNotOver, FileNotThere, days_to_fetch, fetch_day
from payments.operations.paybacks import ProviderSilent
from payments.operations.reconciling import FileRefused, is_closed, reconcile
from tests.factories.staff import prove
from tests.factories.world import World, small_world
from tests.integration.payments.test_paybacks import give_back, paid, turn
from tests.integration.payments.test_provider_orders import FEN, Provider, provider, start
from tests.integration.payments.test_taking import together

__all__ = ["provider"]
pytestmark = pytest.mark.django_db(transaction=True)


def days_later(provider: Provider, days: int) -> datetime:
    """So many days from now, here and there."""
    ahead = timedelta(days=days)
    for name in ("wechat", "alipay"):
        if hasattr(provider.server, name):
            getattr(provider.server, name).clock = lambda: time.time() + ahead.total_seconds()
    return timezone.now() + ahead


def today() -> date:
    return timezone.now().astimezone(house.BILLING_TIME_ZONE).date()


def compared(world: World, provider: Provider, day: date, *, at: datetime) -> Reconciliation:
    """The day fetched, our books of it closed, both compared by the accountant."""
    file_id = fetch_day(channel=provider.channel, day=day, by_id=world.accountant_id, at=at)
    if not is_closed(day):
        ledger.close_day(business_date=day, closed_by_id=None, at=at)
    outcome = reconcile(file_id=file_id, by_id=world.accountant_id, at=at)
    return Reconciliation.objects.get(pk=outcome.reconciliation_id)


class TestADay:
    def test_with_a_payment_and_a_refund_in_part_agrees_to_the_fen(self, provider: Provider) -> None:
        world, day = small_world(), today()
        payback = give_back(world, paid(world, provider), 640)
        assert turn(payback) in (Payback.State.SENT, Payback.State.DONE)

        run = compared(world, provider, day, at=days_later(provider, 2))

        assert (run.theirs_fen, run.ours_fen, run.matched) == (FEN - 640, FEN - 640, 1)
        assert not Difference.objects.exists()
        kinds = run.file.rows.order_by("seq").values_list("kind", "amount_fen", "status")
        assert list(kinds) == [("P", FEN, "OK"), ("R", -640, "OK")]

    def test_with_a_payment_of_which_we_know_nothing_has_a_difference_with_an_owner(self, provider: Provider) -> None:
        world, day = small_world(), today()
        provider.pay(started := start(world, provider))

        compared(world, provider, day, at=days_later(provider, 2))

        only = Difference.objects.get()
        assert (only.outcome, only.serial, only.theirs_fen, only.ours_fen, only.owner_id) == (
            "LONG", started.out_trade_no, FEN, 0, world.accountant_id
        )  # fmt: skip

    def test_without_a_file_is_nothing_only_when_a_person_says_so_two_days_after(self, provider: Provider) -> None:
        world, day = small_world(), today()
        later = days_later(provider, 1)
        with pytest.raises(FileNotThere):
            fetch_day(channel=provider.channel, day=day, by_id=world.accountant_id, at=later)
        later = days_later(provider, 3)
        with pytest.raises(FileNotThere):
            fetch_day(channel=provider.channel, day=day, by_id=None, at=later)
        assert not ChannelFile.objects.exists()

        fetch_day(channel=provider.channel, day=day, by_id=world.accountant_id, at=later)

        assert ChannelFile.objects.get().rows_count == 0

    def test_that_is_not_over_is_not_asked_for(self, provider: Provider) -> None:
        with pytest.raises(DayNotOver):
            fetch_day(channel=provider.channel, day=today(), by_id=None, at=timezone.now())

    def test_fetched_by_four_at_once_is_kept_once(self, provider: Provider) -> None:
        world, day = small_world(), today()
        paid(world, provider)
        later = days_later(provider, 2)

        kept = together([lambda: fetch_day(channel=provider.channel, day=day, by_id=world.accountant_id, at=later)] * 4)

        assert len(set(kept)) == 1
        assert ChannelFile.objects.get().rows_count == 1

    def test_of_a_silent_or_wrong_provider_keeps_nothing(self, provider: Provider, monkeypatch: Any) -> None:
        world, day = small_world(), today()
        for fault, refusal in ((NoAnswer("time"), ProviderSilent), (BillRefused("sum"), FileRefused)):

            def fail(*_: object, fault: Exception = fault, **__: object) -> None:
                raise fault

            monkeypatch.setattr(CHANNELS[provider.channel], "day_rows", fail, raising=False)
            with pytest.raises(refusal):
                fetch_day(
                    channel=provider.channel, day=day, by_id=world.accountant_id, at=timezone.now() + timedelta(days=2)
                )
        assert not ChannelFile.objects.exists()


class TestTheClock:
    def test_fetches_what_is_missing_once_and_compares_nothing(self, provider: Provider, monkeypatch: Any) -> None:
        world, day = small_world(), today()
        paid(world, provider)
        later = days_later(provider, 2)
        monkeypatch.setattr("payments.tasks.timezone.now", lambda: later)
        assert (provider.channel, day) in days_to_fetch(at=later)

        tasks.fetch_days()
        tasks.fetch_days()

        file = ChannelFile.objects.get()
        assert (file.channel, file.day, file.received_by_id) == (provider.channel, day, None)
        assert not Reconciliation.objects.exists()
        assert (provider.channel, day) not in days_to_fetch(at=later)
        assert world


class TestThePage:
    def test_fetches_a_day_and_compares_it(self, provider: Provider) -> None:
        world, day = small_world(), today()
        paid(world, provider)
        before = day - timedelta(days=2)
        if not is_closed(before):
            ledger.close_day(business_date=before, closed_by_id=None, at=timezone.now())
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id))
        prove(client)
        where = "/console/reconciliation/"

        for too_early, why in ((day, "还没有过完"), (day - timedelta(days=1), "两天后还没有")):
            refused = client.post(where, {"channel": provider.channel, "day": too_early.isoformat()})
            assert refused.status_code == 422
            assert why in refused.content.decode()
            assert f'value="{too_early.isoformat()}"' in refused.content.decode()
        done = client.post(where, {"channel": provider.channel, "day": before.isoformat()})

        assert done.status_code == 302, done.content.decode()
        run = Reconciliation.objects.get()
        assert (run.channel, run.day, run.theirs_fen, run.run_by_id) == (
            provider.channel, before, 0, world.accountant_id
        )  # fmt: skip
