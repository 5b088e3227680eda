"""The pages of bank transfers: a statement brought, a line claimed and taken back, a sub-account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from config.shared.models import User
from payments.matching.bank_statement import write_statement
from payments.models import BankLine, BankStatement, Claim, SubAccount
from tests.factories.staff import prove
from tests.factories.transfers import OURS, add_transfer, line, opening_of
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db


def accountant(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=world.accountant_id))
    prove(client)
    return client


def test_a_line_is_proposed_claimed_and_taken_back() -> None:
    world = small_world()
    address = f"/console/transfers/{add_transfer(world, timezone.now())['line_id']}/"
    client = accountant(world)

    pool = client.get("/console/transfers/").content.decode()
    filled = client.get(f"{address}?proposal=1").content.decode()
    claimed = client.post(
        address, {"act": "claim", "parts": world.residential.account_no, "reason": "来电核实"}, follow=True
    ).content.decode()
    undone = client.post(address, {"act": "undo", "reason": "记错户"}, follow=True).content.decode()

    assert "WALK01" in pool and "0–3 天" in pool
    assert "附言里写了户号" in filled and f"{world.residential.account_no} 88.00" in filled
    assert "已认领入账" in claimed
    assert "已撤销认领" in undone and "记错户" in undone


def test_a_claim_that_does_not_add_up_says_so_and_keeps_what_was_typed() -> None:
    world = small_world()
    address = f"/console/transfers/{add_transfer(world, timezone.now())['line_id']}/"

    answer = accountant(world).post(
        address, {"act": "claim", "parts": f"{world.residential.account_no} 87.99", "reason": "来电核实"}
    )

    assert answer.status_code == 422
    assert "87.99" in answer.content.decode() and not Claim.objects.exists()


def test_a_statement_is_brought_once_and_a_changed_one_refused() -> None:
    world = small_world()
    add_transfer(world, timezone.now())
    client = accountant(world)
    today = timezone.localdate() + timedelta(days=1)

    def send(fen: int, opening: int) -> int:
        raw = write_statement(OURS, today, opening, [line("NEW1", fen)])
        return client.post(
            "/console/transfers/statements/", {"file": SimpleUploadedFile("s.csv", raw)}, follow=True
        ).status_code

    opening = opening_of()

    assert [send(500, opening), send(500, opening), send(501, opening)] == [200, 200, 422]
    assert BankStatement.objects.count() == 2 and BankLine.objects.filter(serial="NEW1").count() == 1


def test_a_sub_account_is_assigned_and_ended() -> None:
    world = small_world()
    client = accountant(world)

    client.post(
        "/console/transfers/sub-accounts/",
        {"number": "622-0009", "account_no": world.residential.account_no, "from_on": "2026-01-01"},
    )
    made = SubAccount.objects.get()
    client.post("/console/transfers/sub-accounts/", {"end": made.pk})

    made.refresh_from_db()
    assert made.until_on == timezone.localdate()
