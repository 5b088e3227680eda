"""`manage.py appoint`: the first people of an installation, or the way back when nobody is left who could approve."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from config.shared import people
from config.shared.errors import Refused
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.roles import load_roles


class Command(BaseCommand):
    """
    Give somebody a role without a second person; a new user gets a temporary password.

    Whoever can run this holds the database anyway. Everybody after the first administrator and the first approver is
    added on the pages, where a second person approves.
    """

    help = "Give USERNAME the role ROLE for the unit with code UNIT; adds the user if there is none by that name."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, which role, for what."""
        parser.add_argument("username")
        parser.add_argument("role", help="code of the role, such as administrator, leader")
        parser.add_argument("unit", help="code of the organisation unit; the role holds for everything below it too")
        parser.add_argument("--name", default="", help="the person's name, for a new user")
        parser.add_argument("--json", action="store_true", help="answer as one JSON object")

    def handle(self, *, username: str, role: str, unit: str, name: str, **options: Any) -> None:
        """Appoint, or say why not."""
        load_roles()
        wanted, place = Role.objects.filter(code=role).first(), OrgUnit.objects.filter(code=unit).first()
        if wanted is None:
            raise CommandError(f"no role {role}; there are {', '.join(Role.objects.values_list('code', flat=True))}")
        if place is None:
            raise CommandError(f"no unit with the code {unit}")
        password = ""
        try:
            with transaction.atomic():
                user = User.objects.filter(username=username, kind=User.Kind.STAFF).first()
                if user is None:
                    added = people.add_person(
                        username=username,
                        name=name,
                        org_unit_id=place.pk,
                        by_id=None,
                        within=[place.path],
                        at=timezone.now(),
                    )
                    user, password = User.objects.get(pk=added.user_id), added.password
                RoleGrant.objects.get_or_create(user=user, role=wanted, org_unit=place)
        except Refused as refused:
            raise CommandError(refused.message) from refused
        if options["json"]:
            self.stdout.write(json.dumps({"user_id": user.pk, "username": user.username, "password": password}))
            return
        self.stdout.write(f"{user.username} is {role} for {place} and everything below it")
        if password:
            self.stdout.write(f"temporary password, valid for one day: {password}")
