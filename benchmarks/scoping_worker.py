"""
`python -m benchmarks.scoping_worker TURNS`: lists for the whole utility and for one county, by turns, in one process.

Prints one JSON document: by list the median milliseconds of both and the ratios of neighbours, and what a look costs.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from benchmarks.processes import cpu_seconds
from benchmarks.spread import Spread
from cis.models import Account, Bill
from cis.queries import bill_list, billing
from config.shared import looks, overview
from config.shared.keysets import Ask
from config.shared.models import OrgUnit, Role, RoleGrant, User
from payments import queries as payments

ROWS = 50
LOOKS, PAGES = 2_000, 200
DAY = date(2026, 11, 2)
TODAY = date(2026, 11, 3)

Lister = Callable[[list[str]], int]
"""Asks for a list of these organisation paths; gives how many rows came."""


@dataclass(frozen=True)
class Listed:
    """One list: the domain call, and the address of the page that shows it."""

    ask: Lister
    address: str


def main(turns: int) -> dict[str, Any]:
    """Everything that is measured."""
    roots = list(OrgUnit.objects.filter(parent=None).values_list("path", flat=True))
    counties = list(OrgUnit.objects.filter(kind=OrgUnit.Kind.COUNTY).order_by("pk"))
    county = counties[0]
    whole, scoped = _user("bench-whole", None), _user("bench-scoped", county)
    measured = {}
    for name, listed in _lists().items():
        rows = (listed.ask(roots), listed.ask([county.path]))
        if rows != (ROWS, ROWS):
            raise SystemExit(f"{name}: {rows} rows where {ROWS} were wanted")
        measured[name] = {
            "rows": ROWS,
            "call": _by_turns(partial(listed.ask, roots), partial(listed.ask, [county.path]), turns),
            "page": _by_turns(_page(whole, listed.address), _page(scoped, listed.address), max(turns // 4, 8)),
        }
    return {"counties": len(counties), "turns": turns, "lists": measured, "look": _look(scoped)}


def _lists() -> dict[str, Listed]:
    newest = bill_list.ORDERS["no"].turned()
    afar = Bill.objects.order_by("pk").values_list("pk", flat=True)[Bill.objects.count() // 3]

    def bills(after: int | None) -> Lister:
        ask = Ask(newest, ROWS, after=(after,)) if after else Ask(newest, ROWS)
        return lambda paths: len(bill_list.page_of_bills(ask, wanted=bill_list.Wanted(within=paths), today=TODAY).rows)

    runs, paid = Ask(billing.RUN_ORDERS["no"].turned(), ROWS), Ask(payments.PAYMENT_ORDERS["no"].turned(), ROWS)
    bills_page = reverse("cis:bills")
    return {
        "bills, page 1": Listed(bills(None), bills_page),
        "bills, far behind": Listed(bills(afar), f"{bills_page}?after={afar}"),
        "runs": Listed(
            lambda paths: len(billing.page_of_runs(runs, with_single=False, within=paths).rows), reverse("cis:runs")
        ),
        "jobs": Listed(lambda paths: len(overview.list_jobs(limit=ROWS, within=paths)), reverse("jobs")),
        "takings of a day": Listed(
            lambda paths: len(payments.page_of_payments(paid, day=DAY, paths=paths).rows),
            f"{reverse('payments:day_list')}?day={DAY}",
        ),
    }


def _user(name: str, unit: OrgUnit | None) -> User:
    """Somebody with the roles that open these lists, for one unit or for every root."""
    user = User.objects.create_user(name, kind=User.Kind.STAFF)
    for root in [unit] if unit else OrgUnit.objects.filter(parent=None):
        for role in Role.objects.filter(code__in=("accountant", "it-operator")):
            RoleGrant.objects.create(user=user, role=role, org_unit=root)
    return user


def _client(user: User) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _page(user: User, address: str) -> Callable[[], object]:
    client = _client(user)

    def page() -> None:
        if (answer := client.get(address)).status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code}")

    return page


def _by_turns(whole: Callable[[], object], scoped: Callable[[], object], turns: int) -> dict[str, Any]:
    """Both by turns, who begins changing; the ratio of each pair, so that what slows both touches neither."""
    for warm in (whole, scoped) * 3:
        warm()
    taken: dict[str, list[float]] = {"whole": [], "scoped": []}
    pair = [("whole", whole), ("scoped", scoped)]
    for turn in range(turns):
        for name, ask in pair if turn % 2 else reversed(pair):
            began = time.perf_counter()
            ask()
            taken[name].append(time.perf_counter() - began)
    ratio = Spread.of([s / w for w, s in zip(taken["whole"], taken["scoped"], strict=True)]).as_json()
    quarters = statistics.quantiles(ratio.pop("samples"), n=4)
    return {
        "whole_ms": statistics.median(taken["whole"]) * 1000,
        "scoped_ms": statistics.median(taken["scoped"]) * 1000,
        "ratio": {**ratio, "lower_quarter": quarters[0], "upper_quarter": quarters[2]},
    }


def _look(user: User) -> dict[str, float]:
    """A noted look, and the page of a customer that notes one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    accounts = list(Account.objects.order_by("pk").values_list("pk", "account_no")[:PAGES])
    unit = RoleGrant.objects.filter(user=user).values_list("org_unit_id", flat=True)[0]
    client = _client(user)

    def note(number: int) -> None:
        looks.note_look(
            user_id=user.pk, org_unit_id=unit, role="accountant", subject=f"account:{accounts[number % PAGES][0]}",
            page="cis:account", came_from="", at=timezone.now(),
        )  # fmt: skip

    def page(number: int) -> None:
        address = reverse("cis:account", args=[accounts[number % PAGES][1]])
        if (answer := client.get(address)).status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code}")

    look, pages = _cost(note, LOOKS, backend), _cost(page, PAGES, backend)
    return {
        "wall_ms": look[0],
        "cpu_ms": look[1],
        "page_wall_ms": pages[0],
        "page_cpu_ms": pages[1],
        "share_of_wall": look[0] / pages[0],
        "share_of_cpu": look[1] / pages[1],
    }


def _cost(act: Callable[[int], None], times: int, backend: int) -> tuple[float, float]:
    """Milliseconds and processor milliseconds of one of so many, this process and its backend together."""
    for number in range(10):
        act(number)
    wall, cpu = time.perf_counter(), time.process_time() + cpu_seconds(backend)
    for number in range(times):
        act(number)
    return (
        (time.perf_counter() - wall) / times * 1000,
        (time.process_time() + cpu_seconds(backend) - cpu) / times * 1000,
    )


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1])), sys.stdout)
