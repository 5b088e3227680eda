"""The adviser for programs: what an account would have paid in every other way it may choose."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.advising.idle_capacity import MOST_TRANSFORMERS
from cis.queries.adviser import HOURS, Asked, advise
from cis.queries.adviser_options import NOW
from cis.queries.audit import record_of
from cis.queries.customers import account_id_of
from config.shared.permissions import needs
from config.shared.web.looks import saw


class AdviceInput(serializers.Serializer[Any]):
    """What to try beside the options."""

    shift_percent = serializers.IntegerField(
        min_value=1, max_value=100, default=10, help_text="of the energy of sharp and peak hours, moved to the valley"
    )
    transformers_kva = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=10_000_000),
        max_length=MOST_TRANSFORMERS,
        default=list,
        help_text="repeat for each; together the capacity of the contract",
    )
    more_kwh = serializers.IntegerField(
        min_value=-10_000_000, max_value=10_000_000, default=0, help_text="more (less: negative) energy a month"
    )
    more_in = serializers.ChoiceField(choices=HOURS, default="any")
    plan = serializers.CharField(max_length=40, default=NOW, help_text="the key of an option")


class OptionOut(serializers.Serializer[Any]):
    """One way of paying; `month_fen` is empty and `why_not` says why where it cannot be reckoned."""

    key = serializers.CharField()
    tariff_name = serializers.CharField()
    is_two_part = serializers.BooleanField()
    has_periods = serializers.BooleanField()
    mode = serializers.IntegerField(
        help_text="0 energy alone, 1 capacity, 2 contract demand, 3 actual demand, 4 exempt"
    )
    contract_kw = serializers.IntegerField(allow_null=True)
    is_now = serializers.BooleanField()
    periods_from = serializers.CharField(help_text="meter, or an estimate from curve or other-days")
    total_fen = serializers.IntegerField()
    month_fen = serializers.ListField(child=serializers.IntegerField())
    why_not = serializers.CharField(allow_blank=True)
    missing = serializers.ListField(child=serializers.IntegerField(), help_text="cycles that are not known")


class MonthOut(serializers.Serializer[Any]):
    """One bill that is compared."""

    cycle = serializers.IntegerField()
    bill_no = serializers.CharField()
    energy_kwh_e2 = serializers.IntegerField()
    total_fen = serializers.IntegerField()
    demand_kw_e4 = serializers.IntegerField(allow_null=True)


class UnreproducedBillOut(serializers.Serializer[Any]):
    """A bill that its own tariff does not give again, and by how much."""

    bill_no = serializers.CharField()
    cycle = serializers.IntegerField()
    why = serializers.CharField()
    differs_fen = serializers.IntegerField()


class MonthlyValueOut(serializers.Serializer[Any]):
    """The contract value that would have been best for one month alone."""

    cycle = serializers.IntegerField()
    demand_kw_e4 = serializers.IntegerField()
    kw = serializers.IntegerField()
    fen = serializers.IntegerField()


class StepOut(serializers.Serializer[Any]):
    """Reactive compensation up to a power factor."""

    power_factor_e2 = serializers.IntegerField()
    kvar = serializers.IntegerField()
    cost_fen = serializers.IntegerField()
    saves_fen = serializers.IntegerField()
    pays_back_months = serializers.IntegerField()


class SuspensionOut(serializers.Serializer[Any]):
    """Transformers that could have stood still."""

    sealed_kva_e2 = serializers.ListField(child=serializers.IntegerField())
    cycles = serializers.ListField(child=serializers.IntegerField())
    saves_fen = serializers.IntegerField()


class LeversOut(serializers.Serializer[Any]):
    """What other use would have saved over the months compared."""

    shift_percent = serializers.IntegerField()
    shift_saves_fen = serializers.IntegerField(allow_null=True)
    compensation = StepOut(many=True)
    idle_kva = serializers.IntegerField(allow_null=True)
    suspension = SuspensionOut(allow_null=True)
    household_people = serializers.IntegerField()
    household_saves_fen = serializers.IntegerField()


class WhatIfOut(serializers.Serializer[Any]):
    """The months with other energy under an option."""

    plan = serializers.CharField(source="plan.key")
    total_fen = serializers.IntegerField()
    month_fen = serializers.ListField(child=serializers.IntegerField())
    billed_fen = serializers.IntegerField()


class MarketWayOut(serializers.Serializer[Any]):
    """One way of buying; `month_fen` is empty and `missing` names the cycles where it cannot be priced."""

    key = serializers.CharField(help_text="now, agent, or the package's id")
    seller = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(allow_blank=True)
    is_now = serializers.BooleanField()
    is_provisional = serializers.BooleanField(help_text="priced only with the settlement; reckoned by its terms")
    total_fen = serializers.IntegerField()
    month_fen = serializers.ListField(child=serializers.IntegerField())
    missing = serializers.ListField(child=serializers.IntegerField())


class AssumedOut(serializers.Serializer[Any]):
    """A month without a published table, and the month whose table it is reckoned by."""

    cycle = serializers.IntegerField(source="0")
    table_month = serializers.IntegerField(source="1")


class MarketOut(serializers.Serializer[Any]):
    """The ways of buying, cheapest first."""

    cycles = serializers.ListField(child=serializers.IntegerField())
    ways = MarketWayOut(many=True)
    unknown = MarketWayOut(many=True)
    assumed = AssumedOut(many=True)


class AdviceOut(serializers.Serializer[Any]):
    """The options, cheapest first, over the bills of the last twelve months."""

    months = MonthOut(many=True)
    left_out = UnreproducedBillOut(many=True)
    options = OptionOut(many=True)
    unknown = OptionOut(many=True)
    saves_fen = serializers.IntegerField()
    by_month = MonthlyValueOut(many=True)
    levers = LeversOut(allow_null=True)
    what_if = WhatIfOut(allow_null=True)
    market = MarketOut(allow_null=True, help_text="of commerce and industry, where a month's table is published")
    kind_from = serializers.DateField()
    value_from = serializers.DateField()
    is_demonstration = serializers.BooleanField(help_text="prices are for demonstration only")
    sources = serializers.ListField(child=serializers.CharField(), source="terms.sources")


class AccountAdvice(APIView):
    """GET /api/v1/accounts/<account_no>/advice/"""

    permission_classes = [needs("cis.view_customer")]

    @extend_schema(operation_id="accounts_advice", parameters=[AdviceInput], responses=AdviceOut)
    def get(self, request: Request, account_no: str) -> Response:
        """What the account would have paid in every other way it may choose."""
        asked = AdviceInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        account_id = account_id_of(account_no)
        saw(request, record_of(account_id))
        typed = asked.validated_data | {"transformers_kva": tuple(asked.validated_data["transformers_kva"])}
        found = advise(account_id, today=timezone.localdate(), asked=Asked(**typed))
        return Response(AdviceOut(found).data)
