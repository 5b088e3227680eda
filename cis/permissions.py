"""What people may be allowed to do with customer information. Acts on customers hold in every hall for every area."""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "cis.view_customer": _("查看客户、账单与用电"),
        "cis.see_personal_data": _("查看未遮盖的个人信息（须填原因）"),
        "cis.edit_customer": _("修改客户资料"),
        "cis.bind_portal": _("当面绑定网上户号、登记实名"),
        "cis.answer_contact": _("答复客户联系"),
        "cis.run_billing": _("发起和取消电费发行"),
        "cis.issue_bill": _("柜台即时出账"),
        "cis.import_readings": _("导入示数"),
        "cis.take_reading": _("现场抄表：登记示数和照片"),
        "cis.resolve_readings": _("处理存疑示数"),
        "cis.see_limits": _("查看示数校验参数"),
        "cis.edit_limits": _("维护示数校验参数"),
        "cis.see_switches": _("查看计费口径"),
        "cis.edit_switches": _("选定计费口径"),
        "cis.change_contract": _("变更合同容量"),
        "cis.edit_tariffs": _("维护电价"),
        "cis.approve_prices": _("复核和发布月度电价表"),
        "cis.see_market": _("查看市场化购电和上网电费"),
        "cis.edit_agreements": _("登记售电公司、零售套餐和购电约定"),
        "cis.work_settlements": _("导入和核对交易中心结算单，提出差额清算"),
        "cis.answer_settlements": _("说明结算差异的核对结果"),
        "cis.work_feed_in": _("办理光伏上网电费：登记、结算、申请付款"),
        "cis.approve_payouts": _("批准支付上网电费"),
        "cis.try_tariffs": _("试算电价方案"),
        "cis.preview_rating": _("试算电费"),
        "cis.correct_bills": _("更正、作废重开已发行的电费，办理退补"),
        "cis.approve_corrections": _("审批电费更正、作废、退补和异常账单发行"),
        "cis.dispute_bill": _("登记和办结账单异议"),
        "cis.collect_arrears": _("办理欠费：催交、申请和执行停复电"),
        "cis.agree_advances": _("约定和终止分次结算，查看预交款"),
        "cis.control_fees": _("办理费控：登记和终止协议、应急额度、电话通知"),
        "cis.approve_disconnection": _("批准欠费停电、解除停电保护"),
        "cis.approve_debt_relief": _("批准减免违约金、核销坏账和退还保证金"),
        "cis.close_day": _("日结"),
        "cis.plan_outages": _("登记、发布和变更停电信息"),
        "cis.approve_outages": _("批准计划停电"),
        "cis.export_data": _("导出数据"),
        "cis.see_statistics": _("查看售电、回收和欠费的分析"),
    }
)
