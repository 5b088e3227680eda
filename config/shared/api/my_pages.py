"""Pages of lists for customers' apps: a cursor in, some rows and the next cursor out; never all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

Row = TypeVar("Row")
MAX_LIMIT = 50
USUAL_LIMIT = 20


class Cursor(serializers.CharField):
    """Where a page goes on; what it holds is nobody's business but ours."""

    def to_internal_value(self, data: Any) -> Any:
        """The key of the row before."""
        text = super().to_internal_value(data)
        if not (text.startswith("c") and text[1:].isdecimal() and text.isascii() and len(text) < 20):
            raise serializers.ValidationError(_("请用上一页给出的 next_cursor。"))
        return int(text[1:])


class CursorInput(serializers.Serializer[Any]):
    """What every list takes."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=USUAL_LIMIT)
    cursor = Cursor(required=False, default=None, allow_null=True)


CURSOR_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {MAX_LIMIT}; {USUAL_LIMIT} unless told."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="`next_cursor` of the page before."),
]


def cut(rows: Sequence[Row], limit: int, key_of: Callable[[Row], int]) -> dict[str, Any]:
    """A page of rows of which one more was read than is shown, and where the next one goes on."""
    shown = rows[:limit]
    return {"results": shown, "next_cursor": f"c{key_of(shown[-1])}" if len(rows) > limit else None}
