"""Why one customer is cut, in plain sentences."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.shared.display_formats import format_count, format_money
from dsm.queries.plan_cuts import CutRow, WhyMe


def reasons(why: WhyMe) -> list[str]:
    """The sentences, from the rule to the customer; each says one thing."""
    cut = why.cut
    said = [
        _("%(authority)s批准的有序用电名单（%(no)s）上，这一户排在第 %(tier)s 档。档数小的先安排。")
        % {"authority": why.list_authority, "no": why.list_document, "tier": cut.tier},
    ]
    if why.lower_tiers:
        said.append(
            _("排在前面各档能压减的共 %(all)s 户，这个方案安排了其中 %(cut)s 户，仍补不上缺口，才轮到第 %(tier)s 档。")
            % {"all": why.lower_tiers, "cut": why.lower_tiers_cut, "tier": cut.tier}
            if why.lower_tiers_cut >= why.lower_tiers
            else _("排在前面各档能压减的共 %(all)s 户，安排了 %(cut)s 户；其余的在缺电的时段帮不上，或来不及通知。")
            % {"all": why.lower_tiers, "cut": why.lower_tiers_cut}
        )
    said.append(
        _("同一档能压减的有 %(all)s 户，安排了 %(cut)s 户。这一户今年此前已停限 %(hours)s 小时；停得少的先轮到。")
        % {"all": why.same_tier, "cut": why.same_tier_cut, "hours": cut.burden_h}
    )
    said.append(
        _("轮换组是第 %(group)s 组。安排的是%(measure)s，%(start)s 到 %(end)s，最多压减 %(kw)s 千瓦，共 %(kwh)s 度。")
        % {
            "group": cut.group_no,
            "measure": cut.measure_word,
            "start": cut.starts,
            "end": cut.ends,
            "kw": format_count(cut.peak_cut_kw),
            "kwh": format_count(cut.cut_kwh),
        }
    )
    source = _("是现场核定的") if why.security_is_surveyed else _("没有现场核定，按默认比例算，可以申请核定")
    said.append(
        _("保安负荷 %(kw)s 千瓦一直保留（%(source)s）。高于它的部分，按工艺最多压减 %(pct)s%%。")
        % {"kw": format_count(cut.security_kw), "source": source, "pct": why.process_pct}
    )
    if why.compensation_fen_kwh:
        said.append(
            _("补偿标准估算为每度 %(yuan)s 元，以当地规定为准。") % {"yuan": format_money(why.compensation_fen_kwh)}
        )
    else:
        said.append(_("%(measure)s没有补偿，以当地规定为准。") % {"measure": cut.measure_word})
    said.append(
        ngettext(
            "名单上受保护的 %(count)s 户任何方案都不动。", "名单上受保护的 %(count)s 户任何方案都不动。", why.protected
        )
        % {"count": why.protected}
    )
    return said


def alternative_words(cut: CutRow | None) -> str:
    """What another plan does with the same customer."""
    if cut is None:
        return _("不安排这一户")
    return _("%(measure)s %(start)s–%(end)s，最多 %(kw)s 千瓦，共 %(kwh)s 度") % {
        "measure": cut.measure_word,
        "start": cut.starts,
        "end": cut.ends,
        "kw": format_count(cut.peak_cut_kw),
        "kwh": format_count(cut.cut_kwh),
    }
