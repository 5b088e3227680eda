"""What the switches of billing are called, and what each choice means, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.rating.switches import Value

__all__ = ["NAMES", "SOURCES", "choice_in_words"]

NAMES: dict[str, Promise] = {
    "change_day_belongs_to": gettext_lazy("容量变更当天算给谁"),
    "proration": gettext_lazy("计费周期中间调价怎样分段"),
    "demand_mode": gettext_lazy("合同没有写明时基本电费怎样计收"),
    "demand_excess_rule": gettext_lazy("最大需量超过合同值 105% 怎样计收"),
    "load_factor_discount": gettext_lazy("负荷率高的需量电价打折"),
    "min_suspension_days": gettext_lazy("暂停不足多少天照收基本电费"),
    "suspension_new_install_half_charge": gettext_lazy("新装两年内暂停按一半计收（2016 年以前的规则）"),
    "loss_tou_allocation": gettext_lazy("损耗电量按哪个时段计价"),
    "loss_rounding": gettext_lazy("损耗电量取整"),
    "sub_deduction_tou": gettext_lazy("没有分时的分表从哪个时段扣减"),
    "ratio_base": gettext_lazy("定比的基数"),
    "pf_active_base": gettext_lazy("算功率因数的有功电量"),
    "pf_adjust_residential": gettext_lazy("居民部分也参加功率因数调整"),
    "pf_when_no_active": gettext_lazy("没有有功电量时的功率因数"),
    "free_kwh_method": gettext_lazy("低保户免费电量怎样给"),
    "multi_person": gettext_lazy("多人口家庭放宽哪几档"),
    "tier_year_start": gettext_lazy("阶梯年度从几月开始"),
    "odd_month_january": gettext_lazy("双月抄表的阶梯年度首月账单归哪一年"),
    "transfer_prorates_tiers": gettext_lazy("过户时年阶梯按月折算"),
    "late_fee_split": gettext_lazy("跨年度的违约金怎样算"),
    "late_fee_min_yuan": gettext_lazy("违约金不足多少元按多少元收（元）"),
    "allocation": gettext_lazy("一笔钱先抵什么"),
    "kwh_rounding": gettext_lazy("电量取整"),
    "negative_advance": gettext_lazy("示数倒退而又不是估抄"),
    "penalty_on": gettext_lazy("违约使用电费以哪个差额为基数"),
}

SOURCES: dict[str, Promise] = {
    "change_day_belongs_to": gettext_lazy("公开例题两种都有：暂停的当天算变更后，换变压器的当天算变更前"),
    "proration": gettext_lazy("没有出处，是本系统的约定"),
    "demand_mode": gettext_lazy("发改办价格〔2016〕1583号"),
    "demand_excess_rule": gettext_lazy("发改办价格〔2016〕1583号；公开的解释有三种"),
    "load_factor_discount": gettext_lazy("发改价格〔2023〕526号，未核实"),
    "min_suspension_days": gettext_lazy("供电营业规则（1996）第24条"),
    "suspension_new_install_half_charge": gettext_lazy("2016 年以前的规则"),
    "loss_tou_allocation": gettext_lazy("旧例题按平段，新系统多按比例，未核实"),
    "loss_rounding": gettext_lazy("公开例题"),
    "sub_deduction_tou": gettext_lazy("没有出处，是本系统的约定"),
    "ratio_base": gettext_lazy("没有出处，是本系统的约定"),
    "pf_active_base": gettext_lazy("（83）水电财字第215号的公开解读"),
    "pf_adjust_residential": gettext_lazy("没有出处，是本系统的约定"),
    "pf_when_no_active": gettext_lazy("没有出处，是本系统的约定"),
    "free_kwh_method": gettext_lazy("没有出处，是本系统的约定"),
    "multi_person": gettext_lazy("江苏两档都放宽；广东（粤价〔2012〕135号）只放宽第一档"),
    "tier_year_start": gettext_lazy("多数省从 1 月起；贵州从 12 月起"),
    "odd_month_january": gettext_lazy("由江苏公开例题推得"),
    "transfer_prorates_tiers": gettext_lazy("江苏公开例题"),
    "late_fee_split": gettext_lazy("公开例题有三种答案"),
    "late_fee_min_yuan": gettext_lazy("供电营业规则（1996）第98条，2024 年文本未核实"),
    "allocation": gettext_lazy("没有出处，是本系统的约定"),
    "kwh_rounding": gettext_lazy("公开例题"),
    "negative_advance": gettext_lazy("没有出处，是本系统的约定"),
    "penalty_on": gettext_lazy("公开例题"),
}
"""where a default comes from"""

_CHOICES: dict[tuple[str, str], Promise] = {
    ("change_day_belongs_to", "new"): gettext_lazy("变更后"),
    ("change_day_belongs_to", "old"): gettext_lazy("变更前"),
    ("proration", "by_frozen_reading"): gettext_lazy("有当日示数按示数，没有按天数"),
    ("proration", "by_days"): gettext_lazy("一律按天数"),
    ("demand_mode", "capacity"): gettext_lazy("按容量"),
    ("demand_mode", "contract"): gettext_lazy("按合同最大需量"),
    ("demand_mode", "actual"): gettext_lazy("按实际最大需量"),
    ("demand_excess_rule", "C_plus_double_over_105"): gettext_lazy("合同值，加超过 105% 部分的两倍"),
    ("demand_excess_rule", "105_plus_double_over_105"): gettext_lazy("合同值的 105%，加超过部分的两倍"),
    ("demand_excess_rule", "C_plus_double_over_C"): gettext_lazy("合同值，加超过合同值部分的两倍"),
    ("load_factor_discount", "none"): gettext_lazy("不打折"),
    ("load_factor_discount", "90_from_260_kwh_per_kva"): gettext_lazy("每千伏安每月用电 260 度起打九折"),
    ("loss_tou_allocation", "flat"): gettext_lazy("全部按平段"),
    ("loss_tou_allocation", "proportional"): gettext_lazy("按各时段用电比例"),
    ("loss_rounding", "integer_kwh"): gettext_lazy("到整数度"),
    ("loss_rounding", "kwh_2_decimals"): gettext_lazy("到 0.01 度"),
    ("sub_deduction_tou", "proportional"): gettext_lazy("按各时段用电比例"),
    ("sub_deduction_tou", "flat"): gettext_lazy("从平段扣"),
    ("ratio_base", "main_total"): gettext_lazy("总表电量"),
    ("ratio_base", "after_deductions"): gettext_lazy("扣减分表、定量以后的电量"),
    ("pf_active_base", "main_meter_total"): gettext_lazy("总表电量"),
    ("pf_active_base", "after_deductions"): gettext_lazy("扣减以后的电量"),
    ("pf_when_no_active", "no_adjustment"): gettext_lazy("不调整"),
    ("pf_when_no_active", "refuse"): gettext_lazy("先不发行，查明原因"),
    ("free_kwh_method", "credit_at_tier1_price"): gettext_lazy("按第一档价返还"),
    ("free_kwh_method", "deduct_before_tiering"): gettext_lazy("分档以前先减去"),
    ("multi_person", "both_bounds"): gettext_lazy("第一、第二档都放宽"),
    ("multi_person", "first_bound"): gettext_lazy("只放宽第一档"),
    ("odd_month_january", "previous_year"): gettext_lazy("归上一年度"),
    ("odd_month_january", "current_year"): gettext_lazy("归当年度"),
    ("late_fee_split", "by_calendar_year_of_each_day"): gettext_lazy("每天按所在年度的比例"),
    ("late_fee_split", "new_year_only"): gettext_lazy("只算新年度的天数"),
    ("late_fee_split", "all_days_cross_year_rate"): gettext_lazy("全部天数按跨年度的比例"),
    ("allocation", "fee_then_principal"): gettext_lazy("先违约金，后电费"),
    ("allocation", "principal_first"): gettext_lazy("先电费，后违约金"),
    ("kwh_rounding", "integer_kwh"): gettext_lazy("到整数度"),
    ("kwh_rounding", "kwh_2_decimals"): gettext_lazy("到 0.01 度"),
    ("negative_advance", "roll_over"): gettext_lazy("按翻转计"),
    ("negative_advance", "refund"): gettext_lazy("按退电量计"),
    ("negative_advance", "refuse"): gettext_lazy("不计，先查明原因"),
    ("penalty_on", "unrounded_difference"): gettext_lazy("取整以前的差额"),
    ("penalty_on", "rounded_difference"): gettext_lazy("取整以后的差额"),
}


def choice_in_words(name: str, value: Value) -> str:
    """A value of a switch as people say it; numbers as they are."""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return str(_CHOICES.get((name, str(value)), value))
