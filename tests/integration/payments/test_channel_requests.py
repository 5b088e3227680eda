"""Who is let in, and what a contract allows: signatures, time, nonces, networks, keys, areas, days, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.test import Client
from django.utils import timezone

from cis.models import LedgerTransfer
from cis.operations import ledger
from config.shared import approvals
from config.shared.models import OrgUnit
from payments.models import ChannelArea, ChannelClient, ChannelNonce, ClientKey, Payment
from payments.models.channels import OWN_CHANNELS
from payments.operations import channel_clients
from payments.operations.channel_requests import RequestRefused, SignedRequest, admit, forget_requests
from payments.signing.request_signature import ALGORITHMS, HMAC_SHA256, RSA2048_SHA256, new_key
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.channels import BASE, Bank, connect_bank, today
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db

TARGET = "/api/v1/channel/payments/S1?x=1"


@pytest.fixture
def world(db: None) -> World:
    return small_world()


@pytest.fixture
def bank(world: World) -> Bank:
    return connect_bank(world)


def signed(bank: Bank, at: datetime, *, apart_s: int = 0, nonce: str = "") -> SignedRequest:
    headers = bank.headers("GET", TARGET, b"", at=int(at.timestamp()) + apart_s, nonce=nonce)
    return SignedRequest("GET", TARGET, headers["Authorization"], b"", "203.0.113.9")


def refusal(request: SignedRequest, at: datetime) -> str:
    with pytest.raises(RequestRefused) as refused:
        admit(request=request, at=at)
    return refused.value.reason


class TestLettingIn:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_every_algorithm_opens(self, world: World, algorithm: str) -> None:
        bank = connect_bank(world, "abc", algorithm=algorithm)

        assert bank.get(f"/accounts/{world.residential.account_no}/bills").status_code == 200

    @pytest.mark.acceptance("F151")
    @pytest.mark.parametrize(("apart", "is_right"), [(-301, False), (-299, True), (299, True), (301, False)])
    def test_invariant_17_299_seconds_are_taken_301_are_not(
        self, world: World, bank: Bank, apart: int, is_right: bool
    ) -> None:
        at = world.at.replace(microsecond=0)
        request = signed(bank, at, apart_s=apart)

        if is_right:
            assert admit(request=request, at=at).code == "icbc"
        else:
            assert refusal(request, at) == "out-of-time"
            assert not ChannelNonce.objects.exists()

    def test_invariant_17_a_nonce_is_used_once_and_kept_twice_the_window(self, world: World, bank: Bank) -> None:
        at = world.at
        admit(request=signed(bank, at, nonce="a" * 20), at=at)
        forget_requests(at=at + timedelta(seconds=599))

        assert refusal(signed(bank, at + timedelta(seconds=300), nonce="a" * 20), at) == "nonce-repeated"
        assert admit(request=signed(connect_bank(world, "ccb"), at, nonce="a" * 20), at=at).code == "ccb"

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "POST"},
            {"target": TARGET + "1"},
            {"target": TARGET.replace("S1", "S2")},
            {"body": b" "},
        ],
    )
    def test_invariant_16_what_was_not_signed_is_refused(
        self, world: World, bank: Bank, change: dict[str, Any]
    ) -> None:
        assert refusal(replace(signed(bank, world.at), **change), world.at) == "bad-signature"

    @pytest.mark.acceptance("F151")
    def test_the_checks_come_in_their_order(self, world: World, bank: Bank) -> None:
        """Whatever is wrong behind it, the first that fails is answered; without a signature always the same."""
        client, at = ChannelClient.objects.get(), world.at
        key = ClientKey.objects.get()
        client.is_on, client.networks, client.fingerprints = False, ["198.51.100.0/24"], ["a" * 64]
        client.save()
        key.revoked_at = at
        key.save()
        stale = signed(bank, at, apart_s=400)
        foreign = Bank(bank.code, bank.key_id, bank.algorithm, "another secret")
        strangers = [
            signed(stranger, at)
            for stranger in (foreign, replace(foreign, key_id="k_none"), replace(foreign, code="nobody"))
        ]
        told = {refusal(stranger, at) for stranger in strangers}
        order = [refusal(replace(stale, authorization="x"), at), refusal(stale, at)]
        repairs: list[Callable[[], int]] = [
            lambda: ChannelClient.objects.update(is_on=True),
            lambda: ChannelClient.objects.update(networks=["203.0.113.0/24"]),
            lambda: ChannelClient.objects.update(fingerprints=[]),
            lambda: ClientKey.objects.update(revoked_at=None),
        ]
        for repair in repairs:
            repair()
            order.append(refusal(stale, at))
            told |= {refusal(stranger, at) for stranger in strangers}

        assert told == {"bad-signature"}
        assert order == [
            "bad-header",
            "client-off",
            "network-not-allowed",
            "certificate-wrong",
            "key-not-live",
            "out-of-time",
        ]
        assert not ChannelNonce.objects.exists()

    @pytest.mark.acceptance("F151")
    def test_a_certificate_on_record_opens_and_another_does_not(self, world: World) -> None:
        bank = connect_bank(world, fingerprints=["ab:" * 31 + "ab"])
        target = f"/accounts/{world.residential.account_no}/bills"

        right = bank.get(target, more={"X-Client-Certificate-SHA256": "AB" * 32})
        wrong = bank.get(target, more={"X-Client-Certificate-SHA256": "AC" * 32})
        none = bank.get(target)

        assert (right.status_code, wrong.status_code, none.status_code) == (200, 403, 403)
        assert wrong.json()["code"] == "EQ0116"

    def test_a_large_body_is_refused_before_anything_is_read(self, bank: Bank) -> None:
        answer = Client().post(f"{BASE}/payments", data=b"x" * 16_385, content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (413, "EP0115")
        assert answer["Content-Type"] == "application/problem+json"

    def test_an_unsigned_request_is_asked_for_a_signature(self, bank: Bank) -> None:
        answer = Client(headers={"Accept-Language": "en"}).get(f"{BASE}/payments/S1")

        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (401, "ES0001", "bad-header")
        assert answer.json()["title"].startswith("The Authorization header")
        assert answer["WWW-Authenticate"].startswith("DAYINGXIAO-")


class TestKeys:
    def test_two_are_live_and_the_third_waits_for_one_to_go(self, world: World, bank: Bank) -> None:
        def another() -> channel_clients.MadeKey:
            return channel_clients.add_key(
                code="icbc", algorithm=HMAC_SHA256, public_key="", reason="", by_id=world.administrator_id,
                within=None, at=timezone.now(),
            )  # fmt: skip

        made = another()
        newer = Bank("icbc", made.key_id, made.algorithm, made.private)
        with pytest.raises(channel_clients.TwoLiveKeys):
            another()

        assert (bank.get("/payments/S1").status_code, newer.get("/payments/S1").status_code) == (404, 404)
        channel_clients.revoke_key(code="icbc", key_id=bank.key_id, within=None, at=timezone.now())
        assert bank.get("/payments/S1").json()["code"] == "ES0104"
        assert another().key_id

    def test_of_a_productive_client_wait_for_a_second_person_and_so_does_switching_on(self, world: World) -> None:
        asker, now = world.administrator_id, timezone.now()
        leader = make_user("leader", OrgUnit.objects.get(pk=world.province_id), "leader")
        contract = channel_clients.Contract("建设银行", "bank", ["203.0.113.0/24"], [world.province_id])
        channel_clients.open_client(code="ccb", contract=contract, is_sandbox=False, by_id=asker, within=None, at=now)
        private, public = new_key(RSA2048_SHA256, random=b"")
        made = channel_clients.add_key(
            code="ccb", algorithm=RSA2048_SHA256, public_key=public, reason="合同 1", by_id=asker, within=None, at=now
        )
        assert made.approval_id and not ClientKey.objects.exists() and not made.private
        with pytest.raises(channel_clients.NoKeyYet):
            channel_clients.switch_on(code="ccb", reason="上线", by_id=asker, within=None, at=now)
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=made.approval_id, decided_by_id=asker, at=now)

        approvals.approve(approval_id=made.approval_id, decided_by_id=leader.pk, at=now)
        asked = channel_clients.switch_on(code="ccb", reason="上线", by_id=asker, within=None, at=now)
        assert asked and not ChannelClient.objects.get(code="ccb").is_on
        approvals.approve(approval_id=asked, decided_by_id=leader.pk, at=now)

        bank = Bank("ccb", made.key_id, RSA2048_SHA256, private)
        request = replace(signed(bank, now), address="203.0.113.9")
        assert admit(request=request, at=now).code == "ccb"
        with pytest.raises(channel_clients.StillOn):
            channel_clients.change_contract(code="ccb", contract=contract, within=None)


class TestSandboxes:
    """Let in by one person, and so only where nothing is real."""

    def test_none_is_opened_where_real_money_is_booked(self, world: World, settings: Any) -> None:
        settings.SIMULATORS = False

        with pytest.raises(channel_clients.NoSandboxHere, match="测试系统"):
            connect_bank(world)

        assert not ChannelClient.objects.exists()

    def test_one_that_is_there_is_not_let_in(self, world: World, bank: Bank, settings: Any) -> None:
        target = f"/accounts/{world.residential.account_no}/bills"
        assert bank.get(target).status_code == 200
        settings.SIMULATORS = False

        asked = bank.get(target)
        paid = bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today())
        with pytest.raises(channel_clients.NoSandboxHere):
            channel_clients.switch_on(
                code=bank.code, reason="", by_id=world.administrator_id, within=None, at=timezone.now()
            )

        assert (asked.json()["code"], paid.json()["code"]) == ("EQ0101", "EP0101")
        assert not Payment.objects.exists()


class TestProductiveContracts:
    def open(self, world: World, code: str = "ccb", **agreed: Any) -> int:
        values = {"networks": ["203.0.113.0/24"], "area_ids": [world.province_id], **agreed}
        contract = channel_clients.Contract("建设银行", "bank", **values)
        return channel_clients.open_client(
            code=code, contract=contract, is_sandbox=False, by_id=world.administrator_id, within=None, at=world.at
        )

    @pytest.mark.parametrize("networks", [["0.0.0.0/1", "128.0.0.0/1"], ["10.0.0.0/7"], ["2000::/3"], ["::/15"]])
    def test_networks_that_are_nearly_everything_are_refused(self, world: World, networks: list[str]) -> None:
        with pytest.raises(channel_clients.UnusableNetwork, match="/8"):
            self.open(world, networks=networks)

        assert self.open(world, networks=["10.0.0.0/8", "2408::/16"])

    @pytest.mark.parametrize("code", OWN_CHANNELS)
    def test_no_client_is_called_like_a_channel_of_ours(self, world: World, code: str) -> None:
        with pytest.raises(channel_clients.CodeTaken):
            self.open(world, code)

    def test_a_key_whose_signatures_do_not_fit_the_header_is_refused(self, world: World) -> None:
        self.open(world)
        large = generate_private_key(public_exponent=65537, key_size=4104).public_key()
        pem = large.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

        with pytest.raises(channel_clients.UnusableClientKey):
            channel_clients.add_key(
                code="ccb", algorithm=RSA2048_SHA256, public_key=pem.decode(), reason="合同 1",
                by_id=world.administrator_id, within=None, at=world.at,
            )  # fmt: skip


class TestTheContract:
    @pytest.mark.acceptance("004-43")
    def test_an_area_is_switched_off_and_on_without_touching_the_others(self, world: World, bank: Bank) -> None:
        in_a, in_b = world.residential.account_no, world.residential_day_15.account_no
        switch = partial(
            channel_clients.switch_area,
            code="icbc",
            org_unit_id=world.county_a_id,
            reason="",
            by_id=world.administrator_id,
            within=None,
            at=world.at,
        )

        switch(is_on=False)
        off = bank.pay(in_a, 100, serial="S1", bank_date=today())
        other = bank.pay(in_b, 100, serial="S2", bank_date=today())
        switch(is_on=True)
        on = bank.pay(in_a, 100, serial="S1", bank_date=today())

        assert (off.status_code, off.json()["code"]) == (403, "EP0102") and "营业厅" in off.json()["title"]
        assert (other.status_code, on.status_code) == (201, 201)

    def test_a_client_without_an_area_collects_nowhere(self, world: World, bank: Bank) -> None:
        ChannelArea.objects.all().delete()

        assert bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today()).json()["code"] == "EP0102"

    def test_while_its_batch_runs_nothing_is_collected(self, world: World) -> None:
        now = timezone.localtime()
        bank = connect_bank(
            world, blackout_from=(now - timedelta(hours=1)).time(), blackout_until=(now + timedelta(hours=1)).time()
        )

        paid = bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today())
        asked = bank.get(f"/accounts/{world.residential.account_no}/bills")

        assert (paid.json()["code"], asked.json()["code"]) == ("EP0007", "EQ0007")
        assert not Payment.objects.exists()

    def test_invariant_27_the_business_day_is_the_banks_and_never_a_closed_one(self, world: World, bank: Bank) -> None:
        day = timezone.localdate()
        yesterday, tomorrow = day - timedelta(days=1), day + timedelta(days=1)
        ledger.close_day(business_date=yesterday, closed_by_id=None, at=timezone.now())
        no = world.residential.account_no

        closed = bank.pay(no, 100, serial="S1", bank_date=yesterday.isoformat())
        far = bank.pay(no, 100, serial="S2", bank_date=(day + timedelta(days=30)).isoformat())
        taken = bank.pay(no, 100, serial="S3", bank_date=tomorrow.isoformat())

        assert [answer.json()["code"] for answer in (closed, far)] == ["EP0008", "EP0008"]
        assert taken.status_code == 201
        assert list(Payment.objects.values_list("serial", "business_date")) == [("S3", tomorrow)]
        assert bank.pay(no, 100, serial="S3", bank_date=tomorrow.isoformat()).json() == taken.json()

    def test_after_its_day_a_payment_is_reversed_no_more(self, world: World, bank: Bank) -> None:
        bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today())
        tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()

        assert bank.reverse("S1", bank_date=tomorrow).json()["code"] == "ER0008"
        ChannelClient.objects.update(reversal_days=1)
        assert bank.reverse("S1", bank_date=tomorrow).status_code == 201


class TestWhatIsAskedAndTaken:
    def test_arrears_say_what_a_teller_needs_and_no_more(self, world: World, bank: Bank) -> None:
        bill_no = issue(world, 3_000, due_on=NOT_YET_DUE)

        owed = bank.get(f"/accounts/{world.residential.account_no}/bills").json()

        assert owed["name"] == "张*" and owed["to_pay_fen"] == 3_000
        assert [(bill["bill_no"], bill["to_pay_fen"], bill["month"]) for bill in owed["bills"]] == [
            (bill_no, 3_000, "2026-01")
        ]
        assert "address" not in owed

    def test_bills_that_are_named_take_what_is_said_or_nothing(self, world: World, bank: Bank) -> None:
        older = issue(world, 3_000, cycle=202511, due_on=NOT_YET_DUE)
        newer = issue(world, 5_000, due_on=NOT_YET_DUE)
        no = world.residential.account_no

        wrong = bank.pay(no, 5_000, serial="S1", bank_date=today(), bills=[{"bill_no": newer, "amount_fen": 4_000}])
        foreign = bank.pay(
            no, 5_000, serial="S1", bank_date=today(), bills=[{"bill_no": "9" * 16, "amount_fen": 5_000}]
        )
        right = bank.pay(no, 5_000, serial="S1", bank_date=today(), bills=[{"bill_no": newer, "amount_fen": 5_000}])

        assert (wrong.json()["code"], foreign.json()["code"]) == ("EP0117", "EP0114")
        assert [part["bill_no"] for part in right.json()["allocations"]] == [newer] and older
        assert Payment.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"amount_fen": 0}, "EP0117"),
            ({"amount_fen": 10**11 + 1}, "EP0117"),
            ({"amount_fen": 1.0}, "EP0001"),
            ({"amount_fen": "100"}, "EP0001"),
            ({"amount_fen": True}, "EP0001"),
            ({"bank_date": "03/02/2026"}, "EP0001"),
            ({"account_no": "9999999999"}, "EP0006"),
            ({"channel_serial": "a b"}, "EP0001"),
        ],
    )
    def test_what_cannot_be_is_refused_with_its_code(
        self, world: World, bank: Bank, change: dict[str, Any], code: str
    ) -> None:
        values = {
            "channel_serial": "S1", "bank_date": today(), "account_no": world.residential.account_no, "amount_fen": 100
        }  # fmt: skip

        answer = bank.post("/payments", {**values, **change})

        assert (answer.json()["code"], answer["Content-Type"]) == (code, "application/problem+json")
        assert not Payment.objects.exists()

    def test_brackets_without_end_are_refused_and_no_fault(self, world: World, bank: Bank) -> None:
        body = b"[" * 16_000
        headers = {"Idempotency-Key": "k", **bank.headers("POST", f"{BASE}/payments", body)}

        answer = Client(headers=headers).post(f"{BASE}/payments", data=body, content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (422, "EP0001")

    def test_money_lies_on_the_clients_own_account_in_the_books(self, world: World, bank: Bank) -> None:
        other = connect_bank(world, "ccb")
        bank.pay(world.residential.account_no, 100, serial="S1", bank_date=today())
        other.pay(world.residential.account_no, 300, serial="S1", bank_date=today())

        clearing = dict(ChannelClient.objects.values_list("code", "clearing_id"))
        held = {
            code: sum(ledger_row.amount_fen for ledger_row in _transfers_into(account))
            for code, account in clearing.items()
        }
        assert held == {"icbc": 100, "ccb": 300} and len(set(clearing.values())) == 2

    def test_the_path_of_a_payment_is_short(
        self, world: World, bank: Bank, django_assert_max_num_queries: Callable[[int], Any]
    ) -> None:
        issue(world, 3_000, due_on=NOT_YET_DUE)
        bank.pay(world.residential.account_no, 1_000, serial="S0", bank_date=today())

        with django_assert_max_num_queries(38):
            assert bank.pay(world.residential.account_no, 1_000, serial="S1", bank_date=today()).status_code == 201


class TestLimits:
    def test_one_client_out_of_tokens_waits_and_another_does_not(self, world: World) -> None:
        noisy = connect_bank(world, "noisy", queries_per_minute=2)
        quiet = connect_bank(world, "quiet")

        answers = [noisy.get("/payments/S1") for _each in range(3)]

        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert answers[-1].json()["code"] == "ES0014" and 1 <= int(answers[-1]["Retry-After"]) <= 30
        assert answers[0]["RateLimit-Limit"] == "2" and answers[0]["RateLimit-Remaining"] == "1"
        assert quiet.get("/payments/S1").status_code == 404
        # What it asks does not use up what it may pay.
        assert noisy.pay(world.residential.account_no, 1, serial="S1", bank_date=today()).status_code == 201

    def test_numbers_are_not_to_be_tried_out(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("payments.api.v1.channel.UNKNOWN_ACCOUNTS_AN_HOUR", 3)
        bank = connect_bank(world, "curious", account_queries_per_hour=2)
        no = world.residential.account_no

        asked = [bank.get(f"/accounts/{no}/bills").status_code for _each in range(3)]
        tried = [bank.get(f"/accounts/999999999{last}/bills").status_code for last in range(4)]

        assert asked == [200, 200, 429]
        assert tried == [404, 404, 404, 429]

    def test_nor_are_numbers_of_other_areas_and_by_payments(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payments.api.v1.channel.UNKNOWN_ACCOUNTS_AN_HOUR", 2)
        bank = connect_bank(world, "curious", area_ids=[world.county_b_id])
        foreign, mine = world.residential.account_no, world.residential_day_15.account_no

        asked = [bank.get(f"/accounts/{foreign}/bills").status_code for _each in range(3)]
        paid = [bank.pay(no, 1, serial=f"S{no}", bank_date=today()).status_code for no in (mine, foreign, "9" * 10)]
        spent = bank.pay(mine, 1, serial="S-late", bank_date=today())

        assert asked == [403, 403, 429]
        assert paid == [201, 403, 404]
        assert (spent.status_code, spent.json()["code"]) == (429, "EP0014") and int(spent["Retry-After"]) > 0

    def test_the_day_is_looked_at_before_the_account(self, world: World, bank: Bank) -> None:
        far = (timezone.localdate() + timedelta(days=30)).isoformat()

        assert bank.pay("9999999999", 100, serial="S1", bank_date=far).json()["code"] == "EP0008"


def _transfers_into(account: int) -> Any:
    return LedgerTransfer.objects.filter(debit_id=account)
