"""Customer relations of the demonstration: profiles, tiers, key accounts with managers, plans and past emergencies."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from cis.queries import supply_places
from config.shared import jobs
from config.shared.models import User
from crm.emergency_plans import Contact, Equipment, Generator, Load, PlanContent, Source
from crm.models import KeyAccount, Profile, ProfileRun, TierRun
from crm.operations import emergencies, emergency_plans, key_accounts, profiles, tiers

KEY_ACCOUNTS = 12
PLANS = 4


def load(*, today: date, at: datetime) -> None:
    """Add our part once: what is there already stays as it is."""
    if not ProfileRun.objects.exists():
        run_id = profiles.start_profiles(created_by_id=None, at=at)
        if run_id is None:
            return
        jobs.work_on(job_id=ProfileRun.objects.get(pk=run_id).job_id)
    people = {
        user.username: user for user in User.objects.filter(username__in=("keymanager", "manager", "agent", "leader"))
    }
    if KeyAccount.objects.exists() or len(people) < 4:
        return
    biggest = list(
        Profile.objects.exclude(price_class=1)
        .order_by("-energy_12m_kwh_e2")
        .values_list("pk", flat=True)[:KEY_ACCOUNTS]
    )
    began = at - timedelta(days=180)
    for account_id in biggest:
        key_accounts.name_key_account(
            account_id=account_id,
            manager_id=people["keymanager"].pk,
            deputy_id=people["manager"].pk,
            telephone="",
            reason="用电量居全市前列",
            from_at=began,
            by_id=people["leader"].pk,
            at=began,
        )
    numbers = {row.account_id: row.account_no for row in _places(biggest)}
    tiers.override_tier(
        account_no=numbers[biggest[0]],
        tier="vip",
        reason="市属重大项目，市政府会议纪要〔2026〕12 号",
        last_day=today + timedelta(days=180),
        set_by_id=people["leader"].pk,
        at=at,
    )
    if not TierRun.objects.exists():
        jobs.work_on(job_id=tiers.apply_tiers(created_by_id=people["leader"].pk, at=at))
    for number, account_id in enumerate(biggest[:PLANS]):
        capacity = Profile.objects.get(pk=account_id).capacity_kva
        emergency_plans.write_plan(
            account_id=account_id,
            content=_plan(capacity, number),
            from_version=0,
            changed_what="第一版，现场核实",
            by_id=people["keymanager"].pk,
            at=began,
        )
    _past_emergencies([numbers[account_id] for account_id in biggest[:3]], people, at)
    for account_id in biggest:
        # The tier stands in the profile at once, not only tomorrow.
        profiles.recompute_profile(account_id=account_id, at=at)


def _places(account_ids: list[int]) -> list[supply_places.SupplyPlace]:
    return list(supply_places.places_of(account_ids).values())


def _plan(capacity_kva: int, number: int) -> PlanContent:
    """A plan that fits a works of this capacity."""
    load = capacity_kva * 8 // 10
    security = max(load * 15 // 100, 5)
    return PlanContent(
        sources=(
            Source(f"东湖变 10kV {number + 1} 号线", "10 kV", capacity_kva, "主供"),
            Source(f"城南变 10kV {number + 3} 号线", "10 kV", capacity_kva // 2, "备供，手动切换 15 分钟"),
        ),
        distribution="10 kV 单母线分段，母联 110 手动投入；0.4 kV 两段，母联 410 带备自投。",
        equipment=(
            Equipment("1 号主变", "高配室", f"{capacity_kva} kVA"),
            Equipment("循环水泵", "水泵房", "2 台，一用一备"),
        ),
        loads=(
            Load("生产线", load - 2 * security, 0, "401、402", 30),
            Load("循环水泵", security, security, "405", 0),
            Load("消防与应急照明", security, security // 2, "408", 5),
        ),
        generators=(Generator("柴油发电机", security * 2, 3, "0 号柴油，满箱 8 小时", "每月 5 日"),),
        contacts=(
            Contact("电气负责人", "周经理", "12000000001"),
            Contact("值班室", "当班电工", "12000000002"),
            Contact("供电公司客户经理", "何敬业", "95598"),
        ),
        dangers="循环水停 10 分钟，炉体过热。",
        steps=(
            "0 分钟：确认失电范围，值班电工切到备用电源。\n3 分钟：启动柴油发电机，先带循环水泵。\n"
            "10 分钟：客户经理回复，说明原因和预计恢复时间。\n45 分钟：抢修人员到场，需要时接入发电车。"
        ),
        way_in="东门进厂，直行 80 米到高配室；发电车接口在高配室北墙，400 A 快速接头。",
    )


def _past_emergencies(numbers: list[str], people: dict[str, User], at: datetime) -> None:
    """What happened in the last weeks: in time, and once late on site."""
    stories = (
        (numbers[0], 20, "高压进线失电，备用电源已投", 4, 31, "馈线跳闸，重合成功，已恢复供电"),
        (numbers[1], 9, "两路电源同时失电", 7, 52, "发电车接入，抢修后恢复"),
        (numbers[2], 3, "变压器温度告警", 3, 27, "清理散热片，负荷转移，温度恢复正常"),
    )
    for account_no, days, what, reply_min, arrive_min, outcome in stories:
        received = at - timedelta(days=days)
        taken = emergencies.take_emergency(
            account_no=account_no,
            channel="telephone",
            request_key=f"demo:{account_no}",
            what=what,
            caller="当班电工",
            received_by_id=people["agent"].pk,
            at=received,
        )
        manager = people["keymanager"].pk
        emergencies.reply(
            emergency_id=taken.emergency_id,
            text="已派抢修，请先按一户一案第 1 步切换",
            by_id=manager,
            at=received + timedelta(minutes=reply_min),
        )
        there = received + timedelta(minutes=arrive_min)
        emergencies.arrive(
            emergency_id=taken.emergency_id,
            arrived_at=there,
            longitude=None,
            latitude=None,
            paper=f"到场签字单 {taken.emergency_id:04d}",
            text="",
            by_id=manager,
            at=there,
        )
        emergencies.close_emergency(
            emergency_id=taken.emergency_id, outcome=outcome, by_id=manager, at=there + timedelta(minutes=40)
        )
