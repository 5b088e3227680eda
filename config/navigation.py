"""
Where one can go, and what the apps put into each other's pages. One row each; nothing here is computed.

Names of addresses, not views: this module imports no app, and a page of an app that is switched off just is not
offered.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class Destination:
    """A place in the rail of a console or at the foot of the portal; shown to those who hold `permission`."""

    label: str | Promise
    icon: str
    url_name: str
    permission: str
    under: tuple[str, ...] = ()
    """addresses of other pages that belong to this place"""


@dataclass(frozen=True)
class Slot:
    """A part that an app shows in a page, such as a console's home; it is fetched on its own and fails on its own."""

    title: str | Promise
    url_name: str
    permission: str
    is_wide: bool = False
    """whether it needs the whole width of its page"""


@dataclass(frozen=True)
class Offer:
    """A page that the portal's own pages lead to, for those whose binding gives them `right` ("": everybody)."""

    label: str | Promise
    url_name: str
    right: str = ""
    is_on_home: bool = False


@dataclass(frozen=True)
class Console:
    """
    A place where one kind of work is done: its root address, its frame, its menu, and what its home page says is to do.

    A console of whose menu and to-dos a user may see nothing is offered to them nowhere.
    """

    key: str
    label: str | Promise
    icon: str
    root: str
    home: str
    frame: str
    menu: tuple[Destination, ...]
    to_do: tuple[Slot, ...] = ()
    for_customers: bool = False


# --- The menus of the consoles --------------------------------------------------------------

CONSOLE: tuple[Destination, ...] = (
    Destination(
        pgettext_lazy("navigation", "客户"),
        "users",
        "cis:search",
        "cis.view_customer",
        ("/console/accounts/",),
    ),
    # A list over whole units: at a hall no account is kept, so its people would only ever see an empty page.
    Destination(_("账单"), "receipt", "cis:bills", "cis.see_statistics"),
    Destination(_("收费"), "wallet", "payments:desk", "payments.take_payment"),
    Destination(_("钱箱"), "wallet", "payments:drawer", "payments.take_payment"),
    Destination(_("叫号"), "megaphone", "halls:queue", "halls.call_tickets"),
    Destination(_("营业厅"), "store", "halls:halls", "halls.oversee"),
    Destination(_("大客户"), "building-2", "crm:key_accounts", "crm.view_key_accounts"),
    Destination(_("紧急服务"), "siren", "crm:emergencies", "crm.view_key_accounts"),
    Destination(_("电费发行"), "receipt-text", "cis:runs", "cis.run_billing"),
    Destination(_("发行前复核"), "shield-alert", "cis:bill_holds", "cis.correct_bills"),
    Destination(_("电费退补"), "scale", "cis:back_bills", "cis.correct_bills"),
    Destination(_("疑问和校表"), "message-circle-question", "cis:disputes", "cis.dispute_bill"),
    Destination(_("存疑示数"), "gauge", "cis:reading_work_list", "cis.resolve_readings"),
    Destination(_("晚到示数"), "history", "cis:late_readings", "cis.correct_bills"),
    Destination(_("校验参数"), "sliders-horizontal", "cis:reading_limits", "cis.see_limits"),
    Destination(_("计费口径"), "list-tree", "cis:switches", "cis.see_switches"),
    Destination(_("光伏上网"), "sun", "cis:feed_in", "cis.see_market"),
    Destination(_("购电市场"), "store", "cis:market", "cis.see_market"),
    Destination(_("欠费处理"), "hourglass", "cis:arrears_cases", "cis.collect_arrears"),
    Destination(_("分次结算"), "calendar-check", "cis:advances", "cis.agree_advances"),
    Destination(_("费控"), "battery-low", "cis:fee_control", "cis.collect_arrears"),
    Destination(_("用电限额"), "gauge", "cis:use_limits", "cis.control_fees"),
    Destination(_("光伏异常"), "sun-dim", "cis:plant_alerts", "cis.see_market"),
    Destination(_("停电"), "zap-off", "cis:outages", "cis.plan_outages"),
    Destination(_("不停电的时间"), "cloud-lightning", "cis:quiet_times", "cis.approve_disconnection"),
    Destination(_("片区"), "map-pinned", "grid_service:districts", "grid_service.oversee_districts"),
    Destination(_("示数导入"), "file-up", "cis:reading_imports", "cis.import_readings"),
    Destination(_("数据目录"), "database", "cis:data", "cis.export_data"),
    Destination(_("日结"), "book-check", "payments:day", "cis.close_day"),
    Destination(_("到账待核对"), "circle-alert", "payments:held", "payments.settle_held"),
    Destination(_("认领到账"), "inbox", "payments:transfers", "payments.work_transfers"),
    Destination(_("渠道对账"), "equal", "payments:reconciliations", "payments.reconcile"),
    Destination(_("代扣协议"), "credit-card", "payments:debit_agreements", "payments.sign_debits"),
    Destination(_("代扣批次"), "landmark", "payments:debits", "payments.work_debits"),
    Destination(_("代征基金"), "landmark", "cis:fund_sums", "cis.close_day"),
    Destination(_("代收渠道"), "plug", "payments:channels", "payments.manage_channels"),
    Destination(_("代收点"), "store", "payments:agents", "payments.work_agents"),
    Destination(_("审批"), "stamp", "approvals", "shared.use_approvals"),
    Destination(_("用户与权限"), "user-cog", "people", "shared.manage_users"),
    Destination(_("查看审计"), "eye", "cis:audit", "shared.see_audit"),
    Destination(_("后台任务"), "list-checks", "jobs", "shared.see_jobs"),
    Destination(_("未送达事件"), "mail-warning", "dead_letters", "shared.see_jobs"),
    Destination(_("未送达消息"), "mail-x", "lost_messages", "shared.see_messages"),
    Destination(_("群发刹车"), "octagon-pause", "notice_stops", "shared.watch_notices"),
    Destination(_("组件与样式"), "swatch-book", "design", "shared.manage_users"),
)

