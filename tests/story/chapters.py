"""The chapters: who does what, on which page, and what must be seen there."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.story.stage import Stage, ask_database

CALLS_AT_MOST = 60


def heat(stage: Stage) -> None:
    """一、高温来了：预测看到缺口"""
    stage.go("dispatcher", "/dsm/forecasts/?day={tomorrow}")
    stage.sees("dispatcher", "预测")
    stage.snap("dispatcher", "01-forecast", "明天 96 点负荷预测，带区间")
    short = int(stage.known["peak_kw"]) * 88 // 100
    page = stage.go("dispatcher", "/dsm/shortages/new/")
    page.fill("[name=on_day]", stage.known["tomorrow"])
    page.fill("[name=cause]", f"连续高温，外来电减少（{stage.known['at']}）")
    page.fill("[name=supply_kw]", str(short))
    page.locator("form [type=submit], form button.button-primary").last.click()
    page.wait_for_url(re.compile(r"/dsm/shortages/\d+/$"))
    stage.known["shortage"] = page.url.rstrip("/").rpartition("/")[2]


def plans(stage: Stage) -> None:
    """二、三个方案并排比较，领导选定，指令下达"""
    shortage = "/dsm/shortages/{shortage}/"
    page = stage.go("dispatcher", shortage)
    page.get_by_role("button", name="报政府批准").wait_for(timeout=180_000)
    stage.go("dispatcher", shortage)
    stage.sees("dispatcher", "最后手段")
    page.locator("#compare-title").scroll_into_view_if_needed()
    stage.snap("dispatcher", "02-plans", "三个方案在一张表里，每行最好的标出来，没有总分")
    stage.press("dispatcher", "报政府批准")
    page = stage.press("dispatcher", "登记政府批文")
    page.fill("[name=authority]", "江汉市发展和改革委员会（示范）")
    page.fill("[name=document_no]", f"江发改电〔2026〕{stage.known['at']}号")
    page.fill("[name=document_on]", stage.known["tomorrow"][:8] + "01")
    stage.press("dispatcher", "登记批文")
    stage.go("leader", shortage)
    page = stage.press("leader", "选定方案")
    page.locator("[name=plan]").last.check()
    page.fill("[name=reasons]", "影响的客户最少，保安负荷都留足，代价也低。")
    stage.snap("leader", "03-decision", "领导看着对比选定方案，写下理由")
    stage.press("leader", "选定这个方案")
    stage.sees("leader", "方案已选定")
    stage.go("dispatcher", shortage)
    stage.press("dispatcher", "下达指令")
    stage.press("dispatcher", r"下达 \d+ 条指令")
    stage.go("dispatcher", "/dsm/shortages/{shortage}/orders/")
    stage.sees("dispatcher", "指令|确认")
    stage.snap("dispatcher", "04-orders", "指令逐户下达，谁确认了、谁还没联系上")


def district(stage: Stage) -> None:
    """三、片区经理先知道：通知到每一户，回答客户的问题"""
    manager = stage.known["manager"]
    page = stage.go(manager, "/grid/notices/new/")
    page.fill("[name=text]", f"明天下午用电紧张，请把空调调到 26 度。片区经理随时在（{stage.known['at']}）。")
    page.locator("[name=places]").first.check()
    stage.press(manager, "下一步")
    stage.press(manager, r"发给 \d+ 户")
    stage.go(manager, "/grid/notices/")
    page = stage.page(manager)
    page.get_by_role("link", name=re.compile(stage.known["at"])).first.click()
    stage.sees(manager, "到了没有")
    stage.snap(manager, "05-notice", "通知只发给这个片区的客户，没送到的列出来")
    page = stage.go("customer", "/my/district/")
    page.fill("[name=text]", f"明天下午我家会停电吗？家里有老人。（{stage.known['at']}）")
    stage.press("customer", "发给片区经理")
    stage.go(manager, "/grid/")
    stage.sees(manager, stage.known["at"])
    stage.snap(manager, "06-district", "片区经理的手机：今天要办的，按时限排")
    page = stage.go(manager, "/grid/questions/")
    page.get_by_role("link", name=re.compile(stage.known["at"])).first.click()
    page.fill("textarea[name=text]", "不会。有序用电只限企业，居民不停。老人的情况我记下了，有事打我电话。")
    stage.press(manager, "答复客户")
    stage.go("customer", "/my/district/")
    stage.sees("customer", "有序用电只限企业")
    stage.snap("customer", "07-answer", "客户看到答复，也看到是谁、电话多少")


def emergency(stage: Stage) -> None:
    """四、钢厂告急：两个时钟一起走"""
    page = stage.go("agent", "/console/accounts/{key_account}/emergency/")
    page.fill("[name=what]", f"高压进线失电，二号炉在运行（{stage.known['at']}）")
    page.fill("[name=caller]", "值班长 13900000000")
    stage.press("agent", "受理，开始计时")
    page = stage.go("keymanager", "/console/emergencies/")
    page.get_by_role("link", name=re.compile(stage.known["key_account"])).or_(
        page.locator("main a[href*='/console/emergencies/']")
    ).first.click()
    stage.sees("keymanager", stage.known["at"])
    stage.snap("keymanager", "08-emergency", "紧急服务：十分钟内回复、四十五分钟内到场，两个时钟")
    page = stage.page("keymanager")
    page.locator("form[action*='reply'] textarea").fill("抢修队和发电车已出发，先保二号炉的冷却水。")
    stage.press("keymanager", "登记回复")
    page.fill("[name=paper]", "签字单 2026-118")
    stage.press("keymanager", "登记到场")
    page.fill("[name=outcome]", "切到备用进线，二号炉没有停。")
    stage.press("keymanager", "办结$")
    stage.sees("keymanager", "已办结")
    stage.go("keymanager", "/console/accounts/{key_account}/plan/")
    stage.sees("keymanager", "保安负荷")
    stage.snap("keymanager", "09-emergency-plan", "一户一案，从告急页面一下打开，能打印")


def hall(stage: Stage) -> None:
    """五、客户来营业厅：取号、等候、办理、评价"""
    page = stage.go("customer", "/my/halls/")
    stage.snap("customer", "10-halls", "最近的营业厅：路上几分钟，等几分钟")
    if page.get_by_role("button", name=re.compile("取号")).count():
        form = page.locator(f"form:has(input[name=hall][value='{stage.known['hall']}'])")
        form.get_by_role("button", name=re.compile("取号")).click()
        page.wait_for_load_state("networkidle")
    stage.go("customer", "/my/halls/ticket/")
    number = page.locator(".ticket-number").inner_text().strip()
    page.get_by_text("为什么要等").click()
    stage.snap("customer", "11-ticket", "我的号：前面几人，大约多久，为什么要等")
    stage.go("", "/halls/{hall}/screen/")
    _open_counter(stage)
    _serve_until(stage, number)
    stage.sees("", re.escape(number))
    stage.snap("", "12-screen", "大屏只有号和窗口，没有名字")
    stage.press("clerk1", "开始办理")
    stage.go("clerk1", "/console/accounts/{customer}/")
    stage.snap("clerk1", "13-called", "叫到号，这位客户的全部就在眼前")
    stage.go("clerk1", "/console/queue/")
    stage.press("clerk1", "^办结")
    page = stage.go("customer", "/my/halls/ticket/")
    page.locator("[name=score][value='5']").check()
    page.fill("[name=comment]", "等的时间和说的一样，办得快。")
    stage.press("customer", "提交评价")
    stage.sees("customer", "已评价")
    stage.snap("customer", "14-rated", "办完评价，评价跟着号和柜员")


def _open_counter(stage: Stage) -> None:
    page = stage.go("clerk1", "/console/queue/")
    for name in ("恢复办理", r"开 \d+ 号窗口"):
        wanted = page.get_by_role("button", name=re.compile(name))
        if wanted.count():
            wanted.first.click()
            page.wait_for_load_state("networkidle")


def _serve_until(stage: Stage, number: str) -> None:
    """The clerk serves whoever comes before; the order is the queue's own."""
    page = stage.page("clerk1")
    for _ in range(CALLS_AT_MOST):
        stage.go("clerk1", "/console/queue/")
        shown = page.locator(".figure-value").first
        if shown.count() and shown.inner_text().strip() == number:
            return
        for name in ("开始办理", "叫下一位"):
            wanted = page.get_by_role("button", name=re.compile(name))
            if wanted.count():
                wanted.first.click()
                page.wait_for_load_state("networkidle")
                break
    raise AssertionError(f"{number} was never called")


