"""In the back office: preview, run, closing check; a doubt corrected and billed by itself."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from cis.models import Bill, BillingRun
from cis.operations import ledger
from tests.factories.metering import register_file, send
from tests.factories.world import World, small_world
from tests.journeys.conftest import NewPage, sign_in
from tests.journeys.test_counter import text_of

pytestmark = pytest.mark.django_db(transaction=True)

CYCLE = 202602
MARCH = datetime.fromisoformat("2026-03-02T09:00+08:00")
GOOD = 1000 + 180 + 190 + 200 + 200
MISREAD = 9_770


def february(world: World) -> None:
    """Everybody's closing readings of February; the first household's has a wrong digit."""
    tou, shop = world.residential_tou.meter_no, world.commercial.meter_no

    def value(first: int) -> int:
        return 1000 + first + (first + 10) + (first + 20) + (first + 20)

    send(
        register_file(
            [
                [world.residential.meter_no, "total", "2026-03-01", MISREAD],
                [world.residential_day_15.meter_no, "total", "2026-02-15", value(95)],
                [tou, "peak", "2026-03-01", value(120)],
                [tou, "valley", "2026-03-01", value(60)],
                [tou, "total", "2026-03-01", 1000 + 180 + 200 + 220 + 220],
                *([shop, name, "2026-03-01", value(first) - 10] for name, first in PARTS.items()),
                [shop, "total", "2026-03-01", 1000 + 175 + 215 + 255 + 215],
            ]
        ),
        at=MARCH,
    )


PARTS = {"sharp": 20, "peak": 45, "flat": 80, "valley": 30}


class TestAMonth:
    def test_is_previewed_run_checked_and_completed_when_the_doubt_is_resolved(self, new_page: NewPage) -> None:
        world = small_world()
        february(world)
        accountant = sign_in(new_page(), "accountant", "/console/runs/start/")

        for kind, ends_with in (("先试算，不出账", "按这个范围正式发行"), ("正式发行", "相符")):
            accountant.goto("/console/runs/start/")
            accountant.get_by_label("电费月份").fill(str(CYCLE))
            accountant.get_by_label(kind).check()
            accountant.get_by_role("button", name="开始").click()
            accountant.wait_for_url(re.compile(r"/console/runs/\d+/$"))
            accountant.get_by_text(ends_with).first.wait_for(timeout=40_000)
            assert "收尾核对" in text_of(accountant)
            assert not accountant.locator("[hx-trigger='every 2s']").count(), "it goes on asking after the end"
        shown = text_of(accountant)
        assert "逐户一致，一分不差" in shown
        assert "示数存疑，正在复核；处理后自动补发行。" in shown and "1 户" in shown
        assert Bill.objects.count() == len(world.accounts) - 1

        auditor = sign_in(new_page(), "auditor", "/console/readings/doubts/")
        auditor.get_by_role("link", name=world.residential.account_no).first.click()
        auditor.get_by_label("更正", exact=True).check()
        auditor.get_by_label("更正后的示数").fill(str(GOOD))
        auditor.get_by_label("原因").fill("照片核对，首位看错")
        auditor.get_by_role("button", name="保存处理结果").click()
        auditor.wait_for_url(re.compile(r"/console/readings/doubts/$"))
        assert world.residential.account_no not in text_of(auditor)

        for _ in range(300):
            if Bill.objects.filter(account_id=world.residential.account_id).exists():
                break
            time.sleep(0.1)
        bill = Bill.objects.select_related("run").get(account_id=world.residential.account_id)
        assert (bill.run.kind, bill.energy_kwh_e2) == (BillingRun.Kind.FOLLOW_UP, 200_00)
        assert not ledger.verify().faults
