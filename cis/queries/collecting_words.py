"""What stands against an act of collecting, and what its steps are called, in the language of the request."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.collecting.disconnection import Hindrance, Stage
from cis.models import ArrearsStep, Protection, QuietTime
from config.shared.display_formats import format_moment

_WORDS = {
    "nothing-overdue": gettext_lazy("没有过期未交的电费"),
    "not-overdue": gettext_lazy("还没有过交费期限"),
    "not-long-overdue": gettext_lazy("欠费还没有超过规定天数"),
    "no-cause": gettext_lazy("还没有认定欠费原因"),
    "no-demand": gettext_lazy("催交次数不够"),
    "demand-too-fresh": gettext_lazy("催交后还要留出合理期限"),
    "is-approved": gettext_lazy("停电已经批准"),
    "not-approved": gettext_lazy("停电还没有经另一人批准"),
    "homes-behind": gettext_lazy("同一电源后面有居民，先落实保住居民用电"),
    "authority-not-informed": gettext_lazy("重要用户，还没有报送电力管理部门"),
    "no-announced-time": gettext_lazy("请写明计划停电时间"),
    "announced-too-early": gettext_lazy("计划停电时间太早，来不及按规定提前送达"),
    "announced-too-late": gettext_lazy("计划停电时间太晚，超过规定的提前期"),
    "no-notice": gettext_lazy("还没有打印停电通知书"),
    "notice-too-late": gettext_lazy("离计划停电时间太近，这份通知书作废，请重新打印"),
    "notice-too-soon": gettext_lazy("还没到送达通知书的时间"),
    "notice-not-served": gettext_lazy("停电通知书没有按规定提前送达"),
    "short-notice-too-soon": gettext_lazy("还没到停电前再次通知的时间"),
    "no-short-notice": gettext_lazy("停电前还没有再次通知"),
    "short-notice-too-fresh": gettext_lazy("再次通知后的时间还不够"),
    "before-announced-time": gettext_lazy("还没到通知的停电时间"),
    "announced-time-over": gettext_lazy("已过通知的停电时间，请重新打印并送达通知书"),
    "night": gettext_lazy("夜间不停电"),
    "holiday": gettext_lazy("节假日和节前不停电"),
    "is-cut": gettext_lazy("已经停电"),
    "not-cut": gettext_lazy("没有停电"),
    "stopped-payment": gettext_lazy("刚收到一笔交费，稍等片刻再看"),
    "stopped-agreement": gettext_lazy("签了分期协议，按期履行不催不停"),
    "stopped-dispute": gettext_lazy("账单有异议，核实完再办"),
}

_ACTS = {
    "approved": gettext_lazy("申请停电"),
    "notice-printed": gettext_lazy("出具通知书"),
    "notice-served": gettext_lazy("送达通知书"),
}

_STAGES = {
    Stage.OVERDUE: gettext_lazy("欠费"),
    Stage.DEMANDED: gettext_lazy("已催交"),
    Stage.APPROVED: gettext_lazy("停电已批准"),
    Stage.NOTICE_PRINTED: gettext_lazy("通知书待送达"),
    Stage.NOTICE_SERVED: gettext_lazy("通知书已送达"),
    Stage.SHORT_NOTICE: gettext_lazy("已再次通知"),
    Stage.CUT: gettext_lazy("已停电"),
    Stage.RESTORED: gettext_lazy("已复电"),
}


def words_of(found: Hindrance) -> str:
    """Why an act may not be done yet, with the moment from which on time alone allows it."""
    kind, _dash, code = found.code.partition("-")
    if found.code in _WORDS:
        text = str(_WORDS[found.code])
    elif kind == "stopped":
        text = _("停电保护：%(kind)s") % {"kind": _(Protection.Kind(code).label)}
    else:
        text = _("%(kind)s期间不停电") % {"kind": _(QuietTime.Kind(code).label)}
    if found.until is None:
        return text
    return _("%(why)s，%(moment)s 起可以") % {
        "why": text,
        "moment": format_moment(found.until, settings.BILLING_TIME_ZONE),
    }


def stage_word(stage: str) -> str:
    """How far a case is."""
    return str(_STAGES[Stage(stage)])


def act_word(what: str) -> str:
    """What somebody does next; for some steps other words than for what was done."""
    return str(_ACTS.get(what) or step_word(what))


def step_word(what: str) -> str:
    """What a step is called."""
    return _(ArrearsStep.What(what).label)
