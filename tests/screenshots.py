"""
Pictures of every page from the running demo: `make screenshots`.

Uses the system that `make run` started, or starts one for as long as it takes. The pictures of the README go to
docs/pictures (desktop or phone, Chinese, light); with `make screenshots ARGS="--all DIR"` every page is taken in both
languages, on phone and desktop, and some of them dark and in large print, into DIR, to be looked at.
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
START_LIMIT_S = 600
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
    """what the README says below the picture; pages without one are taken with `--all` only"""
    searched: str = ""
    """what is typed into the search box of the page and sent; it never stands in an address"""
    keys: str = ""
    """what is pressed before the picture is taken"""
    typed: str = ""
    """what is typed then, wherever the keys led"""
    filled: tuple[tuple[str, str], ...] = ()
    """fields and what is typed into them; the form is sent as it then is, so that its answer is in the picture"""
    status: int = 200


SHOTS = (
    Shot("sign-in", "", "/sign-in/"),
    Shot("sign-in-refused", "", "/sign-in/", filled=(("username", "nobody"), ("password", "wrong"))),
    Shot("not-found-stranger", "", "/nowhere/", status=404),
    # Counter console.
    Shot("home-clerk", "clerk1", "/console/", caption="柜员首页：接下来要做的"),
    Shot("search-empty", "clerk1", "/console/search/"),
    Shot("search", "clerk1", "/console/search/", caption="一个搜索框，找到任何客户", searched="李"),
    Shot("search-nothing", "clerk1", "/console/search/", searched="9999999999"),
    Shot("palette", "clerk1", "/console/", keys="Control+k", typed="李"),
    Shot("keys", "clerk1", "/console/accounts/{account}/", keys="?"),
    Shot("account", "clerk1", "/console/accounts/{account}/", caption="客户 360"),
    Shot("account-bills", "clerk1", "/console/accounts/{account}/bills/"),
    Shot("account-usage", "clerk1", "/console/accounts/{account}/usage/"),
    Shot("account-profile", "keymanager", "/console/accounts/{account}/profile/"),
    Shot("account-tier", "leader", "/console/accounts/{account}/tier/"),
    Shot("key-accounts", "keymanager", "/console/key-accounts/"),
    Shot("emergencies", "keymanager", "/console/emergencies/"),
    Shot("segments", "keymanager", "/dsm/customers/"),
    Shot("tiers", "leader", "/dsm/tiers/"),
    Shot("proposals", "keymanager", "/dsm/proposals/"),
    Shot("satisfaction", "leader", "/dsm/satisfaction/"),
    Shot("account-usage-day", "clerk1", "/console/accounts/{account}/usage/{day}/"),
    Shot("account-messages", "clerk1", "/console/accounts/{account}/messages/"),
    Shot("account-people", "clerk1", "/console/accounts/{customer}/people/"),
    Shot("account-people-bind", "clerk1", "/console/accounts/{customer}/people/bind/"),
    Shot("account-edit", "clerk1", "/console/accounts/{account}/customer/"),
    Shot("account-premise", "clerk1", "/console/accounts/{account}/premise/"),
    Shot("personal-data", "manager", "/console/accounts/{account}/personal-data/"),
    Shot("bill-now", "clerk1", "/console/accounts/{account}/bill-now/"),
    Shot("bills", "accountant", "/console/bills/"),
    Shot("bill", "clerk1", "/console/bills/{bill}/", caption="账单：每一行都说明来由"),
    Shot("bill-dispute", "clerk1", "/console/bills/{bill}/dispute/"),
    Shot("pay-desk", "clerk1", "/console/payments/"),
    Shot("take-payment", "clerk1", "/console/accounts/{debtor}/pay/", caption="收费"),
    Shot("payment", "clerk1", "/console/payments/{receipt}/"),
    Shot("reversal", "clerk1", "/console/payments/{receipt}/reversal/"),
    Shot("payments-of-the-day", "clerk1", "/console/payments/list/?day={paid_day}"),
    Shot("refund-ask", "clerk1", "/console/accounts/{customer}/refund/"),
    Shot("refund-waiting", "clerk1", "/console/accounts/{refund_wanted}/refund/"),
    Shot("refund", "clerk1", "/console/payments/refunds/{refund}/"),
    Shot("inbox", "clerk1", "/console/inbox/"),
    Shot("own-account", "clerk1", "/account/"),
    Shot("own-password", "clerk1", "/account/password/"),
    Shot("own-authenticator", "clerk1", "/account/authenticator/"),
    Shot("own-passkeys", "clerk1", "/account/passkeys/"),
    Shot("not-found", "clerk1", "/console/accounts/9999999999/", status=404),
    Shot("forbidden", "clerk1", "/console/runs/", status=403),
    Shot("home-manager", "manager", "/console/"),
    Shot("messages-lost", "manager", "/console/messages/"),
    Shot("letters", "manager", "/console/messages/letters/"),
    Shot("home-agent", "agent", "/console/"),
    Shot("home-accountant", "accountant", "/console/", caption="电费会计首页"),
    Shot("runs", "accountant", "/console/runs/", caption="电费发行"),
    Shot("run", "accountant", "/console/runs/{run}/"),
    Shot("run-exceptions", "accountant", "/console/runs/{run}/exceptions/"),
    Shot("day", "accountant", "/console/payments/day/"),
    Shot("jobs", "accountant", "/console/jobs/"),
    Shot("job", "accountant", "/console/jobs/{job}/"),
    Shot("dead-letters", "accountant", "/console/dead-letters/"),
    Shot("home-auditor", "auditor", "/console/"),
    Shot("doubtful-readings", "auditor", "/console/readings/doubts/"),
    Shot("doubtful-reading", "auditor", "/console/readings/doubts/{doubt}/", caption="处理一条存疑示数"),
    Shot("reading-imports", "auditor", "/console/readings/imports/"),
    Shot("reading-import", "auditor", "/console/readings/imports/{import}/"),
    Shot("data", "auditor", "/console/data/"),
    Shot("home-admin", "admin", "/console/"),
    Shot("approvals", "manager", "/console/approvals/"),
    Shot("approval", "manager", "/console/approvals/{approval}/"),
    Shot("approval-own", "clerk1", "/console/approvals/{approval}/"),
    Shot("approval-done", "manager", "/console/approvals/{approved}/"),
    Shot("audit", "admin", "/console/audit/"),
    Shot("people", "admin", "/console/people/"),
    Shot("person", "admin", "/console/people/{clerk}/"),
    Shot("person-machine", "admin", "/console/people/{machine}/"),
    Shot("person-add", "admin", "/console/people/add/"),
    Shot("clients", "admin", "/console/people/clients/"),
    Shot("locks", "admin", "/console/people/locks/"),
    Shot("roles", "admin", "/console/people/roles/"),
    Shot("role", "admin", "/console/people/roles/{role}/"),
    Shot("design", "admin", "/design/"),
    # Halls.
    Shot("queue", "clerk1", "/console/queue/", caption="叫号：一个键叫下一位，打开这位客户"),
    Shot("halls", "manager", "/console/halls/"),
    Shot("hall", "manager", "/console/halls/429901-H1/", caption="营业厅实时：排队、窗口、低分评价"),
    Shot("hall-guide", "clerk1", "/console/queue/tickets/"),
    Shot("hall-notes", "manager", "/console/halls/429901-H1/display/"),
    Shot("hall-kiosk", "", "/halls/429901-H1/kiosk/", (1080, 1600), caption="取号机"),
    Shot("hall-kiosk-elder", "", "/halls/429901-H1/kiosk/?elder=1", (1080, 1600)),
    Shot("hall-screen", "", "/halls/429901-H1/screen/", (1920, 1080), caption="叫号大屏"),
    Shot("hall-display", "", "/halls/429901-H1/display/", (1920, 1080)),
    Shot("portal-halls", "customer", "/my/halls/", PHONE, caption="去营业厅：哪里最快"),
    Shot("portal-ticket", "customer", "/my/halls/ticket/", PHONE),
    Shot("circle", "leader", "/dsm/circle/", caption="十分钟缴费圈"),
    # Analysis console.
    Shot("analysis", "accountant", "/dsm/", caption="分析台：驾驶舱和图表"),
    Shot("cockpit", "leader", "/dsm/cockpit/", caption="驾驶舱：各项指标、去年同期、目标"),
    Shot("cockpit-indicator", "leader", "/dsm/cockpit/cis.collection-rate/"),
    Shot("analysis-energy", "accountant", "/dsm/energy/"),
    Shot("analysis-collection", "accountant", "/dsm/collection/"),
    Shot("analysis-arrears", "accountant", "/dsm/arrears/"),
    Shot("loads", "dispatcher", "/dsm/loads/"),
    Shot("load-forecast", "dispatcher", "/dsm/forecasts/", caption="明天的负荷：96 点和误差带"),
    # District console, on a telephone, and those who oversee districts.
    Shot("grid-home", "grid1", "/grid/", PHONE, caption="片区台：今天先做什么"),
    Shot("grid-questions", "grid1", "/grid/questions/", PHONE),
    Shot("grid-question", "grid1", "/grid/questions/{question}/", PHONE, caption="客户提问：一键答复"),
    Shot("grid-notices", "grid1", "/grid/notices/", PHONE),
    Shot("grid-notice-new", "grid1", "/grid/notices/new/", PHONE),
    Shot("grid-notice", "grid1", "/grid/notices/{notice}/", PHONE, caption="通知发给了谁，谁没收到"),
    Shot("grid-arrears", "grid1", "/grid/arrears/", PHONE),
    Shot("grid-customers", "grid1", "/grid/customers/", PHONE),
    Shot("grid-call", "grid1", "/grid/customers/{customer}/call/", PHONE),
    Shot("grid-care", "grid1", "/grid/care/", PHONE),
    Shot("grid-my-card", "grid1", "/grid/my-card/", PHONE),
    Shot("districts", "supervisor", "/console/districts/", caption="片区：谁在什么时候负责"),
    Shot("districts-check", "supervisor", "/console/districts/check/"),
    Shot("district", "supervisor", "/console/districts/{district}/"),
    Shot("district-hand-over", "supervisor", "/console/districts/{district}/hand-over/"),
    Shot("district-cover", "supervisor", "/console/districts/{district}/cover/"),
    Shot("outages", "dispatcher", "/console/outages/"),
    Shot("outage", "dispatcher", "/console/outages/{outage}/"),
    Shot("outage-new", "dispatcher", "/console/outages/new/"),
    Shot("shortages", "dispatcher", "/dsm/shortages/"),
    Shot("shortage-new", "dispatcher", "/dsm/shortages/new/"),
    Shot("shortage", "leader", "/dsm/shortages/{shortage}/", caption="缺电：三个方案一张表，由领导权衡"),
    Shot("shortage-plan", "dispatcher", "/dsm/shortages/{shortage}/plans/optimum/"),
    Shot("shortage-why", "dispatcher", "/dsm/shortages/{shortage}/plans/optimum/{cut}/", caption="为什么是这一户"),
    Shot("shed-list", "dispatcher", "/dsm/shed-list/"),
    # Portal.
    Shot("portal-district", "customer", "/my/district/", PHONE, caption="我的片区经理"),
    Shot("portal-outages", "customer", "/my/outages/", PHONE),
    Shot("portal-sign-in", "", "/my/sign-in/", PHONE),
    Shot("portal-home", "customer", "/my/", PHONE, caption="首页：欠多少、用了多少"),
    Shot("portal-bills", "customer", "/my/bills/", PHONE, caption="账单"),
    Shot("portal-bill", "customer", "/my/bills/{customer_bill}/", PHONE, caption="账单说明"),
    Shot("portal-usage", "customer", "/my/usage/", PHONE, caption="每日用电"),
    Shot("portal-usage-day", "customer", "/my/usage/{day}/", PHONE),
    Shot("portal-pay", "customer", "/my/pay/", PHONE, caption="交费"),
    Shot("portal-receipts", "customer", "/my/receipts/", PHONE),
    Shot("portal-profile", "customer", "/my/profile/", PHONE),
    Shot("portal-me", "customer", "/my/me/", PHONE, caption="我的：户号、实名、登录方式"),
    Shot("portal-account", "customer", "/my/me/accounts/{customer}/", PHONE),
    Shot("portal-bind", "customer", "/my/me/accounts/bind/", PHONE),
    Shot("portal-telephone", "customer", "/my/me/telephone/", PHONE),
    Shot("portal-faults", "customer", "/my/faults/", PHONE),
    Shot("portal-prices", "customer", "/my/prices/", PHONE),
    Shot("portal-messages", "customer", "/my/messages/", PHONE),
    Shot("portal-who-looked", "customer", "/my/who-looked/", PHONE),
    Shot("portal-not-found", "customer", "/my/bills/2026010000000000/", PHONE, status=404),
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
    "shortage": "SELECT max(id)::text FROM dsm_shortage",
    "cut": "SELECT a.account_no FROM dsm_plan_cut c JOIN dsm_shortage_plan p ON p.id = c.plan_id "
    "JOIN cis_account a ON a.id = c.account_id WHERE p.strategy = 'optimum' ORDER BY c.peak_cut_kw DESC, c.id LIMIT 1",
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
    "paid_day": "SELECT max(business_date) FROM payments_payment",
    "refund_wanted": "SELECT payload ->> 'account_no' FROM shared_approval WHERE kind = 'payments.refund' "
                     "AND state = 'waiting' LIMIT 1",
    "refund": "SELECT 'TF' || to_char(business_date, 'YYYYMMDD') || lpad(id::text, 10, '0') FROM payments_refund "
              "LIMIT 1",
    "approval": "SELECT id FROM shared_approval WHERE state = 'waiting' ORDER BY id LIMIT 1",
    "approved": "SELECT id FROM shared_approval WHERE state = 'carried-out' ORDER BY id LIMIT 1",
    "run": "SELECT id FROM cis_billing_run WHERE kind = 'regular' ORDER BY cycle DESC, id DESC LIMIT 1",
    "job": "SELECT id FROM shared_job WHERE kind = 'billing' ORDER BY id DESC LIMIT 1",
    "import": "SELECT id FROM cis_reading_import ORDER BY id DESC LIMIT 1",
    "clerk": "SELECT id FROM shared_user WHERE username = 'clerk1'",
    "machine": "SELECT id FROM shared_user WHERE username = 'bank'",
    "role": "SELECT id FROM shared_role WHERE code = 'clerk'",
    "doubt": "SELECT id FROM cis_reading_doubt WHERE resolved_at IS NULL ORDER BY id LIMIT 1",
    "question": "SELECT id FROM grid_service_question WHERE answered_at IS NULL ORDER BY id LIMIT 1",
    "notice": "SELECT id FROM grid_service_notice WHERE outage_id IS NULL ORDER BY id LIMIT 1",
    "district": "SELECT service_district_id FROM grid_service_assignment GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    "outage": "SELECT id FROM cis_outage WHERE kind = 'planned' ORDER BY id LIMIT 1",
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


@dataclass(frozen=True)
class Form:
    """One way in which pages are looked at with `--all`."""

    folder: str
    language: str
    size: tuple[int, int]
    dark: bool = False
    elder: bool = False

    def shows(self, shot: Shot) -> bool:
        """Every page in both languages on both sizes; colours and letters change pages alike, so some stand for all."""
        if self.elder:
            return shot.name.startswith("portal-")
        return bool(shot.caption) or not self.dark


FORMS = (
    Form("zh-desktop", "zh", DESKTOP),
    Form("zh-phone", "zh", PHONE),
    Form("en-desktop", "en", DESKTOP),
    Form("en-phone", "en", PHONE),
    Form("zh-desktop-dark", "zh", DESKTOP, dark=True),
    Form("zh-phone-dark", "zh", PHONE, dark=True),
    Form("zh-phone-elder", "zh", PHONE, elder=True),
)


def take(
    browser: Browser,
    address: str,
    folder: Path,
    known: dict[str, str],
    sessions: dict[str, Any],
    shots: list[Shot],
    form: Form | None = None,
) -> list[str]:
    """One round over these pages; gives what went wrong on them."""
    faults: list[str] = []
    for who in dict.fromkeys(shot.who for shot in shots):
        state = sessions.get(who)
        context = browser.new_context(
            storage_state=state,
            locale="en-GB" if form and form.language == "en" else "zh-CN",
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if form and form.dark else "light",
            device_scale_factor=1 if form else 1.5,
        )
        if form and form.elder:
            context.add_cookies([{"name": "appearance", "value": ".elder", "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        # A page that was not found is noted by its status.
        page.on(
            "console",
            lambda said: (
                faults.append(f"console: {said.text}")
                if said.type == "error" and "Failed to load resource" not in said.text
                else None
            ),
        )
        if who and state is None:
            # Once for all rounds: one-time codes are not sent to the same person time and again.
            sign_in(page, address, who, known)
            if "/sign-in/" in page.url:
                raise SystemExit(f"{who} could not sign in; a code is sent once a minute")
            sessions[who] = context.storage_state()
        for shot in (shot for shot in shots if shot.who == who):
            width, height = form.size if form else shot.size
            page.set_viewport_size({"width": width, "height": height})
            status = _show(page, address + shot.address.format(**known), shot)
            if status != shot.status:
                faults.append(f"{shot.name}: {status}")
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if over > 1:
                faults.append(f"{folder.name}/{shot.name}: {over} px wider than the screen")
            if form and shot.name.startswith("portal-"):
                # The menu at the thumb stands at the end of the picture and not in the middle of what it shows.
                height = max(height, page.evaluate("document.documentElement.scrollHeight"))
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(200)
            page.screenshot(path=folder / f"{shot.name}.png", full_page=form is not None and not shot.keys)
        context.close()
    return faults


def _show(page: Page, address: str, shot: Shot) -> int:
    """Bring the page to where the picture is to be taken; gives the status of its last answer."""
    answer = page.goto(address)
    page.wait_for_load_state("networkidle")
    if shot.searched:
        page.fill("#finder", shot.searched)
        page.press("#finder", "Enter")
        page.wait_for_load_state("networkidle")
    if shot.filled:
        for field, text in shot.filled:
            page.fill(f"[name={field}]", text)
        with page.expect_navigation() as sent:
            page.press(f"[name={shot.filled[-1][0]}]", "Enter")
        answer = sent.value
        page.wait_for_load_state("networkidle")
    if shot.keys:
        page.keyboard.press(shot.keys)
        page.keyboard.type(shot.typed, delay=20)
        page.wait_for_timeout(1500 if shot.typed else 400)
    return answer.status if answer else 0


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="DIR", help="every page in every form, to look at")
    parser.add_argument(
        "--form", action="append", choices=[form.folder for form in FORMS], help="with --all: only this"
    )
    parser.add_argument("--only", metavar="NAME", action="append", help="only the pages whose names begin so")
    wanted = parser.parse_args()
    chromium = find_chromium()
    if not chromium:
        print("no Chromium found", file=sys.stderr)
        return 1
    shots = [shot for shot in SHOTS if not wanted.only or shot.name.startswith(tuple(wanted.only))]
    faults: list[str] = []
    with running_demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM_FLAGS)
        known = facts()
        sessions: dict[str, Any] = {}
        if wanted.all:
            for form in (form for form in FORMS if not wanted.form or form.folder in wanted.form):
                folder = Path(wanted.all) / form.folder
                folder.mkdir(parents=True, exist_ok=True)
                faults += take(
                    browser, address, folder, known, sessions, [shot for shot in shots if form.shows(shot)], form
                )
        else:
            PICTURES.mkdir(parents=True, exist_ok=True)
            faults += take(browser, address, PICTURES, known, sessions, [shot for shot in shots if shot.caption])
        browser.close()
    for fault in dict.fromkeys(faults):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