# The first five stand at the bottom of the portal; every customer sees them.
PORTAL: tuple[Destination, ...] = (
    Destination(_("首页"), "house", "cis:portal_home", ""),
    Destination(_("账单"), "receipt-text", "cis:portal_bills", ""),
    Destination(_("用电"), "chart-column", "cis:portal_usage", "", ("/my/reading/",)),
    Destination(
        _("交费"), "wallet", "payments:portal_pay", "", ("/my/receipts/", "/my/orders/", "/my/debit/", "/my/statement/")
    ),
    Destination(
        _("我的"),
        "user-round",
        "cis:portal_me",
        "",
        (
            "/my/profile/",
            "/my/emergency/",
            "/my/faults/",
            "/my/prices/",
            "/my/alerts/",
            "/my/limits/",
            "/my/questions/",
            "/my/feed-in/",
            "/my/fee-control/",
            "/my/advice/",
            "/my/operating-cost/",
            "/my/messages/",
            "/my/who-looked/",
            "/my/district/",
            "/my/outages/",
            "/my/halls/",
            "/my/shed-orders/",
        ),
    ),
    Destination(_("消息"), "mail", "portal_messages", ""),
)

# Pages of other apps that the portal's first page and the page of oneself lead to.
PORTAL_OFFERS: tuple[Offer, ...] = (
    Offer(_("去营业厅：看哪里最快，在家取号"), "halls:portal_halls", is_on_home=True),
    Offer(_("用电参谋：怎样付、怎样用更省"), "cis:portal_advice", "bills"),
    Offer(_("光伏上网电费"), "cis:portal_feed_in", "bills"),
    Offer(_("用电和电价提醒"), "cis:portal_alerts", "bills"),
    Offer(_("用电限额"), "cis:portal_limits", "bindings"),
    Offer(_("疑问和校表"), "cis:portal_questions", "bills"),
    Offer(_("电费余额和应急用电"), "cis:portal_fee_control", "bills"),
    Offer(_("我的等级与画像"), "crm:portal_profile", "receipts"),
    Offer(_("有序用电通知"), "dsm:portal_orders", "receipts"),
    Offer(_("大客户紧急服务"), "crm:portal_emergency", "address"),
)

