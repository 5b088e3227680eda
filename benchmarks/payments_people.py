"""`python -m benchmarks.payments_people BANKS ACCOUNTS`: connect so many banks; prints them and account numbers."""

from __future__ import annotations

import json
import sys

from django.utils import timezone

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from cis.models import Account
from config.shared.models import OrgUnit, User
from payments.operations import channel_clients
from payments.operations.channel_clients import EVERYWHERE, Contract
from payments.signing.request_signature import HMAC_SHA256

MANY = 10_000_000


def main(banks: int, accounts: int) -> None:
    """Sandboxes without limits that anybody would meet."""
    at = timezone.now()
    by = User.objects.create_user("bench-banks", org_unit=OrgUnit.objects.get(parent=None))
    made = []
    for number in range(banks):
        code = f"bank{number:02d}"
        contract = Contract(
            name=code, kind="bank", networks=EVERYWHERE, area_ids=[by.org_unit_id or 0], days_apart=2,
            queries_per_minute=MANY, payments_per_minute=MANY,
        )  # fmt: skip
        channel_clients.open_client(code=code, contract=contract, is_sandbox=True, by_id=by.pk, within=None, at=at)
        key = channel_clients.add_key(
            code=code, algorithm=HMAC_SHA256, public_key="", reason="", by_id=by.pk, within=None, at=at
        )
        made.append({"code": code, "key": key.key_id, "secret": key.private})
    numbers = list(Account.objects.order_by("pk").values_list("account_no", flat=True)[:accounts])
    print(json.dumps({"banks": made, "accounts": numbers, "bank_date": timezone.localdate().isoformat()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
