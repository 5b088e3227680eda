"""
What people may be allowed to do in customer relations.

Acts on a customer who was found hold in every hall for every area; lists, alarm pages and plans are those of the parts
of the organisation that the permission was given for, and one's own.
"""

from django.utils.translation import gettext_lazy as _

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update(
    {
        "crm.view_profile": _("查看客户画像与等级"),
        "crm.see_sensitive_tags": _("查看反映生活起居的标签"),
        "crm.note_objection": _("登记客户对标签的异议"),
        "crm.answer_objection": _("答复客户对标签的异议"),
        "crm.list_segments": _("按标签和等级列出本单位的客户"),
        "crm.apply_tiers": _("试算和执行客户等级规则"),
        "crm.override_tier": _("人工调整客户等级"),
        "crm.work_proposals": _("处理主动服务建议"),
        "crm.see_satisfaction": _("查看本单位的满意度"),
        "crm.view_key_accounts": _("查看本单位的大客户、一户一案和紧急服务"),
        "crm.assign_managers": _("设置大客户、交接大客户经理"),
        "crm.edit_emergency_plan": _("编制一户一案"),
        "crm.take_emergency": _("登记大客户紧急服务"),
        "crm.work_emergency": _("回复、到场和办结紧急服务"),
        "crm.hear_escalations": _("接收紧急服务的升级提醒"),
    }
)
