"""Customers' apps: one's accounts, binding one and giving it up, what is owed, supply interruptions, what was asked."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cis.operations import portal_bindings, portal_claims
from cis.operations.portal_bindings import Terms
from cis.queries import disputes, dues, outages, portal
from cis.queries.portal import Right
from config.shared.api.my import MyView, address_of, person_of, read_input

TAGS = ["my"]
# An agent's letter of authority is a file and is checked on the portal's page.
ROLES = ("owner", "payer", "tenant", "delegate")


class MyAccountOut(serializers.Serializer[Any]):
    """One account that is bound; name and address are empty where they are not for this role."""

    account_no = serializers.CharField()
    name = serializers.CharField(source="masked_name", allow_blank=True, help_text="masked")
    address = serializers.CharField(allow_blank=True)
    is_open = serializers.BooleanField()
    role = serializers.CharField(help_text="owner, payer, tenant, delegate or agent")
    role_name = serializers.CharField(source="role_word")
    from_on = serializers.DateField(allow_null=True, help_text="first day of a tenant's own time")
    until_on = serializers.DateField(allow_null=True)
    rights = serializers.SerializerMethodField()

    def get_rights(self, account: portal.MyAccount) -> list[str]:
        """What the role lets one see and do, such as bills, usage, pay."""
        return sorted(account.rights)


class MyAccountsOut(serializers.Serializer[Any]):
    """One's accounts, open ones first."""

    results = MyAccountOut(many=True)


class BindingCodeAsked(serializers.Serializer[Any]):
    """The holder's name; a code goes to the telephone registered for the account if both belong together."""

    account_no = serializers.RegexField(r"^[0-9A-Za-z ]{1,32}$")
    holder_name = serializers.CharField(max_length=200)
    role = serializers.ChoiceField(choices=ROLES)


