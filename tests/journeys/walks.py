"""
Walks through the house: which pages links lead a person to, and opening those pages in a browser to look at them.

A plan is made without a browser, by following every link and every part that a page fetches, one address of each
kind; so it is known in one process what all people together can reach.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.test import Client
from django.urls import Resolver404, resolve

from config.shared.models import User
from tests.factories.staff import prove

WIDTHS = ((360, 740), (768, 1024), (1280, 800), (1920, 1080))
GRAVE = ("serious", "critical")
CONTRAST_ALONE = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Papers and sheets are opened by the browser itself; what stands outside is not ours.
NO_PAGE = re.compile(r"\.(pdf|csv|xlsx)$|^/(static|sim|api)/|[?&]export=")
# What passes is not listed, and what other houses serve is not fetched: a third of the time.
_SHORT = {"resultTypes": ["violations"], "preload": False}
_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]*)"')
_PART = re.compile(r'\shx-get="([^"]*)"')
_QUIET_S, _PATIENCE_S = 0.08, 8.0


@dataclass
class Plan:
    """Where links lead one person: view name to the first address of that kind; pages, parts and refusals apart."""

    pages: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def browser_of(username: str) -> Client:
    """A client in which this user ("" for a stranger) is signed in and has just proved who they are."""
    client = Client()
    if username:
        client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
        prove(client)
    return client


def kind_of(address: str) -> str:
    """The name of the address's view; empty where no page is."""
    if NO_PAGE.search(address.partition("?")[0]) or NO_PAGE.search(address):
        return ""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return f"nowhere: {address}"


def plan(client: Client, *doors: str) -> Plan:
    """Follow every link from the doors on, one address of each kind."""
    found, waiting, tried = Plan(), deque((door, False) for door in doors), set()
    while waiting:
        address, is_part = waiting.popleft()
        kind = kind_of(address)
        if not kind or kind in found.pages or (kind, is_part) in tried:
            continue
        tried.add((kind, is_part))
        answer = client.get(address, headers={"HX-Request": "true"} if is_part else {})
        if answer.status_code in (301, 302):
            goes_to = _inside(address, answer["Location"])
            # A form's page that leads to itself, with a fresh key in the address.
            if kind_of(goes_to) != kind or goes_to == address:
                waiting.append((goes_to, False))
                continue
            address = goes_to
            answer = client.get(address)
        if answer.status_code == 403:
            found.refused[kind] = address
            continue
        if answer.status_code != 200:
            found.faults.append(f"{address}: {answer.status_code}")
            continue
        if answer.streaming or not answer["Content-Type"].startswith("text/html"):
            continue
        text = answer.content.decode()
        (found.pages if "<html" in text else found.parts)[kind] = address
        waiting += [(_inside(address, unescape(link)), True) for link in _PART.findall(text)]
        waiting += [(_inside(address, unescape(link)), False) for link in _LINK.findall(text)]
    return found


def _inside(page: str, link: str) -> str:
    """The address a link leads to, without the host; empty for one that leads out of the house."""
    parts = urlsplit(urljoin(f"http://house{page}", link))
    if parts.hostname != "house" or parts.scheme != "http":
        return "/static/outside"
    return parts.path + (f"?{parts.query}" if parts.query else "")


# How far the page is too wide. What fits itself to a new width does so in the frames after it: a page that is too wide
# is looked at again until it fits, and for a second at most. What reaches furthest out is named.
_TOO_WIDE = """async () => {
  const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const until = performance.now() + 1000;
  while (over() > 0 && performance.now() < until) await new Promise((done) => requestAnimationFrame(done));
  if (over() <= 0) return null;
  const reach = (element) => element.getBoundingClientRect().right;
  const parts = document.querySelector("main")?.querySelectorAll("*") ?? document.body.children;
  const widest = [...parts].reduce((a, b) => reach(b) >= reach(a) ? b : a);
  return `${over()} px too wide: ${widest.outerHTML.slice(0, 160)}`;
}"""


@dataclass
class Look:
    """One person's browser page, and what was wrong with what it showed."""

    page: Any
    base: str
    """the address of the house"""
    faults: list[str] = field(default_factory=list)
    _heard: list[str] = field(default_factory=list)
    _under_way: set[Any] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self._heard.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._heard.append(str(error)))
        self.page.on("request", lambda request: self._under_way.add(request))
        self.page.on("requestfinished", lambda request: self._under_way.discard(request))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Any) -> None:
        self._under_way.discard(request)
        # A part that was on its way when the walk went on.
        if "ERR_ABORTED" not in (request.failure or ""):
            self._heard.append(f"{request.url} {request.failure}")

    def open(
        self, address: str, *, widths: Collection[tuple[int, int]] = WIDTHS, rules: Any = None, status: int = 200
    ) -> None:
        """Open a page and look at it; `rules` are those of axe to ask for, "none" for none of them."""
        self._heard.clear()
        self._under_way.clear()
        answer = self.page.goto(address)
        self._settle()
        if answer is None or answer.status != status:
            self.faults.append(f"{address}: {answer and answer.status}")
        for width, height in widths:
            self.page.set_viewport_size({"width": width, "height": height})
            if too_wide := self.page.evaluate(_TOO_WIDE):
                self.faults.append(f"{address} at {width}: {too_wide}")
        self.page.set_viewport_size({"width": 1280, "height": 800})
        if rules != "none":
            for found in Axe().run(self.page, options={**_SHORT, **(rules or {})}).response["violations"]:
                if found["impact"] in GRAVE:
                    where = "; ".join(node["html"][:160] for node in found["nodes"][:3])
                    self.faults.append(f"{address}: {found['id']} ({found['impact']}): {where}")
        self.faults += [f"{address}: {words}" for words in self._heard if f"status of {status}" not in words]

    def _settle(self) -> None:
        """Wait until the parts of the page have come."""
        until = time.monotonic() + _PATIENCE_S
        quiet_since = time.monotonic()
        while time.monotonic() < until and time.monotonic() - quiet_since < _QUIET_S:
            self.page.wait_for_timeout(20)
            if self._under_way:
                quiet_since = time.monotonic()
