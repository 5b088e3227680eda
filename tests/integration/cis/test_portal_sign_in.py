"""Signing in to the portal: by telephone, by account number; codes, their limits, and what nobody can find out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cis.models import Account, Customer, OneTimeCode, PortalAccess, PortalPerson
from cis.operations import portal
from config.shared.models import Message, User
from tests.factories.messages import code_of, send_all
from tests.factories.portal import check_name, person, signed_in
from tests.factories.world import PORTAL_TELEPHONE, AccountIds, World, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)

SOMEWHERE = "192.0.2.1"
TELEPHONE = "13900001111"
REGISTERED = "10000000001"


@pytest.fixture
def world() -> World:
    return small_world()


def ask(telephone: str = TELEPHONE, *, at: datetime, asked_from: str = SOMEWHERE) -> None:
    portal.send_sign_in_code(telephone=telephone, asked_from=asked_from, at=at)


def ask_by_account(account: AccountIds | str, *, at: datetime, asked_from: str = SOMEWHERE) -> None:
    number = account if isinstance(account, str) else account.account_no
    portal.send_account_code(account_no=number, asked_from=asked_from, at=at)


def sent_code() -> str:
    """The code in the newest message."""
    return code_of(Message.objects.filter(kind="code").order_by("-pk")[0])


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


class TestACode:
    def test_goes_to_the_telephone_and_is_kept_nowhere_as_it_is(self, world: World) -> None:
        ask(at=world.at)

        message, row = Message.objects.get(), OneTimeCode.objects.get()
        assert message.recipient == TELEPHONE and len(sent_code()) == 6
        assert sent_code().encode() not in bytes(row.digest) + bytes(row.salt)
        with connection.cursor() as cursor:
            cursor.execute("SELECT c::text FROM cis_one_time_code c")
            assert TELEPHONE not in cursor.fetchone()[0]

    def test_lets_its_holder_in_as_one_person_ever_after_without_any_account(self, world: World) -> None:
        Customer.objects.filter(pk=world.residential.customer_id).update(phone=TELEPHONE)
        ask(at=world.at)
        user_id = portal.sign_in(telephone=TELEPHONE, code=sent_code(), at=world.at)
        ask("+86 139-0000-1111", at=world.at + timedelta(hours=1))

        again = portal.sign_in(telephone=TELEPHONE, code=sent_code(), at=world.at + timedelta(hours=1))

        assert again == user_id
        user = User.objects.get(pk=user_id)
        assert user.kind == "customer" and not user.has_usable_password() and TELEPHONE not in user.username
        assert not PortalAccess.objects.filter(user_id=user_id).exists()

    def test_is_good_once(self, world: World) -> None:
        ask(at=world.at)
        code = sent_code()
        portal.sign_in(telephone=TELEPHONE, code=code, at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(telephone=TELEPHONE, code=code, at=world.at)

    def test_is_good_for_five_minutes(self, world: World) -> None:
        ask(at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(telephone=TELEPHONE, code=sent_code(), at=world.at + timedelta(minutes=5))

    def test_is_spoilt_by_five_wrong_tries(self, world: World) -> None:
        ask(at=world.at)
        code = sent_code()
        for _ in range(5):
            with pytest.raises(portal.CodeWrong):
                portal.sign_in(telephone=TELEPHONE, code=another(code), at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(telephone=TELEPHONE, code=code, at=world.at)

    def test_allows_five_tries_even_to_eight_at_once(self, world: World) -> None:
        ask(at=world.at)
        wrong = another(sent_code())

        together([lambda: portal.sign_in(telephone=TELEPHONE, code=wrong, at=world.at)] * 8)

        assert OneTimeCode.objects.get().tries == 5

    def test_makes_one_person_of_eight_that_come_in_at_once(self, world: World) -> None:
        answers = together([lambda: person(TELEPHONE, at=world.at)] * 8)

        assert PortalPerson.objects.filter(telephone_index__isnull=False).count() == 2  # and the world's own
        assert len({answer for answer in answers if isinstance(answer, int)}) == 1

    def test_of_one_telephone_or_act_opens_no_other(self, world: World) -> None:
        ask(at=world.at)
        code = sent_code()
        ask("13900002222", at=world.at)

        for attempt in (
            lambda: portal.sign_in(telephone="13900002222", code=code, at=world.at),
            lambda: portal.sign_in_by_account(account_no=TELEPHONE, code=code, at=world.at),
        ):
            with pytest.raises(portal.CodeWrong):
                attempt()

    def test_is_replaced_by_the_next(self, world: World) -> None:
        ask(at=world.at)
        first = sent_code()
        later = world.at + timedelta(minutes=2)
        ask(at=later)
        if first == sent_code():  # one chance in a million
            later += timedelta(minutes=2)
            ask(at=later)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(telephone=TELEPHONE, code=first, at=later)

    def test_goes_to_mobile_telephones_only(self, world: World) -> None:
        for typed in ("", "027-8888888", "1390000111", "139000011112", "２３９"):
            with pytest.raises(portal.TelephoneUnfit):
                ask(typed, at=world.at)

    def test_lets_nobody_in_who_was_shut_out(self, world: World) -> None:
        user_id = person(TELEPHONE, at=world.at)
        User.objects.filter(pk=user_id).update(is_active=False)
        ask(at=world.at)

        with pytest.raises(portal.PersonIsBlocked):
            portal.sign_in(telephone=TELEPHONE, code=sent_code(), at=world.at)


class TestLimits:
    @pytest.mark.parametrize("telephone", [PORTAL_TELEPHONE, TELEPHONE])
    def test_hold_for_known_and_unknown_telephones(self, world: World, telephone: str) -> None:
        ask(telephone, at=world.at)

        with pytest.raises(portal.CodeTooSoon):
            ask(telephone, at=world.at + timedelta(seconds=59))
        for minutes in range(1, 5):
            ask(telephone, at=world.at + timedelta(minutes=minutes))
        with pytest.raises(portal.CodeTooSoon):
            ask(telephone, at=world.at + timedelta(minutes=6))

    @pytest.mark.parametrize("number", ["4290000001", "9999999999"])
    def test_hold_for_account_numbers_that_exist_and_that_do_not(self, world: World, number: str) -> None:
        for minutes in range(5):
            ask_by_account(number, at=world.at + timedelta(minutes=minutes))

        with pytest.raises(portal.CodeTooSoon):
            ask_by_account(number, at=world.at + timedelta(minutes=6))

    def test_keep_one_network_address_from_asking_for_everybody(self, world: World) -> None:
        for number in range(60):
            ask(f"139000012{number:02d}", at=world.at)

        with pytest.raises(portal.CodeTooSoon):
            ask(at=world.at)
        ask(at=world.at, asked_from="192.0.2.2")

    def test_keep_one_telephone_from_ringing_all_day_and_tell_nobody_which(self, world: World) -> None:
        """Somebody with many accounts: after ten codes in an hour the answer is as ever and nothing is sent."""
        accounts = [f"77000000{number:02d}" for number in range(12)]
        model = Account.objects.get(pk=world.residential.account_id)
        for number in accounts:
            model.pk, model.account_no = None, number
            model.save(force_insert=True)

        for number in accounts:
            ask_by_account(number, at=world.at)

        assert Message.objects.filter(kind="code").count() == 10


def shapes(queries: CaptureQueriesContext) -> list[str]:
    """Statements without the values in them; the two ends of a savepoint are told apart from nothing else."""
    found = []
    for query in queries.captured_queries:
        text = re.sub(r"'[^']*'|\b[0-9]+\b|s[0-9]+_x[0-9]+", "?", query["sql"])
        found.append(re.sub(r'SAVEPOINT "[^"]*"', "SAVEPOINT", text))
    return sorted(found)


def statements(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return shapes(queries)


class TestNobodyCanTell:
    def test_by_the_statements_whether_an_account_exists(self, world: World) -> None:
        known = statements(lambda: ask_by_account(world.residential, at=world.at))
        unknown = statements(lambda: ask_by_account("9999999999", at=world.at))

        assert known == unknown and len(known) > 8
        assert Message.objects.count() == 1

    def test_by_the_statements_whether_somebody_has_the_telephone(self, world: World) -> None:
        known = statements(lambda: ask(PORTAL_TELEPHONE, at=world.at))
        unknown = statements(lambda: ask(TELEPHONE, at=world.at))

        assert known == unknown

    def test_by_the_answer_to_a_wrong_code(self, world: World) -> None:
        ask_by_account("9999999999", at=world.at)
        with pytest.raises(portal.CodeWrong) as unknown:
            portal.sign_in_by_account(account_no="9999999999", code="123456", at=world.at)
        ask_by_account(world.residential, at=world.at)
        with pytest.raises(portal.CodeWrong) as known:
            portal.sign_in_by_account(account_no=world.residential.account_no, code=another(sent_code()), at=world.at)
        assert unknown.value.message == known.value.message

    @pytest.mark.parametrize(
        ("door", "field", "exists", "exists_not"),
        [
            ("/my/sign-in/", "telephone", PORTAL_TELEPHONE, TELEPHONE),
            ("/my/sign-in/account/", "account_no", "4290000001", "9999999999"),
        ],
    )
    def test_by_the_pages(self, world: World, door: str, field: str, exists: str, exists_not: str) -> None:
        def page(number: str) -> str:
            client = Client()
            assert client.post(door, {field: number})["Location"] == "/my/sign-in/code/"
            text = client.post("/my/sign-in/code/", {"code": "000000x"}).content.decode()
            return re.sub(r'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]*"', "", text.replace(number, "N"))

        assert page(exists) == page(exists_not)


class TestByAccountNumber:
    def sign_in(self, world: World, *, hours: int = 0) -> int:
        at = world.at + timedelta(hours=hours)
        ask_by_account(world.residential, at=at)
        return portal.sign_in_by_account(account_no=world.residential.account_no, code=sent_code(), at=at)

    def test_the_code_goes_to_the_registered_telephone_and_opens_this_account_only(self, world: World) -> None:
        Account.objects.filter(pk=world.commercial.account_id).update(customer_id=world.residential.customer_id)

        user_id = self.sign_in(world)

        access = PortalAccess.objects.get(user_id=user_id)
        assert access.account_id == world.residential.account_id
        assert (access.role, access.proof) == ("delegate", "registered-telephone")
        assert PortalPerson.objects.get(user_id=user_id).telephone == REGISTERED
        assert self.sign_in(world, hours=2) == user_id
        assert PortalAccess.objects.filter(user_id=user_id).count() == 1

    def test_makes_an_owner_of_somebody_whose_checked_name_is_the_holders(self, world: World) -> None:
        for name, role in (("张三", "owner"), ("王五", "delegate")):
            PortalAccess.objects.filter(proof="registered-telephone").update(ended_at=world.at, end_reason="test")
            OneTimeCode.objects.all().delete()
            check_name(person(REGISTERED, at=world.at), name, by_id=world.clerk_a_id, at=world.at)

            user_id = self.sign_in(world)

            assert PortalAccess.objects.get(user_id=user_id, ended_at=None).role == role
            world = World(**{**world.__dict__, "at": world.at + timedelta(days=1)})

    def test_is_no_longer_good_when_the_registered_telephone_changed(self, world: World) -> None:
        ask_by_account(world.residential, at=world.at)
        Customer.objects.filter(pk=world.residential.customer_id).update(phone="13700000000")

        with pytest.raises(portal.CodeWrong):
            portal.sign_in_by_account(account_no=world.residential.account_no, code=sent_code(), at=world.at)

    def test_tells_those_who_were_bound_before(self, world: World) -> None:
        self.sign_in(world)

        told = [row.recipient for row in Message.objects.filter(template="binding-notice", channel="sms")]
        assert told == [PORTAL_TELEPHONE]


class TestTheDoor:
    def test_leads_from_the_telephone_to_the_first_page(self, world: World, outside: Any) -> None:
        client = Client()

        answer = client.post("/my/sign-in/", {"telephone": TELEPHONE})
        assert answer["Location"] == "/my/sign-in/code/"
        code = sent_code()
        send_all(now=timezone.now())
        assert code in client.get("/sim/messages/").content.decode()
        answer = client.post("/my/sign-in/code/", {"code": code}, follow=True)

        assert answer.redirect_chain == [("/my/", 302), ("/my/me/", 302)]
        assert "139****1111" in answer.content.decode()

    def test_leads_from_the_account_number_to_that_account(self, world: World) -> None:
        client = Client()

        client.post("/my/sign-in/account/", {"account_no": world.residential.account_no})
        answer = client.post("/my/sign-in/code/", {"code": sent_code()}, follow=True)

        assert answer.redirect_chain == [("/my/", 302)]
        assert world.residential.account_no in answer.content.decode()

    def test_gives_the_session_a_new_key_and_leaves_nothing_of_the_old(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        session = client.session
        session["left"] = "by the clerk"
        session.save()
        before = client.session.session_key

        client.post("/my/sign-in/", {"telephone": TELEPHONE})
        client.post("/my/sign-in/code/", {"code": sent_code()})

        assert client.session.session_key != before and "left" not in client.session
        assert client.get("/console/search/").status_code == 404

    def test_goes_on_to_the_page_that_was_asked_for_and_never_elsewhere(self, world: World) -> None:
        for goes_to, expected in (("/my/bills/", "/my/bills/"), ("https://evil.test/", "/my/")):
            OneTimeCode.objects.all().delete()
            client = Client()
            client.post("/my/sign-in/", {"telephone": TELEPHONE, "next": goes_to})
            assert client.post("/my/sign-in/code/", {"code": sent_code()})["Location"] == expected

    def test_from_the_middle_begins_at_the_beginning(self) -> None:
        assert Client().get("/my/sign-in/code/")["Location"] == "/my/sign-in/"
