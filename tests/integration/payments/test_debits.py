"""Bank batch debit: the file there and back, partial failures, freezes against payments, kills, files refused whole."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cis.models import Bill
from cis.operations import ledger
from config.shared.models import Message, User
from payments.models import DebitAgreement, DebitBatch, DebitRow, Payment, PaymentOrder
from payments.operations.debit_agreements import (
    DebitAgreed,
    DebitTerms,
    DebitTermsRefused,
    end_debit,
    sign_debit,
)
from payments.operations.debit_batches import (
    AnswerChanged,
    AnswerRefused,
    BatchNotThere,
    NothingToDebit,
    book_answers,
    cancel_batch,
    layout_of,
    send_batch,
)
from payments.operations.debit_freezes import BatchRunning
from payments.operations.taking import book_payment, take_payment
from payments.simulators import debit_bank
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.channels import connect_bank, today
from tests.factories.debits import BANK, CARD, answer, freeze, set_up, sign, take
from tests.factories.staff import prove
from tests.factories.world import AccountIds, World, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = small_world()
    set_up()
    return world


def bill(world: World, account: AccountIds, fen: int) -> Bill:
    return Bill.objects.get(pk=int(issue(world, fen, account=account, due_on=NOT_YET_DUE)[6:]))


def pay_at_counter(world: World, account: AccountIds, fen: int, key: str = "counter-key-1") -> Any:
    return take_payment(
        account_id=account.account_id, amount_fen=fen, method="cash", org_unit_id=world.hall_a_id,
        received_by_id=world.clerk_a_id, form_key=key, at=timezone.now(),
    )  # fmt: skip


def states(batch_id: int) -> list[tuple[str, str]]:
    return list(DebitRow.objects.filter(batch_id=batch_id).order_by("seq").values_list("state", "code"))


def on_clearing() -> int:
    """Debits less credits of the clearing account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(CASE WHEN debit_id = %(id)s THEN amount_fen ELSE -amount_fen END), 0)::bigint "
            "FROM cis_ledger_transfer WHERE %(id)s IN (debit_id, credit_id)",
            {"id": ledger.control_id("DEBIT_CLEARING")},
        )
        return int(cursor.fetchone()[0])


