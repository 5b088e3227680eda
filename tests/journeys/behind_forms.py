"""
Pages that no link leads to: somebody typed something first, or something rare has happened.

`open_doors` lets it happen in a lived-in world; each `Door` is one such page with the browser that may open it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.test import Client
from django.utils import timezone
from zeal import zeal_ignore

from cis.models import BillCorrection, BillException, FeedInPayment, FreeEnergyRight, PortalAccess
from cis.operations import billing
from config.shared import approvals, jobs
from config.shared.models import Job, User
from dsm.models import ShedOrder, Shortage
from payments.operations import refunds, taking
from tests.factories.lived_in import CYCLE
from tests.factories.staff import give_app
from tests.factories.world import PASSWORD, AccountIds, World
from tests.journeys import walks

NEW_TELEPHONE, NOBODYS_TELEPHONE = "13800000055", "13800000056"
_AHEAD_FEN = 500_000


@dataclass(frozen=True)
class Door:
    """A page behind a form: whose browser opens it, and the address."""

    who: str
    client: Client
    address: str


def open_doors(world: World) -> list[Door]:
    """Everything that has to have happened, and the doors to what it made."""
    doors: list[Door] = []
    browsers: dict[str, Client] = {}

    def add(who: str, address: str, before: Callable[[Client], None] | None = None) -> None:
        client = browsers.setdefault(who, walks.browser_of(who))
        if before:
            before(client)
        doors.append(Door(who, client, address))

    receipt_no, ahead = _pay_ahead(world, world.commercial, "a"), world.residential_tou
    _pay_ahead(world, ahead, "b")
    add("clerk_a", f"/console/payments/{receipt_no}/reversal/")
    add("clerk_a", f"/console/accounts/{ahead.account_no}/refund/")
    add("clerk_a", f"/console/payments/refunds/{_refund(world, ahead)}/")
    add("auditor", f"/console/data/load/?place=district-{world.transformer_district_id}&day=2026-01-07")
    add("auditor", "/console/data/sales/?from_cycle=202601&to_cycle=202602")
    add("auditor", f"/console/data/tariffs/?account_no={ahead.account_no}")
    add("accountant", f"/console/runs/{_run_with_gaps(world)}/exceptions/")
    home = world.residential.account_no
    term = FreeEnergyRight.objects.get(account__account_no=home)
    add("accountant", f"/console/accounts/{home}/supply/free/{term.pk}/end/")
    add("accountant", f"/console/corrections/{BillCorrection.objects.order_by('pk')[0].pk}/")
    paid = FeedInPayment.objects.select_related("account").order_by("pk")[0]
    add("accountant", f"/console/feed-in/payments/{paid.pk}/")
    add("accountant", f"/console/accounts/{paid.account.account_no}/generation/")
    add(_shop_owner(world), "/my/operating-cost/")
    program = User.objects.get(username="a_bank")
    add("administrator", f"/console/people/{program.pk}/keys/add/")
    operator = User.objects.get(username="it_operator")
    give_app(operator)
    add("administrator", f"/console/people/{operator.pk}/second-factors/")
    add("portal", "/my/orders/LIVED0001/")
    add("portal", "/my/me/telephone/codes/", lambda c: _post(c, "/my/me/telephone/", telephone=NEW_TELEPHONE))
    add(
        "portal",
        "/my/me/accounts/bind/code/",
        lambda c: _post(
            c,
            "/my/me/accounts/bind/",
            account_no=ahead.account_no,
            role="payer",
            way="code",
            holder_name="不是这个名字",
        ),
    )
    for who, address in _steps_of_shortages():
        add(who, address)
    add("", "/my/sign-in/code/", lambda c: _post(c, "/my/sign-in/", telephone=NOBODYS_TELEPHONE))
    add(
        "",
        "/sign-in/second-factor/",
        lambda c: _post(c, "/sign-in/", username=operator.username, password=PASSWORD),
    )
    return doors


def _shop_owner(world: World) -> str:
    """Somebody whose account is a business's."""
    owner, _new = User.objects.get_or_create(username="shop_owner", defaults={"kind": User.Kind.CUSTOMER})
    PortalAccess.objects.get_or_create(
        user=owner, account_id=world.commercial.account_id, defaults={"began_at": timezone.now()}
    )
    return owner.username


def _steps_of_shortages() -> list[tuple[str, str]]:
    """The page of each step, of the shortage that waits for it; a list opens one of them only."""
    at = dict(Shortage.objects.values_list("state", "pk"))
    order = ShedOrder.objects.filter(receipt=None).order_by("pk")[0]
    return [
        ("dispatcher", f"/dsm/shortages/{at['submitted']}/authority/"),
        ("leader", f"/dsm/shortages/{at['authorised']}/decision/"),
        ("dispatcher", f"/dsm/shortages/{at['chosen']}/issue/"),
        ("dispatcher", f"/dsm/shortages/{at['issued']}/orders/"),
        ("dispatcher", f"/dsm/shed-orders/{order.pk}/receipt/"),
        ("dispatcher", f"/dsm/shortages/{at['issued']}/call-back/"),
        ("dispatcher", f"/dsm/shed-orders/{order.pk}/call-back/"),
    ]


def _post(client: Client, address: str, **typed: str) -> None:
    # Two codes are two messages.
    with zeal_ignore():
        answer = client.post(address, typed)
    assert answer.status_code == 302, answer.content.decode()[:3000]


def _pay_ahead(world: World, account: AccountIds, key: str) -> str:
    taken = taking.take_payment(
        account_id=account.account_id,
        amount_fen=_AHEAD_FEN,
        method="cash",
        org_unit_id=world.hall_a_id,
        received_by_id=world.clerk_a_id,
        form_key=key * 32,
        at=timezone.now(),
    )
    return str(taken.receipt_no)


def _run_with_gaps(world: World) -> int:
    """February, of which one reading is doubtful and others never came."""
    run_id = billing.start_run(
        cycle=CYCLE, org_unit_id=world.province_id, created_by_id=world.accountant_id, at=timezone.now()
    )
    jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])
    assert BillException.objects.filter(run_id=run_id).exists()
    return run_id


def _refund(world: World, account: AccountIds) -> str:
    now = timezone.now()
    asked = refunds.ask_refund(
        account_id=account.account_id,
        amount_fen=1_000,
        payment_id=None,
        reason="客户要求退回多交的电费",
        org_unit_id=world.hall_a_id,
        asked_by_id=world.clerk_a_id,
        at=now,
    )
    return str(approvals.approve(approval_id=asked, decided_by_id=world.manager_id, at=now)["refund_no"])
