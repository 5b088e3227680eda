"""What people may be allowed to do in dsm."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "dsm.view_load": _("查看负荷和负荷预测"),
        "dsm.make_forecast": _("重新预测负荷"),
        "dsm.view_plans": _("查看缺电方案和执行情况"),
        "dsm.plan_shortage": _("编缺电方案、报批、登记批文、下达指令"),
        "dsm.decide_shortage": _("选定缺电方案"),
        "dsm.note_receipt": _("登记电话确认"),
    }
)
