"""
Keys by which names are found and sorted: pinyin, initials, and neighbouring characters.

A surname that is also an everyday word has its own reading (单 is Shan, 解 is Xie); what the general dictionary says is
used for everything else. Needs no database and no clock.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin

# Surnames whose reading differs from what the character usually says, or is often told wrongly by phrase dictionaries.
SURNAMES: dict[str, str] = {
    "曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "任": "ren", "盖": "ge",
    "朴": "piao", "秘": "bi", "冼": "xian", "洗": "xian", "翟": "zhai", "乐": "yue", "员": "yun", "贠": "yun",
    "种": "chong", "重": "chong", "覃": "qin", "宓": "mi", "尉": "wei", "缪": "miao", "黑": "he", "折": "she",
    "召": "shao", "晁": "chao", "祭": "zhai", "繁": "po", "车": "che",
    "阚": "kan", "撒": "sa", "谌": "chen", "牟": "mu", "隗": "wei", "能": "nai",
    "逄": "pang", "佴": "nai", "过": "guo", "令": "ling",
    "幺": "yao", "么": "yao", "适": "kuo", "郇": "xun", "郗": "xi", "臧": "zang",
}  # fmt: skip
COMPOUND_SURNAMES: dict[str, tuple[str, ...]] = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "单于": ("chan", "yu"), "长孙": ("zhang", "sun"),
    "澹台": ("tan", "tai"), "令狐": ("ling", "hu"), "宇文": ("yu", "wen"), "中行": ("zhong", "hang"),
    "皇甫": ("huang", "fu"), "夏侯": ("xia", "hou"), "欧阳": ("ou", "yang"), "鲜于": ("xian", "yu"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NameKeys:
    """What a name is sorted by ("zhang san"), found by in short ("zs"), and found by in part (张, 三, 张三)."""

    pinyin: str
    initials: str
    grams: tuple[str, ...]


def name_keys(name: str, *, is_person: bool) -> NameKeys:
    """The keys of a name; only a person's first character is read as a surname."""
    text = normal_text(name)
    syllables = _syllables(text, is_person=is_person)
    initials = "".join(part if part.isdigit() else part[0] for part in syllables)
    return NameKeys(" ".join(syllables)[:400], initials[:100], grams(name))


def normal_text(text: str) -> str:
    """The text as it is compared: one width, one case, nothing but letters, figures and characters."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def grams(text: str) -> tuple[str, ...]:
    """Every character and every pair of neighbours of a text, each once, in order of their first place."""
    plain = normal_text(text)
    pairs = (plain[i : i + 2] for i in range(len(plain) - 1))
    return tuple(dict.fromkeys([*plain, *pairs]))


def grams_to_find(text: str) -> tuple[str, ...]:
    """The grams a stored text must hold to contain every word of what somebody typed: pairs, or a lone character."""
    found: list[str] = []
    for word in text.split():
        plain = normal_text(word)
        found += [plain[i : i + 2] for i in range(len(plain) - 1)] or list(plain)
    return tuple(dict.fromkeys(found))


def _syllables(text: str, *, is_person: bool) -> list[str]:
    if is_person and text[:2] in COMPOUND_SURNAMES:
        return [*COMPOUND_SURNAMES[text[:2]], *_read(text[2:])]
    if is_person and text[:1] in SURNAMES:
        return [SURNAMES[text[:1]], *_read(text[1:])]
    return _read(text)


def _read(text: str) -> list[str]:
    return [part for part in lazy_pinyin(text, style=Style.NORMAL, v_to_u=False) if part]