class BindingAsked(serializers.Serializer[Any]):
    """An account, in which role, and one proof: the `sms_code` that came, or the amount of the last payment."""

    account_no = serializers.RegexField(r"^[0-9A-Za-z ]{1,32}$")
    role = serializers.ChoiceField(choices=ROLES)
    sms_code = serializers.CharField(max_length=12, required=False)
    last_payment_fen = serializers.IntegerField(required=False, min_value=1, help_text="for a payer only")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One proof."""
        if len({"sms_code", "last_payment_fen"} & set(attrs)) != 1:
            raise serializers.ValidationError(_("请给出 sms_code 或 last_payment_fen 中的一个。"))
        return attrs


class MyOpenBillOut(serializers.Serializer[Any]):
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


class MyBalanceOut(serializers.Serializer[Any]):
    """What is owed today: `to_pay_fen` pays everything off, bills and late fees; `prepayment_fen` is in credit."""

    account_no = serializers.CharField()
    to_pay_fen = serializers.IntegerField()
    late_fee_fen = serializers.IntegerField()
    prepayment_fen = serializers.IntegerField()
    advance_fen = serializers.IntegerField(help_text="asked ahead of the month's bill by agreement")
    bills = MyOpenBillOut(many=True, source="open_bills")


class MyOutageOut(serializers.Serializer[Any]):
    """One interruption of supply that concerns the account."""

    kind = serializers.CharField()
    kind_name = serializers.CharField(source="kind_word")
    state = serializers.CharField()
    state_name = serializers.CharField(source="state_word")
    area = serializers.CharField()
    reason = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(help_text="as foreseen")
    restored_at = serializers.DateTimeField(allow_null=True)
    is_now = serializers.BooleanField()


class MyOutagesOut(serializers.Serializer[Any]):
    """Interruptions under way first, then to come, then lately over."""

    results = MyOutageOut(many=True)


class MyApplicationOut(serializers.Serializer[Any]):
    """One thing that was asked of us about the account, and what became of it."""

    application_id = serializers.IntegerField(source="dispute_id")
    kind = serializers.CharField()
    kind_name = serializers.CharField(source="kind_word")
    bill_no = serializers.CharField(allow_blank=True)
    meter_no = serializers.CharField(allow_blank=True)
    text = serializers.CharField(source="reason")
    asked_at = serializers.DateTimeField(source="opened_at")
    answer_by = serializers.SerializerMethodField()
    is_open = serializers.BooleanField()
    result_name = serializers.CharField(source="result_word", allow_blank=True)
    answer = serializers.CharField(source="outcome", allow_blank=True)
    answered_at = serializers.DateTimeField(source="closed_at", allow_null=True)

    def get_answer_by(self, row: disputes.DisputeRow) -> str | None:
        """The day until which an answer is promised."""
        return row.clock.due_on.isoformat() if row.clock is not None else None


class MyApplicationsOut(serializers.Serializer[Any]):
    """The newest twenty, newest first."""

    results = MyApplicationOut(many=True)


def own_account(request: Request, account_no: str, right: Right | None = None) -> portal.MyAccount:
    """
    An account of the person's own, with the right that is needed.

    :raises NotFound: it is not theirs, or there is none
    :raises NotForThisRole: their role does not give the right
    """
    account = portal.my_account(user_id=person_of(request), account_no=account_no, today=timezone.localdate())
    if right is not None:
        account.require(right)
    return account


class Accounts(MyView):
    """/api/v1/my/accounts"""

    @extend_schema(operation_id="my_accounts", tags=TAGS, responses=MyAccountsOut)
    def get(self, request: Request) -> Response:
        """One's accounts, maybe none."""
        rows = portal.list_my_accounts(user_id=person_of(request), today=timezone.localdate())
        return Response(MyAccountsOut({"results": rows}).data)

    @extend_schema(
        operation_id="my_account_bind",
        tags=TAGS,
        request=BindingAsked,
        responses={201: MyAccountOut},
        examples=[
            OpenApiExample(
                "By code",
                {"account_no": "4200000001", "role": "delegate", "sms_code": "482915"},
                request_only=True,
            ),
            OpenApiExample(
                "By the last payment",
                {"account_no": "4200000001", "role": "payer", "last_payment_fen": 18640},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Bind an account; whoever was bound before, and the registered telephone, are told."""
        asked, now = read_input(BindingAsked, request.data), timezone.now()
        number = "".join(asked["account_no"].split())
        if "sms_code" in asked:
            portal_claims.bind_by_code(
                user_id=person_of(request),
                account_no=number,
                terms=_terms(asked["role"]),
                code=asked["sms_code"],
                at=now,
            )
        else:
            portal_claims.bind_by_last_payment(
                user_id=person_of(request),
                account_no=number,
                terms=_terms(asked["role"]),
                amount_fen=asked["last_payment_fen"],
                at=now,
            )
        return Response(MyAccountOut(own_account(request, number)).data, status=201)


class BindingCodes(MyView):
    """POST /api/v1/my/binding-codes"""

    @extend_schema(
        operation_id="my_binding_code",
        tags=TAGS,
        request=BindingCodeAsked,
        responses={202: None},
        examples=[
            OpenApiExample(
                "Account and holder",
                {"account_no": "4200000001", "holder_name": "张三丰", "role": "delegate"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Send a code to the telephone registered for the account; the answer never says whether one went."""
        asked = read_input(BindingCodeAsked, request.data)
        portal_claims.ask_to_bind(
            user_id=person_of(request),
            account_no=asked["account_no"],
            holder_name=asked["holder_name"],
            terms=_terms(asked["role"]),
            asked_from=address_of(request),
            at=timezone.now(),
        )
        return Response(status=202)


class Account(MyView):
    """/api/v1/my/accounts/<account_no>"""

    @extend_schema(operation_id="my_account", tags=TAGS, responses=MyAccountOut)
    def get(self, request: Request, account_no: str) -> Response:
        """One of one's accounts."""
        return Response(MyAccountOut(own_account(request, account_no)).data)

    @extend_schema(operation_id="my_account_unbind", tags=TAGS, responses={204: None})
    def delete(self, request: Request, account_no: str) -> Response:
        """Give up one's own binding."""
        portal_bindings.unbind(user_id=person_of(request), account_no=account_no, at=timezone.now())
        return Response(status=204)


class Balance(MyView):
    """GET /api/v1/my/accounts/<account_no>/balance"""

    @extend_schema(operation_id="my_balance", tags=TAGS, responses=MyBalanceOut)
    def get(self, request: Request, account_no: str) -> Response:
        """What is owed, oldest bill first, with late fees up to and including today."""
        account = own_account(request, account_no, Right.PAY)
        return Response(MyBalanceOut(dues.get_dues(account_id=account.account_id, on=timezone.localdate())).data)


class Outages(MyView):
    """GET /api/v1/my/accounts/<account_no>/outages"""

    @extend_schema(operation_id="my_outages", tags=TAGS, responses=MyOutagesOut)
    def get(self, request: Request, account_no: str) -> Response:
        """Is my home out, now or soon."""
        account = own_account(request, account_no, Right.ADDRESS)
        rows = outages.known_to_account(account.account_id, at=timezone.now())
        return Response(MyOutagesOut({"results": rows}).data)


class Applications(MyView):
    """GET /api/v1/my/accounts/<account_no>/applications"""

    @extend_schema(operation_id="my_applications", tags=TAGS, responses=MyApplicationsOut)
    def get(self, request: Request, account_no: str) -> Response:
        """What was asked of us about the account; a tenant sees what they asked themselves."""
        account = own_account(request, account_no, Right.BILLS)
        own = person_of(request) if account.is_tenant else None
        rows = disputes.list_of_account(account.account_id, at=timezone.now(), opened_by_id=own)
        return Response(MyApplicationsOut({"results": rows}).data)


def _terms(role: str) -> Terms:
    """A tenant who proves it from home begins today; an earlier day takes a lease at a hall."""
    return Terms(role=role, from_on=timezone.localdate() if role == "tenant" else None)
