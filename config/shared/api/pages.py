"""Lists by key: `limit` and a cursor in, rows and the next cursor out."""

from __future__ import annotations

from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

Row = TypeVar("Row")
MAX_LIMIT = 200


class PageInput(serializers.Serializer[Any]):
    """What every list takes."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=50)
    before = serializers.IntegerField(min_value=1, required=False, default=None, allow_null=True)


PAGE_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {MAX_LIMIT}; 50 unless told."),
    OpenApiParameter("before", OpenApiTypes.INT, description="`next` of the page before."),
]
