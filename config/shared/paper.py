"""
PDF from a template of our own, with the kept CJK face and one of our style sheets.

The face is Noto Sans CJK, which draws the rare characters that names hold; the PDF carries only the glyphs it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import noto_cjk_sans_otc
import weasyprint
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from weasyprint.urls import URLFetcher

FACE = Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc"


def pdf_of(template: str, context: Mapping[str, object], *, style_sheet: str = "shared/print.css") -> bytes:
    """A page of paper (a template that extends `shared/print.html`) as PDF, in the current language."""
    sheet = _found(style_sheet)
    html = render_to_string(template, {**context, "font_urls": {"regular": FACE.as_uri()}, "css_url": sheet.as_uri()})
    fetcher = _OwnFilesOnly(frozenset({FACE.as_uri(), sheet.as_uri()}))
    pdf: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf()
    return pdf


def _found(style_sheet: str) -> Path:
    found = finders.find(style_sheet)
    if not isinstance(found, str):
        raise FileNotFoundError(style_sheet)
    return Path(found)


class _OwnFilesOnly(URLFetcher):  # type: ignore[misc]
    """Only what the template itself names: nothing a name or reason holds can make us read or call anything else."""

    def __init__(self, ours: frozenset[str]) -> None:
        super().__init__()
        self._ours = ours

    def fetch(self, url: str, headers: object = None) -> object:
        """The face, the style sheet, drawn codes."""
        if url not in self._ours and not url.startswith("data:image/svg+xml"):
            raise ValueError(f"not part of our paper: {url[:80]}")
        return super().fetch(url, headers)
