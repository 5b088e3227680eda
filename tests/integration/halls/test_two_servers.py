"""Real processes: a hundred callers at two web servers; a screen that is right again after all was killed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from config.embedded import places
from config.embedded.run import live_program, web_command
from config.embedded.supervise import Program, Supervisor
from config.embedded.valkey import Valkey
from config.shared.models import OrgUnit
from halls.models import Hall, Ticket, TicketEvent
from tests.factories.halls import at_counter, make_hall, take
from tests.factories.portal import signed_in
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS = 100
TOKEN = "t" * 32
RIGHT_AGAIN_S = 30
"""a restart of three processes on a busy machine; the screen itself needs a second or two"""


def cookie_of(user_id: int) -> str:
    """The cookies of a browser in which somebody is signed in, with a token for forms."""
    session = signed_in(user_id).cookies[settings.SESSION_COOKIE_NAME].value
    return f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={TOKEN}"


def press(url: str, cookie: str, address: str) -> tuple[int, str]:
    """Send one of the clerk's buttons to a server; status and where it leads."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", address, headers={"Cookie": cookie, "X-CSRFToken": TOKEN, "Content-Length": "0"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location", "")
    finally:
        connection.close()


def environment() -> dict[str, str]:
    """What a server of ours is started with."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}


class Servers:
    """Two web servers, a websocket server and a Valkey of their own, on the tests' database, under the supervisor."""

    def __init__(self, folder: Path) -> None:
        self.home = places.engine_home("tests") / f"halls-{os.getpid()}"
        self.home.mkdir(exist_ok=True)
        places.engine_account().give(self.home, 0o711)
        self.valkey = Valkey(self.home, places.free_port(), "screens", persistent=False)
        live_port = places.free_port()
        known = {
            **environment(),
            "REDIS_URL": self.valkey.url(),
            "WEBSOCKET_URL": f"ws://127.0.0.1:{live_port}",
        }
        ports = [places.free_port(), places.free_port()]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.web = [
            Program(
                web_command("127.0.0.1", port, workers=1, threads=4),
                known,
                folder / f"web-{port}.log",
                health_url=f"http://127.0.0.1:{port}/health/",
            )
            for port in ports
        ]
        self.live = live_program("127.0.0.1", live_port, known, folder)
        self.supervisor = Supervisor(lambda _said: None)

    def start(self, *, with_screens: bool) -> None:
        """Start what a test needs; servers start beside each other."""
        self.supervisor.start("Valkey", self.valkey)
        for number, program in enumerate([*self.web, self.live] if with_screens else self.web):
            self.supervisor.start(f"program {number}", program)

    def stop(self) -> None:
        """Stop all of it."""
        self.supervisor.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While it lasts, what dies is started again, as under `make run`."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.2):
                self.supervisor.check()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Not started yet."""
    made = Servers(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def crew(world: World, hall: Hall, count: int) -> list[str]:
    """So many clerks, each at a counter of their own; the cookies of their browsers."""
    unit, now = OrgUnit.objects.get(pk=world.hall_a_id), timezone.now()
    cookies = []
    for number in range(1, count + 1):
        clerk = make_user(f"caller_{number}", unit, "clerk")
        at_counter(hall, number, clerk.pk, at=now)
        cookies.append(cookie_of(clerk.pk))
    return cookies


@pytest.mark.acceptance("F62")
class TestAHundredCallers:
    def test_on_two_servers_call_no_ticket_twice(self, world: World, servers: Servers) -> None:
        hall = make_hall(world.hall_a_id, counters=CALLERS)
        cookies = crew(world, hall, CALLERS)
        now = timezone.now()
        for _ in range(CALLERS):
            take(hall, at=now)
        servers.start(with_screens=False)

        with ThreadPoolExecutor(CALLERS) as pool:
            answers = list(
                pool.map(
                    lambda pair: press(servers.urls[pair[0] % 2], pair[1], "/console/queue/next/"),
                    enumerate(cookies),
                )
            )

        assert {status for status, _where in answers} == {302}
        called = TicketEvent.objects.filter(kind="called").values_list("ticket_id", flat=True)
        assert len(called) == len(set(called)) == CALLERS
        tickets = Ticket.objects.filter(state="called").values_list("clerk_id", "counter_id")
        assert len({clerk for clerk, _counter in tickets}) == len({counter for _clerk, counter in tickets}) == CALLERS


def shown(page: Any) -> str:
    """The numbers on a screen, newest first."""
    text: str = page.locator("[data-calls]").inner_text()
    return text


def wait_until_shown(page: Any, number: str) -> None:
    """Until the screen, which nobody touches, has this number on top."""
    page.wait_for_function(
        "number => document.querySelector('[data-calls] .wall-number')?.textContent === number",
        arg=number,
        timeout=RIGHT_AGAIN_S * 1000,
    )


def heard_by(page: Any) -> list[str]:
    """What the page's websockets receive from now on: the number called last, message by message."""
    newest: list[str] = []

    def note(payload: str | bytes) -> None:
        calls = json.loads(payload)["calls"]
        newest.append(calls[0]["number"] if calls else "")

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return newest


def wait_until_heard(page: Any, heard: list[str], number: str) -> None:
    """Until a websocket has brought this number; the page also asks by itself, which does not count here."""
    until = time.monotonic() + RIGHT_AGAIN_S
    while number not in heard and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert number in heard, heard


class TestTheScreen:
    def test_is_right_again_by_itself_after_web_valkey_and_websockets_were_killed(
        self, world: World, servers: Servers, browser: Any
    ) -> None:
        hall = make_hall(world.hall_a_id, counters=3)
        cookies = crew(world, hall, 3)
        now = timezone.now()
        for _ in range(3):
            take(hall, at=now)
        servers.start(with_screens=True)
        url = servers.urls[0]
        page = browser.new_page()
        heard = heard_by(page)
        page.goto(f"{url}/halls/T42990101/screen/")

        wait_until_heard(page, heard, "")
        press(url, cookies[0], "/console/queue/next/")
        wait_until_heard(page, heard, "A001")
        wait_until_shown(page, "A001")

        for victim in (servers.web[0], servers.live):
            victim.kill()
        assert servers.valkey.process is not None
        servers.valkey.process.kill()
        # Meanwhile the other server calls on: Redis is needed for nothing but the bell.
        assert press(servers.urls[1], cookies[1], "/console/queue/next/")[0] == 302
        with servers.watched():
            wait_until_shown(page, "A002")
            until = time.monotonic() + RIGHT_AGAIN_S
            status = 0
            while status != 302 and time.monotonic() < until:
                try:
                    status = press(url, cookies[2], "/console/queue/next/")[0]
                except OSError:
                    time.sleep(0.2)
            wait_until_shown(page, "A003")
            wait_until_heard(page, heard, "A003")
        assert [line for line in ("A003", "A002", "A001") if line in shown(page)] == ["A003", "A002", "A001"]
        assert page.locator("[data-cut]").is_hidden()
        page.close()
