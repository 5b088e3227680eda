"""A deployment check: the application should not own its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.database, Tags.security, deploy=True)
def check_database_roles(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Warn when one database role both owns the tables and serves the application."""
    if settings.DATABASE_OWNER_URL:
        return []
    return [
        Warning(
            "DATABASE_OWNER_URL is not set: the application logs in as the owner of its tables.",
            hint="Run `manage.py provision_database`, then set DATABASE_URL to the application's role "
            "and DATABASE_OWNER_URL to the owner's.",
            id="embedded.W001",
        )
    ]
