"""Who is told when an emergency escalates."""

from __future__ import annotations

from config.shared.models import RoleGrant, User

HEARS = "crm.hear_escalations"


def leaders_of(org_path: str) -> list[int]:
    """The staff who are told of emergencies in a unit: whoever holds the permission for it or for a unit above it."""
    above = [f"/{'/'.join(parts)}/" for parts in _stems(org_path)]
    found = RoleGrant.objects.filter(
        role__permissions__contains=[HEARS],
        org_unit__path__in=above,
        user__is_active=True,
        user__kind=User.Kind.STAFF,
    )
    return sorted(set(found.values_list("user_id", flat=True)))


def _stems(path: str) -> list[list[str]]:
    """Each path from the root down to this one, as its parts."""
    parts = path.strip("/").split("/")
    return [parts[: count + 1] for count in range(len(parts))]