# What pages about a customer are called to those who read who looked at them.
PAGES_SEEN: dict[str, str | Promise] = {
    "dsm:shortage_cut": _("缺电方案里的安排"),
    "dsm:order_receipt": _("登记有序用电的电话确认"),
    "dsm:order_call_back": _("收回有序用电指令"),
    "cis:search": _("查找"),
    "cis:account": _("客户总览"),
    "cis:personal_data": _("查看未遮盖的信息"),
    "cis:customer_edit": _("改客户资料"),
    "cis:premise_edit": _("改用电地址"),
    "cis:account_bills": _("全部账单"),
    "cis:account_advice": _("用电参谋"),
    "cis:account_operating_cost": _("用电成本"),
    "cis:account_messages": _("发给客户的消息"),
    "cis:account_contacts": _("最近联系"),
    "cis:account_meters": _("示数与电能表"),
    "cis:account_contracts": _("合同与电价变更"),
    "cis:capacity": _("变更合同容量"),
    "cis:account_running": _("这一期电费预计"),
    "cis:account_solar": _("光伏上网"),
    "cis:account_generation": _("光伏发电"),
    "cis:account_generation_export": _("光伏发电"),
    "cis:account_limits": _("用电限额"),
    "cis:solar_plant": _("光伏上网"),
    "cis:feed_in_payment": _("光伏上网"),
    "cis:account_purchase": _("购电方式"),
    "cis:agreement_new": _("购电方式"),
    "cis:agreement_end": _("购电方式"),
    "cis:account_disputes": _("疑问和校表"),
    "cis:dispute": _("疑问和校表"),
    "cis:question_new": _("疑问和校表"),
    "cis:account_history": _("办过的事"),
    "cis:account_looks": _("谁看过"),
    "cis:account_people": _("网上绑定"),
    "cis:people_bind": _("网上绑定"),
    "cis:people_end": _("网上绑定"),
    "cis:people_letter": _("授权委托书"),
    "cis:account_reports": _("客户反映"),
    "cis:contact": _("客户联系"),
    "cis:overcharge": _("多收电费举报"),
    "cis:bill": _("账单"),
    "cis:bill_print": _("账单打印"),
    "cis:bill_correct": _("更正电费"),
    "cis:bill_cancel": _("作废重开"),
    "cis:correction": _("电费更正"),
    "cis:bill_hold": _("发行前复核"),
    "cis:back_bill": _("电费退补"),
    "cis:back_bill_new": _("电费退补"),
    "cis:back_bill_evidence": _("退补证据"),
    "cis:back_bill_notice": _("电费退补通知书"),
    "cis:bill_now": _("即时出账"),
    "cis:account_usage": _("每天用电"),
    "cis:account_usage_day": _("每天用电"),
    "cis:account_usage_export": _("用电数据导出"),
    "cis:account_usage_day_export": _("用电数据导出"),
    "cis:data_tariffs": _("历次电价"),
    "cis:data_tariffs_csv": _("历次电价"),
    "cis:reading_doubt": _("存疑示数"),
    "cis:late_meter": _("晚到示数"),
    "cis:reading_take": _("现场抄表"),
    "cis:reading_photo": _("抄表照片"),
    "cis:account_outages": _("停电"),
    "cis:account_arrears": _("欠费处理"),
    "cis:account_fee_control": _("费控"),
    "cis:fee_control_account": _("费控"),
    "cis:fee_control_paper": _("费控"),
    "cis:arrears_case": _("欠费处理"),
    "cis:arrears_notice": _("停电通知书"),
    "cis:protect": _("停电保护"),
    "cis:waive_late_fee": _("减免违约金"),
    "cis:debts": _("分期、核销与保证金"),
    "cis:account_advances": _("分次结算"),
    "grid_service:account_card": _("片区经理"),
    "grid_service:card_on_paper": _("账单打印"),
    "grid_service:question": _("客户提问"),
    "grid_service:call": _("打电话"),
    "grid_service:care_of": _("特殊关照"),
    "payments:desk_account": _("收款"),
    "payments:cheque_take": _("收支票"),
    "payments:account_payments": _("收费记录"),
    "payments:account_late_fees": _("违约金"),
    "payments:payment": _("收据"),
    "payments:receipt_pdf": _("收据"),
    "payments:statement": _("月结单"),
    "payments:statement_pdf": _("月结单"),
    "payments:reverse": _("冲正"),
    "payments:refund": _("退预存电费"),
    "payments:refund_done": _("退费单"),
    "crm:account_profile": _("画像与标签"),
    "crm:object_to_tag": _("画像与标签"),
    "crm:answer_objection": _("画像与标签"),
    "crm:account_tier": _("客户等级"),
    "crm:proposal": _("主动服务"),
    "crm:account_key": _("大客户与紧急服务"),
    "crm:assign_manager": _("大客户与紧急服务"),
    "crm:take_emergency": _("大客户与紧急服务"),
    "crm:emergency": _("大客户与紧急服务"),
    "crm:plan": _("一户一案"),
    "crm:plan_edit": _("一户一案"),
    "crm:plan_pdf": _("一户一案"),
    "api_account": _("客户总览（接口）"),
    "api_account_bills": _("账单（接口）"),
    "api_account_advice": _("用电参谋（接口）"),
    "api_bill": _("账单（接口）"),
    "api_bill_explanation": _("账单（接口）"),
    "api_account_payments": _("收费记录（接口）"),
    "api_payment": _("收据（接口）"),
}

