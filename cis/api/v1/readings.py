"""Readings over the API: send a file, see what became of it, fetch the rejected rows."""

from __future__ import annotations

import tempfile
from typing import Any, cast

from django.conf import settings
from django.http import StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cis.operations.reading_imports import import_readings
from cis.queries import readings as queries
from config.shared.errors import BadInput
from config.shared.permissions import needs, scope_of

_KEPT_IN_MEMORY = 1024 * 1024


class _FileBody(BaseParser):
    """The body of the request is the file; it is received into a temporary one, whatever its size."""

    file_name = ""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """The file, under the name that a form would give it."""
        received = tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY)
        while block := stream.read(_KEPT_IN_MEMORY):
            received.write(block)
        received.seek(0)
        return {"file": received, "file_name": self.file_name}


class CsvBody(_FileBody):
    """`Content-Type: text/csv`."""

    media_type = "text/csv"
    file_name = "body.csv"


class ParquetBody(_FileBody):
    """`Content-Type: application/vnd.apache.parquet`."""

    media_type = "application/vnd.apache.parquet"
    file_name = "body.parquet"


class ImportInput(serializers.Serializer[Any]):
    """A form with the file; `all_or_nothing` may also stand in the address."""

    file = serializers.FileField()
    all_or_nothing = serializers.BooleanField(default=False)


class ImportOut(serializers.Serializer[Any]):
    """One import and its counts."""

    import_id = serializers.IntegerField()
    file_name = serializers.CharField()
    layout = serializers.CharField()
    all_or_nothing = serializers.BooleanField()
    state = serializers.CharField()
    rows = serializers.IntegerField()
    landed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    late = serializers.IntegerField()
    doubtful = serializers.IntegerField()
    message = serializers.CharField()
    digest = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ImportResultOut(serializers.Serializer[Any]):
    """What became of a file just sent; rows that were stored before count as unchanged."""

    import_id = serializers.IntegerField()
    state = serializers.CharField()
    layout = serializers.CharField()
    rows = serializers.IntegerField()
    landed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    late = serializers.IntegerField(help_text="rows that say something else than what was billed")
    corrected = serializers.IntegerField(help_text="of these, settled at once; the others wait for a person")
    accepted = serializers.IntegerField()
    doubtful = serializers.IntegerField()
    validation_job_id = serializers.IntegerField(allow_null=True)


class ReadingImports(APIView):
    """POST /api/v1/reading-imports/"""

    permission_classes = (needs("cis.import_readings"),)
    parser_classes = (MultiPartParser, CsvBody, ParquetBody)

    @extend_schema(
        request={"multipart/form-data": ImportInput, "text/csv": OpenApiTypes.BINARY},
        responses={201: ImportResultOut},
    )
    def post(self, request: Request) -> Response:
        """Take in a file. The same file again changes nothing; a refused one lands nothing and says why."""
        sent = cast(dict[str, Any], request.data)
        file = sent.get("file")
        if file is None or isinstance(file, str):
            raise BadInput(_("请在 file 字段附上文件。"), errors=[{"pointer": "/file", "code": "required"}])
        flag = request.query_params.get("all_or_nothing", sent.get("all_or_nothing", ""))
        result = import_readings(
            stream=file,
            file_name=sent.get("file_name") or getattr(file, "name", "") or "upload",
            all_or_nothing=str(flag).lower() in {"1", "true", "on", "yes"},
            created_by_id=request.user.pk,
            at=timezone.now(),
            validate_at_once_up_to=settings.READINGS_VALIDATED_AT_ONCE,
        )
        return Response(ImportResultOut(result).data, status=status.HTTP_201_CREATED)


class ReadingImportDetail(APIView):
    """GET /api/v1/reading-imports/<import_id>/"""

    permission_classes = (needs("cis.import_readings"),)

    @extend_schema(responses=ImportOut)
    def get(self, request: Request, import_id: int) -> Response:
        """One import and its counts."""
        within = scope_of(request.user, "cis.import_readings")
        return Response(ImportOut(queries.get_import(import_id, within=within)).data)


class CsvAnswer(BaseRenderer):
    """Lets callers ask for `text/csv`; the view streams by itself."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Only reached by a problem: its title."""
        return str(data.get("title", "") if isinstance(data, dict) else data).encode()


class ReadingImportRejects(APIView):
    """GET /api/v1/reading-imports/<import_id>/rejects.csv"""

    permission_classes = (needs("cis.import_readings"),)
    renderer_classes = (JSONRenderer, CsvAnswer)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, import_id: int) -> StreamingHttpResponse:
        """The rejected rows as a file: line, code, reason, the row as it stood."""
        found = queries.get_import(import_id, within=scope_of(request.user, "cis.import_readings"))
        response = StreamingHttpResponse(queries.rejects_file(found.import_id), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="rejects-{import_id}.csv"'
        return response


urlpatterns = [
    path("", ReadingImports.as_view(), name="api_reading_imports"),
    path("<int:import_id>/", ReadingImportDetail.as_view(), name="api_reading_import"),
    path("<int:import_id>/rejects.csv", ReadingImportRejects.as_view(), name="api_reading_rejects"),
]
