"""What the demonstration shows of grid service: districts, their people, outages, notices, questions, care."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from cis.operations import demo as cis_demo
from cis.operations import outages
from cis.operations.demo_portal import demo_people
from cis.queries import network
from cis.queries.customers import account_id_of
from cis.queries.outages import list_outages
from cis.queries.portal_people import user_of_telephone
from config.shared.models import OrgUnit, Role, RoleGrant, User
from grid_service.models import CareCase, Community, Notice, Question, ServiceDistrict
from grid_service.operations import care, newcomers, notices, questions, territory
from grid_service.queries.territory import districts_at, districts_of_transformers, transformers_of

_BEGAN = timedelta(days=400)
# The people of grid2 and on; grid1 is among the users of the demonstration that are named.
_PEOPLE = ("谢文涛", "彭丽华", "邓国强", "曾玉兰", "蒋小军", "蔡建华", "田秀英")
_AFTER_ROTATION = "韩冬梅"
_PUBLIC_END = "公变"


def load(*, today: date, at: datetime) -> None:
    """Everything of grid service in the demonstration; may be repeated."""
    with transaction.atomic():
        units = _units()
        _users(units)
        if not ServiceDistrict.objects.exists():
            _districts(units, at)
    with transaction.atomic():
        _outages(today, at)
        _questions(at)
        _care(today, at)
        _notice(at)


def _units() -> list[OrgUnit]:
    """Two districts under every station, in the order of their codes; the second is added here."""
    for station in OrgUnit.objects.filter(kind=OrgUnit.Kind.STATION).order_by("code"):
        code = f"{station.code}-D2"
        if OrgUnit.objects.filter(code=code).exists():
            continue
        unit = OrgUnit.objects.create(
            parent=station,
            kind=OrgUnit.Kind.DISTRICT,
            code=code,
            name=f"{station.name[:2]}第二片区",
            name_en=f"{station.name_en} District 2",
            path=code,
        )
        unit.path = f"{station.path}{unit.pk}/"
        unit.save(update_fields=["path"])
    return list(OrgUnit.objects.filter(kind=OrgUnit.Kind.DISTRICT).order_by("code"))


def _users(units: list[OrgUnit]) -> None:
    role, password = Role.objects.get(code="district-manager"), make_password(cis_demo.DEMO_PASSWORD)
    names = [
        *zip(range(2, len(units) + 1), _PEOPLE, units[1:], strict=False),
        (len(units) + 1, _AFTER_ROTATION, units[2]),
    ]
    for number, name, unit in names:
        user, is_new = User.objects.get_or_create(
            username=f"grid{number}",
            defaults={"password": password, "kind": User.Kind.STAFF, "display_name": name, "org_unit": unit},
        )
        if is_new:
            RoleGrant.objects.create(user=user, role=role, org_unit=unit)


def _districts(units: list[OrgUnit], at: datetime) -> None:
    began, boss = at - _BEGAN, cis_demo.user_id("supervisor")
    opened = []
    for number, unit in enumerate(units, start=1):
        # Neighbours of one station stand in for each other.
        deputy = number + 1 if number % 2 else number - 1
        opened.append(
            territory.open_district(
                org_unit_id=unit.pk,
                manager_id=cis_demo.user_id(f"grid{number}"),
                deputy_id=cis_demo.user_id(f"grid{deputy}"),
                manager_phone=f"0728-81000{number:02}",
                deputy_phone=f"0728-82000{number:02}",
                begins_at=began,
                reason="启用片区",
                decided_by_id=boss,
                at=began,
            )
        )
    for county in OrgUnit.objects.filter(kind=OrgUnit.Kind.COUNTY).order_by("code"):
        own = [one for one, unit in zip(opened, units, strict=True) if unit.path.startswith(county.path)]
        _cover_county(county, own, began, boss)
    _rotate(opened[2], at, boss)


def _cover_county(county: OrgUnit, districts: list[int], began: datetime, boss: int) -> None:
    """Estates and streets to the first districts, villages to the last; works to whoever serves their street."""
    places = network.list_transformer_districts(within=[county.path])
    public = [place for place in places if not place.is_dedicated]
    public.sort(key=lambda place: (place.name.endswith(f"村{_PUBLIC_END}"), place.code))
    share = -(-len(public) // len(districts))
    where = {place.transformer_district_id: districts[index // share] for index, place in enumerate(public)}
    named = {}
    for place in public:
        name = place.name.removesuffix(_PUBLIC_END)
        is_village = name.endswith("村") and not name.endswith("新村")
        named[name] = where[place.transformer_district_id]
        Community.objects.create(
            county=county,
            kind=Community.Kind.VILLAGE if is_village else Community.Kind.COMMUNITY,
            name=name if is_village else f"{name.removesuffix('小区')}社区",
            address_words=[name],
            service_district_id=named[name],
        )
    own = [place.transformer_district_id for place in places if place.is_dedicated]
    for place_id, address in network.addresses_behind(own).items():
        last = max(named, key=lambda word: address.rfind(word))
        where[place_id] = named[last] if last in address else districts[0]
    for place_id in own:
        where.setdefault(place_id, districts[0])
    # One street's transformer is still with the neighbour: the check of coverage finds it.
    stray = public[len(public) // 2].transformer_district_id
    where[stray] = districts[0] if where[stray] != districts[0] else districts[1]
    for district in districts:
        chosen = [place_id for place_id, one in where.items() if one == district]
        if chosen:
            territory.cover(
                district_id=district,
                transformer_district_ids=chosen,
                from_at=began,
                reason="启用片区",
                decided_by_id=boss,
                at=began,
            )
    newcomers.receive_new_places(district_id=districts[0], reason="启用片区", decided_by_id=boss, at=began)


def _rotate(district_id: int, at: datetime, boss: int) -> None:
    """Three months ago one district got another manager."""
    newest = User.objects.filter(username__startswith="grid").order_by("-pk").values_list("pk", flat=True)[0]
    moment = at - timedelta(days=90)
    territory.hand_over(
        district_id=district_id,
        people={"manager": newest},
        from_at=moment,
        reason="轮岗",
        decided_by_id=boss,
        at=moment,
    )


def _home() -> tuple[int, int, int]:
    """The home whose owner comes to the demonstration's portal: account, its transformer district, the user."""
    person = demo_people()[0]
    account_id = account_id_of(person.account_no)
    return account_id, network.transformers_of_accounts([account_id])[account_id], user_of_telephone(person.telephone)


