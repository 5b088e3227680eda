"""What codes of shortage planning are called."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

MEASURES = {"shift": _("错峰"), "avoid": _("避峰"), "limit": _("限电")}

LEVELS = {
    "I": _("Ⅰ级 特别严重（红色）"),
    "II": _("Ⅱ级 严重（橙色）"),
    "III": _("Ⅲ级 较重（黄色）"),
    "IV": _("Ⅳ级 一般（蓝色）"),
}
LEVEL_KINDS = {"I": "bad", "II": "warn", "III": "warn", "IV": "info"}
