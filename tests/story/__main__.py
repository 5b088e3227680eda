"""
`make story`: a heat wave in the demonstration's city, told from the forecast to the cockpit of the next morning.

Uses the demo that runs already or starts one; everything goes through pages, as people would do it. What only time does
(the night's profiles) is asked for by the command an operator would use. Ends with 0 when every word was seen and no
page had a fault of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import sync_playwright

from config.embedded.system_packages import find_chromium
from tests.screenshots import CHROMIUM_FLAGS, PROJECT, facts, running_demo
from tests.story import chapters
from tests.story.stage import Stage, ask_database, readme_rows

PREPARE = """
from datetime import time, timedelta
from django.utils import timezone
from cis.models import Account
from crm.models import KeyAccount
from dsm.queries.forecasts import forecast_for
from grid_service.queries.territory import who_serves_account
from halls.models import Hall
from config.shared.models import User

now = timezone.now()
# Halls are open whatever the clock of this machine says.
Hall.objects.update(opens_at=time(0, 0), closes_at=time(23, 59), weekdays=[1, 2, 3, 4, 5, 6, 7])
customer = Account.objects.get(account_no="{customer}")
tomorrow = timezone.localdate() + timedelta(days=1)
forecast = forecast_for(scope="system", scope_id=0, on_day=tomorrow)
key = KeyAccount.objects.filter(ended_at=None).order_by("pk")[0]
served = who_serves_account(customer.pk, at=now)
clerk = User.objects.get(username="clerk1")
print(json.dumps({{
    "tomorrow": tomorrow.isoformat(),
    "peak_kw": max(forecast.p90_kw),
    "key_account": Account.objects.get(pk=key.account_id).account_no,
    "manager": User.objects.get(pk=served.manager.user_id).username,
    "hall": clerk.org_unit.code,
}}))
"""


def main(wanted: list[str]) -> int:
    """Play it, or only the chapters with these numbers."""
    chromium = find_chromium()
    if not chromium:
        print("no Chromium found", file=sys.stderr)
        return 1
    began = time.monotonic()
    with running_demo() as address, sync_playwright() as playwright:
        known = facts()
        known |= {name: str(value) for name, value in ask_database(PREPARE.format(**known)).items()}
        known["at"] = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).strftime("%H%M%S")
        known["arrived"] = (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
        browser = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM_FLAGS)
        stage = Stage(browser, address, known)
        # Before notices to many stand above the code.
        stage.page("customer")
        for number, chapter in enumerate(chapters.ALL, start=1):
            if not wanted or str(number) in wanted:
                print(chapter.__doc__, flush=True)
                play(stage, chapter)
        browser.close()
    for fault in stage.faults:
        print(fault, file=sys.stderr)
    print(f"\n{readme_rows(stage.told)}\n\n{len(stage.told)} pictures, {time.monotonic() - began:.0f} s")
    return 1 if stage.faults else 0


def play(stage: Stage, chapter: Callable[[Stage], None]) -> None:
    """One chapter; where it breaks off, everybody's window is kept as a picture."""
    try:
        chapter(stage)
    except Exception:
        kept = PROJECT / "build" / "story"
        kept.mkdir(parents=True, exist_ok=True)
        for who, page in stage.windows.items():
            page.screenshot(path=kept / f"{who or 'public'}.png")
        print(f"the windows are in {kept.relative_to(PROJECT)}", file=sys.stderr)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
