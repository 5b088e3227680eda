"""Golden documents and the published tables, for tests of previews."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cis.previews import preview
from cis.queries.published import published_tables

ROOT = Path(__file__).parents[4]
BILLS: dict[str, dict[str, Any]] = {
    bill["id"]: bill
    for bill in json.loads((ROOT / "tests/golden/bills-public.json").read_text(encoding="utf-8"))["bills"]
}


def asked(number: str, **changes: Any) -> dict[str, Any]:
    """A golden document without its answer; `changes` replace or add to its parts."""
    document = json.loads(json.dumps({name: value for name, value in BILLS[number].items() if name != "expected"}))
    for name, value in changes.items():
        document[name] = {**(document.get(name) or {}), **value} if isinstance(value, dict) else value
    found: dict[str, Any] = document
    return found


def answered(document: dict[str, Any]) -> dict[str, Any]:
    """The answer under the published tables."""
    return preview(document, published_tables())
