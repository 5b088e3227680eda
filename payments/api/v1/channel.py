"""For banks, agents and integrators: what an account owes, pay, ask what became of it, take it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cis.queries import dues
from cis.queries.advances import Advance
from config.shared.errors import NotFound
from payments.api.signed_requests import ChannelView, TooMany, caller_of, needs_channel, read_body
from payments.operations import rate_limits
from payments.operations.channel_payments import (
    AreaOff,
    Collected,
    check_open_to,
    check_stands,
    collect,
    take_back,
)
from payments.operations.channel_requests import Caller
from payments.operations.debit_freezes import check_not_sent
from payments.operations.taking import TakenPayment
from payments.queries.channels import payment_of_channel

SERIAL = r"[A-Za-z0-9_-]{1,64}"
ACCOUNT_NO = r"[0-9A-Za-z]{1,20}"
# Numbers that do not exist are asked for by whoever tries them out: so many an hour are honest mistakes.
UNKNOWN_ACCOUNTS_AN_HOUR = settings.CHANNEL_UNKNOWN_ACCOUNTS_AN_HOUR

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 visible characters, with or without quotes; kept with the first answer for 7 days.",
)


class Fen(serializers.IntegerField):
    """Whole fen, written as a number of JSON and as nothing else."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class BillPart(serializers.Serializer[Any]):
    """A bill that the customer chose, and what of the amount goes to it with its late fee."""

    bill_no = serializers.RegexField(r"^[0-9]{16}$")
    amount_fen = Fen(min_value=1)


class CollectedIn(serializers.Serializer[Any]):
    """What was collected."""

    channel_serial = serializers.RegexField(rf"^{SERIAL}$", help_text="The client's own number; once for ever.")
    bank_date = serializers.DateField(help_text="The client's accounting day (账务日期).")
    account_no = serializers.RegexField(rf"^{ACCOUNT_NO}$")
    amount_fen = Fen(help_text="1 to 10^11")
    bills = serializers.ListField(child=BillPart(), required=False, default=list, max_length=60)
    paid_at = serializers.DateTimeField(required=False, default=None, allow_null=True)
    method = serializers.ChoiceField(
        choices=("counter", "atm", "app", "terminal", "other"), required=False, default="other"
    )
    branch = serializers.CharField(max_length=32, required=False, default="", allow_blank=True)
    teller = serializers.CharField(max_length=32, required=False, default="", allow_blank=True)


class ChannelPartOut(serializers.Serializer[Any]):
    """So much went to this bill; `fee_fen` of it to its late fee."""

    bill_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()


class CollectedOut(serializers.Serializer[Any]):
    """A payment as it was booked; byte for byte the same for a repeated Idempotency-Key, until it is reversed."""

    channel_serial = serializers.CharField()
    bank_date = serializers.DateField()
    receipt_no = serializers.CharField()
    account_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    allocations = ChannelPartOut(many=True)
    prepaid_fen = serializers.IntegerField()


class ReversalAsked(serializers.Serializer[Any]):
    """Take a payment back."""

    reversal_serial = serializers.RegexField(rf"^{SERIAL}$")
    bank_date = serializers.DateField()
    reason = serializers.CharField(max_length=200)


class TakenBackOut(serializers.Serializer[Any]):
    """`state` is reversed, or blocked: nothing was paid under the serial, and nothing ever will be."""

    channel_serial = serializers.CharField()
    reversal_serial = serializers.CharField()
    bank_date = serializers.DateField()
    state = serializers.ChoiceField(choices=("reversed", "blocked"))
    receipt_no = serializers.CharField(allow_blank=True)
    amount_fen = serializers.IntegerField()


