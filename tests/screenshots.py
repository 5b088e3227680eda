"""
Pictures of every page from the running demo: `make screenshots`.

Uses the system that `make run` started, or starts one for as long as it takes. The pictures of the README go to
docs/pictures (desktop or phone, Chinese, light); with `--all DIR` every page is taken in both languages, on phone and
desktop, light and dark, into DIR, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from config.embedded import places
from config.embedded.engines import load_environment
from config.embedded.system_packages import find_chromium

PROJECT = Path(__file__).resolve().parents[1]
PICTURES = PROJECT / "docs" / "pictures"
START_LIMIT_S = 240
DESKTOP, PHONE = (1366, 860), (390, 800)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Shot:
    """One page: its picture's name, who looks at it, its address ({…} filled from the demo's data)."""

    name: str
    who: str
    address: str
    size: tuple[int, int] = DESKTOP
    caption: str = ""
    searched: str = ""
    """what is typed into the search box of the page and sent; it never stands in an address"""


SHOTS = (
    Shot("sign-in", "", "/sign-in/", caption="员工登录"),
    Shot("home-clerk", "clerk1", "/console/", caption="柜员首页：接下来要做的"),
    Shot("home-accountant", "accountant", "/console/", caption="电费会计首页"),
    Shot("analysis", "accountant", "/dsm/", caption="分析台：卖了多少，收回多少，还欠多少"),
    Shot("search", "clerk1", "/console/search/", caption="一个搜索框，找到任何客户", searched="李"),
    Shot("account", "clerk1", "/console/accounts/{account}/", caption="客户 360"),
    Shot("bill", "clerk1", "/console/bills/{bill}/", caption="账单：每一行都说明来由"),
    Shot("take-payment", "clerk1", "/console/accounts/{debtor}/pay/", caption="收费"),
    Shot("payment", "clerk1", "/console/payments/{receipt}/", caption="收费结果与收据"),
    Shot("payments-of-the-day", "clerk1", "/console/payments/list/", caption="当日收费"),
    Shot("runs", "accountant", "/console/runs/", caption="电费发行"),
    Shot("run", "accountant", "/console/runs/{run}/", caption="一次发行：进度、未发行原因、核对"),
    Shot("doubtful-readings", "auditor", "/console/readings/doubts/", caption="存疑示数"),
    Shot("doubtful-reading", "auditor", "/console/readings/doubts/{doubt}/", caption="处理一条存疑示数"),
    Shot("reading-imports", "auditor", "/console/readings/imports/", caption="示数导入"),
    Shot("data", "auditor", "/console/data/", caption="数据目录"),
    Shot("jobs", "accountant", "/console/jobs/", caption="后台任务"),
    Shot("portal-sign-in", "", "/my/sign-in/", PHONE, caption="客户登录"),
    Shot("portal-home", "customer", "/my/", PHONE, caption="首页：欠多少、用了多少"),
    Shot("portal-bills", "customer", "/my/bills/", PHONE, caption="账单"),
    Shot("portal-bill", "customer", "/my/bills/{customer_bill}/", PHONE, caption="账单说明"),
    Shot("portal-usage", "customer", "/my/usage/", PHONE, caption="每日用电"),
    Shot("portal-usage-day", "customer", "/my/usage/{day}/", PHONE, caption="15 分钟用电"),
    Shot("portal-pay", "customer", "/my/pay/", PHONE, caption="交费"),
    Shot("portal-receipts", "customer", "/my/receipts/", PHONE, caption="收据"),
    Shot("portal-me", "customer", "/my/me/", PHONE, caption="我的：户号、实名、登录方式"),
    Shot("portal-faults", "customer", "/my/faults/", PHONE, caption="停电报修"),
    Shot("portal-prices", "customer", "/my/prices/", PHONE, caption="法定电价与投诉"),
    Shot("portal-bind", "customer", "/my/me/accounts/bind/", PHONE, caption="绑定户号"),
)


@contextmanager
def running_demo() -> Iterator[str]:
    """The address of a running demo; one is started when none is up."""
    port = os.environ.get("DEMO_PORT", "")
    if port:
        yield f"http://localhost:{port}"
        return
    free = str(places.free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded.run"], cwd=PROJECT, env={**os.environ, "PORT": free}
    )
    address = f"http://localhost:{free}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(START_LIMIT_S):
        if process.poll() is not None:
            raise SystemExit("the demo did not start; is `make run` up already? then give its port as DEMO_PORT=…")
        try:
            with urllib.request.urlopen(f"{address}/health/", timeout=2):
                return
        except OSError:
            time.sleep(1)
    raise SystemExit("the demo did not come up in time")


LOOK_UP = """
import django, json
django.setup()
from django.db import connection
from cis.operations.demo import DEMO_PASSWORD
from cis.operations.demo_portal import demo_people
queries = {
    "account": "SELECT a.account_no FROM cis_bill b JOIN cis_account a ON a.id = b.account_id "
               "WHERE b.price_class = 1 GROUP BY 1 HAVING count(*) >= 12 AND sum(b.open_fen) > 0 ORDER BY 1 LIMIT 1",
    "debtor": "SELECT a.account_no FROM cis_bill b JOIN cis_account a ON a.id = b.account_id "
              "GROUP BY 1 HAVING count(*) FILTER (WHERE b.open_fen > 0) >= 2 ORDER BY 1 LIMIT 1",
    "bill": "SELECT b.cycle || lpad(b.id::text, 10, '0') FROM cis_bill b WHERE b.price_class = 1 AND EXISTS "
            "(SELECT 1 FROM cis_bill_line l WHERE l.bill_id = b.id AND l.code = 12) ORDER BY b.id DESC LIMIT 1",
    "customer_bill": "SELECT b.cycle || lpad(b.id::text, 10, '0') FROM cis_bill b JOIN cis_account a "
                     "ON a.id = b.account_id WHERE a.account_no = '{customer}' ORDER BY b.id DESC LIMIT 1",
    "receipt": "SELECT to_char(business_date, 'YYYYMMDD') || lpad(id::text, 10, '0') FROM payments_payment "
               "WHERE channel = 'counter' ORDER BY id DESC LIMIT 1",
    "run": "SELECT id FROM cis_billing_run WHERE kind = 'regular' ORDER BY cycle DESC, id DESC LIMIT 1",
    "doubt": "SELECT id FROM cis_reading_doubt WHERE resolved_at IS NULL ORDER BY id LIMIT 1",
    "day": "SELECT max(day) - 1 FROM cis_interval_day",
}
owner = demo_people()[0]
found = {"password": DEMO_PASSWORD, "telephone": owner.telephone, "customer": owner.account_no}
with connection.cursor() as cursor:
    for name, sql in queries.items():
        cursor.execute(sql.replace("{customer}", found.get("customer", "")))
        row = cursor.fetchone()
        found[name] = str(row[0]) if row else "0"
