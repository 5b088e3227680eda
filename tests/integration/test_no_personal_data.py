"""What leaves the house and what is kept shows no telephone, identity number or door to whoever need not know."""

from __future__ import annotations

import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from django.utils import timezone

from cis.models import Customer, Premise
from cis.operations.billing import issue_bill_now
from config.embedded import places
from config.embedded.run import web_command
from config.embedded.supervise import Program
from config.shared.api.keys import issue_key
from config.shared.models import OrgUnit, PersonalDataAccess, Role, RoleGrant
from config.shared.permission_table import CUSTOMER, PERMISSION, list_rules
from config.shared.personal_data import blind_index
from config.shared.roles import ROLES
from tests.factories.world import PASSWORD, World, make_user, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_live_wallet import Browser
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

PHONES = ("13912340001", "15887650002", "18600120003", "17799880004")
IDENTITIES = ("110101199001011237", "42010619850505123X", "420106197712120012", "440305200002290025")
DOOR = "九栋九九九室"
HIDDEN = (*PHONES, *IDENTITIES, DOOR)
# Any mobile number or identity number, whoever's: what nobody thought of is found too.
_IDENTITY = "[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx]"
LIKE_ONE = re.compile(rf"(?<![0-9A-Za-z_.-])(?:1[3-9][0-9]{{9}}|{_IDENTITY})(?![0-9A-Za-z_])")


@pytest.fixture
def world() -> World:
    """The tiny utility, with telephones and identity numbers that look like real ones."""
    world = small_world()
    for customer, phone, identity in zip(Customer.objects.order_by("pk"), PHONES, IDENTITIES, strict=True):
        customer.phone, customer.phone_index, customer.phone_last4 = phone, blind_index(phone), phone[-4:]
        customer.identity_no, customer.identity_index = identity, blind_index(identity)
        customer.save()
    premise = Premise.objects.get(pk=world.residential.premise_id)
    premise.door = DOOR
    premise.save()
    return world