class TestRoundTrip:
    @pytest.mark.acceptance("F47")
    @pytest.mark.parametrize(("separator", "encoding"), [("|", "utf-8"), ("", "gb18030")])
    def test_a_file_there_and_back_with_refusals_books_what_was_debited_once(
        self, separator: str, encoding: str
    ) -> None:
        world = small_world()
        set_up(separator=separator, encoding=encoding)
        accounts = world.accounts
        bills = [bill(world, account, 1_000 * place) for place, account in enumerate(accounts, start=1)]
        for account, ending in zip(accounts, ("1111", "2222", "3333", "4444"), strict=True):
            sign(account, ending=ending)

        batch_id = freeze(world)
        content = answer(batch_id, {"2222": "51", "3333": "14"})
        assert take(world, batch_id, content)
        book_answers(batch_id=batch_id, at=timezone.now())

        assert states(batch_id) == [("booked", "ok"), ("failed", "short"), ("failed", "closed"), ("booked", "ok")]
        assert [Bill.objects.get(pk=one.pk).open_fen for one in bills] == [0, 2_000, 3_000, 0]
        payments = list(Payment.objects.order_by("account_id").values_list("method", "channel", "amount_fen", "serial"))
        number = str(DebitBatch.objects.get())
        assert payments == [
            ("debit", "debit", 1_000, f"{BANK}:{number}:1"),
            ("debit", "debit", 4_000, f"{BANK}:{number}:4"),
        ]
        assert on_clearing() == 5_000
        assert DebitBatch.objects.get().state == "done"
        assert ledger.verify().faults == ()
        # The same answer again changes nothing, another one is refused.
        assert not take(world, batch_id, content)
        assert book_answers(batch_id=batch_id, at=timezone.now()) == 0
        with pytest.raises(AnswerChanged):
            take(world, batch_id, answer(batch_id))
        assert Payment.objects.count() == 2

    def test_money_short_is_tried_again_on_the_agreed_day_and_given_up_at_last(self, world: World) -> None:
        first = bill(world, world.residential, 1_000)
        sign(world.residential, ending="2222")
        now = timezone.now()
        for attempt in range(2):
            at = now + timedelta(days=3 * attempt)
            batch_id = freeze(world, at=at)
            take(world, batch_id, answer(batch_id, {"2222": "51"}, at=at), at=at)
            book_answers(batch_id=batch_id, at=at)
            with pytest.raises(NothingToDebit):
                freeze(world, at=at + timedelta(days=2))
            assert Message.objects.filter(template="debit-failed").exists() == bool(attempt)
        with pytest.raises(NothingToDebit):
            freeze(world, at=now + timedelta(days=9))

        issue(world, 500, account=world.residential, cycle=world.cycles[0], due_on=NOT_YET_DUE)

        batch_id = freeze(world, at=now + timedelta(days=9))
        assert DebitRow.objects.get(batch_id=batch_id).amount_fen == first.total_fen + 500

    def test_a_closed_card_ends_the_agreement(self, world: World) -> None:
        bill(world, world.residential, 1_000)
        sign(world.residential)
        batch_id = freeze(world)
        take(world, batch_id, answer(batch_id, {"7662": "14"}))
        book_answers(batch_id=batch_id, at=timezone.now())
        assert DebitAgreement.objects.get().state == "ended"
        assert set(Message.objects.values_list("template", flat=True)) >= {"debit-signed", "debit-ended"}

    def test_above_the_limit_or_with_an_order_under_way_nothing_is_asked_for(self, world: World) -> None:
        for account in (world.residential, world.residential_tou, world.commercial):
            bill(world, account, 1_000)
        sign(world.residential, limit_fen=999)
        sign(world.residential_tou)
        sign(world.commercial, limit_fen=1_000)
        now = timezone.now()
        PaymentOrder.objects.create(
            out_trade_no="W1", channel="wallet", account_id=world.residential_tou.account_id, amount_fen=1,
            created_at=now, expires_at=now, ask_at=now,
        )  # fmt: skip
        batch = DebitBatch.objects.get(pk=freeze(world))
        assert batch.skipped == {"limit": 1, "order": 1}
        assert [row.account_id for row in batch.rows.all()] == [world.commercial.account_id]


