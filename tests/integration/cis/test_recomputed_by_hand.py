"""A customer with the bill's page and a pocket calculator gets every figure of it again."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.test import Client

from cis.models import Meter, MeterInstallation, Reading
from cis.operations.billing import issue_bill_now
from cis.rating.registers import Register
from config.shared.models import User
from tests.factories.portal import only
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

NUMBER = r"([0-9.]+)"


@pytest.fixture
def world() -> World:
    return small_world()


@dataclass
class Line:
    """One charge as the page says it."""

    name: str
    amount: Decimal
    quantity: Decimal
    price: Decimal
    said: str


@dataclass
class Stretch:
    """One register between two readings as the page says it."""

    register: str
    before: Decimal
    after: Decimal
    ratio: int
    turn: Decimal
    energy: Decimal


class Page:
    """What stands on a bill's page, read from its text alone."""

    def __init__(self, world: World, account: AccountIds, bill_no: str) -> None:
        only(world.portal_user_id, account.account_id, at=world.at)
        client = Client()
        user = User.objects.get(pk=world.portal_user_id)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        answer = client.get(f"/my/bills/{bill_no}/")
        assert answer.status_code == 200
        page = answer.content.decode()
        main = page[page.index("<main") : page.index("</main>")]
        main = re.sub(r"</(?:div|p|h1|h2|details|summary|dd|dt)>|<br>", "\n", main)
        text = html.unescape(re.sub(r"<[^>]+>", "", main)).replace("\u2009\u2060", "")
        rows = [re.sub(r"\s+", " ", row).strip() for row in text.split("\n")]
        self.text = "\n".join(row for row in rows if row)
        self.total = Decimal(re.search(rf"本期电费\s*{NUMBER}", self.text)[1])  # type: ignore[index]
        self.energy = Decimal(re.search(rf"用电\n{NUMBER} 度", self.text)[1])  # type: ignore[index]
        told = self.text[self.text.index("这笔电费是怎么算的") : self.text.index("电量从哪来")]
        heads = list(
            re.finditer(rf"^(\S+?) ?{NUMBER} 元\n{NUMBER} 度 × {NUMBER} 元/度 = {NUMBER} 元$", told, re.MULTILINE)
        )
        ends = [head.start() for head in heads[1:]] + [len(told)]
        self.lines = []
        for head, end in zip(heads, ends, strict=True):
            assert head[2] == head[5]
            self.lines.append(
                Line(head[1], Decimal(head[2]), Decimal(head[3]), Decimal(head[4]), told[head.end() : end])
            )
        self.usage = [
            Stretch(
                found[1],
                Decimal(found[2]),
                Decimal(found[3]),
                int(found[4] or 1),
                Decimal(found[5] or 0),
                Decimal(found[6]),
            )
            for found in re.finditer(
                rf"电能表 \S+ (\S+)\n\S+ 示数 {NUMBER}，\S+ 示数 {NUMBER}(?:，倍率 (\d+))?"
                rf"(?:，示数走完一圈从头再走，另加 {NUMBER})? = {NUMBER} 度",
                self.text,
            )
        ]


def issue(world: World, account: AccountIds, cycle: int) -> Page:
    bill_id = issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=world.at)
    return Page(world, account, f"{cycle}{bill_id:010d}")


