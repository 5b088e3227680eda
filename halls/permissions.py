"""What people may be allowed to do in halls."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "halls.call_tickets": _("开关窗口、叫号"),
        "halls.oversee": _("查看营业厅排队、窗口和评价"),
        "halls.close_counters": _("替离开的柜员关窗口"),
        "halls.edit_display": _("编辑展示区内容"),
        "halls.see_circle": _("查看缴费圈、测算新网点"),
    }
)
