"""Accounts: find them, see one; personal data is masked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.operations import customers as operations
from cis.queries import customers, search
from cis.queries.audit import record_of
from config.shared.errors import BadInput
from config.shared.permissions import needs, staff_of
from config.shared.personal_data import mask_numbers_in
from config.shared.web.looks import saw


class NumberInAddress(BadInput):
    """Addresses are kept by logs of every kind on the way; telephones and identity numbers travel in bodies."""

    code = "number-in-address"


class SearchInput(serializers.Serializer[Any]):
    """What to look for."""

    q = serializers.CharField(max_length=100)
    limit = serializers.IntegerField(min_value=1, max_value=50, default=20)


class FoundAccountOut(serializers.Serializer[Any]):
    """One account that fits."""

    account_no = serializers.CharField()
    customer_name = serializers.CharField()
    is_enterprise = serializers.BooleanField()
    address = serializers.CharField()
    area = serializers.CharField()
    is_open = serializers.BooleanField()
    phone_masked = serializers.CharField()
    meter_no = serializers.CharField()
    open_fen = serializers.IntegerField()
    matched_by = serializers.ChoiceField(
        choices=["number", "meter", "phone", "identity", "name", "initials", "address"]
    )


class FoundAccountsOut(serializers.Serializer[Any]):
    """The best hits, best first."""

    results = FoundAccountOut(many=True)


class ContractOut(serializers.Serializer[Any]):
    """One stretch of the tariff history."""

    tariff_code = serializers.CharField()
    tariff_name = serializers.CharField()
    price_class = serializers.CharField()
    voltage = serializers.CharField()
    capacity_kva = serializers.IntegerField()
    people = serializers.IntegerField()
    from_on = serializers.DateField(allow_null=True)
    until_on = serializers.DateField(allow_null=True)
    is_current = serializers.BooleanField()


class InstallationOut(serializers.Serializer[Any]):
    """A meter that hangs or hung there."""

    meter_no = serializers.CharField()
    point_no = serializers.CharField()
    multiplier = serializers.IntegerField()
    from_on = serializers.DateField(allow_null=True)
    until_on = serializers.DateField(allow_null=True)
    is_current = serializers.BooleanField()


class AccountOut(serializers.Serializer[Any]):
    """One account."""

    account_no = serializers.CharField()
    is_open = serializers.BooleanField()
    opened_on = serializers.DateField()
    closed_on = serializers.DateField(allow_null=True)
    customer_name = serializers.CharField()
    is_enterprise = serializers.BooleanField()
    phone_masked = serializers.CharField()
    identity_masked = serializers.CharField()
    address = serializers.CharField()
    area = serializers.CharField()
    area_path = serializers.ListField(child=serializers.CharField())
    transformer_district = serializers.CharField()
    receivable_fen = serializers.IntegerField()
    prepayment_fen = serializers.IntegerField()
    contracts = ContractOut(many=True)
    installations = InstallationOut(many=True)


class AccountSearch(APIView):
    """GET /api/v1/accounts/?q="""

    permission_classes = [needs("cis.view_customer")]

    @extend_schema(
        operation_id="accounts_search",
        parameters=[
            OpenApiParameter("q", OpenApiTypes.STR, required=True, description="Number, name, phone, address, meter."),
            OpenApiParameter("limit", OpenApiTypes.INT),
        ],
        responses=FoundAccountsOut,
    )
    def get(self, request: Request) -> Response:
        """Accounts that fit a text, best first; a telephone or identity number does not belong into an address."""
        if mask_numbers_in(request.query_params.get("q", "")) != request.query_params.get("q", ""):
            raise NumberInAddress(_("电话和证件号码不能放在网址里，请用 POST 在正文里查询。"))
        return self._answer(request.query_params)

    @extend_schema(operation_id="accounts_search_privately", request=SearchInput, responses=FoundAccountsOut)
    def post(self, request: Request) -> Response:
        """The same search with the text in the body, where no log keeps it."""
        return self._answer(request.data)

    def _answer(self, data: Any) -> Response:
        asked = SearchInput(data=data)
        asked.is_valid(raise_exception=True)
        found = search.find(asked.validated_data["q"], limit=asked.validated_data["limit"], today=timezone.localdate())
        return Response(FoundAccountsOut({"results": found}).data)


class AccountDetail(APIView):
    """GET /api/v1/accounts/<account_no>/"""

    permission_classes = [needs("cis.view_customer")]

    @extend_schema(operation_id="accounts_retrieve", responses=AccountOut)
    def get(self, request: Request, account_no: str) -> Response:
        """One account with its tariff history and meters; personal data masked."""
        today = timezone.localdate()
        view = customers.get_360(account_no, today=today)
        saw(request, record_of(view.head.account_id))
        body = asdict(view.head) | {
            "receivable_fen": view.receivable_fen,
            "prepayment_fen": view.prepayment_fen,
            "contracts": customers.list_contracts(view.head.account_id, today=today),
            "installations": customers.get_meters(view.head.account_id, today=today).installations,
        }
        return Response(AccountOut(body).data)


class RevealInput(serializers.Serializer[Any]):
    """Why hidden values are needed; kept for ever, and told to the customer."""

    reason = serializers.CharField(max_length=200)


class PersonalDataOut(serializers.Serializer[Any]):
    """What is otherwise masked."""

    phone = serializers.CharField()
    identity_no = serializers.CharField()
    door = serializers.CharField()


class AccountPersonalData(APIView):
    """POST /api/v1/accounts/<account_no>/personal-data/"""

    permission_classes = [needs("cis.see_personal_data")]

    @extend_schema(operation_id="accounts_reveal", request=RevealInput, responses=PersonalDataOut)
    def post(self, request: Request, account_no: str) -> Response:
        """The unmasked values, for a reason."""
        asked = RevealInput(data=request.data)
        asked.is_valid(raise_exception=True)
        shown = operations.reveal_personal_data(
            account_no=account_no,
            user_id=staff_of(request).pk,
            reason=asked.validated_data["reason"],
            at=timezone.now(),
        )
        return Response(PersonalDataOut(shown).data, headers={"Cache-Control": "no-store"})
