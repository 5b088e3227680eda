"""What people may be allowed to do in grid_service."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "grid_service.work_district": _("在片区台服务自己的片区：答复提问、发通知、看停电和欠费"),
        "grid_service.see_care": _("查看特殊关照客户（须填原因）"),
        "grid_service.oversee_districts": _("查看本单位各片区、覆盖检查和片区台"),
        "grid_service.hand_over": _("办理片区交接和台区调整"),
    }
)
