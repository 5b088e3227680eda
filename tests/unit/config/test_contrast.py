"""Every pair of colours that docs/design.md names can be read, in every set of tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
TOKENS = (PROJECT / "config/shared/static/shared/tokens.css").read_text(encoding="utf-8")
DOCUMENT = (PROJECT / "docs/design.md").read_text(encoding="utf-8")

PAIRS = [
    (ink, ground, float(least))
    for ink, ground, least in re.findall(r"^\| `([\w-]+)` \| `([\w-]+)` \| ([\d.]+) \|", DOCUMENT, re.MULTILINE)
]


def block(selector: str) -> dict[str, str]:
    """The custom properties that the first rule of a selector sets."""
    found = re.search(rf"^\s*{re.escape(selector)} \{{(.*?)\n\s*\}}", TOKENS, re.MULTILINE | re.DOTALL)
    assert found, selector
    return dict(re.findall(r"(--[\w-]+): ([^;]+);", found[1]))


LIGHT = block(":root")
DARK = LIGHT | block(':root[data-theme="dark"]')
ELDER = block(':root[data-size="elder"]')
SETS = {"light": LIGHT, "dark": DARK, "light-elder": LIGHT | ELDER, "dark-elder": DARK | ELDER}


def colour(tokens: dict[str, str], name: str) -> str:
    """A token's colour as #rrggbb, through references."""
    value = tokens[f"--{name}"]
    reference = re.fullmatch(r"var\(--([\w-]+)\)", value)
    return colour(tokens, reference[1]) if reference else value


def luminance(code: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class TestTheMeasure:
    def test_knows_black_on_white_and_a_grey(self) -> None:
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)

    def test_the_document_names_pairs(self) -> None:
        assert len(PAIRS) > 30


class TestContrast:
    @pytest.mark.parametrize("name", SETS)
    @pytest.mark.parametrize(("ink", "ground", "least"), PAIRS, ids=[f"{i}-on-{g}" for i, g, _least in PAIRS])
    def test_is_at_least_what_is_documented(self, name: str, ink: str, ground: str, least: float) -> None:
        found = contrast(colour(SETS[name], ink), colour(SETS[name], ground))

        assert found >= least, f"{ink} on {ground} in {name}: {found:.2f}"


class TestTheDarkSet:
    def test_is_the_same_chosen_or_from_the_system(self) -> None:
        assert block(':root[data-theme="dark"]') == block(':root:not([data-theme="light"])')

    def test_names_every_colour_again(self) -> None:
        coloured = {name for name, value in LIGHT.items() if value.startswith("#")}

        assert coloured <= set(block(':root[data-theme="dark"]'))
