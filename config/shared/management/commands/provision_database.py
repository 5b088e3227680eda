"""`manage.py provision_database`: make the database, its roles and extensions on a real server."""

from __future__ import annotations

from argparse import ArgumentParser

import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.embedded.provision import provision


class Command(BaseCommand):
    """Run once per server, and again whenever a password changes."""

    help = "Make the database, the roles of DATABASE_URL and DATABASE_OWNER_URL, and the extensions they need."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the superuser's URL from the command line or from DATABASE_SUPERUSER_URL."""
        parser.add_argument("--superuser-url", default=settings.DATABASE_SUPERUSER_URL, help="postgresql://…/postgres")

    def handle(self, *args: object, superuser_url: str, **options: object) -> None:
        """Provision, or say which setting is missing."""
        needed = {
            "DATABASE_SUPERUSER_URL (or --superuser-url)": superuser_url,
            "DATABASE_OWNER_URL": settings.DATABASE_OWNER_URL,
            "DATABASE_URL": settings.DATABASE_URL,
        }
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise CommandError(f"Set {', '.join(missing)}.")
        try:
            provision(superuser_url, owner_url=settings.DATABASE_OWNER_URL, app_url=settings.DATABASE_URL)
        except (ValueError, psycopg2.Error) as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write("The database is ready for migrations.")