def next_morning(stage: Stage) -> None:
    """六、第二天早上：标签、满意度、驾驶舱"""
    ask_database(NIGHT)
    stage.go("clerk1", "/console/accounts/{customer}/profile/")
    stage.sees("clerk1", "标签|画像")
    stage.snap("clerk1", "15-profile", "客户画像：每个标签都说得出为什么")
    stage.go("customer", "/my/profile/")
    stage.snap("customer", "16-tier", "客户自己也看得到：为什么是这个等级")
    stage.go("leader", "/dsm/cockpit/")
    for words in ("售电量", "电费回收率", "台区线损率", "满意度", "等候"):
        stage.sees("leader", words)
    stage.snap("leader", "17-cockpit", "驾驶舱：各项指标、去年同期、目标、谁负责")


# What the scheduler asks the workers for at night, asked for now; ends when the profiles are there.
NIGHT = """
import time
from config.celery import app
from crm.models import ProfileRun
from config.shared.models import Job

last = ProfileRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
app.send_task("crm.tasks.make_profiles")
for _ in range(120):
    run = ProfileRun.objects.filter(pk__gt=last).first()
    if run and Job.objects.filter(pk=run.job_id, state="done").exists():
        break
    time.sleep(1)
else:
    raise SystemExit("the night's profiles did not end")
print(json.dumps({}))
"""

ALL: tuple[Callable[[Stage], None], ...] = (heat, plans, district, emergency, hall, next_morning)
