"""Browser pages that are watched: a script error or a refusal of the content policy fails the journey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.factories.world import PASSWORD
from tests.stack import Stack

# The browser itself notes every answer of these; refusals in words are a part of the journeys.
EXPECTED_NOTES = ("status of 409", "status of 422")

NewPage = Callable[[], Any]


@pytest.fixture
def new_page(browser: Any, live: Stack) -> Iterator[NewPage]:
    """Another person's browser: `new_page()`; at the end nothing must have gone wrong in any of them."""
    contexts: list[Any] = []
    heard: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error" and not any(known in message.text for known in EXPECTED_NOTES):
            heard.append(f"{message.location.get('url', '')} {message.text}")

    def make() -> Any:
        context = browser.new_context(base_url=live.url, locale="zh-CN", viewport={"width": 1366, "height": 768})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: heard.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert heard == []


def sign_in(page: Any, username: str, goes_to: str = "/console/search/") -> Any:
    """Sign a member of staff in with the keyboard, by way of the page that was asked for."""
    page.goto(goes_to)
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    # The sign-in page names it too, behind the question mark.
    page.wait_for_url(lambda url: urlsplit(url).path == goes_to)
    return page
