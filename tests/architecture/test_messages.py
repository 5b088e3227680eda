"""Every text people see has its English."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from config.shared import messages_catalogue

PROJECT = Path(__file__).resolve().parents[2]
CATALOGUE = PROJECT / "locale" / "en" / "LC_MESSAGES" / "django.po"


class TestMessages:
    """`manage.py collect_messages` brings the catalogue in line; people write the English."""

    @pytest.mark.acceptance("F179")
    def test_nothing_is_without_english(self) -> None:
        texts = messages_catalogue.collect(PROJECT)

        missing = messages_catalogue.untranslated(CATALOGUE, texts)

        assert len(texts) > 300
        assert [text.msgid for text in missing] == []

    def test_a_new_text_would_be_noticed(self, tmp_path: Path) -> None:
        (tmp_path / "cis" / "templates").mkdir(parents=True)
        (tmp_path / "cis" / "one.py").write_text('from x import gettext as _\n_("从没见过的话")\n', "utf-8")
        (tmp_path / "cis" / "templates" / "two.html").write_text(
            "{% load i18n %}<p title=\"{% translate '新词' %}\">{% blocktranslate %}{{ n }} 个新词"
            "{% endblocktranslate %}",
            "utf-8",
        )

        texts = messages_catalogue.collect(tmp_path)

        found = {text.msgid for text in messages_catalogue.untranslated(CATALOGUE, texts)}
        assert {"从没见过的话", "新词", "%(n)s 个新词"} <= found

    @pytest.mark.acceptance("F179")
    def test_placeholders_are_the_same_in_both_languages(self) -> None:
        def names(text: str) -> set[str]:
            return {part.split(")")[0] for part in text.split("%(")[1:]}

        wrong = [
            entry.msgid
            for entry in polib.pofile(str(CATALOGUE))
            for english in (entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr])
            if names(entry.msgid) != names(english)
        ]

        assert wrong == []
