"""
`python -m benchmarks.page_people STAFF CUSTOMERS STEPS`: who visits the pages, and what for.

Makes clerks and customers with open sessions, draws accounts by Zipf's law (a few are looked at all day, most never),
and counts the SQL statements of every page. Prints one JSON document.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from benchmarks.page_visitors import Step, followed
from cis.models import Account, PortalAccess
from cis.queries import search
from config.shared.models import OrgUnit, Role, RoleGrant, User

SHARES = {"search": 4, "account": 8, "bill list, page 1": 2, "bill list, page 10,000": 1}
"""Of a clerk's day; customers open the portal's home."""
ROWS_A_PAGE = 50
PAGE_AFAR = 10_000
_ZIPF = 1.1


def main(staff: int, customers: int, steps: int) -> dict[str, Any]:
    """Everybody with their steps, SQL statements by page, and how the name search reads."""
    chance = np.random.default_rng(7)
    accounts = _accounts(chance, 2_000)
    afar = _key_of_a_page_afar()
    people = []
    for number in range(staff):
        mine = [_clerks_step(chance, accounts, afar) for _ in range(steps)]
        people.append({"cookies": _clerk(number), "steps": mine})
    portal = _customers(accounts, customers)
    for user in portal:
        home: Step = {"page": "portal home", "path": reverse("cis:portal_home")}
        people.append({"cookies": _cookies(user), "steps": [home] * steps})
    named = next(row["name"] for row in accounts if row["kind"] == "person" and len(row["name"]) >= 3)
    return {
        "people": people,
        "statements": _statements(accounts, afar, portal[0]),
        "name_search_plan": _plan_of_name_search(named[:2]),
        "account_nos": [row["account_no"] for row in accounts[:500]],
    }


def _accounts(chance: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Accounts in the order of how often they are looked at: anywhere in the table."""
    last = Account.objects.order_by("-pk").values_list("pk", flat=True)[0]
    first = Account.objects.order_by("pk").values_list("pk", flat=True)[0]
    ids = chance.choice(np.arange(first, last + 1), size=min(count, last - first + 1), replace=False).tolist()
    rows = Account.objects.filter(pk__in=ids).values("pk", "account_no", "customer__name", "customer__kind")
    by_id = {row["pk"]: row for row in rows}
    return [
        {"id": at, "account_no": row["account_no"], "name": row["customer__name"], "kind": row["customer__kind"]}
        for at in ids
        if (row := by_id.get(at))
    ]


def _clerks_step(chance: np.random.Generator, accounts: list[dict[str, Any]], afar: str) -> Step:
    rank = min(int(chance.zipf(_ZIPF)) - 1, len(accounts) - 1)
    row = accounts[rank]
    page = chance.choice(list(SHARES), p=np.array(list(SHARES.values())) / sum(SHARES.values()))
    return _step(str(page), row, afar, by_name=bool(chance.random() < 0.5))


def _step(page: str, row: dict[str, Any], afar: str, *, by_name: bool = True) -> Step:
    if page == "search":
        text = row["name"][:2] if by_name else row["account_no"]
        return {"page": page, "method": "POST", "path": reverse("cis:search"), "form": {"q": text}}
    if page == "account":
        return {"page": page, "path": reverse("cis:account", args=[row["account_no"]]), "holds": row["account_no"]}
    after = f"?after={afar}" if page.endswith("10,000") else ""
    return {"page": page, "path": reverse("cis:bills") + after}


def _key_of_a_page_afar() -> str:
    """From which bill the ten-thousandth page goes on, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM cis_bill ORDER BY id DESC OFFSET %s LIMIT 1", [ROWS_A_PAGE * (PAGE_AFAR - 1) - 1]
        )
        row = cursor.fetchone()
        if row is None:  # the short form has fewer: as far as it goes
            cursor.execute("SELECT min(id) + %s FROM cis_bill", [ROWS_A_PAGE])
            row = cursor.fetchone()
    return str(row[0])


def _clerk(number: int) -> dict[str, str]:
    user, _new = User.objects.get_or_create(username=f"bench-clerk-{number}", defaults={"kind": User.Kind.STAFF})
    top = OrgUnit.objects.filter(parent=None).order_by("-pk")[0]
    RoleGrant.objects.get_or_create(user=user, role=Role.objects.get(code="accountant"), org_unit=top)
    return _cookies(user)


def _customers(accounts: list[dict[str, Any]], count: int) -> list[User]:
    users = []
    for row in accounts[:count]:
        user, _new = User.objects.get_or_create(
            username=f"bench-customer-{row['id']}", defaults={"kind": User.Kind.CUSTOMER}
        )
        PortalAccess.objects.get_or_create(user=user, account_id=row["id"], role=PortalAccess.Role.OWNER)
        users.append(user)
    return users


def _client(user: User) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _cookies(user: User) -> dict[str, str]:
    client = _client(user)
    return {name: morsel.value for name, morsel in client.cookies.items()} | {"csrftoken": "b" * 32}


def _statements(accounts: list[dict[str, Any]], afar: str, customer: User) -> dict[str, int]:
    """SQL statements of each page, the second time it is asked for; redirects count."""
    clerk = User.objects.get(username="bench-clerk-0")
    wanted = {page: (clerk, _step(page, accounts[0], afar)) for page in SHARES}
    wanted["portal home"] = (customer, {"page": "portal home", "path": reverse("cis:portal_home")})
    counts: dict[str, int] = {}
    for page, (user, step) in wanted.items():
        client = _client(user)
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                followed(client, step)
            counts[page] = len(queries)
    return counts


def _plan_of_name_search(text: str) -> dict[str, Any]:
    """The statement of a name's search as Postgres reads it: no table of customers may be read through."""
    with CaptureQueriesContext(connection) as queries:
        search.find(text, today=timezone.localdate())
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        plan = [line for (line,) in cursor.fetchall()]
    return {"text": text, "reads_a_table_through": any("Seq Scan on cis_" in line for line in plan), "plan": plan}


if __name__ == "__main__":
    json.dump(main(*map(int, sys.argv[1:])), sys.stdout, ensure_ascii=False)