class TestFreezes:
    def test_invariant_24_one_open_batch_the_debt_at_the_freeze_and_never_both(self, world: World) -> None:
        owed = bill(world, world.residential, 1_000)
        sign(world.residential)
        made = together([lambda: freeze(world), lambda: freeze(world)])
        (batch_id,) = (one for one in made if isinstance(one, int))
        row = DebitRow.objects.get()
        assert (row.amount_fen, row.bill_ids) == (1_000, [owed.pk])
        with pytest.raises(DatabaseError), transaction.atomic():
            DebitRow.objects.create(
                batch_id=batch_id, seq=99, agreement_id=row.agreement_id, account_id=row.account_id, amount_fen=1,
                bill_ids=[],
            )  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            DebitRow.objects.filter(pk=row.pk).update(amount_fen=999)
        bank = connect_bank(world)
        content = answer(batch_id)

        number = world.residential.account_no
        asked = bank.get(f"/accounts/{number}/bills")
        paid = bank.pay(number, 1_000, serial="S1", bank_date=today())
        with pytest.raises(BatchRunning):
            pay_at_counter(world, world.residential, 1_000)

        assert (asked.json()["code"], paid.json()["code"]) == ("EQ0007", "EP0007")
        with pytest.raises(DatabaseError), transaction.atomic():
            DebitRow.objects.filter(pk=row.pk).update(state="excluded")
        take(world, batch_id, content)
        book_answers(batch_id=batch_id, at=timezone.now())
        assert list(Payment.objects.values_list("method", "amount_fen", "prepaid_fen")) == [("debit", 1_000, 0)]
        assert pay_at_counter(world, world.residential, 700).prepaid_fen == 700

    def test_who_pays_before_the_file_is_sent_leaves_the_batch(self, world: World) -> None:
        bill(world, world.residential, 1_000)
        bill(world, world.commercial, 2_000)
        sign(world.residential)
        sign(world.commercial)
        batch_id = freeze(world)
        pay_at_counter(world, world.residential, 1_000)

        sent = send_batch(batch_id=batch_id, at=timezone.now())

        assert (sent.rows, sent.total_fen) == (1, 2_000)
        assert send_batch(batch_id=batch_id, at=timezone.now()) == sent
        assert states(batch_id) == [("excluded", ""), ("open", "")]

    @pytest.mark.parametrize("turn", range(4))
    def test_a_payment_and_the_sending_at_one_moment_never_both(self, world: World, turn: int) -> None:
        owed = bill(world, world.residential, 1_000)
        bill(world, world.commercial, 2_000)
        sign(world.residential)
        sign(world.commercial)
        if turn % 2:
            batch_id = freeze(world)
            acts = [lambda: send_batch(batch_id=batch_id, at=timezone.now()).rows]
        else:
            acts = [lambda: freeze(world)]
        results = together([*acts, lambda: pay_at_counter(world, world.residential, 1_000)])

        assert not isinstance(results[0], Exception)
        is_paid = not isinstance(results[1], Exception)
        assert is_paid or isinstance(results[1], BatchRunning)
        batch_id = DebitBatch.objects.get().pk
        sent = send_batch(batch_id=batch_id, at=timezone.now())
        assert sent.rows == (1 if is_paid else 2)
        take(world, batch_id, answer(batch_id))
        book_answers(batch_id=batch_id, at=timezone.now())
        assert Bill.objects.get(pk=owed.pk).open_fen == 0
        assert Payment.objects.filter(account_id=world.residential.account_id).count() == 1
        assert not Payment.objects.filter(prepaid_fen__gt=0).exists()

    def test_money_that_is_here_already_is_booked_and_the_debit_becomes_prepayment(self, world: World) -> None:
        owed = bill(world, world.residential, 1_000)
        sign(world.residential)
        batch_id = freeze(world)
        content = answer(batch_id)
        with transaction.atomic():
            book_payment(
                channel="wallet", serial="late-notice", account_id=world.residential.account_id, amount_fen=1_000,
                method="wallet", org_unit_id=None, received_by_id=None, reference="", chosen=[owed.pk], is_wish=True,
                at=timezone.now(),
            )  # fmt: skip
        take(world, batch_id, content)
        book_answers(batch_id=batch_id, at=timezone.now())
        assert Bill.objects.get(pk=owed.pk).open_fen == 0
        assert Payment.objects.get(method="debit").prepaid_fen == 1_000

    def test_cancelled_before_it_is_sent_and_never_after(self, world: World) -> None:
        bill(world, world.residential, 1_000)
        sign(world.residential)
        cancel_batch(batch_id=freeze(world))
        again = freeze(world)
        answer(again)
        with pytest.raises(BatchNotThere):
            cancel_batch(batch_id=again)

    def test_ended_while_frozen_leaves_the_batch_and_while_sent_does_not(self, world: World) -> None:
        for account in (world.residential, world.commercial):
            bill(world, account, 1_000)
            sign(account)
        batch_id = freeze(world)
        end_debit(account_id=world.residential.account_id, reason="换卡", ended_by_id=None, at=timezone.now())
        content = answer(batch_id)
        end_debit(account_id=world.commercial.account_id, reason="换卡", ended_by_id=None, at=timezone.now())
        take(world, batch_id, content)
        book_answers(batch_id=batch_id, at=timezone.now())
        assert states(batch_id) == [("excluded", ""), ("booked", "ok")]


