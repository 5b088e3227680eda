"""Every address names what it takes to open it, or says why it takes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny

from config.shared.permissions import PERMISSIONS, Nobody

# Modules of addresses may say which of theirs everybody (PUBLIC) or everybody signed in (SIGNED_IN_ONLY) may open.
DECLARED = (
    "config.shared.web.appearance",
    "config.shared.web.sign_in",
    "config.shared.web.account_pages",
    "config.shared.web.single_sign_on",
    "config.shared.web.message_pages",
    "config.shared.web.consoles",
    "config.shared.web.working_place",
    "config.shared.web.drafts",
    "config.shared.web.provider_reports",
    "config.shared.web.table_choices",
    "config.shared.api.urls",
    "cis.web.urls",
    "cis.web.urls_readings",
    "cis.web.urls_portal",
    "cis.api.v1.urls",
    "cis.api.v1.urls_my",
    "payments.web.urls",
    "crm.web.urls",
    "halls.web.urls",
    "dsm.web.urls_shortages",
    "grid_service.web.urls",
    "config.urls",
)

OPEN_DOORS = {
    "cis:portal_sign_in": "the portal's door",
    "cis:portal_code": "the portal's door",
    "payments:verify": "whoever holds a receipt may check it",
    "payments:notice": "the provider's signature is checked instead",
    "sms_reports": "the provider's signature is checked instead",
    "email_reports": "the provider's signature is checked instead",
    "sim_messages": "the simulated telephones and mailboxes, only where simulators are on",
    "payments:sim_wallet": "the simulated provider, only where simulators are on",
    "payments:sim_wallet_repeat": "the simulated provider, only where simulators are on",
}


def addresses() -> list[tuple[str, URLPattern]]:
    """Every named address."""

    def walk(resolver: URLResolver, namespace: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
            else:
                yield f"{namespace}{entry.name}", entry

    return list(walk(get_resolver(), ""))


def declared(word: str) -> dict[str, str]:
    """What the modules of addresses say under a word."""
    said = {name: why for module in DECLARED for name, why in getattr(import_module(module), word, {}).items()}
    return said | (OPEN_DOORS if word == "PUBLIC" else {})


def permission_of(view: Any) -> object:
    """What a view asks for: a permission word of a page, classes of an API view, None for nothing."""
    api_view = getattr(view, "cls", None)
    if api_view is not None:
        if "get_permissions" in vars(api_view):
            return "chosen by method"
        classes = view.initkwargs.get("permission_classes", api_view.permission_classes)
        return classes if classes and Nobody not in classes and AllowAny not in classes else None
    return getattr(view, "required_permission", None)


class TestAddresses:
    """Nothing stands open by forgetting."""

    @pytest.mark.parametrize(("name", "address"), addresses(), ids=[name for name, _address in addresses()])
    def test_has_a_permission_or_says_why_not(self, name: str, address: URLPattern) -> None:
        needed = permission_of(address.callback)

        if needed is None:
            assert name in declared("PUBLIC") or name in declared("SIGNED_IN_ONLY"), name
        elif isinstance(needed, str) and needed != "chosen by method":
            assert needed in PERMISSIONS

    @pytest.mark.parametrize(("name", "address"), addresses(), ids=[name for name, _address in addresses()])
    def test_only_what_is_declared_public_needs_no_sign_in(self, name: str, address: URLPattern) -> None:
        is_api = hasattr(address.callback, "cls")
        if not is_api and not getattr(address.callback, "login_required", True):
            assert name in declared("PUBLIC"), name

    def test_names_are_unique_and_present(self) -> None:
        names = [name for name, _address in addresses()]

        assert all(not name.endswith("None") for name in names)
        assert len(set(names)) == len(names)
