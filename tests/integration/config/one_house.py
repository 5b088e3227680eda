"""
A house of the systems that `SYSTEMS` names, on the database of `DATABASE_URL`: begun, worked in, opened.

`main` runs in a process of its own, because a process has one list of apps. Its last line says what it saw, as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from io import StringIO

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse
from django.utils import timezone

from cis.models import SupplyContract
from config.celery import app as celery
from config.shared import jobs
from config.shared.indicators import all_indicators
from config.shared.models import Job, OrgUnit, User
from config.shared.web.parts import address_of
from tests.factories.world import World, make_user, small_world
from tests.integration.test_no_area_wall import serve, signed_in

PAGES = ("cis:bills", "crm:tiers", "crm:segments", "dsm:loads", "dsm:shortages")


def opened(client: Client, address: str) -> int:
    """How a page answers, parts and all."""
    answer = client.get(address, {"plain": "1"}, follow=True)
    # A part that stands on the page as text was rendered there, or its page broke with it.
    parts = (answer.context or {}).get("parts", ())
    failed = [str(part.title) for part in parts if not isinstance(part, str) and part.is_failed]
    return 500 if failed else answer.status_code


def begin() -> tuple[World, str | None]:
    """The small world; where there is demand side, a shortage is planned and decided too, and the plan's name given."""
    if "dsm" not in settings.SYSTEMS:
        return small_world(), None
    # Its models are there only where it is installed; so below.
    shortage = import_module("tests.factories.shortage")
    works = shortage.make_works()
    return works.world, shortage.decide(works).chosen.strategy


def rule_tier(world: World) -> str | None:
    """Where there are customer relations, profiles and tiers are computed; why the works are in theirs."""
    if "crm" not in settings.SYSTEMS:
        return None
    profiles, tiers = import_module("crm.operations.profiles"), import_module("crm.operations.tiers")
    now = timezone.now()
    SupplyContract.objects.filter(account_id=world.commercial.account_id).update(capacity_kva=1600)
    profiles.start_profiles(created_by_id=None, at=now)
    jobs.work_on(job_id=Job.objects.latest("pk").pk)
    jobs.work_on(job_id=tiers.apply_tiers(created_by_id=None, at=now))
    why = import_module("crm.queries.tiers").why_tier(account_id=world.commercial.account_id, today=now.date())
    return str(why.reason)


def main(*, is_empty: bool) -> None:
    """Everything in turn; an empty database is migrated first, and a customer served from finding to paying back."""
    call_command("check", stdout=StringIO(), stderr=StringIO())
    if is_empty:
        call_command("migrate", verbosity=0)
    setup_test_environment()
    world, decided = begin()
    if is_empty:
        serve(signed_in(world.clerk_a_id), world.residential, world.cycle, "张三")

    province = OrgUnit.objects.get(pk=world.province_id)
    leader = signed_in(make_user("the_leader", province, "leader").pk)
    clerk, customer = signed_in(world.clerk_a_id), Client()
    customer.force_login(User.objects.get(pk=world.portal_user_id), "django.contrib.auth.backends.ModelBackend")
    total = clerk.get(reverse("cis:account", args=[world.residential.account_no]), {"plain": "1"})
    celery.loader.import_default_modules()
    seen = {
        "pages": {name: opened(leader, address_of(name)) for name in PAGES if address_of(name)},
        "homes": [
            opened(clerk, "/"),
            opened(clerk, reverse("payments:desk")),
            opened(leader, "/dsm/"),
            opened(leader, "/dsm/cockpit/"),
            opened(customer, "/my/"),
            opened(customer, reverse("cis:portal_me")),
        ],
        "parts": {str(part.url).rstrip("/").rpartition("/")[2]: part.is_failed for part in total.context["parts"]},
        "found": clerk.post(reverse("palette"), {"q": "张三"}).status_code,
        "indicators": sorted({code.partition(".")[0] for code in all_indicators()}),
        "decided": decided,
        "ruled": rule_tier(world),
        "unknown tasks": [
            row["task"] for row in settings.CELERY_BEAT_SCHEDULE.values() if row["task"] not in celery.tasks
        ],
    }
    sys.stdout.write(json.dumps(seen) + "\n")
