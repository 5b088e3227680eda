"""Show who can sign in to the demonstration."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cis.operations.demo import DEMO_PASSWORD, demo_key, demo_state, demo_users
from cis.operations.demo_portal import demo_people
from config.shared.models import User


class Command(BaseCommand):
    """Says nothing where the database was not made by load_demo, and never in production."""

    help = "Print the users of the demonstration with their password; silent in any other database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:
        """Print them."""
        state = demo_state() if settings.SIMULATORS else None
        if state is None:
            if options["json"]:
                self.stdout.write("[]")
            return
        rows = [
            {
                "username": user.username,
                "password": "" if user.kind == User.Kind.MACHINE else DEMO_PASSWORD,
                "key": demo_key(user.username) if user.kind == User.Kind.MACHINE else "",
                "what_for": user.what_for,
            }
            for user in demo_users()
        ]
        people = demo_people()
        if options["json"]:
            customers = [asdict(one) for one in people]
            self.stdout.write(json.dumps(rows + customers, ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"示范用户 Demo users    密码 password: {DEMO_PASSWORD}")
        for row in rows:
            self.stdout.write(f"  {row['username']:<12}{row['what_for']}" + (f"  {row['key']}" if row["key"] else ""))
        self.stdout.write("示范客户 Demo customers    /my/    验证码在 the code is at /sim/messages/")
        for one in people:
            self.stdout.write(f"  {one.telephone:<12}{one.what_for}  {one.account_no}")
        if not state.is_complete:
            self.stdout.write("  示范数据尚未载完 · the load is not finished: manage.py load_demo")