# What kinds of long work are called.
JOBS: dict[str, str | Promise] = {
    "shortage-plans": _("计算缺电方案"),
    "billing": _("电费发行"),
    "fee-control": _("费控余额估算"),
    "tariff-trial": _("电价试算"),
    "cis.settle-late-readings": _("晚到示数更正电费"),
    "load-demo": _("载入示范电网"),
    "dsm.aggregate-load": _("汇总负荷"),
    "dsm.forecast-load": _("预测负荷"),
    "profiles": _("客户画像"),
    "tiers": _("客户等级"),
}

# The first four stand at the foot of the district console beside its home.
DISTRICT: tuple[Destination, ...] = (
    Destination(_("提问"), "message-square", "grid_service:questions", "grid_service.work_district"),
    Destination(_("通知"), "megaphone", "grid_service:notices", "grid_service.work_district"),
    Destination(_("欠费"), "hourglass", "grid_service:arrears", "grid_service.work_district"),
    Destination(
        pgettext_lazy("navigation", "客户"),
        "users",
        "grid_service:customers",
        "grid_service.work_district",
        ("/grid/care/",),
    ),
    Destination(_("我的名片"), "id-card", "grid_service:my_card", "grid_service.work_district"),
)

# By deadline: who waits for an answer first, then who is without supply.
DISTRICT_TO_DO: tuple[Slot, ...] = (
    Slot(_("等我答复"), "grid_service:questions_to_answer", "grid_service.work_district"),
    Slot(_("片区停电"), "grid_service:outages_here", "grid_service.work_district"),
    Slot(_("欠费"), "grid_service:arrears_here", "grid_service.work_district"),
    Slot(_("特殊关照"), "grid_service:care_here", "grid_service.see_care"),
    Slot(_("我的名片"), "grid_service:my_card_here", "grid_service.work_district"),
)

ANALYSIS: tuple[Destination, ...] = (
    Destination(_("驾驶舱"), "layout-dashboard", "cockpit", "shared.see_cockpit"),
    Destination(_("售电"), "chart-column", "cis:energy_sold", "cis.see_statistics"),
    Destination(_("电费回收"), "wallet", "cis:collection", "cis.see_statistics"),
    Destination(_("账单差错率"), "badge-check", "cis:bill_accuracy", "cis.see_statistics"),
    Destination(_("按时答复率"), "clock", "cis:disputes_in_time", "cis.see_statistics"),
    Destination(_("欠费"), "hourglass", "cis:arrears", "cis.see_statistics"),
    Destination(_("电价试算"), "flask-conical", "cis:tariff_trials", "cis.try_tariffs"),
    Destination(_("客户分群"), "tags", "crm:segments", "crm.list_segments"),
    Destination(_("客户等级"), "medal", "crm:tiers", "crm.apply_tiers"),
    Destination(_("主动服务"), "message-circle", "crm:proposals", "crm.work_proposals"),
    Destination(_("满意度"), "star", "crm:satisfaction", "crm.see_satisfaction"),
    Destination(_("负荷"), "activity", "dsm:loads", "dsm.view_load"),
    Destination(_("负荷预测"), "chart-line", "dsm:forecasts", "dsm.view_load"),
    Destination(_("缺电方案"), "zap-off", "dsm:shortages", "dsm.view_plans", ("/dsm/shed-orders/", "/dsm/shed-list/")),
    Destination(_("缴费圈"), "map-pin", "halls:circle", "halls.see_circle"),
)