class TestAnswers:
    @pytest.mark.parametrize("fault", ["byte", "cut", "row-lost", "amount", "other-batch", "code"])
    def test_a_file_that_was_altered_is_refused_whole(self, world: World, fault: str) -> None:
        for account in (world.residential, world.commercial):
            bill(world, account, 1_000)
            sign(account)
        batch_id = freeze(world)
        content = answer(batch_id, {"7662": "77"} if fault == "code" else None)
        lines = content.split(b"\n")
        if fault == "byte":
            content = content.replace(b"1000", b"1001", 1)
        elif fault == "cut":
            content = b"\n".join(lines[:-2]) + b"\n"
        elif fault in ("row-lost", "amount", "other-batch"):
            content = _written_anew(lines, fault)

        with pytest.raises(AnswerRefused):
            take(world, batch_id, content)

        assert DebitBatch.objects.get().state == "sent"
        assert set(states(batch_id)) == {("open", "")}

    def test_killed_in_the_middle_and_begun_again_books_each_once(self, world: World) -> None:
        rows = [bill(world, account, 1_000) for account in world.accounts]
        for account in world.accounts:
            sign(account)
        batch_id = freeze(world)
        take(world, batch_id, answer(batch_id))
        name = connection.settings_dict["NAME"]
        program = (
            "import os, signal, django; django.setup()\n"
            "from django.conf import settings; from django.db import connection\n"
            f"connection.settings_dict['NAME'] = {name!r}\n"
            "from django.utils import timezone\n"
            "from payments.operations import debit_batches as d\n"
            "d._ROWS_A_COMMIT = 1; real = d._conclude; n = [0]\n"
            "def die(row, at):\n"
            "    real(row, at); n[0] += 1\n"
            "    if n[0] == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
            "d._conclude = die\n"
            f"d.book_answers(batch_id={batch_id}, at=timezone.now())\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | _environment(), check=False, capture_output=True
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-500:]
        assert Payment.objects.count() == 2

        together([lambda: book_answers(batch_id=batch_id, at=timezone.now()) for _ in range(3)])

        assert Payment.objects.count() == 4
        assert sum(Bill.objects.get(pk=one.pk).open_fen for one in rows) == 0
        assert on_clearing() == 4_000
        assert DebitBatch.objects.get().state == "done"


def test_freezing_and_answering_take_as_many_statements_for_one_as_for_many(world: World) -> None:
    for account in world.accounts:
        sign(account)
    counted = []
    for many in (1, 4):
        for account in world.accounts[:many]:
            bill(world, account, 1_000) if not DebitBatch.objects.exists() else issue(
                world, 1_000, account=account, cycle=world.cycles[0], due_on=NOT_YET_DUE
            )
        with CaptureQueriesContext(
            connection,
        ) as frozen:
            batch_id = freeze(world)
        content = answer(batch_id)
        with CaptureQueriesContext(connection) as taken:
            take(world, batch_id, content)
        book_answers(batch_id=batch_id, at=timezone.now())
        assert DebitRow.objects.filter(batch_id=batch_id).count() == many
        counted.append((len(frozen), len(taken)))
    assert counted[0] == counted[1]


class TestAgreements:
    def test_one_holds_at_a_time_and_the_same_signing_of_a_bank_is_one(self, world: World) -> None:
        day = timezone.localdate()

        def signing(serial: str, account: AccountIds, limit: int = 5_000) -> int:
            return sign_debit(
                account_id=account.account_id, bank_code=BANK, terms=DebitTerms("李四", CARD + "1111", limit, day),
                place="bank", signed_by_id=None, at=timezone.now(), bank_serial=serial,
            )  # fmt: skip

        results = together([lambda: signing("B1", world.residential) for _ in range(3)])
        assert len({one for one in results if isinstance(one, int)}) == 1
        assert DebitAgreement.objects.count() == 1
        for serial, account, limit in (
            ("B2", world.residential, 5_000), ("B1", world.commercial, 5_000), ("B1", world.residential, 1),
        ):  # fmt: skip
            with pytest.raises(DebitAgreed):
                signing(serial, account, limit)
        with pytest.raises(DebitTermsRefused):
            signing("B3", world.commercial, 0)

    def test_the_card_lies_sealed(self, world: World) -> None:
        sign(world.residential)
        with connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM payments_debit_agreement t")
            stored = cursor.fetchone()[0]
            cursor.execute("SELECT count(*) FROM payments_debitagreementevent")
            assert cursor.fetchone()[0] == 1
        assert CARD not in stored
        assert "张三" not in stored


