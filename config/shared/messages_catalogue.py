"""
The texts people see, gathered from Python, templates and the labels of choices; and the English beside each.

Works without GNU gettext: babel reads the code, Django turns templates into code that babel can read, polib keeps the
catalogue.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polib
from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation.template import templatize

_FOLDERS = ("config", "cis", "payments", "crm", "dsm", "halls", "grid_service")
_KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_CALL = re.compile(rf"\b(?:n?p?gettext|_)\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*(?:\s*,\s*count)?\s*\)")


@dataclass(frozen=True, order=True)
class Text:
    """One text as it stands in the code."""

    msgid: str
    plural: str = ""
    context: str = ""


def collect(project: Path) -> dict[Text, str]:
    """Every text, and the first file it stands in."""
    found: dict[Text, str] = {}
    for path in _sources(project):
        place = path.relative_to(project).as_posix()
        for text in _texts_of(path):
            found.setdefault(text, place)
    for label in _labels():
        found.setdefault(Text(label), "labels of choices")
    return dict(sorted(found.items()))


def _sources(project: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in sorted((project / folder).rglob("*")):
            parts = path.relative_to(project).parts
            if "migrations" in parts or "static" in parts or "embedded" in parts:
                continue
            if path.suffix == ".py" or (path.suffix in (".html", ".txt") and "templates" in parts):
                yield path


def _texts_of(path: Path) -> Iterator[Text]:
    from babel.messages.extract import extract  # noqa: PLC0415 - a development tool, absent where only served

    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What templatize gives is calls between rows of X: not Python, so only the calls are kept.
        source = "\n".join(call.group() for call in _CALL.finditer(templatize(source, origin=str(path))))
    for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), _KEYWORDS, (), {}):
        if isinstance(message, tuple):
            singular, plural = str(message[0]), str(message[1] or "")
        else:
            singular, plural = str(message), ""
        if singular and not singular.isspace():
            yield Text(singular, plural, context or "")


def _labels() -> Iterator[str]:
    """Labels of the choices of our own models: they are words on pages too."""
    for model in apps.get_models():
        if model.__module__.split(".", 1)[0] not in _FOLDERS:
            continue
        for field in model._meta.get_fields():
            for _value, label in getattr(field, "flatchoices", None) or ():
                if not isinstance(label, Promise) and not str(label).isascii():
                    yield str(label)


def update(target: Path, texts: dict[Text, str]) -> None:
    """Write the catalogue anew: what is in the code, in order, with the translations there were."""
    known = _entries(target)
    catalogue = polib.POFile(wrapwidth=120)
    catalogue.metadata = {
        "Project-Id-Version": "dayingxiao",
        "Language": "en",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for text, place in texts.items():
        old = known.get((text.context, text.msgid))
        entry = polib.POEntry(msgid=text.msgid, occurrences=[(place, "")])
        if text.context:
            entry.msgctxt = text.context
        if text.plural:
            entry.msgid_plural = text.plural
            entry.msgstr_plural = dict(old.msgstr_plural) if old and old.msgstr_plural else {0: "", 1: ""}
        else:
            entry.msgstr = old.msgstr if old else ""
        if "%(" in text.msgid:
            entry.flags.append("python-format")
        catalogue.append(entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(target))


def untranslated(target: Path, texts: dict[Text, str]) -> list[Text]:
    """Texts of the code that have no English."""
    known = _entries(target)
    missing = []
    for text in texts:
        entry = known.get((text.context, text.msgid))
        if entry is None or not (all(entry.msgstr_plural.values()) if text.plural else entry.msgstr):
            missing.append(text)
    return missing


def _entries(target: Path) -> dict[tuple[str, str], polib.POEntry]:
    if not target.exists():
        return {}
    return {(entry.msgctxt or "", entry.msgid): entry for entry in polib.pofile(str(target))}
