"""What people may be allowed to do with money coming in. Acts on customers hold in every hall for every area."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "payments.take_payment": _("收费"),
        "payments.reverse_payment": _("当日冲正"),
        "payments.view_payments": _("查看收费记录"),
        "payments.oversee_takings": _("查看本单位各柜员的收款"),
    }
)
