"""How the addresses for connected clients may say no, from the one list of codes, for the description of the API."""

from __future__ import annotations

from typing import Any

from config.shared.api.refusals import PROBLEM, add_refusals
from payments.channel_codes import CODES

PREFIX = "/api/v1/channel/"
CHANNEL_PROBLEM: dict[str, Any] = {
    **PROBLEM,
    "required": [*PROBLEM["required"], "reason"],
    "properties": {
        **PROBLEM["properties"],
        "code": {"type": "string", "pattern": "^E[QPSR][0-9]{4}$", "description": "of the list of codes"},
        "reason": {"type": "string", "enum": sorted(CODES), "description": "stable; decide by this"},
        "detail": {"type": "string"},
    },
}


def with_refusals(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Every status of the list that a known address can answer, with the reasons that stand behind it."""
    add_refusals(result, PREFIX, name="ChannelProblem", form=CHANNEL_PROBLEM, of=_refusals)
    return result


def _refusals(path: str, operation: dict[str, Any]) -> dict[str, str]:
    """An address without a number in it finds everything, one that reads needs no key of its own."""
    left_out = {"405"}
    if "requestBody" not in operation:
        left_out |= {"400", "409", "422"}
    said: dict[str, list[str]] = {}
    for reason, row in CODES.items():
        said.setdefault(str(row.status), []).append(f"`{reason}`")
    return {status: ", ".join(reasons) for status, reasons in said.items() if status not in left_out}
