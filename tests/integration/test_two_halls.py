"""
Two halls, each served by a web process of its own, and nothing of a customer kept at either.

What one process alone knew (a session, a drawn form, a counted wrong password, a cached page) would show: acts begin
at one hall and end at the other, and one process is killed in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cis.queries.ledger import balance
from config.embedded import places
from config.embedded.run import web_command
from config.embedded.supervise import Program
from payments.models import Payment
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import PASSWORD, World, small_world
from tests.integration.payments.test_live_wallet import Browser
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other_hall(live: Stack, tmp_path: Path) -> Iterator[str]:
    """A second web process on the same database; its address."""
    port = places.free_port()
    url = f"http://127.0.0.1:{port}"
    program = Program(
        web_command("127.0.0.1", port, workers=1, threads=2),
        live.programs["web"].environment,
        tmp_path / "web.log",
        health_url=f"{url}/health/",
    )
    program.start()
    yield url
    program.stop()


class Clerk(Browser):
    """A clerk's browser; `at` moves it, with its cookies, to the other hall's process."""

    def sign_in(self, username: str) -> str:
        """Through the front door."""
        self.open("/sign-in/?next=/console/search/")
        return self.open("/sign-in/", {**self.hidden(), "username": username, "password": PASSWORD})

    def at(self, base: str) -> Clerk:
        """The same browser at another process."""
        self.base = base
        return self


def account_page(world: World) -> str:
    return f"/console/accounts/{world.residential.account_no}/"


def whole_account(world: World) -> str:
    return f"{account_page(world)}?plain=1"


@pytest.mark.acceptance("001-10")
@pytest.mark.acceptance("002-34")
@pytest.mark.acceptance("004-05")
class TestTwoHalls:
    def test_share_sessions_forms_payments_and_edits_at_once(self, live: Stack, other_hall: str) -> None:
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        one, two = Clerk(live.url), Clerk(other_hall)
        one.sign_in("clerk_a")
        two.sign_in("clerk_b")
        assert "186.40" in two.open(account_page(world))

        # The form is drawn at one hall and sent at the other, in the same session; sent again where it was drawn.
        one.open(f"{account_page(world)}pay/")
        form, fields = one.url.removeprefix(live.url), {**one.hidden(), "amount": "186.40", "method": "cash"}
        one.at(other_hall).open(form, {**fields, "reference": ""})
        receipt = one.url.removeprefix(other_hall)
        assert re.fullmatch(r"/console/payments/\d+/", receipt)
        one.at(live.url).open(form, {**fields, "reference": ""})

        assert one.url == live.url + receipt and Payment.objects.count() == 1
        assert balance(world.residential.account_id).receivable_fen == 0
        seen = two.open(account_page(world))
        assert "没有欠费" in seen and "186.40" in two.open(receipt)

        two.open(f"{account_page(world)}customer/")
        two.open(f"{account_page(world)}customer/", {**two.hidden(), "name": "张三丰", "kind": "person"})
        after = one.open(whole_account(world))
        assert "张三丰" in after
        assert "李敏" in after and "临江营业厅" in after, "who did it and where, among what happened"

    def test_lose_nothing_with_a_process(self, live: Stack, other_hall: str) -> None:
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        clerk = Clerk(live.url)
        clerk.sign_in("clerk_a")
        clerk.open(f"{account_page(world)}pay/")
        form, fields = clerk.url.removeprefix(live.url), {**clerk.hidden(), "amount": "186.40", "method": "cash"}

        live.kill("web")
        clerk.at(other_hall).open(form, {**fields, "reference": ""})

        assert str(Payment.objects.get()) in clerk.text

    def test_count_wrong_passwords_together(self, live: Stack, other_hall: str) -> None:
        small_world()
        for number in range(6):
            clerk = Clerk((live.url, other_hall)[number % 2])
            clerk.open("/sign-in/")
            try:
                clerk.open("/sign-in/", {**clerk.hidden(), "username": "clerk_a", "password": "wrong"})
            except OSError as refused:
                assert getattr(refused, "code", 0) == 429
                assert number >= 4
                return
        raise AssertionError("six wrong passwords at two halls were let through")
