"""
What we say to people: every message has a template, declared beside the act it tells of (`cis/messages.py`, …).

A template says its words in both languages with named parameters, the channels in order of preference, whether it may
wake people, and why we may send it. To add one: `declare(Template(...))` in the owning app's `messages.py`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

LANGUAGES = ("zh-hans", "en")


class Category(StrEnum):
    """On what ground we may send it."""

    SERVICE = "service"
    """part of the supply or of what somebody just asked for; no consent needed"""
    CONSENT = "consent"
    """only to those who agreed to be told"""


class Kind(StrEnum):
    """How providers count it: one-time codes and notices have limits of their own."""

    CODE = "code"
    NOTICE = "notice"


class UnknownTemplate(LookupError):
    """No app declared a template of this code."""


class WrongParameters(ValueError):
    """The parameters given are not those the template names."""


@dataclass(frozen=True)
class Template:
    """
    One message as a form of words; `{name}` in the texts stands for a parameter, and both texts name the same ones.

    `subject` is the first line where a channel has one (inbox, e-mail, letter). `secrets` are parameters that are
    erased once the message is sent or too old. `in_inbox` keeps a copy for those who have an inbox, whatever channel
    carries it. `never_held`: the brake on mass notices counts it and lets it go, such as what is said of outages.
    `examples` serve as sample values for checks.
    """

    code: str
    channels: tuple[str, ...]
    zh: str
    en: str
    subject_zh: str
    subject_en: str
    examples: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = Kind.NOTICE
    category: Category = Category.SERVICE
    is_urgent: bool = False
    in_inbox: bool = False
    lasts: timedelta = timedelta(days=3)
    secrets: frozenset[str] = frozenset()
    never_held: bool = False

    @property
    def parameters(self) -> frozenset[str]:
        """The names that stand in its texts."""
        return names_in(self.zh) | names_in(self.en) | names_in(self.subject_zh) | names_in(self.subject_en)

    def text(self, language: str) -> str:
        """Its words in a language, with the names of the parameters still in them."""
        return self.en if language == "en" else self.zh

    def subject(self, language: str) -> str:
        """Its first line in a language, with the names of the parameters still in it."""
        return self.subject_en if language == "en" else self.subject_zh

    def render(self, language: str, parameters: Mapping[str, str]) -> tuple[str, str]:
        """Subject and text with the parameters filled in; what was erased reads as `••••••`."""
        known = {name: parameters.get(name, "••••••") for name in self.parameters}
        return self.subject(language).format_map(known), self.text(language).format_map(known)

    def check(self, parameters: Mapping[str, str]) -> None:
        """
        Whether exactly the named parameters are given.

        :raises WrongParameters: one is missing or one too many
        """
        if set(parameters) != self.parameters:
            wrong = sorted(set(parameters) ^ self.parameters)
            raise WrongParameters(f"{self.code}: {', '.join(wrong)}")


TEMPLATES: dict[str, Template] = {}


def declare(template: Template) -> Template:
    """Enter a template into the registry; a code belongs to one template."""
    if TEMPLATES.setdefault(template.code, template) != template:
        raise ValueError(f"two templates are called {template.code}")
    return template


def get(code: str) -> Template:
    """
    The template of a code.

    :raises UnknownTemplate: nobody declared it
    """
    try:
        return TEMPLATES[code]
    except KeyError as error:
        raise UnknownTemplate(code) from error


def names_in(text: str) -> frozenset[str]:
    """The parameters that stand in a text."""
    return frozenset(name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name)
