"""What an address of the API may answer when it says no, put into its description beside what it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "may be shown to the customer; says what to do next"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable; decide by this"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}
LIMIT_HEADERS = {
    "RateLimit-Limit": {"description": "so many may be asked in a minute", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "so many are left", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "seconds until all are there again", "schema": {"type": "integer"}},
}
RETRY_AFTER = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}


def add_refusals(
    result: dict[str, Any], prefix: str, *, name: str, form: dict[str, Any], of: Callable[[str, Any], dict[str, str]]
) -> None:
    """
    Put the refusals of the addresses below `prefix` into the description; what an address says of its own stays.

    `of` gives status to description for (path, operation); `form` is the schema of what is answered, named `name`.
    """
    said = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    for path, methods in result["paths"].items():
        if not path.startswith(prefix):
            continue
        result["components"].setdefault("schemas", {})[name] = form
        for operation in methods.values():
            for status, description in sorted(of(path, operation).items()):
                answer = {"description": description, "content": said}
                if status == "429":
                    answer["headers"] = RETRY_AFTER
                operation["responses"].setdefault(status, answer)
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    answer["headers"] = {**LIMIT_HEADERS, **answer.get("headers", {})}
