"""
Every page that can be reached, opened as each kind of person and looked at in a browser by machine.

A walk begins at a person's first page and follows every link to an address it has not seen yet, one of each kind. On
every kind of page: no error in the console, no refusal of the content policy, no failed request, nothing that axe calls
serious or critical, and no sideways scroll from a small telephone to a wide screen. All people together see every
address that shows a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client

from cis.models import OverchargeReport
from cis.queries.overcharges import REPORT_SALT
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.permission_table import CUSTOMER, AddressRule, list_rules
from config.shared.roles import ROLES
from payments.receipts import verification_token
from tests.factories.lived_in import lived_in_world
from tests.factories.world import World, make_user
from tests.journeys import walks
from tests.journeys.behind_forms import open_doors
from tests.journeys.walks import CONTRAST_ALONE, Look, Plan
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

# Who is walked together: every one opens all that is theirs, and the browser looks at the first of each kind of page.
PEOPLE: dict[str, tuple[str, ...]] = {
    "work": (
        "manager",
        "clerk_a",
        "agent",
        "accountant",
        "auditor",
        "dispatcher",
        "leader",
        "key_account_manager",
    ),
    "house": ("administrator", "audit_officer", "it_operator", "district_manager", "district_supervisor"),
    "customers": ("portal", "tenant", "payer", "proxy"),
}
CUSTOMERS = PEOPLE["customers"]
DOORS = ("/sign-in/", "/my/sign-in/")

# What the frame offers to all and answers some with the reason why not.
REFUSED: dict[str, set[str]] = {
    "payer": {"cis:portal_bills", "cis:portal_usage"},
}
# Addresses that answer a reader and show no page of their own, each with the reason.
NO_PAGES: dict[str, str] = {
    "home": "leads each person to their own first page",
    "health": "says to machines that the house is well",
    "single_sign_on": "leads to the provider of identities, where there is one",
    "single_sign_on_back": "comes back from the provider of identities",
    "cis:portal_wechat": "leads to WeChat",
    "cis:portal_wechat_back": "comes back from WeChat",
    "cis:reading_import_file": "hands out a file",
    "cis:people_letter": "hands out a file",
    "cis:back_bill_evidence": "hands out a file",
    "cis:reading_photo": "hands out a file",
    "cis:portal_reading_photo": "hands out a file",
    "set_language": "switches and leads back",
    "cis:feed_in_act": "an act",
    "cis:payout_file": "hands out a file",
    "cis:settlement_act": "an act",
    "cis:settlement_answer": "an act; a reader is shown the account's difference",
    "cis:dispute_open": "an act; a reader is led to the bill",
    "cis:dispute_close": "an act; a reader is led to the bill",
    "crm:emergency_reply": "an act; a reader is led to the emergency",
    "crm:emergency_arrive": "an act; a reader is led to the emergency",
    "crm:emergency_close": "an act; a reader is led to the emergency",
    "dead_letter_retry": "an act",
    "job_cancel": "an act",
    "job_resume": "an act",
    "cis:run_cancel": "an act",
    "cis:run_resume": "an act",
    "cis:tariff_trial_cancel": "an act",
    "portal_bell": "a part of the frame",
    "passkey_sign_in": "an answer to the browser's authenticator",
    "grid_service:card_on_paper": "a part of a printed bill",
    "grid_service:portal_card": "a part of pages of the portal",
    "cis:fee_control_paper": "hands out a file",
    "cis:portal_fee_balance": "a part of pages of the portal",
    "payments:portal_late_fees": "a part of pages of the portal",
    "payments:verify_keys": "hands out public keys to programs",
    "grid_service:portrait": "hands out a picture",
    "dsm:shortage_submit": "an act",
    "dsm:shortage_paper": "hands out a file",
    "payments:portal_orders": "the list of receipts, where a wallet leads back to",
    "halls:screen_state": "says to the screen on the wall what it shows",
}


def first_page(username: str) -> str:
    """Where a person begins."""
    return "/my/" if username in CUSTOMERS else "/"


def plan_of(username: str) -> Plan:
    """Where links lead this person."""
    return walks.plan(walks.browser_of(username), first_page(username))


NewLook = Callable[..., Look]


@pytest.fixture
def new_look(browser: Any, live: Stack) -> Iterator[NewLook]:
    """`new_look(client, **cookies)`: a browser page with what the client knows."""
    contexts: list[Any] = []

    def begin(client: Client, **cookies: str) -> Look:
        context = browser.new_context(base_url=live.url, locale="zh-CN", reduced_motion="reduce")
        context.set_default_timeout(20_000)
        contexts.append(context)
        known = {name: morsel.value for name, morsel in client.cookies.items()} | cookies
        context.add_cookies([{"name": name, "value": value, "url": live.url} for name, value in known.items()])
        return Look(context.new_page(), live.url)

    yield begin
    for context in contexts:
        context.close()


class TestEveryPage:
    @pytest.mark.acceptance("F146")
    @pytest.mark.parametrize("group", PEOPLE)
    def test_is_sound(self, new_look: NewLook, group: str) -> None:
        lived_in_world()
        faults, known = [], set[str]()

        for username in PEOPLE[group]:
            client = walks.browser_of(username)
            found = walks.plan(client, first_page(username))
            look = new_look(client)
            look.faults += found.faults
            for kind, address in found.pages.items():
                if kind not in known or kind.endswith("home"):
                    look.open(address)
            for address in found.refused.values():
                look.open(address, status=403)
            known |= set(found.pages)
            assert set(found.refused) == REFUSED.get(username, set())
            faults += [f"{username} {fault}" for fault in look.faults]
            assert len(found.pages) >= 4, found.pages

        assert not faults, "\n".join(faults)

    def test_behind_forms_is_sound(self, new_look: NewLook) -> None:
        world, faults = lived_in_world(), []

        for door in open_doors(world):
            look = new_look(door.client)
            look.open(door.address)
            assert walks.kind_of(look.page.url.removeprefix(look.base)) == walks.kind_of(door.address)
            faults += look.faults

        assert not faults, "\n".join(faults)

    def test_in_front_of_the_doors_is_sound(self, new_look: NewLook) -> None:
        lived_in_world()
        found = walks.plan(Client(), *DOORS, receipt_address(), overcharge_address())
        look = new_look(Client())

        for address in found.pages.values():
            look.open(address)

        assert not look.faults and not found.faults, "\n".join(look.faults + found.faults)

    @pytest.mark.acceptance("F146")
    @pytest.mark.parametrize("way", ["english", "dark"])
    @pytest.mark.parametrize("username", ["portal", "clerk_a"])
    def test_is_sound_in_large_english_letters_and_in_the_dark(
        self, new_look: NewLook, username: str, way: str
    ) -> None:
        lived_in_world()
        changed = {"dark": {"theme": "dark"}, "english": {"text_size": "elder"}}[way]
        User.objects.filter(username=username).update(**changed)
        client = walks.browser_of(username)
        found = walks.plan(client, first_page(username))
        look = new_look(client, **({"django_language": "en"} if way == "english" else {}))

        for address in found.pages.values():
            look.open(address, **({"rules": "none"} if way == "english" else {"rules": CONTRAST_ALONE, "widths": []}))
            html = look.page.locator("html")
            if address.startswith("/halls/"):
                continue  # a machine in a hall: everybody's, and nobody's own choice
            if not html.get_attribute("data-frame"):
                continue  # a paper: black on white for everybody
            shown = (html.get_attribute("lang"), html.get_attribute("data-theme"), html.get_attribute("data-size"))
            if shown != (("en", None, "elder") if way == "english" else ("zh-hans", "dark", None)):
                look.faults.append(f"{address}: looks {shown}")
            by_telephone = look.page.locator(".call-a-person")
            if html.get_attribute("data-frame") == "portal" and by_telephone.is_visible() != (way == "english"):
                look.faults.append(f"{address}: large print and a person's help go together, and only they do")

        assert not look.faults, "\n".join(look.faults)


def receipt_address() -> str:
    """Where the code on a receipt leads whoever holds it."""
    receipt = plan_of("portal").pages["payments:portal_receipt"]
    return f"/receipts/{verification_token(receipt.rstrip('/').rpartition('/')[2])}/"


def overcharge_address() -> str:
    """Where whoever reported an overcharge sees what came of it."""
    report = OverchargeReport.objects.order_by("pk")[0]
    return f"/price-check/reports/{Signer(salt=REPORT_SALT).sign(str(report.pk))}/"


class TestTheWalks:
    def test_together_open_every_address_that_shows_a_page(self, live: Stack) -> None:
        world = lived_in_world()
        seen: set[str] = set()
        for username in (name for group in PEOPLE.values() for name in group):
            found = plan_of(username)
            seen |= set(found.pages) | set(found.parts)
        seen |= set(walks.plan(Client(), *DOORS, receipt_address(), overcharge_address()).pages)

        readers = {True: walks.browser_of("portal"), False: browser_with_everything(world)}
        seen |= {walks.kind_of(door.address) for door in open_doors(world)}
        twice = seen & set(NO_PAGES)
        seen |= set(NO_PAGES)
        missing = {
            rule.name: rule.path
            for rule in list_rules()
            if not rule.is_api and rule.name not in seen and not walks.NO_PAGE.search(rule.path)
            # What only acts answers no reader.
            if readers[rule.audience == CUSTOMER].get(some_address(rule)).status_code != 405
        }
        assert missing == {}
        assert not twice, "said to be no page, and walked all the same"


def some_address(rule: AddressRule) -> str:
    """An address of the kind; nothing needs to be there."""
    path = rule.path
    for part in path.split("<")[1:]:
        kind = part.split(">")[0]
        path = path.replace(f"<{kind}>", {"day:day": "2026-01-07", "paper:paper": "a4"}.get(kind, "1"))
    return path


def browser_with_everything(world: World) -> Client:
    """Somebody who may do all that anybody may."""
    unit = OrgUnit.objects.get(pk=world.province_id)
    user = make_user("may_everything", unit, None)
    words = sorted({word for role in ROLES for word in role.permissions})
    role = Role.objects.create(code="everything", name="全部", permissions=words)
    RoleGrant.objects.create(user=user, role=role, org_unit=unit)
    return walks.browser_of(user.username)
