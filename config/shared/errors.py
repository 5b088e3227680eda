"""How the house says no: `Refused` and its two relatives, with codes that never change."""

from __future__ import annotations

from typing import Any, ClassVar


class Refused(Exception):
    """
    A business rule says no. The message may be shown to a user and says what to do next.

    Subclasses live beside the operation that raises them and set `code`, which is part of the API (RFC 9457
    `code` member) and never changes. `facts` are plain values that a program may read.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class NotFound(Refused):
    """What was asked for does not exist, or the asker may not know that it does."""

    code = "not-found"
    status = 404


class NotAllowed(Refused):
    """The asker is known and may not do this."""

    code = "not-allowed"
    status = 403


class BadInput(Refused):
    """What was typed or sent cannot be used as it is; `errors` names the places."""

    code = "bad-input"
    status = 422

    def __init__(self, message: str = "", errors: list[dict[str, Any]] | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.errors = errors or []


PROBLEM = "application/problem+json"


def problem_body(*, code: str, title: str, status: int, request_id: str, **facts: Any) -> dict[str, Any]:
    """What a program is told of a fault (RFC 9457), with the code that never changes and the request to quote."""
    return {
        "type": f"urn:dayingxiao:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "request_id": request_id,
        **facts,
    }