@pytest.fixture
def logged(live: Stack, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web process that writes an access log: its address and its log."""
    port, log = places.free_port(), tmp_path / "web.log"
    program = Program(
        [*web_command("127.0.0.1", port, workers=1, threads=2), "--access-log"],
        live.programs["web"].environment,
        log,
        health_url=f"http://127.0.0.1:{port}/health/",
    )
    program.start()
    yield f"http://127.0.0.1:{port}", log
    program.stop()


class Walker(Browser):
    """A browser that keeps what it was given as text, whatever it was."""

    def fetch(self, path: str) -> str:
        """The answer as text: PDF and spreadsheets are opened; a refusal is read like a page."""
        try:
            with self.opener.open(self.base + path, timeout=60) as answer:
                body, kind = answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as refused:
            body, kind = refused.read(), "text/html"
        return text_of(body, kind)


def text_of(body: bytes, kind: str) -> str:
    """What people or programs read in an answer."""
    if kind == "application/pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            return "\n".join(parts.read(name).decode(errors="replace") for name in parts.namelist())
    return body.decode(errors="replace")


def shown_in(text: str) -> set[str]:
    """What of the hidden stands in a text, and whatever else looks like it."""
    found = {value for value in HIDDEN if value in text}
    return found | set(LIKE_ONE.findall(text)) - {""}


def everything(world: World) -> Any:
    """Somebody who holds every permission but the one to see hidden values."""
    user = make_user("everything", OrgUnit.objects.get(pk=world.province_id), None)
    words = sorted({word for role in ROLES for word in role.permissions} - {"cis.see_personal_data"})
    role = Role.objects.create(code="everything", name="全部", permissions=words)
    RoleGrant.objects.create(user=user, role=role, org_unit_id=world.province_id)
    return user


@pytest.mark.acceptance("F169")
class TestNothingShowsWhatIsHidden:
    def test_no_page_no_answer_no_file_no_log_and_no_dump(
        self, world: World, live: Stack, logged: tuple[str, Path], owner_connection: Any
    ) -> None:
        url, log = logged
        user, now = everything(world), timezone.now()
        bill_id = issue_bill_now(
            account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=user.pk, at=now
        )
        paid = pay(world, fen=100, at=now)
        values = {
            "account_no": world.residential.account_no,
            "bill_no": f"{world.cycle}{bill_id:010d}",
            "receipt_no": paid.receipt_no,
            "paper": "a4",
            "day": "2026-01-07",
            "user_id": str(user.pk),
        }
        key = issue_key(user_id=user.pk, name="walk", at=now)
        staff, portal = Walker(url), Walker(url)
        for browser, name in ((staff, "everything"), (portal, "portal")):
            browser.open("/sign-in/")
            browser.open("/sign-in/", {**browser.hidden(), "username": name, "password": PASSWORD})
        program = Walker(url)
        program.opener.addheaders = [("Authorization", f"Key {key}")]

        leaks, opened = [], 0
        for rule in list_rules():
            if rule.audience not in (PERMISSION, CUSTOMER) or not set(rule.arguments) <= set(values):
                continue
            path = rule.path
            for part, name in zip(path.split("<")[1:], rule.arguments, strict=True):
                path = path.replace(f"<{part.split('>')[0]}>", values[name])
            browser = program if rule.is_api else portal if rule.audience == CUSTOMER else staff
            opened += 1
            if found := shown_in(browser.fetch(path)):
                leaks.append((path, found))
        for phone in PHONES[:1]:
            staff.open("/console/")
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', staff.text)
            assert token is not None
            page = staff.open("/console/search/", {"q": phone, "csrfmiddlewaretoken": token[1]})
            assert world.residential.account_no in page
            # The searcher's own words stand in the box; nothing else may.
            if found := shown_in(page) - {phone}:
                leaks.append(("search", found))
            refused = program.fetch(f"/api/v1/accounts/?q={phone}")
            assert "number-in-address" in refused
            body = urllib.request.Request(
                f"{url}/api/v1/accounts/",
                json.dumps({"q": phone}).encode(),
                {"Authorization": f"Key {key}", "Content-Type": "application/json"},
            )
            with urllib.request.urlopen(body, timeout=30) as answer:
                text = answer.read().decode()
            assert world.residential.account_no in text
            if found := shown_in(text):
                leaks.append(("API search", found))

        assert opened > 60
        assert leaks == []
        written = log.read_text("utf-8", errors="replace")
        assert "/console/accounts/" in written, "the access log is on"
        # The one address a stranger may write with a number in it was refused; its line is the stranger's own.
        kept = "\n".join(line for line in written.splitlines() if "/api/v1/accounts/?q=" not in line)
        assert shown_in(kept) == set()
        assert shown_in(live.log("worker")) == set() and shown_in(live.log("simulators")) <= set(PHONES)
        assert dumped(owner_connection) == {}


@pytest.mark.acceptance("F169")
class TestShowingIt:
    def test_takes_a_permission_and_a_reason_in_page_part_and_api(self, world: World, live: Stack) -> None:
        manager = Browser(live.url)
        manager.open("/sign-in/")
        manager.open("/sign-in/", {**manager.hidden(), "username": "manager", "password": PASSWORD})
        url = f"/console/accounts/{world.residential.account_no}/personal-data/"
        page = manager.open(url)
        assert not shown_in(page)

        shown = manager.open(url, {**manager.hidden(), "reason": "核对来电人身份"})
        key = issue_key(user_id=world.manager_id, name="k", at=timezone.now())
        clerk = issue_key(user_id=world.clerk_a_id, name="k", at=timezone.now())

        def reveal(secret: str, **body: str) -> tuple[int, str]:
            asked = urllib.request.Request(
                f"{live.url}/api/v1/accounts/{world.residential.account_no}/personal-data/",
                json.dumps(body).encode(),
                {"Authorization": f"Key {secret}", "Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as refused:
                return refused.code, refused.read().decode()

        by_api, without_reason = reveal(key, reason="银行核对"), reveal(key)
        without_permission = reveal(clerk, reason="x")

        assert PHONES[0] in shown and IDENTITIES[0] in shown
        assert by_api[0] == 200 and PHONES[0] in by_api[1]
        assert (without_reason[0], without_permission[0]) == (422, 403)
        assert not shown_in(without_reason[1] + without_permission[1])
        assert list(PersonalDataAccess.objects.order_by("pk").values_list("user_id", "reason")) == [
            (world.manager_id, "核对来电人身份"),
            (world.manager_id, "银行核对"),
        ]


def dumped(connection: Any) -> dict[str, set[str]]:
    """Every table as a dump writes it: table to what of the hidden stands there in clear."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r'"
        )
        for (table,) in cursor.fetchall():
            text = io.StringIO()
            cursor.copy_expert(f'COPY "{table}" TO STDOUT', text)
            if inside := {value for value in HIDDEN if value in text.getvalue()}:
                found[table] = inside
    return found
