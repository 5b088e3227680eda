"""What people may do with money coming in and going back. Acts on customers hold in every hall for every area."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "payments.take_payment": _("收费"),
        "payments.reverse_payment": _("当日冲正"),
        "payments.approve_reversal": _("审批冲正别人收的款"),
        "payments.ask_refund": _("申请退预存电费"),
        "payments.approve_refund": _("审批退预存电费"),
        "payments.view_payments": _("查看收费记录"),
        "payments.manage_channels": _("接入和停用代收渠道，管理其密钥和地区"),
        "payments.approve_channels": _("审批启用代收渠道和它的新密钥"),
        "payments.settle_held": _("申请把到账未入账的款记到户号"),
        "payments.approve_held": _("审批把到账未入账的款记到户号"),
        "payments.work_agents": _("管理代收点的备付金和日结算"),
        "payments.approve_agents": _("审批代收点备付金的存入和退回"),
        "payments.work_transfers": _("收银行流水，认领到账，管理虚拟子账户"),
        "payments.approve_transfers": _("审批大额到账认领、撤销和退回"),
        "payments.reconcile": _("和渠道对账，申请处理差异"),
        "payments.approve_difference": _("审批渠道对账差异的处理"),
        "payments.sign_debits": _("为客户签约和解约代扣"),
        "payments.work_debits": _("冻结代扣批次，送盘和收回盘"),
        "payments.approve_drawer": _("确认钱箱的长短款"),
        "payments.oversee_takings": _("查看本单位各柜员的收款"),
    }
)
