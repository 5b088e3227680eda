"""For banks: their customer agrees that an account is debited, or ends it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cis.queries import dues
from payments.api.signed_requests import ChannelView, caller_of, needs_channel, read_body
from payments.api.v1.channel import ACCOUNT_NO, KEY, SERIAL, Fen, few_unknown_accounts
from payments.operations.channel_payments import AreaOff
from payments.operations.channel_requests import Caller
from payments.operations.debit_agreements import DebitTerms, bank_of_client, end_debit, sign_debit


class DebitSignedIn(serializers.Serializer[Any]):
    """What the bank's customer signed; `agreement_serial` is the bank's own number, once for ever."""

    agreement_serial = serializers.RegexField(rf"^{SERIAL}$")
    account_no = serializers.RegexField(rf"^{ACCOUNT_NO}$")
    holder = serializers.CharField(max_length=80)
    card_no = serializers.RegexField(r"^[0-9]{8,32}$")
    limit_fen = Fen(min_value=1)
    valid_from = serializers.DateField(required=False, default=None, allow_null=True)
    valid_until = serializers.DateField(required=False, default=None, allow_null=True)


class DebitEndedIn(serializers.Serializer[Any]):
    """Why the agreement ends."""

    account_no = serializers.RegexField(rf"^{ACCOUNT_NO}$")
    reason = serializers.CharField(max_length=200)


class DebitAgreementOut(serializers.Serializer[Any]):
    """The agreement as it stands; `agreement_no` is ours and stands in the files."""

    agreement_no = serializers.CharField()
    account_no = serializers.CharField()
    state = serializers.ChoiceField(choices=("active", "ended"))


def _account(caller: Caller, account_no: str, of: str) -> int:
    with few_unknown_accounts(caller, of):
        account_id, path = dues.place_of(account_no)
        if not caller.serves(path):
            raise AreaOff("area-off")
    return account_id


class ChannelDebitAgreements(ChannelView):
    """POST /api/v1/channel/debit-agreements"""

    permission_classes = [needs_channel("pay")]
    letter = "P"

    @extend_schema(
        operation_id="channel_debit_sign", parameters=[KEY], request=DebitSignedIn,
        responses={201: DebitAgreementOut}, tags=["channel"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Sign; the same serial with the same content is the same agreement."""
        caller, asked, now = caller_of(request), read_body(DebitSignedIn, request), timezone.now()
        terms = DebitTerms(
            asked["holder"], asked["card_no"], asked["limit_fen"],
            asked["valid_from"] or now.astimezone(settings.BILLING_TIME_ZONE).date(), asked["valid_until"],
        )  # fmt: skip

        def act() -> tuple[int, dict[str, Any]]:
            bank_code = bank_of_client(caller.client_id)
            agreement_id = sign_debit(
                account_id=_account(caller, asked["account_no"], "unknown-signed"), bank_code=bank_code, terms=terms,
                place="bank", signed_by_id=None, at=now, bank_serial=asked["agreement_serial"],
            )  # fmt: skip
            return 201, _written(agreement_id, asked["account_no"], "active")

        return self.once(request, act)


class ChannelDebitEndings(ChannelView):
    """POST /api/v1/channel/debit-agreements/endings"""

    permission_classes = [needs_channel("pay")]
    letter = "P"

    @extend_schema(
        operation_id="channel_debit_end", parameters=[KEY], request=DebitEndedIn,
        responses={201: DebitAgreementOut}, tags=["channel"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """End the account's agreement with this bank; what was sent already is still debited."""
        caller, asked = caller_of(request), read_body(DebitEndedIn, request)

        def act() -> tuple[int, dict[str, Any]]:
            bank_code = bank_of_client(caller.client_id)
            agreement_id = end_debit(
                account_id=_account(caller, asked["account_no"], "unknown-signed"), reason=asked["reason"],
                ended_by_id=None, at=timezone.now(), bank_code=bank_code,
            )  # fmt: skip
            return 201, _written(agreement_id, asked["account_no"], "ended")

        return self.once(request, act)


def _written(agreement_id: int, account_no: str, state: str) -> dict[str, Any]:
    return {"agreement_no": f"DK{agreement_id:010d}", "account_no": account_no, "state": state}
