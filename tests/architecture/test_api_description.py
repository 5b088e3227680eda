"""The description of the API that is kept is the one that the code gives, and no break slips into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from config.shared.management.commands import api_description
from config.shared.management.commands.api_description import DESCRIPTION


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description of its own, and a change log that announces nothing."""
    place = tmp_path / "openapi.yaml"
    place.write_text(DESCRIPTION.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "api-changes.md").write_text("", encoding="utf-8")
    monkeypatch.setattr(api_description, "DESCRIPTION", place)
    monkeypatch.setattr(api_description, "CHANGE_LOG", tmp_path / "api-changes.md")
    return place


def change(place: Path, how: Any) -> None:
    document = yaml.safe_load(place.read_text(encoding="utf-8"))
    how(document["paths"])
    place.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def test_what_is_kept_is_what_the_code_says() -> None:
    call_command("api_description", check=True)

    assert yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))["openapi"].startswith("3.1")


@pytest.mark.acceptance("F157")
@pytest.mark.parametrize("check", [True, False])
def test_a_break_is_refused_until_it_is_announced(kept: Path, check: bool) -> None:
    """Programs were promised an address that the code no longer has; nothing is written over the promise."""
    change(kept, lambda paths: paths.update({"/api/v1/gone/": {"get": {"responses": {}}}}))
    promised = kept.read_text(encoding="utf-8")

    with pytest.raises(CommandError, match="the address is gone"):
        call_command("api_description", check=check, against=kept)

    assert kept.read_text(encoding="utf-8") == promised
    log = kept.with_name("api-changes.md")
    log.write_text("| 2026-11-23 | 2027-06-01 | `/api/v1/gone/: the address is gone` | - |", encoding="utf-8")
    if check:
        with pytest.raises(CommandError, match="is not what the code says"):
            call_command("api_description", check=True, against=kept)
    else:
        call_command("api_description", against=kept)
        assert kept.read_text(encoding="utf-8") == DESCRIPTION.read_text(encoding="utf-8")


def test_what_is_new_must_be_written_down_but_announced_by_nobody(kept: Path) -> None:
    change(kept, lambda paths: paths.pop("/api/v1/channel/deposit"))

    with pytest.raises(CommandError, match="is not what the code says"):
        call_command("api_description", check=True, against=kept)
    call_command("api_description", against=kept)

    assert "/api/v1/channel/deposit" in kept.read_text(encoding="utf-8")
