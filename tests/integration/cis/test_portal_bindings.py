"""Binding accounts to people: proofs, limits, who is told, who may end it; at home and at the counter."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cis.models import Bill, BindingTry, Contact, Customer, PortalAccess, PortalPerson, RealNameCheck
from cis.operations import contacts, portal_bindings, portal_claims, portal_telephone, real_names
from cis.operations.billing import issue_bill_now
from cis.operations.one_time_codes import CodeWrong
from cis.operations.portal_bindings import Terms
from cis.queries.portal import list_my_accounts
from config.shared.errors import NotFound
from config.shared.models import Message
from tests.factories.bills import issue
from tests.factories.messages import code_of
from tests.factories.portal import bind, check_name, person, signed_in
from tests.factories.world import PORTAL_TELEPHONE, World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)

SOMEWHERE = "192.0.2.1"
MINE = "13900001111"
LETTER = b"%PDF-1.7 a letter"


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def me(world: World) -> int:
    return person(MINE, at=world.at)


def ask(world: World, me: int, *, name: str = "张三", role: str = "payer", number: str = "", minutes: int = 0) -> None:
    portal_claims.ask_to_bind(
        user_id=me,
        account_no=number or world.residential.account_no,
        holder_name=name,
        terms=Terms(role),
        asked_from=SOMEWHERE,
        at=world.at + timedelta(minutes=minutes),
    )


def codes() -> list[Message]:
    return list(Message.objects.filter(kind="code").order_by("-pk"))


class TestNameAndCode:
    def test_bind_by_a_code_to_the_registered_telephone_and_tell_the_others(self, world: World, me: int) -> None:
        ask(world, me)
        assert codes()[0].recipient == "10000000001"

        portal_claims.bind_by_code(
            user_id=me,
            account_no=world.residential.account_no,
            terms=Terms("payer"),
            code=code_of(codes()[0]),
            at=world.at,
        )

        access = PortalAccess.objects.get(user_id=me)
        assert (access.role, access.proof, access.began_by_id) == ("payer", "name-and-code", me)
        told = {row.recipient for row in Message.objects.filter(template="binding-notice", channel="sms")}
        assert told == {PORTAL_TELEPHONE, "10000000001"}

    @pytest.mark.parametrize(("name", "number"), [("李四", ""), ("张三", "9999999999")])
    def test_send_nothing_and_say_nothing_when_they_do_not_belong_together(
        self, world: World, me: int, name: str, number: str
    ) -> None:
        ask(world, me, name=name, number=number)

        assert codes() == []
        with pytest.raises(CodeWrong):
            portal_claims.bind_by_code(
                user_id=me,
                account_no=number or world.residential.account_no,
                terms=Terms("payer"),
                code="000000",
                at=world.at,
            )

    def test_make_an_owner_only_of_somebody_whose_checked_name_is_the_holders(self, world: World, me: int) -> None:
        with pytest.raises(real_names.NeedsRealName):
            ask(world, me, role="owner")

        check_name(me, "王五", by_id=world.clerk_a_id, at=world.at)
        ask(world, me, role="owner")
        claim = partial(
            portal_claims.bind_by_code,
            user_id=me,
            account_no=world.residential.account_no,
            code=code_of(codes()[0]),
            terms=Terms("owner"),
            at=world.at,
        )
        with pytest.raises(portal_bindings.OwnerNameDiffers):
            claim()
        check_name(me, "张 三", by_id=world.clerk_a_id, at=world.at + timedelta(minutes=1))
        claim()

        assert PortalAccess.objects.get(user_id=me).role == "owner"

    def test_are_tried_so_often_a_day_by_one_person_and_on_one_account(self, world: World, me: int) -> None:
        for number in range(5):
            ask(world, me, number=f"80000000{number:02d}")
        with pytest.raises(portal_claims.TooManyClaims):
            ask(world, me)
        for number in range(10):
            ask(world, person(f"139000044{number:02d}", at=world.at), name="不对")
        with pytest.raises(portal_claims.TooManyClaims):
            ask(world, person("13900005555", at=world.at))

        ask(world, me, minutes=24 * 60 + 1)
        assert codes()[0].recipient == "10000000001"


class TestLastPayment:
    def claim(self, world: World, me: int, fen: int, *, role: str = "payer", number: str = "") -> int:
        today = world.at.date()
        return portal_claims.bind_by_last_payment(
            user_id=me,
            account_no=number or world.residential.account_no,
            terms=Terms(role, from_on=today if role == "tenant" else None),
            amount_fen=fen,
            at=world.at,
        )

    def test_binds_who_knows_it_to_the_fen_and_counts_every_try(self, world: World, me: int) -> None:
        pay(world, fen=1_000)
        pay(world, fen=12_345)

        for fen, number in ((1_000, ""), (12_344, ""), (0, ""), (12_345, "9999999999")):
            with pytest.raises(portal_claims.ClaimDiffers):
                self.claim(world, me, fen, number=number)
        self.claim(world, me, 12_345)

        assert PortalAccess.objects.get(user_id=me).proof == "last-payment"
        assert BindingTry.objects.count() == 5

    def test_is_too_weak_for_more_than_paying_as_anybody_can_pay_and_know_it(self, world: World, me: int) -> None:
        pay(world, fen=12_345)

        for role in ("tenant", "delegate", "owner", "agent"):
            with pytest.raises(portal_claims.ProofTooWeak):
                self.claim(world, me, 12_345, role=role)

    def test_of_an_account_that_never_paid_is_no_amount(self, world: World, me: int) -> None:
        with pytest.raises(portal_claims.ClaimDiffers):
            self.claim(world, me, 0)


class TestEnding:
    def test_is_for_the_owner_and_tells_the_other(self, world: World, me: int) -> None:
        other = bind(me, world.residential.account_id, "delegate")
        mine = PortalAccess.objects.get(user_id=world.portal_user_id)

        with pytest.raises(portal_bindings.OwnerOnly):
            portal_bindings.end_as_owner(owner_id=me, access_id=mine.pk, at=world.at)
        portal_bindings.end_as_owner(owner_id=world.portal_user_id, access_id=other.pk, at=world.at)

        other.refresh_from_db()
        assert other.ended_by_id == world.portal_user_id and other.end_reason
        assert Message.objects.filter(template="binding-ended", channel="sms").get().recipient == MINE
        assert list_my_accounts(user_id=me, today=world.at.date()) == ()

    def test_of_somebody_elses_account_is_not_found(self, world: World, me: int) -> None:
        bind(me, world.commercial.account_id)
        mine = PortalAccess.objects.get(user_id=world.portal_user_id)

        with pytest.raises(NotFound):
            portal_bindings.end_as_owner(owner_id=me, access_id=mine.pk, at=world.at)

    def test_is_all_that_the_database_lets_happen_to_a_binding(self, world: World) -> None:
        for sql in ("DELETE FROM cis_portal_access", "UPDATE cis_portal_access SET role = 'owner'"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

    def test_comes_by_itself_when_an_agents_letter_runs_out(self, world: World, me: int) -> None:
        bind(me, world.residential.account_id, "agent", until_on=date(2026, 2, 10))

        assert len(list_my_accounts(user_id=me, today=date(2026, 2, 10))) == 1
        assert list_my_accounts(user_id=me, today=date(2026, 2, 11)) == ()


class TestAtTheCounter:
    def post(self, world: World, **changed: object) -> int:
        sent = {"telephone": MINE, "role": "payer", **changed}
        path = f"/console/accounts/{world.residential.account_no}/people/bind/"
        return signed_in(world.clerk_a_id).post(path, sent).status_code

    def test_a_document_makes_the_real_name_and_the_owner(self, world: World) -> None:
        assert self.post(world, role="owner") == 422
        seen = {"document": "identity-card", "document_end": "123x", "name": "张三"}
        assert self.post(world, role="owner", **(seen | {"name": "李四"})) == 422
        assert not PortalPerson.objects.exclude(pk=world.portal_user_id).exists()

        assert self.post(world, role="owner", **seen) == 302

        check, access = RealNameCheck.objects.get(), PortalAccess.objects.get(proof="hall-visit")
        assert (check.by, check.document_end, check.checked_by_id) == ("counter", "123X", world.clerk_a_id)
        assert check.org_unit_id == world.hall_a_id and access.user_id == check.user_id

    def test_a_letter_is_kept_and_only_what_is_a_letter(self, world: World) -> None:
        until = (timezone.localdate() + timedelta(days=30)).isoformat()
        program = SimpleUploadedFile("letter.pdf", b"MZ not a letter")
        assert self.post(world, role="agent", until_on=until, letter=program) == 422
        assert self.post(world, role="agent", until_on=until) == 422

        assert self.post(world, role="agent", until_on=until, letter=SimpleUploadedFile("x", LETTER)) == 302

        access = PortalAccess.objects.get(role="agent")
        path = f"/console/accounts/{world.residential.account_no}/people/{access.pk}/letter/"
        answer = signed_in(world.clerk_a_id).get(path)
        assert b"".join(answer.streaming_content) == LETTER  # type: ignore[attr-defined]
        assert answer["Content-Disposition"].startswith("attachment")
        assert signed_in(world.auditor_id).get(path).status_code == 403

    def test_the_list_keeps_what_was_and_a_reason_ends_what_is(self, world: World, me: int) -> None:
        access = bind(me, world.residential.account_id, "payer")
        base, clerk = f"/console/accounts/{world.residential.account_no}/people/", signed_in(world.clerk_a_id)

        assert clerk.post(f"{base}{access.pk}/end/", {"reason": " "}).status_code == 422
        assert clerk.post(f"{base}{access.pk}/end/", {"reason": "户主当面要求"}).status_code == 302

        text = clerk.get(base).content.decode()
        assert "户主当面要求" in text and "139****1111" in text and MINE not in text


class TestAnotherTelephone:
    def test_takes_a_code_to_the_old_and_one_to_the_new(self, world: World) -> None:
        me = world.portal_user_id
        portal_telephone.send_change_codes(user_id=me, new_telephone=MINE, asked_from=SOMEWHERE, at=world.at)
        new, old = codes()
        assert (old.recipient, new.recipient) == (PORTAL_TELEPHONE, MINE)
        move = partial(portal_telephone.change_telephone, user_id=me, new_telephone=MINE, at=world.at)

        with pytest.raises(CodeWrong):
            move(old_code=code_of(new), new_code=code_of(old))
        move(old_code=code_of(old), new_code=code_of(new))

        assert PortalPerson.objects.get(pk=me).telephone == MINE
        assert person(PORTAL_TELEPHONE, at=world.at) != me

    def test_of_another_person_is_theirs(self, world: World, me: int) -> None:
        who = world.portal_user_id
        portal_telephone.send_change_codes(user_id=who, new_telephone=MINE, asked_from=SOMEWHERE, at=world.at)
        new, old = codes()

        with pytest.raises(portal_telephone.TelephoneTaken):
            portal_telephone.change_telephone(
                user_id=who, new_telephone=MINE, old_code=code_of(old), new_code=code_of(new), at=world.at
            )


class TestAFault:
    def test_is_reported_once_answered_once_and_seen_on_both_sides(self, world: World) -> None:
        customer, agent = signed_in(world.portal_user_id), signed_in(world.clerk_b_id)
        form = {"form_key": "k" * 32, "kind": "fault", "account_no": world.residential.account_no, "text": "整栋楼没电"}

        for _ in range(2):
            assert customer.post("/my/faults/", form).status_code == 302
        contact = Contact.objects.get()
        assert "整栋楼没电" in agent.get("/console/to-do/contacts/").content.decode()
        part = f"/console/accounts/{world.residential.account_no}/reports/"
        assert "等待答复" in agent.get(part).content.decode()
        assert agent.post(f"/console/contacts/{contact.pk}/", {"answer": "已派抢修，17:00 来电"}).status_code == 302

        assert "已派抢修" in customer.get("/my/faults/").content.decode()
        assert "已派抢修" in agent.get(part).content.decode()
        with pytest.raises(contacts.AlreadyAnswered):
            contacts.answer(contact_id=contact.pk, text="再答", answered_by_id=world.clerk_b_id, at=world.at)

    def test_of_an_account_that_is_not_theirs_is_refused_by_the_form(self, world: World) -> None:
        form = {"form_key": "k" * 32, "kind": "fault", "account_no": world.commercial.account_no, "text": "没电"}

        assert signed_in(world.portal_user_id).post("/my/faults/", form).status_code == 422
        assert not Contact.objects.exists()


class TestWhatEachQualitySees:
    """The matrix of qualities, walked over every page."""

    SEES = {
        "owner": "bills usage prices pay receipts who bindings",
        "delegate": "bills usage prices pay receipts who",
        "agent": "bills usage prices pay receipts who",
        "tenant": "bills usage prices pay receipts who",
        "payer": "prices pay receipts",
    }
    PAGES = {
        "/my/bills/": "bills",
        "/my/bills/{bill}/": "bills",
        "/my/usage/": "usage",
        "/my/usage/2026-01-15/": "usage",
        "/my/usage/export.csv": "usage",
        "/my/usage/2026-01-15/export.csv": "usage",
        "/my/prices/": "prices",
        "/my/pay/": "pay",
        "/my/receipts/": "receipts",
        "/my/who-looked/": "who",
    }

    @pytest.mark.parametrize("role", list(SEES))
    def test_on_every_page(self, world: World, me: int, role: str) -> None:
        Customer.objects.filter(pk=world.residential.customer_id).update(name="欧阳静怡", phone="13712345678")
        account_id = world.residential.account_id
        issue_bill_now(account_id=account_id, cycle=world.cycle, issued_by_id=None, at=world.at)
        bill, taken = str(Bill.objects.get()), pay(world, fen=100)
        bind(me, world.residential.account_id, role)
        client, allowed = signed_in(me), self.SEES[role].split()

        for path, needed in self.PAGES.items():
            answer = client.get(path.format(bill=bill))
            expected = 200 if needed in allowed else (404 if "{bill}" in path else 403)
            assert answer.status_code == expected, path
            text = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()  # type: ignore[attr-defined]
            assert "欧阳静怡" not in text and "13712345678" not in text, path
            if role == "tenant":
                assert "欧阳" not in text and "欧*" not in text and PORTAL_TELEPHONE[-4:] not in text, path
        for path in ("/my/", "/my/me/", f"/my/me/accounts/{world.residential.account_no}/", "/my/faults/"):
            text = client.get(path).content.decode()
            assert ("还有谁绑定" in text) == ("bindings" in allowed and "accounts/" in path), path
            assert role != "tenant" or "欧*" not in text, path
        everybodys = role in ("owner", "delegate", "agent")
        for path in (f"/my/receipts/{taken.receipt_no}/", f"/my/receipts/{taken.receipt_no}/receipt-a4.pdf"):
            assert client.get(path).status_code == (200 if everybodys else 404), path

    def test_a_tenant_sees_bills_and_days_of_their_own_time_only(self, world: World, me: int) -> None:
        before, own = issue(world, 1_111, cycle=world.cycles[0]), issue(world, 2_222, cycle=world.cycles[-1])
        bind(me, world.residential.account_id, "tenant", from_on=date(2026, 1, 1), until_on=date(2026, 1, 31))
        client = signed_in(me)

        text = client.get("/my/bills/").content.decode()

        assert own in text and before not in text
        assert client.get(f"/my/bills/{before}/").status_code == 404
        assert client.get("/my/usage/2026-01-01/").status_code == 200
        for day in ("2025-12-31", "2026-02-01"):
            assert client.get(f"/my/usage/{day}/").status_code == 404
            assert client.get(f"/my/usage/{day}/export.csv").status_code == 404

    def test_a_tenant_reads_legal_prices_and_where_to_complain(self, world: World, me: int) -> None:
        bind(me, world.residential.account_id, "tenant")

        text = signed_in(me).get("/my/prices/").content.decode()

        assert "第1档电费" in text and "电力法第四十四条" in text and "tel:12315" in text
