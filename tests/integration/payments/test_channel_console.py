"""The console page of connected clients: a sandbox in a minute, keys shown once, switched off at once."""

from __future__ import annotations

import html
import re
from datetime import time
from typing import Any

import pytest
from django.test import Client

from config.shared.models import User
from payments.models import ChannelClient, ClientKey
from payments.queries.taking import find_receipt
from tests.factories.channels import Bank, connect_bank, today
from tests.factories.staff import prove
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db
NEW = {
    "code": "cmb", "name": "招商银行", "kind": "bank", "use": "sandbox", "algorithm": "RSA2048-SHA256",
    "networks": "127.0.0.0/8", "days_apart": "1", "reversal_days": "0", "queries_per_minute": "600",
    "payments_per_minute": "600", "account_queries_per_hour": "60",
}  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    return small_world()


@pytest.fixture
def administrator(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=world.administrator_id), "django.contrib.auth.backends.ModelBackend")
    proven: Client = prove(client)
    return proven


def shown(text: str, mark: str) -> str:
    found = re.search(rf'id="{mark}"[^>]*>([^<]*)<', text)
    assert found, text
    return html.unescape(found[1]).strip()


def test_a_sandbox_is_made_with_a_key_that_opens_at_once_and_is_never_shown_again(
    world: World, administrator: Client
) -> None:
    made = administrator.post("/console/channels/new/", {**NEW, "area": world.province_id}).content.decode()
    private = shown(made, "new-key")
    bank = Bank("cmb", shown(made, "new-key-id"), "RSA2048-SHA256", private + "\n")

    assert bank.get(f"/accounts/{world.residential.account_no}/bills").status_code == 200
    page = administrator.get("/console/channels/cmb/").content.decode()
    assert bank.key_id in page and "PRIVATE KEY" not in page
    assert "招商银行" in administrator.get("/console/channels/").content.decode()


def test_a_productive_client_is_off_until_somebody_else_approves(world: World, administrator: Client) -> None:
    answer = administrator.post("/console/channels/new/", {**NEW, "use": "productive", "area": world.province_id})

    anywhere = administrator.post(
        "/console/channels/new/",
        {**NEW, "code": "any", "networks": "0.0.0.0/0", "use": "productive", "area": world.province_id},
    )

    assert anywhere.status_code == 422 and "任何地址" in anywhere.content.decode()
    assert answer.status_code == 302 and not ChannelClient.objects.get().is_on and not ClientKey.objects.exists()
    refused = administrator.post("/console/channels/cmb/switch/", {"to": "on", "reason": "上线"})
    assert refused.status_code == 422 and "密钥" in refused.content.decode()


def test_a_productive_system_offers_no_sandbox(world: World, administrator: Client, settings: Any) -> None:
    settings.SIMULATORS = False

    page = administrator.get("/console/channels/new/").content.decode()
    tried = administrator.post("/console/channels/new/", {**NEW, "area": world.province_id})

    assert 'value="sandbox"' not in page and "沙箱在测试系统上建" in page
    assert tried.status_code == 422 and not ChannelClient.objects.exists()


def test_a_payment_says_which_client_took_it(world: World) -> None:
    bank = connect_bank(world, "cmb")
    receipt = bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today()).json()["receipt_no"]

    found = find_receipt(receipt)

    assert found is not None and found.hall == "cmb 银行"


def test_what_is_wrong_comes_back_with_words(world: World, administrator: Client) -> None:
    connect_bank(world, "cmb")

    taken = administrator.post("/console/channels/new/", {**NEW, "area": world.province_id})
    network = administrator.post("/console/channels/cmb/change/", {**NEW, "networks": "nowhere"})

    assert (taken.status_code, network.status_code) == (422, 422)
    assert "已经有人用" in taken.content.decode() and "203.0.113.0/24" in network.content.decode()


def test_switching_off_a_client_an_area_and_a_key_holds_from_the_next_request_on(
    world: World, administrator: Client
) -> None:
    bank = connect_bank(world, "cmb")
    target = f"/accounts/{world.residential.account_no}/bills"

    administrator.post("/console/channels/cmb/area/", {"area": world.province_id, "is_on": "0"})
    assert bank.get(target).json()["code"] == "EQ0102"
    administrator.post("/console/channels/cmb/area/", {"area": world.province_id, "is_on": "1"})
    administrator.post("/console/channels/cmb/switch/", {"to": "off"})
    assert bank.get(target).json()["code"] == "EQ0101"
    administrator.post("/console/channels/cmb/switch/", {"to": "on"})
    assert bank.get(target).status_code == 200
    administrator.post(f"/console/channels/cmb/keys/{bank.key_id}/revoke/")
    assert bank.get(target).json()["code"] == "EQ0104"


def test_the_contract_is_changed(world: World, administrator: Client) -> None:
    connect_bank(world, "cmb")

    answer = administrator.post("/console/channels/cmb/change/", {**NEW, "cutoff_time": "23:00", "reversal_days": "2"})

    assert answer.status_code == 302
    client = ChannelClient.objects.get()
    assert (client.reversal_days, client.cutoff_time, client.networks) == (2, time(23), ["127.0.0.0/8"])
    assert "23:00" in administrator.get("/console/channels/cmb/").content.decode()
