"""Files of readings in the console: the page they are handed in at, and what became of each."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.reading_imports import ImportRefused, import_readings
from cis.queries import readings as queries
from config.shared.errors import Refused
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires

_IMPORTS = 30


class UploadForm(forms.Form):
    """The file, and what happens to the good rows when some are bad."""

    file = forms.FileField(
        label=gettext_lazy("示数文件"),
        help_text=gettext_lazy("CSV（UTF-8 或 GB18030）或 Parquet；重复上传不会重复入库。"),
    )
    all_or_nothing = forms.BooleanField(
        label=gettext_lazy("有一行不合格就整个文件不导入"), required=False, initial=False
    )


# --- Imports --------------------------------------------------------------------------------


@requires("cis.import_readings")
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Upload a file; imports so far, newest first."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            result = import_readings(
                stream=file,
                file_name=file.name,
                all_or_nothing=form.cleaned_data["all_or_nothing"],
                created_by_id=staff_of(request).pk,
                at=timezone.now(),
                validate_at_once_up_to=settings.READINGS_VALIDATED_AT_ONCE,
            )
            return redirect("cis:reading_import", import_id=result.import_id)
        except ImportRefused as refusal:
            refused = refusal
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = queries.list_imports(limit=_IMPORTS + 1, before=start, within=_import_scope(request))
    context = {
        "form": form,
        "refused": refused,
        "refused_import_id": refused.facts.get("import_id") if refused else None,
        "imports": rows[:_IMPORTS],
        "next_url": f"?before={rows[_IMPORTS - 1].import_id}" if len(rows) > _IMPORTS else "",
    }
    status = 422 if refused or form.errors else 200
    return render(request, "cis/readings/imports.html", context, status=status)


@requires("cis.import_readings")
@require_safe
def import_result(request: HttpRequest, import_id: int) -> HttpResponse:
    """What became of one file."""
    entry = queries.get_import(import_id, within=_import_scope(request))
    rejects = queries.list_rejects(import_id=import_id) if entry.rejected else []
    return render(request, "cis/readings/import.html", {"entry": entry, "rejects": rejects})


@requires("cis.import_readings")
@require_safe
def import_rejects(request: HttpRequest, import_id: int) -> StreamingHttpResponse:
    """The rejected rows as a file, to be mended and sent again."""
    entry = queries.get_import(import_id, within=_import_scope(request))
    response = StreamingHttpResponse(queries.rejects_file(entry.import_id), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejects-{import_id}.csv"'
    return response


@requires("cis.import_readings")
@require_safe
def import_file(request: HttpRequest, import_id: int) -> FileResponse:
    """The file as it was handed over."""
    name, kept = queries.open_import_file(import_id, within=_import_scope(request))
    return FileResponse(kept, as_attachment=True, filename=name)


def _import_scope(request: HttpRequest) -> list[str]:
    """Whose imports the user may see."""
    return scope_of(staff_of(request), "cis.import_readings")
