"""
Every page that can be reached, opened in a browser as each kind of person and looked at by machine.

A walk begins at a person's first page and follows every link to an address it has not seen yet, one of each kind. On
every page: no error in the console, no refusal of the content policy, no failed request, nothing that axe calls serious
or critical, and no sideways scroll from a small telephone to a wide screen. In the end every address that shows a page
must have been seen by somebody.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.test import Client
from django.urls import Resolver404, resolve

from config.shared.models import User
from tests.factories.lived_in import lived_in_world
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = ((360, 740), (768, 1024), (1280, 800), (1920, 1080))
GRAVE = ("serious", "critical")
# A PDF, a sheet or a paper to print is opened by the browser itself; a part is seen in its page.
NO_PAGE = re.compile(r"\.(pdf|csv|xlsx)$|/sign-out/|/language/|/static/|/sim/|/api/|/export")


@dataclass
class Walk:
    """What one person saw, and what was wrong with it."""

    page: Any
    seen: dict[str, str] = field(default_factory=dict)
    """kind of address to the address that was opened"""
    faults: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note what the browser complains of."""
        self.page.on("console", lambda m: self.heard.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Any) -> None:
        # A part that was on its way when the walk went on.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.heard.append(f"{request.url} {request.failure}")

    def go(self, first: str) -> None:
        """Open everything that links lead to, one address of each kind."""
        waiting = deque([first])
        while waiting:
            address = waiting.popleft()
            kind = kind_of(address)
            if kind is None or kind in self.seen:
                continue
            self.seen[kind] = address
            self._open(address)
            for link in self.page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)"):
                parts = urlsplit(link)
                if parts.hostname == urlsplit(self.page.url).hostname:
                    waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))

    def _open(self, address: str) -> None:
        self.heard.clear()
        answer = self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        if answer is None or answer.status != 200:
            self.faults.append(f"{address}: {answer and answer.status}")
        for width, height in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": height})
            over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if over > 0:
                self.faults.append(f"{address}: {over} px too wide at {width}")
        self.page.set_viewport_size({"width": 1280, "height": 800})
        for found in Axe().run(self.page).response["violations"]:
            if found["impact"] in GRAVE:
                where = "; ".join(node["html"][:160] for node in found["nodes"][:3])
                self.faults.append(f"{address}: {found['id']} ({found['impact']}): {where}")
        self.faults += [f"{address}: {words}" for words in self.heard]


def kind_of(address: str) -> str | None:
    """The name of the address's view; None where no page is."""
    path = urlsplit(address).path
    if NO_PAGE.search(path):
        return None
    try:
        return resolve(path).view_name
    except Resolver404:
        return f"nowhere: {path}"


@pytest.fixture
def walk(browser: Any, live: Stack) -> Iterator[Any]:
    """`walk(username, first, **cookies)`: a walk as this user ("" for a stranger)."""
    contexts: list[Any] = []

    def begin(username: str, first: str, **cookies: str) -> Walk:
        context = browser.new_context(base_url=live.url, locale="zh-CN", reduced_motion="reduce")
        context.set_default_timeout(20_000)
        contexts.append(context)
        known = dict(cookies)
        if username:
            client = Client()
            client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
            known |= {name: morsel.value for name, morsel in client.cookies.items()}
        context.add_cookies([{"name": name, "value": value, "url": live.url} for name, value in known.items()])
        result = Walk(context.new_page())
        result.listen()
        result.go(first)
        return result

    yield begin
    for context in contexts:
        context.close()


STAFF = {
    "clerk_a": "/console/",
    "manager": "/console/",
    "accountant": "/console/",
    "auditor": "/console/",
    "administrator": "/console/",
}


class TestEveryPage:
    @pytest.mark.parametrize("username", STAFF)
    def test_of_the_staff_is_sound(self, walk: Any, username: str) -> None:
        lived_in_world()

        found = walk(username, STAFF[username])

        assert not found.faults, "\n".join(found.faults)
        assert len(found.seen) >= 8, found.seen

    @pytest.mark.parametrize("cookies", [{}, {"text_size": "elder"}, {"theme": "dark"}], ids=["light", "elder", "dark"])
    def test_of_the_portal_is_sound(self, walk: Any, cookies: dict[str, str]) -> None:
        lived_in_world()

        found = walk("portal", "/my/", **cookies)

        assert not found.faults, "\n".join(found.faults)
        assert len(found.seen) >= 8, found.seen

    def test_in_front_of_the_doors_is_sound(self, walk: Any) -> None:
        lived_in_world()

        for door in ("/sign-in/", "/my/sign-in/"):
            found = walk("", door)
            assert not found.faults, "\n".join(found.faults)