print(json.dumps(found))
"""


def facts() -> dict[str, str]:
    """Rows of the demo worth a picture, looked up in its database by a process of its own."""
    load_environment()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    answer = subprocess.run(
        [sys.executable, "-c", LOOK_UP], cwd=PROJECT, env=environment, check=True, capture_output=True, text=True
    )
    known: dict[str, str] = json.loads(answer.stdout.strip().splitlines()[-1])
    return known


def sign_in(page: Page, address: str, who: str, known: dict[str, str]) -> None:
    """Come in as staff by password, or as a customer by the one-time code that the simulator shows."""
    if who == "customer":
        page.goto(f"{address}/my/sign-in/")
        page.locator("input[name=telephone]").fill(known["telephone"])
        page.locator("input[name=telephone]").press("Enter")
        page.locator("input[name=code]").wait_for()
        sent = page.context.new_page()
        found = None
        for _ in range(40):  # a worker sends it
            sent.goto(f"{address}/sim/messages/")
            found = re.search(r"验证码 (\d{6})", sent.locator("main").inner_text())
            if found:
                break
            time.sleep(0.25)
        sent.close()
        page.locator("input[name=code]").fill(found[1] if found else "")
        page.locator("input[name=code]").press("Enter")
        page.wait_for_load_state("networkidle")
        return
    page.goto(f"{address}/sign-in/")
    page.locator("input[name=username]").fill(who)
    page.locator("input[name=password]").fill(known["password"])
    page.locator("input[name=password]").press("Enter")
    page.wait_for_load_state("networkidle")


def take(
    browser: Browser,
    address: str,
    folder: Path,
    known: dict[str, str],
    *,
    language: str,
    dark: bool,
    size: Any,
    sessions: dict[str, Any],
) -> list[str]:
    """One round over all pages; gives what went wrong on them."""
    faults: list[str] = []
    for who in dict.fromkeys(shot.who for shot in SHOTS):
        state = sessions.get(who)
        context = browser.new_context(
            storage_state=state,
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if dark else "light",
            device_scale_factor=1.5,
        )
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
        if who and state is None:
            # Once for all rounds: one-time codes are not sent to the same person time and again.
            sign_in(page, address, who, known)
            sessions[who] = context.storage_state()
        for shot in (shot for shot in SHOTS if shot.who == who):
            width, height = size or shot.size
            page.set_viewport_size({"width": width, "height": height})
            answer = page.goto(address + shot.address.format(**known))
            page.wait_for_load_state("networkidle")
            if shot.searched:
                page.fill("#finder", shot.searched)
                page.press("#finder", "Enter")
                page.wait_for_load_state("networkidle")
            if answer is None or answer.status != 200:
                faults.append(f"{shot.name}: {answer.status if answer else 'no answer'}")
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
                faults.append(f"{shot.name} ({width} px, {language}): wider than the screen")
            page.screenshot(path=folder / f"{shot.name}.png", full_page=size is not None)
        context.close()
    return faults


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="DIR", help="every page in every form, to look at")
    wanted = parser.parse_args()
    chromium = find_chromium()
    if not chromium:
        print("no Chromium found", file=sys.stderr)
        return 1
    faults: list[str] = []
    with running_demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM_FLAGS)
        known = facts()
        sessions: dict[str, Any] = {}
        if wanted.all:
            for language in ("zh", "en"):
                for size_name, size in (("desktop", DESKTOP), ("phone", PHONE)):
                    for dark in (False, True) if language == "zh" else (False,):
                        folder = Path(wanted.all) / f"{language}-{size_name}{'-dark' if dark else ''}"
                        folder.mkdir(parents=True, exist_ok=True)
                        faults += take(
                            browser, address, folder, known, language=language, dark=dark, size=size, sessions=sessions
                        )
        else:
            PICTURES.mkdir(parents=True, exist_ok=True)
            faults += take(browser, address, PICTURES, known, language="zh", dark=False, size=None, sessions=sessions)
        browser.close()
    for fault in dict.fromkeys(faults):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
