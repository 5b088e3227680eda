"""
Who may open what: every address with what it takes, read from the views themselves.

One list serves the document (`docs/permissions.md`) and the test that walks every address as everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from config.shared.roles import ROLES

PUBLIC, SIGNED_IN, CUSTOMER, PERMISSION = "public", "signed-in", "customer", "permission"
CHANNEL = "channel"
APP = "app"
READ, WRITE = "GET", "POST"


class NotNamed(LookupError):
    """An API view names no permission: nobody gets in, which is an oversight and no rule."""


@dataclass(frozen=True, slots=True)
class AddressRule:
    """
    One address and what it takes to open it.

    `audience` is public (no sign-in), signed-in, customer (the portal, one's own accounts), channel (a client that
    signs its requests, its own payments), app (a customer's own app by its token, one's own accounts) or permission;
    then `permissions` names it by method, most often the same for both.
    """

    name: str
    path: str
    audience: str
    permissions: Mapping[str, str]
    is_api: bool

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the parts of the address that choose an object."""
        parts = [part.split(">")[0] for part in self.path.split("<")[1:]]
        return tuple(part.partition(":")[2] or part for part in parts)


def list_rules() -> list[AddressRule]:
    """
    Every named address, in the order of its path; simulators of the outside world left out.

    :raises NotNamed: an API view names none
    """
    found = [_rule(name, path, pattern) for name, path, pattern in _walk(get_resolver(), "", "")]
    return sorted(
        (rule for rule in found if not rule.path.startswith("/sim/")), key=lambda rule: (rule.path, rule.name)
    )


def roles_with(permission: str) -> tuple[str, ...]:
    """Codes of the starting roles that hold a permission."""
    return tuple(role.code for role in ROLES if permission in role.permissions)


def as_markdown(rules: list[AddressRule]) -> str:
    """The table as `docs/permissions.md` holds it."""
    lines = [
        "# Who may open what",
        "",
        "Made by `manage.py permission_table`; a test compares it with the code. Every address asks for what stands",
        "here and for nothing less; a test walks all of them as everybody. Roles are those a utility starts with",
        "(`config/shared/roles.py`); grants hold for a unit and all below it. Acts on customers hold in every hall",
        "for every customer, management data only inside the grant: what lies outside is not found.",
        "",
        "| Address | Who | Permission | Roles |",
        "|---|---|---|---|",
    ]
    for rule in rules:
        words = dict.fromkeys(rule.permissions.values())
        needed = ", ".join(f"`{word}`" for word in words)
        if len(words) > 1:
            needed = ", ".join(f"{method} `{word}`" for method, word in rule.permissions.items())
        holders = ", ".join(role for role in dict.fromkeys(r for word in words for r in roles_with(word)))
        lines.append(f"| `{rule.path}` | {_WHO[rule.audience]} | {needed} | {holders} |")
    lines += ["", "## What a role holds", "", "| Role | Permissions |", "|---|---|"]
    lines += [
        f"| {role.code} ({role.name_en}) | {', '.join(f'`{word}`' for word in sorted(role.permissions))} |"
        for role in ROLES
    ]
    return "\n".join(lines) + "\n"


_WHO = {
    PUBLIC: "everybody",
    SIGNED_IN: "whoever is signed in",
    CUSTOMER: "customers, their own",
    PERMISSION: "staff and programs",
    CHANNEL: "connected clients by signed request, their own payments",
    APP: "customers' own apps by token, their own",
}


def _walk(resolver: URLResolver, namespace: str, path: str) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, inner, path + str(entry.pattern))
        else:
            yield f"{namespace}{entry.name}", f"/{path}{entry.pattern}", entry


def _rule(name: str, path: str, pattern: URLPattern) -> AddressRule:
    view: Any = pattern.callback
    api_view = getattr(view, "cls", None)
    if api_view is not None:
        classes = view.initkwargs.get("permission_classes", api_view.permission_classes)
        audience = getattr(classes[0], "audience", "") if classes else ""
        if audience:
            return AddressRule(name, path, audience, {}, is_api=True)
        permissions = _api_permissions(name, view, api_view)
        return AddressRule(name, path, PERMISSION if permissions else PUBLIC, permissions, is_api=True)
    word = getattr(view, "required_permission", None)
    if word is not None:
        return AddressRule(name, path, PERMISSION, {READ: word, WRITE: word}, is_api=False)
    if getattr(view, "is_for_customers", False):
        return AddressRule(name, path, CUSTOMER, {}, is_api=False)
    audience = SIGNED_IN if getattr(view, "login_required", True) else PUBLIC
    return AddressRule(name, path, audience, {}, is_api=False)


def _api_permissions(name: str, view: Any, api_view: Any) -> dict[str, str]:
    """By method the permission an API view asks for; none where it is open to everybody by its own declaration."""
    found = {}
    methods = [method for method in (READ, WRITE) if hasattr(api_view, method.lower())]
    for method in methods:
        made = api_view(**view.initkwargs)
        made.request = SimpleNamespace(method=method)
        words = [getattr(one, "permission", None) for one in made.get_permissions()]
        if words == [None] and type(made.get_permissions()[0]).__name__ == "AllowAny":
            return {}
        if len(words) != 1 or words[0] is None:
            raise NotNamed(name)
        found[method] = words[0]
    return found
