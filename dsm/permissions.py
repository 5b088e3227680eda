"""What people may be allowed to do in dsm."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "dsm.view_load": _("查看负荷和负荷预测"),
        "dsm.make_forecast": _("重新预测负荷"),
    }
)