def _outages(today: date, at: datetime) -> None:
    """Planned work at the portal's home next week, a fault today elsewhere in the same district."""
    if list_outages(at=at, limit=1):
        return
    _account, place, _user = _home()
    district = districts_of_transformers([place], at=at)[place]
    dispatcher, leader = cis_demo.user_id("dispatcher"), cis_demo.user_id("leader")
    (here,) = network.list_transformer_districts(ids=[place])
    starts = datetime.combine(today + timedelta(days=9), time(8), settings.BILLING_TIME_ZONE)
    before = at - timedelta(days=1)
    planned = outages.draft_outage(
        kind="planned",
        org_unit_id=here.county_id,
        area=here.name.removesuffix(_PUBLIC_END),
        reason="更换变压器，用电高峰前增容",
        starts_at=starts,
        ends_at=starts + timedelta(hours=8),
        transformer_district_ids=[place],
        by_id=dispatcher,
        at=before,
    )
    outages.approve_outage(outage_id=planned, by_id=leader, at=before)
    outages.publish_outage(outage_id=planned, by_id=dispatcher, at=before)
    others = [one for one in transformers_of([district], at=at) if one != place]
    faulty = next(row for row in network.list_transformer_districts(ids=others) if not row.is_dedicated)
    fault = outages.report_fault(
        area=faulty.name.removesuffix(_PUBLIC_END),
        reason="大风刮断导线，正在抢修",
        org_unit_id=faulty.county_id,
        starts_at=at - timedelta(minutes=40),
        ends_at=at + timedelta(hours=2),
        transformer_district_ids=[faulty.transformer_district_id],
        by_id=dispatcher,
        at=at - timedelta(minutes=35),
    )
    for outage_id in (planned, fault):
        # Workers would do the same when they find the fact; whoever comes second finds it done.
        notices.tell_of_outage(outage_id=outage_id, version=1, what="announced", at=at)


def _questions(at: datetime) -> None:
    """One answered yesterday and rated, one that waits."""
    if Question.objects.exists():
        return
    account_id, place, user_id = _home()
    district = districts_of_transformers([place], at=at)[place]
    yesterday = at - timedelta(days=1)
    answered = questions.ask(
        user_id=user_id,
        account_id=account_id,
        text="家里灯晚上有点闪，是电压的问题吗？",
        form_key="demo-1",
        channel="portal",
        at=yesterday,
    )
    manager = _manager_of(district, at)
    questions.answer(
        question_id=answered,
        text="看了您家台区昨晚的电压，正常。可能是灯的开关接触不好，我明天上午过来看一下。",
        by_id=manager,
        at=yesterday + timedelta(minutes=6),
    )
    questions.rate(question_id=answered, user_id=user_id, score=5, comment="", at=yesterday + timedelta(hours=2))
    questions.ask(
        user_id=user_id,
        account_id=account_id,
        text="下周停电，家里有老人用制氧机，能帮忙想办法吗？",
        form_key="demo-2",
        channel="portal",
        at=at,
    )


def _manager_of(district_id: int, at: datetime) -> int:
    return districts_at([district_id], at=at)[district_id].manager.user_id


def _care(today: date, at: datetime) -> None:
    if CareCase.objects.exists():
        return
    account_id, place, _user = _home()
    manager = _manager_of(districts_of_transformers([place], at=at)[place], at)
    neighbours = [one.account_id for one in network.people_behind([place], today=today) if one.account_id != account_id]
    chosen = network.briefs_of([account_id, *neighbours[:2]])
    what = (
        ("medical", "家用制氧机，停电前要备氧气瓶"),
        ("elderly", "独居，先打女儿电话"),
        ("elderly", "独居，敲门告诉"),
    )
    for number, (brief, (kind, note)) in enumerate(zip(chosen.values(), what, strict=False), start=1):
        care.enter_care(
            account_no=brief.account_no,
            kind=kind,
            basis="consent",
            basis_note=f"同意书 2026-{number:03}",
            note=note,
            until_on=today + timedelta(days=300),
            by_id=manager,
            at=at,
            today=today,
        )


def _notice(at: datetime) -> None:
    if Notice.objects.filter(outage=None).exists():
        return
    _account, place, _user = _home()
    district = districts_of_transformers([place], at=at)[place]
    notice_id = notices.draft_notice(
        district_id=district,
        transformer_district_ids=[place],
        text="周六上午 9 点到 11 点，我在小区门口免费检查用电安全，欢迎来问。",
        by_id=_manager_of(district, at),
        at=at - timedelta(hours=20),
    )
    notices.publish_notice(notice_id=notice_id, at=at - timedelta(hours=20))
