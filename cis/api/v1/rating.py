"""Rating previews: what a bill, a correction or a late fee would be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.operations.previews import preview_rating, read_document
from config.shared.permissions import needs


class PreviewLineOut(serializers.Serializer[Any]):
    """quantity x unit_price x factor = amount, rounded half-up to the fen; texts, so that nothing is lost."""

    code = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    unit_price = serializers.CharField()
    amount = serializers.CharField()
    factor = serializers.CharField(required=False)
    legal_basis = serializers.CharField(required=False)


class PreviewOut(serializers.Serializer[Any]):
    """The lines and their sum in yuan; `settlement` is what was fed in, a payable of its own."""

    schema_version = serializers.CharField()
    quantities = serializers.DictField(child=serializers.CharField())
    lines = PreviewLineOut(many=True)
    total = serializers.CharField()
    settlement = serializers.DictField(child=serializers.CharField(), required=False)


class DocumentParser(JSONParser):
    """JSON whose numbers keep every digit and in which no name may stand twice."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The document; raises ParseError, CannotBeRated."""
        try:
            return read_document(stream.read())
        except ValueError as wrong:
            raise ParseError(f"JSON parse error - {wrong}") from wrong


class RatingPreview(APIView):
    """/api/v1/rating/preview"""

    parser_classes = [DocumentParser]
    permission_classes = [needs("cis.preview_rating")]

    @extend_schema(
        operation_id="rating_preview",
        request=OpenApiTypes.OBJECT,
        responses=PreviewOut,
        description="One document of docs/rating-preview.schema.json. Nothing is written.",
    )
    def post(self, request: Request) -> Response:
        """Rate one document under the tariffs in force on its first day."""
        return Response(preview_rating(document=request.data, today=timezone.localdate()))
