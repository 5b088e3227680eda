"""Compile the translations without GNU gettext: `locale/*/LC_MESSAGES/*.po` to `.mo`."""

from __future__ import annotations

from pathlib import Path

import polib

from config.embedded.places import PROJECT


def compile_all(project: Path = PROJECT) -> int:
    """Compile every catalogue that is newer than its compiled form; return how many."""
    compiled = 0
    for source in sorted(project.glob("locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        draft = target.with_suffix(".mo.new")
        polib.pofile(str(source)).save_as_mofile(str(draft))
        draft.replace(target)
        compiled += 1
    return compiled


if __name__ == "__main__":
    print(f"{compile_all()} catalogues compiled")
