"""What is written for developers of customers' apps is true: every example is sent, every answer fits the document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator

from cis.models import Customer, OneTimeCode
from cis.operations import portal_wechat
from cis.operations.billing import issue_bill_now
from cis.simulators.wechat import openid_of
from config.shared.personal_data import blind_index
from payments.models import PaymentOrder
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.my_api import App, app_of, forget_limits, js_code, newest_code, wechat_on_the_line
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_my_payments import alipay, wechat
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["alipay", "wechat"]

PREFIX = "/api/v1/my/"
EXAMPLES = Path(settings.BASE_DIR) / "payments" / "integrators"
FEN = 18_640


def document() -> dict[str, Any]:
    read: dict[str, Any] = Client().get(f"{PREFIX}schema/?format=json").json()
    return read


def operations(said: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def examples(content: dict[str, Any]) -> list[Any]:
    return [one["value"] for one in content.get("application/json", {}).get("examples", {}).values()]


def with_null(schema: Any) -> Any:
    """`nullable` of OpenAPI 3.0 in JSON Schema's words."""
    if isinstance(schema, list):
        return [with_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: with_null(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def faults(value: Any, schema: dict[str, Any], said: dict[str, Any]) -> list[str]:
    whole = with_null({**schema, "components": said["components"]})
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]


class Developer:
    """Sends what the document shows, with the numbers of the tiny utility in place of the document's own."""

    def __init__(self, world: World, bill_no: str) -> None:
        self.world, self.bill_no = world, bill_no
        self.app = app_of(world.portal_user_id, at=timezone.now())
        order = PaymentOrder.objects.get(out_trade_no="WALKMY01")
        self.parts = {
            "account_no": world.residential.account_no, "bill_no": bill_no, "day": "2026-01-07", "session_id": "0",
            "receipt_no": pay(world, fen=100, at=timezone.now()).receipt_no, "out_trade_no": order.out_trade_no,
        }  # fmt: skip

    def send(self, path: str, method: str, body: Any) -> Any:
        headers = {}
        if path.endswith("payment-orders"):
            headers["idempotency-key"] = f"example-{os.urandom(8).hex()}"
        for name, value in self.parts.items():
            path = path.replace(f"{{{name}}}", value)
        # At the door one has no token; the one in hand would be given up for the new one.
        app = App() if path.endswith(("/sessions", "/sign-in-codes")) else self.app
        forget_codes()
        sent = self.real(path, body)
        return app.ask(method, path.removeprefix(PREFIX), sent, **headers)

    def real(self, path: str, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        body = dict(body)
        if "account_no" in body:
            body["account_no"] = self.world.commercial.account_no
        if "bills" in body:
            owed = self.app.get(f"accounts/{self.world.residential.account_no}/balance").json()["bills"]
            body["bills"] = [bill["bill_no"] for bill in owed]
            body["amount_fen"] = sum(bill["to_pay_fen"] for bill in owed)
        if "holder_name" in body:
            body["holder_name"] = Customer.objects.get(pk=self.world.commercial.customer_id).name
        if "last_payment_fen" in body:
            pay(self.world, fen=body["last_payment_fen"], account=self.world.commercial, at=timezone.now())
        if "code" in body:
            body["code"] = js_code()
        if "sms_code" in body:
            body["sms_code"] = self.code_for(path, body)
        return body

    def code_for(self, path: str, body: dict[str, Any]) -> str:
        """The code that was sent for it."""
        forget_codes()
        if path.endswith("sessions"):
            assert App().post("sign-in-codes", {"telephone": body["telephone"]}).status_code == 202
        else:
            name = Customer.objects.get(pk=self.world.commercial.customer_id).name
            asked = {"account_no": body["account_no"], "role": body["role"], "holder_name": name}
            assert self.app.post("binding-codes", asked).status_code == 202
        return newest_code()


def forget_codes() -> None:
    """A minute later."""
    OneTimeCode.objects.all().delete()


@pytest.fixture
def world() -> World:
    cache.clear()
    forget_limits()
    made = small_world()
    number = "13811112222"
    Customer.objects.filter(pk=made.commercial.customer_id).update(
        phone=number, phone_index=blind_index(number), phone_last4=number[-4:]
    )
    return made


class TestTheDocument:
    @pytest.mark.usefixtures("wechat", "alipay")
    def test_every_example_is_taken_and_every_answer_is_as_described(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wechat_on_the_line(monkeypatch)
        now, account_id = timezone.now(), world.residential.account_id
        bill_id = issue_bill_now(
            account_id=account_id, cycle=world.cycle, issued_by_id=world.accountant_id, at=world.at
        )
        bill_no = f"{world.cycle}{bill_id:010d}"
        PaymentOrder.objects.create(
            out_trade_no="WALKMY01", channel="wallet", account_id=world.residential.account_id, amount_fen=100,
            created_by_id=world.portal_user_id, created_at=now, expires_at=now.replace(year=now.year + 1, day=1),
        )  # fmt: skip
        said, wrong, developer = document(), list[Any](), Developer(world, bill_no)
        # What ends something comes last.
        order = sorted(operations(said), key=lambda one: (one[1] == "DELETE", one[0].endswith("current")))
        for path, method, operation in order:
            content = operation.get("requestBody", {}).get("content", {})
            bodies = examples(content) if content else [None]
            if not bodies:
                wrong.append((path, method, "a body without an example"))
            for body in bodies:
                answer = developer.send(path, method, body)
                described = operation["responses"].get(str(answer.status_code))
                is_expected = answer.status_code < 300 or "session_id" in path
                if described is None or not is_expected:
                    wrong.append((path, method, body, answer.status_code, answer.content.decode()[:300]))
                    continue
                for kind, one in described.get("content", {}).items():
                    assert answer["Content-Type"].startswith(kind), (path, answer["Content-Type"])
                    if "json" in kind:
                        found = faults(answer.json(), one["schema"], said)
                        wrong += [(path, method, fault) for fault in found]

        assert wrong == [], "\n".join(map(str, wrong))

    def test_every_example_of_an_answer_fits_it(self) -> None:
        said, wrong, count = document(), list[Any](), 0
        for path, method, operation in operations(said):
            for described in operation["responses"].values():
                for value in examples(described.get("content", {})):
                    count += 1
                    schema = described["content"]["application/json"]["schema"]
                    wrong += [(path, method, fault) for fault in faults(value, schema, said)]

        assert wrong == [] and count >= 3

    def test_is_of_customers_apps_alone_and_every_act_says_how_it_refuses(self) -> None:
        said = document()

        assert all(path.startswith(PREFIX) for path in said["paths"]) and len(said["paths"]) >= 20
        assert all(operation["tags"] == ["my"] for _path, _method, operation in operations(said))
        assert all("429" in operation["responses"] for _path, _method, operation in operations(said))

    def test_moments_carry_their_offset(self, world: World) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())

        moment = app.get("sessions/current").json()["expires_at"]

        assert moment.endswith("+08:00") and datetime.fromisoformat(moment).utcoffset() is not None


class TestTheGuide:
    def test_names_every_address(self) -> None:
        text = (Path(settings.BASE_DIR) / "docs" / "my-api.md").read_text(encoding="utf-8")
        for path in document()["paths"]:
            last = re.sub(r"\{out_trade_no\}", "{order_no}", path).removeprefix(PREFIX)
            tail = last.removeprefix("accounts/{account_no}/") or last
            assert tail in text, path

    @pytest.mark.parametrize(
        "command", [["sh", "example_my.sh"], [sys.executable, "example_client_my.py"]], ids=["curl", "python"]
    )
    def test_programs_run_against_real_processes(self, live: Stack, world: World, command: list[str]) -> None:
        bill_no, mini = issue(world, FEN, due_on=NOT_YET_DUE), settings.WECHAT_MINI_APP_ID
        sealed = portal_wechat.waiting(app_id=mini, openid=openid_of("小陈", mini), unionid="", at=timezone.now())
        assert portal_wechat.join(user_id=world.portal_user_id, sealed=sealed, at=timezone.now())
        request = urllib.request.Request(
            f"{live.url}/sim/wechat/mini/login", urlencode({"who": "小陈"}).encode(), {"Accept": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            code = json.loads(answer.read())["code"]
        environment = {**os.environ, "BASE": live.url, "CODE": code, "ACCOUNT": world.residential.account_no}

        done = subprocess.run(
            command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

        assert done.returncode == 0, done.stderr
        lines = done.stdout.rstrip("\n").split("\n")
        assert len(lines) == 5, done.stdout
        assert world.residential.account_no in lines[0] and str(FEN) in lines[1] and bill_no in lines[2]
        assert "session-ended" in lines[4]
