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
    """A part that another app shows in a page; it is fetched on its own and fails on its own."""

    title: str | Promise
    url_name: str
    permission: str


CONSOLE: tuple[Destination, ...] = (
    Destination(
        pgettext_lazy("navigation", "客户"),
        "users",
        "cis:search",
        "cis.view_customer",
        ("/console/accounts/", "/console/bills/"),
    ),
    Destination(_("收费"), "wallet", "payments:desk", "payments.take_payment"),
    Destination(_("电费发行"), "receipt-text", "cis:runs", "cis.run_billing"),
    Destination(_("存疑示数"), "gauge", "cis:reading_work_list", "cis.resolve_readings"),
    Destination(_("示数导入"), "file-up", "cis:reading_imports", "cis.import_readings"),
    Destination(_("数据目录"), "database", "cis:data", "cis.export_data"),
    Destination(_("日结"), "book-check", "payments:day", "cis.close_day"),
    Destination(_("审批"), "stamp", "approvals", "shared.use_approvals"),
    Destination(_("后台任务"), "list-checks", "jobs", "shared.see_jobs"),
    Destination(_("未送达事件"), "mail-warning", "dead_letters", "shared.see_jobs"),
    Destination(_("组件与样式"), "swatch-book", "design", "shared.manage_users"),
)

# The first five stand at the bottom of the portal; every customer sees them.
PORTAL: tuple[Destination, ...] = (
    Destination(_("首页"), "house", "cis:portal_home", ""),
    Destination(_("账单"), "receipt-text", "cis:portal_bills", ""),
    Destination(_("用电"), "chart-column", "cis:portal_usage", ""),
    Destination(_("交费"), "wallet", "payments:portal_pay", ""),
)

# What kinds of long work are called.
JOBS: dict[str, str | Promise] = {
    "billing": _("电费发行"),
    "load-demo": _("载入示范电网"),
}

# The first page after signing in: the first of these that the user may see is what they have to do.
FIRST: tuple[tuple[str, str], ...] = (
    ("cis:runs", "cis.run_billing"),
    ("cis:reading_work_list", "cis.resolve_readings"),
    ("cis:search", "payments.take_payment"),
    ("jobs", "shared.see_jobs"),
)

# Where customers come in.
PORTAL_DOOR = "cis:portal_sign_in"

# Page to the parts it leaves room for; their addresses take the page's own `account_no`.
SLOTS: dict[str, tuple[Slot, ...]] = {
    "customer-360": (Slot(_("收费记录"), "payments:account_payments", "payments.view_payments"),),
}
