"""Pure: what of an API's description would break a program written against the earlier one.

Both descriptions are OpenAPI 3 documents as nested dicts. Adding is never a break: a path, a response field, an
optional parameter, an optional request field, an enum value. Each break is one sentence that names its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


@dataclass
class Shape:
    """What a schema allows, with references and alternatives taken together."""

    types: set[str] = field(default_factory=set)
    properties: dict[str, Any] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    values: list[Any] | None = None
    items: Any = None


def breaking_changes(before: Document, after: Document) -> list[str]:
    """Sentences, sorted, each once; empty when every program written against `before` goes on working."""
    return sorted(set(_paths(before, after)))


def unannounced(changes: list[str], change_log: str) -> list[str]:
    """The changes that the change log does not name word for word between backquotes."""
    return [one for one in changes if f"`{one}`" not in change_log]


def _paths(before: Document, after: Document) -> Iterator[str]:
    for path, methods in before.get("paths", {}).items():
        if path not in after.get("paths", {}):
            yield f"{path}: the address is gone"
            continue
        for method in METHODS:
            if method not in methods:
                continue
            place = f"{method.upper()} {path}"
            if method not in after["paths"][path]:
                yield f"{place}: the method is gone"
                continue
            yield from _Operation(place, before, after).differences(methods[method], after["paths"][path][method])


class _Operation:
    """One operation in both documents."""

    def __init__(self, place: str, before: Document, after: Document) -> None:
        self.place, self.before, self.after = place, before, after

    def differences(self, old: Document, new: Document) -> Iterator[str]:
        yield from self._parameters(old, new)
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        for status, answer in old.get("responses", {}).items():
            if status not in new.get("responses", {}):
                yield f"{self.place}: the answer {status} is gone"
                continue
            there = new["responses"][status].get("content", {})
            yield from self._contents(f"answer {status}", answer.get("content", {}), there, asked=False)

    def _parameters(self, old: Document, new: Document) -> Iterator[str]:
        earlier = {(one["in"], one["name"]): one for one in old.get("parameters", [])}
        later = {(one["in"], one["name"]): one for one in new.get("parameters", [])}
        for key in earlier.keys() - later.keys():
            yield f"{self.place}: {key[0]} parameter {key[1]} is gone"
        for key, one in later.items():
            there = f"{key[0]} parameter {key[1]}"
            if one.get("required") and not earlier.get(key, {}).get("required"):
                yield f"{self.place}: {there} must now be sent"
            if key in earlier:
                yield from self._schemas(there, earlier[key].get("schema"), one.get("schema"), True, frozenset())

    def _body(self, old: Document | None, new: Document | None) -> Iterator[str]:
        if new and new.get("required") and not (old or {}).get("required"):
            yield f"{self.place}: a request body must now be sent"
        if old:
            yield from self._contents("request", old.get("content", {}), (new or {}).get("content", {}), asked=True)

    def _contents(self, there: str, old: Document, new: Document, *, asked: bool) -> Iterator[str]:
        for kind, content in old.items():
            if kind not in new:
                yield f"{self.place}: {there} as {kind} is gone"
                continue
            yield from self._schemas(there, content.get("schema"), new[kind].get("schema"), asked, frozenset())

    def _schemas(self, there: str, old: Any, new: Any, asked: bool, met: frozenset[str]) -> Iterator[str]:
        """`asked`: a program sends it, so it must not be narrowed; otherwise it reads it, so it must not be widened."""
        reference = old.get("$ref") if isinstance(old, dict) else None
        if reference in met:
            return
        met = met | {reference} if reference else met
        earlier, later = _shape(self.before, old), _shape(self.after, new)
        yield from self._kinds(there, earlier, later, asked)
        for name in earlier.properties.keys() - later.properties.keys():
            yield f"{self.place}: {there}, field {name} is gone"
        for name in later.required - earlier.required if asked else ():
            yield f"{self.place}: {there}, field {name} must now be sent"
        for name in () if asked else (earlier.required - later.required) & later.properties.keys():
            yield f"{self.place}: {there}, field {name} may now be absent"
        for name in earlier.properties.keys() & later.properties.keys():
            pair = earlier.properties[name], later.properties[name]
            yield from self._schemas(f"{there}, field {name}", *pair, asked, met)
        if earlier.items is not None and later.items is not None:
            yield from self._schemas(f"{there}, each", earlier.items, later.items, asked, met)

    def _kinds(self, there: str, earlier: Shape, later: Shape, asked: bool) -> Iterator[str]:
        narrow, wide = (later.types, earlier.types) if asked else (earlier.types, later.types)
        # A whole number is a number: what takes numbers takes it, and what reads numbers reads it.
        allowed = narrow | ({"integer"} if "number" in narrow else set())
        if narrow and (not wide or wide - allowed):
            was, now = (" or ".join(sorted(one.types)) or "anything" for one in (earlier, later))
            yield f"{self.place}: {there} was {was}, now {now}"
        if later.values is not None:
            if earlier.values is None and asked:
                yield f"{self.place}: {there} takes only listed values now"
            for value in earlier.values or []:
                if value not in later.values:
                    yield f"{self.place}: {there}, value {value!r} is gone"


def _shape(document: Document, schema: Any) -> Shape:
    """The schema with its references followed; `allOf` adds up, of `oneOf` and `anyOf` each is allowed."""
    shape = Shape()
    if not isinstance(schema, dict):
        return shape
    if "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _shape(document, target)
    named = schema.get("type", [])
    shape.types = {named} if isinstance(named, str) else set(named)
    shape.types |= {"null"} if schema.get("nullable") else set()
    shape.properties = dict(schema.get("properties", {}))
    shape.required = set(schema.get("required", []))
    shape.values = list(schema["enum"]) if "enum" in schema else None
    shape.items = schema.get("items")
    if isinstance(schema.get("additionalProperties"), dict):
        shape.properties["(any)"] = schema["additionalProperties"]
    for part in schema.get("allOf", []):
        _take(shape, _shape(document, part))
        shape.required |= _shape(document, part).required
    choices = [_shape(document, one) for one in [*schema.get("oneOf", []), *schema.get("anyOf", [])]]
    for choice in choices:
        _take(shape, choice)
    objects = [choice.required for choice in choices if choice.properties]
    shape.required |= set.intersection(*objects) if objects else set()
    return shape


def _take(shape: Shape, part: Shape) -> None:
    shape.types |= part.types
    shape.properties |= part.properties
    shape.items = part.items if part.items is not None else shape.items
    if part.values is not None:
        shape.values = [*(shape.values or []), *part.values]
