"""Where the story is played: the running demo, a browser window for each of its people, pictures on the way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from config.embedded.engines import load_environment
from tests.screenshots import DESKTOP, PHONE, PROJECT, sign_in

PICTURES = PROJECT / "docs" / "pictures" / "story"
# Who stands in a stairwell or at home with a telephone.
ON_THE_PHONE = ("customer", "grid")
PATIENCE_MS = 60_000


@dataclass
class Stage:
    """
    Windows by person; `known` is what the demo's database said before the curtain rose.

    A page with an error of its own, a failed request or a script refused by the content policy ends the story.
    """

    browser: Browser
    address: str
    known: dict[str, str]
    windows: dict[str, Page] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def page(self, who: str) -> Page:
        """The window of a person, signed in; "" is the public (kiosk, hall screen)."""
        if who in self.windows:
            return self.windows[who]
        is_phone = who == "customer" or who.startswith("grid")
        width, height = PHONE if is_phone else DESKTOP
        context = self.browser.new_context(
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            device_scale_factor=1.5,
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{who}: {error}"))
        page.on(
            "console",
            lambda said: self.faults.append(f"{who}: {page.url} {said.text}") if said.type == "error" else None,
        )
        if who:
            sign_in(page, self.address, who, self.known)
            if "/sign-in/" in page.url:
                raise AssertionError(f"{who} could not sign in")
        self.windows[who] = page
        return page

    def go(self, who: str, path: str) -> Page:
        """Somebody opens an address."""
        page = self.page(who)
        answer = page.goto(f"{self.address}{path.format(**self.known)}")
        page.wait_for_load_state("networkidle")
        assert answer is not None and answer.status == 200, f"{who}: {path}: {answer and answer.status}"
        return page

    def press(self, who: str, name: str, *, exact: bool = False) -> Page:
        """Somebody presses the first button or link whose words contain `name`; a password is given when asked for."""
        page = self.page(who)
        wanted = page.get_by_role("button", name=re.compile(name)).or_(page.get_by_role("link", name=re.compile(name)))
        wanted.first.click()
        page.wait_for_load_state("networkidle")
        if "/step-up/" in page.url or page.locator("input[type=password]").count():
            page.locator("input[type=password]").first.fill(self.known["password"])
            page.locator("input[type=password]").first.press("Enter")
            page.wait_for_load_state("networkidle")
        return page

    def sees(self, who: str, words: str) -> None:
        """The words are on somebody's page, now or within a minute."""
        expect(self.page(who).locator("body")).to_contain_text(re.compile(words), timeout=PATIENCE_MS)

    def snap(self, who: str, name: str, caption: str) -> None:
        """A picture of what somebody sees; the captions in their order are the story."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page(who).screenshot(path=PICTURES / f"{name}.png")
        self.told.append(f"{name}: {caption}")
        print(f"  {caption}", flush=True)


def ask_database(code: str) -> dict[str, Any]:
    """What a small program says that runs beside the demo, in a process of its own."""
    load_environment()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    program = f"import django, json\ndjango.setup()\n{code}"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, check=False, capture_output=True, text=True
    )
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


def readme_rows(told: list[str]) -> str:
    """The story as a table of pictures for the README."""
    cells = [line.split(": ", 1) for line in told]
    one = [f"{caption}<br>![{caption}](docs/pictures/story/{name}.png)" for name, caption in cells]
    rows = [one[start : start + 3] for start in range(0, len(one), 3)]
    return "\n".join("| " + " | ".join(row + [""] * (3 - len(row))) + " |" for row in rows)


def kept_path(name: str) -> Path:
    """Where a picture stands."""
    return PICTURES / f"{name}.png"
