"""Names that are kept in Chinese and English, in the language of the request."""

from __future__ import annotations

from django.utils.translation import get_language


def is_english() -> bool:
    """Whether this request is answered in English."""
    return (get_language() or "zh").startswith("en")


def in_language(chinese: str, english: str) -> str:
    """The English name where the request is in English and there is one, the Chinese name otherwise."""
    return english if english and is_english() else chinese
