"""Pure: made-up people and enterprises, with telephone numbers and identity numbers that nobody was ever given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

# The commonest surnames first, with rough shares in thousandths; then compound and rare ones.
SURNAMES = (
    ("王", 72), ("李", 71), ("张", 68), ("刘", 54), ("陈", 46), ("杨", 31), ("黄", 23), ("赵", 20), ("周", 20),
    ("吴", 20), ("徐", 15), ("孙", 15), ("胡", 13), ("朱", 13), ("高", 12), ("林", 11), ("何", 11), ("郭", 11),
    ("马", 10), ("罗", 9), ("梁", 8), ("宋", 8), ("郑", 8), ("谢", 7), ("韩", 7), ("唐", 7), ("冯", 6), ("于", 6),
    ("董", 6), ("萧", 5), ("程", 5), ("曹", 5), ("袁", 5), ("邓", 5), ("许", 5), ("傅", 5), ("沈", 5), ("曾", 5),
    ("彭", 5), ("吕", 4), ("苏", 4), ("卢", 4), ("蒋", 4), ("蔡", 4), ("贾", 4), ("丁", 4), ("魏", 4), ("薛", 4),
    ("叶", 4), ("余", 4), ("潘", 4), ("杜", 3), ("戴", 3), ("夏", 3), ("钟", 3), ("汪", 3), ("田", 3), ("任", 3),
    ("姜", 3), ("范", 3), ("方", 3), ("石", 3), ("姚", 3), ("谭", 3), ("廖", 3), ("邹", 3), ("熊", 3), ("单", 1),
    ("解", 1), ("仇", 1), ("欧阳", 2), ("上官", 1), ("司马", 1), ("诸葛", 1), ("尉迟", 1), ("万俟", 1),
)  # fmt: skip
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰涛明超霞平刚桂兰华建国文红梅志玉春海燕飞鹏辉斌浩宇欣怡子涵梓轩雨晨思远嘉琪"
    "佳慧晓东小雪云龙少波永康德福金凤银生家豪俊豪天佑若曦一诺诗涵雅婷"
)
RARE_GIVEN = ("㐂", "𠮷", "龘", "喆", "堃", "燚", "犇", "翀", "赟", "旻")
RARE_SHARE = 0.012
TRADES = (
    "百货", "餐饮", "酒店", "超市", "药房", "服饰", "建材", "汽修", "教育咨询", "物业服务", "网络科技", "水产", "粮油",
)  # fmt: skip
WORKS = ("机械", "纺织", "包装", "食品", "塑料", "铸造", "化工", "水泥制品", "电子", "木业", "农机", "汽车零部件")
FANCY = ("鑫源", "汇丰", "永兴", "华泰", "江龙", "楚天", "东盛", "恒润", "金穗", "荆楚", "长顺", "瑞和", "宏达", "双喆")


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as the master data has it."""

    name: str
    is_person: bool
    phone: str
    identity_no: str


def made_up_phone(number: int) -> str:
    """Eleven digits that no operator assigns: mobile numbers begin with 13 to 19, never with 120."""
    return f"1200{number % 10_000_000:07d}"


def made_up_identity_no(number: int, born: date) -> str:
    """An 18-digit identity number of an area code that does not exist (429999), with its check digit."""
    body = f"429999{born:%Y%m%d}{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(weights, body, strict=True)) % 11]


def made_up_credit_code(number: int) -> str:
    """Eighteen places like an enterprise's credit code, of an area code that does not exist."""
    return f"91429999MA{number % 100_000_000:08d}"


def make_people(count: int, rng: np.random.Generator, *, first_number: int = 0) -> list[Person]:
    """So many persons."""
    shares = np.array([share for _, share in SURNAMES], dtype=np.float64)
    surnames = rng.choice(len(SURNAMES), count, p=shares / shares.sum())
    given = rng.integers(0, len(GIVEN), (count, 2))
    lone, rare = rng.random(count) < 0.15, rng.random(count) < RARE_SHARE
    rare_place = rng.integers(0, len(RARE_GIVEN), count)
    born = rng.integers(0, 60 * 365, count)
    people = []
    for n in range(count):
        name = GIVEN[given[n, 0]] + ("" if lone[n] else GIVEN[given[n, 1]])
        if rare[n]:
            name = name[:-1] + RARE_GIVEN[rare_place[n]]
        number = first_number + n
        birthday = date(1946, 1, 1) + timedelta(days=int(born[n]))
        people.append(
            Person(SURNAMES[surnames[n]][0] + name, True, made_up_phone(number), made_up_identity_no(number, birthday))
        )
    return people


def make_enterprises(
    count: int, rng: np.random.Generator, *, place: str, is_works: bool, first_number: int = 0
) -> list[Person]:
    """So many enterprises of a place: shops and services, or works."""
    trades = WORKS if is_works else TRADES
    fancy, trade = rng.integers(0, len(FANCY), count), rng.integers(0, len(trades), count)
    extra = rng.integers(0, len(GIVEN), count)
    suffix = "制造有限公司" if is_works else "有限公司"
    return [
        Person(
            f"{place}{FANCY[fancy[n]]}{GIVEN[extra[n]]}{trades[trade[n]]}{suffix}",
            False,
            made_up_phone(first_number + n),
            made_up_credit_code(first_number + n),
        )
        for n in range(count)
    ]