class ChannelPaymentOut(serializers.Serializer[Any]):
    """What became of a serial: booked, reversed or blocked."""

    channel_serial = serializers.CharField()
    state = serializers.ChoiceField(choices=("booked", "reversed", "blocked"))
    receipt_no = serializers.CharField(allow_blank=True)
    account_no = serializers.CharField(allow_blank=True)
    amount_fen = serializers.IntegerField()
    prepaid_fen = serializers.IntegerField()
    bank_date = serializers.DateField(allow_null=True)
    booked_at = serializers.DateTimeField(allow_null=True)
    allocations = ChannelPartOut(many=True, source="parts")
    reversal_serial = serializers.CharField(allow_blank=True)
    reversed_on = serializers.DateField(allow_null=True)


class OpenBillOut(serializers.Serializer[Any]):
    """A bill that is not fully paid; `to_pay_fen` with the late fee up to and including today."""

    bill_no = serializers.CharField()
    month = serializers.SerializerMethodField()
    total_fen = serializers.IntegerField()
    open_fen = serializers.IntegerField()
    late_fee_fen = serializers.IntegerField()
    to_pay_fen = serializers.IntegerField()
    due_on = serializers.DateField()

    def get_month(self, bill: dues.OpenBill) -> str:
        """The month that was billed, such as 2026-10."""
        return f"{bill.cycle // 100}-{bill.cycle % 100:02d}"


class AdvanceOut(serializers.Serializer[Any]):
    """A settlement of a month that is asked ahead of its bill and not covered; no bill, no late fee."""

    month = serializers.SerializerMethodField()
    number = serializers.IntegerField()
    amount_fen = serializers.IntegerField()
    open_fen = serializers.IntegerField()
    due_on = serializers.DateField()

    def get_month(self, advance: Advance) -> str:
        """The month that will be billed, such as 2026-10."""
        return f"{advance.cycle // 100}-{advance.cycle % 100:02d}"


class ArrearsOut(serializers.Serializer[Any]):
    """
    What an account owes today; the name is masked.

    `to_pay_fen` is of the bills alone; `advance_fen` is asked beside it by agreement and becomes prepayment when paid.
    """

    account_no = serializers.CharField()
    name = serializers.CharField(source="masked_name")
    is_open = serializers.BooleanField()
    bills = OpenBillOut(many=True, source="open_bills")
    to_pay_fen = serializers.IntegerField()
    late_fee_fen = serializers.IntegerField()
    prepayment_fen = serializers.IntegerField()
    advances = AdvanceOut(many=True)
    advance_fen = serializers.IntegerField()


@contextmanager
def few_unknown_accounts(caller: Caller, of: str) -> Iterator[None]:
    """
    Count what is refused for its account, one that is not there or not the client's, against so many an hour.

    Queries and payments count apart (`of`): customers who mistype a number must not keep others from paying.

    :raises TooMany: there were too many; nothing is looked up
    """
    bucket = f"{caller.client_id}:{of}"
    taken = rate_limits.take(bucket, limit=UNKNOWN_ACCOUNTS_AN_HOUR, period_s=3600, cost=0)
    if not taken.is_allowed:
        raise TooMany(taken)
    try:
        yield
    except (NotFound, AreaOff):
        rate_limits.take(bucket, limit=UNKNOWN_ACCOUNTS_AN_HOUR, period_s=3600)
        raise


class ChannelBills(ChannelView):
    """GET /api/v1/channel/accounts/<account_no>/bills"""

    permission_classes = [needs_channel("query")]
    letter = "Q"

    @extend_schema(operation_id="channel_bills", responses=ArrearsOut, tags=["channel"])
    def get(self, request: Request, account_no: str) -> Response:
        """What the account owes, oldest bill first, with late fees up to and including today."""
        caller, now = caller_of(request), timezone.now()
        taken = rate_limits.take(
            f"{caller.client_id}:account:{account_no[:20]}", limit=caller.limits.account_queries_per_hour, period_s=3600
        )
        if not taken.is_allowed:
            raise TooMany(taken)
        with few_unknown_accounts(caller, "unknown"):
            account_id, path = dues.place_of(account_no)
            check_open_to(caller, path, at=now)
        check_not_sent(account_id)
        owed = dues.get_dues(account_id=account_id, on=now.astimezone(settings.BILLING_TIME_ZONE).date())
        return Response(ArrearsOut(owed).data)