def half_up(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def check(page: Page) -> dict[str, Decimal]:
    """Every kWh from the registers, every quantity from the kWh, every amount from its price; gives the kWh."""
    assert page.lines and page.usage, page.text
    energy: dict[str, Decimal] = {}
    for one in page.usage:
        assert half_up((one.after - one.before + one.turn) * one.ratio, "1") == one.energy, one
        energy[one.register] = energy.get(one.register, Decimal(0)) + one.energy
    if "总" in energy and len(energy) > 1 and "平段电量 = 总电量 − 其他时段电量" in page.text:
        energy["平段"] = energy["总"] - sum(kwh for name, kwh in energy.items() if name not in ("总", "平段"))
    periods = [kwh for name, kwh in energy.items() if name != "总"]
    whole = sum(periods, Decimal(0)) if periods else energy["总"]
    assert page.energy == whole
    for line in page.lines:
        assert line.quantity == quantity(line, energy, whole), line
        assert half_up(line.quantity * line.price, "0.01") == line.amount, line
    assert sum(line.amount for line in page.lines) == page.total
    return energy


def quantity(line: Line, energy: dict[str, Decimal], whole: Decimal) -> Decimal:
    """How many kWh a line must have, by what the page says of it."""
    tier = re.search(rf"第 (\d) 档：(?:{NUMBER}–{NUMBER} 度|{NUMBER} 度以上的部分)", line.said)
    if tier:
        lower = Decimal(tier[2] or tier[4])
        upper = Decimal(tier[3]) if tier[3] else Decimal(10**12)
        known = re.search(rf"今年在此之前已用 {NUMBER} 度", line.said)
        before = Decimal(known[1]) if known else Decimal(0)
        return max(min(before + whole, upper) - max(before, lower), Decimal(0))
    register = next((name for name in energy if name != "总" and line.name == f"{name}电费"), None)
    return energy[register] if register else whole


class TestByHand:
    @pytest.mark.acceptance("F24")
    def test_a_bill_in_tiers_across_three_of_them(self, world: World) -> None:
        account = world.residential
        advance(account, 202511, {Register.TOTAL: 2_100})
        advance(account, 202512, {Register.TOTAL: 3_000})
        pages = [issue(world, account, cycle) for cycle in world.cycles]

        for page in pages:
            check(page)
        said = [[line.name for line in page.lines] for page in pages]
        assert said == [["第1档电费"], ["第1档电费", "第2档电费", "第3档电费"], ["第1档电费"]]
        assert "今年在此之前已用" in pages[1].text and "今年在此之前已用" not in pages[2].text

    @pytest.mark.acceptance("F24")
    @pytest.mark.parametrize(
        ("name", "registers"),
        [
            ("residential", {"总"}),
            ("residential_day_15", {"总"}),
            ("residential_tou", {"总", "高峰", "低谷"}),
            ("commercial", {"总", "尖峰", "高峰", "平段", "低谷"}),
        ],
    )
    def test_a_plain_bill_of_each_kind(self, world: World, name: str, registers: set[str]) -> None:
        page = issue(world, getattr(world, name), world.cycle)

        assert set(check(page)) == registers

    @pytest.mark.acceptance("F24")
    def test_a_time_of_use_bill_with_tier_surcharges(self, world: World) -> None:
        account = world.residential_tou
        advance(account, 202601, {Register.TOTAL: 6_000, Register.PEAK: 4_000, Register.VALLEY: 2_000})

        page = issue(world, account, 202601)

        check(page)
        assert [line.name for line in page.lines] == ["高峰电费", "低谷电费", "第2档加价", "第3档加价"]

    @pytest.mark.acceptance("F24")
    def test_a_register_that_turned(self, world: World) -> None:
        account = world.residential
        Meter.objects.filter(pk=account.meter_id).update(digits=4)
        readings = Reading.objects.filter(installation_id=account.installation_id)
        readings.filter(cycle=202512).update(value_e4=9_950_0000)
        readings.filter(cycle=202601).update(value_e4=130_0000, is_rollover=True, advance_kwh_e2=180_00)

        page = issue(world, account, 202601)

        assert page.usage[0].turn == 10_000
        assert check(page)["总"] == 180

    @pytest.mark.acceptance("F24")
    def test_parts_of_a_kwh_are_rounded_once_after_the_ratio(self, world: World) -> None:
        account = world.commercial
        MeterInstallation.objects.filter(pk=account.installation_id).update(ct_ratio=30)
        readings = Reading.objects.filter(installation_id=account.installation_id)
        for row in list(readings.filter(cycle=202601)):
            more = 1_2300 if row.register in (Register.TOTAL, Register.PEAK) else 0
            before = readings.get(cycle=202512, register=row.register).value_e4
            moved = Decimal(row.value_e4 + more - before) / 10_000
            readings.filter(cycle=202601, register=row.register).update(
                value_e4=row.value_e4 + more, advance_kwh_e2=int(half_up(moved * 30, "1") * 100)
            )

        page = issue(world, account, 202601)

        check(page)


def advance(account: AccountIds, cycle: int, units: dict[Register, int]) -> None:
    """Let the registers advance so far in a cycle, and every later reading stand on top."""
    for register, more in units.items():
        rows = list(
            Reading.objects.filter(installation_id=account.installation_id, register=int(register)).order_by("read_on")
        )
        at = next(number for number, row in enumerate(rows) if row.cycle == cycle)
        moved = rows[at - 1].value_e4 + more * 10_000 - rows[at].value_e4
        for row in rows[at:]:
            Reading.objects.filter(
                installation_id=account.installation_id, register=int(register), read_on=row.read_on
            ).update(value_e4=row.value_e4 + moved)
        Reading.objects.filter(
            installation_id=account.installation_id, register=int(register), read_on=rows[at].read_on
        ).update(advance_kwh_e2=more * 100)
