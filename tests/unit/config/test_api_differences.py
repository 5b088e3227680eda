"""What would break a program written against the API."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from config.shared.api_differences import breaking_changes, unannounced

BEFORE: dict[str, Any] = {
    "paths": {
        "/bills/": {
            "get": {
                "parameters": [{"in": "query", "name": "page", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Bill"}}}}
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}},
                "responses": {"201": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Bill": {
                "type": "object",
                "required": ["fen"],
                "properties": {
                    "fen": {"type": "integer"},
                    "state": {"oneOf": [{"$ref": "#/components/schemas/State"}, {"type": "null"}]},
                    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Bill"}},
                },
            },
            "State": {"type": "string", "enum": ["open", "paid"]},
            "Ask": {
                "type": "object",
                "properties": {"note": {"type": ["string", "null"]}, "how": {"$ref": "#/components/schemas/State"}},
            },
        }
    },
}


def after(change: Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]) -> dict[str, Any]:
    """The document after `change(address, Bill, Ask)`."""
    document = copy.deepcopy(BEFORE)
    schemas = document["components"]["schemas"]
    change(document["paths"]["/bills/"], schemas["Bill"], schemas["Ask"])
    return document


BREAKS: list[tuple[Any, str]] = [
    (lambda address, bill, ask: address.pop("post"), "POST /bills/: the method is gone"),
    (
        lambda address, bill, ask: address["get"]["parameters"].clear(),
        "GET /bills/: query parameter page is gone",
    ),
    (
        lambda address, bill, ask: address["get"]["parameters"][0].update(required=True),
        "GET /bills/: query parameter page must now be sent",
    ),
    (
        lambda address, bill, ask: address["post"]["requestBody"].update(required=True),
        "POST /bills/: a request body must now be sent",
    ),
    (lambda address, bill, ask: address["post"]["responses"].clear(), "POST /bills/: the answer 201 is gone"),
    (
        lambda address, bill, ask: address["get"]["responses"]["200"]["content"].clear(),
        "GET /bills/: answer 200 as application/json is gone",
    ),
    (lambda address, bill, ask: bill["properties"].pop("fen"), "GET /bills/: answer 200, field fen is gone"),
    (lambda address, bill, ask: bill["required"].clear(), "GET /bills/: answer 200, field fen may now be absent"),
    (
        lambda address, bill, ask: bill["properties"]["fen"].update(type="string"),
        "GET /bills/: answer 200, field fen was integer, now string",
    ),
    (
        lambda address, bill, ask: bill["properties"].update(state={"type": "string", "enum": ["open"]}),
        "GET /bills/: answer 200, field state, value 'paid' is gone",
    ),
    (lambda address, bill, ask: ask.update(required=["note"]), "POST /bills/: request, field note must now be sent"),
    (
        lambda address, bill, ask: ask["properties"]["note"].update(type="string"),
        "POST /bills/: request, field note was null or string, now string",
    ),
    (
        lambda address, bill, ask: ask["properties"]["note"].update(enum=["a"]),
        "POST /bills/: request, field note takes only listed values now",
    ),
    (
        lambda address, bill, ask: ask["properties"].update(how={"type": "string", "enum": ["open"]}),
        "POST /bills/: request, field how, value 'paid' is gone",
    ),
]


@pytest.mark.acceptance("F157")
@pytest.mark.parametrize(("change", "sentence"), BREAKS)
def test_a_break_is_named(change: Any, sentence: str) -> None:
    assert breaking_changes(BEFORE, after(change)) == [sentence]


@pytest.mark.acceptance("F157")
def test_an_address_that_goes_is_named() -> None:
    assert breaking_changes(BEFORE, {"paths": {}}) == ["/bills/: the address is gone"]


def test_adding_breaks_nothing() -> None:
    def more(address: dict[str, Any], bill: dict[str, Any], ask: dict[str, Any]) -> None:
        address["delete"] = {"responses": {"204": {}}}
        address["get"]["parameters"].append({"in": "query", "name": "size", "schema": {"type": "integer"}})
        bill["properties"]["more"] = {"type": "string"}
        ask["properties"]["more"] = {"type": "string"}
        ask["properties"]["note"]["type"] = ["string", "null", "integer"]

    assert breaking_changes(BEFORE, after(more)) == []


@pytest.mark.acceptance("F157")
def test_only_the_change_that_the_log_names_is_accepted() -> None:
    changes = ["GET /a/: the method is gone", "GET /b/: the method is gone"]

    assert unannounced(changes, "| 2026-11-23 | 2027-06-01 | `GET /a/: the method is gone` | use /c/ |") == changes[1:]