class ChannelPayments(ChannelView):
    """POST /api/v1/channel/payments"""

    permission_classes = [needs_channel("pay")]
    letter = "P"

    @extend_schema(
        operation_id="channel_pay",
        parameters=[KEY],
        request=CollectedIn,
        responses={201: CollectedOut},
        tags=["channel"],
    )
    def post(self, request: Request) -> HttpResponse:
        """Book what was collected, before it is answered: bills with late fees first, the surplus to prepayment."""
        caller, asked = caller_of(request), read_body(CollectedIn, request)
        collected = Collected(
            serial=asked["channel_serial"],
            bank_date=asked["bank_date"],
            account_no=asked["account_no"],
            amount_fen=asked["amount_fen"],
            bills=tuple((row["bill_no"], row["amount_fen"]) for row in asked["bills"]),
            paid_at=asked["paid_at"],
            means=asked["method"],
            branch=asked["branch"],
            teller=asked["teller"],
        )

        def act() -> tuple[int, dict[str, Any]]:
            with few_unknown_accounts(caller, "unknown-paid"):
                taken = collect(caller=caller, collected=collected, at=timezone.now())
            return 201, _written(collected, taken)

        return self.once(request, act, lambda: check_stands(caller=caller, serial=collected.serial))


def _written(collected: Collected, taken: TakenPayment) -> dict[str, Any]:
    return {
        "channel_serial": collected.serial,
        "bank_date": collected.bank_date.isoformat(),
        "receipt_no": taken.receipt_no,
        "account_no": collected.account_no,
        "amount_fen": collected.amount_fen,
        "allocations": [
            {"bill_no": part.bill_no, "amount_fen": part.amount_fen, "fee_fen": part.fee_fen}
            for part in taken.allocations
        ],
        "prepaid_fen": taken.prepaid_fen,
    }


class ChannelPaymentState(ChannelView):
    """GET /api/v1/channel/payments/<serial>"""

    permission_classes = [needs_channel("query")]
    letter = "S"
    missing = "payment-not-found"

    @extend_schema(operation_id="channel_payment", responses=ChannelPaymentOut, tags=["channel"])
    def get(self, request: Request, serial: str) -> Response:
        """What became of one's own serial; to be asked whenever an answer did not come."""
        return Response(ChannelPaymentOut(payment_of_channel(channel=caller_of(request).code, serial=serial)).data)


class ChannelReversals(ChannelView):
    """POST /api/v1/channel/payments/<serial>/reversals"""

    permission_classes = [needs_channel("reverse")]
    letter = "R"
    missing = "payment-not-found"

    @extend_schema(
        operation_id="channel_reverse",
        parameters=[KEY],
        request=ReversalAsked,
        responses={201: TakenBackOut},
        tags=["channel"],
    )
    def post(self, request: Request, serial: str) -> HttpResponse:
        """Take one's own payment back, mirrored; a serial that was never paid is blocked for ever instead."""
        asked = read_body(ReversalAsked, request)
        if not re.fullmatch(SERIAL, serial):
            raise serializers.ValidationError({"serial": "1 to 64 letters, digits, - or _"})

        def act() -> tuple[int, dict[str, Any]]:
            back = take_back(
                caller=caller_of(request),
                serial=serial,
                reversal_serial=asked["reversal_serial"],
                bank_date=asked["bank_date"],
                reason=asked["reason"],
                at=timezone.now(),
            )
            return 201, {
                "channel_serial": back.serial,
                "reversal_serial": back.reversal_serial,
                "bank_date": back.bank_date.isoformat(),
                "state": "blocked" if back.is_blocked else "reversed",
                "receipt_no": back.receipt_no,
                "amount_fen": back.amount_fen,
            }

        return self.once(request, act)