def _written_anew(lines: list[bytes], fault: str) -> bytes:
    """The answer with something else said in it, its hash and sums made right again."""
    head, rows = lines[0].split(b"|"), [line.split(b"|") for line in lines[1:-2]]
    if fault == "row-lost":
        rows.pop()
    elif fault == "amount":
        rows[0][2] = b"999"
    else:
        head[3] = b"DK2020010100000001"
    head[5], head[6] = str(len(rows)).encode(), str(sum(int(row[2]) for row in rows)).encode()
    body = b"".join(b"|".join(line) + b"\n" for line in (head, *rows))
    return body + b"T|" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def _environment() -> dict[str, str]:
    return {"DAYINGXIAO_ENV": "test", "DJANGO_SETTINGS_MODULE": "config.settings"}


class TestTheBanksOwnSigning:
    def test_signed_and_ended_through_the_channel_once(self) -> None:
        world = small_world()
        bank = connect_bank(world)
        values = {
            "agreement_serial": "Q1", "account_no": world.residential.account_no, "holder": "张三",
            "card_no": CARD + "7662", "limit_fen": 50_000,
        }  # fmt: skip
        assert bank.post("/debit-agreements", values).json()["code"] == "EP0122"
        set_up(client_code=bank.code)

        first = bank.post("/debit-agreements", values)
        again = bank.post("/debit-agreements", values)
        other = bank.post("/debit-agreements", {**values, "agreement_serial": "Q2"})
        unknown = bank.post("/debit-agreements", {**values, "agreement_serial": "Q3", "account_no": "1"})

        assert (first.status_code, again.json()) == (201, first.json())
        assert (other.json()["code"], unknown.json()["code"]) == ("EP0123", "EP0006")
        ended = bank.post(
            "/debit-agreements/endings", {"account_no": world.residential.account_no, "reason": "客户要求"}
        )
        assert ended.json()["state"] == "ended"
        assert DebitAgreement.objects.get().state == "ended"


class TestPages:
    def test_frozen_sent_answered_in_the_console(self, world: World) -> None:
        bill(world, world.residential, 1_000)
        client = Client()
        client.force_login(User.objects.get(pk=world.accountant_id))
        prove(client)
        signed = client.post(
            f"/console/accounts/{world.residential.account_no}/debit/",
            {"bank": BANK, "holder": "张三", "card_no": CARD + "7662", "limit_fen": "100.00"},
        )
        assert signed.status_code == 302
        frozen = client.post("/console/debits/", {"bank": BANK, "debit_on": timezone.localdate().isoformat()})
        page = frozen.headers["Location"]
        sent = client.post(page, {"act": "send"})
        batch = DebitBatch.objects.select_related("bank").get()
        layout = layout_of(batch.bank)
        answered = debit_bank.answer(layout, sent.content, refused={}, done="00")
        refused = client.post(page, {"act": "answer", "file": SimpleUploadedFile("a.txt", answered[:-9])})
        taken = client.post(page, {"act": "answer", "file": SimpleUploadedFile("a.txt", answered)})

        assert (refused.status_code, taken.status_code) == (422, 302)
        assert "整份回盘没有收下" in refused.content.decode()
        shown = client.get(page).content.decode()
        assert str(Payment.objects.get()) in shown
        assert (CARD + "7662") not in shown
        listed = client.get(f"/console/debits/agreements/?q={CARD}7662").content.decode()
        assert world.residential.account_no in listed

    def test_a_customer_signs_and_ends_in_the_portal(self, world: World) -> None:
        client = Client()
        client.force_login(User.objects.get(pk=world.portal_user_id))
        typed = {"bank": BANK, "holder": "张三", "card_no": "62220202", "limit_fen": "0"}
        assert client.post("/my/debit/", typed).status_code == 422
        assert client.post("/my/debit/", {**typed, "limit_fen": "500"}).status_code == 302
        assert DebitAgreement.objects.get().place == "portal"
        assert client.post("/my/debit/", {"reason": "换卡"}).status_code == 302
        assert DebitAgreement.objects.get().state == "ended"
