"""Golden documents and the published tables, for tests of previews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cis.previews import preview
from cis.queries.published import published_tables

ROOT = Path(__file__).parents[4]
BILLS: dict[str, dict[str, Any]] = {
    bill["id"]: bill
    for bill in json.loads((ROOT / "tests/golden/bills-public.json").read_text(encoding="utf-8"))["bills"]
}

PARTS: dict[str, Any] = json.loads((ROOT / "docs/rating-preview.schema.json").read_text(encoding="utf-8"))["$defs"]
OF_REQUESTS = ("request", "customer", "period", "meter", "event", "inputs", "options", "prices")


def names_in(part: Any) -> Iterator[str]:
    """Every name that an object of the schema may have, however deep."""
    if isinstance(part, dict):
        properties = part.get("properties", {})
        yield from properties
        for inner in [*properties.values(), *(value for name, value in part.items() if name != "properties")]:
            yield from names_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from names_in(inner)


SAID = {name for part in OF_REQUESTS for name in names_in(PARTS[part])}
"""Every name that the schema gives a field of a request."""


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
