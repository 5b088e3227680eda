"""The description of the API for customers' own apps, by itself: what a program of theirs may ask and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from config.shared.api.refusals import PROBLEM, add_refusals

PREFIX = "/api/v1/my/"
Endpoint = tuple[str, str, str, Callable[..., Any]]

# Status to the codes that a program meets; those of an act stand in docs/my-api.md.
REFUSALS = {
    "401": "`session-missing`, `session-ended`: sign in",
    "403": "`telephone-needed`: sign in by telephone; `not-for-this-role`: the binding does not give this",
    "404": "`not-found`, `no-accounts`: there is none, or it is not one's own",
    "409": "a rule says no; `code` says which",
    "422": "`bad-input` and others: `errors` names the places",
    "429": "`too-many-requests`, `code-too-soon`, `too-many-claims`: wait for Retry-After where it is given",
}


def only_my(endpoints: list[Endpoint]) -> list[Endpoint]:
    """The addresses of customers' apps, without the description itself."""
    return [one for one in endpoints if one[0].startswith(PREFIX) and not one[0].endswith("schema/")]


def with_refusals(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """How every address of customers' apps may say no; what an address says of its own stays."""
    add_refusals(result, PREFIX, name="Problem", form=PROBLEM, of=_refusals)
    return result


def _refusals(path: str, operation: dict[str, Any]) -> dict[str, str]:
    left_out = set() if "{" in path else {"404"}
    left_out |= {"401", "403"} if operation.get("security") == [] else set()
    return {status: said for status, said in REFUSALS.items() if status not in left_out}


class MySchema(SpectacularAPIView):
    """GET /api/v1/my/schema/"""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    custom_settings = {
        "TITLE": "大营销 Dayingxiao: customers' own apps",
        "DESCRIPTION": "For a WeChat mini program or an app. Money is integer fen, moments are RFC 3339 with +08:00.",
        "PREPROCESSING_HOOKS": ["config.shared.api.my_schema.only_my"],
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "config.shared.api.my_schema.with_refusals",
        ],
    }
