"""Receipts that a third party verifies: by camera, by pasting, or without anybody's network."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from config.shared.models import Message
from payments import operations, queries
from payments.models import ReceiptKey
from payments.operations.receipt_keys import (
    ReceiptKeyUnknown,
    WithdrawalUnfounded,
    receipt_code,
    rotate_receipt_key,
    withdraw_receipt_key,
)
from payments.queries.receipt_checks import Verdict, check_receipt
from payments.signing.receipt_code import ReceiptFacts, key_id_of, new_key_pair, write_code
from tests.factories.messages import text_of
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_counter_pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "http://testserver/verify/"
EXAMPLE = Path(settings.BASE_DIR) / "payments" / "integrators" / "example_client_receipt.py"


@pytest.fixture
def world() -> World:
    return small_world(at=timezone.now())


def code_of(world: World, fen: int = 18_640, **more: Any) -> str:
    taken = pay(world, fen=fen, **more)
    payment = queries.get_receipt(taken.receipt_no, on=timezone.localdate()).payment
    return receipt_code(payment=payment, address=HERE, at=timezone.now())


def verdict_of(page: str) -> str:
    """The words of the notice."""
    found = re.search(r'<div class="notice-body">(.*?)</div>', page, re.S)
    assert found is not None
    return html.unescape(found[1])


def scanned(pdf: bytes, *, dots_per_inch: int = 150) -> str:
    """What a camera reads from the first page on paper."""
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=dots_per_inch / 72).to_pil()
    [found] = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return found.text


class TestOnPaper:
    @pytest.mark.parametrize("paper", ["a4", "slip"])
    def test_the_code_is_read_by_a_camera_and_leads_to_the_verdict(self, world: World, paper: str) -> None:
        taken = pay(world, fen=18_640)
        pdf = signed_in(world.clerk_a_id).get(f"/console/payments/{taken.receipt_no}/receipt-{paper}.pdf").content

        code = scanned(pdf)

        assert code.startswith(f"{HERE}DYX1.") and check_receipt(code).verdict == Verdict.VALID
        page = Client().get(code.removeprefix("http://testserver")).content.decode()
        assert "有效" in verdict_of(page) and taken.receipt_no in page and "186.40" in page
        account_no = world.residential.account_no
        assert f"******{account_no[-4:]}" in page and account_no not in page and "张*" not in page

    def test_leads_to_the_public_address_where_there_is_one_whatever_host_a_caller_names(
        self, world: World, settings: Any
    ) -> None:
        settings.PUBLIC_ADDRESS = "https://95598.example.test"
        taken = pay(world, fen=18_640)

        pdf = signed_in(world.clerk_a_id).get(f"/console/payments/{taken.receipt_no}/receipt-a4.pdf").content

        code = scanned(pdf)
        assert code.startswith("https://95598.example.test/verify/DYX1.")
        page = Client().get(f"/verify/{code.rstrip('/').rpartition('/')[2]}/").content.decode()
        assert "有效" in verdict_of(page)


class TestThePage:
    def test_takes_pasted_text_with_the_line_breaks_of_a_printed_page(self, world: World) -> None:
        code = code_of(world)
        broken = f" {code[:70]}\n{code[70:140]}\r\n {code[140:]}\n"

        page = Client().get("/verify/", {"code": broken}).content.decode()

        assert "有效" in verdict_of(page)

    def test_says_that_it_was_altered_and_shows_nothing_of_it(self, world: World) -> None:
        code = code_of(world).replace(".18640.", ".98640.")

        for page in (Client().get("/verify/", {"code": code}), Client().get(code.removeprefix("http://testserver"))):
            text = page.content.decode()
            assert page.status_code == 200 and "不可信" in verdict_of(text)
            assert "986.40" not in text and "收据号" not in text

    def test_says_that_the_payment_was_taken_back_and_not_why(self, world: World) -> None:
        taken = pay(world, fen=18_640)
        payment = queries.get_receipt(taken.receipt_no, on=timezone.localdate()).payment
        code = receipt_code(payment=payment, address=HERE, at=timezone.now())
        operations.reverse_payment(
            payment_id=taken.payment_id,
            reason="客户家事",
            reversed_by_id=world.clerk_a_id,
            at=timezone.now(),
            within=["/"],
        )

        page = Client().get("/verify/", {"code": code}).content.decode()

        assert "作废" in verdict_of(page) and "客户家事" not in page

    def test_knows_a_stranger_s_key_a_code_cut_short_and_an_empty_form(self, world: World) -> None:
        code = code_of(world)
        private, public = new_key_pair()
        forged = write_code(
            ReceiptFacts(key_id_of(public), "202611220000000042", 1, world.at.date(), "x0003", "cash", "湖北"),
            address=HERE,
            private_key=private,
        )

        assert "不是用我公司的密钥" in verdict_of(Client().get("/verify/", {"code": forged}).content.decode())
        assert "没有认出" in verdict_of(Client().get("/verify/", {"code": code[:-9]}).content.decode())
        assert "没有认出" in verdict_of(Client().get("/verify/anything/").content.decode())
        assert "没有认出" not in Client().get("/verify/").content.decode()

    def test_does_not_believe_our_own_key_about_money_that_is_not_on_the_books(self, world: World) -> None:
        code_of(world)
        key = ReceiptKey.objects.get()
        stolen = ReceiptFacts(key.key_id, "202611229999999942", 1, world.at.date(), "x0003", "cash", "湖北")

        code = write_code(stolen, address=HERE, private_key=key.private_key)

        assert check_receipt(code).verdict == Verdict.NOT_ON_BOOKS

    def test_looks_nothing_up_before_the_signature_holds(
        self, world: World, django_assert_max_num_queries: Any
    ) -> None:
        code = code_of(world).replace(".18640.", ".98640.")

        with django_assert_max_num_queries(1):
            assert check_receipt(code).verdict == Verdict.ALTERED


class TestKeys:
    def test_a_rotated_key_s_receipts_stay_good_and_its_private_half_is_gone(self, world: World) -> None:
        before = code_of(world)
        first = ReceiptKey.objects.get().key_id

        second = rotate_receipt_key(at=timezone.now())
        after = code_of(world, 200)

        assert f"DYX1.{first}." in before and f"DYX1.{second}." in after and first != second
        assert check_receipt(before).verdict == check_receipt(after).verdict == Verdict.VALID
        assert [bool(key.private_key) for key in ReceiptKey.objects.order_by("pk")] == [False, True]
        published = Client().get("/verify/keys.json").json()
        assert [key["key_id"] for key in published["keys"]] == [second, first]
        assert "private" not in json.dumps(published)

    def test_a_withdrawn_key_is_believed_no_more_and_another_signs(self, world: World) -> None:
        code = code_of(world)
        first = ReceiptKey.objects.get().key_id

        withdraw_receipt_key(key_id=first, reason="备份外泄", at=timezone.now())
        withdraw_receipt_key(key_id=first, reason="再来一次", at=timezone.now() + timedelta(days=1))

        assert check_receipt(code).verdict == Verdict.WITHDRAWN_KEY
        assert check_receipt(code_of(world, 200)).verdict == Verdict.VALID
        assert ReceiptKey.objects.get(key_id=first).reason == "备份外泄"
        with pytest.raises(ReceiptKeyUnknown):
            withdraw_receipt_key(key_id="00000000", reason="备份外泄", at=timezone.now())
        with pytest.raises(WithdrawalUnfounded):
            withdraw_receipt_key(key_id=first, reason=" ", at=timezone.now())

    def test_the_private_half_is_sealed_in_the_database(self, world: World) -> None:
        code_of(world)

        with connection.cursor() as cursor:
            cursor.execute("SELECT private_key FROM payments_receipt_key")
            stored = cursor.fetchone()[0]

        assert stored.startswith(f"{settings.PERSONAL_DATA_CIPHER}:")
        assert ReceiptKey.objects.get().private_key not in stored

    def test_many_who_find_none_make_one(self, world: World) -> None:
        taken = pay(world, fen=100)
        payment = queries.get_receipt(taken.receipt_no, on=timezone.localdate()).payment
        codes: list[str] = []
        start = threading.Barrier(6)

        def sign() -> None:
            start.wait()
            try:
                codes.append(receipt_code(payment=payment, address=HERE, at=timezone.now()))
            finally:
                connection.close()

        threads = [threading.Thread(target=sign) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(codes) == 6 and len(set(codes)) == 1 and ReceiptKey.objects.count() == 1

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM payments_receipt_key",
            "UPDATE payments_receipt_key SET public_key = 'x'",
            "UPDATE payments_receipt_key SET retired_at = NULL, private_key = 'x' WHERE retired_at IS NOT NULL",
            "UPDATE payments_receipt_key SET retired_at = now() WHERE retired_at IS NULL",
            "INSERT INTO payments_receipt_key (key_id, public_key, private_key, made_at, reason)"
            " VALUES ('00000000', 'x', 'x', now(), '')",
        ],
        ids=["deleted", "exchanged", "revived", "kept private when retired", "two sign"],
    )
    def test_are_kept_by_the_database(self, world: World, change: str) -> None:
        code_of(world)
        rotate_receipt_key(at=timezone.now())

        with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)

    def test_are_listed_rotated_and_withdrawn_from_a_shell(self) -> None:
        call_command("receipt_key", "--rotate", stdout=StringIO())
        out = StringIO()
        call_command("receipt_key", "--rotate", "--json", stdout=out)
        second, first = json.loads(out.getvalue())

        out = StringIO()
        call_command("receipt_key", "--withdraw", first["key_id"], "--reason", "演练", stdout=out)

        assert f"{first['key_id']}" in out.getvalue() and "withdrawn" in out.getvalue()
        assert ReceiptKey.objects.get(retired_at=None).key_id == second["key_id"]
        with pytest.raises(CommandError):
            call_command("receipt_key", "--withdraw", second["key_id"], stdout=StringIO())


class TestAThirdParty:
    @pytest.mark.acceptance("F57")
    def test_verifies_the_receipt_of_a_message_with_no_network_at_all(
        self, world: World, settings: Any, tmp_path: Path
    ) -> None:
        """From the message on the payer's telephone to a verdict at a desk whose computer has no line."""
        settings.PUBLIC_ADDRESS = "https://95598.example.test"
        taken = pay(world, fen=18_640)
        operations.tell_payer(payment_id=taken.payment_id, at=timezone.now())
        message = text_of(Message.objects.get(template="payment-received-link", channel="sms"))
        address = re.search(r"https://95598\.example\.test(/receipts/\S+/)", message)
        assert address is not None
        opened = Client().get(address[1]).content.decode()
        assert taken.receipt_no in opened and "data:image/svg+xml" in opened
        pdf = signed_in(world.clerk_a_id).get(f"/console/payments/{taken.receipt_no}/receipt-slip.pdf").content
        code = scanned(pdf)
        (tmp_path / "keys.json").write_bytes(Client().get("/verify/keys.json").content)
        rotate_receipt_key(at=timezone.now())

        good = offline(tmp_path, code)

        assert good.returncode == 0, good.stderr
        assert json.loads(good.stdout)["amount_fen"] == 18_640
        assert json.loads(good.stdout)["receipt_no"] == taken.receipt_no
        for place in range(0, len(code), 17):
            other = "2" if code[place] != "2" else "3"
            assert offline(tmp_path, f"{code[:place]}{other}{code[place + 1 :]}").returncode == 1
        keys = json.loads((tmp_path / "keys.json").read_text())
        keys["keys"][0]["withdrawn_at"] = "2026-11-22T00:00:00Z"
        (tmp_path / "keys.json").write_text(json.dumps(keys))
        assert "withdrawn" in offline(tmp_path, code).stderr

    def test_reads_the_program_where_it_connects(self) -> None:
        page = html.unescape(Client().get("/integrators/").content.decode())

        assert EXAMPLE.read_text("utf-8").splitlines()[1] in page

    def test_is_stopped_by_our_test_where_it_opens_a_socket(self, tmp_path: Path) -> None:
        """The harness below is itself tried: a program that calls somebody ends."""
        (tmp_path / "calls.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9))")

        done = run_without_network(tmp_path, "calls.py")

        assert done.returncode == 97


def offline(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    (folder / EXAMPLE.name).write_bytes(EXAMPLE.read_bytes())
    return run_without_network(folder, EXAMPLE.name, "keys.json", code)


def run_without_network(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose first socket or look-up of a name ends it with 97."""
    (folder / "guarded.py").write_text(
        "import os, runpy, sys\n"
        "sys.addaudithook(lambda event, _: os._exit(97) if event.startswith('socket.') else None)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "guarded.py", *command],
        cwd=folder, env={"PATH": ""}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