# --- What the home pages say is to do -------------------------------------------------------

# What waits for somebody comes before what one did oneself; nobody sees them all.
COUNTER_TO_DO: tuple[Slot, ...] = (
    Slot(_("叫号"), "halls:to_do", "halls.call_tickets"),
    Slot(_("紧急服务"), "crm:open_emergencies", "crm.view_key_accounts"),
    Slot(_("待复电"), "cis:to_reconnect", "cis.collect_arrears"),
    Slot(_("费控待办"), "cis:fee_control_to_do", "cis.collect_arrears"),
    Slot(_("没有出账的户"), "cis:open_exceptions", "cis.run_billing"),
    Slot(_("等待处理的存疑示数"), "cis:waiting_doubts", "cis.resolve_readings"),
    Slot(_("等待日结的营业日"), "cis:days_to_close", "cis.close_day"),
    Slot(_("进行中和没做完的发行"), "cis:unfinished_runs", "cis.run_billing"),
    Slot(_("失败的后台任务"), "failed_jobs", "shared.manage_jobs"),
    Slot(_("没有送达的事件"), "failed_deliveries", "shared.manage_jobs"),
    Slot(_("等待答复的客户联系"), "cis:open_contacts", "cis.answer_contact"),
    Slot(_("等待答复的多收电费举报"), "cis:overcharges_to_answer", "cis.answer_contact"),
    Slot(_("还没答复的疑问和校表"), "cis:open_disputes", "cis.dispute_bill"),
    Slot(_("没有片区的台区"), "grid_service:uncovered_here", "grid_service.hand_over"),
    Slot(_("最近服务的客户"), "served_customers", "cis.view_customer"),
    Slot(_("我今天的收款"), "payments:my_takings", "payments.take_payment"),
    Slot(_("本厅今天各柜员的收款"), "payments:takings_by_clerk", "payments.oversee_takings"),
    Slot(_("等我审批的申请"), "waiting_approvals", "shared.use_approvals"),
    Slot(_("未送达的消息"), "lost_to_resend", "shared.resend_messages"),
    Slot(_("被拦下的群发"), "stopped_notices", "shared.watch_notices"),
)

ANALYSIS_TO_DO: tuple[Slot, ...] = (
    Slot(_("等待处理的缺电"), "dsm:open_shortages", "dsm.view_plans"),
    Slot(_("驾驶舱"), "cockpit_board", "shared.see_cockpit", is_wide=True),
    Slot(_("售电"), "cis:energy_sold", "cis.see_statistics"),
    Slot(_("电费回收"), "cis:collection", "cis.see_statistics"),
    Slot(_("欠费"), "cis:arrears", "cis.see_statistics"),
)

# --- The consoles: the first that a user is offered is where they begin ---------------------

CONSOLES: tuple[Console, ...] = (
    # Whoever serves a district begins there, though they may open the counter's pages too.
    Console(
        "district",
        _("片区台"),
        "map-pinned",
        "/grid/",
        "district_home",
        "shared/district.html",
        DISTRICT,
        DISTRICT_TO_DO,
    ),
    Console(
        "counter", _("营业台"), "store", "/console/", "counter_home", "shared/console.html", CONSOLE, COUNTER_TO_DO
    ),
    Console(
        "analysis",
        _("分析台"),
        "chart-line",
        "/dsm/",
        "analysis_home",
        "shared/analysis.html",
        ANALYSIS,
        ANALYSIS_TO_DO,
    ),
    Console(
        "portal",
        _("网上营业厅"),
        "house",
        "/my/",
        "cis:portal_home",
        "shared/portal.html",
        PORTAL,
        for_customers=True,
    ),
)

# What the search box finds: functions of apps that take (text, today) and give `config.shared.finding.Found` rows.
# Pages are found by their place in the menus.
FINDERS: tuple[tuple[str, str], ...] = (
    ("cis.finders.find_accounts", "cis.view_customer"),
    ("cis.finders.find_bills", "cis.view_customer"),
    ("payments.finders.find_receipts", "payments.view_payments"),
)

# The figures by which the house sees whether it works: tuples of `config.shared.indicators.Indicator`, in the order in
# which the cockpit shows them.
INDICATORS: tuple[str, ...] = (
    "cis.indicators.INDICATORS",
    "crm.indicators.INDICATORS",
    "dsm.load_indicators.INDICATORS",
    "halls.indicators.INDICATORS",
    "grid_service.indicators.INDICATORS",
)

