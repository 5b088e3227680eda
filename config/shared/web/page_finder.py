"""Pages found by what their place in a menu is called: in Chinese, in pinyin, by initials, in English."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import override

from config.shared.finding import Found
from config.shared.models import User
from config.shared.names import name_keys, normal_text
from config.shared.web.consoles import consoles_of, reachable

_SHOWN = 5


@lru_cache(maxsize=512)
def _keys_of(chinese: str, english: str) -> tuple[str, ...]:
    """What a label is found by: itself, pinyin without spaces, initials, English."""
    keys = name_keys(chinese, is_person=False)
    return (normal_text(chinese), keys.pinyin.replace(" ", ""), keys.initials, normal_text(english))


def find_pages(text: str, *, user: User) -> list[Found]:
    """Places in the menus of the user's consoles whose name holds the text; those that begin with it come first."""
    wanted = normal_text(text)
    if not wanted:
        return []
    found: dict[str, tuple[bool, Found]] = {}
    for console in consoles_of(user):
        for place, url in reachable(user, console.menu):
            with override("zh-hans"):
                chinese = str(place.label)
            with override("en"):
                english = str(place.label)
            keys = _keys_of(chinese, english)
            begins = any(key.startswith(wanted) for key in keys)
            # One letter begins a word; it is not looked for inside of all of them.
            if begins or (len(wanted) > 1 and any(wanted in key for key in keys)):
                found.setdefault(url, (not begins, Found(_("页面"), str(place.label), url, str(console.label))))
    return [row for _later, row in sorted(found.values(), key=lambda pair: pair[0])][:_SHOWN]