# What the apps add to the demonstration once customers, bills and payments are there, in this order: functions of
# `today` and `at` that may be repeated.
DEMO: tuple[str, ...] = (
    "cis.operations.demo_works.load",
    "cis.operations.demo_advances.load",
    "cis.operations.demo_losses.load",
    "cis.operations.demo_arrears.load",
    "cis.operations.demo_fee_control.load",
    "cis.operations.demo_corrections.load",
    "cis.operations.demo_market.load",
    "cis.operations.demo_use.load",
    "payments.operations.demo_advances.load",
    "payments.operations.demo_refunds.load",
    "payments.operations.demo_agents.load",
    "payments.operations.demo_transfers.load",
    "payments.operations.demo_debits.load",
    "crm.operations.demo.load",
    "dsm.operations.demo_loads.load",
    "dsm.operations.demo_plans.load",
    "halls.operations.demo.load",
    "grid_service.operations.demo.load",
)

# Where customers come in.
PORTAL_DOOR = "cis:portal_sign_in"

# Page to the parts it leaves room for; their addresses take the page's own `account_no`.
SLOTS: dict[str, tuple[Slot, ...]] = {
    # The apps' own tiles below the indicators.
    "cockpit": (
        Slot(_("售电"), "cis:energy_sold", "cis.see_statistics"),
        Slot(_("电费回收"), "cis:collection", "cis.see_statistics"),
        Slot(_("欠费"), "cis:arrears", "cis.see_statistics"),
    ),
    # In the head of every page of the counter console.
    "console-bar": (Slot(_("叫号"), "halls:bar", "halls.call_tickets"),),
    "customer-360": (
        Slot(_("收费记录"), "payments:account_payments", "payments.view_payments"),
        Slot(_("这一期电费预计"), "cis:account_running", "cis.view_customer"),
        Slot(_("示数与电能表"), "cis:account_meters", "cis.view_customer"),
        Slot(_("画像与标签"), "crm:account_profile", "crm.view_profile"),
        Slot(_("大客户与紧急服务"), "crm:account_key", "crm.view_profile"),
        Slot(_("合同与电价变更"), "cis:account_contracts", "cis.view_customer"),
        Slot(_("购电方式"), "cis:account_purchase", "cis.view_customer"),
        Slot(_("光伏上网"), "cis:account_solar", "cis.view_customer"),
        Slot(_("疑问和校表"), "cis:account_disputes", "cis.view_customer"),
        Slot(_("办过的事"), "cis:account_history", "cis.view_customer"),
        Slot(_("发给客户的消息"), "cis:account_messages", "cis.view_customer"),
        Slot(_("谁看过"), "cis:account_looks", "shared.see_audit"),
        Slot(_("客户反映"), "cis:account_reports", "cis.view_customer"),
        Slot(_("网上绑定"), "cis:account_people", "cis.view_customer"),
        Slot(_("停电"), "cis:account_outages", "cis.view_customer"),
        Slot(_("欠费处理"), "cis:account_arrears", "cis.view_customer"),
        Slot(_("费控"), "cis:account_fee_control", "cis.view_customer"),
        Slot(_("片区经理"), "grid_service:account_card", "cis.view_customer"),
    ),
    # Pages that are read without a script: their parts are drawn inside. In the portal every customer sees them.
    "portal-home": (
        Slot(_("电费余额"), "cis:portal_fee_balance", ""),
        Slot(_("我的片区经理"), "grid_service:portal_card", ""),
    ),
    "arrears-case": (Slot(_("过期未交和违约金"), "payments:account_late_fees", "payments.view_payments"),),
    "portal-bill": (
        Slot(_("过期未交和违约金"), "payments:portal_late_fees", ""),
        Slot(_("我的片区经理"), "grid_service:portal_card", ""),
    ),
    "bill": (
        Slot(_("过期未交和违约金"), "payments:account_late_fees", "payments.view_payments"),
        Slot(_("片区经理"), "grid_service:account_card", "cis.view_customer"),
    ),
    "bill-print": (Slot(_("片区经理"), "grid_service:card_on_paper", "cis.view_customer"),),
}
